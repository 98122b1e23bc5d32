"""Named attributes of edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch_geometric.data import HeteroData

    from grnet.graph.vocabulary import EdgeType


def edge_attribute(data: HeteroData, edge_type: EdgeType, name: str) -> torch.Tensor | None:
    """Return an attribute of all edges of a type, (E,), None where they have none of the name."""
    store = data[edge_type]
    names = list(store.edge_attr_names) if "edge_attr_names" in store else []
    if name not in names:
        return None
    values: torch.Tensor = store.edge_attr[:, names.index(name)]
    return values
