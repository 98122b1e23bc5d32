"""A locus: what is drawn where."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_hex

import grnet as gn
from grnet.io.networks._style import EDGE_COLOUR
from grnet.pl import _tracks

GENES = pd.DataFrame(
    {
        "chrom": ["chr1", "chr1", "chr2"],
        "start": [5_000, 8_000, 100],
        "end": [7_000, 9_000, 200],
        "tss": [5_000, 8_999, 100],
        "strand": ["+", "-", "+"],
        "gene": ["G$1", "H", "FAR"],
    }
)
LINKS = pd.DataFrame(
    {
        "peak": ["1:3000-3100", "1:6000-6100", "1:20000-20100"],
        "gene": ["G$1", "H", "H"],
        "weight": [0.9, 0.3, 0.5],
        "correlation": [0.4, -0.2, 0.1],
    }
)
SITES = pd.DataFrame(
    {"chrom": "I", "start": [3_010, 3_020, 6_010], "end": [3_020, 3_030, 6_020], "tf": list("AAB")}
).assign(chrom="1")
SIGNAL = pd.DataFrame({"chrom": "chr1", "start": [3_000, 3_500], "end": [3_500, 4_000]})
SIGNAL = SIGNAL.assign(value=[4.0, -1.0])


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def axes_of(figure):
    figure.draw_without_rendering()
    return {ax.get_label(): ax for ax in figure.axes}


def test_every_track_has_a_row_in_order():
    figure = gn.pl.locus(
        "chr1:1,000-12,000", GENES, links=LINKS, signal={"ATAC": SIGNAL}, sites={"ChIP": SITES}
    )
    axes = axes_of(figure)
    assert list(axes) == ["links", "ATAC", "peaks", "ChIP", "genes"]
    assert axes["genes"].get_xlim() == (1_000, 12_000)
    assert axes["links"].get_title() == "chr1:1,000-12,000"
    assert axes["ATAC"].get_ylim() == (-1.0, 4.2)
    assert [tick.get_text() for tick in axes["ChIP"].get_yticklabels()] == ["B", "A"]
    assert len(axes["ChIP"].collections[0].get_offsets()) == 3
    names = [text.get_text() for text in axes["genes"].texts if text.get_text()]
    assert sorted(names) == [r"G\$1", "H"]


def test_arcs_join_peak_and_start_site_with_width_and_colour():
    ax = axes_of(gn.pl.locus("chr1:1000-12000", GENES, links=LINKS))["links"]
    (lines,) = ax.collections
    ends = [sorted([path.vertices[0, 0], path.vertices[-1, 0]]) for path in lines.get_paths()]
    # weakest first; the link that leaves the picture is not drawn
    assert np.allclose(ends, [[6_050, 8_999], [3_050, 5_000]])
    assert lines.get_linewidths()[1] > lines.get_linewidths()[0]
    colours = [to_hex(colour).upper() for colour in lines.get_edgecolors()]
    assert colours == [EDGE_COLOUR["represses"], EDGE_COLOUR["activates"]]


def test_a_gene_brings_its_links_into_view_and_stands_out():
    axes = axes_of(gn.pl.locus("H", GENES, links=LINKS))
    low, high = axes["genes"].get_xlim()
    assert low < 6_000
    assert high > 20_100
    (lines,) = axes["links"].collections
    colours = [to_hex(colour).upper() for colour in lines.get_edgecolors()]
    assert colours.count(_tracks.FAINT) <= 1
    bold = [t.get_text() for t in axes["genes"].texts if t.get_fontweight() == "bold"]
    assert bold == ["H"]
    assert axes_of(gn.pl.locus("H", GENES, flank=0))["genes"].get_xlim() == (8_000, 9_000)


def test_only_tfs_with_most_sites_are_shown_and_the_label_says_so():
    ax = axes_of(gn.pl.locus("chr1:1000-12000", GENES, sites={"ChIP": SITES}, max_tfs=1))["ChIP"]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["A"]
    assert ax.get_ylabel() == "ChIP\n1 of 2 TFs"


def test_peaks_with_names_of_their_own_are_found():
    peaks = pd.DataFrame({"chrom": ["1"], "start": [3_000], "end": [3_100]}, index=["mine"])
    links = LINKS.iloc[:1].assign(peak="mine")
    for table in (peaks, peaks.rename_axis("peak").reset_index()):
        axes = axes_of(gn.pl.locus("chr1:1000-12000", GENES, links=links, peaks=table))
        assert len(axes["links"].collections[0].get_paths()) == 1


def test_an_empty_stretch_is_drawn_empty():
    figure = gn.pl.locus(
        "chr1:30000-31000", GENES, links=LINKS, signal={"s": SIGNAL}, sites={"ChIP": SITES}
    )
    assert list(axes_of(figure)) == ["links", "s", "peaks", "ChIP", "genes"]


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(1, 30)), max_size=25))
def test_lanes_keep_stretches_apart(stretches):
    left = np.array([float(start) for start, _ in stretches])
    right = left + [float(width) for _, width in stretches]
    lane = _tracks.lanes(left, right)
    for i in range(len(left)):
        for j in range(i):
            apart = right[i] <= left[j] or right[j] <= left[i]
            assert apart or lane[i] != lane[j]
    deepest = max((int(((left <= x) & (x < right)).sum()) for x in left), default=0)
    assert lane.max(initial=-1) + 1 == deepest


def test_errors_say_what_to_do():
    with pytest.raises(ValueError, match=r"neither a place .* Did you mean 'H'"):
        gn.pl.locus("h", GENES)
    with pytest.raises(ValueError, match="'s' lacks the column"):
        gn.pl.locus("H", GENES, signal={"s": SITES})
    with pytest.raises(ValueError, match="No chromosome of region is known"):
        gn.pl.locus("chrZ:1-100", GENES)
    with pytest.raises(ValueError, match="max_tfs=0 is out of range"):
        gn.pl.locus("H", GENES, max_tfs=0)
