"""Metacells: nothing is lost, sizes are balanced, the order of cells does not matter."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

import grnet as gn


@pytest.fixture
def cells():
    return gn.datasets.simulate(n_cells=203, n_genes=120, n_tfs=10, depth=1.0)


def test_counts_are_conserved_per_gene_and_sizes_balanced(cells):
    pooled = gn.pp.metacells(cells, n_cells_per=10)
    assert sp.issparse(pooled.X)
    np.testing.assert_array_equal(pooled.X.sum(axis=0), cells.X.sum(axis=0))
    assert pooled.n_obs == 20
    assert set(pooled.obs["n_cells"]) == {10, 11}
    assert pooled.var.equals(cells.var)


def test_each_metacell_is_the_sum_of_the_cells_that_bear_its_name(cells):
    pooled = gn.pp.metacells(cells, n_cells_per=20)
    for name in pooled.obs_names[:3]:
        members = (cells.obs["metacell"] == name).to_numpy()
        np.testing.assert_array_equal(
            pooled[name].X.toarray().ravel(), cells.X[members].toarray().sum(axis=0)
        )
        assert pooled.obs.loc[name, "n_cells"] == members.sum()


def test_groups_are_never_mixed(cells):
    pooled = gn.pp.metacells(cells, n_cells_per=10, groupby="cell_type")
    mixed = cells.obs.groupby("metacell", observed=True)["cell_type"].nunique()
    assert (mixed == 1).all()
    named = pooled.obs_names.str.rsplit("_", n=1).str[0]
    assert (named == pooled.obs["cell_type"].astype(str)).all()


def test_order_of_cells_does_not_matter(cells):
    shuffled = cells[np.random.default_rng(0).permutation(cells.n_obs)].copy()
    one, two = gn.pp.metacells(cells, n_cells_per=9), gn.pp.metacells(shuffled, n_cells_per=9)
    same = shuffled.obs["metacell"].reindex(cells.obs_names).astype(str)
    assert (same == cells.obs["metacell"].astype(str)).all()
    assert (one.X != two[one.obs_names].X).nnz == 0


def test_similar_cells_go_together(cells):
    gn.pp.metacells(cells, n_cells_per=8)
    purity = cells.obs.groupby("metacell", observed=True)["cell_type"].agg(
        lambda types: types.value_counts(normalize=True).iloc[0]
    )
    rng = np.random.default_rng(0)
    shuffled = pd.Series(rng.permutation(cells.obs["cell_type"]), index=cells.obs_names)
    chance = shuffled.groupby(cells.obs["metacell"], observed=True).agg(
        lambda types: types.value_counts(normalize=True).iloc[0]
    )
    assert purity.mean() > chance.mean() + 0.15


def test_clusters_of_a_given_space_are_found():
    rng = np.random.default_rng(0)
    centre = np.repeat([[0, 0], [50, 0], [0, 50], [50, 50]], 25, axis=0)
    adata = ad.AnnData(rng.poisson(2.0, (100, 8)).astype(np.float32))
    adata.obsm["X_map"] = centre + rng.normal(size=(100, 2))
    gn.pp.metacells(adata, n_cells_per=25, use_rep="X_map")
    assert (
        adata.obs["metacell"]
        .to_numpy()
        .reshape(4, 25)
        .T.tolist()
        .count(adata.obs["metacell"].to_numpy().reshape(4, 25).T.tolist()[0])
        == 25
    )
    with pytest.raises(ValueError, match=r"adata.obsm has no 'X_umap'; it has 'X_map'"):
        gn.pp.metacells(adata, n_cells_per=25, use_rep="X_umap")


def test_logarithms_are_averaged_and_dense_equals_sparse(cells):
    gn.pp.normalize(cells)
    sparse = gn.pp.metacells(cells, n_cells_per=20)
    assert sparse.uns["grnet_params"]["metacells"]["aggregate"] == "mean"
    weighted = np.average(sparse.X.toarray(), axis=0, weights=sparse.obs["n_cells"])
    np.testing.assert_allclose(weighted, np.asarray(cells.X.mean(axis=0)).ravel(), rtol=1e-5)
    solid = cells.copy()
    solid.X = cells.X.toarray()
    dense = gn.pp.metacells(solid, n_cells_per=20)
    assert (solid.obs["metacell"] == cells.obs["metacell"]).all()
    np.testing.assert_allclose(dense.X, sparse.X.toarray(), rtol=1e-5)
    from_counts = gn.pp.metacells(cells, n_cells_per=20, layer="counts")
    assert from_counts.X.sum() == cells.layers["counts"].sum()


def test_majority_of_categories(cells):
    cells.obs["batch"] = pd.Categorical([None] * 100 + ["b"] * 103, categories=["a", "b"])
    pooled = gn.pp.metacells(cells, n_cells_per=cells.n_obs)
    assert pooled.obs["batch"].tolist() == ["b"]
    assert pooled.obs["cell_type"].iloc[0] == cells.obs["cell_type"].mode()[0]
    assert pooled.obs["batch"].cat.categories.tolist() == ["a", "b"]


def test_large_sums_stay_exact():
    adata = ad.AnnData(np.array([[2**24, 1.0], [1, 1]], dtype=np.float32))
    assert gn.pp.metacells(adata, n_cells_per=2).X.ravel().tolist() == [2**24 + 1, 2]


def test_sizes_out_of_range_and_travel_in_h5ad(cells, tmp_path):
    for size in (0, 204):
        with pytest.raises(ValueError, match=f"n_cells_per={size} is out of range for 203 cells"):
            gn.pp.metacells(cells, n_cells_per=size)
    gn.pp.metacells(cells).write_h5ad(tmp_path / "x.h5ad")
    assert ad.read_h5ad(tmp_path / "x.h5ad").n_obs == 10
    one_each = gn.pp.metacells(cells, n_cells_per=1)
    assert (one_each.obs["n_cells"] == 1).all()
