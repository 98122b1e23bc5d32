"""P-values, FDR and stability mean what they say."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import false_discovery_control

import grnet as gn
from grnet.infer._edges import strongest
from grnet.infer.calibrate import PermutationNull, Stability, benjamini_hochberg, n_permutations

scores = arrays(np.float64, st.integers(1, 30), elements=st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.0]))


@given(observed=scores, first=scores, second=scores)
def test_pvalues_are_shares_of_null_scores_at_least_as_strong(observed, first, second):
    null = PermutationNull(observed)
    for part in (first, second):
        null.add(part)
    pooled = np.concatenate([first, second])
    expected = [(1 + (pooled >= value).sum()) / (1 + len(pooled)) for value in observed]
    np.testing.assert_allclose(null.pvalues(), expected)


@given(arrays(np.float64, st.integers(1, 50), elements=st.floats(0.001, 1)))
def test_benjamini_hochberg_is_scipys(pvalues):
    np.testing.assert_allclose(benjamini_hochberg(pvalues), false_discovery_control(pvalues))


@given(
    arrays(np.float64, st.integers(1, 40), elements=st.sampled_from([0.0, 1.0, 2.0])),
    st.integers(0, 50),
)
def test_strongest_are_the_largest_positive_values(values, n):
    chosen = strongest(values, n)
    assert len(chosen) == min(n, (values > 0).sum())
    assert len(set(chosen)) == len(chosen)
    rest = np.delete(values, chosen)
    if len(chosen) and len(rest):
        assert values[chosen].min() >= rest.max() or len(chosen) == n == 0
    ties = list(np.flatnonzero(values == values[chosen].min())) if len(chosen) else []
    taken = [i for i in ties if i in chosen]
    assert taken == ties[: len(taken)]


def test_stability_is_a_share():
    stability = Stability(4, 2)
    stability.add(np.array([3.0, 2.0, 1.0, 0.0]))
    stability.add(np.array([3.0, 0.0, 1.0, 0.0]))
    np.testing.assert_array_equal(stability.shares(), [1.0, 0.5, 0.5, 0.0])


@pytest.mark.parametrize("method", list(gn.infer.METHODS))
def test_fdr_keeps_planted_edges_and_little_else(planted, tfs, planted_edges, method):
    grn = gn.infer.network(planted, tfs=tfs, method=method, fdr=0.05)
    found = set(zip(grn.edges["source"], grn.edges["target"], strict=True))
    assert set(planted_edges) <= found
    reverse = {pair[::-1] for pair in planted_edges}
    indirect = {("TF4", "G1"), ("TF4", "G2")}  # TF4 follows TF1, which drives both
    assert len(found - set(planted_edges) - reverse - indirect) <= 2
    assert grn.edges["fdr"].max() <= 0.05
    assert (grn.edges["pvalue"] <= grn.edges["fdr"]).all()


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("gnn", {"max_epochs": 1}),
        ("joint", {"max_epochs": 1}),
        ("transformer", {"n_epochs": 1, "width": 8}),
    ],
)
def test_trained_methods_have_the_pvalues_of_the_correlation(planted, tfs, method, options):
    trained, correlation = (
        gn.infer.network(planted, tfs=tfs, method=name, fdr=0.05, n_top=None, **own)
        .edges.astype({"source": str, "target": str})
        .set_index(["source", "target"])[["pvalue", "fdr"]]
        for name, own in ((method, options), ("pearson", {}))
    )
    pd.testing.assert_frame_equal(trained.sort_index(), correlation.sort_index())


@pytest.mark.parametrize("method", ["pearson", "ridge", "clr", "partial_correlation"])
def test_on_permuted_data_the_stated_fdr_holds(make_planted, tfs, method):
    """Where nothing is true every discovery is false: the share of runs with one is the FDR."""
    n_runs, fdr = 40, 0.2
    runs_with_discovery = 0
    for run in range(n_runs):
        adata = make_planted(60, seed=run)
        rng = np.random.default_rng(run)
        adata.X = rng.permuted(adata.X, axis=0)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="No edge passes")
            grn = gn.infer.network(adata, tfs=tfs, method=method, fdr=fdr, seed=run)
        runs_with_discovery += len(grn) > 0
    # 40 runs at 0.2: 8 expected, 15 or more has probability 0.008
    assert runs_with_discovery < 15


def test_enough_permutations_to_reach_the_fdr():
    assert n_permutations(0.05) == 20
    assert n_permutations(0.01) == 100


@pytest.mark.parametrize("method", ["clr", "ridge_context", "consensus"])
def test_methods_that_rescale_keep_their_scale_on_permuted_data(make_planted, tfs, method):
    """Where much is true, a score relative to its own data set would hide it all."""
    adata = make_planted(200)
    adata.X[:, 20:] += 2 * adata.X[:, [0]]
    grn = gn.infer.network(adata, tfs=tfs, method=method, fdr=0.05)
    driven = grn.filter(sources=["TF1"], targets=adata.var_names[20:])
    assert len(driven) > 30
