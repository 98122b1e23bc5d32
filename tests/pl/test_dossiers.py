"""The picture of one edge: what is drawn where, and that nothing meets."""

from itertools import combinations, pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text

import grnet as gn
from grnet.pl import _dossier_panel
from grnet.pl._dossier_panel import LOWERS, RAISES

STEPS = pd.DataFrame(
    {
        "step": ["regulators", "candidate pairs", "peaks within reach"],
        "passed": [True, True, False],
        "detail": ["GCN4 is one of 321", "", "no peak lies within 1,000 bases of HIS4 " * 3],
    }
)
UNSCORED = {"logit": None, "baseline": None, "probability": None, "rank": None}


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def why_not(dossier_of, **changed):
    full = dossier_of(2, has_dna=False)
    fields = {name: getattr(full, name).iloc[:0] for name in ("ledger", "nodes", "edges")}
    fields["peaks"] = full.peaks.assign(contribution=np.nan, chip=np.nan)
    fields |= UNSCORED | {"lost_at": "motifs", "steps": STEPS} | changed
    return dossier_of(2, has_dna=False, **fields)


def long_names(dossier_of):
    full, name = dossier_of(), "A_very_long_name_of_a_gene.of.nobody$x$"
    groups = [f"{name} {i}" for i in range(9)]
    cells = full.cells.assign(group=np.resize(groups, len(full.cells)))
    expression = pd.DataFrame({"group": groups, "n_cells": 18, "correlation": 0.5})
    return dossier_of(
        source=name,
        target=f"{name}_too",
        context=name,
        verdict="It is what it is, and much is to be said about it. " * 6,
        cells=cells,
        expression=expression,
        nodes=pd.concat([full.nodes.assign(name=name)] * 5),
        motifs=full.motifs.assign(tf=name, motif=f"{name} motif"),
        genes=full.genes.assign(gene=[f"{name}_too", name, f"{name}_3"]),
    )


CASES = {
    "full": lambda make: make(),
    "no DNA": lambda make: make(has_dna=False),
    "no peaks": lambda make: make(0, has_dna=False),
    "one peak": lambda make: make(1),
    "many peaks": lambda make: make(20),
    "why not": why_not,
    "words alone": lambda _: gn.explain.Dossier(
        source="A", target="B", verdict="No.", lost_at="regulators", reasons=("Never seen.",) * 3
    ),
    "scored but lost": lambda make: make(steps=STEPS),
    "correlations alone": lambda make: make(0, has_dna=False, cells=make().cells.iloc[:0]),
    "long names": long_names,
}
LABELS = {
    "full": "expression contributions neighbours arcs peaks ChIP motifs genes scale hits bases",
    "no DNA": "expression contributions neighbours arcs peaks ChIP genes scale",
    "no peaks": "expression contributions neighbours",
    "one peak": "expression contributions neighbours arcs peaks ChIP motifs genes scale hits bases",
    "why not": "expression steps arcs peaks genes",
    "words alone": "steps",
    "correlations alone": "expression contributions neighbours",
}


def axes_of(record):
    figure = gn.pl.dossier(record)
    figure.draw_without_rendering()
    return {ax.get_label(): ax for ax in figure.axes}


@pytest.fixture
def words(monkeypatch):
    """Draw a record and return the figure with every word drawn and its box."""
    drawn, draw = [], Text.draw

    def spy(text, renderer):
        draw(text, renderer)
        if text.get_visible() and text.get_text().strip():
            box = text.get_window_extent(renderer)
            clipped = text.get_clip_on() and text.axes and not text.axes.bbox.overlaps(box)
            drawn.extend([] if clipped else [(text.get_text(), box)])

    def run(record):
        figure = gn.pl.dossier(record)
        figure.draw_without_rendering()  # lays out
        monkeypatch.setattr(Text, "draw", spy)
        figure.canvas.draw()
        monkeypatch.undo()
        return figure, drawn

    return run


def overlap(one, other):
    """How deep two boxes lie in each other, in pixels."""
    across = min(one.x1, other.x1) - max(one.x0, other.x0)
    down = min(one.y1, other.y1) - max(one.y0, other.y0)
    return min(across, down)


@pytest.mark.parametrize("case", CASES)
def test_no_word_meets_another_or_leaves_the_picture(case, dossier_of, words):
    figure, found = words(CASES[case](dossier_of))
    assert len(found) > 3
    whole = figure.bbox
    outside = [text for text, box in found if overlap(box, whole) + 1 < min(box.width, box.height)]
    assert outside == []
    far = [text for text, box in found if box.x0 < -1 or box.x1 > whole.x1 + 1]
    assert far == []
    pairs = combinations(found, 2)
    assert [(a, b) for (a, one), (b, other) in pairs if overlap(one, other) > 2] == []


@pytest.mark.parametrize("case", LABELS)
def test_only_panels_with_data_are_drawn(case, dossier_of):
    assert list(axes_of(CASES[case](dossier_of))) == LABELS[case].split()


def test_the_waterfall_goes_from_baseline_to_logit(dossier_of):
    record = dossier_of()
    ax = axes_of(record)["contributions"]
    bars = [patch for patch in ax.patches if patch.get_width()]
    ends = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in bars]
    assert ends[0][0] == pytest.approx(record.baseline)
    assert ends[-1][1] == pytest.approx(record.logit)
    for (_, end), (start, _) in pairwise(ends):
        assert start == pytest.approx(end)
    assert sum(end - start for start, end in ends[:-1]) == pytest.approx(record.layers.sum())
    for bar, (start, end) in zip(bars[:-1], ends[:-1], strict=True):
        assert to_hex(bar.get_facecolor()).upper() == (RAISES if end > start else LOWERS)
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names[0] == "baseline"
    assert names[-2:] == ["residual", "logit"]
    assert f"DNA {record.layers['dna']:+.3g}" in names


def test_a_layer_of_one_kind_is_one_line(dossier_of):
    record = dossier_of()
    ledger = record.ledger.loc[record.ledger["kind"] != "peak features"]
    ax = axes_of(dossier_of(ledger=ledger))["contributions"]
    assert "DNA: bases" in [label.get_text() for label in ax.get_yticklabels()]


def test_arcs_run_to_the_start_site_as_wide_as_they_contribute(dossier_of):
    record = dossier_of(7)
    (lines,) = axes_of(record)["arcs"].collections
    ends = np.array([[path.vertices[0, 0], path.vertices[-1, 0]] for path in lines.get_paths()])
    tss = 68_333
    assert (np.isclose(ends, tss).sum(axis=1) == 1).all()
    middle = ends[~np.isclose(ends, tss)]
    by_middle = record.peaks.set_index((record.peaks["start"] + record.peaks["end"]) / 2)
    contribution = by_middle["contribution"].loc[np.round(middle)]
    assert (np.diff(lines.get_linewidths()) >= 0).all()
    assert (np.diff(contribution.abs()) >= 0).all()
    colours = [to_hex(colour).upper() for colour in lines.get_edgecolors()]
    assert colours == [RAISES if value > 0 else LOWERS for value in contribution]


@pytest.mark.parametrize(
    ("distance", "said"),
    [
        (0.0, "it, at its start site, "),
        (-1250.0, "it, 1,250 bases upstream, "),
        (80.0, "it, 80 bases downstream, "),
    ],
)
def test_the_locus_says_where_the_peak_lies(distance, said, dossier_of):
    peaks = dossier_of(1).peaks.assign(distance=distance)
    figure = gn.pl.dossier(dossier_of(1, peaks=peaks))
    (title,) = [x.get_text() for x in figure.findobj(Text) if "within reach" in x.get_text()]
    assert said in title.replace("\n", " ")


def test_peaks_bear_the_colour_of_their_contribution(dossier_of):
    record = dossier_of(7)
    (boxes,) = axes_of(record)["peaks"].collections
    colours = boxes.get_facecolors()[::-1]  # the strongest was drawn last
    largest = _dossier_panel.strongest(record.peaks)["contribution"].to_numpy()
    for colour, value in zip(colours, largest, strict=True):
        assert (colour[2] > colour[0]) == (value > 0), value
    assert to_hex(colours[0]).upper() == (RAISES if largest[0] > 0 else LOWERS)


def test_the_letters_are_those_that_count(dossier_of):
    record = dossier_of()
    axes = axes_of(record)
    low, high = axes["bases"].get_xlim()
    own = record.motifs.loc[record.motifs["tf"] == "GCN4"]
    assert (own["start"] > low).all()
    assert (own["end"] < high).all()
    assert high - low == 61
    heights = [p.get_extents().y1 for c in axes["bases"].collections for p in c.get_paths()]
    assert max(heights) == pytest.approx(0.11, rel=0.05)
    names = [text.get_text() for text in axes["hits"].texts]
    assert "GCN4 + p 2e-06" in names
    assert "GCN4 - p 8e-06" in names
    assert not [name for name in names if name.startswith("REB1")]  # lies elsewhere


def test_letters_of_peaks_with_gaps_keep_their_place(dossier_of):
    bases = dossier_of().bases.query("position % 3 != 0")
    axes = axes_of(dossier_of(bases=bases.sample(frac=1, random_state=0)))
    boxes = [p.get_extents() for c in axes["bases"].collections for p in c.get_paths()]
    drawn = {round((box.x0 + box.x1) / 2) for box in boxes}
    assert len(drawn) > 10
    assert all(position % 3 for position in drawn)


def test_large_groups_have_colours_and_correlations_small_ones_are_grey(dossier_of):
    record = long_names(dossier_of)
    ax = axes_of(record)["expression"]
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names[0] == "3 other groups"
    assert len(names) == 7
    assert all(name.endswith("r 0.50, n 18") for name in names[1:])
    assert sum(len(c.get_offsets()) for c in ax.collections) == len(record.cells)
    assert "log counts per 10,000" in ax.get_xlabel()


def test_an_unknown_correlation_says_so(dossier_of):
    expression = dossier_of().expression.assign(correlation=[np.nan, 0.2, 0.3])
    ax = axes_of(dossier_of(expression=expression))["expression"]
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert "minimal medium\nr undefined, n 60" in names


def test_steps_show_what_was_passed_and_what_was_not(dossier_of):
    texts = [text.get_text() for text in axes_of(why_not(dossier_of))["steps"].texts]
    assert [text for text in texts if len(text) == 1] == ["✓", "✓", "✗"]
    assert "regulators: GCN4 is one of 321" in texts
    assert "candidate pairs" in texts


def test_neighbours_are_the_largest_of_all(dossier_of):
    nodes = pd.DataFrame({"type": "gene", "name": [f"G{i}" for i in range(30)]})
    nodes["contribution"] = np.linspace(-0.29, 0.30, 30)
    ax = axes_of(dossier_of(nodes=nodes))["neighbours"]
    widths = np.array([bar.get_width() for bar in ax.patches])
    assert len(widths) == 12
    assert (np.diff(np.abs(widths)) <= 0).all()
    assert widths[0] == pytest.approx(0.30)
    assert ax.get_yticklabels()[0].get_text() == "G29 (gene)"


def test_without_a_start_site_there_are_no_arcs(dossier_of):
    genes = dossier_of().genes.iloc[1:]
    assert "arcs" not in axes_of(dossier_of(genes=genes))


def test_peaks_elsewhere_are_not_drawn_beside_the_target(dossier_of):
    record = dossier_of(has_dna=False)
    axes = axes_of(dossier_of(has_dna=False, peaks=record.peaks.assign(chrom="chrX")))
    assert "arcs" not in axes
    assert axes["genes"].get_xlabel() == "chrIII (bases)"
    assert len(axes["peaks"].collections[0].get_paths()) == 0


def test_names_are_cut_in_the_middle_and_sentences_wrap():
    assert _dossier_panel.short("abcdefghij", 5) == "ab…ij"
    assert _dossier_panel.short("abcde", 5) == "abcde"
    lines = _dossier_panel.wrapped("word " * 40, 3.0, 10).split("\n")
    assert max(map(len, lines)) <= 3.0 * 12.8
    assert " ".join(lines) == ("word " * 40).strip()
