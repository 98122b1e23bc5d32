"""Several models of edges that answer together."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import roc_auc_score

import grnet as gn

SETTINGS = gn.train.FitSettings(max_epochs=4, batch_size=200, learning_rate=1e-2)


@pytest.fixture(scope="module")
def adata():
    adata = gn.datasets.simulate(n_cells=100, n_genes=120, n_tfs=15, seed=1)
    gn.pp.normalize(adata)
    return adata


@pytest.fixture(scope="module")
def known(adata):
    return adata.uns["grnet_truth"]


@pytest.fixture(scope="module")
def data(adata, known):
    return gn.graph.build(adata, known=known, n_components=8)


@pytest.fixture(scope="module")
def split(data, known):
    return gn.train.split_edges(
        known, tfs=data["tf"].name, genes=data["gene"].name, regime="edge", n_negatives=3, seed=0
    )


@pytest.fixture(scope="module")
def together(data, split):
    return gn.train.fit_edge_ensemble(data, split, n_members=4, settings=SETTINGS, seed=10)


def test_members_are_fits_with_the_next_seeds(data, split, together):
    alone = gn.train.fit_edges(data, split, settings=SETTINGS, seed=12)
    members = [member.scores(split.test) for member in together.members]
    np.testing.assert_allclose(members[2], alone.scores(split.test), atol=1e-4)
    assert np.abs(members[0] - members[1]).max() > 0.01


def test_the_score_is_the_sigmoid_of_the_mean_logit(split, together):
    logits = np.mean([member.logits(split.test) for member in together.members], axis=0)
    np.testing.assert_allclose(together.scores(split.test), expit(logits), atol=1e-6)


def test_predictions_hold_score_spread_and_stability(split, together):
    pairs = split.test.set_index(split.test.index + 100)
    table = together.predictions(pairs, n_strongest=30)
    assert table.index.equals(pairs.index)
    np.testing.assert_array_equal(table["score"], together.scores(pairs))
    members = np.stack([member.scores(pairs) for member in together.members])
    np.testing.assert_allclose(table["spread"], members.std(axis=0), atol=1e-6)
    strongest = [set(np.argsort(-scores, kind="stable")[:30]) for scores in members]
    expected = [np.mean([row in top for top in strongest]) for row in range(len(pairs))]
    np.testing.assert_allclose(table["stability"], expected, atol=0.26)
    assert table["stability"].sum() == pytest.approx(30)
    assert np.corrcoef(table["stability"], table["score"])[0, 1] > 0.3


def test_as_many_pairs_are_strongest_as_edges_are_expected(split, together):
    table = together.predictions(split.test)
    assert table["stability"].sum() == round(float(table["score"].sum()))


def test_a_calibrated_ensemble_keeps_the_order(split, together):
    calibrated = together.calibrated(split.validation)
    before, after = together.scores(split.test), calibrated.scores(split.test)
    assert calibrated.calibration is not None
    assert (np.diff(after[np.argsort(before, kind="stable")]) >= -1e-7).all()
    table = calibrated.predictions(split.test, n_strongest=20)
    np.testing.assert_array_equal(
        table["stability"], together.predictions(split.test, n_strongest=20)["stability"]
    )


def test_the_benchmark_takes_an_ensemble(adata, known, data, split):
    scorer = gn.train.edge_scorer(
        data, n_members=2, kind="none", width=16, heads=2, settings=SETTINGS, calibrate="isotonic"
    )
    table = gn.evaluate.supervised_benchmark(
        {"two": scorer}, adata, known, tfs=data["tf"].name, regimes=["edge"],
        negatives=["uniform"], seeds=1,
    )  # fmt: skip
    assert table.set_index("ranking").loc["two", "auroc"] > 0.5
    scores = scorer(split, adata)
    assert roc_auc_score(split.test["label"], scores) > 0.5


def test_every_member_has_a_folder_of_its_own(data, split, tmp_path):
    quick = gn.train.FitSettings(max_epochs=1)
    how = {"n_members": 2, "settings": quick, "folder": str(tmp_path)}
    first = gn.train.fit_edge_ensemble(data, split, **how).scores(split.test)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["member_0", "member_1"]
    again = gn.train.fit_edge_ensemble(data, split, **how).scores(split.test)
    np.testing.assert_allclose(first, again, atol=1e-5)


def test_wrong_numbers_are_told(data, split, together):
    with pytest.raises(ValueError, match="n_members=0 is out of range"):
        gn.train.fit_edge_ensemble(data, split, n_members=0)
    with pytest.raises(ValueError, match="n_strongest=0 is out of range"):
        together.predictions(split.test, n_strongest=0)
    with pytest.raises(ValueError, match="lacks the column"):
        together.calibrated(split.test[["source", "target"]])
    with pytest.raises(ValueError, match="An ensemble needs members"):
        gn.train.EdgeEnsemble(members=[])
