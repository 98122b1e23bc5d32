"""One look for every drawing of a network: Cytoscape, the HTML page, matplotlib.

Colours are those of Okabe and Ito, told apart by colour-blind eyes; activation and repression
differ in the shape of the arrow too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping

ACTIVATES, REPRESSES, REGULATES = EFFECTS = ("activates", "represses", "regulates")
EFFECT_COLUMN = "interaction"

EDGE_COLOUR = {ACTIVATES: "#0072B2", REPRESSES: "#D55E00", REGULATES: "#6B7280"}
TF_FILL = "#F0E442"
GENE_FILL = "#E8EEF4"
HALO = "#FFD400"
BORDER = "#4B5563"
INK = "#111827"

# widths of lines, and sizes in points of a node and of the room that its row takes
MIN_WIDTH, MAX_WIDTH = 1.0, 5.0
NODE_HEIGHT = 36.0
GENE_HEIGHT = 30.0
ROW_HEIGHT = 56.0
LETTER = 7.5
_MARGIN, _MIN_NODE_WIDTH, _MAX_NODE_WIDTH = 16.0, 52.0, 150.0


def effects(edges: pd.DataFrame, params: Mapping[str, Any]) -> pd.Series[Any]:
    """Return what each edge does to its target: activates, represses or (unknown) regulates.

    A column ``sign`` decides where there is one, else the sign of the weight. Weights are read as
    signed if ``params["signed"]`` says so or, without it, if one of them is negative: positive
    weights alone may be the strengths of a method that knows no signs.
    """
    sign = _signs(edges, params)
    codes = np.select([sign > 0, sign < 0], [0, 1], default=2).astype(np.intp)
    return pd.Series(pd.Categorical.from_codes(codes, pd.Index(EFFECTS)), index=edges.index)


def _signs(edges: pd.DataFrame, params: Mapping[str, Any]) -> np.ndarray[Any, Any]:
    if "sign" in edges:
        words = {"+": 1.0, "-": -1.0, "1": 1.0, "-1": -1.0}
        numbers = pd.to_numeric(edges["sign"], errors="coerce")
        named = edges["sign"].astype(str).map(words).astype(np.float64)
        return numbers.astype(np.float64).fillna(named).fillna(0.0).to_numpy()
    weight = edges["weight"].to_numpy(np.float64)
    signed = params.get("signed", bool((weight < 0).any()))
    return np.sign(weight) if signed else np.zeros(len(weight))


def with_effect(edges: pd.DataFrame, params: Mapping[str, Any]) -> pd.DataFrame:
    """Return the edges with the column that Cytoscape shows as the kind of interaction."""
    if EFFECT_COLUMN in edges:
        return edges
    return edges.assign(**{EFFECT_COLUMN: effects(edges, params).astype(str)})


def without_effect(edges: pd.DataFrame, params: Mapping[str, Any]) -> pd.DataFrame:
    """Return the edges without that column, if it says no more than the rest of the table."""
    if EFFECT_COLUMN not in edges:
        return edges
    derived = effects(edges, params).astype(str).to_numpy()
    told = (edges[EFFECT_COLUMN].astype(str).to_numpy() == derived).all()
    return edges.drop(columns=EFFECT_COLUMN) if told else edges


def edge_widths(edges: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return line widths between the thinnest and the widest, linear in ``|weight|``."""
    weight = edges["weight"].abs().to_numpy(np.float64)
    if not len(weight) or np.ptp(weight) == 0:
        return np.full(len(weight), (MIN_WIDTH + MAX_WIDTH) / 2)
    return np.asarray(
        MIN_WIDTH + (MAX_WIDTH - MIN_WIDTH) * (weight - weight.min()) / np.ptp(weight)
    )


def node_width(names: pd.Index) -> float:
    """Return a width of node in which nearly every name fits."""
    lengths = np.array([len(name) for name in names])
    fitting = float(np.quantile(lengths, 0.95)) * LETTER + _MARGIN if len(lengths) else 0.0
    return float(np.clip(round(fitting), _MIN_NODE_WIDTH, _MAX_NODE_WIDTH))
