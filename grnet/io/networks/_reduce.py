"""The part of a large network that a picture can show."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np

from grnet.io.networks import _layout

if TYPE_CHECKING:
    from grnet.grn import GRN

Ranks = np.ndarray[Any, Any]


def ego(grn: GRN, node: str, *, radius: int, max_edges: int) -> GRN:
    """Return the edges around a node, those nearest to it first, then the strongest.

    The order keeps the drawing in one piece: an edge further out is shown only when all nearer
    ones are.
    """
    near = grn.neighbourhood(node, radius)
    if not len(near):
        message = f"{node!r} has no edge in this network: there is nothing to draw."
        raise ValueError(message)
    source, target = _layout.edge_codes(near.edges, near.nodes.index)
    steps = np.full(len(near.nodes), np.inf)
    steps[near.nodes.index.get_loc(node)] = 0.0
    for step in range(1, radius + 1):
        touches = np.minimum(steps[source], steps[target]) == step - 1
        for ends in (source[touches], target[touches]):
            steps[ends] = np.minimum(steps[ends], step)
    return _best(near, np.minimum(steps[source], steps[target]), max_edges)


def core(grn: GRN, *, max_edges: int) -> GRN:
    """Return the edges between the most densely linked nodes: the innermost k-cores first."""
    source, target = _layout.edge_codes(grn.edges, grn.nodes.index)
    apart = source != target
    graph = nx.Graph(zip(source[apart].tolist(), target[apart].tolist(), strict=True))
    number = nx.core_number(graph)
    of_node = np.array([number.get(node, 0) for node in range(len(grn.nodes))])
    return _best(grn, -np.minimum(of_node[source], of_node[target]), max_edges)


def _best(grn: GRN, rank: Ranks, max_edges: int) -> GRN:
    """Return the edges of lowest rank; within a rank the strongest, as they are sorted."""
    if len(grn) <= max_edges:
        return grn.drop_isolated()
    keep = np.sort(np.argsort(rank, kind="stable")[:max_edges])
    return replace(grn, edges=grn.edges.iloc[keep]).drop_isolated()
