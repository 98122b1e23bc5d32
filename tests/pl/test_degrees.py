"""Pictures of degrees hold the degrees."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest

import grnet as gn
from grnet.pl.degrees import at_least


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture
def grn():
    pairs = [("A", "X"), ("A", "Y"), ("A", "Z"), ("B", "X")]
    return gn.GRN(pd.DataFrame(pairs, columns=["source", "target"]).assign(weight=1.0))


def test_shares_count_genes_with_at_least_so_many_edges():
    shares = at_least(pd.Series([1, 1, 2, 5, 0]))
    assert shares.to_dict() == {1: 1.0, 2: 0.5, 5: 0.25}


def test_both_sides_are_drawn(grn):
    targets, regulators = gn.pl.degree_distribution(grn)
    assert targets.lines[1].get_xydata().tolist() == [[1, 1.0], [3, 0.5]]
    assert regulators.lines[1].get_xydata()[:, 0].tolist() == [1, 2]
    assert targets.get_xscale() == targets.get_yscale() == "log"
    assert targets.get_legend() is None


def test_several_networks_are_told_apart(grn):
    _, regulators = gn.pl.degree_distribution({"all": grn, "top": grn.top(2)})
    assert [text.get_text() for text in regulators.get_legend().get_texts()] == ["all", "top"]


def test_axes_of_the_caller_are_used(grn):
    _, ax = plt.subplots()
    panels = gn.pl.degree_distribution(grn, ax=ax)
    assert {panel.figure for panel in panels} == {ax.figure}


def test_networks_without_edges_are_named(grn):
    with pytest.raises(ValueError, match="no edges to count in 'none'"):
        gn.pl.degree_distribution({"all": grn, "none": gn.GRN(grn.edges.iloc[:0])})
