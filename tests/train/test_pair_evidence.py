"""Evidence of pairs, and the trees and networks that read it, alone and together."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import roc_auc_score

import grnet as gn
from grnet.train._edge_graph import positions
from grnet.train._neighbourhoods import NAMES, Neighbourhoods, _folds

QUICK = gn.train.FitSettings(max_epochs=15, batch_size=200, learning_rate=1e-2)


@pytest.fixture(scope="module")
def simulated():
    adata = gn.datasets.simulate(n_cells=150, n_genes=120, n_tfs=12, seed=3)
    gn.pp.normalize(adata)
    known = adata.uns["grnet_truth"]
    tfs = sorted(adata.var_names[adata.var["is_tf"]])
    return gn.graph.build(adata, tfs=tfs, known=known, n_components=10), known


def split_of(data, known, **how):
    return gn.train.split_edges(known, tfs=data["tf"].name, genes=data["gene"].name, **how)


def planted(data, seed=0):
    """Known edges that follow the profiles: each TF regulates what looks like its own centre."""
    rng = np.random.default_rng(seed)
    genes = data["gene"].x[:, :10].numpy()
    genes = genes / np.maximum(np.linalg.norm(genes, axis=1, keepdims=True), 1e-9)
    centres = genes[rng.choice(len(genes), len(data["tf"].name), replace=False)]
    tf, gene = np.nonzero(centres @ genes.T > np.quantile(centres @ genes.T, 0.85))
    names = {kind: np.array(data[kind].name) for kind in ("tf", "gene")}
    return pd.DataFrame({"source": names["tf"][tf], "target": names["gene"][gene]})


@pytest.mark.parametrize("regime", ["edge", "target", "tf", "both"])
def test_features_of_training_pairs_do_not_know_their_own_label(simulated, regime):
    data, known = simulated
    rng = np.random.default_rng(1)
    shuffled = known.assign(target=rng.permutation(known["target"])).drop_duplicates()
    split = split_of(data, shuffled, regime=regime, negatives="degree", seed=2)
    evidence = gn.train.PairEvidence(data, split)
    label = split.train["label"]
    columns = [evidence.names.index(name) for name in NAMES]
    found = [roc_auc_score(label, evidence.train[:, column]) for column in columns]
    assert min(found) > 0.25
    assert max(found) < 0.65
    assert min(found[-2:]) == pytest.approx(0.5, abs=0.1)  # rates that mislead are left out
    own = evidence.of(split.train)[:, columns]  # what a leak would look like
    assert max(roc_auc_score(label, column) for column in own.T) > 0.75


@pytest.mark.parametrize(("regime", "new"), [("target", (1,)), ("tf", (0,)), ("both", (0, 1))])
def test_folds_are_as_new_as_the_test(simulated, regime, new):
    data, known = simulated
    split = split_of(data, known, regime=regime)
    pairs = positions(data, split.train)
    asked_once = np.zeros(pairs.shape[1], dtype=int)
    for heard, asked in _folds(pairs, new, seed=0):
        asked_once += asked
        for end in new:
            assert not set(pairs[end, heard]) & set(pairs[end, asked])
    assert (asked_once == 1).all()


def test_new_targets_that_look_like_known_ones_are_found(simulated):
    data, _ = simulated
    split = split_of(data, planted(data), regime="target", negatives="degree", seed=1)
    evidence = gn.train.PairEvidence(data, split)
    found = evidence.of(split.test)[:, evidence.names.index("like_targets_of_tf")]
    assert roc_auc_score(split.test["label"], found) > 0.8
    near = evidence.of(split.test)[:, evidence.names.index("near_targets_of_tf")]
    assert roc_auc_score(split.test["label"], near) > 0.7


def test_label_rates_are_those_of_the_names(simulated):
    data, known = simulated
    split = split_of(data, known, regime="edge")
    evidence = gn.train.PairEvidence(data, split)
    for end, name in (("source", "rate_of_tf"), ("target", "rate_of_target")):
        found = evidence.of(split.test)[:, evidence.names.index(name)]
        rate = gn.train.label_log_odds(split.train, split.test, end=end)
        inside = np.abs(found) < 5
        assert np.corrcoef(found[inside], rate[inside])[0, 1] == pytest.approx(1, abs=1e-5)


def test_the_order_of_the_known_edges_does_not_matter(simulated):
    data, known = simulated
    one = gn.train.PairEvidence(data, split_of(data, known, regime="tf"))
    turned = known.sample(frac=1, random_state=0)
    two = gn.train.PairEvidence(data, split_of(data, turned, regime="tf"))
    np.testing.assert_array_equal(one.train, two.train)


def test_another_regime_is_told(simulated):
    data, known = simulated
    split = split_of(data, known)
    odd = gn.train.EdgeSplit(
        train=split.train, validation=split.validation, test=split.test, regime="mine",
        negatives="uniform",
    )  # fmt: skip
    with pytest.raises(ValueError, match="regime"):
        gn.train.PairEvidence(data, odd)


def test_similar_names_are_symmetric_and_not_their_own_neighbours(simulated):
    data, _ = simulated
    near = Neighbourhoods(data).near["gene"].toarray()
    np.testing.assert_array_equal(near, near.T)
    assert (np.diag(near) == 0).all()
    assert (near >= 0).all()


@pytest.mark.parametrize("regime", ["target", "tf"])
def test_trees_learn_what_new_names_have_in_common_with_known_ones(simulated, regime):
    data, _ = simulated
    split = split_of(data, planted(data), regime=regime, seed=1)
    found = gn.train.fit_pair_trees(data, split, n_trees=60).scores(split.test)
    assert roc_auc_score(split.test["label"], found) > {"target": 0.85, "tf": 0.6}[regime]


@pytest.mark.parametrize("decoder", ["mlp", "dot", "distmult", "bilinear"])
def test_decoders_read_the_features_of_the_pair(simulated, decoder):
    data, _ = simulated
    config = gn.models.EdgeModelConfig.of(data, decoder=decoder, n_pair_features=3)
    model = gn.models.EdgeModel(config).eval()
    pairs = torch.tensor([[0, 1], [5, 6]])
    features = torch.tensor([[1.0, -2.0, 0.5], [1.0, -2.0, 0.5]])
    changed = features * torch.tensor([[1.0], [3.0]])
    one, two = (
        model(data.x_dict, data.edge_index_dict, pairs, features=given)
        for given in (features, changed)
    )
    assert one[0] == two[0]
    assert one[1] != two[1]


def test_networks_learn_from_evidence_what_messages_do_not_tell(simulated):
    data, _ = simulated
    split = split_of(data, planted(data), regime="target", negatives="degree", seed=1)
    reached = [
        roc_auc_score(
            split.test["label"],
            gn.train.edge_scorer(data, kind="none", settings=QUICK, pair_features=read)(
                split, None
            ),
        )
        for read in (True, False)
    ]
    assert reached[0] > max(reached[1], 0.7)


def test_trees_repeat_themselves_and_hear_no_known_edge_of_the_graph(simulated):
    data, _ = simulated
    split = split_of(data, planted(data), regime="target", seed=1)
    other = data.clone()
    del other["tf", "regulates", "gene"], other["gene", "rev_regulates", "tf"]
    one, two = (gn.train.fit_pair_trees(g, split, n_trees=20, seed=4) for g in (data, other))
    np.testing.assert_array_equal(one.scores(split.test), two.scores(split.test))
    three = gn.train.fit_pair_trees(data, split, n_trees=20, seed=5).scores(split.test)
    assert (three != one.scores(split.test)).any()


def test_trees_are_the_same_on_any_number_of_threads(simulated, monkeypatch):
    data, known = simulated
    split = split_of(data, known, regime="target", seed=1)
    found = []
    for n_threads in (1, 4):
        monkeypatch.setattr(torch, "get_num_threads", lambda n=n_threads: n)
        fit = gn.train.fit_pair_trees(data, split, n_trees=40)
        assert fit.forest.n_jobs == 1
        found.append(fit.scores(split.test))
    np.testing.assert_array_equal(*found)


class Fixed:
    """A member whose log odds are known."""

    def __init__(self, log_odds):
        self.log_odds = log_odds

    def scores(self, pairs):
        return 1 / (1 + np.exp(-self.log_odds[: len(pairs)]))


def test_members_count_alike_whatever_their_scale():
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 400)
    pairs = pd.DataFrame({"source": "A", "target": "B", "label": label})
    loud, soft = (rng.normal(0, 1, 400) + label for _ in range(2))
    both = gn.train.PairEnsemble.of({"loud": Fixed(3 * loud - 2), "soft": Fixed(soft)}, pairs)
    plain = (loud - loud.mean()) / loud.std() + (soft - soft.mean()) / soft.std()
    np.testing.assert_allclose(both.mean(pairs), plain / 2, atol=1e-6)
    together, *alone = (roc_auc_score(label, s) for s in (both.scores(pairs), loud, soft))
    assert together > max(alone)
    assert gn.train.calibration_error(label, both.scores(pairs)) < 0.08


def test_an_ensemble_scores_as_its_members_do(simulated):
    data, _ = simulated
    split = split_of(data, planted(data), regime="target", seed=1)
    both = gn.train.fit_pair_ensemble(data, split, settings=QUICK, seed=2)
    assert list(both.members) == ["trees", "sage"]
    assert roc_auc_score(split.test["label"], both.scores(split.test)) > 0.85
    for member in both.members.values():
        ranks = np.corrcoef(*(pd.Series(s).rank() for s in (
            member.scores(split.test), both.scores(split.test)
        )))[0, 1]  # fmt: skip
        assert ranks > 0.6
    score = gn.train.pair_scorer(data, settings=QUICK, seed=2)
    np.testing.assert_array_equal(score(split, None), both.scores(split.test))


def test_what_is_missing_is_told(simulated):
    data, known = simulated
    split = split_of(data, known)
    with pytest.raises(ValueError, match="member"):
        gn.train.fit_pair_ensemble(data, split, members=["forest"])
    with pytest.raises(ValueError, match="0 members and"):
        gn.train.PairEnsemble.of({}, split.validation)
    trees = gn.train.fit_pair_trees(data, split, n_trees=2)
    with pytest.raises(ValueError, match="0 pairs: expected some of each"):
        gn.train.PairEnsemble.of({"trees": trees}, split.validation[:0])
