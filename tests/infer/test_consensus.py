"""The rank combination of the consensus."""

import numpy as np
import pytest

from grnet.infer import consensus
from grnet.infer._scored import Scored


def combine(members, reference=None):
    scored = {name: Scored(scores, {}, {}) for name, scores in members.items()}
    return consensus.combine(scored, reference)


@pytest.fixture
def members():
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=(5, 20)) for name in ("a", "b", "c")}


def test_units_of_the_members_do_not_matter(members):
    rescaled = {name: 10.0**i * scores for i, (name, scores) in enumerate(members.items())}
    np.testing.assert_allclose(combine(rescaled).scores, combine(members).scores, rtol=1e-6)


def test_score_is_the_mean_log_share_of_pairs_at_least_as_strong(members):
    result = combine(members)
    strengths = [np.abs(scores) for scores in members.values()]
    shares = [
        (strength[None, None] > s[..., None, None]).sum((2, 3))
        for strength, s in ((x, x) for x in strengths)
    ]
    expected = -np.mean([np.log10((share + 0.5) / 100) for share in shares], axis=0)
    np.testing.assert_allclose(np.abs(result.scores), expected, rtol=1e-5)


def test_sign_is_that_of_the_weighted_majority():
    strong, weak = np.array([[5.0, 1, 2, 3]]), np.array([[-0.1, 4, 5, 6]])
    result = combine({"a": strong, "b": strong, "c": -weak})
    assert result.scores[0, 0] > 0


def test_identical_members_agree_and_unrelated_ones_do_not(members):
    same = combine({"a": members["a"], "b": members["a"]})
    assert same.facts["agreement"] == pytest.approx(1.0)
    assert set(np.unique(same.columns["agreement"])) == {0.0, 1.0}
    unrelated = combine(members)
    assert abs(unrelated.facts["agreement"]) < 0.3
    assert set(unrelated.facts) == {"agreement", "agreement_a", "agreement_b", "agreement_c"}


def test_weaker_data_score_lower_on_the_scale_of_the_real_data(members):
    real = combine(members)
    weaker = {name: scores / 10 for name, scores in members.items()}
    alone, on_one_scale = combine(weaker), combine(weaker, real.reference)
    np.testing.assert_allclose(alone.tested, real.tested)
    assert on_one_scale.tested.max() < real.tested.max() / 2
    np.testing.assert_allclose(on_one_scale.scores, real.scores, rtol=1e-6)


def test_pairs_without_a_score_get_none(members):
    for scores in members.values():
        scores[2, 3] = 0.0
    assert combine(members).scores[2, 3] == 0
