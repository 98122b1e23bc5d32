"""Checks of a graph before a model reads it, and its figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch

from grnet import _checks
from grnet.graph.vocabulary import is_opposite, opposite, spelled

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

    from grnet.graph.vocabulary import EdgeType


def validate(data: HeteroData) -> None:
    """Raise if a graph cannot be right.

    Parameters
    ----------
    data
        A graph with nodes of one or more types.

    Raises
    ------
    ValueError
        If names are missing or repeated, an edge points to no node or occurs twice, a value is NaN
        or infinite, features or attributes do not fit their names or number, or a pair held out is
        also an input, in either direction.

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    >>> data = gn.graph.build(adata, tfs=adata.var_names[adata.var["is_tf"]], n_components=4)
    >>> data["gene"].x[0, 0] = float("nan")
    >>> gn.graph.validate(data)
    Traceback (most recent call last):
    ValueError: x of gene holds NaN or infinite values in 1 column(s): 'expression_1'. ...
    """
    if not data.node_types:
        _fail("The graph has no nodes", "gn.graph.build makes one from AnnData or MuData")
    for kind in data.node_types:
        _validate_nodes(data[kind], kind)
    for edge_type in data.edge_types:
        _validate_edges(data, edge_type)
        _validate_held_out(data, edge_type)


def summary(data: HeteroData) -> pd.DataFrame:
    """Return the figures of a graph.

    Parameters
    ----------
    data
        A graph with nodes of one or more types.

    Returns
    -------
    A row per type of nodes, then of edges (opposite directions are not repeated): ``kind``,
    ``count``, ``features``, ``mean_degree`` (of nodes: edges of all types per node; of edges: edges
    per source node), ``isolated`` (the share of nodes without any edge; of edges: of targets
    without this one) and ``held_out`` (pairs kept for supervision).

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    >>> data = gn.graph.build(adata, tfs=adata.var_names[adata.var["is_tf"]], n_components=4)
    >>> gn.graph.summary(data)[["kind", "count", "features"]]
                            kind  count  features
    type
    gene                   nodes     30         6
    tf                     nodes      5         7
    gene coexpressed gene  edges    ...         1
    """
    stored = [kind for kind in data.edge_types if "edge_index" in data[kind]]
    shown = [k for k in stored if not (is_opposite(k) and opposite(k) in stored)]
    degrees = {kind: np.zeros(_size(data[kind]), dtype=np.int64) for kind in data.node_types}
    rows = []
    for edge_type in shown:
        source, _, target = edge_type
        ends = data[edge_type].edge_index.cpu().numpy()
        degrees[source] += np.bincount(ends[0], minlength=len(degrees[source]))
        if source != target:
            degrees[target] += np.bincount(ends[1], minlength=len(degrees[target]))
        rows.append(_edge_row(data, edge_type))
    nodes = [_node_row(data[kind], kind, degrees[kind]) for kind in data.node_types]
    return pd.DataFrame([*nodes, *rows]).set_index("type")


def _node_row(store: Any, kind: str, degree: np.ndarray[Any, Any]) -> dict[str, Any]:  # noqa: ANN401
    return {
        "type": kind,
        "kind": "nodes",
        "count": len(degree),
        "features": int(store.x.shape[1]) if "x" in store else 0,
        "mean_degree": float(degree.mean()) if len(degree) else 0.0,
        "isolated": float((degree == 0).mean()) if len(degree) else 0.0,
        "held_out": 0,
    }


def _edge_row(data: HeteroData, edge_type: EdgeType) -> dict[str, Any]:
    store = data[edge_type]
    n_sources, n_targets = (_size(data[kind]) for kind in (edge_type[0], edge_type[2]))
    reached = len(torch.unique(store.edge_index[1]))
    return {
        "type": spelled(edge_type),
        "kind": "edges",
        "count": int(store.edge_index.shape[1]),
        "features": int(store.edge_attr.shape[1]) if "edge_attr" in store else 0,
        "mean_degree": store.edge_index.shape[1] / max(n_sources, 1),
        "isolated": 1.0 - reached / max(n_targets, 1),
        "held_out": len(store.edge_label) if "edge_label" in store else 0,
    }


def _size(store: Any) -> int:  # noqa: ANN401
    return len(store.name) if "name" in store else int(store.num_nodes)


def _fail(found: str, fix: str) -> None:
    message = f"{found}. {fix}."
    raise ValueError(message)


def _validate_nodes(store: Any, kind: str) -> None:  # noqa: ANN401
    if "name" not in store:
        _fail(f"The nodes {kind!r} have no names", f"Give data[{kind!r}].name, a list of texts")
    _checks.unique(pd.Index(store.name), f"names of {kind}")
    if "x" not in store:
        return
    if store.x.ndim != 2 or store.x.shape[0] != len(store.name):
        _fail(
            f"data[{kind!r}].x has shape {tuple(store.x.shape)} for {len(store.name)} names",
            "Expected one row per name",
        )
    names = store.feature_names if "feature_names" in store else None
    _named_and_finite(store.x, names, f"x of {kind}")


def _named_and_finite(values: torch.Tensor, names: list[str] | None, what: str) -> None:
    columns = [str(i) for i in range(values.shape[1])] if names is None else list(names)
    if len(columns) != values.shape[1]:
        _fail(
            f"{what} has {values.shape[1]} columns for {len(columns)} names "
            f"({_checks.examples(columns)})",
            "Expected one name per column",
        )
    _checks.unique(pd.Index(columns), f"names of columns of {what}")
    _checks.finite(values.detach().cpu().numpy(), columns, what)


def _validate_edges(data: HeteroData, edge_type: EdgeType) -> None:
    store, what = data[edge_type], spelled(edge_type)
    unknown = [kind for kind in (edge_type[0], edge_type[2]) if kind not in data.node_types]
    if unknown:
        _fail(f"Edges {what!r} join nodes {unknown[0]!r}, which the graph lacks", "Add the nodes")
    for key in ("edge_index", "edge_label_index"):
        if key in store:
            _validate_ends(data, edge_type, key)
    if "edge_index" not in store:
        _fail(f"Edges {what!r} have no edge_index", "Give a LongTensor of shape (2, edges)")
    if "edge_attr" not in store:
        return
    if store.edge_attr.ndim != 2 or store.edge_attr.shape[0] != store.edge_index.shape[1]:
        _fail(
            f"edge_attr of {what!r} has shape {tuple(store.edge_attr.shape)} for "
            f"{store.edge_index.shape[1]} edges",
            "Expected one row per edge",
        )
    names = store.edge_attr_names if "edge_attr_names" in store else None
    _named_and_finite(store.edge_attr, names, f"edge_attr of {what}")


def _validate_ends(data: HeteroData, edge_type: EdgeType, key: str) -> None:
    ends, what = data[edge_type][key], spelled(edge_type)
    if ends.ndim != 2 or ends.shape[0] != 2 or ends.dtype != torch.long:
        _fail(
            f"{key} of {what!r} is {ends.dtype} of shape {tuple(ends.shape)}",
            "Expected a LongTensor of shape (2, edges)",
        )
    for row, kind in zip(ends, (edge_type[0], edge_type[2]), strict=True):
        size = _size(data[kind])
        wrong = (row < 0) | (row >= size)
        if wrong.any():
            _fail(
                f"{key} of {what!r} points to node {int(row[wrong][0])} of {size} nodes {kind!r}",
                f"Positions run from 0 to {size - 1}",
            )
    if len(torch.unique(ends[0] * _size(data[edge_type[2]]) + ends[1])) != ends.shape[1]:
        _fail(f"{key} of {what!r} holds an edge twice", "Merge them: torch_geometric coalesce")


def _validate_held_out(data: HeteroData, edge_type: EdgeType) -> None:
    store, what = data[edge_type], spelled(edge_type)
    if "edge_label_index" not in store:
        return
    held = store.edge_label_index
    if "edge_label" not in store or len(store.edge_label) != held.shape[1]:
        _fail(f"{what!r} has pairs held out without a label each", "Give edge_label, 0 or 1")
    seen = [store.edge_index]
    back = opposite(edge_type)
    if back in data.edge_types:
        seen.append(data[back].edge_index.flip(0))
    n_targets = _size(data[edge_type[2]])
    codes = held[0] * n_targets + held[1]
    for ends in seen:
        leaked = int(torch.isin(ends[0] * n_targets + ends[1], codes).sum())
        if leaked:
            _fail(
                f"{leaked} pairs held out of {what!r} are in message passing too: truth leaks in",
                "Use gn.graph.hold_out on the graph with all known edges",
            )
