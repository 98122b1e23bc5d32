"""What matches what, told before any work starts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict

import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnet import _checks
from grnet.grn import GRN
from grnet.io.tfs import read_tfs
from grnet.pp._matrix import matrix_of, place, scale_of
from grnet.pp._names import diagnose, kind_of, unexplained

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from anndata import AnnData

GENES_OF_A_GENOME = 20_000
FEW_CELLS = 30
EDGE_ENDS = ("source", "target")

Edges = pd.DataFrame | GRN | str | Path
Status = Literal["ok", "warning", "error"]


class Row(TypedDict):
    """One line of the report."""

    what: str
    status: Status
    given: int
    matched: int
    percent: float
    examples_matched: str
    examples_unmatched: str
    note: str


def check(
    adata: AnnData,
    *,
    tfs: str | Path | Iterable[str] | None = None,
    prior: Edges | None = None,
    truth: Edges | None = None,
    min_matched: float = 0.1,
    layer: str | None = None,
) -> pd.DataFrame:
    """Report what matches what: names of regulators, prior and truth against the genes measured.

    Parameters
    ----------
    adata
        Cells x genes.
    tfs
        Regulators: ``"human"``, ``"mouse"``, ``"yeast"``, a file, or names.
    prior, truth
        Edges: a frame or csv/tsv file with columns ``source, target``, or a :class:`grnet.GRN`.
    min_matched
        Least share to be found, of the names that a matrix of this many genes can be expected to
        hold: all given, times genes / 20,000 (a genome) where fewer are measured. 0 never raises.
    layer
        Matrix to look at; None for ``X``.

    Returns
    -------
    One row per thing checked: ``what, status ("ok", "warning", "error"), given, matched, percent,
    examples_matched, examples_unmatched, note``. The note tells the cause and the fix: ids against
    symbols, versions, case, species, duplicates, orientation, empty genes, NaN, raw counts.

    Raises
    ------
    ValueError
        If too few names match, with examples of both sides and the fix.

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    >>> report = gn.pp.check(adata, tfs=["TF1", "TF2", "SPI1"]).set_index("what")
    >>> report.loc["tfs", "examples_matched"], report.loc["tfs", "examples_unmatched"]
    ("'TF1', 'TF2'", "'SPI1'")
    """
    _checks.in_range(min_matched, 0.0, 1.0, what="min_matched")
    rows = list(_matrix_rows(adata, layer))
    if tfs is not None:
        rows.append(_names_row(adata, "tfs", pd.Index(read_tfs(tfs)), min_matched=min_matched))
    for what, edges in (("prior", prior), ("truth", truth)):
        if edges is not None:
            ends = _edge_ends(edges, what)
            rows.extend(_edge_rows(adata, what, ends, min_matched=min_matched))
    report = pd.DataFrame(rows)
    _raise_unmatched(report)
    return report


def _raise_unmatched(report: pd.DataFrame) -> None:
    unmatched = report.loc[
        (report["status"] == "error") & report["what"].str.match("tfs|prior|truth")
    ]
    if len(unmatched):
        rows = unmatched.to_dict("records")
        raise ValueError("\n".join(_explained(row) for row in rows))


def _explained(row: dict[Any, Any]) -> str:
    return (
        f"Only {row['matched']:,} of {row['given']:,} {row['what']} ({row['percent']:.1f} %) are "
        f"among the genes; not found: {row['examples_unmatched']}. {row['note']}"
    )


def _row(
    what: str, names: pd.Index, found: np.ndarray[Any, Any], *, status: Status, note: str
) -> Row:
    return {
        "what": what,
        "status": status,
        "given": len(names),
        "matched": int(found.sum()),
        "percent": round(100.0 * float(found.mean()), 2) if len(names) else 0.0,
        "examples_matched": _checks.examples(names[found]),
        "examples_unmatched": _checks.examples(names[~found]),
        "note": note,
    }


def _names_row(adata: AnnData, what: str, names: pd.Index, *, min_matched: float) -> Row:
    """Compare names with the genes, and find out why some are missing."""
    names = names.astype(str).unique()
    genes = adata.var_names.astype(str)
    found = np.asarray(names.isin(genes), dtype=bool)
    if found.all() and len(names):
        return _row(what, names, found, status="ok", note="")
    expected = max(1.0, len(names) * min(1.0, adata.n_vars / GENES_OF_A_GENOME))
    too_few = len(names) == 0 or found.sum() < min_matched * expected
    variable = what if what == "tfs" else "{}[{!r}]".format(*what.split())
    better = diagnose(names, adata, variable)
    if better is not None:
        note = f"{better.matched:,} match if changed: {better.cause}. Fix: {better.fix}."
    elif too_few:
        note = unexplained(names, genes)
    else:
        note = "the others are not measured here"
    if too_few:
        note = f"Genes are named like {_checks.examples(genes)}. {note}"
    usual = better is None and found.sum() >= 0.25 * expected
    status: Status = "error" if too_few else "ok" if usual else "warning"
    return _row(what, names, found, status=status, note=note)


def _edge_ends(edges: Edges, what: str) -> pd.DataFrame:
    """Return the columns source and target as text, unique."""
    if isinstance(edges, GRN):
        edges = edges.edges
    elif not isinstance(edges, pd.DataFrame):
        path = Path(edges)
        if not path.is_file():
            message = f"{what}: no file {path}. Give a csv or tsv file, a frame or a GRN."
            raise FileNotFoundError(message)
        is_tsv = path.name.removesuffix(".gz").endswith((".tsv", ".txt"))
        edges = pd.read_csv(path, sep="\t" if is_tsv else ",")
    _checks.has_columns(edges, EDGE_ENDS, f"the table of edges given as {what}")
    return edges[list(EDGE_ENDS)].astype(str).drop_duplicates()


def _edge_rows(
    adata: AnnData, what: str, edges: pd.DataFrame, *, min_matched: float
) -> Iterator[Row]:
    for end in EDGE_ENDS:
        yield _names_row(adata, f"{what} {end}", pd.Index(edges[end]), min_matched=min_matched)
    genes = adata.var_names
    found = edges["source"].isin(genes) & edges["target"].isin(genes)
    pairs = pd.Index(edges["source"] + " -> " + edges["target"])
    own = int((edges["source"] == edges["target"]).sum())
    note = "" if found.any() else "No edge has both ends among the genes measured."
    if own:
        note = f"{note} {own} self edges are never candidates.".strip()
    status: Status = "ok" if found.any() else ("error" if min_matched > 0 else "warning")
    yield _row(f"{what} edges", pairs, found.to_numpy(), status=status, note=note)


def _matrix_rows(adata: AnnData, layer: str | None) -> Iterator[Row]:
    """Describe the matrix itself."""
    matrix = matrix_of(adata, layer)
    genes, cells = adata.var_names.astype(str), adata.obs_names.astype(str)
    yield _cells_row(adata, cells)
    yield _orientation_row(genes, cells)
    first = np.asarray(~genes.duplicated(), dtype=bool)
    note = (
        ""
        if first.all()
        else (
            "Duplicated gene names: add up or drop them. adata.var_names_make_unique() renames "
            "them, and the renamed ones match nothing."
        )
    )
    yield _row(
        "unique gene names", genes, first, status="ok" if first.all() else "error", note=note
    )
    finite, expressed = _per_gene(matrix)
    note = "" if finite.all() else "NaN or infinite values: drop these genes or impute the values."
    yield _row("finite genes", genes, finite, status="ok" if finite.all() else "error", note=note)
    note = "" if expressed.all() else "Genes without a value: gn.pp.filter(adata, min_cells=3)."
    status: Status = "ok" if expressed.all() else "warning"
    yield _row("expressed genes", genes, expressed, status=status, note=note)
    yield _scale_row(matrix, genes, where=place(layer), is_finite=bool(finite.all()))


def _cells_row(adata: AnnData, cells: pd.Index) -> Row:
    unique = np.asarray(~cells.duplicated(), dtype=bool)
    notes = []
    if adata.n_obs < FEW_CELLS:
        notes.append(f"{adata.n_obs} cells are few: networks of fewer than {FEW_CELLS} are noise.")
    if not unique.all():
        notes.append("Duplicated cell names: adata.obs_names_make_unique().")
    status: Status = "warning" if notes else "ok"
    return _row("cells", cells, unique, status=status, note=" ".join(notes))


def _orientation_row(genes: pd.Index, cells: pd.Index) -> Row:
    """Ids on the rows and none on the columns: the table lies on its side."""
    on_rows, on_columns = kind_of(cells), kind_of(genes)
    turned = on_rows in ("Ensembl ids", "systematic names") and on_columns != on_rows
    note = f"genes are {on_columns}"
    if turned:
        note = f"The rows are named like genes ({_checks.examples(cells)}): adata = adata.T."
    found = np.full(len(genes), not turned)
    return _row("genes on columns", genes, found, status="error" if turned else "ok", note=note)


def _per_gene(matrix: Any) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:  # noqa: ANN401
    """Return which genes are finite everywhere and which have a value at all."""
    if sp.issparse(matrix):
        rows = matrix.tocsr()
        finite, expressed = (
            np.ones(matrix.shape[1], dtype=bool),
            np.zeros(matrix.shape[1], dtype=bool),
        )
        finite[rows.indices[~np.isfinite(rows.data)]] = False
        expressed[rows.indices[rows.data != 0]] = True
        return finite, expressed
    values = np.asarray(matrix)
    return np.isfinite(values).all(axis=0), (values != 0).any(axis=0)


def _scale_row(
    matrix: Any,  # noqa: ANN401
    genes: pd.Index,
    *,
    where: str,
    is_finite: bool,
) -> Row:
    notes = {
        "counts": f"{where} holds raw counts: gn.pp.normalize(adata) before inference.",
        "normalized": f"{where} is not logarithmic: sc.pp.log1p(adata) before inference.",
        "log": f"{where} looks log-normalised",
        "scaled": f"{where} has negative values: centred values or log ratios, taken as they are",
        "unknown": "not judged, with values that are not finite",
    }
    scale = scale_of(matrix) if is_finite else "unknown"
    suits = np.full(len(genes), scale in ("log", "scaled"))
    status: Status = "ok" if suits.all() else "warning"
    return _row("log-normalised", genes, suits, status=status, note=notes[scale])
