"""Contributions add up where it is promised, and what does not add up is said loudly."""

import numpy as np
import pytest
import torch
from captum.attr import DeepLift
from torch import nn

from grnet import models
from grnet.dna import dinucleotide_shuffle, one_hot
from grnet.explain import attributions
from grnet.explain._visible import visible

PROMISED = ("integrated_gradients", "deeplift_shap")


class Halved(nn.Module):
    """A model that hides half of its gradient."""

    def __init__(self, within):
        super().__init__()
        self.within = within

    def forward(self, hot):
        out = self.within(hot)
        return (out + out.detach()) / 2


@pytest.fixture
def codes(background):
    rows = background[:8, :60].copy()
    rows[2, 20:24] = 4
    return rows


def test_sequences_that_are_like_their_shuffles_add_up_too(learnt):
    """What is asked for is more than what is promised."""
    model, codes, _ = learnt
    near = dinucleotide_shuffle(codes, n=1, seed=9)[:, 0]
    found = attributions(model, near, method="integrated_gradients")
    gap = np.abs(found.outputs - found.references)
    single = np.abs(found.outputs[:, None] - found.references[None]).mean()
    assert gap.min() < 0.2 * single
    assert (np.abs(found.residual) <= np.maximum(0.01 * gap, 2e-4 * single)).all()


@pytest.mark.parametrize("method", PROMISED)
def test_contributions_add_up_for_every_sequence(learnt, method):
    model, codes, _ = learnt
    found = attributions(model, codes, method=method)
    gap = np.abs(found.outputs - found.references)
    assert gap.min() > 1
    assert (np.abs(found.residual) <= 0.01 * gap).all()


def test_a_stricter_tolerance_takes_more_steps(learnt):
    model, codes, _ = learnt
    loose, strict = (
        attributions(model, codes[:5], method="integrated_gradients", tolerance=t)
        for t in (0.5, 0.001)
    )
    gap = np.abs(strict.outputs - strict.references)
    assert (np.abs(strict.residual) <= 0.001 * gap * 1.01).all()
    assert np.abs(loose.residual / gap).max() > 0.001


def test_few_steps_are_too_few_and_more_are_named(learnt):
    model, codes, _ = learnt
    with pytest.raises(
        ValueError, match=r"contributions of \d+ of 20 sequences.*Worst is.*raise max_steps"
    ):
        attributions(model, codes, method="integrated_gradients", max_steps=2)
    found = attributions(model, codes, method="integrated_gradients", max_steps=2, tolerance=None)
    assert np.abs(found.residual).max() > 0.01


@pytest.mark.parametrize("method", ["integrated_gradients", "deeplift_shap", "gradient_shap"])
def test_a_hidden_gradient_is_found_out(learnt, method):
    model, codes, _ = learnt
    if method == "gradient_shap":
        attributions(model, codes, method=method)
    with pytest.raises(ValueError, match=r"The contributions of .*tolerance of 1 %"):
        attributions(Halved(model), codes, method=method, max_steps=32)
    found = attributions(Halved(model), codes, method=method, max_steps=32, tolerance=None)
    np.testing.assert_allclose(
        found.residual, (found.outputs - found.references) / 2, atol=3 if "shap" in method else 0.5
    )


def test_a_bend_in_the_target_is_found_out(learnt):
    model, codes, _ = learnt

    def probability(logits):
        return logits[:, 0].sigmoid()

    with pytest.raises(ValueError, match="perhaps in the target"):
        attributions(model, codes, method="deeplift_shap", target=probability)
    attributions(model, codes[:3], method="integrated_gradients", target=probability)


def test_random_draws_are_right_in_the_mean(learnt):
    model, codes, _ = learnt
    asked = {"n_shuffles": 3, "tolerance": None}
    drawn, exact = (
        [attributions(model, codes[:4], method=m, seed=seed, **asked) for seed in range(20)]
        for m in ("gradient_shap", "integrated_gradients")
    )
    again = attributions(model, codes[:4], method="gradient_shap", seed=3, **asked)
    np.testing.assert_array_equal(again.hypothetical, drawn[3].hypothetical)
    means = [np.mean([f.contributions for f in found], axis=0) for found in (drawn, exact)]
    assert np.corrcoef(*(mean.ravel() for mean in means))[0, 1] > 0.98


def test_deeplift_is_captums_where_it_is_right(codes):
    """With no overlap of windows, and no two non-linear modules in a row."""
    torch.manual_seed(0)
    layers = [nn.Conv1d(4, 6, 5), nn.MaxPool1d(2), nn.Conv1d(6, 5, 3), nn.ELU(), nn.Flatten()]
    pooled = nn.Sequential(*layers, nn.Linear(130, 7), nn.Sigmoid(), nn.Linear(7, 2))
    found = attributions(pooled, codes, target=1, method="deeplift_shap", n_shuffles=3, seed=4)
    shuffles = dinucleotide_shuffle(codes, n=3, seed=4)
    hot = torch.from_numpy(one_hot(codes)).requires_grad_()
    with pytest.warns(UserWarning, match="Setting forward, backward hooks"):
        expected = sum(
            DeepLift(pooled).attribute(hot, torch.from_numpy(one_hot(part)), target=1)
            for part in shuffles.transpose(1, 0, 2)
        )
    there = expected.detach().sum(1).numpy() / 3
    np.testing.assert_allclose(found.contributions, there, atol=1e-6)
    assert np.abs(there).max() > 1e-3


@pytest.mark.parametrize(
    "layers",
    [
        [nn.ReLU(), nn.MaxPool1d(3, stride=2, padding=1, ceil_mode=True)],
        [nn.ReLU(), nn.Tanh(), nn.MaxPool1d(4)],
        [nn.MaxPool1d(2), nn.Softplus(), nn.ELU(), nn.Softplus()],
        [nn.MaxPool1d(3), nn.MaxPool1d(2, stride=1), nn.Sigmoid(), nn.LeakyReLU()],
    ],
)
def test_deeplift_adds_up_where_captum_alone_does_not(codes, layers):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(4, 6, 5), *layers, nn.Flatten(), nn.LazyLinear(1)).eval()
    hot, base = (torch.from_numpy(one_hot(part)) for part in (codes[:4], codes[4:]))
    gap = (model(hot) - model(base)).detach().numpy()[:, 0]
    with pytest.warns(UserWarning, match="Setting forward, backward hooks"):
        alone = DeepLift(model).attribute(hot.requires_grad_(), base).detach().sum((1, 2)).numpy()
    assert np.abs(alone - gap).max() > 0.02 * np.abs(gap).max()
    found = attributions(model, codes, method="deeplift_shap", tolerance=1e-4)
    assert np.abs(found.residual).max() < 1e-4 * np.abs(gap).max()


def test_deeplift_of_both_strands_is_the_mean_of_the_two(codes):
    torch.manual_seed(0)
    single = models.SequenceCNNConfig(n_filters=6, filter_width=7, reverse_complement=False)
    both = models.SequenceCNNConfig(n_filters=6, filter_width=7)
    one, two = models.SequenceCNN(single).eval(), models.SequenceCNN(both).eval()
    two.load_state_dict(one.state_dict())
    found = attributions(two, codes, method="deeplift_shap", n_shuffles=1)
    shuffled = dinucleotide_shuffle(codes, n=1, seed=0)[:, 0]
    hot, base = (torch.from_numpy(one_hot(part)) for part in (codes, shuffled))
    expected = 0
    for flips in ((), (1, 2)):
        read = [part.flip(flips) if flips else part for part in (hot, base)]
        with pytest.warns(UserWarning, match="Setting forward, backward hooks"):
            part = DeepLift(visible(one)).attribute(read[0].requires_grad_(), read[1])
        expected = expected + (part.flip(flips) if flips else part).detach().sum(1).numpy() / 2
    np.testing.assert_allclose(found.contributions, expected, atol=1e-6)


@pytest.mark.parametrize(
    "model",
    [
        models.SequenceCNN(),
        models.MotifCNN(models.MotifCNNConfig(n_filters=5)),
        models.DilatedCNN(models.DilatedCNNConfig(n_filters=4, head="per_base", n_outputs=2)),
        models.DilatedCNN(
            models.DilatedCNNConfig(n_filters=4, head="profile", n_outputs=2, stranded=True)
        ),
        models.Ensemble.of([models.SequenceCNN(), models.MotifCNN()]),
    ],
)
def test_the_visible_copy_answers_as_the_model_does(codes, model):
    model = model.eval()
    hot = torch.from_numpy(one_hot(codes))
    with torch.no_grad():
        pairs = zip(
            *(out if isinstance(out, tuple) else (out,) for out in _both(model, hot)), strict=True
        )
        for one, other in pairs:
            torch.testing.assert_close(one, other)


def _both(model, hot):
    return model(hot), visible(model)(hot)


def test_what_does_not_change_has_its_own_gradient(pooled, codes):
    """Where the shuffle has the same letters, hypothetical contributions still are its own."""
    whole = attributions(pooled, codes, method="deeplift_shap", n_shuffles=2)
    for row in (1, 2):
        alone = attributions(pooled, codes[: row + 1], method="deeplift_shap", n_shuffles=2)
        np.testing.assert_allclose(whole.hypothetical[row], alone.hypothetical[row], atol=1e-6)
    single = attributions(pooled, codes, method="deeplift_shap", n_shuffles=2, batch_size=2)
    np.testing.assert_allclose(whole.hypothetical, single.hypothetical, atol=1e-6)
