"""Attributions of what was learnt, beside models that learnt nothing."""

import numpy as np
import pytest
import torch
from torch import nn

from grnet.explain import precision_at_k, randomised, sanity_check
from grnet.models import DNALanguageModel, DNALanguageModelConfig, KmerTokens, MotifCNN


def test_precision_counts_planted_positions():
    values = np.array([[5, 4, 3, 2, 1.0], [1, 2, 3, 4, 5.0], [0, 0, 9, 0, 0.0]])
    planted = np.array([[1, 1, 0, 0, 0], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0]], dtype=bool)
    np.testing.assert_array_equal(precision_at_k(values, planted), [1, 0, np.nan])


def test_ties_count_as_the_mean_over_all_ways_to_break_them():
    rng = np.random.default_rng(0)
    values = rng.integers(3, size=(50, 12)).astype(float)
    planted = rng.random((50, 12)) < 0.3
    planted[:, 0] = True
    broken = [
        precision_at_k(values + 1e-6 * rng.random(values.shape), planted) for _ in range(2000)
    ]
    np.testing.assert_allclose(precision_at_k(values, planted), np.mean(broken, axis=0), atol=0.05)


@pytest.mark.parametrize(
    ("values", "planted"),
    [(np.zeros((2, 3)), np.zeros((2, 4))), (np.full((2, 3), np.nan), np.zeros((2, 3)))],
)
def test_precision_of_other_shapes_is_refused(values, planted):
    with pytest.raises(ValueError, match="of one shape"):
        precision_at_k(values, planted)


def test_randomised_copies_keep_the_values_and_lose_their_order():
    model = MotifCNN()
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    one, again, other = (randomised(model, seed=seed) for seed in (0, 0, 1))
    for name, weight in model.named_parameters():
        assert torch.equal(weight, before[name])
        new = one.get_parameter(name)
        assert torch.equal(new, again.get_parameter(name))
        assert torch.equal(new.flatten().sort().values, weight.flatten().sort().values)
        if weight.numel() > 10:
            assert not torch.equal(new, weight)
            assert not torch.equal(new, other.get_parameter(name))


def test_shared_weights_stay_shared():
    config = DNALanguageModelConfig(tokens=KmerTokens(2), depth=1, width=8)
    control = randomised(DNALanguageModel(config))
    assert control.head[-1].weight is control.encoder.embed.weight


def test_a_model_without_weights_has_nothing_to_forget():
    with pytest.raises(ValueError, match="Identity has no weights"):
        randomised(nn.Identity())


@pytest.mark.parametrize("method", ["saturation_mutagenesis", "integrated_gradients", "saliency"])
def test_what_was_learnt_is_lost_with_the_weights(learnt, method):
    model, codes, _ = learnt
    found = sanity_check(
        model, codes, method=method, shuffled_labels=randomised(model, seed=9), n_random=2
    ).set_index("control")
    assert found.index.tolist() == [
        "other shuffles",
        *["random weights"] * 2,
        "shuffled labels",
    ]
    same = found.loc["other shuffles"]
    controls = found.drop(index="other shuffles")
    assert same["spearman"] > 0.5
    assert (controls[["spearman", "spearman_absolute"]].abs() < 0.3).all(axis=None)


def test_unknown_bases_do_not_count(learnt):
    model, codes, _ = learnt
    masked = codes[:4].copy()
    masked[:, 30:60] = 4
    masked[3] = 4
    found = sanity_check(model, masked, method="input_x_gradient", n_random=1)
    assert found["spearman"].iloc[0] == pytest.approx(1)
    assert np.isnan(
        sanity_check(model, masked[3:], method="saliency", n_random=0)["spearman"].iloc[0]
    )
