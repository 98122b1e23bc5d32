"""The picture shows what lies downstream and upstream of a node, and no more than asked."""

import itertools

import matplotlib.pyplot as plt
import pytest
from matplotlib.patches import FancyArrowPatch

import grnet as gn
from grnet.graph import PEAK, _ego


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def labels(ax):
    return [text.get_text() for text in ax.texts]


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_all_around_a_tf(graph, small):
    ax = gn.graph.draw(graph, "TF1", max_nodes=500)
    bound = set(small.bindings.loc[small.bindings["tf"] == "TF1", "peak"])
    genes = set(small.links.loc[small.links["peak"].isin(bound), "gene"])
    genes |= set(small.known.loc[small.known["source"] == "TF1", "target"]) - {"TF1"}
    assert bound | genes <= set(labels(ax))
    upstream = set(small.links.loc[small.links["gene"] == "TF1", "peak"])
    assert upstream <= set(labels(ax))
    assert {"tf", "peak", "gene", "binds", "near", "regulates"} <= set(legend(ax))


def test_no_more_nodes_than_asked_and_every_one_joined(graph):
    for most in (3, 5, 12):
        found = _ego.ego(graph, "TF2", radius=2, max_nodes=most)
        assert len(found.nodes) <= most
        joined = set(found.edges["source"]) | set(found.edges["target"])
        assert joined == set(range(len(found.nodes)))
        ax = gn.graph.draw(graph, "TF2", max_nodes=most)
        assert len(ax.texts) == len(found.nodes)
        assert len([p for p in ax.patches if isinstance(p, FancyArrowPatch)]) == len(found.edges)
        assert (
            ax.get_title() == f"TF2: {len(found.nodes)} of {found.n_reached} nodes within 2 steps"
        )


def test_one_step_shows_neighbours(graph, small):
    peak = small.links["peak"].iloc[0]
    ax = gn.graph.draw(graph, peak, radius=1)
    wanted = {peak, *small.links.loc[small.links["peak"] == peak, "gene"]}
    wanted |= set(small.bindings.loc[small.bindings["peak"] == peak, "tf"])
    assert set(labels(ax)) == wanted


def test_peaks_stand_in_the_order_of_the_genome(graph):
    ax = gn.graph.draw(graph, "TF1", max_nodes=60)
    shown = [text for text in ax.texts if text.get_text() in set(graph[PEAK].name)]
    places = sorted(shown, key=lambda text: text.xy[1])
    order = [(graph[PEAK].name.index(t.get_text())) for t in places]
    keys = [(graph[PEAK].chrom[i], int(graph[PEAK].start[i])) for i in order]
    assert keys == sorted(keys)


def test_names_of_genes_do_not_meet(graph):
    ax = gn.graph.draw(graph, "TF1", max_nodes=60)
    ax.figure.draw_without_rendering()
    boxes = [t.get_window_extent() for t in ax.texts if not t.get_text().startswith("chr")]
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


def test_pairs_held_out_are_dashed(graph):
    part = gn.graph.hold_out(graph, 0.5)
    ax = gn.graph.draw(part, "TF1", max_nodes=500)
    assert "held out" in legend(ax)
    dashed = [patch for patch in ax.patches if patch.get_linestyle() == "--"]
    table = _ego.ego(part, "TF1", radius=2, max_nodes=500).edges
    assert len(dashed) == (table["relation"] == "held out").sum() > 0


def test_expression_alone_shows_coexpression(small):
    data = gn.graph.build(small.mdata["rna"], tfs=["TF1"], n_components=4, n_neighbours=2)
    ax = gn.graph.draw(data, "G3")
    assert legend(ax) == ["gene", "coexpressed"]
    assert 3 <= len(ax.texts) <= 24
    genes = ax.lines[0].get_xdata()[0]
    middles = [patch.get_path().vertices[1, 0] for patch in ax.patches]
    assert max(middles) < genes, "arcs go to the left, names to the right"


def test_axes_of_the_user_are_used(graph):
    _, ax = plt.subplots()
    assert gn.graph.draw(graph, "TF1", ax=ax) is ax


def test_what_cannot_be_drawn_is_said(graph):
    with pytest.raises(ValueError, match=r"'tf1' is no node of the graph. Did you mean 'TF1'"):
        gn.graph.draw(graph, "tf1")
    with pytest.raises(ValueError, match=r"radius=3 is out of range"):
        gn.graph.draw(graph, "TF1", radius=3)
    with pytest.raises(ValueError, match=r"'ACG' is no node of the graph"):
        gn.graph.draw(gn.graph.kmer_graph(["ACGT"]), "ACG")
