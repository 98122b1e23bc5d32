"""No pair held out is left where a model could see it."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import grnet as gn
from grnet.graph import GENE, REGULATES, TF, opposite

BACK = opposite(REGULATES)


def seen(data):
    """All pairs of a TF and a gene, by name, that message passing can see."""
    found = set()
    for ends in (data[REGULATES].edge_index, data[BACK].edge_index.flip(0)):
        found |= {(data[TF].name[i], data[GENE].name[j]) for i, j in ends.T.tolist()}
    return found


def held(data):
    store = data[REGULATES]
    names = [(data[TF].name[i], data[GENE].name[j]) for i, j in store.edge_label_index.T.tolist()]
    return dict(zip(names, store.edge_label.tolist(), strict=True))


@pytest.fixture(scope="module")
def whole(small):
    return gn.graph.build(small.mdata, **small.tables, n_components=4)


@settings(max_examples=25)
@given(rows=st.data())
def test_no_pair_held_out_is_seen_in_either_direction(whole, rows):
    data = whole
    known = sorted(seen(data))
    pairs = rows.draw(st.lists(st.sampled_from(known), min_size=1, unique=True))
    part = gn.graph.hold_out(data, pd.DataFrame(pairs, columns=["source", "target"]))
    assert set(held(part)) == set(pairs)
    turned = {(target, source) for source, target in pairs}
    assert not seen(part) & (set(pairs) | turned)
    assert seen(part) == set(known) - set(pairs) - turned
    gn.graph.validate(part)


def test_attributes_stay_with_their_edges(graph):
    part = gn.graph.hold_out(graph, 0.5, seed=3)
    whole = {
        tuple(pair): row.tolist()
        for pair, row in zip(
            graph[REGULATES].edge_index.T.tolist(), graph[REGULATES].edge_attr, strict=True
        )
    }
    for kind, flip in ((REGULATES, 1), (BACK, -1)):
        store = part[kind]
        for pair, row in zip(store.edge_index.T.tolist(), store.edge_attr, strict=True):
            assert whole[tuple(pair[::flip])] == row.tolist()


def test_shares_repeat_with_the_seed_and_leave_the_graph_alone(graph):
    n_edges = graph[REGULATES].num_edges
    one, two, other = (gn.graph.hold_out(graph, 0.3, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one[REGULATES].edge_label_index, two[REGULATES].edge_label_index)
    assert not torch.equal(one[REGULATES].edge_label_index, other[REGULATES].edge_label_index)
    assert len(one[REGULATES].edge_label) == round(0.3 * n_edges)
    assert graph[REGULATES].num_edges == n_edges
    assert "edge_label" not in graph[REGULATES]


def test_labels_and_pairs_that_are_no_edge(graph):
    known = seen(graph)
    none = next((t, g) for t in graph[TF].name for g in graph[GENE].name[5:] if (t, g) not in known)
    pairs = pd.DataFrame([sorted(known)[0], none], columns=["source", "target"])
    part = gn.graph.hold_out(graph, pairs.assign(label=[1, 0]))
    assert held(part) == {sorted(known)[0]: 1.0, none: 0.0}


def test_all_edges_held_out_keep_the_type(graph):
    part = gn.graph.hold_out(graph, 1.0)
    assert part[REGULATES].num_edges == 0
    assert part[REGULATES].edge_attr.shape == (0, 2)
    assert part.metadata() == graph.metadata()


def test_build_holds_out(small):
    truth = small.known.iloc[:5]
    data = gn.graph.build(small.mdata, **small.tables, n_components=4, held_out=truth)
    assert set(held(data)) == set(zip(truth["source"], truth["target"], strict=True))
    assert not seen(data) & set(held(data))


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (2.0, "held_out=2.0 is out of range"),
        (0.001, "is none: hold out more"),
        (pd.DataFrame({"source": ["X"], "target": ["Y"]}), "None of the 1 pairs of held_out"),
        (pd.DataFrame({"source": ["TF1"]}), "held_out lacks the column"),
        (pd.DataFrame({"source": ["TF1"], "target": ["G1"], "label": [0.5]}), "labels '0.5'"),
        (
            pd.DataFrame({"source": ["TF1"] * 2, "target": ["G1"] * 2, "label": [0, 1]}),
            "labels a pair both 0 and 1",
        ),
    ],
)
def test_what_cannot_be_held_out_is_said(graph, pairs, message):
    with pytest.raises(ValueError, match=message):
        gn.graph.hold_out(graph, pairs)


def test_holding_out_twice_or_nothing(graph, small):
    with pytest.raises(ValueError, match=r"holds pairs out already"):
        gn.graph.hold_out(gn.graph.hold_out(graph, 0.5), 0.5)
    bare = gn.graph.build(small.mdata["rna"], tfs=["TF1"], n_components=4)
    with pytest.raises(ValueError, match=r"no edges .tf, regulates, gene. to hold out"):
        gn.graph.hold_out(bare, 0.5)


def test_the_network_itself_can_be_held_out(graph, small):
    edges = small.known[small.known["source"] != small.known["target"]].head(4)
    part = gn.graph.hold_out(graph, gn.GRN(edges))
    assert len(held(part)) == 4
    assert np.isfinite(part[REGULATES].edge_attr.numpy()).all()
