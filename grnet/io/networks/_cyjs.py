"""Cytoscape.js JSON (``.cyjs``, ``.json``): what Cytoscape and web pages exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grnet.io.networks import _layout, _style
from grnet.io.networks._records import (
    Parts,
    Record,
    from_records,
    json_params,
    records,
    refuse_reserved,
)

if TYPE_CHECKING:
    from grnet.grn import GRN

Json = dict[str, Any]

_OF_CYTOSCAPE = {"id", "name", "SUID", "selected", "shared_name", "shared_interaction"}


def to_cyjs(grn: GRN, *, name: str) -> Json:
    """Return the network in the JSON of cytoscape.js, with coordinates."""
    refuse_reserved(grn)
    width = _style.node_width(grn.nodes.index)
    points = _layout.node_positions(grn, width=width, height=_style.ROW_HEIGHT)
    nodes = [
        {
            "data": {"id": str(node), "name": str(node), **values},
            "position": {"x": float(x), "y": float(y)},
        }
        for node, values, (x, y) in zip(grn.nodes.index, records(grn.nodes), points, strict=True)
    ]
    edges = _style.with_effect(grn.edges, grn.params)
    return {
        "format_version": "1.0",
        "generated_by": "grnet",
        "target_cytoscapejs_version": "~2.1",
        "data": {"name": name, **json_params(grn.params)},
        "elements": {
            "nodes": nodes,
            "edges": [
                {"data": {"id": f"e{number}", **values}}
                for number, values in enumerate(records(edges))
            ],
        },
    }


def from_cyjs(held: Json, *, name: str) -> Parts:
    """Return what cytoscape.js JSON holds, our own or what Cytoscape exports."""
    if "elements" not in held:
        message = (
            f"it has {', '.join(map(repr, list(held)[:5])) or 'nothing'} but no 'elements'. "
            "Export the network from Cytoscape as cytoscape.js JSON or as CX2."
        )
        raise ValueError(message)
    nodes = [node["data"] for node in held["elements"].get("nodes", [])]
    names = {str(node["id"]): str(node.get("name", node["id"])) for node in nodes}
    edges = [_named(edge["data"], names) for edge in held["elements"].get("edges", [])]
    params = {k: v for k, v in held.get("data", {}).items() if not _is_own(k, v, name)}
    table = from_records(map(_own, nodes), names=[names[str(node["id"])] for node in nodes])
    return Parts(from_records(edges), table, params)


def _named(edge: Record, names: dict[str, str]) -> Record:
    ends: Record = {
        end: names.get(str(edge[end]), str(edge[end]))
        for end in ("source", "target")
        if end in edge
    }
    return {**_own(edge), **ends}


def _own(data: Record) -> Record:
    return {key: value for key, value in data.items() if key not in _OF_CYTOSCAPE}


def _is_own(key: str, value: object, name: str) -> bool:
    return key in _OF_CYTOSCAPE and (key != "name" or value == name)
