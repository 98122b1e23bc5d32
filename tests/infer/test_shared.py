"""The closed form of the shared ridge regression is what it says it is."""

from itertools import product

import numpy as np
import pytest
import scipy.sparse as sp
import torch

import grnet as gn
from grnet.infer.linear import ridge
from grnet.infer.shared import CHOICES, shared_ridge

CPU = {"rng": np.random.default_rng(0), "device": torch.device("cpu")}
ALPHA, DEVIATION = 0.7, 0.4


def data(n_cells=90, n_regulators=7, n_targets=12, *, seed=0):
    """Regulators, and targets of which the first four are regulators."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_cells, n_regulators)).astype(np.float32)
    y = (rng.normal(size=(n_cells, n_targets)) + x[:, [0]]).astype(np.float32)
    own = np.full(n_targets, -1)
    own[:4] = [2, 0, 5, 3]
    y[:, :4] = x[:, own[:4]]
    return x, y, own


def one_hot(n_cells, n_contexts, *, seed=0):
    labels = np.random.default_rng(seed).integers(n_contexts, size=n_cells)
    return np.eye(n_contexts, dtype=np.float32)[labels]


def scaled(values, weights, share):
    centred = values - weights @ values / weights.sum()
    return centred / np.sqrt(weights @ centred**2) * np.sqrt(share)


def design(x, y, contexts):
    """The rows of all contexts below each other: W_0 sees all, D_g those of its context."""
    n_cells, n_regulators = x.shape
    n_contexts = contexts.shape[1]
    rows = np.zeros((n_contexts, n_cells, n_contexts + 1, n_regulators))
    answers = np.zeros((n_contexts, n_cells, y.shape[1]))
    overlap = ((contexts > 0).sum(axis=1) > 1).any()
    for g, weights in enumerate(contexts.T.astype(np.float64)):
        known = (np.ones(n_cells), 1.0) if overlap else (weights, weights.sum() / contexts.sum())
        root = np.sqrt(weights)[:, None]
        rows[g, :, 0] = rows[g, :, g + 1] = root * scaled(x, *known)
        answers[g] = root * scaled(y, *known)
    return rows, answers


def brute_force(x, y, own, *, contexts, alpha=ALPHA, deviation=DEVIATION):
    """Solve for all coefficients of one target at a time, with dense normal equations."""
    rows, answers = design(x, y, contexts)
    n_contexts, n_regulators = contexts.shape[1], x.shape[1]
    result = np.zeros((n_contexts, n_regulators, y.shape[1]))
    for j in range(y.shape[1]):
        keep = np.flatnonzero(np.arange(n_regulators) != own[j])
        a = rows[..., keep].reshape(-1, (n_contexts + 1) * len(keep))
        penalty = np.repeat([alpha, *[deviation] * n_contexts], len(keep))
        solved = np.linalg.solve(a.T @ a + np.diag(penalty), a.T @ answers[..., j].ravel())
        common, *own_parts = solved.reshape(n_contexts + 1, -1)
        result[:, keep, j] = common + np.array(own_parts)
    return result


SOFT = np.random.default_rng(5).dirichlet(np.ones(3), size=90).astype(np.float32)


@pytest.mark.parametrize("contexts", [one_hot(90, 3), one_hot(90, 2, seed=1), SOFT])
def test_closed_form_equals_dense_normal_equations(contexts):
    x, y, own = data()
    found = shared_ridge(x, y, own, contexts=contexts, alpha=ALPHA, deviation=DEVIATION, **CPU)
    np.testing.assert_allclose(found.scores, brute_force(x, y, own, contexts=contexts), atol=2e-6)


def test_sparse_targets_give_what_dense_ones_give():
    x, y, own = data()
    y[y < 0.5] = 0.0
    y[:, :4] = x[:, own[:4]]
    settings = {"contexts": one_hot(90, 3), "alpha": ALPHA, "deviation": DEVIATION, **CPU}
    dense = shared_ridge(x, y, own, **settings).scores
    sparse = shared_ridge(x, sp.csc_matrix(y), own, **settings).scores
    np.testing.assert_allclose(sparse, dense, atol=1e-6)


def test_blocks_of_targets_change_nothing(monkeypatch):
    x, y, own = data(n_targets=150)
    settings = {"contexts": one_hot(90, 3), "alpha": ALPHA, "deviation": DEVIATION, **CPU}
    whole = shared_ridge(x, y, own, **settings).scores
    monkeypatch.setattr("grnet.infer._arrays.BLOCK_BYTES", 1)
    np.testing.assert_allclose(shared_ridge(x, y, own, **settings).scores, whole, atol=1e-6)


def test_without_contexts_it_is_ridge():
    x, y, own = data()
    expected = ridge(x, y, own, alpha=0.3, **CPU)
    np.testing.assert_array_equal(shared_ridge(x, y, own, alpha=0.3, **CPU).scores, expected)
    one = shared_ridge(x, y, own, contexts=np.ones((90, 1)), alpha=0.3, **CPU).scores
    np.testing.assert_array_equal(one, expected[None])


def test_with_no_room_to_deviate_all_contexts_are_the_ridge_of_centred_cells():
    x, y, own = data()
    contexts = one_hot(90, 3)
    stiff = shared_ridge(x, y, own, contexts=contexts, alpha=0.3, deviation=1e6, **CPU).scores
    rows, answers = design(x, y, contexts)
    within = rows[:, :, 0].sum(axis=0).astype(np.float32)
    pooled = ridge(within, answers.sum(axis=0).astype(np.float32), own, alpha=0.3, **CPU)
    for of_context in stiff:
        np.testing.assert_allclose(of_context, pooled, atol=1e-5)


def test_with_nothing_in_common_each_context_is_its_own_ridge():
    x, y, own = data()
    contexts = one_hot(90, 3)
    free = shared_ridge(x, y, own, contexts=contexts, alpha=1e6, deviation=0.4, **CPU).scores
    for g, of_context in enumerate(free):
        cells = contexts[:, g] > 0
        alone = ridge(x[cells], y[cells], own, alpha=0.4 / cells.mean(), **CPU)
        np.testing.assert_allclose(of_context, alone, atol=1e-5)


def test_a_shift_of_means_between_groups_is_not_regulation():
    rng = np.random.default_rng(0)
    contexts = one_hot(300, 2)
    x, y = rng.normal(size=(2, 300, 4)).astype(np.float32)
    settings = {"contexts": contexts, "alpha": 1.0, "deviation": 1.0, **CPU}
    own = np.full(4, -1)
    plain = shared_ridge(x, y, own, **settings).scores
    shift = 5 * contexts[:, [0]]
    shifted = shared_ridge(x + shift, y + shift, own, **settings).scores
    np.testing.assert_allclose(shifted, plain, atol=1e-5)
    assert np.abs(ridge(x + shift, y + shift, own, **CPU)).min() > 0.1


def test_a_context_of_few_cells_keeps_close_to_the_others():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(400, 3)).astype(np.float32)
    y = (x[:, [0]] + 0.5 * rng.normal(size=(400, 1))).astype(np.float32)
    contexts = np.eye(2, dtype=np.float32)[(np.arange(400) >= 388).astype(int)]
    y[388:] = rng.normal(size=(12, 1))
    settings = {"alpha": 0.1, "deviation": 0.3, **CPU}
    large, small = shared_ridge(x, y, np.array([-1]), contexts=contexts, **settings).scores
    alone = ridge(x[388:], y[388:], np.array([-1]), alpha=0.1, **CPU)
    common = large[0, 0]
    assert abs(small[0, 0] - common) < 0.5 * abs(alone[0, 0] - common)


def test_a_context_without_cells_has_what_is_common():
    x, y, own = data()
    settings = {"alpha": ALPHA, "deviation": DEVIATION, **CPU}
    contexts = one_hot(90, 2)
    empty = np.column_stack([contexts, np.zeros(90, dtype=np.float32)])
    found = shared_ridge(x, y, own, contexts=empty, **settings).scores
    two = shared_ridge(x, y, own, contexts=contexts, **settings).scores
    np.testing.assert_allclose(found[:2], two, atol=1e-6)
    # the first-order condition of W_0: a_0 W_0 = a_1 times the sum of the deviations
    deviations = (two - found[2]).sum(axis=0)
    np.testing.assert_allclose(ALPHA * found[2], DEVIATION * deviations, atol=1e-5)


def evidence(x, y, own, *, contexts, alpha, deviation):
    """Sum over targets the log density of y under the prior, from the covariance of its cells."""
    rows, answers = design(x, y, contexts)
    n_contexts = contexts.shape[1]
    weights = 1.0 / np.array([alpha, *[deviation] * n_contexts])
    n = len(x) - n_contexts
    total = 0.0
    for j in range(y.shape[1]):
        keep = np.flatnonzero(np.arange(x.shape[1]) != own[j])
        a = rows[..., keep].reshape(len(x) * n_contexts, n_contexts + 1, -1)
        covariance = np.eye(len(a)) + np.einsum("ikr,k,jkr->ij", a, weights, a)
        left = answers[..., j].ravel()
        quadratic = left @ np.linalg.solve(covariance, left)
        total -= 0.5 * (n * np.log(quadratic) + np.linalg.slogdet(covariance)[1])
    return total / y.shape[1]


@pytest.mark.parametrize(("shares", "seed"), [(1.0, 0), (0.0, 1)])
def test_penalties_chosen_are_those_under_which_the_data_are_most_probable(shares, seed):
    """Of groups whose regulators have the same effects, or opposite ones."""
    rng = np.random.default_rng(seed)
    contexts = one_hot(120, 2)
    x = rng.normal(size=(120, 5)).astype(np.float32)
    effects = rng.normal(size=(5, 8))
    signs = np.where(contexts[:, [0]] > 0, 1.0, 1.0 if shares else -1.0)
    y = (signs * (x @ effects) + 4 * rng.normal(size=(120, 8))).astype(np.float32)
    own = np.full(8, -1)
    facts = shared_ridge(x, y, own, contexts=contexts, **CPU).facts

    def value(alpha, deviation):
        return evidence(x, y, own, contexts=contexts, alpha=alpha, deviation=deviation)

    values = {pair: value(*pair) for pair in product(CHOICES, CHOICES)}
    assert max(values, key=values.get) == (facts["alpha"], facts["deviation"])
    assert (facts["deviation"] > facts["alpha"]) == bool(shares)


def test_a_penalty_that_is_given_is_kept():
    x, y, own = data()
    facts = shared_ridge(x, y, own, contexts=one_hot(90, 3), deviation=0.123, **CPU).facts
    assert facts["deviation"] == 0.123
    assert facts["alpha"] in CHOICES
    with pytest.raises(ValueError, match="deviation=0 is out of range"):
        shared_ridge(x, y, own, contexts=one_hot(90, 3), deviation=0, **CPU)


def test_permuted_data_are_scored_under_the_penalties_of_the_reference():
    x, y, own = data()
    settings = {"contexts": one_hot(90, 3), **CPU}
    referred = shared_ridge(x, y, own, reference=(3.0, 0.2), **settings)
    given = shared_ridge(x, y, own, alpha=3.0, deviation=0.2, **settings)
    np.testing.assert_array_equal(referred.scores, given.scores)
    assert given.reference is None, "nothing was chosen"
    chosen = shared_ridge(x, y, own, **settings)
    assert chosen.reference == tuple(chosen.facts.values())


def test_constant_targets_choose_nothing_and_get_nothing():
    x, y, _ = data()
    y[:] = 2.0
    found = shared_ridge(x, y, np.full(12, -1), contexts=one_hot(90, 2), **CPU)
    assert not found.scores.any()
    assert found.facts == {"alpha": 1.0, "deviation": 1.0}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
def test_cuda_equals_cpu_with_contexts():
    x, y, own = data()
    settings = {"contexts": one_hot(90, 3), "rng": np.random.default_rng(0)}
    cpu = shared_ridge(x, y, own, device=torch.device("cpu"), **settings)
    cuda = shared_ridge(x, y, own, device=torch.device("cuda"), **settings)
    np.testing.assert_allclose(cuda.scores, cpu.scores, atol=1e-4)
    assert cuda.facts == cpu.facts


def test_finds_planted_specific_edges_better_than_each_group_by_itself():
    adata = gn.datasets.simulate(
        900, 120, 12, group_specific=0.4, depth=5.0, n_cell_types=2, seed=2
    )
    last = np.flatnonzero(adata.obs["cell_type"] == "type2")
    adata = adata[np.setdiff1d(np.arange(900), last[60:])].copy()
    gn.pp.normalize(adata)
    truth = gn.datasets.truth(adata)
    tfs = adata.var_names[adata.var["is_tf"]]

    def hits(method):
        """Of the 100 strongest edges of the small group, those that act there."""
        grn = gn.infer.network(adata, tfs=tfs, method=method, groupby="cell_type", n_top=100)
        found = grn.filter(context="type2").edges.astype({"source": str, "target": str})
        acting = truth[truth["context"] == "type2"]
        return len(found.merge(acting, on=["source", "target"]))

    assert hits("shared_ridge") > 1.3 * hits("ridge")
