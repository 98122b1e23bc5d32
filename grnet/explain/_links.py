"""The edges of a graph as things, each with its messages in both directions."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from grnet.graph.vocabulary import is_opposite, opposite

EdgeType = tuple[str, str, str]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Links:
    """Edges, and which of them each message passes along.

    Attributes
    ----------
    types
        Types of edges, without those that are the opposite of another.
    kind, source, target
        Of each edge: the number of its type, and its ends.
    of_message, is_along
        Of each message, in the order of the types and edges of the graph: its edge, and whether it
        goes from source to target.
    """

    types: list[EdgeType]
    kind: Ints
    source: Ints
    target: Ints
    of_message: Ints
    is_along: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        """Return the number of edges."""
        return len(self.kind)

    def sums(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the sum over the messages of each edge."""
        found = np.bincount(self.of_message, weights=values, minlength=len(self))
        return found.astype(np.float64)


def links(edges: Mapping[EdgeType, torch.Tensor]) -> Links:
    """Join both directions; edges within one kind of node are listed from the first to the last."""
    types: list[EdgeType] = []
    parts: list[Ints] = []
    along: list[npt.NDArray[np.bool_]] = []
    for relation, index in edges.items():
        ends = index.cpu().numpy()
        is_turned = np.full(ends.shape[1], is_opposite(relation))
        forward = opposite(relation) if is_opposite(relation) else relation
        if relation == opposite(relation):
            is_turned = ends[0] > ends[1]
        if forward not in types:
            types.append(forward)
        ends = np.where(is_turned, ends[::-1], ends)
        parts.append(np.stack([np.full(ends.shape[1], types.index(forward)), *ends]))
        along.append(~is_turned)
    if not parts:
        none = np.zeros(0, dtype=np.int64)
        return Links(types, none, none, none, none, none.astype(bool))
    table, of_message = np.unique(np.concatenate(parts, axis=1), axis=1, return_inverse=True)
    kind, source, target = table
    return Links(types, kind, source, target, of_message.reshape(-1), np.concatenate(along))
