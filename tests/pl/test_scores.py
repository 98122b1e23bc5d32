"""Pictures of scores show what the frames hold."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import grnet as gn
from grnet.pl.scores import GREY


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture
def scores():
    return pd.DataFrame(
        {
            "ranking": ["random", "boost", "ridge"],
            "is_null": [True, False, False],
            "density": 0.1,
            "auprc_ratio": [1.0, 1.8, 1.2],
            "auprc": [0.1, 0.18, 0.12],
            "auroc": [0.5, 0.7, 0.6],
        }
    )


@pytest.fixture
def results(scores):
    parts = [
        scores.assign(dataset="mdc", truth=truth, auprc_ratio=scores["auprc_ratio"] * factor)
        for truth, factor in [("chip", 1.0), ("string", 0.5)]
    ]
    return pd.concat(parts, ignore_index=True)


def grey(colour):
    return colour == plt.matplotlib.colors.to_rgba(GREY)


def test_bars_have_the_values_and_nulls_are_grey(scores):
    ax = gn.pl.score_bars(scores)
    assert [bar.get_width() for bar in ax.patches] == [1.8, 1.2, 1.0]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["boost", "ridge", "random"]
    assert [grey(bar.get_facecolor()) for bar in ax.patches] == [False, False, True]


@pytest.mark.parametrize(
    ("metric", "at_random"), [("auprc_ratio", 1.0), ("auroc", 0.5), ("auprc", 0.1)]
)
def test_the_line_is_where_a_random_ranking_is(scores, metric, at_random):
    ax = gn.pl.score_bars(scores, metric=metric)
    assert ax.lines[0].get_xdata() == pytest.approx([at_random, at_random])


def test_bars_of_contexts_are_told_apart(scores):
    ax = gn.pl.score_bars(scores.assign(context=[None, "T cells", "(union)"]))
    names = [text.get_text() for text in ax.get_yticklabels()]
    assert names == ["boost T cells", "ridge (union)", "random"]


@pytest.mark.parametrize("curve", ["pr", "roc"])
def test_curves_go_through_the_points(curve):
    edges = pd.DataFrame({"source": "A", "target": list("BCDE"), "weight": [4.0, 3.0, 2.0, 1.0]})
    truth = pd.DataFrame({"source": "A", "target": ["B", "D"]})
    points = gn.evaluate.curves(gn.GRN(edges), truth, candidates="all")
    _, ax = plt.subplots()
    assert gn.pl.score_curves(points, curve=curve, ax=ax) is ax
    drawn = {line.get_label(): line for line in ax.lines}
    expected = points[(points["ranking"] == "network") & (points["curve"] == curve)]
    np.testing.assert_array_equal(drawn["network"].get_xydata(), expected[["x", "y"]].to_numpy())
    assert drawn["random"].get_color() == GREY
    assert drawn["network"].get_color() != GREY


def test_the_heatmap_holds_methods_above_nulls(results):
    ax = gn.pl.benchmark_heatmap(results)
    assert [text.get_text() for text in ax.get_yticklabels()] == ["boost", "ridge", "random"]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["mdc\nchip", "mdc\nstring"]
    written = {tuple(text.get_position()): text for text in ax.texts}
    assert written[0, 0].get_text() == "1.80"
    assert written[1, 1].get_text() == "0.60"
    assert written[0, 0].get_fontweight() == written[1, 0].get_fontweight() == "bold"
    assert written[0, 1].get_fontweight() == "normal"
    # the colour is the ratio to a random ranking, whatever the metric
    np.testing.assert_allclose(ax.images[0].get_array()[:, 0], np.log2([1.8, 1.2, 1.0]))
    shares = gn.pl.benchmark_heatmap(results, metric="auprc")
    np.testing.assert_allclose(shares.images[0].get_array()[:, 0], np.log2([1.8, 1.2, 1.0]))


def test_a_failed_method_says_so(results):
    broken = results["ranking"].eq("ridge")
    ax = gn.pl.benchmark_heatmap(results.assign(auprc_ratio=results["auprc_ratio"].mask(broken)))
    written = {tuple(text.get_position()): text.get_text() for text in ax.texts}
    assert written[0, 1] == written[1, 1] == "failed"


def test_tfs_lie_at_their_scores_and_names_do_not_overlap():
    frame = pd.DataFrame(
        {"tf": list("ABCD"), "n_true": [3, 3, 30, 90], "auprc_ratio": [9.0, 9.0, 2.0, 1.0]}
    )
    ax = gn.pl.tf_scores(frame, n_labels=3)
    np.testing.assert_array_equal(
        ax.collections[0].get_offsets(), frame[["n_true", "auprc_ratio"]].to_numpy()
    )
    assert [text.get_text() for text in ax.texts] == ["A", "C"]


def test_what_cannot_be_drawn_is_refused(scores):
    with pytest.raises(ValueError, match="Did you mean 'auroc'"):
        gn.pl.score_bars(scores, metric="auroq")
    with pytest.raises(ValueError, match="lacks the column"):
        gn.pl.score_bars(scores.drop(columns="is_null"))
    with pytest.raises(ValueError, match="nothing to draw"):
        gn.pl.score_bars(scores.head(0))
    with pytest.raises(ValueError, match="Unknown curve"):
        gn.pl.score_curves(scores, curve="lift")
