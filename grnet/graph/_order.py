"""Nodes in the order of their names, so that no result depends on how the data were sorted."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from grnet.graph.conversion import is_per_row
from grnet.graph.vocabulary import GENE, TF

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData


def sorted_by_name(data: HeteroData) -> HeteroData:
    """Return a graph whose nodes are sorted by name, and its edges by their ends.

    The order decides which drawn number belongs to which node, and in which order sums are taken.
    """
    found = copy.copy(data)
    place = {}
    for kind in data.node_types:
        by_name = np.argsort(np.asarray(data[kind].name, dtype=str), kind="stable")
        _reorder(found[kind], torch.from_numpy(by_name), size=len(by_name))
        place[kind] = torch.from_numpy(np.argsort(by_name))
    if "gene" in found[TF]:
        own = found[TF].gene
        found[TF].gene = torch.where(own >= 0, place[GENE][own], -1)
    for edge_type in data.edge_types:
        store = found[edge_type]
        for key in ("edge_index", "edge_label_index"):
            if key in store:
                ends = zip((edge_type[0], edge_type[2]), store[key], strict=True)
                store[key] = torch.stack([place[kind][end] for kind, end in ends])
        source, target = store.edge_index.numpy()
        by_ends = torch.from_numpy(np.lexsort((target, source)))
        store.edge_index = store.edge_index[:, by_ends]
        _reorder(store, by_ends, size=len(by_ends))
    return found


def _reorder(store: Any, order: torch.Tensor, *, size: int) -> None:  # noqa: ANN401 - of PyG
    for key, value in list(store.items()):
        if key != "edge_index" and is_per_row(key, value, size):
            picked = value[order] if isinstance(value, torch.Tensor) else [value[i] for i in order]
            store[key] = picked
