"""Graphs as networkx knows them, and back without loss."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import networkx as nx
import torch
from torch_geometric.data import HeteroData

from grnet.graph import _values
from grnet.graph.validation import validate
from grnet.graph.vocabulary import is_opposite, opposite, spelled

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from grnet.graph.vocabulary import EdgeType

Row = dict[str, Any]

_RECORD = "grnet"
_COLUMNS = {"x": "feature_names", "edge_attr": "edge_attr_names"}
_OF_THE_TYPE = {"feature_mean", "feature_scale", "edge_label", "edge_label_index"}
_OWN_KEYS = {"node_type", "name", "relation", "position"}


def to_networkx(data: HeteroData) -> nx.MultiDiGraph:
    """Return a graph as networkx knows it, with all that belongs to nodes and edges.

    Parameters
    ----------
    data
        A graph whose nodes have names.

    Returns
    -------
    Nodes are called ``type:name`` (``tf:SPI1``) and have ``node_type``, ``name`` and each feature
    by its name; edges have the relation as key and attribute, and each attribute by its name.
    Opposite directions are left out where they repeat. What belongs to no node or edge, such as
    the pairs held out, is a text in ``graph.graph["grnet"]``.

    Raises
    ------
    ValueError
        If the graph is not valid.

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    >>> data = gn.graph.build(adata, known=adata.uns["grnet_truth"], n_components=4)
    >>> graph = gn.graph.to_networkx(data)
    >>> graph.nodes["tf:TF1"]["node_type"], graph.number_of_nodes()
    ('tf', 35)
    """
    validate(data)
    graph = nx.MultiDiGraph()
    record: Row = {"nodes": {}, "edges": [], "graph": _values.plain(global_values(data))}
    keys = {}
    for kind in data.node_types:
        store = dict(data[kind])
        names = store.pop("name")
        keys[kind] = [f"{kind}:{name}" for name in names]
        rows, record["nodes"][kind] = _split(store, len(names))
        for key, name, row in zip(keys[kind], names, rows, strict=True):
            graph.add_node(key, node_type=kind, name=name, **row)
    for edge_type in data.edge_types:
        record["edges"].append(_written(graph, data, edge_type, keys=keys))
    graph.graph[_RECORD] = json.dumps(record)
    return graph


def from_networkx(graph: nx.MultiDiGraph) -> HeteroData:
    """Return the graph that :func:`to_networkx` made a networkx graph of.

    Parameters
    ----------
    graph
        Attributes may have been changed and edges taken away since; nodes may not.

    Returns
    -------
    HeteroData with everything that the first one had.

    Raises
    ------
    ValueError
        If the graph was not made by :func:`to_networkx`, nodes came or went, or an attribute is
        missing.

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    >>> data = gn.graph.build(adata, known=adata.uns["grnet_truth"], n_components=4)
    >>> back = gn.graph.from_networkx(gn.graph.to_networkx(data))
    >>> bool((back["gene"].x == data["gene"].x).all())
    True
    """
    if _RECORD not in graph.graph:
        message = (
            f"This networkx graph of {graph.number_of_nodes()} nodes has no graph[{_RECORD!r}]: it "
            "was not made by gn.graph.to_networkx. gn.GRN.from_networkx reads networks of genes."
        )
        raise ValueError(message)
    record = json.loads(graph.graph[_RECORD])
    data = HeteroData()
    position = _read_nodes(data, graph, record["nodes"])
    edges = _edges_by_type(graph)
    for kept in record["edges"]:
        _read_edges(data, kept, edges.get(tuple(kept["type"]), []), position=position)
    for kept in record["edges"]:
        if kept["repeated"] is not None:
            _repeat(data, kept)
    for key, value in _values.revived(record["graph"]).items():
        setattr(data, key, value)
    validate(data)
    return data


def global_values(data: HeteroData) -> Row:
    """Return what belongs to the graph as a whole."""
    # PyG has no other way to list it
    return dict(data._global_store)


def _split(store: Row, size: int) -> tuple[list[Row], Row]:
    """Return the values of each node or edge, and what describes them or belongs to none."""
    rows: list[Row] = [{} for _ in range(size)]
    record: Row = {"size": size, "per_row": {}, "rest": {}}
    taken = _OWN_KEYS | set(store)
    for key, value in store.items():
        if not is_per_row(key, value, size):
            record["rest"][key] = _values.plain(value)
        elif key in _COLUMNS and value.ndim == 2:
            names = store.get(_COLUMNS[key]) or range(value.shape[1])
            columns = [f"{key}.{name}" if name in taken else f"{name}" for name in names]
            record["per_row"][key] = {**_values.described(value), "columns": columns}
            for row, numbers in zip(rows, value.tolist(), strict=True):
                row.update(zip(columns, numbers, strict=True))
        else:
            tensor = isinstance(value, torch.Tensor)
            record["per_row"][key] = _values.described(value) if tensor else {}
            for row, item in zip(rows, value.tolist() if tensor else value, strict=True):
                row[key] = item
    return rows, record


def is_per_row(key: str, value: Any, size: int) -> bool:  # noqa: ANN401
    """Tell whether a value has one part for each node or edge."""
    if key in _OF_THE_TYPE or key in _COLUMNS.values():
        return False
    if isinstance(value, torch.Tensor):
        return value.ndim > 0 and value.shape[0] == size
    return isinstance(value, list) and len(value) == size


def _joined(rows: list[Row], record: Row, what: str) -> Row:
    """Return the values that :func:`_split` was given."""
    store: Row = _values.revived(record["rest"])
    for key, spec in record["per_row"].items():
        columns = spec.get("columns")
        try:
            items = [row[key] if columns is None else [row[c] for c in columns] for row in rows]
        except KeyError as error:
            message = (
                f"An item of {what} in the networkx graph has no attribute {error.args[0]!r}: give "
                "every one a value, or start again from gn.graph.to_networkx."
            )
            raise ValueError(message) from error
        if not spec:
            store[key] = items
            continue
        shape = [len(rows), *spec["shape"][1:]]
        store[key] = _values.unlisted({"dtype": spec["dtype"], "shape": shape, "values": items})
    return store


def _written(
    graph: nx.MultiDiGraph, data: HeteroData, edge_type: EdgeType, *, keys: Mapping[str, list[str]]
) -> Row:
    """Add the edges of a type, unless they repeat the opposite ones; return the record of them."""
    source, relation, target = edge_type
    store = dict(data[edge_type])
    kept: Row = {"type": list(edge_type), "repeated": None}
    if _repeats(data, edge_type):
        return kept | {"repeated": [key for key in store if key != "edge_index"]}
    first, second = store.pop("edge_index").tolist()
    rows, kept["values"] = _split(store, len(first))
    for position, (i, j, row) in enumerate(zip(first, second, rows, strict=True)):
        row |= {"relation": relation, "position": position}
        graph.add_edge(keys[source][i], keys[target][j], key=relation, **row)
    return kept


def _repeats(data: HeteroData, edge_type: EdgeType) -> bool:
    """Tell whether the edges are those of the opposite type turned round, and nothing else."""
    forward = opposite(edge_type)
    if not is_opposite(edge_type) or forward not in data.edge_types:
        return False
    store, other = dict(data[edge_type]), dict(data[forward])
    if not torch.equal(store.pop("edge_index"), other["edge_index"].flip(0)):
        return False
    return all(key in other and _equal(value, other[key]) for key, value in store.items())


def _equal(one: Any, other: Any) -> bool:  # noqa: ANN401
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    return type(one) is type(other) and not isinstance(one, torch.Tensor) and bool(one == other)


def _read_nodes(data: HeteroData, graph: nx.MultiDiGraph, records: Mapping[str, Row]) -> Row:
    """Write the nodes and return the position of each among those of its type."""
    rows: dict[str, list[Row]] = {kind: [] for kind in records}
    position: Row = {}
    for key, row in graph.nodes(data=True):
        kind = row.get("node_type")
        if kind not in rows:
            _wrong_nodes(f"{key!r} has node_type {kind!r}, expected one of {', '.join(rows)}")
        position[key] = len(rows[kind])
        rows[kind].append(row)
    for kind, record in records.items():
        if len(rows[kind]) != record["size"]:
            _wrong_nodes(f"{len(rows[kind])} nodes {kind!r} are left of {record['size']}")
        data[kind].name = [row["name"] for row in rows[kind]]
        for key, value in _joined(rows[kind], record, f"nodes {kind!r}").items():
            data[kind][key] = value
    return position


def _wrong_nodes(found: str) -> None:
    message = (
        f"The nodes of the networkx graph are not those it was made with: {found}. Take nodes away "
        "from the HeteroData instead, data.subgraph({...}), or build the graph anew."
    )
    raise ValueError(message)


def _edges_by_type(graph: nx.MultiDiGraph) -> dict[tuple[str, ...], list[tuple[str, str, Row]]]:
    """Return the edges of each type in the order they had."""
    found: dict[tuple[str, ...], list[tuple[str, str, Row]]] = {}
    kinds = nx.get_node_attributes(graph, "node_type")
    for source, target, row in graph.edges(data=True):
        edge_type = (kinds.get(source), row.get("relation"), kinds.get(target))
        found.setdefault(edge_type, []).append((source, target, row))
    for edges in found.values():
        edges.sort(key=lambda edge: edge[2].get("position", len(edges)))
    return found


def _read_edges(
    data: HeteroData, kept: Row, edges: Iterable[tuple[str, str, Row]], *, position: Row
) -> None:
    store = data[tuple(kept["type"])]
    if kept["repeated"] is not None:
        return
    pairs = [(position[source], position[target]) for source, target, _ in edges]
    store.edge_index = torch.tensor(pairs, dtype=torch.long).reshape(-1, 2).T.contiguous()
    rows = [row for *_, row in edges]
    for key, value in _joined(
        rows, kept["values"], f"edges {spelled(tuple(kept['type']))!r}"
    ).items():
        store[key] = value


def _repeat(data: HeteroData, kept: Row) -> None:
    """Write a type of edges as the opposite one turned round."""
    edge_type = tuple(kept["type"])
    store, other = data[edge_type], data[opposite(edge_type)]
    store.edge_index = other.edge_index.flip(0)
    for key in kept["repeated"]:
        value = other[key]
        store[key] = value.clone() if isinstance(value, torch.Tensor) else list(value)
