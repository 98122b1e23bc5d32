"""The linear kernels against independent implementations."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from scipy.stats import rankdata, spearmanr
from sklearn.linear_model import Ridge
from sklearn.metrics import mutual_info_score

from grnet.infer import _covariance, linear

CPU = torch.device("cpu")


@pytest.fixture
def data():
    rng = np.random.default_rng(5)
    y = rng.gamma(2.0, size=(80, 30)).astype(np.float32)
    y[:, 7] += y[:, 1]
    y[rng.random(y.shape) < 0.4] = 0
    own = np.where(np.arange(30) < 6, np.arange(30), -1)
    return y[:, :6].copy(), y, own


def call(kernel, data, **options):
    return kernel(*data, rng=np.random.default_rng(0), device=CPU, **options)


def without_own(matrix, own):
    matrix = matrix.copy()
    targets = np.flatnonzero(own >= 0)
    matrix[own[targets], targets] = 0
    return matrix


def test_pearson_is_numpys(data):
    x, y, own = data
    expected = np.corrcoef(x, y, rowvar=False)[:6, 6:]
    np.testing.assert_allclose(call(linear.pearson, data), without_own(expected, own), atol=2e-6)


@pytest.mark.parametrize("shift", [0.0, -1.0])
def test_spearman_is_scipys_for_dense_and_sparse_of_either_sign(data, shift):
    x, y, own = (data[0] + shift * (data[0] > 0), data[1] + shift * (data[1] > 0), data[2])
    expected = without_own(spearmanr(x, y).statistic[:6, 6:], own)
    for matrix in (y, sp.csc_matrix(y)):
        np.testing.assert_allclose(call(linear.spearman, (x, matrix, own)), expected, atol=2e-6)


def test_ridge_leaves_a_targets_own_column_out_exactly(data):
    x, y, own = data
    unit = lambda m: (m - m.mean(0)) / (m.std(0) * np.sqrt(len(m)))  # noqa: E731 - a formula
    scores = call(linear.ridge, data, alpha=0.7)
    for target in (0, 3, 7, 20):
        kept = np.flatnonzero(np.arange(6) != own[target])
        model = Ridge(alpha=0.7, fit_intercept=False).fit(
            unit(x.astype(float))[:, kept], unit(y.astype(float))[:, target]
        )
        np.testing.assert_allclose(scores[kept, target], model.coef_, atol=2e-6)
    np.testing.assert_array_equal(scores[np.arange(6), np.arange(6)], 0)


def naive_partial_correlation(y, shrinkage):
    correlation = np.corrcoef(y, rowvar=False)
    precision = np.linalg.inv((1 - shrinkage) * correlation + shrinkage * np.eye(len(correlation)))
    scale = np.sqrt(np.diag(precision))
    return -precision / np.outer(scale, scale)


@pytest.mark.parametrize("n_cells", [80, 20])
def test_partial_correlation_is_that_of_the_shrunken_matrix(data, n_cells):
    x, y, own = data[0][:n_cells], data[1][:n_cells], data[2]
    y = y + np.random.default_rng(0).normal(0, 0.01, y.shape).astype(np.float32)
    x = y[:, :6].copy()
    expected = without_own(naive_partial_correlation(y.astype(float), 0.4)[:6], own)
    scores = call(linear.partial_correlation, (x, y, own), shrinkage=0.4)
    np.testing.assert_allclose(scores, expected, atol=1e-5)


def test_partial_correlation_conditions_on_regulators_that_are_no_targets(data):
    x, y, _ = data
    scores = call(linear.partial_correlation, (x, y[:, 6:], np.full(24, -1)), shrinkage=0.4)
    expected = naive_partial_correlation(y.astype(float), 0.4)[:6, 6:]
    np.testing.assert_allclose(scores, expected, atol=1e-5)


def test_low_rank_road_agrees_with_the_exact_one(monkeypatch):
    rng = np.random.default_rng(2)
    factors = rng.normal(size=(300, 5)) @ rng.normal(size=(5, 200)) * 2
    y = (factors + rng.normal(size=(300, 200))).astype(np.float32)
    data = (y[:, :20].copy(), y, np.where(np.arange(200) < 20, np.arange(200), -1))
    exact = call(linear.partial_correlation, data)
    monkeypatch.setattr(_covariance, "EXACT_UP_TO", 50)
    monkeypatch.setattr(_covariance, "RANK", 40)
    approximate = call(linear.partial_correlation, data)
    assert np.corrcoef(exact.ravel(), approximate.ravel())[0, 1] > 0.999
    assert np.abs(exact - approximate).max() < 0.05 * np.abs(exact).max()


def naive_clr(similarity, own):
    strength = np.abs(similarity).astype(float)
    strength[[o for o in own if o >= 0], [t for t, o in enumerate(own) if o >= 0]] = np.nan
    rows = (strength - np.nanmean(strength, 1)[:, None]) / np.nanstd(strength, 1)[:, None]
    columns = (strength - np.nanmean(strength, 0)) / np.nanstd(strength, 0)
    return np.nan_to_num(np.hypot(np.maximum(rows, 0), np.maximum(columns, 0)))


@pytest.mark.parametrize("similarity", ["pearson", "spearman"])
def test_clr_is_the_formula(data, similarity):
    correlation = call(getattr(linear, similarity), data)
    expected = naive_clr(correlation, data[2]) * np.sign(correlation)
    np.testing.assert_allclose(
        call(linear.clr, data, similarity=similarity).scores, expected, rtol=1e-4, atol=1e-5
    )


def test_mutual_information_finds_what_correlation_cannot():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 3)).astype(np.float32)
    y = np.column_stack([x[:, 0] ** 2, rng.normal(size=(600, 2))]).astype(np.float32)
    own = np.full(3, -1)
    strength = linear._mutual_information(x, y, own, device=CPU)
    assert strength[:, 0].argmax() == 0
    assert strength[0, 0] > 5 * np.delete(strength.ravel(), 0).max()
    assert abs(np.corrcoef(x[:, 0], y[:, 0])[0, 1]) < 0.25


def test_mutual_information_is_that_of_equal_frequency_bins(data):
    x, y, own = data
    strength = linear._mutual_information(x, y, own, device=CPU)
    n_bins = int(80 ** (1 / 3))
    bins = ((rankdata(y, axis=0) - 0.5) / 80 * n_bins).astype(int)
    for regulator, target in [(0, 7), (1, 7), (5, 29)]:
        expected = mutual_info_score(bins[:, regulator], bins[:, target])
        assert strength[regulator, target] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("kernel", "options", "message"),
    [
        (linear.ridge, {"alpha": 0}, "alpha=0 is out of range"),
        (linear.partial_correlation, {"shrinkage": 1.5}, "shrinkage=1.5 is out of range"),
        (linear.clr, {"similarity": "pearsn"}, "Did you mean 'pearson'"),
    ],
)
def test_bad_options_are_named(data, kernel, options, message):
    with pytest.raises(ValueError, match=message):
        call(kernel, data, **options)
