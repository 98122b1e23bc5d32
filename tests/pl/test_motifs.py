"""Sequence logos: letters are as high as they are informative."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex

from grnet.io.motifs import Motif
from grnet.pl.motifs import COLOURS, contribution_logo, motif_logo, motif_logos


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture
def motif() -> Motif:
    rng = np.random.default_rng(0)
    return Motif("MA1.1", ("SPI1",), rng.dirichlet([0.3] * 4, size=9).T)


def letters_of(ax):
    """Boxes (left, bottom, right, top) of the letters drawn, by letter."""
    names = {colour: letter for letter, colour in COLOURS.items()}
    found = {}
    for collection in ax.collections:
        assert isinstance(collection, PathCollection)
        letter = names[to_hex(collection.get_facecolor()[0]).upper()]
        found.setdefault(letter, []).extend(p.get_extents().extents for p in collection.get_paths())
    return found


def test_letters_fill_the_information_of_their_column(motif):
    (ax,) = motif_logo(motif)
    height = np.zeros((4, motif.width))
    highest = np.zeros(motif.width)
    for letter, boxes in letters_of(ax).items():
        for left, bottom, right, top in boxes:
            column = round((left + right) / 2) - 1
            assert right - left == pytest.approx(0.92)
            height["ACGT".index(letter), column] = (top - bottom) / 0.96
            highest[column] = max(highest[column], top)
    expected = motif.probabilities * motif.information
    np.testing.assert_allclose(height, np.where(expected > 1e-3, expected, 0), atol=1e-6)
    assert (highest <= motif.information + 1e-9).all()


def test_the_likeliest_letter_is_on_top_and_letters_do_not_meet(motif):
    (ax,) = motif_logo(motif)
    boxes = [(*box, letter) for letter, found in letters_of(ax).items() for box in found]
    for column in range(motif.width):
        stack = sorted(box[1:] for box in boxes if round(box[0] + 0.46) == column + 1)
        assert stack[-1][-1] == motif.consensus[column]
        for below, above in itertools.pairwise(stack):
            assert below[2] <= above[0] + 1e-9


def test_several_motifs_share_their_columns(motif):
    short = Motif("ZAP1", ("ZAP1",), np.eye(4))
    axes = motif_logo([motif, short])
    assert len(axes) == 2
    assert {ax.get_xlim() for ax in axes} == {(0.5, 9.5)}
    assert [ax.get_title(loc="left") for ax in axes] == ["MA1.1 (SPI1)", "ZAP1"]
    assert len(axes[0].get_figure().axes) == 2


def test_given_axes_are_drawn_into(motif):
    _, (left, right) = plt.subplots(1, 2)
    assert motif_logo(motif, axes=left) == [left]
    assert motif_logo([motif, motif], axes=[left, right]) == [left, right]
    with pytest.raises(ValueError, match="Found 1 axes for 2 motifs"):
        motif_logo([motif, motif], axes=left)
    with pytest.raises(ValueError, match="no motif to draw"):
        motif_logo([])


def test_a_motif_without_information_is_an_empty_frame():
    (ax,) = motif_logo(Motif("flat", (), np.full((4, 3), 0.25)))
    assert not any(collection.get_paths() for collection in ax.collections)


def matches(**columns):
    row = {"query": ["q"], "target": ["t"], "pvalue": [2e-7], "offset": [0], "strand": ["+"]}
    return pd.DataFrame({**row, **columns})


def columns_of(ax, letter):
    return sorted(round((box[0] + box[2]) / 2) for box in letters_of(ax).get(letter, []))


def test_a_match_is_drawn_under_the_letters_that_it_shares():
    query = Motif("q", (), np.eye(4)[[3, 2, 0, 1]].T)
    target = Motif("t", ("FOS", "JUN"), np.eye(4)[[0, 3, 2, 0, 1, 3]].T)
    above, below = motif_logos(query, [target], matches=matches(offset=[1]))
    assert [columns_of(above, x) for x in "TGAC"] == [[2], [3], [4], [5]]
    assert [columns_of(below, x) for x in "TGAC"] == [[2, 6], [3], [1, 4], [5]]
    assert above.get_xlim() == below.get_xlim() == (0.5, 6.5)
    assert below.get_title(loc="left") == "t (FOS::JUN)   p = 2e-07"


def test_a_match_on_the_other_strand_is_turned():
    query = Motif("q", (), np.eye(4)[[3, 2, 0, 1]].T)
    turned = Motif("t", (), query.probabilities[::-1, ::-1])
    above, below = motif_logos([query], [turned], matches=matches(strand=["-"]))
    assert letters_of(above).keys() == letters_of(below).keys()
    assert all(columns_of(above, x) == columns_of(below, x) for x in "ACGT")
    assert "other strand" in below.get_title(loc="left")


def test_a_query_without_a_match_stands_alone(motif):
    axes = motif_logos(motif, [motif], matches=matches())
    assert [ax.get_title(loc="left") for ax in axes] == ["MA1.1 (SPI1)"]
    with pytest.raises(ValueError, match="target 't' is not among the motifs"):
        motif_logos(Motif("q", (), np.eye(4)), [motif], matches=matches())
    with pytest.raises(ValueError, match="list of queries is empty"):
        motif_logos([], [motif], matches=matches())
    with pytest.raises(ValueError, match="lacks the column"):
        motif_logos(motif, [motif], matches=matches().drop(columns="offset"))


def test_letters_are_as_high_as_they_contribute_up_and_down():
    values = np.array([0.5, -2.0, 0.0, 1.0, 3.0])
    ax = contribution_logo(values, np.array([0, 1, 2, 3, 4], dtype=np.uint8), start=100)
    boxes = letters_of(ax)
    assert {letter for letter, found in boxes.items() if found} == {"A", "C", "T"}
    for letter, position, value in (("A", 100, 0.5), ("C", 101, -2.0), ("T", 103, 1.0)):
        ((left, bottom, right, top),) = boxes[letter]
        assert (left + right) / 2 == pytest.approx(position)
        assert top - bottom == pytest.approx(0.96 * abs(value))
        assert np.sign(bottom + top) == np.sign(value)


def test_the_other_strand_is_drawn_in_its_own_direction():
    codes = np.array([0, 0, 1, 2], dtype=np.uint8)
    stretch = pd.DataFrame({"start": [0], "end": [2]})
    ax = contribution_logo(np.array([3.0, 2.0, 1.0, -1.0]), codes, minus=True, highlight=stretch)
    boxes = letters_of(ax)
    assert sorted(round((b[0] + b[2]) / 2) for b in boxes["T"]) == [2, 3]
    assert "other strand" in ax.get_xlabel()
    (patch,) = ax.patches
    assert (patch.get_x(), patch.get_width()) == (1.5, 2)
    with pytest.raises(ValueError, match="as long as the other"):
        contribution_logo(np.zeros(3), codes)
