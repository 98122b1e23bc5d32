"""Boosting: the fast road against the general one, and both against a naive program."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from grnet.infer import boost
from grnet.infer._boost_trees import boost_trees
from grnet.infer._stumps import make_stumps, thresholds

CPU = torch.device("cpu")


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    y = rng.normal(size=(150, 25)).astype(np.float32)
    y[:, 9] += 1.5 * y[:, 2]
    y[:, 12] -= 1.5 * y[:, 4]
    y[rng.random(y.shape) < 0.3] = 0
    return y[:, :8].copy(), y, np.where(np.arange(25) < 8, np.arange(25), -1)


def gain(data, **options):
    return boost.boosted_gain(*data, rng=np.random.default_rng(1), device=CPU, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"n_rounds": 1},
        {"n_rounds": 60},
        {"n_rounds": 60, "early_stopping": 5},
        {"n_rounds": 40, "max_features": 0.4},
    ],
)
def test_both_engines_grow_the_same_stumps(data, monkeypatch, options):
    fast = gain(data, **options)
    monkeypatch.setattr(boost, "boost_stumps", boost_trees)
    np.testing.assert_allclose(gain(data, **options), fast, atol=2e-6)


def naive_stump_boosting(x, target, *, n_rounds, rate, forbidden):
    """Least-squares boosting of stumps over the same thresholds, one target, in plain loops."""
    grid = thresholds(x)
    residual = target - target.mean()
    residual = residual / np.linalg.norm(residual)
    importance = np.zeros(x.shape[1])
    for _ in range(n_rounds):
        best = (0.0, None)
        for column in range(x.shape[1]):
            for threshold in grid[:, column]:
                above = x[:, column] > threshold
                if column == forbidden or np.isnan(threshold):
                    continue
                step = np.where(above, residual[above].mean(), residual[~above].mean())
                fall = (residual**2).sum() - ((residual - step) ** 2).sum()
                if fall > best[0] + 1e-9:
                    best = (fall, (column, step))
        column, step = best[1]
        importance[column] += best[0]
        residual = residual - rate * step
    return importance


@pytest.mark.parametrize("target", [3, 9, 12, 20])
def test_gain_is_the_fall_in_squared_error(data, target):
    x, y, own = data
    expected = naive_stump_boosting(
        x.astype(float), y[:, target].astype(float), n_rounds=12, rate=0.1, forbidden=own[target]
    )
    np.testing.assert_allclose(np.abs(gain(data, n_rounds=12)[:, target]), expected, atol=1e-5)


def test_deeper_trees_see_an_interaction_that_stumps_do_not():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(500, 6)).astype(np.float32)
    y = (np.sign(x[:, :1]) * np.sign(x[:, 1:2])).astype(np.float32)
    data = (x, y, np.array([-1]))
    shallow = np.abs(gain(data, n_rounds=50)[:, 0])
    deep = np.abs(gain(data, n_rounds=50, max_depth=3)[:, 0])
    assert deep[:2].sum() > 5 * deep[2:].sum()
    assert deep[:2].sum() > 10 * shallow[:2].sum()


def test_early_stopping_spares_targets_that_no_regulator_explains(data):
    x, _, _ = data
    rng = np.random.default_rng(7)
    y = np.column_stack([rng.normal(size=(150, 6)), x[:, 1] + 0.1 * rng.normal(size=150)])
    noise = (x, y.astype(np.float32), np.full(7, -1))
    everything, stopped = gain(noise, n_rounds=300), gain(noise, n_rounds=300, early_stopping=5)
    share = np.abs(stopped).sum(axis=0) / np.abs(everything).sum(axis=0)
    assert share[:6].max() < 0.7
    assert share[6] > 0.9


def test_row_subsampling_draws_other_cells_each_round(data):
    full, half = gain(data, n_rounds=50), gain(data, n_rounds=50, subsample=0.5)
    assert not np.allclose(full, half)
    assert np.corrcoef(np.abs(full).ravel(), np.abs(half).ravel())[0, 1] > 0.7


def test_sparse_targets_and_small_blocks_change_nothing(data, monkeypatch):
    x, y, own = data
    whole = gain(data)
    monkeypatch.setattr("grnet.infer._arrays.BLOCK_BYTES", 1)
    monkeypatch.setattr("grnet.infer._boost_stumps.TARGETS_AT_ONCE", 4)
    np.testing.assert_allclose(gain((x, sp.csc_matrix(y), own)), whole, atol=1e-6)


def test_every_indicator_splits_something_off_and_zeros_are_a_bin():
    rng = np.random.default_rng(0)
    x = rng.poisson(0.3, size=(400, 20)).astype(np.float32)
    x[:, 5] = 2.0
    stumps = make_stumps(x, CPU)
    everything = torch.arange(len(stumps))
    share = stumps.indicators(slice(None), everything).double().mean(dim=0)
    assert ((share > 0) & (share < 1)).all()
    assert 5 not in stumps.regulator
    first = stumps.indicators(slice(None), everything[stumps.rank == 0]).numpy()
    np.testing.assert_array_equal(first, np.delete(x, 5, axis=1) > 0)


@pytest.mark.parametrize(
    ("option", "value"), [("n_rounds", 0), ("learning_rate", 2.0), ("max_depth", 9)]
)
def test_bad_options_are_named(data, option, value):
    with pytest.raises(ValueError, match=f"{option}={value} is out of range"):
        gain(data, **{option: value})
