"""Motifs from seqlets: what was planted is recovered, and nothing else."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn import functional

from grnet._alphabet import reverse_complement
from grnet.cis.comparison import compare_motifs
from grnet.dna.sample import dinucleotide_shuffle
from grnet.explain.attribution import Attributions, attributions
from grnet.explain.calling import seqlets
from grnet.explain.motifs import seqlet_motifs, task_motifs
from grnet.models.sequence import SequenceCNN, SequenceCNNConfig


def both(outputs):
    return outputs.sum(1)


def quick(model, codes, *, target=both):
    return attributions(model, codes, target=target, method="input_x_gradient", n_shuffles=1)


@pytest.fixture(scope="module")
def given(scanner, planted):
    return quick(scanner, planted[0])


@pytest.fixture(scope="module")
def trained(planted, background):
    """A small network that tells planted sequences from others."""
    torch.manual_seed(0)
    x = torch.from_numpy(np.concatenate([planted[0], background]))
    y = torch.arange(len(x)).lt(len(planted[0])).float()
    config = SequenceCNNConfig(n_filters=12, filter_width=11, n_layers=0, dropout=0.0, n_hidden=16)
    model = SequenceCNN(config)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-2)
    for _ in range(12):
        for rows in torch.randperm(len(x)).split(32):
            loss = functional.binary_cross_entropy_with_logits(model(x[rows])[:, 0], y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model.eval()


def test_two_planted_motifs_are_recovered(given, known):
    found = seqlet_motifs(seqlets(given), given)
    assert [motif.name for motif in found] == ["motif_1", "motif_2"]
    best = compare_motifs(found, known, n_best=1)
    assert set(best["target"]) == {"AP1", "REB1"}
    assert best["pvalue"].max() < 1e-8
    # a sequence may hold a second, weaker site by chance
    assert all(90 <= motif.n_sites <= 160 for motif in found)


def test_probabilities_are_those_planted(given, motifs):
    found = seqlet_motifs(seqlets(given), given)
    for motif in motifs:
        best = compare_motifs(motif, found, n_best=1).loc[0]
        theirs = {m.name: m for m in found}[best["target"]].probabilities
        theirs = theirs[::-1, ::-1] if best["strand"] == "-" else theirs
        first = max(-best["offset"], 0)
        start, n = max(best["offset"], 0), best["overlap"]
        gap = theirs[:, start : start + n] - motif.probabilities[:, first : first + n]
        assert n >= motif.width - 1
        assert np.abs(gap).mean() < 0.04


def test_shuffled_sequences_have_none(scanner, planted):
    codes = planted[0][::4]
    shuffled = [dinucleotide_shuffle(codes, seed=seed)[:, 0].copy() for seed in (5, 6)]
    control, null = (attributions(scanner, x, target=both, n_shuffles=1) for x in shuffled)
    assert seqlet_motifs(seqlets(control, null=null), control) == []


def test_strands_and_order_do_not_matter(given, known):
    turned = Attributions(given.hypothetical[:, ::-1, ::-1], reverse_complement(given.codes))
    order = np.random.default_rng(0).permutation(len(given.codes))
    mixed = Attributions(given.hypothetical[order], given.codes[order])
    for other in (turned, mixed):
        found = compare_motifs(seqlet_motifs(seqlets(other), other), known, n_best=1)
        assert set(found["target"]) == {"AP1", "REB1"}
        assert found["pvalue"].max() < 1e-8


def test_settings_bound_what_is_returned(given):
    calls = seqlets(given)
    assert len(seqlet_motifs(calls, given, n_motifs=1)) == 1
    assert seqlet_motifs(calls, given, min_sites=len(calls) + 1) == []
    assert seqlet_motifs(calls.head(0), given) == []
    named = seqlet_motifs(calls, given, prefix="GCN4")
    assert [motif.name for motif in named] == ["GCN4_1", "GCN4_2"]
    narrow = seqlet_motifs(calls, given, width=6)
    assert max(motif.width for motif in narrow) <= 6
    with pytest.raises(ValueError, match="the table of seqlets lacks the column"):
        seqlet_motifs(pd.DataFrame({"row": [0]}), given)


def test_sites_at_the_ends_of_sequences_count(motifs, scanner):
    codes = np.random.default_rng(0).integers(4, size=(60, 40), dtype=np.uint8)
    site = motifs[0].probabilities.argmax(axis=0).astype(np.uint8)
    codes[:30, : len(site)] = site
    codes[30:, -len(site) :] = reverse_complement(site)
    given = quick(scanner, codes, target=0)
    (found,) = seqlet_motifs(seqlets(given), given, n_motifs=1)
    assert found.n_sites >= 55
    assert motifs[0].consensus in found.consensus or (
        replace(motifs[0], probabilities=motifs[0].probabilities[::-1, ::-1]).consensus
        in found.consensus
    )


def test_a_trained_network_shows_what_it_learnt(trained, planted, known):
    found = task_motifs(trained, planted[0], prefix="learnt")
    best = compare_motifs(found, known, max_pvalue=1e-4, n_best=1)
    assert set(best["target"]) & {"AP1", "REB1"}
    assert best["query"].str.startswith("learnt_").all()


def test_each_task_has_its_own_motif(scanner, planted, known):
    for target, name in enumerate(["AP1", "REB1"]):
        found = task_motifs(scanner, planted[0], target=target)
        best = compare_motifs(found[0], known, n_best=1).loc[0]
        assert (best["target"], best["pvalue"] < 1e-6) == (name, True)


def test_a_model_of_nothing_has_no_motif(background):
    class Constant(torch.nn.Module):
        def forward(self, hot):
            return hot.sum((1, 2))

    assert task_motifs(Constant(), background) == []
