"""The simulation plants what it says, at a difficulty that is measured, and gives nothing away."""

import anndata as ad
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

import grnet as gn


def truth_matrix(adata):
    """Signed weights, regulating TFs x genes, and the mask of candidates (no self pairs)."""
    edges = gn.datasets.truth(adata)
    tfs = adata.var_names[adata.var["is_tf"] & adata.var_names.isin(edges["source"])]
    weight = pd.DataFrame(0.0, index=tfs, columns=adata.var_names)
    for source, target, value in edges.itertuples(index=False):
        weight.loc[source, target] = value
    candidate = tfs.to_numpy()[:, None] != adata.var_names.to_numpy()
    return weight, candidate


def correlation(adata, tfs):
    x = adata.to_df()
    z = (x - x.mean()) / x.std().replace(0, 1)
    return z[tfs].T @ z / (len(z) - 1)


def auroc(score, weight, candidate):
    return roc_auc_score(weight.to_numpy()[candidate] != 0, np.asarray(score)[candidate])


@pytest.fixture(scope="module")
def replicates():
    return [gn.datasets.simulate(seed=seed) for seed in range(3)]


def test_shapes_names_and_counts():
    adata = gn.datasets.simulate(n_cells=70, n_genes=40, n_tfs=7, n_cell_types=4)
    assert adata.shape == (70, 40)
    assert adata.var_names[[0, 6, 7, 39]].tolist() == ["TF1", "TF7", "G1", "G33"]
    assert adata.var["is_tf"].sum() == 7
    assert sorted(adata.obs["cell_type"].cat.categories) == ["type1", "type2", "type3", "type4"]
    assert adata.obs["cell_type"].value_counts().min() >= 17
    assert sp.issparse(adata.X)
    assert adata.X.format == "csr"
    assert (adata.X.data == np.rint(adata.X.data)).all()
    assert adata.X.data.min() >= 1


@settings(max_examples=25, deadline=None)
@given(
    n_cells=st.integers(1, 60),
    n_genes=st.integers(1, 50),
    share=st.floats(0, 1),
    n_types=st.integers(1, 5),
    seed=st.integers(0, 2**32),
)
def test_any_size_gives_finite_counts_and_an_acyclic_network(
    *, n_cells, n_genes, share, n_types, seed
):
    n_tfs = max(1, round(share * n_genes))
    adata = gn.datasets.simulate(
        n_cells,
        n_genes,
        n_tfs,
        n_cell_types=min(n_types, n_cells),
        regulators_per_gene=min(2.5, n_tfs),
        seed=seed,
    )
    edges = gn.datasets.truth(adata)
    assert np.isfinite(adata.X.data).all()
    assert edges["source"].isin(adata.var_names[adata.var["is_tf"]]).all()
    assert nx.is_directed_acyclic_graph(nx.from_pandas_edgelist(edges, create_using=nx.DiGraph))
    assert not edges.duplicated(["source", "target"]).any()
    assert len(edges) == 0 or len(gn.GRN(edges)) == len(edges)


def test_same_seed_same_data_other_seed_other_data():
    one, two = (gn.datasets.simulate(n_cells=600, n_genes=50, n_tfs=5, seed=3) for _ in range(2))
    other = gn.datasets.simulate(n_cells=600, n_genes=50, n_tfs=5, seed=4)
    assert (one.X != two.X).nnz == 0
    assert gn.datasets.truth(one).equals(gn.datasets.truth(two))
    assert (one.X != other.X).nnz > 0


def test_numbers_of_targets_are_heavy_tailed_and_cascades_exist(replicates):
    for adata in replicates:
        edges = gn.datasets.truth(adata)
        targets = edges["source"].value_counts()
        assert targets.max() > 4 * targets.median()
        assert 2.2 < len(edges) / adata.n_vars < 2.8
        among_tfs = edges.loc[edges["target"].str.startswith("TF")]
        graph = nx.from_pandas_edgelist(among_tfs, create_using=nx.DiGraph)
        assert nx.dag_longest_path_length(graph) == 3
        assert 0.6 < (edges["weight"] > 0).mean() < 0.8


def test_depth_sets_the_share_of_zeros(replicates):
    def zeros(adata):
        return 1 - adata.X.nnz / np.prod(adata.shape)

    assert 0.77 < np.mean([zeros(adata) for adata in replicates]) < 0.83
    assert 0.87 < zeros(gn.datasets.simulate(depth=0.15)) < 0.93
    assert zeros(gn.datasets.simulate(depth=50)) < 0.1
    for depth in (0.4, 5):
        assert gn.datasets.simulate(depth=depth).X.mean() == pytest.approx(depth, rel=0.1)


def test_dropout_hits_low_expression_more():
    full = gn.datasets.simulate(depth=2.0, seed=1)
    lossy = gn.datasets.simulate(depth=2.0, dropout=1.0, seed=1)
    mean = np.asarray(full.X.mean(axis=0)).ravel()
    lost = 1 - np.asarray(lossy.X.mean(axis=0)).ravel() / np.where(mean > 0, mean, 1)
    low, high = mean < np.quantile(mean, 0.25), mean > np.quantile(mean, 0.75)
    assert lost[low].mean() > lost[high].mean() + 0.3


def test_counts_are_overdispersed_and_libraries_differ():
    adata = gn.datasets.simulate(n_cells=2_000, n_genes=60, n_tfs=6, depth=20, n_cell_types=1)
    size = np.asarray(adata.X.sum(axis=1)).ravel()
    assert 0.25 < np.log(size).std() < 0.45
    x = adata.X.toarray()
    excess = x.var(axis=0) / x.mean(axis=0)
    assert np.median(excess) > 3


def test_correlation_finds_edges_and_signs_but_not_all(replicates):
    scores, signs = [], []
    for adata in replicates:
        gn.pp.normalize(adata := adata.copy())
        weight, candidate = truth_matrix(adata)
        r = correlation(adata, weight.index)
        scores.append(auroc(r.abs(), weight, candidate))
        planted = weight.to_numpy() != 0
        signs.append((np.sign(r.to_numpy()[planted]) == np.sign(weight.to_numpy()[planted])).mean())
    assert 0.58 < np.mean(scores) < 0.75
    assert 0.7 < np.mean(signs) < 0.95


def test_regulation_shows_within_cell_types(replicates):
    for adata in replicates:
        gn.pp.normalize(adata := adata.copy())
        weight, candidate = truth_matrix(adata)
        for _, one_type in adata.obs.groupby("cell_type", observed=True):
            r = correlation(adata[one_type.index], weight.index).fillna(0)
            assert auroc(r.abs(), weight, candidate) > 0.55


def test_deep_data_are_nearly_solved():
    adata = gn.datasets.simulate(depth=50)
    gn.pp.normalize(adata)
    gn.pp.zscore(adata, groupby="cell_type")
    adata.X = adata.layers["zscore"]
    weight, candidate = truth_matrix(adata)
    assert auroc(correlation(adata, weight.index).abs(), weight, candidate) > 0.9


def test_nothing_but_pair_information_gives_edges_away():
    """Mean expression, variance and TF strength rank edges no better than chance, on average."""
    scores = {"mean product": [], "TF mean": [], "target mean": [], "TF variance": [], "random": []}
    rng = np.random.default_rng(0)
    for seed in range(12):
        adata = gn.datasets.simulate(n_cells=400, n_genes=300, n_tfs=30, seed=seed)
        gn.pp.normalize(adata)
        weight, candidate = truth_matrix(adata)
        mean, variance = adata.to_df().mean(), adata.to_df().var()
        ones = np.ones(weight.shape)
        rankings = {
            "mean product": np.outer(mean[weight.index], mean),
            "TF mean": ones * mean[weight.index].to_numpy()[:, None],
            "target mean": ones * mean.to_numpy(),
            "TF variance": ones * variance[weight.index].to_numpy()[:, None],
            "random": rng.random(weight.shape),
        }
        for name, ranking in rankings.items():
            scores[name].append(auroc(ranking, weight, candidate))
    means = {name: np.mean(values) for name, values in scores.items()}
    assert all(0.45 < value < 0.55 for value in means.values()), means


def test_precision_at_the_top_is_far_above_density(replicates):
    adata = replicates[0].copy()
    gn.pp.normalize(adata)
    weight, candidate = truth_matrix(adata)
    planted = weight.to_numpy()[candidate] != 0
    r = correlation(adata, weight.index).abs().to_numpy()[candidate]
    assert 1.6 < average_precision_score(planted, r) / planted.mean() < 6


def digest(adata):
    parts = (adata.X.indptr, adata.X.indices, adata.X.data)
    content = b"".join(np.ascontiguousarray(part, dtype="<f8").tobytes() for part in parts)
    return content + gn.datasets.truth(adata).to_csv().encode()


def test_shipped_data_are_what_simulate_makes_without_specific_edges():
    shipped = gn.datasets.load("simulated")
    made = gn.datasets.simulate(n_cells=600, n_genes=300, n_tfs=30, group_specific=0.0)
    assert digest(made) == digest(shipped)


SPECIFIC = {"n_cells": 3_000, "n_genes": 100, "n_tfs": 10, "depth": 20.0, "seed": 1}


@pytest.fixture(scope="module")
def specific():
    return gn.datasets.simulate(**SPECIFIC, group_specific=0.3)


def places(adata):
    """In how many cell types each pair acts."""
    return gn.datasets.truth(adata).groupby(["source", "target"]).size()


def test_specific_edges_act_in_one_cell_type_and_the_others_in_all(specific):
    edges, count = gn.datasets.truth(specific), places(specific)
    assert set(edges["context"]) == set(specific.obs["cell_type"].cat.categories)
    assert set(count) == {1, 3}
    assert (count == 1).mean() == pytest.approx(0.3, abs=0.01)
    alone = edges[~edges.duplicated(["source", "target"], keep=False)]
    assert alone["context"].value_counts().min() > 0.3 * len(alone) - 1
    assert len(gn.GRN(edges)) == len(edges)


def test_the_same_edges_are_planted_whatever_share_is_specific(specific):
    plain = gn.datasets.truth(gn.datasets.simulate(**SPECIFIC))
    assert set(places(specific).index) == set(map(tuple, plain[["source", "target"]].to_numpy()))


def within_groups(adata, source, target):
    """The correlation of two genes in each cell type."""
    values = adata.to_df()[[source, target]]
    return {
        name: part.corr().iloc[0, 1]
        for name, part in values.groupby(adata.obs["cell_type"], observed=True)
    }


def test_a_specific_edge_shows_in_its_cell_type_only(specific):
    gn.pp.normalize(adata := specific.copy())
    edges = gn.datasets.truth(adata)
    alone = edges[~edges.duplicated(["source", "target"], keep=False)]
    in_targets = edges.drop_duplicates(["source", "target"])["target"].value_counts()
    # sole regulators: nothing else of the target varies with the regulator
    sole = alone[alone["target"].map(in_targets) == 1]
    assert len(sole) >= 3
    for edge in sole.itertuples():
        r = within_groups(adata, edge.source, edge.target)
        inside = np.sign(edge.weight) * r.pop(edge.context)
        assert inside > 0.2, edge
        assert max(map(abs, r.values())) < 0.12, edge


def test_where_an_edge_does_not_act_the_target_varies_as_much():
    """Mean and variance of a target do not tell in which cell type its edge acts."""
    means, spreads = [], []
    for seed in range(6):
        adata = gn.datasets.simulate(
            900, 120, 12, group_specific=0.5, regulators_per_gene=1.0, depth=20.0, seed=seed
        )
        gn.pp.normalize(adata)
        edges = gn.datasets.truth(adata)
        alone = edges[~edges.duplicated(["source", "target"], keep=False)]
        groups = adata.to_df().groupby(adata.obs["cell_type"], observed=True)
        for figures, values in ((means, groups.mean()), (spreads, groups.std())):
            rank = values.rank()
            figures += [rank.loc[e.context, e.target] for e in alone.itertuples()]
    n = len(means)
    assert n > 200
    # the mean rank of three, 2, with its standard error
    assert abs(np.mean(means) - 2) < 3 * np.sqrt(2 / 3 / n)
    assert abs(np.mean(spreads) - 2) < 3 * np.sqrt(2 / 3 / n)


def test_specific_edges_travel_in_h5ad(specific, tmp_path):
    specific.write_h5ad(tmp_path / "x.h5ad")
    back = ad.read_h5ad(tmp_path / "x.h5ad")
    pd.testing.assert_frame_equal(
        gn.datasets.truth(back).astype(str), gn.datasets.truth(specific).astype(str)
    )


def test_specific_edges_want_cell_types():
    with pytest.raises(ValueError, match=r"group_specific=0.3 wants .* n_cell_types is 1"):
        gn.datasets.simulate(50, 30, 5, n_cell_types=1, group_specific=0.3)


def test_travels_in_h5ad(tmp_path):
    adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    adata.write_h5ad(tmp_path / "x.h5ad")
    back = ad.read_h5ad(tmp_path / "x.h5ad")
    pd.testing.assert_frame_equal(gn.datasets.truth(back), gn.datasets.truth(adata))
    assert (back.X != adata.X).nnz == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_tfs": 501}, r"n_tfs=501 is out of range: expected 1 to 500"),
        ({"n_tfs": 0}, r"n_tfs=0 is out of range"),
        ({"n_cell_types": 1_001}, r"n_cell_types=1001 is out of range: expected 1 to 1000"),
        ({"regulators_per_gene": -1}, r"regulators_per_gene=-1 is out of range"),
        ({"depth": 0}, r"depth=0 is out of range"),
        ({"group_specific": 1.2}, r"group_specific=1.2 is out of range"),
        ({"dropout": -0.1}, r"dropout=-0.1 is out of range"),
    ],
)
def test_sizes_out_of_range(arguments, message):
    with pytest.raises(ValueError, match=message):
        gn.datasets.simulate(**arguments)
