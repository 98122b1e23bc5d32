"""The plot of deletion shows the curves that it is given."""

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
def curve():
    columns = {
        "n_deleted": [0, 1, 5, 40],
        "change": [0.0, 0.5, 1.0, 1.5],
        "random": [0.0, 0.1, 0.2, 0.3],
        "low": [0.0, 0.0, 0.1, 0.1],
        "high": [0.0, 0.3, 0.4, 0.6],
        "area": [0.0, 0.4, 0.6, 0.8],
    }
    return pd.DataFrame(columns)


def test_both_curves_and_the_band_are_those_of_the_table(curve):
    ax = gn.pl.faithfulness(curve)
    lines = {line.get_linestyle(): line for line in ax.lines if len(line.get_xdata()) == 4}
    np.testing.assert_array_equal(lines["-"].get_xydata(), curve[["n_deleted", "change"]])
    np.testing.assert_array_equal(lines["--"].get_xydata(), curve[["n_deleted", "random"]])
    band = ax.collections[0].get_paths()[0].vertices
    assert band[:, 1].max() == curve["high"].max()
    assert ax.get_legend().get_texts()[0].get_text() == "area 0.8"
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["0", "1", "10"]


def test_several_curves_have_their_colours_and_names(curve):
    _, ax = plt.subplots()
    assert gn.pl.faithfulness({"sage": curve, "hgt": curve}, ax=ax) is ax
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["sage  area 0.8", "hgt  area 0.8"]
    colours = [line.get_color() for line in ax.lines if line.get_linestyle() == "-"][1:]
    assert colours == list(COLOURS[:2])


def test_what_cannot_be_drawn_is_refused(curve):
    with pytest.raises(ValueError, match="There is no curve to draw"):
        gn.pl.faithfulness({})
    with pytest.raises(ValueError, match="curve 'sage' has no rows"):
        gn.pl.faithfulness({"sage": curve.head(0)})
    with pytest.raises(ValueError, match="lacks the column"):
        gn.pl.faithfulness(curve.drop(columns="low"))
