"""Legal but unusual data, and what cannot be: the same network, or an error that tells."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from anndata import AnnData

import grnet as gn


@pytest.fixture(scope="module")
def cells():
    adata = gn.datasets.simulate(n_cells=80, n_genes=40, n_tfs=6, group_specific=0.3, seed=0)
    gn.pp.normalize(adata)
    return adata


@pytest.fixture(scope="module")
def tfs(cells):
    return list(cells.var_names[cells.var["is_tf"]])


@pytest.fixture(scope="module")
def known(cells):
    return cells.uns["grnet_truth"][["source", "target"]].drop_duplicates()


def weights(grn):
    named = grn.edges.astype({"source": str, "target": str})
    return named.set_index(["source", "target"])["weight"].sort_index()


@pytest.mark.parametrize("method", ["consensus", "spearman", "diffusion"])
def test_a_stored_zero_is_a_zero(cells, tfs, method):
    stored = cells.copy()
    stored.X = sp.csr_matrix(stored.X)
    stored.X.data[::3] = 0.0
    dense = stored.copy()
    dense.X = dense.X.toarray()
    n_stored = stored.X.nnz
    one, two = (
        gn.infer.network(data, tfs=tfs, method=method, n_top=None) for data in (stored, dense)
    )
    pd.testing.assert_series_equal(weights(one), weights(two), rtol=1e-4, atol=1e-6)
    assert stored.X.nnz == n_stored  # the data of the caller are left as they are


@pytest.mark.filterwarnings("ignore:Observation names are not unique")
@pytest.mark.parametrize("as_matrix", [np.asarray, sp.csr_matrix])
def test_the_order_of_cells_of_one_name_does_not_matter(cells, tfs, as_matrix):
    joined = cells.copy()
    joined.X = as_matrix(joined.to_df())
    joined.obs_names = [f"c{i % 20}" for i in range(joined.n_obs)]
    rng = np.random.default_rng(0)
    other = joined[rng.permutation(joined.n_obs), rng.permutation(joined.n_vars)].copy()
    one, two = (
        gn.infer.network(data, tfs=tfs, method="boost", subsample=0.5, n_top=None)
        for data in (joined, other)
    )
    pd.testing.assert_series_equal(weights(one), weights(two))


def test_a_context_without_edges_is_the_most_different_one():
    rng = np.random.default_rng(1)
    shared = rng.normal(size=(180, 1))
    x = rng.normal(size=(180, 12))
    x[:120, 1:6] = shared[:120] + 0.3 * rng.normal(size=(120, 5))
    x[:120, 0] = shared[:120, 0]
    obs = pd.DataFrame({"group": np.repeat(list("ABC"), 60)}, index=[f"c{i}" for i in range(180)])
    adata = AnnData(x, obs=obs, var=pd.DataFrame(index=[f"G{i}" for i in range(12)]))
    with pytest.warns(UserWarning, match="No edge of group 'C' passes"):
        grn = gn.infer.network(adata, tfs=["G0"], method="ridge", groupby="group", fdr=0.05)
    best = gn.infer.differential_edges(grn).iloc[0]
    assert best["context"] in ("A", "B")
    assert best["others"] == pytest.approx(best["weight"] / 2, rel=0.2)
    two = adata[adata.obs["group"] != "B"].copy()
    with pytest.warns(UserWarning, match="No edge of group 'C' passes"):
        grn = gn.infer.network(two, tfs=["G0"], method="ridge", groupby="group", fdr=0.05)
    assert (gn.infer.differential_edges(grn)["others"] == 0).all()


@pytest.mark.parametrize("method", ["ridge", "shared_ridge"])
def test_cells_without_a_label_make_no_group(cells, tfs, method):
    some = cells.copy()
    some.obs["label"] = some.obs["cell_type"].astype("category")
    some.obs.loc[some.obs_names[:15], "label"] = np.nan
    with pytest.warns(UserWarning, match="15 of 80 cells have no 'label': they are left out"):
        grn = gn.infer.network(some, tfs=tfs, method=method, groupby="label")
    assert "nan" not in set(grn.edges["context"])
    rest = gn.infer.network(some[15:].copy(), tfs=tfs, method=method, groupby="label")
    pd.testing.assert_frame_equal(grn.edges, rest.edges)


@pytest.mark.parametrize("n_cells", [10, 43])
def test_few_cells_are_enough_for_a_graph_network(cells, tfs, n_cells):
    few = cells[:n_cells].copy()
    assert len(gn.infer.network(few, tfs=tfs, method="gnn", max_epochs=1)) > 0


def test_a_silent_regulator_leaves_the_other_groups_their_networks(cells, tfs):
    silent = cells.copy()
    x = np.asarray(sp.csr_matrix(silent.X).todense())
    x[(silent.obs["cell_type"] == "type1").to_numpy(), silent.var_names.get_loc(tfs[0])] = 0
    silent.X = x
    with pytest.warns(UserWarning, match="of cell_type 'type1' scores zero"):
        grn = gn.infer.network(silent, tfs=[tfs[0]], groupby="cell_type")
    assert set(grn.edges["context"]) == {"type2", "type3"}
    assert grn.params["contexts"] == 3


def test_tfs_may_be_read_once_and_cells_stay_on_disk(cells, tfs, tmp_path):
    plain = gn.infer.network(cells, tfs=tfs, method="ridge", groupby="cell_type")
    once = gn.infer.network(cells, tfs=(tf for tf in tfs), method="ridge", groupby="cell_type")
    pd.testing.assert_frame_equal(plain.edges, once.edges)
    import anndata

    stored = cells.copy()
    stored.uns = {}
    stored.X = sp.csr_matrix(stored.X)
    stored.write_h5ad(tmp_path / "cells.h5ad")
    backed = anndata.read_h5ad(tmp_path / "cells.h5ad", backed="r")
    found = gn.infer.network(backed, tfs=tfs, method="ridge", groupby="cell_type")
    pd.testing.assert_frame_equal(plain.edges, found.edges)
    backed.file.close()


def test_figures_of_contexts_are_their_means(cells, tfs, known):
    grn = gn.infer.network(
        cells, tfs=tfs, method="gnn", known=known, groupby="cell_type", n_members=1, n_folds=3,
        max_epochs=1,
    )  # fmt: skip
    assert 0 < grn.params["held_out_auroc"] < 1
    assert grn.params["known_edges"] == len(known)


@pytest.mark.parametrize(
    ("ending", "write"),
    [("csv", None), ("parquet", "network"), ("cx2", "network")],
)
def test_priors_are_read_from_what_grnet_writes(cells, tfs, known, tmp_path, ending, write):
    path = tmp_path / f"prior.{ending}"
    network = gn.GRN(known.assign(weight=0.5))
    if write:
        gn.io.write_network(network, path)
    else:  # as spreadsheets write it
        path.write_text(network.edges.to_csv(index=False), encoding="utf-8-sig")
    one, two = (
        gn.infer.network(cells, tfs=tfs, method="ridge", prior=prior, n_top=None)
        for prior in (path, network)
    )
    pd.testing.assert_series_equal(weights(one), weights(two))


def test_names_that_look_like_numbers_or_nothing_keep_their_form(tmp_path):
    from grnet.infer._tables import edge_table

    (tmp_path / "known.csv").write_text("source, target,label\n001,NA,1\n002,B,\n")
    table = edge_table(tmp_path / "known.csv", what="the known edges")
    assert table["source"].tolist() == ["001", "002"]
    assert table["target"].tolist() == ["NA", "B"]
    assert table["label"].isna().tolist() == [False, True]
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(ValueError, match="is empty"):
        edge_table(tmp_path / "empty.csv", what="the known edges")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"method": "ridge", "alpha": "abc"}, "alpha='abc' is out of range"),
        ({"method": "gnn", "max_epochs": 0}, "max_epochs=0 is out of range"),
        ({"method": "gnn", "max_epochs": 2.5}, "max_epochs=2.5 is no whole number"),
        ({"method": "ridge", "n_bootstrap": 2.5}, "n_bootstrap=2.5 is no whole number"),
        ({"method": "ridge", "n_top": 2.5}, "n_top=2.5: expected a positive whole"),
        ({"method": "ridge", "n_top": "all"}, "n_top='all': expected a positive whole"),
        ({"method": "ridge", "seed": "a"}, "seed='a' is no whole number"),
        ({"method": "ridge", "n_windows": 3}, "n_windows=3 are windows of a pseudotime"),
        ({"method": "shared_ridge", "deviation": 1.0}, "holds contexts together, and there are no"),
        ({"method": "ridge", "prior_mode": "zzz"}, "Unknown prior_mode 'zzz'"),
        ({"method": "ridge", "pseudotime": "nothing"}, "0 of 80 cells have a finite 'nothing'"),
    ],
)
def test_what_cannot_be_is_told(cells, tfs, options, text):
    some = cells.copy()
    some.obs["nothing"] = np.nan
    with pytest.raises(ValueError, match=text):
        gn.infer.network(some, tfs=tfs, **options)


def test_the_prior_does_not_overwrite_what_the_method_says(cells, tfs, known):
    with pytest.raises(ValueError, match="cannot be named 'agreement'"):
        gn.infer.network(cells, tfs=tfs, prior={"agreement": known})


def test_paths_and_tables_are_no_cells(cells, tfs):
    for wrong in ("cells.h5ad", cells.to_df()):
        with pytest.raises(TypeError, match="expected AnnData or MuData"):
            gn.infer.network(wrong, tfs=tfs)


def test_known_edges_without_others_are_told(cells, tfs, known):
    labelled = known.assign(label=[0] + [1] * (len(known) - 1))
    with pytest.raises(ValueError, match=r"1 pairs without an edge are too few for 5 folds"):
        gn.infer.network(cells, tfs=tfs, method="gnn", known=labelled, max_epochs=1)


def test_a_model_cannot_be_trained_again(cells, tfs, known):
    graph = gn.graph.build(cells, tfs=tfs, known=known)
    split = gn.train.split_edges(known, tfs=tfs, genes=list(cells.var_names))
    fit = gn.train.fit_joint(graph, split, settings=gn.train.FitSettings(max_epochs=1))
    for idle in ({"known": known}, {"max_epochs": 3}, {"n_bootstrap": 5}):
        with pytest.raises(ValueError, match=f"'{next(iter(idle))}' could change nothing"):
            gn.infer.network(cells, tfs=tfs, method="joint", model=fit, **idle)
