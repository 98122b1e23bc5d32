"""Small graphs around a few nodes, drawn from a large one.

PyG draws neighbours by compiled extensions (pyg-lib or torch-sparse), which have no wheels for
every platform; this does the same with NumPy alone.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from grnet.models.encoders import EdgeType

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch_geometric.data import HeteroData

Rows = npt.NDArray[np.int64]


class Subgraph(NamedTuple):
    """Nodes as positions in the large graph, those asked for first; edges between positions here.

    A type of nodes or edges of which there are none is there, empty.
    """

    nodes: dict[str, torch.Tensor]
    edges: dict[EdgeType, torch.Tensor]


class Incoming(NamedTuple):
    """The sources of the edges into each node: those of node ``i`` from ``first[i]`` on."""

    first: Rows
    sources: Rows


class Neighbours:
    """Who is heard by every node of a graph, along each type of edge."""

    def __init__(self, graph: "HeteroData", relations: "Sequence[EdgeType]") -> None:
        self._n_nodes = {kind: int(graph[kind].num_nodes) for kind in graph.node_types}
        self._incoming = {
            relation: _incoming(graph[relation].edge_index, self._n_nodes[relation[2]])
            for relation in relations
        }

    def around(
        self,
        asked: Mapping[str, Rows],
        *,
        depth: int,
        n_each: int | None = None,
        rng: np.random.Generator | None = None,
    ) -> Subgraph:
        """Return what ``depth`` layers of messages hear at the nodes asked for.

        ``n_each`` is the largest number of neighbours that a node hears along a type of edge, drawn
        by ``rng`` without replacement, anew for each node; None takes all of them. Nodes asked for
        are unique within their type.
        """
        place = {kind: np.full(n, -1, dtype=np.int64) for kind, n in self._n_nodes.items()}
        nodes = {kind: [np.asarray(asked.get(kind, ()), dtype=np.int64)] for kind in place}
        for kind, (first,) in nodes.items():
            place[kind][first] = np.arange(len(first))
        heard: dict[EdgeType, list[Rows]] = {
            relation: [np.zeros((2, 0), dtype=np.int64)] for relation in self._incoming
        }
        new = {kind: parts[0] for kind, parts in nodes.items()}
        for _ in range(depth):
            reached: dict[str, list[Rows]] = {kind: [] for kind in place}
            for relation, incoming in self._incoming.items():
                edges = _heard(incoming, new[relation[2]], n_each=n_each, rng=rng)
                heard[relation].append(edges)
                reached[relation[0]].append(edges[0])
            for kind, parts in reached.items():
                found = np.unique(np.concatenate(parts)) if parts else new[kind][:0]
                new[kind] = found[place[kind][found] < 0]
                start = sum(map(len, nodes[kind]))
                place[kind][new[kind]] = start + np.arange(len(new[kind]))
                nodes[kind].append(new[kind])
        return Subgraph(
            {kind: torch.from_numpy(np.concatenate(parts)) for kind, parts in nodes.items()},
            {
                relation: torch.from_numpy(_renamed(parts, place[relation[0]], place[relation[2]]))
                for relation, parts in heard.items()
            },
        )

    def blocks(self, kind: str, n_edges: int) -> "Iterator[Rows]":
        """Divide the nodes of a type into blocks that hear about so many edges each."""
        total = np.arange(self._n_nodes[kind], dtype=np.int64)  # a node costs something too
        for relation, incoming in self._incoming.items():
            if relation[2] == kind:
                total += incoming.first[1:]
        every = np.arange(self._n_nodes[kind])
        starts = np.flatnonzero(np.diff(total // n_edges, prepend=-1))
        yield from (part for part in np.split(every, starts) if len(part))


def _incoming(edge_index: torch.Tensor, n_targets: int) -> Incoming:
    source, target = edge_index.cpu().numpy()
    first = np.zeros(n_targets + 1, dtype=np.int64)
    np.cumsum(np.bincount(target, minlength=n_targets), out=first[1:])
    return Incoming(first, source[np.argsort(target, kind="stable")])


def _heard(
    incoming: Incoming, targets: Rows, *, n_each: int | None, rng: np.random.Generator | None
) -> Rows:
    """Return the edges into targets, (2, E)."""
    start = incoming.first[targets]
    degree = incoming.first[targets + 1] - start
    drawn = np.zeros(len(targets), dtype=bool) if n_each is None else degree > n_each
    start_of_all, n_of_all = start[~drawn], degree[~drawn]
    before = np.cumsum(n_of_all) - n_of_all
    at = np.repeat(start_of_all - before, n_of_all) + np.arange(n_of_all.sum())
    ends = np.repeat(targets[~drawn], n_of_all)
    if drawn.any() and rng is not None and n_each is not None:
        chosen = start[drawn, None] + distinct(degree[drawn], n_each, rng=rng)
        at, ends = np.append(at, chosen), np.append(ends, np.repeat(targets[drawn], n_each))
    return np.stack([incoming.sources[at], ends])


def distinct(sizes: Rows, n_each: int, *, rng: np.random.Generator) -> Rows:
    """Draw ``n_each`` distinct numbers below each size, every set equally likely.

    Floyd's algorithm (Bentley and Floyd 1987) for all sizes at once: its cost does not grow with
    them, so that a TF with a million neighbours costs what another does.
    """
    chosen = np.empty((len(sizes), n_each), dtype=np.int64)
    for i in range(n_each):
        last = sizes - n_each + i
        candidate = rng.integers(0, last + 1)
        is_taken = (chosen[:, :i] == candidate[:, None]).any(axis=1)
        chosen[:, i] = np.where(is_taken, last, candidate)
    return chosen


def _renamed(parts: list[Rows], source: Rows, target: Rows) -> Rows:
    """Return edges between positions in the small graph."""
    ends = np.concatenate(parts, axis=1)
    return np.stack([source[ends[0]], target[ends[1]]])
