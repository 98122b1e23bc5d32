"""What the logit of one pair can hear of a graph."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from grnet.graph.vocabulary import REGULATES, opposite

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

EdgeType = tuple[str, str, str]
Ends = tuple[tuple[str, int], tuple[str, int]]


@dataclass(frozen=True, eq=False, kw_only=True)
class Heard:
    """The part of a graph that so many layers of messages bring to the two ends of a pair.

    Attributes
    ----------
    x
        Features of its nodes.
    edges
        Edges between positions here; types without any are there, empty.
    nodes, rows
        Positions of its nodes and edges in the whole graph, rising.
    hops
        How far the target of each edge is from the pair: the edge is heard in the layers up to
        ``depth - 1 - hop``, counted from 0.
    pair
        Positions here of source and target, (2, 1).
    depth
        Number of layers.
    """

    x: dict[str, torch.Tensor]
    edges: dict[EdgeType, torch.Tensor]
    nodes: dict[str, torch.Tensor]
    rows: dict[EdgeType, torch.Tensor]
    hops: dict[EdgeType, torch.Tensor]
    pair: torch.Tensor
    depth: int

    def layers_of(self, relation: EdgeType) -> list[torch.Tensor]:
        """Return by layer which edges of a type still reach the pair."""
        return [self.hops[relation] < self.depth - layer for layer in range(self.depth)]


def k_hop(
    data: "HeteroData",
    ends: Ends,
    *,
    depth: int,
    relations: Sequence[EdgeType],
    device: str | torch.device = "cpu",
) -> Heard:
    """Return what ``depth`` layers of messages along these types of edges bring to a pair.

    Parameters
    ----------
    data
        A graph with features.
    ends
        Type and position of source and target.
    depth, relations
        Of the model.
    device
        Where the tensors shall be.

    Notes
    -----
    The known edge of the pair itself is left out both ways, as in the training.
    """
    far = {
        kind: torch.full((int(data[kind].num_nodes),), depth + 1, dtype=torch.int16)
        for kind in data.node_types
    }
    for kind, position in ends:
        far[kind][position] = 0
    index = {relation: data[relation].edge_index.cpu() for relation in relations}
    usable = {relation: _others(relation, edges, ends) for relation, edges in index.items()}
    for hop in range(depth):
        for (source, _, target), edges in index.items():
            near = far[target][edges[1]] == hop
            near &= usable[source, _, target]
            reached = edges[0][near]
            far[source][reached] = far[source][reached].clamp(max=hop + 1)
    nodes = {kind: torch.nonzero(distance <= depth)[:, 0] for kind, distance in far.items()}
    place = {kind: torch.zeros(len(distance), dtype=torch.long) for kind, distance in far.items()}
    for kind, at in nodes.items():
        place[kind][at] = torch.arange(len(at))
    rows, small, hops = {}, {}, {}
    for relation, edges in index.items():
        distance = far[relation[2]][edges[1]]
        rows[relation] = torch.nonzero((distance < depth) & usable[relation])[:, 0]
        kept = edges[:, rows[relation]]
        small[relation] = torch.stack([place[relation[0]][kept[0]], place[relation[2]][kept[1]]])
        hops[relation] = distance[rows[relation]]
    return Heard(
        x={kind: data[kind].x[at.to(data[kind].x.device)].to(device) for kind, at in nodes.items()},
        edges={relation: edges.to(device) for relation, edges in small.items()},
        nodes=nodes,
        rows=rows,
        hops={relation: hop.to(device) for relation, hop in hops.items()},
        pair=torch.stack([place[kind][at] for kind, at in ends])[:, None].to(device),
        depth=depth,
    )


def _others(relation: EdgeType, edges: torch.Tensor, ends: Ends) -> torch.Tensor:
    """Return which edges of a type are not the known edge of the pair."""
    (_, source), (_, target) = ends
    if relation == REGULATES:
        return (edges[0] != source) | (edges[1] != target)
    if relation == opposite(REGULATES):
        return (edges[0] != target) | (edges[1] != source)
    return torch.ones(edges.shape[1], dtype=torch.bool)
