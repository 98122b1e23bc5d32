"""Networks in and out of files, by the ending of the name."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from grnet import _checks
from grnet.io._atomic import replacing
from grnet.io.networks import _cx2, _cyjs, _graphml, _html, _links, _reduce, _sif, _style, _tables
from grnet.io.networks._assemble import assembled

if TYPE_CHECKING:
    from grnet.grn import GRN
    from grnet.io.networks._records import Parts

PathLike = str | Path


def write_network(grn: GRN, path: PathLike, *, keep_isolated: bool = False) -> Path:
    """Write a network in the format that the ending of the name asks for.

    Parameters
    ----------
    grn
        The network.
    path
        ``.tsv``, ``.csv`` (or ``.tsv.gz``, ``.csv.gz``): the edges alone. ``.parquet``: all of it,
        fast. ``.cx2``: Cytoscape and NDEx, with a visual style and coordinates. ``.graphml``:
        Cytoscape, Gephi, igraph, networkx. ``.cyjs``, ``.json``: cytoscape.js. ``.sif``: with the
        tables ``<stem>.edges.tsv`` and ``<stem>.nodes.tsv`` beside it. ``.html``: see
        :func:`write_html`. A missing folder is made.
    keep_isolated
        Whether nodes without an edge are written, where the format holds nodes.

    Returns
    -------
    The path written.

    Raises
    ------
    ValueError
        If the ending is unknown, the network has no edges, or the format cannot hold it.

    Notes
    -----
    Graph files hold one attribute more, ``interaction`` (activates, represses, regulates), and
    leave out missing values. ``grn.evidence`` goes beside the file, as ``<stem>.evidence.tsv``.

    Examples
    --------
    >>> import tempfile
    >>> import grnet as gn
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = gn.io.write_network(gn.datasets.example_network(), f"{folder}/net.graphml")
    ...     len(gn.io.read_network(path))
    12
    """
    path = Path(path)
    write = _WRITERS[_ending(path, _WRITERS)]
    write(_written(grn, path, keep_isolated=keep_isolated), path)
    _write_evidence(grn, path)
    return path


def write_cx2(grn: GRN, path: PathLike, *, max_edges: int | None = None) -> Path:
    """Write a network for Cytoscape: CX2 with a visual style and coordinates.

    Diamonds are regulators, ellipses other genes; colour and arrow tell activation (blue, arrow)
    from repression (vermilion, T); width is ``|weight|``.

    Parameters
    ----------
    grn
        The network.
    path
        Where to write; the name should end in ``.cx2``.
    max_edges
        Write the strongest edges only, and the full tables beside the file. Cytoscape draws up to
        some 5,000 edges with ease.

    Returns
    -------
    The path written.

    Examples
    --------
    >>> import tempfile
    >>> import grnet as gn
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     gn.io.write_cx2(gn.datasets.example_network(), f"{folder}/net.cx2").name
    'net.cx2'
    """
    path = Path(path)
    shown = _written(grn, path)
    if max_edges is not None and len(grn) > max_edges:
        _sif.write_attributes(shown, path)
        told = _style.with_effect(shown.edges, shown.params)
        shown = replace(shown, edges=told).top(max_edges).drop_isolated()
    _write_cx2(shown, path)
    _write_evidence(grn, path)
    return path


def write_html(
    grn: GRN,
    path: PathLike,
    *,
    max_edges: int = 500,
    node: str | None = None,
    radius: int = 1,
    reduce: Literal["top", "core"] = "top",
    title: str | None = None,
    dossiers: _links.Dossiers | None = None,
) -> Path:
    """Write one page that shows the network in any browser, without a connection or a server.

    It has search, zoom, a filter by weight, the neighbourhood and the targets of the node clicked
    on, all details of the edge clicked on, a legend and a table.

    Parameters
    ----------
    grn
        The network.
    path
        Where to write; the name should end in ``.html``.
    max_edges
        How many edges the page shows at most. If the network has more, the page says so and the
        full tables ``<stem>.edges.tsv`` and ``<stem>.nodes.tsv`` are written beside it.
    node, radius
        Show the neighbourhood of this node instead of the whole network.
    reduce
        Which edges stay: ``"top"`` the strongest, ``"core"`` those of the innermost k-cores.
    title
        Headline; by default the name of the file.
    dossiers
        From ``(source, target)`` or ``(source, target, context)`` to the page of its dossier, as a
        path relative to this page: what ``gn.explain.write_dossiers`` returns. Such edges have a
        halo, and a click on one shows the link; pairs without an edge here are listed.

    Returns
    -------
    The path written.

    Raises
    ------
    ValueError
        If the network has no edges, the node is unknown, or a dossier is no relative path.

    Examples
    --------
    >>> import tempfile
    >>> import grnet as gn
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     gn.io.write_html(gn.datasets.example_network(), f"{folder}/net.html").name
    'net.html'
    """
    path = Path(path)
    whole = _written(grn, path)
    _checks.one_of(reduce, ("top", "core"), "reduce")
    _checks.whole(max_edges, 1, 5_000, what="max_edges")
    hrefs = _links.as_hrefs(dossiers or {})
    if node is not None:
        shown = _reduce.ego(whole, node, radius=radius, max_edges=max_edges)
    elif reduce == "core":
        shown = _reduce.core(whole, max_edges=max_edges)
    else:
        shown = whole.top(max_edges).drop_isolated()
    table = _sif.write_attributes(whole, path) if len(shown) < len(whole) else None
    how = "the strongest" if reduce == "top" else "those of the densest core"
    page = _html.page(
        shown,
        whole,
        title=title or path.stem,
        how=f"the neighbourhood of {node}" if node is not None else how,
        table=table.name if table is not None else None,
        hrefs=hrefs,
    )
    with replacing(path) as part:
        part.write_text(page, encoding="utf-8")
    _write_evidence(grn, path)
    return path


def read_network(
    path: PathLike,
    *,
    columns: Mapping[str, str] | Sequence[str] | None = None,
    weight: float | None = None,
) -> GRN:
    r"""Read a network in the format that the ending of the name tells.

    Parameters
    ----------
    path
        A file that :func:`write_network` writes (evidence beside it is read too), or one from
        elsewhere: a table with a line per edge, a Cytoscape export (CX2, cytoscape.js), a directed
        GraphML.
    columns
        New names of columns, e.g. ``{"TF": "source", "importance": "weight"}``; or, for a text
        table without a header, the list of its columns.
    weight
        Weight of every edge, for files that hold none.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the ending is unknown, the file is damaged, or it is no table of edges.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import grnet as gn
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "adjacencies.csv")
    ...     _ = path.write_text("TF,target,importance\nA,B,2.5\n")
    ...     gn.io.read_network(path, columns={"TF": "source", "importance": "weight"}).genes
    ['A', 'B']
    """
    path = Path(path)
    read = _READERS[_ending(path, _READERS)]
    if not path.is_file():
        message = f"There is no file {path}. Check the name and the folder."
        raise FileNotFoundError(message)
    grn = assembled(_read(read, path, columns=columns), path, weight=weight)
    table = _evidence_beside(path)
    return replace(grn, evidence=_tables.read_text(table)) if table.is_file() else grn


def _read(read: Callable[[Path], Parts], path: Path, *, columns: _tables.Columns) -> Parts:
    """Read a file and rename its columns; those of a text table as it is read."""
    if read is _tables.read_table:
        return _tables.read_table(path, columns=columns)
    parts = read(path)
    if columns is None:
        return parts
    if not isinstance(columns, Mapping):
        message = (
            f"columns is a list, which is for text tables without a header, but {path.name} names "
            "its columns: pass a dictionary {old name: new name}, or nothing."
        )
        raise TypeError(message)
    names = _tables.renamed(list(parts.edges.columns), columns, path)
    return parts._replace(edges=parts.edges.set_axis(names, axis=1))


def _written(grn: GRN, path: Path, *, keep_isolated: bool = False) -> GRN:
    """Return the network as files hold it."""
    if not len(grn):
        message = f"The network has no edges, so {path} was not written: loosen the filter."
        raise ValueError(message)
    isolated = (grn.nodes[["out_degree", "in_degree"]] == 0).all(axis=1).any()
    return grn.drop_isolated() if isolated and not keep_isolated else grn


def _write_evidence(grn: GRN, path: Path) -> None:
    """Write the evidence beside the network; that of an older network of this name goes."""
    table = _evidence_beside(path)
    if grn.evidence is None:
        table.unlink(missing_ok=True)
    else:
        _tables.write_text(grn.evidence, table)


def _evidence_beside(path: Path) -> Path:
    """Return ``net.evidence.tsv`` for ``net.cx2`` and ``net.csv.gz`` alike."""
    return path.with_name(path.name.removesuffix(".gz")).with_suffix(".evidence.tsv")


def _ending(path: Path, choices: Mapping[str, Any]) -> str:
    name = path.name.lower()
    for ending in choices:
        if name.endswith(ending):
            return ending
    message = (
        f"{path.name!r} does not end like a network file: expected one of {', '.join(choices)}."
    )
    raise ValueError(message)


def _write_cx2(grn: GRN, path: Path) -> None:
    _write_json(_cx2.to_cx2(grn, name=path.stem), path)


def _write_cyjs(grn: GRN, path: Path) -> None:
    _write_json(_cyjs.to_cyjs(grn, name=path.stem), path)


def _write_html(grn: GRN, path: Path) -> None:
    write_html(grn, path)


def _write_json(held: object, path: Path) -> None:
    with replacing(path) as part, part.open("w", encoding="utf-8") as file:
        json.dump(held, file, ensure_ascii=False, allow_nan=False, default=_tables.plain)


def _read_json(path: Path) -> Parts:
    """Read CX2 (a list of aspects) or cytoscape.js JSON (an object)."""
    try:
        held = json.loads(path.read_text(encoding="utf-8-sig"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        message = f"{path} is not JSON: {error}. It is damaged or cut: write or export it again."
        raise ValueError(message) from error
    try:
        if isinstance(held, list):
            return _cx2.from_cx2(held, name=path.stem)
        return _cyjs.from_cyjs(held, name=path.stem)
    except (KeyError, AttributeError, TypeError) as error:
        message = f"{path} is not a network as Cytoscape writes it: {error!r}. Export it again."
        raise ValueError(message) from error
    except ValueError as error:
        message = f"{path}: {error}"
        raise ValueError(message) from error


_READERS: dict[str, Callable[[Path], Parts]] = {
    ".tsv": _tables.read_table,
    ".tsv.gz": _tables.read_table,
    ".csv": _tables.read_table,
    ".csv.gz": _tables.read_table,
    ".txt": _tables.read_table,
    ".parquet": _tables.read_parquet,
    ".sif": _sif.read_sif,
    ".graphml": _graphml.read_graphml,
    ".cx2": _read_json,
    ".cyjs": _read_json,
    ".json": _read_json,
}
_WRITERS: dict[str, Callable[[GRN, Path], None]] = {
    ".tsv": _tables.write_table,
    ".tsv.gz": _tables.write_table,
    ".csv": _tables.write_table,
    ".csv.gz": _tables.write_table,
    ".parquet": _tables.write_parquet,
    ".sif": _sif.write_sif,
    ".graphml": _graphml.write_graphml,
    ".cx2": _write_cx2,
    ".cyjs": _write_cyjs,
    ".json": _write_cyjs,
    ".html": _write_html,
}
