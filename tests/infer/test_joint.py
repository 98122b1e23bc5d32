"""Method joint: known edges weigh the layers; without them they count alike."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import roc_auc_score

import grnet as gn
from grnet.infer._even_layers import even_layers
from grnet.infer._expression_graph import expression_graph
from grnet.infer._graph_regions import regions_between
from grnet.infer._inputs import gather
from grnet.infer._knowledge import graph_of
from grnet.infer._scored import Scored


@pytest.fixture(scope="module")
def multiome():
    return gn.datasets.simulate_multiome(n_cells=150, n_genes=80, n_tfs=6, seed=4)


@pytest.fixture(scope="module")
def cells(multiome):
    rna = multiome.mdata["rna"].copy()
    gn.pp.normalize(rna)
    return rna


@pytest.fixture(scope="module")
def tfs(multiome):
    return sorted(set(multiome.edges["source"]))


@pytest.fixture(scope="module")
def graph(multiome):
    return gn.graph.build(
        multiome.mdata, multiome.genome, motifs=multiome.motifs, sequence_width=120,
        n_components=6,
    )  # fmt: skip


def inferred(cells, tfs, **options):
    folds = {"n_folds": 3} if "known" in options else {}
    return gn.infer.network(
        cells, tfs=tfs, method="joint", n_top=None, **{"max_epochs": 8, **folds, **options}
    )


@pytest.fixture(scope="module")
def learnt(cells, tfs, graph, multiome):
    return inferred(cells, tfs, graph=graph, known=multiome.edges)


@pytest.fixture(scope="module")
def even(cells, tfs, graph):
    return inferred(cells, tfs, graph=graph)


def auroc(grn, multiome):
    true = pd.MultiIndex.from_frame(multiome.edges[["source", "target"]])
    asked = pd.MultiIndex.from_frame(grn.edges[["source", "target"]].astype(str))
    return roc_auc_score(asked.isin(true), grn.edges["weight"].abs())


def named(edges):
    return edges.astype({"source": str, "target": str}).set_index(["source", "target"])


def test_held_out_edges_are_told_by_all_layers_better_than_by_the_cells(
    learnt, cells, tfs, multiome
):
    facts = learnt.params
    assert facts["method"] == "joint"
    assert facts["learnt_from"] == "known, graph"
    assert facts["held_out_auroc"] > max(facts["held_out_auroc_label_rates"], 0.6)
    ridge = gn.infer.network(cells, tfs=tfs, method="pearson", n_top=None)
    assert auroc(learnt, multiome) > auroc(ridge, multiome)
    edges = learnt.edges
    assert edges["weight"].abs().between(0, 1).all()
    assert (edges["known"] == named(edges).index.isin(named(multiome.edges).index)).all()


def test_without_known_edges_the_layers_count_alike(even, cells, tfs, multiome):
    assert even.params["layers"] == 3
    alone = inferred(cells, tfs)
    assert alone.params["layers"] == 1
    assert auroc(even, multiome) > auroc(alone, multiome) > 0.5
    assert {"evidence", "motif_affinity"} <= set(even.edges)
    assert not {"evidence", "motif_affinity"} & set(alone.edges)
    paths = even.evidence.groupby(["source", "target"])["weight"].sum()
    expected = paths.reindex(named(even.edges).index, fill_value=0.0)
    np.testing.assert_allclose(even.edges["evidence"], expected, rtol=1e-4)


def test_the_mean_rank_is_that_of_the_layers(cells, tfs, graph):
    inputs = gather(cells, tfs=tfs, layer=None)
    nodes = expression_graph(inputs.x, inputs.matrix, inputs.own, evidence=graph_of(graph, inputs))
    scores = np.random.default_rng(0).normal(size=(len(tfs), cells.n_vars)).astype(np.float32)
    found = even_layers(Scored(scores, {}, {}), nodes, device=torch.device("cpu"))
    layers = [np.abs(scores), found.columns["evidence"], found.columns["motif_affinity"]]
    ranks = [pd.Series(np.ravel(layer)).rank(pct=True) for layer in layers]
    np.testing.assert_allclose(found.scores.ravel(), np.mean(ranks, axis=0), atol=1e-6)
    # the affinity of the peak that has most of it, by the names of TF and gene
    scanner = gn.models.MotifScanner.of(gn.graph.motifs_of(graph))
    said = gn.models.predict(scanner, graph["peak"].sequence.numpy())
    said = (said - said.mean(axis=0)) / said.std(axis=0)
    peak, gene = graph["peak", "near", "gene"].edge_index.numpy()
    name = np.array(graph["gene"].name)[gene]
    for column, motif in enumerate(gn.graph.motifs_of(graph)):
        best = pd.Series(said[peak, column]).groupby(name).max()
        ours = pd.Series(
            found.columns["motif_affinity"][list(inputs.regulators).index(motif.tfs[0])],
            index=inputs.genes,
        )
        np.testing.assert_allclose(ours, best.reindex(inputs.genes, fill_value=0.0), atol=1e-4)


def test_tfs_that_no_layer_looked_at_get_the_middle(cells, tfs, multiome):
    less = gn.graph.build(
        multiome.mdata, multiome.genome, motifs=multiome.motifs[1:], sequence_width=120,
        n_components=6, tfs=tfs,
    )  # fmt: skip
    inputs = gather(cells, tfs=tfs, layer=None)
    nodes = expression_graph(inputs.x, inputs.matrix, inputs.own, evidence=graph_of(less, inputs))
    zeros = np.zeros((len(tfs), cells.n_vars), np.float32)
    found = even_layers(Scored(zeros, {}, {}), nodes, device=torch.device("cpu")).scores
    unlooked = list(inputs.regulators).index(multiome.motifs[0].tfs[0])
    np.testing.assert_allclose(found[unlooked], 0.5)
    others = np.delete(found, unlooked, axis=0)
    assert others.std() > 0.05


def test_regions_are_the_joined_tables_of_bindings_and_links(learnt, graph):
    tables = []
    for kind in (gn.graph.BINDS, gn.graph.NEAR):
        store = graph[kind]
        ends = [
            np.array(graph[end].name)[at]
            for end, at in zip((kind[0], kind[2]), store.edge_index.numpy(), strict=True)
        ]
        weight = store.edge_attr[:, store.edge_attr_names.index("weight")].numpy()
        tables.append(pd.DataFrame({kind[0]: ends[0], kind[2]: ends[1], "w": weight}))
    joined = tables[0].merge(tables[1], on="peak")
    joined["weight"] = joined["w_x"] * joined["w_y"]
    joined = joined[joined["tf"] != joined["gene"]]
    expected = joined.set_index(["tf", "peak", "gene"])["weight"].sort_index()
    found = learnt.evidence.set_index(["source", "region", "target"])["weight"].sort_index()
    assert found.index.tolist() == expected.index.tolist()
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert (learnt.evidence.groupby(["source", "target"])["weight"].diff().dropna() <= 0).all()
    few = learnt.edges.head(5)
    asked = set(zip(few["source"], few["target"], strict=True))
    some = regions_between(graph, few)
    assert set(zip(some["source"], some["target"], strict=True)) <= asked
    assert {"distance_kb", "motif"} <= set(some)


def test_without_a_path_there_is_no_region(graph):
    nobody = pd.DataFrame({"source": ["nobody"], "target": ["nobody"]})
    assert regions_between(graph, nobody) is None
    unbound = graph.clone()
    del unbound[gn.graph.BINDS]
    assert regions_between(unbound, pd.DataFrame({"source": [], "target": []})) is None


def test_regions_of_the_prior_come_first(cells, tfs, graph, multiome):
    prior = gn.GRN(
        multiome.edges[["source", "target"]].assign(weight=1.0), evidence=multiome.triplets
    )
    grn = gn.infer.network(cells, tfs=tfs, method="gnn", graph=graph, prior=prior, max_epochs=2)
    assert set(grn.evidence["region"]) <= set(multiome.triplets["region"])


def test_the_same_seed_gives_the_same_network_in_any_order(cells, tfs, graph, multiome, learnt):
    rng = np.random.default_rng(0)
    other = cells[rng.permutation(cells.n_obs), rng.permutation(cells.n_vars)].copy()
    shuffled = multiome.edges.sample(frac=1, random_state=0)
    again = inferred(other, tfs[::-1], graph=graph, known=shuffled)
    columns = ["weight", "known"]
    pd.testing.assert_frame_equal(
        named(learnt.edges).sort_index()[columns], named(again.edges).sort_index()[columns],
        atol=1e-3, rtol=0,
    )  # fmt: skip


def test_known_edges_alone_teach_the_expression(cells, tfs, multiome):
    grn = inferred(cells, tfs, known=multiome.edges)
    assert grn.evidence is None
    assert grn.params["held_out_auroc"] > 0.5


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"kind": "none"}, "Unknown kind 'none'"),
        ({"n_folds": 2}, "n_folds=2 is out of range"),
        ({"n_negatives": 0}, "n_negatives=0 is out of range"),
    ],
)
def test_wrong_options_are_told(cells, tfs, multiome, options, text):
    with pytest.raises(ValueError, match=text):
        inferred(cells, tfs, known=multiome.edges, **options)


def test_a_trained_model_scores_every_pair_however_many_at_a_time(
    cells, tfs, graph, multiome, monkeypatch
):
    split = gn.train.split_edges(
        multiome.edges, tfs=graph["tf"].name, genes=graph["gene"].name, regime="target"
    )
    fit = gn.train.fit_joint(graph, split, settings=gn.train.FitSettings(max_epochs=2))
    genes = [*graph["gene"].name[::-1][:40], *tfs]  # a part, in another order
    less = cells[:, list(dict.fromkeys(genes))].copy()
    together = gn.infer.network(less, tfs=tfs, method="joint", model=fit, n_top=None)
    asked = together.edges[["source", "target"]].astype(str)
    np.testing.assert_allclose(together.edges["weight"].abs(), fit.scores(asked), atol=1e-5)
    monkeypatch.setattr("grnet.infer._knowledge.PAIRS_AT_A_TIME", 2 * less.n_vars + 1)
    apart = gn.infer.network(less, tfs=tfs, method="joint", model=fit, n_top=None)
    pd.testing.assert_frame_equal(together.edges, apart.edges, rtol=1e-5)
