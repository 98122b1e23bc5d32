"""Calibrations: what they promise of shares, of ranking, and of what they refuse."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import binomtest
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

import grnet as gn
from grnet.train.calibration import KINDS


def drawn(n=4000, *, seed=0, steep=3.0, shift=1.0):
    """Return true probabilities, labels, and what an overconfident, shifted model says."""
    rng = np.random.default_rng(seed)
    truth = expit(rng.normal(-1, 1.2, n))
    return truth, (rng.random(n) < truth).astype(float), expit(steep * logit(truth) + shift)


@pytest.mark.parametrize("kind", KINDS)
def test_probabilities_become_shares_on_pairs_that_were_not_fitted(kind):
    _, labels, said = drawn(seed=0)
    calibration = gn.train.fit_calibration(said, labels, kind=kind)
    truth, labels, said = drawn(seed=1)
    before = gn.train.calibration_error(labels, said)
    after = gn.train.calibration_error(labels, calibration.applied(said))
    assert before > 0.1
    assert after < 0.03
    assert np.abs(calibration.applied(said) - truth).mean() < 0.03


@pytest.mark.parametrize("kind", KINDS)
def test_ranking_is_kept_pair_by_pair(kind):
    _, labels, said = drawn(500)
    said = said.astype(np.float32)
    calibration = gn.train.fit_calibration(said, labels, kind=kind)
    _, labels, new = drawn(3000, seed=4)
    new = np.unique(new.astype(np.float32))
    assert (np.diff(calibration.applied(new)) > 0).all()
    _, labels, new = drawn(3000, seed=4)
    assert roc_auc_score(labels, calibration.applied(new)) == roc_auc_score(labels, new)


@pytest.mark.parametrize("kind", KINDS)
def test_sure_models_keep_their_ranking_in_single_precision(kind):
    _, labels, said = drawn()
    calibration = gn.train.fit_calibration(said, labels, kind=kind)
    sure = expit(np.array([-14.0, -13.0, -12.0, 12.0, 13.0, 14.0]))
    assert (np.diff(calibration.applied(sure).astype(np.float32)) > 0).all()


def test_temperature_is_the_logistic_regression_of_the_logits():
    _, labels, said = drawn(20_000)
    calibration = gn.train.fit_calibration(said, labels, kind="temperature")
    regression = LogisticRegression(C=1e9).fit(logit(said)[:, None], labels)
    assert calibration.slope == pytest.approx(regression.coef_[0, 0], abs=2e-3)
    assert calibration.intercept == pytest.approx(regression.intercept_[0], abs=2e-3)
    assert calibration.slope == pytest.approx(1 / 3, abs=0.02)
    assert calibration.intercept == pytest.approx(-1 / 3, abs=0.06)


def test_isotonic_steps_are_those_of_scikit_learn_but_for_a_thousandth():
    _, labels, said = drawn(20_000)
    steps = IsotonicRegression(out_of_bounds="clip").fit(said, labels)
    calibrated = gn.train.fit_calibration(said, labels, kind="isotonic").applied(said)
    np.testing.assert_allclose(calibrated, steps.predict(said), atol=2e-3)
    assert len(np.unique(steps.predict(said))) < 200 < len(np.unique(calibrated))


@pytest.mark.parametrize("kind", KINDS)
def test_no_probability_becomes_certain_and_a_wrong_model_is_not_turned_round(kind):
    labels = np.repeat([0.0, 1.0], 50)
    apart = np.linspace(0, 1, 100)
    right = gn.train.fit_calibration(apart, labels, kind=kind).applied([0.2, 0.8])
    assert 0.001 < right[0] < 0.05
    assert 0.95 < right[1] < 0.999
    wrong = gn.train.fit_calibration(1 - apart, labels, kind=kind).applied([0.1, 0.9])
    assert wrong[0] < wrong[1]
    np.testing.assert_allclose(wrong, 0.5, atol=0.02)


@pytest.mark.parametrize("kind", KINDS)
def test_plain_numbers_go_through_json(kind):
    _, labels, said = drawn(300)
    calibration = gn.train.fit_calibration(said, labels, kind=kind)
    again = gn.train.Calibration(**json.loads(json.dumps(asdict(calibration))))
    assert again == calibration
    np.testing.assert_array_equal(again.applied(said), calibration.applied(said))


def test_the_table_holds_the_bins_of_the_calibration_error():
    _, labels, said = drawn(1003)
    table = gn.train.reliability_table(said, labels)
    assert table["n"].sum() == 1003
    assert table["n"].max() - table["n"].min() == 1
    assert table["mean_predicted"].is_monotonic_increasing
    gaps = (table["mean_predicted"] - table["observed"]).abs() * table["n"] / 1003
    assert gaps.sum() == pytest.approx(gn.train.calibration_error(labels, said))
    for row in table.itertuples():
        count = round(row.observed * row.n)
        wilson = binomtest(count, int(row.n)).proportion_ci(method="wilson")
        assert (row.low, row.high) == pytest.approx((wilson.low, wilson.high))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("probabilities", "labels", "text"),
    [
        ([], [], "at least one pair"),
        ([0.1, 0.2], [0], r"shape \(2,\) and labels of shape \(1,\)"),
        ([0.1, 0.2], [1, 1], "All 2 labels are 1"),
        ([0.1, np.nan], [0, 1], "1 of 2 values are no probabilities, such as nan"),
        ([0.1, -2.0], [0, 1], r"such as -2.0: expected 0 to 1 \(the sigmoid of logits\)"),
        ([0.1, 0.2], [0, np.nan], "leave pairs without a label out"),
    ],
)
def test_what_cannot_be_fitted_is_told(kind, probabilities, labels, text):
    with pytest.raises(ValueError, match=text):
        gn.train.fit_calibration(probabilities, labels, kind=kind)


def test_calibrations_that_make_no_sense_are_told():
    with pytest.raises(ValueError, match="Unknown kind of calibration 'platt'"):
        gn.train.fit_calibration([0.1, 0.9], [0, 1], kind="platt")
    with pytest.raises(ValueError, match="turn the ranking round"):
        gn.train.Calibration(kind="temperature", slope=-1.0)
    with pytest.raises(ValueError, match="has 0 knots: isotonic ones are made of knots"):
        gn.train.Calibration(kind="isotonic")
