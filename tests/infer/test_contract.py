"""What every method of the catalogue must do."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch

import grnet as gn

METHODS = list(gn.infer.METHODS)
every_method = pytest.mark.parametrize("method", METHODS)
VARIANTS = [
    ("clr", {"similarity": "spearman"}),
    ("clr", {"similarity": "mutual_information"}),
    ("boost", {"max_depth": 3, "n_rounds": 30}),
    ("boost", {"subsample": 0.7, "max_features": 0.7}),
    ("boost", {"early_stopping": 10}),
    ("partial_correlation", {"shrinkage": 0.3}),
]
every_variant = pytest.mark.parametrize(
    ("method", "options"), [*((name, {}) for name in METHODS), *VARIANTS]
)


def weights(grn):
    return grn.edges.astype({"source": str, "target": str}).set_index(["source", "target"])[
        "weight"
    ]


def same(first, second, tolerance=1e-6):
    pd.testing.assert_series_equal(
        weights(first).sort_index(), weights(second).sort_index(), rtol=0, atol=tolerance
    )


@every_variant
def test_finds_planted_edges_with_their_signs(planted, tfs, planted_edges, method, options):
    grn = gn.infer.network(planted, tfs=tfs, method=method, **options)
    found = weights(grn)
    for pair, sign in planted_edges.items():
        assert np.sign(found[pair]) == sign, pair
    # TF1 -> TF4 is as strong as TF4 -> TF1 for symmetric methods: look at the other targets
    strongest = [pair for pair in found.index if not pair[1].startswith("TF")][:5]
    assert set(strongest) == {pair for pair in planted_edges if not pair[1].startswith("TF")}


@every_method
def test_self_edges_absent_and_edges_between_regulators_kept(planted, tfs, method):
    edges = gn.infer.network(planted, tfs=tfs, method=method, n_top=None).edges
    assert not (edges["source"].astype(str) == edges["target"].astype(str)).any()
    assert weights(gn.infer.network(planted, tfs=tfs, method=method)).loc[("TF1", "TF4")] > 0


@every_variant
def test_invariant_to_the_order_of_genes_and_cells(make_planted, tfs, method, options):
    adata = make_planted(120, zeros=0.5)
    rng = np.random.default_rng(0)
    shuffled = adata[rng.permutation(adata.n_obs), rng.permutation(adata.n_vars)].copy()
    first = gn.infer.network(adata, tfs=tfs, method=method, **options)
    second = gn.infer.network(shuffled, tfs=tfs[::-1], method=method, **options)
    same(first, second)
    assert list(weights(first).index) == list(weights(second).index)


@every_variant
def test_sparse_equals_dense(make_planted, tfs, method, options):
    adata = make_planted(120, zeros=0.8)
    dense = gn.infer.network(adata, tfs=tfs, method=method, **options)
    for kind in (sp.csr_matrix, sp.csc_matrix):
        adata.X = kind(adata.X)
        same(dense, gn.infer.network(adata, tfs=tfs, method=method, **options), 1e-5)


@every_variant
def test_same_seed_same_network(make_planted, tfs, method, options):
    adata = make_planted(100, zeros=0.3)
    first = gn.infer.network(adata, tfs=tfs, method=method, seed=3, **options)
    second = gn.infer.network(adata, tfs=tfs, method=method, seed=3, **options)
    pd.testing.assert_frame_equal(first.edges, second.edges)


@every_variant
def test_number_of_threads_changes_nothing(make_planted, tfs, method, options):
    adata = make_planted(150, zeros=0.6)
    before = torch.get_num_threads()
    try:
        networks = []
        for n_threads in (1, 2):
            torch.set_num_threads(n_threads)
            networks.append(gn.infer.network(adata, tfs=tfs, method=method, **options))
    finally:
        torch.set_num_threads(before)
    # processors with other vector units add up in another order
    same(*networks, tolerance=1e-5)


@every_method
def test_input_is_left_alone(planted, tfs, method):
    matrix, names = planted.X.copy(), list(planted.var_names)
    numpy_state, torch_state = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002 - the global state is what must not move
    gn.infer.network(planted, tfs=tfs, method=method)
    np.testing.assert_array_equal(planted.X, matrix)
    assert list(planted.var_names) == names
    assert not planted.uns
    assert not planted.layers
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002 - as above
    assert torch.equal(torch.get_rng_state(), torch_state)


@every_method
def test_a_constant_gene_gets_no_edge(planted, tfs, method):
    planted.X[:, planted.var_names.get_loc("G7")] = 3.0
    planted.X[:, planted.var_names.get_loc("TF6")] = 1.0
    edges = gn.infer.network(planted, tfs=tfs, method=method).edges
    assert "G7" not in set(edges["target"])
    assert "TF6" not in set(edges["source"])


@every_method
def test_kernel_takes_regulators_that_are_no_targets(make_planted, tfs, planted_edges, method):
    adata = make_planted(200)
    x, y = adata[:, tfs].X, adata[:, adata.var_names.str.startswith("G")].X
    result = gn.infer.METHODS[method].kernel(
        x,
        y,
        np.full(y.shape[1], -1),
        rng=np.random.default_rng(0),
        device=torch.device("cpu"),
    )
    scores = getattr(result, "scores", result)
    assert scores.shape == (len(tfs), 60)
    for (source, target), sign in planted_edges.items():
        if target.startswith("G"):
            assert np.abs(scores[:, int(target[1:]) - 1]).argmax() == tfs.index(source)
            assert np.sign(scores[tfs.index(source), int(target[1:]) - 1]) == sign


@every_method
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
def test_cuda_equals_cpu(make_planted, tfs, method):
    adata = make_planted(150, zeros=0.5)
    cpu = gn.infer.network(adata, tfs=tfs, method=method, device="cpu")
    same(cpu, gn.infer.network(adata, tfs=tfs, method=method, device="cuda"), 1e-4)
