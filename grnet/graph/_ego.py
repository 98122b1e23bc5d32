"""The part of a graph around one node that a picture can show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from grnet import _checks
from grnet.graph.vocabulary import BINDS, COEXPRESSED, GENE, NEAR, PEAK, REGULATES, TF

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

Array = np.ndarray[Any, Any]

KINDS = (TF, PEAK, GENE)
RELATIONS = (BINDS, NEAR, REGULATES, COEXPRESSED)
HELD_OUT = "held out"

# a known edge counts as much as the middle of a way through a peak
_KNOWN = 0.5


@dataclass(frozen=True, eq=False)
class Ego:
    """What is shown of a graph.

    Attributes
    ----------
    nodes
        Table ``kind, name, position`` (among those of its kind).
    edges
        Table ``source, target`` (rows of ``nodes``), ``relation, weight``.
    n_reached
        How many nodes lie within the radius.
    """

    nodes: pd.DataFrame
    edges: pd.DataFrame
    n_reached: int


@dataclass(frozen=True, eq=False)
class _Reach:
    """What the centre leads to: the score of each node (0: not reached) and the node before it."""

    score: Array
    parent: Array
    centre: Array


def ego(data: HeteroData, node: str, *, radius: int, max_nodes: int) -> Ego:
    """Return what lies downstream and upstream of a node, the strongest ways first.

    Raises
    ------
    ValueError
        If the name is unknown or no edge touches it.
    """
    nodes, start = _all_nodes(data)
    centre = nodes.index[nodes["name"] == node].to_numpy()
    if not len(centre):
        message = f"{node!r} is no node of the graph. {_checks.nearest(node, nodes['name'])}"
        raise ValueError(message)
    edges = _all_edges(data, start)
    is_peak = (nodes["kind"] == PEAK).to_numpy()
    reaches = _reaches(edges, centre, is_peak, radius=radius)
    reached = np.logical_or.reduce([reach.score > 0 for reach in reaches])
    if not reached.any():
        message = f"No edge touches {node!r}: there is nothing to draw."
        raise ValueError(message)
    sides = _chosen(reaches, is_peak, max_nodes=max_nodes)
    kept = np.zeros(len(edges), dtype=bool)
    for side in sides:
        kept |= (edges["source"].isin(side) & edges["target"].isin(side)).to_numpy()
    shown = edges.loc[kept]
    # a centre of two kinds (TF and gene) shows only the one that has a part in the picture
    chosen = np.unique(shown[["source", "target"]].to_numpy())
    place = pd.Series(np.arange(len(chosen)), index=chosen)
    shown = shown.assign(source=shown["source"].map(place), target=shown["target"].map(place))
    n_reached = int((reached | np.isin(np.arange(len(nodes)), centre)).sum())
    return Ego(nodes.loc[chosen].reset_index(drop=True), shown.reset_index(drop=True), n_reached)


def _all_nodes(data: HeteroData) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return the nodes of all kinds in one table, and where each kind starts."""
    kinds = [kind for kind in KINDS if kind in data.node_types]
    frames = [
        pd.DataFrame({"kind": kind, "name": names, "position": np.arange(len(names))})
        for kind in kinds
        for names in [data[kind].name]
    ]
    sizes = [len(frame) for frame in frames]
    start = dict(zip(kinds, np.cumsum([0, *sizes])[:-1].tolist(), strict=True))
    empty = pd.DataFrame(columns=["kind", "name", "position"])
    return (pd.concat(frames, ignore_index=True) if frames else empty), start


def _all_edges(data: HeteroData, start: dict[str, int]) -> pd.DataFrame:
    """Return the edges of all types and the pairs held out, by row of all nodes."""
    frames = []
    for edge_type in RELATIONS:
        if edge_type not in data.edge_types:
            continue
        store = data[edge_type]
        names = store.edge_attr_names
        column = "weight" if "weight" in names else "correlation"
        weight = store.edge_attr[:, names.index(column)].abs().cpu().numpy()
        scaled = weight / max(float(weight.max(initial=0.0)), 1e-12)
        frames.append(_frame(edge_type, store.edge_index, start, weight=scaled))
        if "edge_label_index" in store:
            held = store.edge_label_index[:, store.edge_label > 0]
            table = _frame(edge_type, held, start, weight=1.0)
            frames.append(table.assign(relation=HELD_OUT))
    if not frames:
        message = (
            "The graph has no edges among TFs, peaks and genes; others are drawn by networkx: "
            "networkx.draw(gn.graph.to_networkx(data))."
        )
        raise ValueError(message)
    edges = pd.concat(frames, ignore_index=True)
    twice = (edges["relation"] == COEXPRESSED[1]) & (edges["source"] > edges["target"])
    return edges.loc[~twice].reset_index(drop=True)


def _frame(
    edge_type: tuple[str, str, str],
    index: Any,  # noqa: ANN401 - a tensor
    start: dict[str, int],
    *,
    weight: Array | float,
) -> pd.DataFrame:
    ends = index.cpu().numpy()
    source, target = ends[0] + start[edge_type[0]], ends[1] + start[edge_type[2]]
    columns = {"source": source, "target": target, "relation": edge_type[1], "weight": weight}
    return pd.DataFrame(columns)


def _reaches(edges: pd.DataFrame, centre: Array, is_peak: Array, *, radius: int) -> list[_Reach]:
    """Follow regulation downstream and upstream; co-expression where there is none."""
    ways = edges.loc[~edges["relation"].isin([COEXPRESSED[1], HELD_OUT])]
    turned = ways.rename(columns={"source": "target", "target": "source"})
    found = [_reach(table, centre, is_peak, radius=radius) for table in (ways, turned)]
    if any((reach.score > 0).any() for reach in found):
        return found
    alike = edges.loc[edges["relation"] == COEXPRESSED[1]]
    both = pd.concat([alike, alike.rename(columns={"source": "target", "target": "source"})])
    return [_reach(both, centre, is_peak, radius=1)]


def _reach(ways: pd.DataFrame, centre: Array, is_peak: Array, *, radius: int) -> _Reach:
    """Score each node by its best way from the centre, known edges on top."""
    score, parent = np.zeros(len(is_peak)), np.full(len(is_peak), -1)
    direct = ways.loc[ways["source"].isin(centre)].sort_values(["weight", "source"])
    first, second = direct["source"].to_numpy(), direct["target"].to_numpy()
    factor = np.where(direct["relation"] == REGULATES[1], _KNOWN, 1.0)
    score[second] = np.maximum(direct["weight"].to_numpy() * factor, 1e-9)
    parent[second] = first
    if radius > 1:
        through = ways.loc[is_peak[ways["source"].to_numpy()] & (score[ways["source"]] > 0)]
        gain = score[through["source"]] * through["weight"].to_numpy()
        order = np.lexsort((through["source"].to_numpy(), gain))
        first, second = (through[end].to_numpy()[order] for end in ("source", "target"))
        best = np.zeros_like(score)
        best[second] = np.maximum(gain[order], 1e-9)
        score += best
        parent[second] = first
    score[centre] = 0.0
    return _Reach(score, parent, centre)


def _chosen(reaches: list[_Reach], is_peak: Array, *, max_nodes: int) -> list[list[int]]:
    """Return the nodes shown of each direction: whole ways to TFs and genes, then single peaks."""
    candidates = [
        (bool(is_peak[node]), -float(reach.score[node]), int(node), side)
        for side, reach in enumerate(reaches)
        for node in np.flatnonzero(reach.score > 0)
    ]
    sides = [dict.fromkeys(reach.centre.tolist()) for reach in reaches]
    count = len(reaches[0].centre)
    for _, _, end, side in sorted(candidates):
        way, node = [], end
        while node not in sides[side]:
            way.append(node)
            node = int(reaches[side].parent[node])
        if count + len(way) <= max_nodes:
            sides[side].update(dict.fromkeys(way))
            count += len(way)
        if count >= max_nodes:
            break
    return [list(side) for side in sides]
