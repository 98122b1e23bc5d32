"""Shipped sets are what the list says, and the simulated one can be made again."""

import numpy as np
import pandas as pd
import pytest
import scanpy as sc
import scipy.sparse as sp

import grnet as gn
from grnet._shipped import shipped


@pytest.mark.parametrize("name", gn.datasets.available().index)
def test_every_set_is_as_listed(name, tmp_path):
    listed = gn.datasets.available().loc[name]
    adata = gn.datasets.load(name)
    assert adata.shape == (listed["cells"], listed["genes"])
    assert adata.obs_names.is_unique
    assert adata.var_names.is_unique
    assert np.isfinite(np.asarray(adata.X.sum()))
    adata.write_h5ad(tmp_path / "x.h5ad")
    if listed["truth"]:
        edges = gn.datasets.truth(adata)
        assert set(edges["source"]) | set(edges["target"]) <= set(adata.var_names)
        assert len(gn.GRN(edges)) == len(edges)
    else:
        with pytest.raises(ValueError, match=r"no edge of these data is known.*simulated"):
            gn.datasets.truth(adata)


def test_shipped_set_is_what_its_command_makes():
    ours = gn.datasets.simulate(n_cells=600, n_genes=300, n_tfs=30, seed=0)
    theirs = gn.datasets.load("simulated")
    assert (ours.X != theirs.X).nnz == 0
    assert ours.obs.equals(theirs.obs)
    pd.testing.assert_frame_equal(gn.datasets.truth(ours), gn.datasets.truth(theirs))
    table = pd.read_csv(shipped("simulated", "truth.csv"))
    pd.testing.assert_frame_equal(table, gn.datasets.truth(ours), rtol=1e-5)


def test_shipped_set_is_small():
    assert shipped("simulated", "counts.h5ad").stat().st_size < 1_000_000


def test_blood_cells_are_log_normalised_and_keep_their_annotation():
    adata = gn.datasets.load("pbmc68k_reduced")
    original = sc.datasets.pbmc68k_reduced()
    assert sp.issparse(adata.X)
    assert adata.X.min() == 0
    assert (adata.X != original.raw.X).nnz == 0
    assert {"bulk_labels", "louvain"} <= set(adata.obs)
    assert {"X_pca", "X_umap"} <= set(adata.obsm)
    report = gn.pp.check(adata).set_index("what")
    assert (report["status"] == "ok").all()


def test_known_circuit_shows_in_its_cells():
    adata = gn.datasets.load("krumsiek11")
    edges = gn.datasets.truth(adata)
    sign = edges.set_index(["source", "target"])["weight"]
    assert sign["Gata1", "Pu.1"] == sign["EKLF", "Fli1"] == -1
    assert sign["Gata1", "Fog1"] == sign["Pu.1", "cJun"] == 1
    r = adata.to_df().corr()
    agree = [np.sign(r.loc[s, t]) == w for s, t, w in edges.itertuples(index=False)]
    assert np.mean(agree) > 0.7


def test_example_network_is_fixed():
    grn = gn.datasets.example_network()
    assert len(grn) == 12
    assert list(grn.regulons()) == ["TF1", "TF2", "TF3"]
    assert grn.to_networkx().has_edge("TF1", "TF2")
    assert {"+", "-"} == {"+" if weight > 0 else "-" for weight in grn.edges["weight"]}
    assert grn.edges.equals(gn.datasets.example_network().edges)


def test_unknown_name_is_answered_with_the_choices():
    with pytest.raises(ValueError, match=r"Did you mean 'pbmc68k_reduced'\?.*simulated, pbmc68k"):
        gn.datasets.load("pbmc68k")
