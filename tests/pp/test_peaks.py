"""Peaks are filtered as said; TF-IDF and LSI are what their formulas say, in any order."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from grnet.pp.peaks import filter_peaks, lsi, tfidf


def cells(n_cells=80, n_peaks=300, seed=0, *, sparse=True):
    """Two kinds of cells of varied depth, each with peaks of its own."""
    rng = np.random.default_rng(seed)
    kind = np.arange(n_cells) % 2
    depth = rng.lognormal(0, 0.6, n_cells)[:, None]
    rate = np.where((np.arange(n_peaks) % 3 == 0) & (kind[:, None] == 1), 0.9, 0.3)
    counts = rng.poisson(depth * rate).astype(np.float32)
    counts[:, 0] += 1
    start = np.arange(n_peaks) * 1_000
    return ad.AnnData(
        sp.csr_matrix(counts) if sparse else counts,
        obs=pd.DataFrame({"kind": kind}, index=[f"c{i}" for i in range(n_cells)]),
        var=pd.DataFrame(index=[f"chr1:{s}-{s + 500}" for s in start]),
    )


def test_tfidf_is_the_formula_of_signac():
    adata = cells()
    counts = adata.X.toarray()
    tfidf(adata)
    frequency = counts / counts.sum(axis=1, keepdims=True)
    expected = np.log1p(frequency * (len(counts) / counts.sum(axis=0)) * 1e4)
    np.testing.assert_allclose(adata.X.toarray(), expected, rtol=1e-5)
    assert adata.X.dtype == np.float32
    np.testing.assert_array_equal(adata.layers["counts"].toarray(), counts)


def test_tfidf_of_dense_equals_sparse_and_can_go_to_a_layer():
    dense, sparse = cells(sparse=False), cells()
    before = sparse.X.copy()
    tfidf(dense, key_added="tfidf")
    again = tfidf(sparse, key_added="tfidf", copy=True)
    np.testing.assert_allclose(dense.layers["tfidf"], again.layers["tfidf"].toarray(), rtol=1e-5)
    assert "tfidf" not in sparse.layers
    np.testing.assert_array_equal(sparse.X.toarray(), before.toarray())


def test_empty_cells_and_peaks_stay_zero(caplog):
    adata = cells()
    counts = adata.X.toarray()
    counts[0], counts[:, 5] = 0, 0
    adata.X = sp.csr_matrix(counts)
    tfidf(adata)
    assert "1 of 80 cells have no count" in caplog.text
    assert np.isfinite(adata.X.toarray()).all()
    assert adata.X[0].sum() == adata.X[:, 5].sum() == 0


def test_tfidf_refuses_what_was_weighed_before():
    adata = cells()
    tfidf(adata)
    with pytest.raises(ValueError, match=r"Raw counts are needed.*layer='counts'"):
        tfidf(adata)


def prepared(**kwargs):
    adata = cells(**kwargs)
    tfidf(adata)
    return adata


def test_lsi_is_the_singular_value_decomposition():
    adata = prepared()
    lsi(adata, n_components=6, drop_first=False, scale=False)
    left, values, _ = np.linalg.svd(adata.X.toarray().astype(np.float64), full_matrices=False)
    np.testing.assert_allclose(adata.uns["lsi"]["singular_values"], values[:7], rtol=1e-6)
    expected = left[:, :6] * values[:6]
    signs = np.sign((adata.obsm["X_lsi"] * expected).sum(axis=0))
    np.testing.assert_allclose(adata.obsm["X_lsi"], expected * signs, atol=1e-3)
    loadings = adata.varm["LSI"]
    assert (loadings[np.abs(loadings).argmax(axis=0), np.arange(6)] > 0).all()
    np.testing.assert_allclose(adata.X @ loadings, adata.obsm["X_lsi"], atol=1e-2)


def test_lsi_drops_depth_and_finds_the_kinds():
    adata = prepared()
    lsi(adata, n_components=4)
    found = adata.uns["lsi"]
    assert found["dropped_first"]
    assert abs(found["depth_correlation"][0]) > 0.75
    assert len(found["depth_correlation"]) == 5
    assert adata.obsm["X_lsi"].shape == (80, 4)
    best = np.corrcoef(adata.obsm["X_lsi"].T, adata.obs["kind"])[-1, :-1]
    assert np.abs(best).max() > 0.8
    np.testing.assert_allclose(adata.obsm["X_lsi"].mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(adata.obsm["X_lsi"].std(axis=0), 1, rtol=1e-4)


def test_drop_first_can_be_decided():
    kept, dropped = prepared(), prepared()
    lsi(kept, n_components=5, drop_first=False)
    lsi(dropped, n_components=4, drop_first=True)
    np.testing.assert_allclose(kept.obsm["X_lsi"][:, 1:], dropped.obsm["X_lsi"], atol=1e-4)


def test_lsi_knows_neither_order_nor_seed():
    adata = prepared()
    rng = np.random.default_rng(1)
    other = adata[rng.permutation(80), rng.permutation(300)].copy()
    lsi(adata, n_components=5)
    lsi(other, n_components=5, seed=3)
    again = other[adata.obs_names, adata.var_names]
    np.testing.assert_allclose(again.obsm["X_lsi"], adata.obsm["X_lsi"], atol=1e-4)
    np.testing.assert_allclose(again.varm["LSI"], adata.varm["LSI"], atol=1e-4)


def test_lsi_says_how_many_components_fit():
    with pytest.raises(ValueError, match=r"n_components=79 does not fit 80 cells x 300 peaks.*78"):
        lsi(cells(), n_components=79)
    with pytest.raises(ValueError, match="Unknown value of drop_first= 'first'"):
        lsi(cells(), n_components=5, drop_first="first")


def test_filter_keeps_what_passes_every_threshold(tmp_path):
    adata = cells()
    n_cells = np.asarray((adata.X != 0).sum(axis=0)).ravel()
    exclude = pd.DataFrame({"chrom": ["1", "9"], "start": [5_400, 0], "end": [7_001, 10]})
    out = filter_peaks(adata, min_cells=20, max_share=0.5, exclude=exclude, copy=True)
    inside = np.isin(np.arange(300), [5, 6, 7])
    keep = (n_cells >= 20) & (n_cells <= 40) & ~inside
    assert list(out.var_names) == list(adata.var_names[keep])
    done = out.uns["grnet_params"]["filter_peaks"]
    assert done["dropped_by_exclude"] == 3
    assert done["peaks_dropped"] == 300 - keep.sum()
    bed = tmp_path / "exclude.bed"
    exclude.to_csv(bed, sep="\t", header=False, index=False)
    filter_peaks(adata, exclude=bed)
    assert adata.n_vars == 297


def test_filter_says_what_was_found():
    with pytest.raises(ValueError, match="No threshold given"):
        filter_peaks(cells())
    with pytest.raises(ValueError, match=r"No peak of 300 is left.*of 80\. Choose"):
        filter_peaks(cells(), min_cells=81)
    with pytest.raises(ValueError, match="max_share=2 is out of range"):
        filter_peaks(cells(), max_share=2)
    with pytest.raises(ValueError, match="No chromosome of exclude= is known"):
        filter_peaks(cells(), exclude=pd.DataFrame({"chrom": ["7"], "start": [0], "end": [9]}))


def test_the_result_survives_h5ad(tmp_path):
    adata = prepared()
    lsi(adata, n_components=3)
    adata.write_h5ad(tmp_path / "a.h5ad")
    again = ad.read_h5ad(tmp_path / "a.h5ad")
    np.testing.assert_array_equal(again.obsm["X_lsi"], adata.obsm["X_lsi"])
    assert again.uns["lsi"]["dropped_first"]
