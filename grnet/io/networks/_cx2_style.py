"""The visual style of a CX2 file: shapes, colours and widths as mappings of attributes."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from grnet.io.networks import _style

if TYPE_CHECKING:
    from grnet.grn import GRN

Json = dict[str, Any]

_ARROWS = {_style.ACTIVATES: "triangle", _style.REPRESSES: "tee", _style.REGULATES: "triangle"}


def visual_properties(grn: GRN) -> Json:
    """Return the style: defaults, and mappings from ``is_tf``, ``interaction`` and ``weight``."""
    neutral = _style.EDGE_COLOUR[_style.REGULATES]
    return {
        "default": {
            "network": {"NETWORK_BACKGROUND_COLOR": "#FFFFFF"},
            "node": {
                "NODE_SHAPE": "ellipse",
                "NODE_BACKGROUND_COLOR": _style.GENE_FILL,
                "NODE_BORDER_COLOR": _style.BORDER,
                "NODE_BORDER_WIDTH": 1,
                "NODE_WIDTH": _style.node_width(grn.nodes.index),
                "NODE_HEIGHT": _style.NODE_HEIGHT,
                "NODE_LABEL_COLOR": _style.INK,
                "NODE_LABEL_FONT_SIZE": 12,
            },
            "edge": {
                "EDGE_LINE_COLOR": neutral,
                "EDGE_TARGET_ARROW_COLOR": neutral,
                "EDGE_TARGET_ARROW_SHAPE": "triangle",
                "EDGE_WIDTH": _style.MIN_WIDTH,
                "EDGE_OPACITY": 0.85,
            },
        },
        "nodeMapping": {
            "NODE_LABEL": _mapping("PASSTHROUGH", "name", "string"),
            "NODE_SHAPE": _of_tf("diamond", "ellipse"),
            "NODE_BACKGROUND_COLOR": _of_tf(_style.TF_FILL, _style.GENE_FILL),
            "NODE_HEIGHT": _of_tf(_style.NODE_HEIGHT, _style.GENE_HEIGHT),
            "NODE_LABEL_FONT_SIZE": _of_tf(14, 12),
        },
        "edgeMapping": {
            "EDGE_LINE_COLOR": _of_effect(_style.EDGE_COLOUR),
            "EDGE_TARGET_ARROW_COLOR": _of_effect(_style.EDGE_COLOUR),
            "EDGE_TARGET_ARROW_SHAPE": _of_effect(_ARROWS),
            "EDGE_WIDTH": _width_of_weight(grn),
        },
    }


def _mapping(kind: str, attribute: str, of_type: str, **more: object) -> Json:
    return {"type": kind, "definition": {"attribute": attribute, "type": of_type, **more}}


def _discrete(attribute: str, of_type: str, values: dict[Any, Any]) -> Json:
    pairs = [{"v": value, "vp": seen} for value, seen in values.items()]
    return _mapping("DISCRETE", attribute, of_type, map=pairs)


def _of_tf(tf: str | float, gene: str | float) -> Json:
    return _discrete("is_tf", "boolean", {True: tf, False: gene})


def _of_effect(values: dict[str, str]) -> Json:
    return _discrete(_style.EFFECT_COLUMN, "string", values)


def _width_of_weight(grn: GRN) -> Json:
    """Map ``|weight|`` to width: piecewise linear, as weights of both signs are one attribute."""
    strength = grn.edges["weight"].abs()
    low, high = float(strength.min()), float(strength.max())
    if high == low:
        high = low + 1.0
    thin, thick = _style.MIN_WIDTH, _style.MAX_WIDTH
    points = [(low, thin), (high, thick)]
    if (grn.edges["weight"] < 0).any():
        middle = [(-low, thin), *points] if low > 0 else [(0.0, thin), (high, thick)]
        points = [(-high, thick), *middle]
    inside = [
        {
            "min": a,
            "max": b,
            "minVPValue": u,
            "maxVPValue": v,
            "includeMin": True,
            "includeMax": True,
        }
        for (a, u), (b, v) in pairwise(points)
    ]
    ends = {"includeMin": False, "includeMax": False}
    first = {"max": points[0][0], "maxVPValue": points[0][1], **ends}
    last = {"min": points[-1][0], "minVPValue": points[-1][1], **ends}
    return _mapping("CONTINUOUS", "weight", "double", map=[first, *inside, last])
