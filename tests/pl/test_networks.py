"""Node-link pictures: what they show, and that names do not meet."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Ellipse, FancyArrowPatch, Polygon

import grnet as gn
from grnet.io.networks._style import EDGE_COLOUR


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture
def grn() -> gn.GRN:
    rng = np.random.default_rng(0)
    pairs = [(f"TF{i}", f"GENE{j}") for i in range(6) for j in range(60) if rng.random() < 0.2]
    edges = pd.DataFrame([*pairs, ("TF0", "TF1"), ("TF1", "TF0")], columns=["source", "target"])
    edges["weight"] = rng.normal(size=len(edges))
    return gn.GRN(edges)


def drawn(ax, kind):
    return [patch for patch in ax.patches if isinstance(patch, kind)]


def test_every_edge_and_node_is_drawn_once(grn):
    ax = gn.pl.top_edges(grn, n=40)
    shown = grn.top(40).drop_isolated()
    arrows = drawn(ax, FancyArrowPatch)
    assert len(arrows) == 40
    colours = [to_hex(arrow.get_edgecolor()).upper() for arrow in arrows]
    assert colours.count(EDGE_COLOUR["represses"]) == int((shown.edges["weight"] < 0).sum())
    assert len(drawn(ax, Polygon)) == int(shown.nodes["is_tf"].sum())
    assert len(drawn(ax, Ellipse)) == int((~shown.nodes["is_tf"]).sum())
    assert sorted(text.get_text() for text in ax.texts) == shown.genes
    widths = [arrow.get_linewidth() for arrow in arrows]
    assert widths == sorted(widths)
    assert ax.get_title() == f"40 of {len(grn)} edges"


def test_arrows_end_at_the_rim_of_their_target(grn):
    ax = gn.pl.top_edges(grn, n=30)
    shown = grn.top(30).drop_isolated()
    places = {text.get_text(): np.array(text.get_position()) for text in ax.texts}
    half = drawn(ax, Ellipse)[0].width / 2
    rows = shown.edges.astype({"source": str, "target": str}).iloc[::-1]
    for arrow, row in zip(drawn(ax, FancyArrowPatch), rows.itertuples(), strict=True):
        start, end = (np.array(point) for point in arrow._posA_posB)
        assert np.linalg.norm(start - places[row.source]) <= half + 1e-6
        assert np.linalg.norm(end - places[row.target]) <= half + 1e-6


@pytest.mark.parametrize("own_axes", [False, True])
def test_names_do_not_meet(grn, own_axes):
    ax = plt.subplots(figsize=(5, 4))[1] if own_axes else None
    ax = gn.pl.neighbourhood(grn, "TF0", max_edges=25, ax=ax)
    figure = ax.figure
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in ax.texts]
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
    assert all(ax.get_window_extent().padded(1).overlaps(box) for box in boxes)


def test_neighbourhood_holds_the_node_and_is_one_piece(grn):
    for max_edges in (3, 15, 60):
        ax = gn.pl.neighbourhood(grn, "TF0", radius=2, max_edges=max_edges)
        names = {text.get_text() for text in ax.texts}
        assert "TF0" in names
        assert len(drawn(ax, FancyArrowPatch)) == min(max_edges, len(grn.neighbourhood("TF0", 2)))
    near = grn.edges.astype(str).query("source == 'TF0' or target == 'TF0'")
    ax = gn.pl.neighbourhood(grn, "TF0", max_edges=len(near))
    assert {text.get_text() for text in ax.texts} == set(near["source"]) | set(near["target"])


def test_mutual_edges_and_loops_part():
    edges = pd.DataFrame(
        {"source": ["A", "B", "A"], "target": ["B", "A", "A"], "weight": [1.0, -2.0, 0.5]}
    )
    ax = gn.pl.top_edges(gn.GRN(edges))
    paths = [arrow.get_path().vertices for arrow in drawn(ax, FancyArrowPatch)]
    middles = [path[: len(path) // 2 + 1].mean(axis=0) for path in paths]
    gaps = [np.linalg.norm(a - b) for a, b in itertools.combinations(middles, 2)]
    assert min(gaps) > 1.0


def test_names_are_text_not_mathematics():
    edges = pd.DataFrame({"source": ["$A_1$"], "target": ["<b>&$"], "weight": [1.0]})
    ax = gn.pl.top_edges(gn.GRN(edges))
    ax.figure.draw_without_rendering()
    assert {text.get_text() for text in ax.texts} == {"$A_1$", "<b>&$"}


def test_the_given_axes_are_used(grn):
    _, ax = plt.subplots()
    assert gn.pl.top_edges(grn, n=3, ax=ax) is ax


def test_errors_say_what_to_do(grn):
    with pytest.raises(ValueError, match="Did you mean 'TF0'"):
        gn.pl.neighbourhood(grn, "tf0")
    with pytest.raises(ValueError, match="no edges"):
        gn.pl.top_edges(grn.filter(min_weight=1e9))
    with pytest.raises(ValueError, match="max_edges=0 is out of range"):
        gn.pl.neighbourhood(grn, "TF0", max_edges=0)
    lonely = gn.GRN(grn.edges, nodes=pd.DataFrame(index=["LONELY"]))
    with pytest.raises(ValueError, match="'LONELY' has no edge"):
        gn.pl.neighbourhood(lonely, "LONELY")
