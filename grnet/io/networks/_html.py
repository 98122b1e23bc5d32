"""The page that shows a network: data, style, script and drawing library in one file."""

from __future__ import annotations

import html
import importlib.util
import json
from importlib import resources
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from grnet.io.networks import _layout, _links, _style
from grnet.io.networks._records import json_params, records

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grnet.grn import GRN

Json = dict[str, Any]

_LIBRARY = ("lib", "vis-9.1.2", "vis-network.min.js")


def page(
    shown: GRN,
    whole: GRN,
    *,
    title: str,
    how: str,
    table: str | None,
    hrefs: Mapping[tuple[str, ...], str],
) -> str:
    """Return the page as text.

    ``how`` says which edges are ``shown`` of the ``whole`` network, ``table`` is the name of the
    file that holds them all, or None if nothing was left out; ``hrefs`` leads from pairs to the
    pages of their dossiers.
    """
    data = {
        "title": title,
        "how": how,
        "table": table,
        "total": {"edges": len(whole), "nodes": len(whole.nodes)},
        "params": {
            key: f"{value:.4g}" if isinstance(value, float) else str(value)
            for key, value in json_params(whole.params).items()
        },
        "colours": {
            **_style.EDGE_COLOUR,
            "tf": _style.TF_FILL,
            "gene": _style.GENE_FILL,
            "border": _style.BORDER,
            "ink": _style.INK,
            "dossier": _style.HALO,
        },
        "columns": [column for column in shown.edges if column not in {"source", "target"}],
        "nodes": _nodes(shown, whole),
        "edges": _edges(shown, whole, hrefs),
        "unlinked": _links.without_edge(shown, hrefs),
    }
    parts = resources.files("grnet.io.networks").joinpath("page")
    return Template(parts.joinpath("page.html").read_text(encoding="utf-8")).substitute(
        title=html.escape(title),
        style=parts.joinpath("page.css").read_text(encoding="utf-8"),
        script=parts.joinpath("page.js").read_text(encoding="utf-8"),
        library=_library(),
        data=_in_script(data),
    )


def _nodes(shown: GRN, whole: GRN) -> list[Json]:
    """Return the nodes with coordinates; degrees are those in the whole network."""
    width = _style.node_width(shown.nodes.index)
    points = _layout.node_positions(shown, width=width, height=_style.ROW_HEIGHT)
    facts = whole.nodes.loc[shown.nodes.index]
    return [
        {"id": str(node), "x": float(x), "y": float(y), "facts": values}
        for node, values, (x, y) in zip(facts.index, records(facts), points, strict=True)
    ]


def _edges(shown: GRN, whole: GRN, hrefs: Mapping[tuple[str, ...], str]) -> list[Json]:
    kind = _style.effects(shown.edges, _signedness(whole))
    widths = _style.edge_widths(shown.edges)
    facts = shown.edges.drop(columns=["source", "target"])
    rows = zip(
        shown.edges["source"].astype(str),
        shown.edges["target"].astype(str),
        kind.astype(str),
        widths.round(2).tolist(),
        records(facts),
        _links.of_edges(shown, hrefs),
        strict=True,
    )
    return [
        {"source": source, "target": target, "effect": effect, "width": width, "facts": values}
        | ({} if href is None else {"dossier": href})
        for source, target, effect, width, values, href in rows
    ]


def _signedness(whole: GRN) -> Json:
    """Return parameters that keep a part of a signed network signed, whatever weights it has."""
    signed = bool((whole.edges["weight"] < 0).any())
    return {"signed": signed, **whole.params}


def _in_script(data: Json) -> str:
    """Return JSON that no name can break out of: it holds no ``<``, ``>`` or ``&``."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _library() -> str:
    """Return the code of vis-network, from the files of pyvis without importing it."""
    spec = importlib.util.find_spec("pyvis")
    folders = spec.submodule_search_locations if spec is not None else None
    for folder in folders or []:
        file = Path(folder).joinpath(*_LIBRARY)
        if file.is_file():
            code = file.read_text(encoding="utf-8")
            lines = [line for line in code.split("\n") if not line.startswith("//# sourceMapping")]
            return "\n".join(lines).replace("</script", "<\\/script")
    message = (
        f"{'/'.join(_LIBRARY)} of the package pyvis, which draws the page, is not installed: "
        "run `pip install 'pyvis>=0.3.2'`."
    )
    raise FileNotFoundError(message)
