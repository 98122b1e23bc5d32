"""A graph whose known edges are those that train, and pairs of its names as positions."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from grnet import _checks
from grnet.graph._order import sorted_by_name
from grnet.graph.vocabulary import GENE, REGULATES, TF, opposite
from grnet.models.encoders import EdgeType
from grnet.train.edges import EdgeSplit

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

Nodes = dict[str, torch.Tensor]
Edges = dict[EdgeType, torch.Tensor]


def with_training_edges(data: "HeteroData", split: EdgeSplit) -> "HeteroData":
    """Return a graph, sorted by name, whose known edges, both ways, are those that train."""
    graph = sorted_by_name(data)
    positive = split.train[split.train["label"] == 1]
    known = torch.from_numpy(positions(graph, positive))
    for edge_type, index in ((REGULATES, known), (opposite(REGULATES), known.flip(0))):
        if edge_type in graph.edge_types:
            del graph[edge_type]
        graph[edge_type].edge_index = index
    return graph


def positions(graph: "HeteroData", pairs: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return the positions of sources and targets, (2, B)."""
    _checks.has_columns(pairs, ["source", "target"], "the pairs")
    found = []
    for kind, column in ((TF, "source"), (GENE, "target")):
        at = pd.Index(graph[kind].name).get_indexer(pd.Index(pairs[column].astype(str)))
        if (at < 0).any():
            missing = pairs.loc[at < 0, column].unique()
            message = (
                f"{len(missing)} names of {column!r} are no {kind} of the graph: "
                f"{_checks.examples(missing)}. It has {_checks.examples(graph[kind].name)}: build "
                "it with tfs= and the genes of the pairs."
            )
            raise ValueError(message)
        found.append(at)
    return np.stack(found).astype(np.int64)


def on_device(graph: "HeteroData", device: torch.device) -> tuple[Nodes, Edges]:
    """Return features and edges on a device."""
    x = {kind: value.to(device) for kind, value in graph.x_dict.items()}
    edges = {kind: index.to(device) for kind, index in graph.edge_index_dict.items()}
    return x, edges


def without_pairs(
    edges: Mapping[EdgeType, torch.Tensor], pairs: torch.Tensor, *, n_genes: int
) -> Edges:
    """Take pairs (2, B) out of the known edges, both ways."""
    asked = pairs[0] * n_genes + pairs[1]
    left = dict(edges)
    for edge_type, (tf, gene) in ((REGULATES, (0, 1)), (opposite(REGULATES), (1, 0))):
        known = edges[edge_type]
        left[edge_type] = known[:, ~torch.isin(known[tf] * n_genes + known[gene], asked)]
    return left


def size(graph: "HeteroData") -> int:
    """Return the number of nodes and edges."""
    return int(graph.num_nodes) + int(graph.num_edges)
