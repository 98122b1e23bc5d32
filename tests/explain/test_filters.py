"""Filters read as motifs: what they hold is found, on the strands that the model reads."""

import numpy as np
import pytest
import torch

import grnet as gn

SITE = gn.dna.to_codes("TGACTCAG")


def holding(site, n=300, length=60, seed=0):
    """Sequences of which half hold a site at a drawn place."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, (n, length)).astype(np.uint8)
    for row in range(0, n, 2):
        at = rng.integers(0, length - len(site))
        codes[row, at : at + len(site)] = site
    return codes


def reading(site, **config):
    """A network whose first filter is the site; the others are silent."""
    settings = gn.models.SequenceCNNConfig(n_filters=3, filter_width=len(site), **config)
    model = gn.models.SequenceCNN(settings).eval()
    first = model.body[0]
    with torch.no_grad():
        first.weight.zero_()
        first.bias.fill_(-1.0)
        first.weight[0] = torch.from_numpy(gn.dna.one_hot(site))
    return model


def test_a_filter_is_the_motif_that_it_holds():
    motifs = gn.explain.filter_motifs(reading(SITE), holding(SITE), threshold=0.9)
    assert [motif.name for motif in motifs] == ["filter_0"]
    assert motifs[0].consensus == gn.dna.to_text(SITE)
    assert motifs[0].n_sites == pytest.approx(150, abs=5)


def test_sites_of_the_other_strand_count_where_the_model_reads_both():
    other = holding(gn.dna.reverse_complement(SITE))
    both = gn.explain.filter_motifs(reading(SITE), other, threshold=0.9)
    assert both[0].consensus == gn.dna.to_text(SITE)
    assert both[0].n_sites == pytest.approx(150, abs=5)
    one = reading(SITE, reverse_complement=False)
    found = gn.explain.filter_motifs(one, other, threshold=0.9, min_sites=0)
    assert not [motif for motif in found if motif.n_sites > 20]


def test_few_sites_make_no_motif():
    model, codes = reading(SITE), holding(SITE)
    assert gn.explain.filter_motifs(model, codes, threshold=0.9, min_sites=200) == []


def test_sequences_shorter_than_the_filters_are_told():
    with pytest.raises(ValueError, match=r"have 5 bases, but the filters are 8 wide"):
        gn.explain.filter_motifs(reading(SITE), np.zeros((3, 5), dtype=np.uint8))


def test_a_model_without_a_convolution_over_letters_is_told():
    with pytest.raises(ValueError, match="Conv1d"):
        gn.explain.filter_motifs(torch.nn.Linear(4, 2), holding(SITE))


def test_mode_and_gradients_are_left_as_found():
    model = reading(SITE).train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    gn.explain.filter_motifs(model, holding(SITE))
    assert model.training
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
