"""A network travels in an AnnData: through files, copies, subsets and concatenation."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import grnet as gn

KINDS = ["h5ad", "zarr"]
zarr_default = pytest.mark.filterwarnings("ignore:Writing zarr v2 data")  # anndata's own choice


def through_file(adata, kind, folder):
    path = folder / f"cells.{kind}"
    getattr(adata, f"write_{kind}")(path)
    return getattr(ad, f"read_{kind}")(path)


def same(found, expected):
    pd.testing.assert_frame_equal(found.edges, expected.edges)
    pd.testing.assert_frame_equal(found.nodes, expected.nodes)
    assert dict(found.params) == dict(expected.params)
    assert {key: type(value) for key, value in found.params.items()} == {
        key: type(value) for key, value in expected.params.items()
    }


@pytest.fixture
def full(planted):
    """A network with every column that the contract names, evidence, contexts and parameters."""
    edges = planted.edges
    rng = np.random.default_rng(0)
    marked = edges.assign(
        sign=np.where(edges["weight"] < 0, "-", "+"),
        pvalue=rng.random(len(edges)),
        fdr=np.where(rng.random(len(edges)) < 0.2, np.nan, rng.random(len(edges))),
        stability=rng.random(len(edges)),
        n_regions=rng.integers(0, 9, len(edges)),
    )
    both = [marked.assign(context=name) for name in ("CD4+/CD25 T Reg", "γδ T")]
    evidence = edges[["source", "target"]].assign(region="chr1:100-200", motif=3.5, chip=True)
    params = {"method": "boost", "seed": 7, "alpha": 0.1, "signed": True, "note": "é/1"}
    return gn.GRN(pd.concat(both), evidence=evidence, nodes=planted.nodes, params=params)


@zarr_default
@pytest.mark.parametrize("kind", KINDS)
def test_everything_comes_back_from_files(cells, full, kind, tmp_path):
    adata = cells.copy()
    full.to_adata(adata)
    back = gn.GRN.from_adata(through_file(adata, kind, tmp_path))
    same(back, full)
    pd.testing.assert_frame_equal(back.evidence, full.evidence)


@zarr_default
@pytest.mark.parametrize("kind", KINDS)
def test_inferred_network_comes_back_and_goes_on(cells, kind, tmp_path):
    adata = cells[:, :60].copy()
    tfs = adata.var_names[adata.var["is_tf"]]
    grn = gn.infer.network(
        adata, tfs=tfs, method="pearson", groupby="cell_type", n_top=100, fdr=0.9, n_bootstrap=2
    )
    grn.to_adata(adata)
    back = gn.GRN.from_adata(through_file(adata, kind, tmp_path))
    same(back, grn)
    context = grn.edges["context"].cat.categories[0]
    same(back.filter(context=context, max_fdr=0.5), grn.filter(context=context, max_fdr=0.5))


@zarr_default
@pytest.mark.parametrize("kind", KINDS)
def test_network_without_edges_keeps_its_candidates(cells, planted, kind, tmp_path):
    adata = cells.copy()
    planted.top(0).to_adata(adata)
    back = gn.GRN.from_adata(through_file(adata, kind, tmp_path))
    assert (len(back), back.tfs) == (0, planted.tfs)


def test_stored_network_is_independent_of_the_one_in_hand(cells, planted):
    adata = cells.copy()
    planted.to_adata(adata)
    weight = planted.edges["weight"].iloc[0]
    adata.uns["grnet"]["edges"]["weight"] = 0.0
    adata.uns["grnet"]["nodes"]["in_degree"] = 0
    assert planted.edges["weight"].iloc[0] == weight
    assert planted.nodes["in_degree"].sum() > 0


def test_network_survives_copies_subsets_and_concatenation(cells, planted):
    adata = cells.copy()
    planted.to_adata(adata)
    same(gn.GRN.from_adata(adata.copy()), planted)
    same(gn.GRN.from_adata(adata[:10, :20]), planted)
    joined = ad.concat([adata[:10], adata[10:20]], uns_merge="same")
    same(gn.GRN.from_adata(joined), planted)


def test_several_networks_in_one_object(cells, planted, tmp_path):
    adata = cells.copy()
    planted.to_adata(adata, key_added="planted")
    planted.top(5).to_adata(adata, key_added="top")
    back = through_file(adata, "h5ad", tmp_path)
    assert len(gn.GRN.from_adata(back, key="planted")) == len(planted)
    assert len(gn.GRN.from_adata(back, key="top")) == 5
