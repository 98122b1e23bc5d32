"""Curves enclose the areas that the scores state, thinned or not."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import precision_recall_curve, roc_curve

import grnet as gn
from grnet.evaluate import thresholds


@pytest.fixture(scope="module")
def problem():
    rng = np.random.default_rng(0)
    names = [f"g{i:03d}" for i in range(160)]
    pairs = pd.DataFrame([(a, b) for a in names[:40] for b in names], columns=["source", "target"])
    pairs = pairs[pairs["source"] != pairs["target"]]
    true = rng.random(len(pairs)) < 0.2
    pairs["weight"] = np.round(rng.random(len(pairs)) + 0.4 * true, 4) + 0.01
    return gn.GRN(pairs), pairs.loc[true, ["source", "target"]], true, pairs["weight"].to_numpy()


def points(frame, curve, ranking="network"):
    part = frame[(frame["curve"] == curve) & (frame["ranking"] == ranking)]
    return part["x"].to_numpy(), part["y"].to_numpy()


def test_whole_curves_are_those_of_sklearn(problem, monkeypatch):
    grn, truth, true, weight = problem
    monkeypatch.setattr(thresholds, "MAX_POINTS", 10**9)
    frame = gn.evaluate.curves(grn, truth, candidates="all")
    fpr, tpr, _ = roc_curve(true, weight, drop_intermediate=False)
    x, y = points(frame, "roc")
    corners = set(zip(x.round(12), y.round(12), strict=True))
    assert corners <= set(zip(fpr.round(12), tpr.round(12), strict=True))
    assert np.trapezoid(y, x) == pytest.approx(np.trapezoid(tpr, fpr), abs=1e-12)
    precision, recall, _ = precision_recall_curve(true, weight)
    x, y = points(frame, "pr")
    corners = set(zip(x[1:].round(12), y[1:].round(12), strict=True))
    assert corners <= set(zip(recall.round(12), precision.round(12), strict=True))


def test_thinned_curves_keep_their_shape(problem, monkeypatch):
    grn, truth, _, _ = problem
    thinned = gn.evaluate.curves(grn, truth, candidates="all")
    assert thinned.groupby(["ranking", "curve"]).size().max() <= 1000
    monkeypatch.setattr(thresholds, "MAX_POINTS", 10**9)
    whole = gn.evaluate.curves(grn, truth, candidates="all")
    assert whole.groupby(["ranking", "curve"]).size().max() > 1000
    for curve in ("roc", "pr"):
        for ranking in ("network", "random"):
            few = np.column_stack(points(thinned, curve, ranking))
            many = np.column_stack(points(whole, curve, ranking))
            np.testing.assert_array_equal(few[[0, -1]], many[[0, -1]])
            gaps = np.abs(many[:, None] - few[None]).sum(axis=2).min(axis=1)
            assert gaps.max() < 0.02
    score = gn.evaluate.score(grn, truth, candidates="all").set_index("ranking")
    x, y = points(thinned, "roc")
    assert np.trapezoid(y, x) == pytest.approx(score.loc["network", "auroc"], abs=2e-3)


def test_tied_pairs_make_one_straight_line():
    edges = pd.DataFrame({"source": "A", "target": list("BCD"), "weight": 1.0})
    truth = pd.DataFrame({"source": ["A"], "target": ["B"]})
    frame = gn.evaluate.curves(gn.GRN(edges), truth, candidates="all", nulls=False)
    x, y = points(frame, "roc")
    assert list(zip(x, y, strict=True)) == [(0, 0), (1, 1)]
    x, y = points(frame, "pr")
    np.testing.assert_allclose(y, 1 / 3)
    assert frame["density"].eq(1 / 3).all()


def test_contexts_and_networks_have_curves_of_their_own():
    edges = pd.DataFrame(
        {"source": "A", "target": ["B", "C", "B"], "weight": 1.0, "context": list("xxy")}
    )
    truth = pd.DataFrame({"source": ["A"], "target": ["B"]})
    frame = gn.evaluate.curves({"mine": gn.GRN(edges)}, truth, candidates="all")
    assert list(frame["ranking"].unique()) == ["mine x", "mine y", "mine (union)", "random"]
    assert frame.groupby("ranking")["is_null"].first()["random"]
