"""Attributions: exact where the answer is known, complete where it is promised."""

import numpy as np
import pytest
import torch
from torch import nn

from grnet._alphabet import reverse_complement
from grnet.dna.encode import one_hot
from grnet.dna.sample import dinucleotide_shuffle
from grnet.explain.attribution import Attributions, attributions
from grnet.models import KmerTokens, SequenceTransformer, SequenceTransformerConfig
from grnet.models.sequence import (
    DilatedCNN,
    DilatedCNNConfig,
    SequenceCNN,
    SequenceCNNConfig,
    SequenceCNNLSTM,
    SequenceCNNLSTMConfig,
)

METHODS = (
    *("saturation_mutagenesis", "integrated_gradients", "input_x_gradient"),
    *("deeplift_shap", "gradient_shap"),
)
each_method = pytest.mark.parametrize("method", METHODS)
every_method = pytest.mark.parametrize("method", [*METHODS, "saliency", "feature_ablation"])


class Linear(nn.Module):
    """A weight for each letter at each position."""

    def __init__(self, length, *, shift=0.0):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.weight = nn.Parameter(torch.randn(2, 4, length, generator=generator) + shift)

    def forward(self, hot):
        return torch.einsum("nbl,tbl->nt", hot, self.weight)


class WordCount(nn.Module):
    """A model of codes without any gradient: how often GA occurs."""

    def forward(self, codes):
        if codes.dtype != torch.uint8:
            message = "codes only"
            raise TypeError(message)
        return ((codes[:, :-1] == 2) & (codes[:, 1:] == 0)).sum(1).float()


@pytest.fixture(scope="module")
def codes():
    rows = np.random.default_rng(0).integers(4, size=(6, 30), dtype=np.uint8)
    rows[1, 7:9] = 4
    return rows


@pytest.fixture(scope="module")
def cnn():
    torch.manual_seed(0)
    config = SequenceCNNConfig(n_outputs=3, n_filters=8, filter_width=7, n_hidden=8)
    return SequenceCNN(config).eval()


@each_method
def test_a_linear_model_gets_its_own_weights(codes, method):
    model = Linear(30)
    found = attributions(model, codes, target=1, method=method, n_shuffles=4)
    weight = model.weight[1].detach().numpy()
    known = np.where(codes[:, None] < 4, weight - weight.mean(axis=0), 0)
    mean = found.hypothetical.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(found.hypothetical - mean, known, atol=1e-5)
    assert found.hypothetical.dtype == np.float32
    np.testing.assert_allclose(found.outputs, (one_hot(codes) * weight).sum((1, 2)), rtol=1e-5)


@each_method
def test_what_all_letters_share_does_not_count(codes, method):
    one = attributions(Linear(30), codes, method=method, n_shuffles=3)
    other = attributions(Linear(30, shift=7.0), codes, method=method, n_shuffles=3)
    np.testing.assert_allclose(one.hypothetical, other.hypothetical, atol=1e-4)


def test_mutagenesis_is_what_a_plain_loop_gives(codes, cnn):
    found = attributions(cnn, codes, target=2, n_shuffles=1, batch_size=17)
    for n, position in ((0, 0), (1, 6), (5, 29)):
        mutants = np.repeat(codes[n : n + 1], 4, axis=0)
        mutants[:, position] = range(4)
        with torch.inference_mode():
            outputs = cnn(torch.from_numpy(mutants))[:, 2].numpy()
        np.testing.assert_allclose(
            found.hypothetical[n, :, position], outputs - outputs.mean(), atol=1e-5
        )
    assert not found.hypothetical[1, :, 7:9].any()


def test_integrated_gradients_add_up(codes, cnn):
    found = attributions(cnn, codes, method="integrated_gradients", n_shuffles=20)
    gap = found.outputs - found.references
    assert np.abs(found.residual).max() < 0.1 * np.abs(gap).max()
    rough = attributions(cnn, codes, method="input_x_gradient", n_shuffles=20)
    assert np.abs(rough.residual).max() > 2 * np.abs(found.residual).max()


def test_references_are_the_outputs_of_shuffles(codes, cnn):
    found = attributions(cnn, codes, target=1, method="input_x_gradient", n_shuffles=5, seed=3)
    shuffles = dinucleotide_shuffle(codes, n=5, seed=3)
    with torch.inference_mode():
        outputs = cnn(torch.from_numpy(shuffles.reshape(-1, 30)))[:, 1].reshape(6, 5)
    np.testing.assert_allclose(found.references, outputs.mean(1).numpy(), rtol=1e-4, atol=1e-6)
    total = found.contributions.sum(axis=1)
    np.testing.assert_allclose(found.residual, found.outputs - found.references - total, atol=1e-5)


@pytest.mark.parametrize("method", ["saturation_mutagenesis", "input_x_gradient"])
def test_the_other_strand_turns_them_round(codes, cnn, method):
    one = attributions(cnn, codes, method=method, n_shuffles=1)
    other = attributions(cnn, reverse_complement(codes), method=method, n_shuffles=1)
    np.testing.assert_allclose(one.hypothetical, other.hypothetical[:, ::-1, ::-1], atol=1e-5)


def test_models_of_codes_alone_are_mutated_and_have_no_gradient(codes):
    found = attributions(WordCount(), codes, n_shuffles=2)
    pairs = (codes[:, :-1] == 2) & (codes[:, 1:] == 0)
    inside = found.contributions[:, :-1][pairs]
    assert len(inside) > 3
    assert (inside > 0.4).all()
    for method in ("integrated_gradients", "input_x_gradient"):
        with pytest.raises(ValueError, match=r"codes only.*Use method='saturation_mutagenesis'"):
            attributions(WordCount(), codes, method=method)


def test_a_model_that_cuts_its_gradient_is_told_so(codes):
    class Rounded(Linear):
        def forward(self, hot):
            return super().forward(hot).detach().round()

    with pytest.raises(ValueError, match="no gradient with respect to the letters"):
        attributions(Rounded(30), codes, method="input_x_gradient")


@pytest.mark.parametrize(
    ("model", "target"),
    [
        (DilatedCNN(DilatedCNNConfig(n_filters=4, n_layers=2, head="profile", n_outputs=2)), 1),
        (DilatedCNN(DilatedCNNConfig(n_filters=4, n_layers=2, head="per_base")), 0),
        (
            DilatedCNN(DilatedCNNConfig(n_filters=4, n_layers=2, head="per_base")),
            lambda outputs: outputs[:, 0, 12],
        ),
        (SequenceCNNLSTM(SequenceCNNLSTMConfig(n_filters=4, n_units=3)), 0),
    ],
)
@every_method
def test_every_head_can_be_asked(codes, model, target, method):
    if method == "deeplift_shap" and isinstance(model, SequenceCNNLSTM):
        pytest.skip("refused, see test_audit")
    found = attributions(model, codes, target=target, method=method, n_shuffles=2)
    assert found.hypothetical.shape == (6, 4, 30)
    assert np.isfinite(found.residual).all() == (method != "saliency")
    assert found.hypothetical.any()


@every_method
def test_the_model_and_the_caller_are_left_as_found(codes, cnn, method):
    cnn.train()
    cnn.head.eval()
    before, drawn = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    attributions(cnn, codes, method=method, n_shuffles=4)
    assert cnn.training
    assert not cnn.head.training
    assert all(p.grad is None for p in cnn.parameters())
    assert torch.is_grad_enabled()
    assert torch.equal(before, torch.get_rng_state())
    np.testing.assert_array_equal(drawn, np.random.get_state()[1])  # noqa: NPY002
    for module in cnn.modules():
        for hooks in (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks):
            assert not hooks
    cnn.eval()


@every_method
def test_batches_do_not_matter_and_seeds_repeat(codes, cnn, method):
    one = attributions(cnn, codes, method=method, n_shuffles=3, seed=1)
    other = attributions(cnn, codes, method=method, n_shuffles=3, seed=1, batch_size=5)
    np.testing.assert_allclose(one.hypothetical, other.hypothetical, atol=1e-5)
    np.testing.assert_allclose(one.references, other.references, atol=1e-5)
    assert not one.contributions[codes == 4].any()


def test_errors_say_what_to_do(codes, cnn):
    with pytest.raises(ValueError, match="Did you mean 'integrated_gradients'"):
        attributions(cnn, codes, method="integrated_gradient")
    with pytest.raises(ValueError, match="target=3 is no output of the model: it has 3"):
        attributions(cnn, codes, target=3)
    with pytest.raises(ValueError, match=r"target returned \(6, 3\)"):
        attributions(cnn, codes, target=lambda outputs: outputs)
    with pytest.raises(ValueError, match="Found float32 of shape"):
        attributions(cnn, one_hot(codes))
    with pytest.raises(ValueError, match=r"neither uint8 codes.*nor floats"):
        attributions(Linear(29), codes)
    with pytest.raises(ValueError, match="do not belong to codes"):
        Attributions(np.zeros((6, 4, 29), dtype=np.float32), codes)


@pytest.mark.parametrize("method", ["input_x_gradient", "deeplift_shap", "saliency"])
def test_a_model_of_words_is_asked_by_mutagenesis(codes, method):
    words = SequenceTransformerConfig(tokens=KmerTokens(3), depth=1, width=8)
    model = SequenceTransformer(words)
    with pytest.raises(ValueError, match=r"no gradient.*Use method='saturation_mutagenesis'"):
        attributions(model, codes, method=method)
    found = attributions(model, codes[:2], method="saturation_mutagenesis")
    assert np.abs(found.hypothetical).max() > 0


def test_attributions_of_an_array_have_no_completeness(codes):
    found = Attributions(one_hot(codes), codes)
    np.testing.assert_array_equal(found.contributions, codes < 4)
    assert np.isnan(found.residual).all()
    assert repr(found) == "Attributions('unknown', 6 x 30, median |residual| nan)"
