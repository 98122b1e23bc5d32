"""Deletion: edges really go, the control is drawn from the same edges, and areas add up."""

import numpy as np
import pandas as pd
import pytest
import torch

import grnet as gn
from grnet.explain.deletion import _drawn


@pytest.fixture(scope="module")
def model(edge_model):
    return edge_model("sage")


@pytest.fixture(scope="module")
def found(model, graph, known_pair):
    (source, target), _ = known_pair
    return gn.explain.graph_attributions(model, graph, source=source, target=target)


def rebuilt(graph, pair, gone):
    """Return the edges of a graph without the pair and without edges by name, both ways."""
    names = {kind: list(graph[kind].name) for kind in graph.node_types}
    lost = {("tf regulates gene", *pair), *gone}
    edges = {}
    for relation, index in graph.edge_index_dict.items():
        forward = gn.graph.opposite(relation) if "rev_" in relation[1] else relation
        kept = []
        for a, b in index.T.tolist():
            ends = (names[relation[0]][a], names[relation[2]][b])
            ways = [ends[::-1]] if forward != relation else [ends]
            ways += [ends[::-1]] if relation[0] == relation[2] else []
            kept.append(not any((" ".join(forward), *way) in lost for way in ways))
        edges[relation] = index[:, torch.tensor(kept)]
    return edges


def test_the_logit_is_that_of_a_graph_without_the_edges(graph, model, found, known_pair):
    curve = gn.explain.faithfulness(model, graph, found, n_steps=5, n_random=2)
    assert curve["logit"][0] == pytest.approx(found.logit, abs=1e-5)
    ordered = found.edges.sort_values("contribution", ascending=False)
    for row in (1, 3, len(curve) - 1):
        top = ordered.head(int(curve["n_deleted"][row]))
        gone = set(top[["type", "source", "target"]].astype(str).itertuples(index=False, name=None))
        edges = rebuilt(graph, known_pair[0], gone)
        with torch.no_grad():
            logit = float(model(graph.x_dict, edges, known_pair[1]))
        assert curve["logit"][row] == pytest.approx(logit, abs=1e-5)
    np.testing.assert_allclose(curve["change"], curve["logit"][0] - curve["logit"])
    above = (curve["change"] - curve["random"])[1:]
    assert curve["area"].iloc[-1] == pytest.approx(above.mean())
    assert (curve["low"] <= curve["high"]).all()


def test_what_matters_is_deleted_first(graph, model, found):
    signed = gn.explain.faithfulness(model, graph, found, n_random=8)
    assert signed["area"].iloc[-1] > 0
    upside_down = gn.explain.faithfulness(
        model,
        graph,
        gn.explain.GraphAttributions(
            **{**vars(found), "edges": found.edges.assign(contribution=-found.edges.contribution)}
        ),
        n_random=8,
    )
    assert upside_down["area"].iloc[-1] < 0
    moved = gn.explain.faithfulness(model, graph, found, order="absolute", n_random=8)
    assert (moved["change"] >= 0).all()
    assert (moved["random"] >= 0).all()


def test_seeds_repeat_and_all_edges_are_the_same_set(graph, model, found):
    options = {"n_steps": 4, "n_random": 3, "up_to": 1.0}
    one = gn.explain.faithfulness(model, graph, found, seed=1, **options)
    again = gn.explain.faithfulness(model, graph, found, seed=1, **options)
    pd.testing.assert_frame_equal(one, again)
    other = gn.explain.faithfulness(model, graph, found, seed=2, **options)
    assert (one["random"] != other["random"]).any()
    assert one["n_deleted"].iloc[-1] == len(found.edges)
    assert one["change"].iloc[-1] == pytest.approx(one["random"].iloc[-1], abs=1e-6)
    matched = gn.explain.faithfulness(model, graph, found, seed=1, control="matched", **options)
    np.testing.assert_array_equal(matched["logit"], one["logit"])
    assert (matched["random"] != one["random"]).any()


def test_a_matched_order_keeps_the_strata_of_the_ranking():
    ranked = np.array([4, 0, 3, 1, 2, 5])
    strata = np.array([0, 1, 0, 1, 0, 1])
    rng = np.random.default_rng(0)
    orders = np.array([_drawn(rng, ranked, strata) for _ in range(50)])
    assert (strata[orders] == strata[ranked]).all()
    assert (np.sort(orders, axis=1) == np.arange(6)).all()
    assert set(orders[:, 0]) == {0, 2, 4}


def test_what_does_not_fit_is_told(graph, model, found, edge_model):
    with pytest.raises(ValueError, match="Did you mean 'absolute'"):
        gn.explain.faithfulness(model, graph, found, order="absolut")
    with pytest.raises(ValueError, match="Unknown control 'all'"):
        gn.explain.faithfulness(model, graph, found, control="all")
    with pytest.raises(ValueError, match=r"up_to=0 is out of range"):
        gn.explain.faithfulness(model, graph, found, up_to=0)
    deeper = edge_model("sage", depth=3)
    with pytest.raises(ValueError, match=r"hears \d+ others in this graph"):
        gn.explain.faithfulness(deeper, graph, found)


def test_redrawn_weights_are_new_and_the_model_is_not(graph, model, found):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    fresh = gn.explain.redrawn(model, seed=1)
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    linear = [name for name, value in before.items() if value.ndim == 2]
    assert all((fresh.state_dict()[name] != before[name]).all() for name in linear)
    again = gn.explain.redrawn(model, seed=1)
    assert all(torch.equal(v, again.state_dict()[k]) for k, v in fresh.state_dict().items())
    ours = found.agreement(found)
    other = gn.explain.graph_attributions(
        fresh, graph, source=found.source, target=found.target, tolerance=None, max_steps=50
    )
    assert ours == pytest.approx(1)
    assert found.agreement(other) < 0.6
    assert found.agreement(other, signed=False) < 0.95
    lone = torch.nn.ParameterList([torch.arange(9.0)])
    shuffled = gn.explain.redrawn(lone, seed=0)[0]
    assert sorted(shuffled.tolist()) == list(range(9))
    assert shuffled.tolist() != list(range(9))
