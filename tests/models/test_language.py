"""The language model and the transformer for tasks."""

import dataclasses

import numpy as np
import pytest
import torch

import grnet as gn
from grnet.models.language import as_codes

TOKENS = [
    gn.models.KmerTokens(3),
    gn.models.KmerTokens(3, overlapping=False),
    gn.models.KmerTokens(2, overlapping=False, begin=True),
]
each_tokens = pytest.mark.parametrize("tokens", TOKENS, ids=["overlapping", "in turn", "begun"])
SMALL = {"width": 16, "depth": 2, "heads": 2}


def sequences(n=6, length=31, *, seed=0):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.choice(5, (n, length), p=[0.24] * 4 + [0.04]).astype(np.uint8))


def scrambled(model, *, seed=0):
    """Weights of order one, so that small mistakes show."""
    rng = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        parameter.data += 0.3 * torch.randn(parameter.shape, generator=rng)
    return model.eval()


def transformer(**settings):
    config = gn.models.SequenceTransformerConfig(**(SMALL | settings))
    return scrambled(gn.models.SequenceTransformer(config))


@each_tokens
@pytest.mark.parametrize(
    ("head", "shape"),
    [
        ("binary", (6, 3)),
        ("regression", (6, 3)),
        ("multiclass", (6, 3)),
        ("per_base", (6, 3, 31)),
    ],
)
def test_both_strands_give_the_same(tokens, head, shape):
    model = transformer(tokens=tokens, head=head, n_outputs=3)
    codes = sequences()
    reverse = torch.tensor([3, 2, 1, 0, 4], dtype=torch.uint8)[codes.long().flip(1)]
    with torch.inference_mode():
        forward, backward = model(codes), model(reverse)
    assert forward.shape == shape
    assert forward.std() > 1e-3
    expected = backward.flip(-1) if head == "per_base" else backward
    torch.testing.assert_close(forward, expected, atol=1e-4, rtol=1e-4)


@each_tokens
def test_one_hot_and_codes_give_the_same_and_n_is_no_base(tokens):
    model = transformer(tokens=tokens)
    codes = sequences()
    hot = torch.nn.functional.one_hot(codes.long(), 5)[..., :4].transpose(1, 2).float()
    assert torch.equal(as_codes(hot), codes)
    assert (as_codes(torch.full((1, 4, 3), 0.25)) == 4).all()
    with torch.inference_mode():
        torch.testing.assert_close(model(hot), model(codes))
        as_a = codes.masked_fill(codes == 4, 0)
        assert (model(as_a) - model(codes)).abs().max() > 1e-4


@pytest.mark.parametrize("position", ["alibi", "rotary", "learned"])
@pytest.mark.parametrize("norm", ["pre", "post"])
def test_filled_up_rows_do_not_change_others(position, norm):
    """Sequences with N have more tokens: what fills the other rows up must not be seen."""
    model = transformer(
        tokens=gn.models.KmerTokens(3, overlapping=False), position=position, norm=norm
    )
    codes = sequences(n=8)
    with torch.inference_mode():
        together = model(codes)
        alone = torch.cat([model(row[None]) for row in codes])
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("position", ["alibi", "rotary", "learned"])
def test_order_of_tokens_counts(position):
    tokens = gn.models.KmerTokens(1)
    config = gn.models.DNALanguageModelConfig(tokens=tokens, position=position, local=0, **SMALL)
    model = scrambled(gn.models.DNALanguageModel(config))
    codes = sequences(n=2)
    shuffled = codes[:, torch.randperm(31, generator=torch.Generator().manual_seed(1))]
    with torch.inference_mode():
        assert (model.embed(codes) - model.embed(shuffled)).abs().max() > 1e-3


def test_rotary_attention_sees_distances_only():
    """A pattern moved along a sequence of N gets the same scores: only differences count."""
    config = gn.models.DNALanguageModelConfig(
        tokens=gn.models.KmerTokens(1), position="rotary", local=0, **SMALL
    )
    encoder = scrambled(gn.models.DNALanguageModel(config)).encoder
    ids = torch.tensor([[4, 5, 6, 7, 5]])
    filled = torch.tensor([[0, 0, 0, 4, 5, 6, 7, 5]])
    with torch.inference_mode():
        plain = encoder(ids)
        moved = encoder(filled, filled != 0)[:, 3:]
    torch.testing.assert_close(plain, moved, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("tokens", [*TOKENS, "bpe"])
def test_models_survive_files(tmp_path, tokens):
    if tokens == "bpe":
        pytest.importorskip("tokenizers")
        tokens = gn.models.BytePairTokens.learn(sequences().numpy(), size=24)
    codes = sequences()
    config = gn.models.DNALanguageModelConfig(tokens=tokens, **SMALL)
    for model in (
        transformer(tokens=tokens, head="per_base"),
        scrambled(gn.models.DNALanguageModel(config)),
    ):
        file = gn.models.save(model, tmp_path / "model.safetensors")
        back = gn.models.load(file)
        assert back.config == model.config
        with torch.inference_mode():
            assert torch.equal(back(codes), model(codes))


def test_tied_models_stay_tied_after_a_file(tmp_path):
    config = gn.models.DNALanguageModelConfig(tokens=gn.models.KmerTokens(2), **SMALL)
    file = gn.models.save(gn.models.DNALanguageModel(config), tmp_path / "model.safetensors")
    back = gn.models.load(file)
    assert back.head[-1].weight is back.encoder.embed.weight


def test_new_head_on_an_old_encoder():
    config = gn.models.DNALanguageModelConfig(tokens=gn.models.KmerTokens(3), **SMALL)
    language = scrambled(gn.models.DNALanguageModel(config))
    make = gn.models.SequenceTransformer.from_language_model
    state = torch.random.get_rng_state()
    model, again = make(language, n_outputs=2), make(language, n_outputs=2)
    assert torch.equal(state, torch.random.get_rng_state())
    codes = sequences()
    ids = config.tokens.encode(codes).ids
    with torch.inference_mode():
        torch.testing.assert_close(model.eval().encoder(ids), language.encoder(ids))
        torch.testing.assert_close(model(codes), again.eval()(codes))
    # a copy: training the one leaves the other as it is
    before = language.encoder.embed.weight.clone()
    model.encoder.embed.weight.data += 1
    assert torch.equal(language.encoder.embed.weight, before)


def test_frozen_encoders_do_not_train():
    config = gn.models.DNALanguageModelConfig(tokens=gn.models.KmerTokens(3), **SMALL)
    language = gn.models.DNALanguageModel(config)
    model = gn.models.SequenceTransformer.from_language_model(language, freeze=True)
    codes = sequences(n=32).numpy()
    data = gn.train.SequenceData(codes, (codes[:, 0] == 1).astype(np.float32))
    fit = gn.train.fit(model, data, settings=gn.train.FitSettings(max_epochs=1, batch_size=8))
    for name, weight in fit.model.encoder.state_dict().items():
        assert torch.equal(weight, language.encoder.state_dict()[name])
    head = gn.models.SequenceTransformer.from_language_model(language).head.state_dict()
    assert any(not torch.equal(head[name], w) for name, w in fit.model.head.state_dict().items())


def test_a_transformer_learns_a_planted_motif():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (800, 40), dtype=np.uint8)
    labels = (np.arange(800) % 2).astype(np.float32)
    motif = np.array([2, 0, 3, 3, 0, 1, 0], dtype=np.uint8)
    for row in np.flatnonzero(labels):
        place = rng.integers(0, 33)
        codes[row, place : place + 7] = motif
    data = gn.train.SequenceData(codes, labels)
    config = gn.models.SequenceTransformerConfig(
        tokens=gn.models.KmerTokens(3), width=32, depth=1, heads=2, reverse_complement=False
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = gn.models.SequenceTransformer(config)
    settings = gn.train.FitSettings(max_epochs=8, batch_size=32, learning_rate=3e-3)
    fit = gn.train.fit(
        model,
        data.take(np.arange(600)),
        validation=data.take(np.arange(600, 800)),
        settings=settings,
    )
    assert fit.metrics["auroc"] > 0.95


@pytest.mark.parametrize("position", ["alibi", "rotary", "learned"])
def test_half_precision_gives_about_the_same(position):
    """As training does on a GPU."""
    model = transformer(tokens=gn.models.KmerTokens(3, overlapping=False), position=position)
    codes = sequences()
    with torch.inference_mode():
        exact = model(codes)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            half = model(codes).float()
    torch.testing.assert_close(half, exact, atol=0.2, rtol=0.1)


def test_gradients_of_embeddings_come_back_to_bases():
    """The way to attribute: tokens cannot be differentiated by bases, their vectors can."""
    model = transformer(tokens=gn.models.KmerTokens(3), reverse_complement=False)
    codes = sequences(n=2)
    kept = []
    handle = model.encoder.embed.register_forward_hook(
        lambda _module, _inputs, output: kept.append(output) or output.retain_grad()
    )
    model(codes).sum().backward()
    handle.remove()
    scores = (kept[0] * kept[0].grad).sum(-1)
    bases = model.config.tokens.encode(codes).to_bases(scores, codes.shape[1])
    assert bases.shape == codes.shape
    torch.testing.assert_close(bases.sum(1), scores.sum(1), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"position": "absolute"}, "Unknown position 'absolute'"),
        ({"width": 30, "heads": 4}, "width=30 does not go into heads=4"),
        ({"width": 12, "heads": 4, "position": "rotary"}, "whole, even number"),
        ({"local": 4}, "local=4 is even: give an odd number"),
        ({"head": "profile"}, "Unknown head 'profile'"),
        ({"dropout": 1.0}, r"dropout=1\.0 is out of range"),
    ],
)
def test_wrong_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        gn.models.SequenceTransformerConfig(**settings)


def test_too_long_for_learned_positions():
    model = transformer(tokens=gn.models.KmerTokens(3), position="learned", max_tokens=10)
    with pytest.raises(ValueError, match="have 29 tokens, the model knows 10 places"):
        model(sequences())


def test_configs_are_values():
    config = gn.models.SequenceTransformerConfig(tokens=gn.models.KmerTokens(4), n_outputs=2)
    assert gn.models.SequenceTransformerConfig(**dataclasses.asdict(config)) == config
    assert hash(config) == hash(dataclasses.replace(config))
