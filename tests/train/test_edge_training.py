"""Training on known edges: what is asked is heard in no message."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch_geometric.data import HeteroData

import grnet as gn
from grnet.train._edge_graph import with_training_edges
from grnet.train._edge_objective import EdgeObjective, non_negative_risk

REGULATES = ("tf", "regulates", "gene")
REVERSE = ("gene", "rev_regulates", "tf")
SETTINGS = gn.train.FitSettings(max_epochs=40, batch_size=200, learning_rate=1e-2, patience=40)


def toy(seed=0, *, n_tfs=20, n_genes=150, known_share=0.6):
    """Return a graph where a TF of a class regulates the genes of its class."""
    rng = np.random.default_rng(seed)
    of_tf, of_gene = rng.integers(0, 3, n_tfs), rng.integers(0, 3, n_genes)
    data = HeteroData()
    for kind, classes in (("tf", of_tf), ("gene", of_gene)):
        data[kind].name = [f"{kind}{i}" for i in range(len(classes))]
        noise = rng.normal(0, 0.3, (len(classes), 3))
        data[kind].x = torch.from_numpy(np.eye(3)[classes] + noise).float()
    tf, gene = np.nonzero(of_tf[:, None] == of_gene[None, :])
    kept = rng.random(len(tf)) < known_share
    data[REGULATES].edge_index = torch.from_numpy(np.stack([tf[kept], gene[kept]]))
    data[REVERSE].edge_index = data[REGULATES].edge_index.flip(0)
    names = {kind: np.array(data[kind].name) for kind in ("tf", "gene")}
    known = pd.DataFrame({"source": names["tf"][tf[kept]], "target": names["gene"][gene[kept]]})
    return data, known


def split_of(data, known, **how):
    return gn.train.split_edges(known, tfs=data["tf"].name, genes=data["gene"].name, **how)


@pytest.mark.parametrize("kind", ["sage", "gatv2", "hgt", "none"])
@pytest.mark.parametrize("regime", ["target", "tf"])
def test_learns_what_new_names_have_in_common_with_known_ones(kind, regime):
    data, known = toy()
    split = split_of(data, known, regime=regime, seed=1)
    graph = with_training_edges(data, split)
    config = gn.models.EdgeModelConfig.of(graph, kind=kind, width=32, heads=2, dropout=0.1)
    done = gn.train.fit_edges(data, split, config=config, settings=SETTINGS)
    scores = done.scores(split.test)
    assert roc_auc_score(split.test["label"], scores) > 0.7
    assert ((scores >= 0) & (scores <= 1)).all()


@pytest.mark.parametrize("kind", ["sage", "gatv2", "hgt"])
def test_learns_from_neighbours_that_are_drawn_and_repeats_itself(kind):
    data, known = toy()
    split = split_of(data, known, regime="target", seed=1)
    config = gn.models.EdgeModelConfig.of(
        with_training_edges(data, split), kind=kind, width=16, heads=2, dropout=0.1
    )
    n_epochs = 40 if kind == "gatv2" else 15  # attention comes late
    settings = gn.train.FitSettings(max_epochs=n_epochs, batch_size=200, learning_rate=1e-2)
    how = {"config": config, "settings": settings, "neighbours": 3}
    first, again = (gn.train.fit_edges(data, split, **how).scores(split.test) for _ in range(2))
    assert roc_auc_score(split.test["label"], first) > 0.7
    np.testing.assert_allclose(first, again, atol=1e-4)
    other = gn.train.fit_edges(data, split, **{**how, "neighbours": "all"}).scores(split.test)
    assert np.abs(other - first).max() > 1e-3


def test_large_graphs_are_trained_in_parts_unless_told_otherwise(monkeypatch):
    data, known = toy()
    split = split_of(data, known, seed=1)
    quick = gn.train.FitSettings(max_epochs=1, batch_size=200)
    whole = gn.train.fit_edges(data, split, settings=quick).scores(split.test)
    monkeypatch.setattr("grnet.train._edge_run.WHOLE", 100)
    drawn, told = (
        gn.train.fit_edges(data, split, settings=quick, **how).scores(split.test)
        for how in ({}, {"neighbours": "all"})
    )
    assert np.abs(drawn - whole).max() > 1e-4
    np.testing.assert_allclose(told, whole, atol=1e-5)


@pytest.mark.parametrize("kind", ["temperature", "isotonic"])
def test_calibrated_scores_are_shares_in_the_same_order(kind):
    data, known = toy(n_genes=400)
    how = {"regime": "target", "seed": 3, "shares": (0.4, 0.3, 0.3)}
    split, rarer = (split_of(data, known, n_negatives=n, **how) for n in (1, 6))
    hurried = gn.train.FitSettings(max_epochs=10, batch_size=200, learning_rate=1e-2)
    # a graph without profiles: the evidence of its pairs is label rates alone
    plain = gn.train.fit_edges(data, split, settings=hurried, pair_features=False)
    calibrated = plain.calibrated(rarer.validation, kind=kind)
    labels = rarer.test["label"].to_numpy()
    before, after = plain.scores(rarer.test), calibrated.scores(rarer.test)
    assert gn.train.calibration_error(labels, before) > 0.06
    assert gn.train.calibration_error(labels, after) < 0.045  # ten bins of 250 pairs
    assert roc_auc_score(labels, after) == pytest.approx(roc_auc_score(labels, before), abs=1e-3)
    at_once = gn.train.fit_edges(data, split, settings=hurried, calibrate=kind)
    expected = replace(at_once, calibration=None).calibrated(split.validation, kind=kind)
    assert at_once.calibration == expected.calibration


def test_hidden_edges_are_found_among_unlabelled_pairs_where_the_prior_is_given():
    data, known = toy(n_tfs=30, n_genes=300, known_share=0.2)
    split = split_of(data, known, regime="target", n_negatives=5, seed=0)
    of = {kind: data[kind].x[:, :3].argmax(1).numpy() for kind in ("tf", "gene")}
    unlabelled = split.test[split.test["label"] == 0]
    ends = [
        pd.Index(data[kind].name).get_indexer(unlabelled[column])
        for kind, column in (("tf", "source"), ("gene", "target"))
    ]
    hidden = of["tf"][ends[0]] == of["gene"][ends[1]]
    graph = with_training_edges(data, split)
    config = gn.models.EdgeModelConfig.of(graph, kind="none", width=16, heads=2, dropout=0.1)
    settings = gn.train.FitSettings(max_epochs=30, batch_size=1500, learning_rate=1e-2)
    plain, aware = (
        gn.train.fit_edges(data, split, config=config, settings=settings, **how).scores(unlabelled)
        for how in ({}, {"class_prior": float(hidden.mean())})
    )
    assert abs(aware.mean() - hidden.mean()) < 0.05 < abs(plain.mean() - hidden.mean())
    assert aware[hidden].mean() > plain[hidden].mean() + 0.2
    assert roc_auc_score(hidden, aware) > roc_auc_score(hidden, plain) + 0.1


def test_the_risk_of_unlabelled_pairs_is_that_of_kiryo():
    logits = torch.tensor([2.0, -1.0, 0.5, -3.0], requires_grad=True)
    labels = torch.tensor([1.0, 1.0, 0.0, 0.0])
    each = torch.nn.functional.softplus
    known, others = logits[:2], logits[2:]
    expected = 0.3 * each(-known).mean() + each(others).mean() - 0.3 * each(known).mean()
    risk = non_negative_risk(logits, labels, class_prior=0.3)
    torch.testing.assert_close(risk, expected)
    # a model that knows its unlabelled pairs by heart: back up
    sure = torch.tensor([9.0, 9.0, -9.0, -9.0], requires_grad=True)
    risk = non_negative_risk(sure, labels, class_prior=0.3)
    torch.testing.assert_close(risk, 0.3 * each(-sure[:2]).mean())
    risk.backward()
    assert (sure.grad[2:] < 0).all()
    assert (sure.grad[:2] > 0).all()
    only_known = non_negative_risk(logits[:2], labels[:2], class_prior=0.3)
    assert torch.isfinite(only_known)


def test_shuffled_labels_teach_nothing_about_new_targets():
    data, known = toy()
    rng = np.random.default_rng(5)
    known = known.assign(target=rng.permutation(known["target"])).drop_duplicates()
    split = split_of(data, known, regime="target", negatives="degree", seed=1)
    done = gn.train.fit_edges(data, split, settings=SETTINGS)
    assert roc_auc_score(split.test["label"], done.scores(split.test)) < 0.62


def test_only_training_edges_are_heard_and_none_of_the_batch():
    data, known = toy()
    split = split_of(data, known, regime="target", seed=1)
    graph = with_training_edges(data, split)
    train = split.train[split.train["label"] == 1]
    assert graph[REGULATES].num_edges == graph[REVERSE].num_edges == len(train)
    heard = []

    class Listener(torch.nn.Module):
        def forward(self, _, edges, pairs):
            heard.append({key: index.clone() for key, index in edges.items()})
            return torch.zeros(pairs.shape[1])

    asked = graph[REGULATES].edge_index[:, :5]
    EdgeObjective(graph).answer(Listener(), {"pairs": asked})
    for key, index in ((REGULATES, heard[0][REGULATES]), (REVERSE, heard[0][REVERSE].flip(0))):
        found = set(map(tuple, index.T.tolist()))
        assert len(found) == graph[key].num_edges - 5
        assert not found & set(map(tuple, asked.T.tolist()))


def test_a_run_with_a_folder_is_the_same_and_comes_back_from_it(tmp_path):
    data, known = toy()
    split = split_of(data, known, seed=1)
    whole = gn.train.fit_edges(data, split, settings=SETTINGS, seed=3)
    again = gn.train.fit_edges(data, split, settings=SETTINGS, seed=3, folder=tmp_path / "run")
    np.testing.assert_allclose(whole.scores(split.test), again.scores(split.test), atol=1e-4)
    resumed = gn.train.fit_edges(data, split, settings=SETTINGS, seed=3, folder=tmp_path / "run")
    np.testing.assert_allclose(again.scores(split.test), resumed.scores(split.test), atol=1e-4)


def test_unknown_names_are_told():
    data, known = toy()
    split = split_of(data, known, seed=1)
    done = gn.train.fit_edges(data, split, settings=gn.train.FitSettings(max_epochs=1))
    with pytest.raises(ValueError, match=r"1 names of 'target' are no gene of the graph: 'X'"):
        done.scores(pd.DataFrame({"source": ["tf0"], "target": ["X"]}))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"class_prior": 1.5}, r"class_prior=1.5 is out of range: expected the share of edges"),
        ({"class_prior": 0.2, "calibrate": "temperature"}, "give one of the two"),
        ({"calibrate": "platt"}, "Unknown kind of calibration 'platt'"),
        ({"neighbours": 0}, "neighbours=0 is out of range"),
    ],
)
def test_wrong_options_are_told(options, text):
    data, known = toy()
    with pytest.raises(ValueError, match=text):
        gn.train.fit_edges(data, split_of(data, known, seed=1), **options)


def simulated(seed=0):
    adata = gn.datasets.simulate(n_cells=60, n_genes=50, n_tfs=8, seed=seed)
    gn.pp.normalize(adata)
    tfs = list(adata.var_names[adata.var["is_tf"]])
    return adata, tfs, adata.uns["grnet_truth"][["source", "target"]]


def test_the_order_of_the_genes_does_not_matter():
    adata, tfs, known = simulated()
    other = adata[:, np.random.default_rng(1).permutation(adata.n_vars)].copy()
    split = gn.train.split_edges(known, tfs=tfs, genes=list(adata.var_names))
    quick = gn.train.FitSettings(max_epochs=3)
    graphs = [gn.graph.build(data, tfs=tfs, known=known, n_components=4) for data in (adata, other)]
    for train in (
        lambda graph: gn.train.fit_pair_trees(graph, split, n_trees=20),
        lambda graph: gn.train.fit_edges(graph, split, settings=quick),
    ):
        one, two = (train(graph).scores(split.test) for graph in graphs)
        np.testing.assert_allclose(one, two, atol=1e-4)


def test_a_folder_never_goes_on_with_another_split(tmp_path):
    adata, tfs, known = simulated()
    graph = gn.graph.build(adata, tfs=tfs, known=known, n_components=4)
    first, second = (
        gn.train.split_edges(
            known, tfs=tfs, genes=list(adata.var_names), regime="edge", seed=seed
        )
        for seed in (0, 1)
    )  # fmt: skip
    how = {"settings": gn.train.FitSettings(max_epochs=2)}
    fresh = [
        gn.train.fit_edges(graph, split, **how).scores(split.test) for split in (first, second)
    ]
    gn.train.fit_edges(graph, first, folder=str(tmp_path / "one"), **how)
    with pytest.raises(ValueError, match="holds the state of another run"):
        gn.train.fit_edges(graph, second, folder=str(tmp_path / "one"), **how)
    score = gn.train.edge_scorer(graph, folder=str(tmp_path / "both"), **how)
    for split, expected in zip((first, second), fresh, strict=True):
        np.testing.assert_allclose(score(split, adata), expected, atol=1e-5)
    both = gn.train.fit_pair_ensemble(
        graph, first, members=["sage", "none"], folder=str(tmp_path / "members"), **how
    )
    assert list(both.members) == ["sage", "none"]


def test_networks_hear_the_edges_that_train_whatever_the_graph_knew():
    adata, tfs, known = simulated()
    plain = gn.graph.build(adata, tfs=tfs, n_components=4)
    split = gn.train.split_edges(known, tfs=tfs, genes=list(adata.var_names))
    quick = gn.train.FitSettings(max_epochs=1)
    ensemble = gn.train.fit_pair_ensemble(plain, split, members=["sage"], settings=quick)
    assert gn.graph.REGULATES in ensemble.members["sage"].fit.model.config.relations
    with pytest.raises(ValueError, match="no known edges: make its config from a graph"):
        gn.train.fit_edges(plain, split, config=gn.models.EdgeModelConfig.of(plain))


def test_one_tf_that_trains_and_labels_of_one_kind():
    adata, tfs, known = simulated()
    graph = gn.graph.build(adata, tfs=tfs, known=known, n_components=4)
    two = gn.train.split_edges(known, tfs=tfs[:2], genes=list(adata.var_names), regime="tf")
    assert len(set(two.train["source"])) == 1
    assert np.isfinite(gn.train.fit_pair_trees(graph, two, n_trees=5).scores(two.test)).all()
    alone = gn.train.split_edges(known, tfs=tfs, genes=list(adata.var_names), n_negatives=0)
    with pytest.raises(ValueError, match=r"have the label \[1\] alone"):
        gn.train.fit_pair_trees(graph, alone)
    none = gn.train.split_edges(known, tfs=tfs, genes=list(adata.var_names), shares=(0.8, 0.0, 0.2))
    with pytest.raises(ValueError, match="wants pairs for validation"):
        gn.train.fit_edges(graph, none, calibrate="isotonic")
    with pytest.raises(ValueError, match="2 members and 0 pairs"):
        gn.train.fit_pair_ensemble(graph, none)
    done = gn.train.fit_edges(graph, none, settings=gn.train.FitSettings(max_epochs=1))
    assert done.scores(none.validation).shape == (0,)
