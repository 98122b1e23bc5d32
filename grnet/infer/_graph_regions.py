"""The regions through which a graph joins TFs and their targets."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from grnet.graph import BINDS, GENE, NEAR, PEAK, TF

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

    from grnet.graph.vocabulary import EdgeType


def regions_between(graph: "HeteroData", edges: pd.DataFrame) -> pd.DataFrame | None:
    """Return the triplets ``source, region, target`` of edges that the graph has a path for.

    ``weight`` is that of the binding times that of the link; the other columns are theirs, as
    those of :func:`grnet.cis.prior_network`. None where the graph binds no TF or links no peak.
    """
    if BINDS not in graph.edge_types or NEAR not in graph.edge_types:
        return None
    pairs = edges[["source", "target"]].astype(str).drop_duplicates()
    binds = _table(graph, BINDS, ("source", "region"), kinds=(TF, PEAK))
    near = _table(graph, NEAR, ("region", "target"), kinds=(PEAK, GENE))
    binds = binds[binds["source"].isin(pairs["source"])]
    near = near[near["target"].isin(pairs["target"])]
    paths = binds.merge(near, on="region", suffixes=("_of_binding", "_of_link"))
    found = paths.merge(pairs, on=["source", "target"])
    parts = [name for name in ("weight_of_binding", "weight_of_link") if name in found]
    weight = found[parts].prod(axis=1) if parts else np.ones(len(found))
    found = found.drop(columns=parts).assign(weight=weight)
    first = ["source", "region", "target", "weight"]
    rest = [name for name in found if name not in first]
    ordered = found[first + rest].sort_values(
        ["source", "target", "weight", "region"], ascending=[True, True, False, True]
    )
    return ordered.reset_index(drop=True) if len(ordered) else None


def _table(
    graph: "HeteroData", edge_type: "EdgeType", ends: tuple[str, str], *, kinds: tuple[str, str]
) -> pd.DataFrame:
    store = graph[edge_type]
    index = store.edge_index.cpu().numpy()
    table = {
        end: np.asarray(graph[kind].name)[place]
        for end, kind, place in zip(ends, kinds, index, strict=True)
    }
    names = getattr(store, "edge_attr_names", None) or []
    values = store.edge_attr.cpu().numpy() if names else None
    columns = {name: values[:, i] for i, name in enumerate(names)} if values is not None else {}
    return pd.DataFrame({**table, **columns})
