"""GRN: validation, selection, conversion."""

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from hypothesis import given
from hypothesis import strategies as st

import grnet as gn

names = st.sampled_from(["A", "B", "C", "D", "E"])
edge_lists = st.dictionaries(
    st.tuples(names, names), st.floats(-5, 5, allow_nan=False), min_size=1, max_size=15
)


def network(edges):
    frame = pd.DataFrame([(*pair, weight) for pair, weight in edges.items()])
    return gn.GRN(frame.set_axis(["source", "target", "weight"], axis=1))


@pytest.fixture
def grn():
    return gn.datasets.example_network()


@given(edge_lists)
def test_edges_are_sorted_by_strength_whatever_their_order(edges):
    forward = network(edges)
    backward = network(dict(reversed(edges.items())))
    pd.testing.assert_frame_equal(forward.edges, backward.edges)
    assert (forward.edges["weight"].abs().diff().dropna() <= 0).all()


@given(edge_lists)
def test_networkx_round_trip(edges):
    first = network(edges)
    second = gn.GRN.from_networkx(first.to_networkx())
    pd.testing.assert_frame_equal(first.edges, second.edges)
    pd.testing.assert_frame_equal(first.nodes, second.nodes, check_like=True)


@given(edge_lists, st.integers(0, 20))
def test_top_and_filter_agree(edges, n):
    grn = network(edges)
    top = grn.top(n)
    assert len(top) == min(n, len(grn))
    if len(top):
        cut = top.edges["weight"].abs().min()
        assert set(top.edges.index) <= set(grn.filter(min_weight=cut).edges.index)


@given(edge_lists)
def test_degrees_are_those_of_networkx(edges):
    grn = network(edges)
    graph = grn.to_networkx()
    assert grn.nodes["out_degree"].to_dict() == dict(graph.out_degree())
    assert grn.nodes["in_degree"].to_dict() == dict(graph.in_degree())


@given(edge_lists, names, st.integers(0, 3))
def test_neighbourhood_is_networkxs_ego_graph(edges, node, radius):
    grn = network(edges)
    if node not in grn.nodes.index:
        with pytest.raises(ValueError, match=r"is not a node"):
            grn.neighbourhood(node, radius)
        return
    expected = nx.ego_graph(grn.to_networkx(), node, radius=radius, undirected=True)
    assert set(grn.neighbourhood(node, radius).nodes.index) == set(expected.nodes)
    chosen = grn.neighbourhood(node, radius).edges
    assert set(zip(chosen["source"], chosen["target"], strict=True)) == set(expected.edges)


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ({"source": ["A"], "target": ["B"]}, "lacks the column.*'weight'"),
        ({"tf": ["A"], "gene": ["B"], "weight": [1]}, "it has 'tf', 'gene', 'weight'"),
        ({"source": ["A", None], "target": ["B", "C"], "weight": [1, 2]}, "1 of 2 edges have no"),
        ({"source": ["A"], "target": ["B"], "weight": ["x"]}, "weights must be numbers"),
        ({"source": ["A"], "target": ["B"], "weight": [np.nan]}, "NaN or infinite.*'A' -> 'B'"),
        ({"source": ["A", "A"], "target": ["B", "B"], "weight": [1, 2]}, "occur more than once"),
    ],
)
def test_bad_edges_are_named(edges, message):
    with pytest.raises(ValueError, match=message):
        gn.GRN(pd.DataFrame(edges))


def test_the_same_pair_may_occur_in_two_contexts():
    frame = pd.DataFrame(
        {"source": ["A", "A"], "target": ["B", "B"], "weight": [1, 2], "context": ["x", "y"]}
    )
    grn = gn.GRN(frame)
    assert len(grn.filter(context="x")) == 1
    graph = grn.to_networkx()
    assert graph.is_multigraph()
    pd.testing.assert_frame_equal(gn.GRN.from_networkx(graph).edges, grn.edges)
    with pytest.raises(ValueError, match=r"Unknown context 'z'"):
        grn.filter(context="z")


def test_the_callers_table_is_left_alone():
    frame = pd.DataFrame({"source": ["B", "A"], "target": ["A", "B"], "weight": [1, 2]})
    before = frame.copy()
    gn.GRN(frame)
    pd.testing.assert_frame_equal(frame, before)


def test_filter_conditions(grn):
    assert (grn.filter(sign="-").edges["weight"] < 0).all()
    assert (grn.filter(sign="+").edges["weight"] > 0).all()
    assert len(grn.filter(sign="-")) + len(grn.filter(sign="+")) == len(grn)
    assert set(grn.filter(targets=["G1"]).edges["target"]) <= {"G1"}
    with pytest.raises(ValueError, match=r"no column 'fdr'.*infer the network with fdr="):
        grn.filter(max_fdr=0.1)
    with pytest.raises(ValueError, match=r"n_bootstrap"):
        grn.filter(min_stability=0.5)


def test_selection_keeps_the_candidates_and_drop_isolated_drops_them(grn):
    assert grn.top(1).genes == grn.genes
    assert grn.top(1).tfs == grn.tfs
    assert len(grn.top(1).drop_isolated().nodes) == 2


def test_evidence_follows_the_edges(grn):
    evidence = grn.edges[["source", "target"]].assign(region="chr1:1-2", chip=1.0)
    full = gn.GRN(grn.edges, evidence=evidence)
    assert len(full.top(3).evidence) == 3
    with pytest.raises(ValueError, match=r"evidence lacks the column.*'region'"):
        gn.GRN(grn.edges, evidence=evidence.drop(columns="region"))


def test_annotations_of_nodes_are_kept(grn):
    notes = pd.DataFrame({"family": ["bHLH"]}, index=["TF1"])
    annotated = gn.GRN(grn.edges, nodes=notes)
    assert annotated.nodes.loc["TF1", "family"] == "bHLH"
    with pytest.raises(ValueError, match=r"nodes occur more than once"):
        gn.GRN(grn.edges, nodes=pd.concat([notes, notes]))


@pytest.mark.filterwarnings("ignore:Writing zarr v2 data")
@pytest.mark.parametrize("kind", ["h5ad", "zarr"])
def test_round_trip_through_files(grn, kind, tmp_path):
    import anndata

    evidence = grn.edges[["source", "target"]].assign(region="chr1:1-2", chip=1.0)
    full = gn.GRN(
        grn.edges.assign(fdr=0.1), evidence=evidence, params={"method": "x", "seed": 1, "fdr": 0.5}
    )
    adata = AnnData(np.ones((2, 2)))
    full.to_adata(adata)
    path = tmp_path / f"a.{kind}"
    getattr(adata, f"write_{kind}")(path)
    back = gn.GRN.from_adata(getattr(anndata, f"read_{kind}")(path))
    pd.testing.assert_frame_equal(back.edges, full.edges)
    pd.testing.assert_frame_equal(back.nodes, full.nodes)
    pd.testing.assert_frame_equal(
        back.evidence.astype(str), full.evidence.astype(str), check_dtype=False
    )
    assert back.params == full.params


def test_from_adata_names_what_is_there():
    adata = AnnData(np.ones((2, 2)), uns={"other": 1})
    with pytest.raises(ValueError, match=r"no 'grnet'; it has 'other'"):
        gn.GRN.from_adata(adata)


def test_undirected_graphs_are_refused():
    with pytest.raises(ValueError, match=r"undirected"):
        gn.GRN.from_networkx(nx.Graph([("A", "B")]))


def test_regulon_of_an_unknown_name_points_to_the_case(grn):
    with pytest.raises(ValueError, match=r"Did you mean 'TF1'"):
        grn.regulon("tf1")


def test_reprs_are_for_people(grn):
    assert "GRN of 12 edges" in repr(grn)
    assert "<table" in grn._repr_html_()
    assert "<b>&lt;script&gt;" in gn.GRN(grn.edges, params={"a": "<script>"})._repr_html_()


def test_a_million_edges_take_seconds():
    sources = np.repeat([f"TF{i}" for i in range(500)], 2000)
    targets = np.tile([f"G{i}" for i in range(2000)], 500)
    weights = np.random.default_rng(0).normal(size=1_000_000)
    grn = gn.GRN(pd.DataFrame({"source": sources, "target": targets, "weight": weights}))
    assert grn.edges["source"].dtype == "category"
    assert grn.edges.memory_usage(deep=True).sum() < 40e6
