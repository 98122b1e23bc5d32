"""Sequence models: both strands alike, N is nothing, files give the same model back."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import grnet as gn
from grnet.models._heads import ProfileCounts

HEADS = {
    "cnn": (
        gn.models.SequenceCNN,
        gn.models.SequenceCNNConfig,
        ("binary", "regression", "multiclass"),
    ),
    "motif": (
        gn.models.MotifCNN,
        gn.models.MotifCNNConfig,
        ("binary", "regression", "multiclass"),
    ),
    "lstm": (gn.models.SequenceCNNLSTM, gn.models.SequenceCNNLSTMConfig, ("binary", "per_base")),
    "dilated": (
        gn.models.DilatedCNN,
        gn.models.DilatedCNNConfig,
        ("binary", "per_base", "profile"),
    ),
}
CASES = [(kind, head) for kind, (_, _, heads) in HEADS.items() for head in heads]


def made(kind, head, **more):
    torch.manual_seed(0)
    model, config, _ = HEADS[kind]
    return model(config(n_outputs=4, head=head, n_filters=8, **more)).eval()


def codes(n=6, length=50, seed=0):
    return torch.from_numpy(
        np.random.default_rng(seed).integers(0, 5, (n, length)).astype(np.uint8)
    )


def parts(outputs):
    return tuple(outputs) if isinstance(outputs, ProfileCounts) else (outputs,)


@pytest.mark.parametrize(("kind", "head"), CASES)
def test_codes_and_one_hot_give_the_same(kind, head):
    model, x = made(kind, head), codes()
    for a, b in zip(parts(model(x)), parts(model(gn.dna.one_hot(x))), strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize(("kind", "head"), CASES)
def test_the_other_strand_gives_the_same_turned_round(kind, head):
    model, x = made(kind, head), codes()
    other = model(torch.from_numpy(gn.dna.reverse_complement(x.numpy())))
    for a, b in zip(parts(model(x)), parts(other), strict=True):
        has_places = a.ndim == 3
        torch.testing.assert_close(a, b.flip(-1) if has_places else b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("head", ["binary", "per_base", "profile"])
def test_strands_of_a_task_change_places(head):
    model, x = made("dilated", head, stranded=True), codes()
    here, there = model(x), model(torch.from_numpy(gn.dna.reverse_complement(x.numpy())))
    for a, b in zip(parts(here), parts(there), strict=True):
        swapped = b[:, [1, 0, 3, 2]]
        expected = swapped.flip(-1) if a.ndim == 3 else swapped
        torch.testing.assert_close(a, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["cnn", "motif"])
def test_without_averaging_strands_differ(kind):
    model, x = made(kind, "binary", reverse_complement=False), codes()
    other = model(torch.from_numpy(gn.dna.reverse_complement(x.numpy())))
    assert not torch.allclose(model(x), other, atol=1e-4)


def test_stranded_outputs_come_in_pairs():
    with pytest.raises(ValueError, match="come in pairs, but n_outputs=3 is odd"):
        gn.models.DilatedCNNConfig(n_outputs=3, stranded=True)


@pytest.mark.parametrize(
    "x", [torch.zeros(3, 5, 20), torch.zeros(3, 20), torch.zeros(3, 4, 20, dtype=torch.int64)]
)
def test_other_inputs_are_told(x):
    with pytest.raises(ValueError, match="expected uint8 codes"):
        made("cnn", "binary")(x)


def test_unknown_heads_are_answered_with_the_choices():
    with pytest.raises(ValueError, match=r"Unknown head 'profile'.*binary, regression, multiclass"):
        gn.models.SequenceCNNConfig(head="profile")


@pytest.mark.parametrize(("kind", "head"), CASES)
def test_files_give_the_same_model_back(kind, head, tmp_path):
    model, x = made(kind, head), codes()
    file = gn.models.save(model, tmp_path / "model.safetensors", facts={"tasks": ["a", "b"]})
    back = gn.models.load(file)
    assert back.config == model.config
    assert back.facts == {"tasks": ["a", "b"]}
    for a, b in zip(parts(model(x)), parts(back(x)), strict=True):
        assert torch.equal(a, b)


def test_an_ensemble_is_the_mean_of_its_members_and_survives_a_file(tmp_path):
    members = [made("cnn", "binary"), made("lstm", "binary")]
    both, x = gn.models.Ensemble.of(members), codes()
    torch.testing.assert_close(both(x), (members[0](x) + members[1](x)) / 2)
    back = gn.models.load(gn.models.save(both, tmp_path / "both.safetensors"))
    assert torch.equal(back(x), both(x))


def test_members_must_answer_alike():
    with pytest.raises(ValueError, match="must answer alike"):
        gn.models.Ensemble.of([made("cnn", "binary"), made("cnn", "multiclass")])


def test_damaged_and_foreign_files_are_told(tmp_path):
    file = gn.models.save(made("cnn", "binary"), tmp_path / "model.safetensors")
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"damaged or no model.*truncated"):
        gn.models.load(file)
    adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    graph = gn.graph.build(adata, known=adata.uns["grnet_truth"], n_components=4)
    other = gn.graph.save(graph, tmp_path / "graph.safetensors")
    with pytest.raises(ValueError, match="holds tensors, but no model"):
        gn.models.load(other)


def test_prediction_leaves_mode_and_random_state_as_found():
    model = made("cnn", "binary").train()
    model.head[0].eval()
    before = torch.random.get_rng_state()
    probabilities = gn.models.predict(model, codes().numpy(), batch_size=4)
    assert model.training
    assert not model.head[0].training
    assert torch.equal(torch.random.get_rng_state(), before)
    logits = gn.models.predict(model, codes().numpy(), raw=True)
    np.testing.assert_allclose(probabilities, 1 / (1 + np.exp(-logits)), rtol=1e-5)


def test_profiles_are_predicted_as_counts_per_base():
    model = made("dilated", "profile")
    profile = gn.models.predict(model, codes().numpy())
    totals = np.maximum(np.expm1(gn.models.predict(model, codes().numpy(), raw=True)), 0)
    np.testing.assert_allclose(profile.sum(-1), totals, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["relu", "gelu", "elu", "softplus", "silu"])
def test_every_activation_is_a_module_of_its_own(name):
    model = made("cnn", "binary", activation=name)
    kinds = [m for m in model.modules() if type(m).__name__.lower() == name]
    assert len(kinds) == len({id(m) for m in kinds}) >= 3
    with pytest.raises(ValueError, match="Unknown activation"):
        gn.models.SequenceCNN(replace(model.config, activation="swish"))


def test_gpu_gives_what_the_cpu_gives():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    model = made("cnn", "binary")
    ours = gn.models.predict(model, codes().numpy(), device="cpu")
    np.testing.assert_allclose(gn.models.predict(model, codes().numpy()), ours, atol=1e-4)
