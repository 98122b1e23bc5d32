"""The reliability plot shows the bins it is given."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import grnet as gn
from grnet.pl.scores import COLOURS


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture
def said():
    rng = np.random.default_rng(0)
    truth = rng.random(600)
    return truth, (rng.random(600) < truth).astype(float)


def test_points_are_the_bins_and_bars_their_intervals(said):
    table = gn.train.reliability_table(*said)
    ax = gn.pl.reliability(table)
    points = ax.containers[0].lines[0].get_xydata()
    np.testing.assert_array_equal(points, table[["mean_predicted", "observed"]].to_numpy())
    bars = np.array(ax.containers[0].lines[2][0].get_segments())
    np.testing.assert_allclose(bars[:, :, 1], table[["low", "high"]].to_numpy(), atol=1e-12)
    assert ax.lines[0].get_xydata().tolist() == [[0, 0], [1, 1]]


def test_the_legend_holds_names_and_the_calibration_error(said):
    truth, labels = said
    tables = {
        name: gn.train.reliability_table(p, labels)
        for name, p in (("plain", truth**3), ("right", truth))
    }
    _, ax = plt.subplots()
    assert gn.pl.reliability(tables, ax=ax) is ax
    error = gn.train.calibration_error(labels, truth**3)
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts[0] == f"plain  ECE {error:.3f}"
    assert texts[1].startswith("right  ECE 0.0")
    colours = [container.lines[0].get_color() for container in ax.containers]
    assert colours == list(COLOURS[:2])


def test_what_cannot_be_drawn_is_refused(said):
    table = gn.train.reliability_table(*said)
    with pytest.raises(ValueError, match="There is no table of reliability to draw"):
        gn.pl.reliability({})
    with pytest.raises(ValueError, match="reliability 'sage' has no bins"):
        gn.pl.reliability({"sage": table.head(0)})
    with pytest.raises(ValueError, match="lacks the column"):
        gn.pl.reliability(table.drop(columns="low"))
    with pytest.raises(ValueError, match="lacks the column"):
        gn.pl.reliability(pd.DataFrame())
