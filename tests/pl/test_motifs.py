"""Sequence logos: letters are as high as they are informative."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex

from grnet.io.motifs import Motif
from grnet.pl.motifs import COLOURS, motif_logo


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
        found[letter] = [path.get_extents().extents for path in collection.get_paths()]
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
