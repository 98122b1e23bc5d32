"""Quality figures agree with scanpy; filters drop what they say and nothing in silence."""

import logging

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
import scipy.sparse as sp

import grnet as gn

NAMES = {
    "MT-": ["MT-CO1", "MT-ND1", "MTOR", "GAPDH", "ACTB"],
    "mt-": ["mt-Co1", "mt-Nd1", "Mtor", "Gapdh", "Actb"],
    "Q0 (yeast)": ["Q0045", "Q0250", "QRI1", "YAL001C", "YBR020W"],
}


def toy(names=NAMES["MT-"], n_cells=40, seed=0):
    rng = np.random.default_rng(seed)
    counts = rng.poisson(1.0, (n_cells, len(names))).astype(np.float32)
    counts[:, 0] += 1
    return ad.AnnData(
        sp.csr_matrix(counts),
        obs=pd.DataFrame(index=[f"cell{i}" for i in range(n_cells)]),
        var=pd.DataFrame(index=list(names)),
    )


@pytest.mark.parametrize("prefix", list(NAMES))
def test_mitochondrial_genes_are_recognised_by_species(prefix):
    adata = toy(NAMES[prefix])
    gn.pp.qc(adata)
    assert adata.var["mt"].tolist() == [True, True, False, False, False]
    assert adata.uns["grnet_params"]["qc"]["mt_matched_by"] == prefix
    counts = adata.X.toarray()
    expected = 100 * counts[:, :2].sum(axis=1) / counts.sum(axis=1)
    np.testing.assert_allclose(adata.obs["pct_counts_mt"], expected, rtol=1e-6)


def test_figures_agree_with_scanpy_and_with_plain_sums():
    adata = toy()
    theirs = adata.copy()
    theirs.var["mt"] = theirs.var_names.str.startswith("MT-")
    sc.pp.calculate_qc_metrics(theirs, qc_vars=["mt"], percent_top=None, log1p=False, inplace=True)
    gn.pp.qc(adata)
    pd.testing.assert_frame_equal(adata.obs, theirs.obs)
    pd.testing.assert_frame_equal(adata.var, theirs.var, check_like=True)
    counts = adata.X.toarray()
    np.testing.assert_array_equal(adata.obs["n_genes_by_counts"], (counts > 0).sum(axis=1))
    np.testing.assert_allclose(adata.var["pct_dropout_by_counts"], 100 * (counts == 0).mean(axis=0))


def test_unknown_prefix_raises_and_unrecognised_genes_are_told(caplog):
    adata = toy(["A", "B", "C", "D", "E"])
    with pytest.raises(ValueError, match=r"No gene starts with mt_prefix='MT-'.*'A', 'B', 'C'"):
        gn.pp.qc(adata, mt_prefix="MT-")
    with caplog.at_level(logging.WARNING):
        gn.pp.qc(adata)
    assert "no mitochondrial gene recognised" in caplog.text
    assert "pct_counts_mt" not in adata.obs
    with pytest.raises(ValueError, match=r"run gn.pp.qc\(adata\) first"):
        gn.pp.filter(adata, max_pct_mt=20)


def test_own_mark_of_mitochondrial_genes_is_taken():
    adata = toy(["A", "B", "C", "D", "E"])
    adata.var["mt"] = [False, False, True, False, False]
    gn.pp.qc(adata)
    np.testing.assert_allclose(
        adata.obs["total_counts_mt"], np.asarray(adata.X[:, 2].todense()).ravel()
    )


def test_filter_agrees_with_scanpy_and_reports():
    adata = gn.datasets.simulate(n_cells=120, n_genes=80, n_tfs=8, depth=0.2)
    theirs = adata.copy()
    sc.pp.filter_cells(theirs, min_genes=10)
    sc.pp.filter_genes(theirs, min_cells=12)
    before = adata.shape
    gn.pp.filter(adata, min_genes=10, min_cells=12)
    assert adata.obs_names.equals(theirs.obs_names)
    assert adata.var_names.equals(theirs.var_names)
    assert adata.n_obs < before[0]
    assert adata.n_vars < before[1]
    done = adata.uns["grnet_params"]["filter"]
    assert (done["cells_dropped"], done["genes_dropped"]) == (
        before[0] - adata.n_obs,
        before[1] - adata.n_vars,
    )
    assert done["dropped_by_min_genes"] == done["cells_dropped"]


def test_filter_by_mitochondrial_share_drops_empty_cells_too():
    adata = toy()
    adata.X = sp.diags(np.where(np.arange(40) == 3, 0.0, 1.0)) @ adata.X
    gn.pp.qc(adata)
    gn.pp.filter(adata, max_pct_mt=60)
    assert "cell3" not in adata.obs_names
    assert (adata.obs["pct_counts_mt"] <= 60).all()
    assert 0 < adata.n_obs < 39


def test_filter_without_survivors_names_thresholds_and_what_was_found():
    adata = toy()
    with pytest.raises(ValueError, match=r"No cells of 40 pass min_genes=200.*genes per cell: "):
        gn.pp.filter(adata, min_genes=200)
    with pytest.raises(ValueError, match=r"No genes of 5 pass min_cells=50.*cells per gene: "):
        gn.pp.filter(adata, min_cells=50)
    with pytest.raises(ValueError, match="No threshold given"):
        gn.pp.filter(adata)
    assert adata.shape == (40, 5)


def test_copy_leaves_the_input_and_views_are_refused():
    adata = toy()
    out = gn.pp.filter(adata, min_genes=4, copy=True)
    assert out.n_obs < adata.n_obs == 40
    assert "grnet_params" not in adata.uns
    with pytest.raises(ValueError, match=r"is a view.*adata = adata.copy\(\)"):
        gn.pp.filter(adata[:10], min_genes=1)
    assert gn.pp.filter(adata[:10], min_genes=1, copy=True).n_obs == 10
