"""The hidden Markov model of marks against sums over all paths, and planted states."""

from itertools import permutations, product

import numpy as np
import pytest
import torch

import grnet as gn
from grnet.train._chromatin_hmm import baum_welch

K, M = 3, 4


@pytest.fixture
def model():
    rng = np.random.default_rng(1)
    made = gn.models.MarkHMM(gn.models.MarkHMMConfig(n_marks=M, n_states=K))
    made.start.copy_(torch.from_numpy(rng.dirichlet(np.ones(K))))
    made.transition.copy_(torch.from_numpy(rng.dirichlet(np.ones(K), size=K)))
    made.emissions.copy_(torch.from_numpy(rng.uniform(0.05, 0.95, (K, M))))
    return made


def joint(model, values):
    """The probability of the marks along every path, by multiplication."""
    start, transition, emissions = (
        x.numpy() for x in (model.start, model.transition, model.emissions)
    )
    each = np.where(values[:, None] == 1, emissions, 1 - emissions)
    emitted = np.where(values[:, None] == 2, 1.0, each).prod(axis=2)
    out = {}
    for path in product(range(K), repeat=len(values)):
        p = start[path[0]] * emitted[0, path[0]]
        for t in range(1, len(values)):
            p *= transition[path[t - 1], path[t]] * emitted[t, path[t]]
        out[path] = p
    return out


@pytest.fixture
def values():
    codes = np.random.default_rng(2).integers(0, 2, (5, M)).astype(np.uint8)
    codes[1, 2] = codes[3] = 2
    return codes


def test_log_likelihood_is_the_sum_over_all_paths(model, values):
    expected = np.log(sum(joint(model, values).values()))
    assert model.log_likelihood(values) == pytest.approx(expected, rel=1e-10)


def test_posterior_is_the_share_of_paths(model, values):
    paths = joint(model, values)
    expected = np.zeros((len(values), K))
    for path, p in paths.items():
        expected[np.arange(len(values)), path] += p
    np.testing.assert_allclose(model.posterior(values), expected / sum(paths.values()), rtol=1e-9)


def test_leave_one_out_compares_the_mark_with_its_opposite(model, values):
    found = model.leave_one_out(values)
    for at in np.ndindex(values.shape):
        both = []
        for code in (0, 1):
            changed = values.copy()
            changed[at] = code
            both.append(sum(joint(model, changed).values()))
        assert found[at] == pytest.approx(both[1] / sum(both), rel=1e-9)


def test_imputation_leaves_out_what_is_missing(model, values):
    filled = model.impute(values)
    known = values != 2
    np.testing.assert_array_equal(filled[known], values[known])
    np.testing.assert_allclose(filled[~known], model.leave_one_out(values)[~known], rtol=1e-5)


def test_chromosomes_do_not_touch(model, values):
    twice = np.concatenate([values, values[::-1]])
    apart = model.log_likelihood(values) + model.log_likelihood(values[::-1])
    assert model.log_likelihood(twice, [5, 5]) == pytest.approx(apart, rel=1e-12)
    assert model.log_likelihood(twice) != pytest.approx(apart, rel=1e-6)
    np.testing.assert_allclose(model.posterior(twice, [5, 5])[:5], model.posterior(values))


def test_long_chains_do_not_underflow(model):
    values = np.random.default_rng(0).integers(0, 2, (100_000, M)).astype(np.uint8)
    assert np.isfinite(model.log_likelihood(values))
    np.testing.assert_allclose(model.posterior(values).sum(axis=1), 1)


def test_states_have_no_order(model, values):
    before = model.log_likelihood(values)
    posterior = model.posterior(values)
    model.reorder([2, 0, 1])
    assert model.log_likelihood(values) == pytest.approx(before, rel=1e-12)
    np.testing.assert_allclose(model.posterior(values), posterior[:, [2, 0, 1]])


def test_file_round_trip(model, values, tmp_path):
    again = gn.models.load(gn.models.save(model, tmp_path / "hmm.safetensors"))
    assert again.log_likelihood(values) == model.log_likelihood(values)


@pytest.mark.parametrize(
    ("codes", "lengths", "message"),
    [
        (np.zeros((3, M + 1), np.uint8), None, r"shape \(3, 5\): expected \(bins, 4\)"),
        (np.full((3, M), 3, np.uint8), None, r"such as .*3.*: expected 0 \(absent\)"),
        (np.zeros((3, M), np.uint8), [1, 1], "add up to 2, but there are 3 bins"),
    ],
)
def test_refuses_what_is_no_marks(model, codes, lengths, message):
    with pytest.raises(ValueError, match=message):
        model.posterior(codes, lengths)


def planted(n_bins, *, seed):
    """Bins of three states that last, and the states."""
    rng = np.random.default_rng(seed)
    emissions = np.array([[0.02, 0.02, 0.02], [0.9, 0.8, 0.05], [0.05, 0.1, 0.85]])
    state = np.zeros(n_bins, dtype=int)
    for t in range(1, n_bins):
        state[t] = state[t - 1] if rng.random() < 0.92 else rng.integers(3)
    return (rng.random((n_bins, 3)) < emissions[state]).astype(np.uint8), state, emissions


def fitted(values, lengths=None, **options):
    options = {
        "n_states": 3,
        "max_iterations": 60,
        "tolerance": 1e-7,
        "n_restarts": 1,
        "seed": 0,
    } | options
    chains = np.array([len(values)] if lengths is None else lengths)
    return baum_welch(values, chains, **options)


def test_baum_welch_finds_planted_states_in_spite_of_gaps():
    values, state, emissions = planted(20_000, seed=0)
    gaps = np.random.default_rng(1).random(values.shape) < 0.2
    model, history = fitted(np.where(gaps, 2, values).astype(np.uint8))
    found = model.emissions.numpy()
    order = min(permutations(range(3)), key=lambda p: np.abs(found[list(p)] - emissions).sum())
    np.testing.assert_allclose(found[list(order)], emissions, atol=0.03)
    called = model.posterior(values).argmax(axis=1)
    assert np.mean(np.array(order)[state] == called) > 0.95
    assert np.diff(history).min() > -1e-6


def test_baum_welch_repeats_and_ignores_the_order_of_chromosomes():
    values, _, _ = planted(4000, seed=3)
    first = fitted(values, [1500, 2500])
    swapped = fitted(np.concatenate([values[1500:], values[:1500]]), [2500, 1500])
    assert first.history == fitted(values, [1500, 2500]).history
    assert first.history[-1] == pytest.approx(swapped.history[-1], rel=1e-6)


def test_more_starts_are_no_worse():
    values, _, _ = planted(3000, seed=4)
    once, often = (fitted(values, n_restarts=n, n_states=5, max_iterations=25) for n in (1, 3))
    assert often.history[-1] >= once.history[-1]
