"""scanpy works on as if the stored network were not there."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import scanpy as sc

import grnet as gn


@pytest.fixture
def blood():
    return gn.datasets.load("pbmc68k_reduced")


@pytest.fixture
def with_network(blood):
    adata = blood.copy()
    gn.infer.network(adata, tfs="human", method="pearson", n_top=500).to_adata(adata)
    return adata


def drawn(function, adata, **options):
    """Return the picture of a scanpy plot, as pixels."""
    function(adata, **options, show=False)
    figure = plt.gcf()
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba()).copy()
    plt.close("all")
    return pixels


PLOTS = {
    "umap": (sc.pl.umap, {"color": ["bulk_labels", "SPI1"]}),
    "violin": (sc.pl.violin, {"keys": "SPI1", "groupby": "bulk_labels", "jitter": False}),
    "dotplot": (sc.pl.dotplot, {"var_names": ["SPI1", "SPIB"], "groupby": "bulk_labels"}),
    "matrixplot": (sc.pl.matrixplot, {"var_names": ["SPI1", "SPIB"], "groupby": "bulk_labels"}),
}


@pytest.mark.parametrize("name", PLOTS)
def test_pictures_are_the_same(blood, with_network, name):
    function, options = PLOTS[name]
    before, after = (drawn(function, adata, **options) for adata in (blood, with_network))
    assert before.std() > 0
    np.testing.assert_array_equal(before, after)


def test_analysis_goes_on_and_leaves_the_network(with_network):
    stored = gn.GRN.from_adata(with_network)
    sc.pp.highly_variable_genes(with_network, n_top_genes=200)
    sc.pp.pca(with_network, n_comps=10)
    sc.tl.rank_genes_groups(with_network, "louvain", method="t-test")
    table = sc.get.rank_genes_groups_df(with_network, group="0")
    assert len(table) == with_network.n_vars
    after = gn.GRN.from_adata(with_network)
    pd.testing.assert_frame_equal(after.edges, stored.edges)
    assert after.params == stored.params


def test_scores_of_a_regulon(with_network):
    regulons = gn.GRN.from_adata(with_network).regulons(min_targets=10)
    tf, targets = next(iter(regulons.items()))
    sc.tl.score_genes(with_network, targets, score_name=tf)
    assert with_network.obs[tf].std() > 0
