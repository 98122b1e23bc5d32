"""Masked pre-training: no answer leaks, the baselines are right, and models learn."""

import itertools
import logging
import math

import numpy as np
import pytest
import torch

import grnet as gn
from grnet.train import _guesses
from grnet.train._masking import hidden_tokens, visible_bases

SMALL = {"width": 32, "depth": 1, "heads": 4, "dropout": 0.0}


def random_codes(n=64, length=40, *, seed=0, gaps=False):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, (n, length), dtype=np.uint8)
    if gaps:
        codes[rng.random(codes.shape) < 0.03] = 4
    return codes


def settings(epochs, rate=3e-3):
    return gn.train.FitSettings(max_epochs=epochs, batch_size=32, learning_rate=rate)


@pytest.mark.parametrize("k", [1, 3, 6])
def test_hidden_bases_of_overlapping_tokens_cannot_be_read_off(k):
    """Whatever the drawn bases are, the model sees the same tokens."""
    cutter = gn.models.KmerTokens(k)
    rng = np.random.default_rng(1)
    codes = random_codes(gaps=True)
    draw = torch.from_numpy(rng.random(codes.shape, dtype=np.float32))
    drawn = (draw < 0.3 / k).numpy() & (codes < 4)
    others = codes.copy()
    others[drawn] = (others[drawn] + rng.integers(1, 4, drawn.sum())) % 4

    def seen(sequences):
        tokens = cutter.encode(torch.from_numpy(sequences))
        hidden = hidden_tokens(tokens, draw, cutter=cutter, rate=0.3)
        return tokens.ids.masked_fill(hidden, cutter.mask_id), hidden

    (before, hidden), (after, _) = seen(codes), seen(others)
    assert (codes != others).any()
    assert torch.equal(before, after)
    # each token that has to be guessed holds a base that no other token shows
    tokens = cutter.encode(torch.from_numpy(codes))
    dark = hidden | (tokens.ids == cutter.unknown_id)
    visible = visible_bases(tokens, dark, codes.shape[1])
    for row, token in hidden.nonzero().tolist():
        start, end = tokens.start[row, token], tokens.end[row, token]
        assert not visible[row, start:end].all()


def test_masking_single_overlapping_tokens_would_leak():
    """Why spans are hidden: the neighbours of one token spell it out."""
    tokens = gn.models.KmerTokens(6).encode(torch.from_numpy(random_codes()))
    hidden = torch.zeros_like(tokens.ids, dtype=torch.bool)
    hidden[:, 15] = True
    assert visible_bases(tokens, hidden, 40).all()


@pytest.mark.parametrize("overlapping", [True, False])
def test_about_the_asked_share_is_hidden_and_never_the_unknown(overlapping):
    cutter = gn.models.KmerTokens(4, overlapping=overlapping)
    codes = random_codes(400, 80, gaps=True)
    draw = torch.from_numpy(np.random.default_rng(2).random(codes.shape, dtype=np.float32))
    tokens = cutter.encode(torch.from_numpy(codes))
    hidden = hidden_tokens(tokens, draw, cutter=cutter, rate=0.2)
    known = tokens.ids != cutter.unknown_id
    if tokens.is_real is not None:
        known &= tokens.is_real
        assert not hidden[~tokens.is_real].any()
    assert not hidden[~known].any()
    expected = 1 - (1 - 0.2 / 4) ** 4 if overlapping else 0.2
    assert float(hidden[known].float().mean()) == pytest.approx(expected, abs=0.02)


def test_chain_counts_every_word():
    codes = random_codes(20, 30, gaps=True)
    table = _guesses.chain(codes, 2)
    counts = np.full((16, 4), 0.5)
    for row in codes:
        for a, b, c in zip(row, row[1:], row[2:], strict=False):
            if max(a, b, c) < 4:
                counts[4 * a + b, c] += 1
    np.testing.assert_allclose(table, counts / counts.sum(1, keepdims=True))


def test_chances_of_a_chain_are_sums_over_all_sequences():
    table = _guesses.chain(random_codes(30, 50, seed=3), 2)
    rng = np.random.default_rng(4)
    allowed = torch.from_numpy(rng.random((5, 4, 4)) < 0.6).double()
    allowed[..., 0] = 1
    found = _guesses.log_chances(table, allowed)
    # the chance of the two bases before any window, from the chain's own long run
    rest = torch.linalg.matrix_power(_words_to_words(table), 200)[0]
    for window, log_chance in zip(allowed, found, strict=True):
        total = 0.0
        for word in itertools.product(range(4), repeat=6):
            chance = rest[4 * word[0] + word[1]]
            for place in range(4):
                base = word[place + 2]
                chance = chance * table[4 * word[place] + word[place + 1], base]
                chance = chance * window[place, base]
            total += float(chance)
        assert float(log_chance) == pytest.approx(math.log(total), abs=1e-9)


def _words_to_words(table):
    step = torch.zeros(16, 16, dtype=torch.float64)
    for a, b, c in itertools.product(range(4), repeat=3):
        step[4 * a + b, 4 * b + c] = table[4 * a + b, c]
    return step


def test_baselines_on_random_dna_know_nothing():
    """A hidden token of three random bases side by side is one of 64."""
    cutter = gn.models.KmerTokens(3, overlapping=False)
    codes = random_codes(3000, 60)
    draw = np.random.default_rng(5).random((500, 60), dtype=np.float32)
    found = _guesses.baselines(cutter, codes[500:], codes[:500], draw=draw, rate=0.15)
    assert found["unigram_perplexity"] == pytest.approx(64, rel=0.03)
    assert found["markov_perplexity"] == pytest.approx(64, rel=0.05)
    assert found["unigram_accuracy"] == pytest.approx(1 / 64, abs=0.01)


def chained(n, length, *, seed):
    """Sequences in which a base tells the next one, four times out of five."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, (n, length), dtype=np.uint8)
    for place in range(1, length):
        told = (codes[:, place - 1] + 1) % 4
        codes[:, place] = np.where(rng.random(n) < 0.8, told, codes[:, place])
    return codes


def test_a_model_learns_what_the_bases_around_tell():
    config = gn.models.DNALanguageModelConfig(tokens=gn.models.KmerTokens(3), **SMALL)
    done = gn.train.pretrain_language_model(
        chained(1000, 40, seed=0), config, settings=settings(8, 6e-3)
    )
    figures = done.metrics
    # the chain that made the sequences cannot be beaten, but nearly reached
    assert 0.95 < figures["perplexity"] / figures["markov_perplexity"] < 1.5
    assert figures["perplexity"] < 0.3 * figures["unigram_perplexity"]
    assert figures["accuracy"] > 3 * figures["unigram_accuracy"]


def test_a_model_of_random_dna_learns_nothing(caplog):
    """The end-to-end proof that overlapping tokens do not leak: nobody beats the chain."""
    config = gn.models.DNALanguageModelConfig(tokens=gn.models.KmerTokens(3), **SMALL)
    with caplog.at_level(logging.WARNING, logger="grnet.train.pretraining"):
        done = gn.train.pretrain_language_model(
            random_codes(1000, 40), config, settings=settings(6, 6e-3)
        )
    assert done.metrics["perplexity"] > 0.93 * done.metrics["markov_perplexity"]
    assert "no better than a Markov chain" in caplog.text


def test_same_seed_same_model_and_nothing_else_is_touched():
    config = gn.models.DNALanguageModelConfig(tokens=gn.models.KmerTokens(2), **SMALL)
    state = torch.random.get_rng_state()
    codes = random_codes()
    first, second, other = (
        gn.train.pretrain_language_model(codes, config, settings=settings(1), seed=seed)
        for seed in (3, 3, 4)
    )
    assert torch.equal(state, torch.random.get_rng_state())
    assert first.metrics == second.metrics
    weights = (fit.model.encoder.blocks[0].qkv.weight for fit in (first, second, other))
    same, again, different = weights
    assert torch.equal(same, again)
    assert not torch.equal(same, different)


def test_a_genome_is_cut_into_windows_and_gaps_are_left_out():
    text = "ACGGT" * 40
    genome = gn.io.Genome.from_sequences({"chr1": text + "N" * 100 + text, "chr2": text[:30]})
    config = gn.models.DNALanguageModelConfig(tokens=gn.models.KmerTokens(2), **SMALL)
    done = gn.train.pretrain_language_model(genome, config, window=20, settings=settings(2))
    assert done.metrics["perplexity"] > 0
    with pytest.raises(ValueError, match="as long as window=1000 bases"):
        gn.train.pretrain_language_model(genome, config, window=1000)


def test_training_goes_on_with_a_model_and_byte_pairs():
    pytest.importorskip("tokenizers")
    codes = np.tile(gn.dna.to_codes("GATTACACCT"), (60, 5))
    tokens = gn.models.BytePairTokens.learn(codes, size=12)
    config = gn.models.DNALanguageModelConfig(tokens=tokens, **SMALL)
    held_out = codes[:10]
    first = gn.train.pretrain_language_model(
        codes, config, validation=held_out, settings=settings(2)
    )
    second = gn.train.pretrain_language_model(
        codes, first.model, validation=held_out, settings=settings(4)
    )
    assert second.model is first.model
    assert second.metrics["loss"] < first.metrics["loss"]


def test_wrong_inputs_are_refused():
    with pytest.raises(ValueError, match=r"3 sequence\(s\) are too few to hold a tenth out"):
        gn.train.pretrain_language_model(random_codes(3))
    with pytest.raises(
        ValueError, match=r"No token of the 1 sequence\(s\) for validation is hidden"
    ):
        gn.train.pretrain_language_model(random_codes(10, 7), mask_rate=0.01)
    with pytest.raises(ValueError, match=r"mask_rate=1\.5 is out of range"):
        gn.train.pretrain_language_model(random_codes(), mask_rate=1.5)
    with pytest.raises(TypeError, match="SequenceCNN guesses no tokens"):
        gn.train.MaskedTokenObjective().answer(
            gn.models.SequenceCNN(), {"x": torch.zeros(1, 9, dtype=torch.uint8)}
        )
