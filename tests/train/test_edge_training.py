"""Training on known edges: what is asked is heard in no message."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch_geometric.data import HeteroData

import grnet as gn
from grnet.train._edge_graph import with_training_edges
from grnet.train._edge_objective import EdgeObjective

REGULATES = ("tf", "regulates", "gene")
REVERSE = ("gene", "rev_regulates", "tf")
SETTINGS = gn.train.FitSettings(max_epochs=40, batch_size=200, learning_rate=1e-2, patience=40)


def toy(seed=0):
    """Return a graph where a TF of a class regulates the genes of its class."""
    rng = np.random.default_rng(seed)
    of_tf, of_gene = rng.integers(0, 3, 20), rng.integers(0, 3, 150)
    data = HeteroData()
    for kind, classes in (("tf", of_tf), ("gene", of_gene)):
        data[kind].name = [f"{kind}{i}" for i in range(len(classes))]
        noise = rng.normal(0, 0.3, (len(classes), 3))
        data[kind].x = torch.from_numpy(np.eye(3)[classes] + noise).float()
    tf, gene = np.nonzero(of_tf[:, None] == of_gene[None, :])
    kept = rng.random(len(tf)) < 0.6
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
    config = gn.models.EdgeModelConfig.of(graph, kind=kind, width=16, heads=2, dropout=0.1)
    done = gn.train.fit_edges(data, split, config=config, settings=SETTINGS)
    scores = done.scores(split.test)
    assert roc_auc_score(split.test["label"], scores) > 0.7
    assert ((scores >= 0) & (scores <= 1)).all()


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
