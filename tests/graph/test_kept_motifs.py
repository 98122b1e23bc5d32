"""Motifs that a graph keeps beside its sequences."""

import numpy as np
import pandas as pd
import pytest

import grnet as gn
from grnet.graph._motifs import shares_of_motifs


@pytest.fixture(scope="module")
def motifs():
    rng = np.random.default_rng(0)
    tfs = [("alias1",), ("TF2", "TF1"), ("TF1",), ("nobody",)]
    return [
        gn.io.Motif(f"m{i}", names, rng.dirichlet(np.full(4, 0.3), 5 + i).T)
        for i, names in enumerate(tfs)
    ]


@pytest.fixture
def with_motifs(small, motifs):
    return gn.graph.build(
        small.mdata, small.genome, motifs=motifs, sequence_width=80, n_components=4,
        aliases=pd.DataFrame({"name": ["TF1"], "alias": ["alias1"]}), **small.tables,
    )  # fmt: skip


def test_motifs_come_back_under_the_names_of_the_graph(with_motifs, motifs):
    found = gn.graph.motifs_of(with_motifs)
    assert [motif.name for motif in found] == [motif.name for motif in motifs]
    assert [motif.tfs for motif in found] == [("TF1",), ("TF2", "TF1"), ("TF1",), ("nobody",)]
    for ours, theirs in zip(found, motifs, strict=True):
        np.testing.assert_allclose(ours.probabilities, theirs.probabilities, atol=1e-6)


def test_a_file_keeps_them(with_motifs, tmp_path):
    path = gn.graph.save(with_motifs, tmp_path / "graph.safetensors")
    before, after = (gn.graph.motifs_of(data) for data in (with_motifs, gn.graph.load(path)))
    for ours, theirs in zip(before, after, strict=True):
        assert (ours.name, ours.tfs) == (theirs.name, theirs.tfs)
        np.testing.assert_array_equal(ours.probabilities, theirs.probabilities)


def test_shares_are_even_over_the_motifs_of_a_tf(with_motifs):
    shares = pd.DataFrame(shares_of_motifs(with_motifs), index=with_motifs["tf"].name)
    assert shares.loc["TF1"].tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0])
    assert shares.loc["TF2"].tolist() == [0, 1, 0, 0]
    assert not shares.loc["TF3"].any()


def test_without_sequences_none_are_kept(small, motifs):
    data = gn.graph.build(small.mdata, small.genome, motifs=motifs, n_components=4, **small.tables)
    assert gn.graph.motifs_of(data) == []
    assert shares_of_motifs(data).shape == (3, 0)
