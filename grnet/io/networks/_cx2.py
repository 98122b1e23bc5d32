"""CX2, the format of Cytoscape and NDEx, with a visual style and coordinates.

Written after the specification "Cytoscape exchange format version 2" (cytoscape.org/cx/cx2) and
its list of visual properties.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pandas as pd

from grnet.io.networks import _layout, _style
from grnet.io.networks._cx2_style import visual_properties
from grnet.io.networks._records import (
    Parts,
    Record,
    attribute_type,
    from_records,
    json_params,
    records,
    refuse_reserved,
)

if TYPE_CHECKING:
    from grnet.grn import GRN

Aspects = list[dict[str, Any]]
Declarations = dict[str, dict[str, str]]


def to_cx2(grn: GRN, *, name: str) -> Aspects:
    """Return the network as the list of CX2 aspects."""
    refuse_reserved(grn)
    edges = _style.with_effect(grn.edges, grn.params)
    attributes = edges.drop(columns=["source", "target"])
    network = {"name": name, **json_params(grn.params)}
    aspects = {
        "attributeDeclarations": [
            {
                "networkAttributes": _declared(pd.DataFrame([network])),
                "nodes": {"name": {"d": "string"}, **_declared(grn.nodes)},
                "edges": _declared(attributes),
            }
        ],
        "networkAttributes": [network],
        "nodes": _nodes(grn),
        "edges": _edges(grn, records(attributes)),
        "visualProperties": [visual_properties(grn)],
        "visualEditorProperties": [
            {"properties": {"nodeSizeLocked": False, "arrowColorMatchesEdge": True}}
        ],
    }
    metadata = [{"name": key, "elementCount": len(value)} for key, value in aspects.items()]
    return [
        {"CXVersion": "2.0", "hasFragments": False},
        {"metaData": metadata},
        *({key: value} for key, value in aspects.items()),
        {"status": [{"success": True}]},
    ]


def _declared(frame: pd.DataFrame) -> Declarations:
    return {str(name): {"d": attribute_type(frame[name])} for name in frame.columns}


def _nodes(grn: GRN) -> list[Record]:
    width = _style.node_width(grn.nodes.index)
    points = _layout.node_positions(grn, width=width, height=_style.ROW_HEIGHT)
    return [
        {"id": number, "x": float(x), "y": float(y), "v": {"name": str(node), **values}}
        for number, (node, values, (x, y)) in enumerate(
            zip(grn.nodes.index, records(grn.nodes), points, strict=True)
        )
    ]


def _edges(grn: GRN, attributes: list[Record]) -> list[Record]:
    source, target = _layout.edge_codes(grn.edges, grn.nodes.index)
    return [
        {"id": number, "s": s, "t": t, "v": values}
        for number, (s, t, values) in enumerate(
            zip(source.tolist(), target.tolist(), attributes, strict=True)
        )
    ]


def from_cx2(aspects: Aspects, *, name: str) -> Parts:
    """Return what CX2 holds, our own or from Cytoscape and NDEx."""
    held = _gathered(aspects)
    declared: dict[str, dict[str, Any]] = defaultdict(dict)
    for part in held["attributeDeclarations"]:
        for aspect, attributes in part.items():
            declared[aspect].update(attributes)
    nodes = {node["id"]: _expanded(node.get("v", {}), declared["nodes"]) for node in held["nodes"]}
    names = {number: str(values.pop("name", number)) for number, values in nodes.items()}
    edges = [
        {
            "source": names[edge["s"]],
            "target": names[edge["t"]],
            **_expanded(edge.get("v", {}), declared["edges"]),
        }
        for edge in held["edges"]
    ]
    params: Record = {}
    for part in held["networkAttributes"]:
        params.update(_expanded(part, declared["networkAttributes"]))
    if params.get("name") == name:
        del params["name"]
    table = from_records(nodes.values(), names=list(names.values()))
    return Parts(from_records(edges), table, params)


def _gathered(aspects: Aspects) -> dict[str, list[Any]]:
    """Return the aspects by name; files with fragments hold one aspect in several pieces."""
    if not aspects or aspects[0].get("CXVersion") != "2.0":
        message = (
            "it is not CX version 2: it should start with {'CXVersion': '2.0'}. "
            "Open it in Cytoscape and export it as CX2."
        )
        raise ValueError(message)
    held: dict[str, list[Any]] = defaultdict(list)
    for piece in aspects[1:]:
        for key, elements in piece.items():
            held[key] += elements
    return held


def _expanded(values: Record, declared: dict[str, Any]) -> Record:
    """Return the values under their full names, with the declared defaults."""
    full = {facts["a"]: key for key, facts in declared.items() if "a" in facts}
    defaults = {key: facts["v"] for key, facts in declared.items() if "v" in facts}
    return {**defaults, **{full.get(key, key): value for key, value in values.items()}}
