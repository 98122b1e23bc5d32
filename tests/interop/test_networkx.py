"""networkx takes grn.edges unchanged; what it holds comes back."""

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import grnet as gn

names = st.text("ABé/ 1", min_size=1, max_size=3)
weights = st.floats(-5, 5, allow_nan=False)
shares = st.floats(0, 1)


@st.composite
def networks(draw):
    """Networks with a sign, a calibration, contexts, self edges, lone nodes and parameters."""
    contexts = draw(st.sampled_from([None, ["T cell"], ["B cell", "CD4+/CD25 T"]]))
    ends = st.tuples(names, names, st.sampled_from(contexts or [""]))
    rows = draw(st.dictionaries(ends, st.tuples(weights, shares, st.booleans()), min_size=1))
    edges = pd.DataFrame(
        [(*key, *values) for key, values in rows.items()],
        columns=["source", "target", "context", "weight", "fdr", "known"],
    )
    edges["sign"] = np.where(edges["weight"] < 0, "-", "+")
    lone = draw(st.sets(st.text("XYZ", min_size=1, max_size=2), max_size=2))
    nodes = pd.DataFrame({"is_tf": True, "mean": 0.5}, index=sorted(lone))
    return gn.GRN(
        edges if contexts else edges.drop(columns="context"),
        nodes=nodes if lone else None,
        params=draw(st.dictionaries(st.sampled_from(["seed", "alpha"]), st.integers(0, 9))),
    )


@settings(max_examples=40, deadline=None)
@given(networks())
def test_round_trip(grn):
    back = gn.GRN.from_networkx(grn.to_networkx())
    pd.testing.assert_frame_equal(back.edges, grn.edges, check_like=True)
    pd.testing.assert_frame_equal(back.nodes, grn.nodes, check_like=True, check_dtype=False)
    assert back.params == grn.params


@settings(max_examples=40, deadline=None)
@given(networks())
def test_graph_has_an_edge_for_each_row_and_plain_names(grn):
    graph = grn.to_networkx()
    assert graph.number_of_edges() == len(grn)
    assert set(graph) == set(grn.genes)
    assert all(type(node) is str for node in graph)
    keys = ["source", "target", *(["context"] if graph.is_multigraph() else [])]
    for row in grn.edges.to_dict("records"):
        assert graph.edges[tuple(row[key] for key in keys)]["weight"] == row["weight"]


def test_edges_are_networkxs_default_table(planted):
    undirected = nx.from_pandas_edgelist(planted.edges)
    assert set(undirected) == set(planted.drop_isolated().genes)
    directed = nx.from_pandas_edgelist(planted.edges, edge_attr=True, create_using=nx.DiGraph)
    ours = planted.to_networkx()
    assert nx.utils.edges_equal(directed.edges(data=True), ours.edges(data=True), directed=True)


def test_algorithms_run_on_the_graph(planted):
    graph = planted.to_networkx()
    assert nx.is_directed_acyclic_graph(graph)
    levels = list(nx.topological_generations(graph))
    assert 4 <= len(levels) <= 5
    assert all(node.startswith("TF") for level in levels[:-1] for node in level if graph[node])
    matrix = nx.to_scipy_sparse_array(graph, nodelist=planted.genes, weight="weight")
    assert abs(matrix).sum() == pytest.approx(planted.edges["weight"].abs().sum())


def test_two_edges_of_one_pair_come_back_under_their_keys():
    graph = nx.MultiDiGraph()
    graph.add_edge("A", "B", key="T cell", weight=1.0)
    graph.add_edge("A", "B", key="B cell", weight=-2.0)
    edges = gn.GRN.from_networkx(graph).edges
    assert edges[["context", "weight"]].to_numpy().tolist() == [["B cell", -2.0], ["T cell", 1.0]]
