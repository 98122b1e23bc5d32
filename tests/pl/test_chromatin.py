"""Pictures of chromatin states: what is drawn is what was given."""

import anndata as ad
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba

import grnet as gn
from grnet.pl.chromatin import COLOURS, state_colour


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


@pytest.fixture
def states():
    start = np.arange(6) * 200
    frame = pd.DataFrame({"chrom": "chr11", "start": start, "end": start + 200})
    frame["name"] = [
        "quiescent",
        "insulator",
        "insulator",
        "active promoter 2",
        "CTCF + H2AZ",
        "quiescent",
    ]
    return frame


def row(figure, label):
    (ax,) = [ax for ax in figure.axes if ax.get_label() == label]
    return ax


def drawn(ax):
    """Left ends and colours of the boxes of a row."""
    (boxes,) = ax.collections
    left = [path.vertices[:, 0].min() for path in boxes.get_paths()]
    return left, [tuple(colour) for colour in boxes.get_facecolor()]


def test_bins_have_the_colours_of_their_states(states):
    left, colours = drawn(row(gn.pl.state_track(states, "chr11:0-1,200"), "states"))
    assert left == states["start"].tolist()
    assert colours == [to_rgba(state_colour(name)) for name in states["name"]]
    assert colours[1] == to_rgba(COLOURS["insulator"])
    assert colours[3] == to_rgba(COLOURS["active promoter"])


def test_only_the_region_is_drawn_whatever_the_chromosome_is_called(states):
    figure = gn.pl.state_track(states, "11:300-700")
    left, _ = drawn(row(figure, "states"))
    assert left == [200, 400, 600]
    assert figure.axes[-1].get_xlim() == (300, 700)


def test_rows_of_marks_sites_and_other_cells(states):
    codes = np.array([[0, 1], [1, 2], [1, 0], [0, 0], [0, 0], [1, 1]], np.uint8)
    obs = states[["chrom", "start", "end"]].set_axis([f"b{i}" for i in range(6)])
    marks = ad.AnnData(codes, obs=obs, var=pd.DataFrame(index=["CTCF", "H3K4me3"]))
    tss = pd.DataFrame({"chrom": ["chr11", "chr2"], "start": [650, 650], "end": [651, 651]})
    figure = gn.pl.state_track(
        states, "chr11:0-1200", marks=marks, tss=tss, others={"K562": states.iloc[:2]}
    )
    labels = [ax.get_label() for ax in figure.axes]
    assert labels == ["CTCF", "H3K4me3", "states", "K562", "TSS"]
    assert drawn(row(figure, "CTCF"))[0] == [200, 400, 1000]
    assert drawn(row(figure, "H3K4me3"))[0] == [0, 1000]
    assert drawn(row(figure, "TSS"))[0] == [650]
    assert len(drawn(row(figure, "K562"))[0]) == 2


def test_legend_names_each_colour_once(states):
    (legend,) = gn.pl.state_track(states, "chr11:0-1200").legends
    shown = [text.get_text() for text in legend.get_texts()]
    assert shown == ["active promoter", "insulator", "quiescent", "other"]


def test_faint_states_are_paler():
    full, faint = (to_rgba(state_colour(name)) for name in ("repressed 2", "faint repressed"))
    assert full == to_rgba(COLOURS["repressed"])
    assert all(low < high < 1 for low, high in zip(full[:3], faint[:3], strict=True))


def test_colours_differ():
    assert len(set(COLOURS.values())) == len(COLOURS)


def test_emissions_are_drawn_as_they_are():
    values = np.array([[0.95, 0.04], [0.0, 0.5]])
    emissions = pd.DataFrame(values, index=["insulator", "$x$"], columns=["CTCF", "H3K4me3"])
    ax = gn.pl.state_emissions(emissions, shares=pd.Series({"insulator": 0.25}))
    np.testing.assert_array_equal(ax.images[0].get_array(), values)
    assert [text.get_text() for text in ax.get_yticklabels()] == [
        "insulator  25.0 %",
        r"\$x\$  0.0 %",
    ]
    assert [text.get_text() for text in ax.texts] == ["1", ".5"]
    ax.figure.canvas.draw()


@pytest.mark.parametrize("values", [np.array([[1.5]]), np.zeros((0, 2)), np.array([[np.nan]])])
def test_refuses_what_are_no_probabilities(values):
    with pytest.raises(ValueError, match="are no probabilities between 0 and 1"):
        gn.pl.state_emissions(pd.DataFrame(values))


@pytest.mark.parametrize(
    ("region", "message"),
    [
        ("chr11:5000-6000", "No bin of the states lies in chr11:5,000-6,000: .* from 0 to 1,200"),
        ("chr2:0-100", "No chromosome of region is known"),
        ("TP53", "are not intervals"),
    ],
)
def test_refuses_regions_without_bins(states, region, message):
    with pytest.raises(ValueError, match=message):
        gn.pl.state_track(states, region)
