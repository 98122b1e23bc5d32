"""GraphML with typed attributes, as networkx, Cytoscape, Gephi and igraph read it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError

import networkx as nx
import pandas as pd

from grnet import _checks
from grnet.io._atomic import replacing
from grnet.io.networks import _style
from grnet.io.networks._records import Parts, records, refuse_reserved

if TYPE_CHECKING:
    from pathlib import Path

    from grnet.grn import GRN

_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def write_graphml(grn: GRN, path: Path) -> None:
    """Write the network as GraphML; the parameters become attributes of the graph."""
    refuse_reserved(grn)
    unsafe = [name for name in grn.genes if _NOT_XML.search(name)]
    if unsafe:
        message = (
            f"XML cannot hold the control characters in {len(unsafe)} name(s) "
            f"({_checks.examples(unsafe)}): rename them, or use .cx2 or .parquet."
        )
        raise ValueError(message)
    with replacing(path) as part:
        nx.write_graphml(_graph(grn), part, named_key_ids=False)


def _graph(grn: GRN) -> nx.DiGraph:
    """Return a graph of plain values without missing ones; parallel edges get ids of their own."""
    graph = nx.MultiDiGraph() if "context" in grn.edges else nx.DiGraph()
    graph.graph.update(grn.params)
    graph.add_nodes_from(zip(map(str, grn.nodes.index), records(grn.nodes), strict=True))
    edges = _style.with_effect(grn.edges, grn.params)
    ends = edges[["source", "target"]].astype(str).itertuples(index=False, name=None)
    attributes = records(edges.drop(columns=["source", "target"]))
    for number, (pair, values) in enumerate(zip(ends, attributes, strict=True)):
        key = {"key": f"e{number}"} if graph.is_multigraph() else {}
        graph.add_edge(*pair, **key, **values)
    return graph


def read_graphml(path: Path) -> Parts:
    """Read a directed GraphML graph."""
    try:
        graph = nx.read_graphml(path)
    except (ParseError, nx.NetworkXError) as error:
        message = f"{path} is not readable GraphML: {error}. Write or export it again."
        raise ValueError(message) from error
    if not graph.is_directed():
        message = (
            f'{path} holds an undirected graph: a regulatory network needs edgedefault="directed", '
            "edges from regulator to target."
        )
        raise ValueError(message)
    edges = nx.to_pandas_edgelist(graph).drop(columns=["id", "name"], errors="ignore")
    nodes = pd.DataFrame([values for _, values in graph.nodes(data=True)], index=list(graph.nodes))
    params = {k: v for k, v in graph.graph.items() if k not in {"node_default", "edge_default"}}
    return Parts(edges, nodes.drop(columns=["id", "name"], errors="ignore"), params)
