"""The audit names what a method cannot see through, and nothing else."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from grnet import models
from grnet.explain import attributions, audit_modules


@pytest.fixture(scope="module")
def codes():
    return np.random.default_rng(0).integers(4, size=(3, 40), dtype=np.uint8)


def hidden(model, codes, method="deeplift_shap"):
    found = audit_modules(model, codes, method=method)
    assert set(found["verdict"]) <= {"seen", "hidden"}
    return found.loc[found["verdict"] == "hidden"].set_index("name")["why"].to_dict()


class Layered(nn.Module):
    """A model whose layers are given."""

    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv1d(4, 3, 5), *layers, nn.Flatten(), nn.LazyLinear(1))
        self.layers(torch.zeros(1, 4, 40))

    def forward(self, hot):
        return self.layers(hot)


class Reused(Layered):
    """The same activation twice."""

    def __init__(self):
        super().__init__(nn.ReLU())

    def forward(self, hot):
        return super().forward(self.layers[1](hot - 0.5))


class Bare(Layered):
    """A function outside of a module."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, hot):
        return self.layers[2](self.layers[1](self.function(self.layers[0](hot))))


@pytest.mark.parametrize("layer", [nn.GELU(), nn.SiLU(), nn.LayerNorm(36), nn.Softsign()])
def test_layers_without_a_rule_are_named(codes, layer):
    found = hidden(Layered(layer), codes)
    assert list(found) == ["layers.1"]
    assert "no rule" in found["layers.1"]


@pytest.mark.parametrize(
    "layer",
    [
        *[nn.ReLU(), nn.ELU(), nn.LeakyReLU(), nn.Sigmoid(), nn.Tanh(), nn.Softplus()],
        *[nn.MaxPool1d(3), nn.BatchNorm1d(3), nn.Dropout(0.5), nn.AvgPool1d(4), nn.Identity()],
    ],
)
def test_layers_with_a_rule_are_seen_and_add_up(codes, layer):
    model = Layered(layer)
    assert not hidden(model, codes)
    found = attributions(model, codes, method="deeplift_shap", n_shuffles=4, tolerance=1e-3)
    gap = np.abs(found.outputs[:, None] - found.references[:, None])
    assert np.abs(found.residual).max() < 1e-4 * gap.max()


def test_a_rule_that_does_not_add_up_is_named(codes):
    assert hidden(Layered(nn.Softmax(1)), codes) == {
        "layers.1": "its rule in Captum's DeepLIFT does not add up"
    }


def test_a_module_used_twice_is_named(codes):
    found = hidden(Reused(), codes)
    assert list(found) == ["layers.1"]
    assert "used 2 times" in found["layers.1"]


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (torch.relu, "relu"),
        (functional.gelu, "gelu"),
        (lambda x: x.clamp(min=0), "clamp"),
        (lambda x: x * x.sigmoid(), "sigmoid, mul"),
        (lambda x: x * x, "mul"),
        (lambda x: x @ x.transpose(1, 2) @ x, "matmul"),
    ],
)
def test_functions_outside_of_modules_are_named(codes, function, name):
    found = hidden(Bare(function), codes)
    assert list(found) == [""]
    assert found[""] == f"calls {name} outside of a module"


def test_straight_functions_are_no_reason(codes):
    assert not hidden(Bare(lambda x: 2 * x.flip(-1) + x.mean(-1, keepdim=True) - 1), codes)


@pytest.mark.parametrize(
    "model",
    [
        models.SequenceCNN(),
        models.SequenceCNN(models.SequenceCNNConfig(reverse_complement=False)),
        models.DilatedCNN(models.DilatedCNNConfig(n_filters=4, n_layers=2, head="profile")),
        models.MotifCNN(models.MotifCNNConfig(n_filters=4)),
        models.Ensemble.of([models.SequenceCNN(), models.MotifCNN()]),
    ],
)
def test_convolutional_models_of_grnet_are_seen(codes, model):
    found = audit_modules(model, codes)
    assert (found["verdict"] == "seen").all()
    assert found["name"].is_unique
    assert found["name"].isin(dict(model.named_modules())).all()


def test_models_of_grnet_that_are_hidden_name_the_part(codes):
    assert list(hidden(models.SequenceCNNLSTM(), codes)) == ["lstm"]
    gelu = models.SequenceCNN(models.SequenceCNNConfig(activation="gelu"))
    assert {"body.2", "head.2"} <= set(hidden(gelu, codes))


def test_words_have_no_gradient_and_outputs_suffice_for_mutagenesis(codes):
    config = models.SequenceTransformerConfig(tokens=models.KmerTokens(3), depth=1, width=8)
    model = models.SequenceTransformer(config)
    assert "no gradient" in hidden(model, codes, "saliency")["encoder.embed"]
    assert not hidden(model, codes, "integrated_gradients")
    assert not hidden(model, codes, "saturation_mutagenesis")
    assert not hidden(models.SequenceCNNLSTM(), codes, "integrated_gradients")
    rolled = hidden(model, codes, "attention_rollout")
    assert "encoder.blocks.0" not in rolled
    assert "encoder.local" in rolled


def test_refusal_names_the_module_and_what_to_use_instead(codes):
    with pytest.raises(
        ValueError, match=r"through lstm \(LSTM\).*Use method='integrated_gradients' or 'satur"
    ):
        attributions(models.SequenceCNNLSTM(), codes, method="deeplift_shap", n_shuffles=2)
    with pytest.raises(ValueError, match=r"the model \(Bare\): calls relu outside of a module"):
        attributions(Bare(torch.relu), codes, method="deeplift_shap", n_shuffles=2)


def test_the_audit_leaves_the_model_alone(codes):
    model = models.SequenceCNN().train()
    model.head.eval()
    audit_modules(model, codes)
    audit_modules(model, codes, method="saliency")
    assert model.training
    assert not model.head.training
    assert all(weight.requires_grad and weight.grad is None for weight in model.parameters())
    for module in model.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks


def test_wrong_input_is_told(codes):
    with pytest.raises(ValueError, match="Did you mean 'deeplift_shap'"):
        audit_modules(models.SequenceCNN(), codes, method="deeplift_shp")
    with pytest.raises(ValueError, match="neither uint8 codes"):
        audit_modules(Layered(nn.ReLU()))
