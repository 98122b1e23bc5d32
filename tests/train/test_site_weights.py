"""Each TF's weights of the sites: one number for its own motifs, and what its edges teach."""

from functools import partial

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from sklearn.linear_model import LogisticRegression

from grnet.train import _site_weights
from grnet.train._site_weights import PENALTIES, LabelledSites, fitted_weights

N_TFS, N_GENES, N_FEATURES = 4, 300, 5
WITHOUT_EDGES = 3


def planted(seed, *, strength=2.0, other=0.0, n_pairs=900, unseen=()):
    """Return pairs whose label follows the own motif of each TF, and a feature beside it."""
    rng = np.random.default_rng(seed)
    genes = rng.normal(size=(N_GENES, N_FEATURES)).astype(np.float32)
    tfs = np.setdiff1d(np.arange(N_TFS), unseen)
    pairs = np.stack([rng.choice(tfs, n_pairs), rng.integers(0, N_GENES, n_pairs)])
    seen = genes[pairs[1]]
    logits = strength * seen[np.arange(n_pairs), pairs[0]] + other * seen[:, -1] - 1
    labels = (rng.random(n_pairs) < 1 / (1 + np.exp(-logits))).astype(float)
    return LabelledSites.of(pairs, genes, labels), genes


@pytest.fixture
def own():
    return np.eye(N_TFS, N_FEATURES)


def test_pairs_are_sorted_by_tf_and_keep_their_labels():
    pairs = np.array([[2, 0, 2, 1], [0, 1, 2, 3]])
    genes = np.arange(8, dtype=np.float32).reshape(4, 2)
    found = LabelledSites.of(pairs, genes, [1, 0, 0, 1])
    assert found.tf.tolist() == [0, 1, 2, 2]
    assert found.label.tolist() == [0, 1, 1, 0]
    assert found.features[:, 0].tolist() == [2, 6, 0, 4]
    assert found.blocks() == [(0, slice(0, 1)), (1, slice(1, 2)), (2, slice(2, 4))]


def test_the_gradient_is_that_of_the_loss(own):
    sites, _ = planted(0, n_pairs=50)
    rng = np.random.default_rng(1)
    own = own + rng.random(own.shape)
    at = rng.normal(size=own.size + N_TFS + 2)
    loss = partial(_site_weights._loss, pairs=sites, blocks=sites.blocks(), own=own, penalty=2.5)
    expected = approx_fprime(at, lambda values: loss(values)[0], 1e-6)
    np.testing.assert_allclose(loss(at)[1], expected, rtol=1e-3, atol=1e-3)


def test_one_tf_is_a_penalised_logistic_regression(monkeypatch):
    """Without own motifs and with a bias that is free, it is the one of sklearn."""
    monkeypatch.setattr(_site_weights, "PENALTIES", (10.0,))
    monkeypatch.setattr(_site_weights, "_STEPS", 10_000)
    rng = np.random.default_rng(0)
    genes = rng.normal(size=(N_GENES, 3)).astype(np.float32)
    label = (genes[:, 0] - genes[:, 2] + rng.normal(size=N_GENES) > 1).astype(float)
    pairs = np.stack([np.zeros(N_GENES, int), np.arange(N_GENES)])
    sites = LabelledSites.of(pairs, genes, label)
    weight, bias = fitted_weights(sites, sites, np.zeros((1, 3)))
    expected = LogisticRegression(C=0.1, tol=1e-8).fit(genes, label)
    np.testing.assert_allclose(weight, expected.coef_, atol=1e-3)
    np.testing.assert_allclose(bias, expected.intercept_, atol=1e-3)


def test_a_tf_without_edges_falls_back_on_its_own_motif(own):
    train, _ = planted(0, unseen=[WITHOUT_EDGES])
    validation, genes = planted(1, unseen=[WITHOUT_EDGES])
    weight, bias = fitted_weights(train, validation, own)
    term = genes @ weight[WITHOUT_EDGES] + bias[WITHOUT_EDGES]
    np.testing.assert_array_equal(np.argsort(term), np.argsort(genes[:, WITHOUT_EDGES]))
    # as strongly as the others on average
    assert weight[WITHOUT_EDGES, WITHOUT_EDGES] == pytest.approx(2.0, rel=0.3)
    np.testing.assert_allclose(bias.mean(), -1, atol=0.4)


def test_what_is_planted_beside_the_motif_is_found_and_noise_is_not(own):
    (train, _), (validation, _) = planted(0, other=-1.5), planted(1, other=-1.5)
    weight, _ = fitted_weights(train, validation, own)
    assert (weight[:, -1] < -0.7).all()
    assert (np.diag(weight) > 1.0).all()
    noise = weight[~(own.astype(bool) | (np.arange(N_FEATURES) == N_FEATURES - 1))]
    assert np.abs(noise).max() < 0.6


def test_validation_chooses_the_penalty(own, monkeypatch):
    """Where edges follow the motif alone strong penalties win, else weak ones."""
    chosen = []
    for other in (0.0, 3.0):
        (train, _), (validation, _) = (
            planted(seed, other=other, n_pairs=n) for seed, n in ((0, 60), (1, 2000))
        )
        weight, _ = fitted_weights(train, validation, own)
        each = {}
        for penalty in PENALTIES:
            with monkeypatch.context() as patch:
                patch.setattr(_site_weights, "PENALTIES", (penalty,))
                each[penalty] = fitted_weights(train, validation, own)
        scores = {
            penalty: _site_weights.validated(validation, *found) for penalty, found in each.items()
        }
        best = max(scores, key=scores.get)
        np.testing.assert_allclose(weight, each[best][0], atol=0.05)
        chosen.append(best)
    assert chosen[0] > chosen[1]
