"""Levels of regions: sums by brute force, shrinkage towards planted truth and real replicates."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from scipy import stats

import grnet as gn


def reads_of(levels, *, per_site, n_sites=4, seed=0):
    """Reads of samples whose regions have the levels; region r spans 100 r to 100 r + 50."""
    rng = np.random.default_rng(seed)
    levels = np.atleast_2d(levels)
    start = (100 * np.arange(levels.shape[1])[:, None] + 10 * np.arange(n_sites)).ravel()
    var = pd.DataFrame({"chrom": "chr1", "start": start, "end": start + 2})
    var.index = var["start"].astype(str)
    coverage = rng.poisson(per_site, (len(levels), len(start)))
    methylated = rng.binomial(coverage, np.repeat(levels, n_sites, axis=1))
    layers = {"methylated": sp.csr_matrix(methylated), "coverage": sp.csr_matrix(coverage)}
    obs = pd.DataFrame({"donor": "d"}, index=[f"s{row}" for row in range(len(levels))])
    return ad.AnnData(obs=obs, var=var, layers=layers)


def regions_of(n):
    return pd.DataFrame({"chrom": "1", "start": 100 * np.arange(n), "end": 100 * np.arange(n) + 50})


def mse(estimate, truth):
    return float(np.nanmean((estimate - truth) ** 2))


@pytest.mark.parametrize("shape", [(0.5, 0.5), (8, 2), (0.3, 1.2)])
@pytest.mark.parametrize("per_site", [0.3, 1, 4])
def test_shrinkage_is_nearer_to_planted_levels_than_raw_ones(shape, per_site):
    truth = np.random.default_rng(1).beta(*shape, (2, 800))
    out = gn.pp.methylation_levels(reads_of(truth, per_site=per_site), regions_of(800))
    measured = np.isfinite(out.layers["level"])
    raw = mse(out.layers["level"][measured], truth[measured])
    shrunken = mse(out.X[measured], truth[measured])
    assert shrunken < raw * (0.98 if per_site == 4 else 0.8)
    level = shape[0] / sum(shape)
    np.testing.assert_allclose(out.obs["prior_level"], level, atol=0.06)
    np.testing.assert_allclose(
        out.obs["prior_strength"], sum(shape), rtol=0.5 if per_site < 4 else 0.25
    )


def test_the_spread_is_calibrated():
    truth = np.random.default_rng(2).beta(2, 3, 4_000)
    out = gn.pp.methylation_levels(reads_of(truth, per_site=1.5), regions_of(4_000))
    z = (out.X[0] - truth) / out.layers["sd"][0]
    assert 0.9 < np.mean(z**2) < 1.1


def test_many_reads_speak_for_themselves():
    truth = np.random.default_rng(3).beta(0.5, 0.5, 300)
    out = gn.pp.methylation_levels(reads_of(truth, per_site=5_000), regions_of(300))
    np.testing.assert_allclose(out.X, out.layers["level"], atol=1e-3)
    assert out.layers["sd"].max() < 0.01


def test_the_fit_is_the_most_likely_beta_binomial():
    adata = reads_of(np.random.default_rng(4).beta(2, 1, 500), per_site=2)
    out = gn.pp.methylation_levels(adata, regions_of(500))
    hits, reads = (out.layers[name][0] for name in ("methylated", "coverage"))
    hits, reads = hits[reads >= 2], reads[reads >= 2]

    def likelihood(level, strength):
        law = stats.betabinom(reads, level * strength, (1 - level) * strength)
        return law.logpmf(hits).sum()

    level, strength = out.obs["prior_level"].iloc[0], out.obs["prior_strength"].iloc[0]
    best = likelihood(level, strength)
    for other in ((level * 1.03, strength), (level, strength * 1.1), (level, strength / 1.1)):
        assert likelihood(*other) < best


def test_sums_equal_brute_force_with_overlapping_and_empty_regions():
    adata = reads_of(np.full((3, 20), 0.5), per_site=1)
    regions = pd.DataFrame(
        {"chrom": "chr1", "start": [0, 5, 31, 900, 40], "end": [11, 700, 31, 905, 95], "tag": 1},
        index=["a", "b", "empty", "c", "none"],
    )
    before, var = regions.copy(), adata.var.copy()
    out = gn.pp.methylation_levels(adata, regions)
    start = adata.var["start"].to_numpy()
    for region in regions.index:
        low, high = regions.loc[region, ["start", "end"]]
        inside = (start >= low) & (start < high)
        assert out.var.loc[region, "n_sites"] == inside.sum()
        for name in ("methylated", "coverage"):
            expected = adata.layers[name].toarray()[:, inside].sum(axis=1)
            np.testing.assert_array_equal(out[:, region].layers[name].ravel(), expected)
    assert out.var["tag"].tolist() == [1] * 5
    assert out.obs["donor"].tolist() == ["d"] * 3
    uncovered = out.layers["coverage"][:, 4] == 0
    assert uncovered.all()
    assert np.isnan(out.layers["level"][:, 4]).all()
    np.testing.assert_allclose(out.X[:, 4], out.obs["prior_level"], rtol=1e-6)
    pd.testing.assert_frame_equal(regions, before)
    pd.testing.assert_frame_equal(adata.var, var)


def test_dense_and_sparse_counts_and_any_order_give_the_same():
    adata = reads_of(np.random.default_rng(5).beta(1, 1, (4, 60)), per_site=2)
    out = gn.pp.methylation_levels(adata, regions_of(60))
    dense = adata.copy()
    for name in ("methylated", "coverage"):
        dense.layers[name] = adata.layers[name].toarray()
    np.testing.assert_array_equal(gn.pp.methylation_levels(dense, regions_of(60)).X, out.X)
    rng = np.random.default_rng(0)
    shuffled = adata[rng.permutation(4), rng.permutation(adata.n_vars)].copy()
    again = gn.pp.methylation_levels(shuffled, regions_of(60).sample(frac=1, random_state=1))
    again = again[out.obs_names].to_df()
    np.testing.assert_allclose(again[out.var_names], out.X, rtol=1e-5)


def test_without_shrinkage_levels_are_shares():
    adata = reads_of(np.full((1, 30), 0.5), per_site=1)
    out = gn.pp.methylation_levels(adata, regions_of(30), shrinkage="none", min_coverage=4)
    np.testing.assert_array_equal(out.X, out.layers["level"])
    assert np.isnan(out.X[out.layers["coverage"] < 4]).all()
    assert "prior_level" not in out.obs


def test_poor_samples_take_the_fit_of_all(caplog):
    adata = reads_of(np.random.default_rng(6).beta(8, 2, (3, 200)), per_site=3)
    poor = adata.layers["coverage"].toarray()
    poor[1] = 0
    adata.layers["coverage"] = sp.csr_matrix(poor)
    adata.layers["methylated"] = adata.layers["methylated"].minimum(adata.layers["coverage"])
    out = gn.pp.methylation_levels(adata, regions_of(200))
    assert out.obs["prior_source"].tolist() == ["own", "all samples", "own"]
    np.testing.assert_allclose(out.X[1], 0.8, atol=0.05)
    assert "1 of 3 samples have fewer than 10 regions" in caplog.text
    few = gn.pp.methylation_levels(reads_of([[0.5, 0.5]], per_site=9), regions_of(2))
    assert few.obs["prior_source"].tolist() == ["flat"]


@pytest.mark.parametrize("depth", [0.02, 0.1, 0.3])
def test_shrunken_levels_of_a_real_replicate_predict_the_other_better(real_data, depth):
    reads = gn.io.read_methylation(real_data / "methylation" / "imr90_chr22_hg18_150k.tsv.gz")
    start = np.arange(reads.var["start"].min(), reads.var["start"].max(), 1_000)
    windows = pd.DataFrame({"chrom": "22", "start": start, "end": start + 1_000})
    full = gn.pp.methylation_levels(reads, windows)
    rng = np.random.default_rng(0)
    first = reads[:1].copy()
    methylated = first.layers["methylated"].toarray()
    left = first.layers["coverage"].toarray() - methylated
    first.layers["methylated"] = sp.csr_matrix(rng.binomial(methylated, depth))
    first.layers["coverage"] = first.layers["methylated"] + sp.csr_matrix(rng.binomial(left, depth))
    thin = gn.pp.methylation_levels(first, windows)
    chosen = (thin.layers["coverage"][0] > 0) & (full.layers["coverage"][1] >= 30)
    assert chosen.sum() > 5_000
    other = full.layers["level"][1, chosen]
    raw, shrunken = mse(thin.layers["level"][0, chosen], other), mse(thin.X[0, chosen], other)
    assert shrunken < raw * {0.02: 0.4, 0.1: 0.7, 0.3: 0.95}[depth]


def test_it_travels_in_h5ad(tmp_path):
    out = gn.pp.methylation_levels(reads_of(np.full((2, 20), 0.5), per_site=2), regions_of(20))
    out.write_h5ad(tmp_path / "x.h5ad")
    back = ad.read_h5ad(tmp_path / "x.h5ad")
    np.testing.assert_array_equal(back.X, out.X)
    assert back.uns["grnet_params"]["methylation_levels"]["shrinkage"] == "beta-binomial"


def test_wrong_input_is_told():
    adata = reads_of(np.full((1, 20), 0.5), per_site=1)
    far = regions_of(3).assign(start=9_000, end=[9_001, 9_002, 9_003])
    with pytest.raises(ValueError, match=r"No cytosine of 80 lies in any of 3 regions.*'chr1:0-1'"):
        gn.pp.methylation_levels(adata, far)
    with pytest.raises(ValueError, match=r"No chromosome of adata.var is known.*'scaffold'"):
        gn.pp.methylation_levels(adata, regions_of(3).assign(chrom="scaffold"))
    with pytest.raises(ValueError, match="regions occur more than once"):
        gn.pp.methylation_levels(adata, pd.concat([regions_of(3)] * 2, ignore_index=True))
    with pytest.raises(ValueError, match="Did you mean 'none'"):
        gn.pp.methylation_levels(adata, regions_of(3), shrinkage="non")
    del adata.layers["coverage"]
    with pytest.raises(ValueError, match=r"adata.layers has no 'coverage'"):
        gn.pp.methylation_levels(adata, regions_of(3))
