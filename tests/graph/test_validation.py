"""What is wrong with a graph is said; what it holds is counted."""

import pytest
import torch
from torch_geometric.data import HeteroData

import grnet as gn
from grnet.graph import BINDS, COEXPRESSED, GENE, NEAR, REGULATES, TF, opposite


def _missing_name(data):
    del data[GENE].name


def _doubled_name(data):
    data[GENE].name = ["TF1", *data[GENE].name[:-1]]


def _nan(data):
    data[GENE].x[2, 1] = float("nan")


def _short_features(data):
    data[GENE].x = data[GENE].x[:-1]


def _feature_names(data):
    data[GENE].feature_names = ["a"]


def _out_of_range(data):
    data[NEAR].edge_index[1, 0] = 99


def _negative(data):
    data[NEAR].edge_index[0, 0] = -1


def _twice(data):
    store = data[BINDS]
    store.edge_index[:, 1] = store.edge_index[:, 0]


def _attributes(data):
    data[BINDS].edge_attr = data[BINDS].edge_attr[1:]


def _infinite(data):
    data[BINDS].edge_attr[0, 0] = float("inf")


def _float_index(data):
    data[BINDS].edge_index = data[BINDS].edge_index.float()


def _unknown_nodes(data):
    data["gene", "in", "cell"].edge_index = torch.zeros((2, 1), dtype=torch.long)


def _no_index(data):
    del data[BINDS].edge_index


def _leak(data):
    store = data[REGULATES]
    store.edge_label_index, store.edge_label = store.edge_index[:, :2], torch.ones(2)


def _leak_in_the_opposite(data):
    _leak(data)
    data[REGULATES].edge_index = data[REGULATES].edge_index[:, 2:]
    data[REGULATES].edge_attr = data[REGULATES].edge_attr[2:]


def _no_labels(data):
    data[REGULATES].edge_label_index = data[REGULATES].edge_index[:, :0]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_missing_name, "nodes 'gene' have no names"),
        (_doubled_name, "names of gene occur more than once .'TF1'"),
        (_nan, "x of gene holds NaN or infinite values in 1 column.*'expression_2'"),
        (_short_features, r"data\['gene'\].x has shape \(23, 7\) for 24 names"),
        (_feature_names, "x of gene has 7 columns for 1 names"),
        (_out_of_range, "'peak near gene' points to node 99 of 24 nodes 'gene'"),
        (_negative, "points to node -1 of 40 nodes 'peak'. Positions run from 0 to 39"),
        (_twice, "'tf binds peak' holds an edge twice"),
        (_attributes, "edge_attr of 'tf binds peak' has shape"),
        (_infinite, "edge_attr of tf binds peak holds NaN or infinite.*'chip'"),
        (_float_index, "is torch.float32 of shape"),
        (_unknown_nodes, "join nodes 'cell', which the graph lacks"),
        (_no_index, "'tf binds peak' have no edge_index"),
        (_leak, "2 pairs held out of 'tf regulates gene' are in message passing too"),
        (_leak_in_the_opposite, "2 pairs held out of 'tf regulates gene' are in message passing"),
        (_no_labels, "pairs held out without a label each"),
    ],
)
def test_damage_is_named(graph, damage, message):
    gn.graph.validate(graph)
    damage(graph)
    with pytest.raises(ValueError, match=message):
        gn.graph.validate(graph)


def test_empty_graph():
    with pytest.raises(ValueError, match=r"The graph has no nodes"):
        gn.graph.validate(HeteroData())


def test_summary_counts(graph, small):
    table = gn.graph.summary(graph)
    assert table.loc["tf binds peak", "count"] == len(small.bindings)
    assert table.loc["peak near gene", "count"] == len(small.links)
    assert not any("rev_" in name for name in table.index)
    assert table.loc["gene", "features"] == graph[GENE].x.shape[1]
    degree = torch.zeros(24)
    for kind, row in ((NEAR, 1), (REGULATES, 1), (COEXPRESSED, 0)):
        degree += torch.bincount(graph[kind].edge_index[row], minlength=24)
    assert table.loc["gene", "mean_degree"] == pytest.approx(float(degree.mean()))
    bound = set(small.bindings["peak"])
    linked = set(small.links["peak"])
    assert table.loc["peak", "isolated"] == pytest.approx(1 - len(bound | linked) / 40)
    assert table.loc["tf binds peak", "isolated"] == pytest.approx(1 - len(bound) / 40)


def test_summary_counts_what_is_held_out(graph):
    part = gn.graph.hold_out(graph, 0.25)
    table = gn.graph.summary(part)
    assert table.loc["tf regulates gene", "held_out"] == len(part[REGULATES].edge_label)


def test_features_need_names(graph):
    with pytest.raises(ValueError, match=r"Unknown type of node 'genes'. Did you mean 'gene'"):
        gn.graph.features(graph, "genes")
    del graph[TF].feature_names
    with pytest.raises(ValueError, match=r"have no 'feature_names'"):
        gn.graph.features(graph, TF)


@pytest.mark.parametrize("kind", [BINDS, NEAR, REGULATES])
def test_opposite_is_its_own_inverse(kind):
    assert opposite(opposite(kind)) == kind
    assert opposite(COEXPRESSED) == COEXPRESSED
