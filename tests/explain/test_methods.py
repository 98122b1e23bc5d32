"""What each further method computes, and that it finds what is planted."""

import numpy as np
import pytest
import torch
from torch import nn

from grnet import models
from grnet.dna import dinucleotide_shuffle
from grnet.explain import attributions, precision_at_k


@pytest.mark.parametrize(
    ("method", "least"),
    [
        ("saturation_mutagenesis", 0.8),
        ("integrated_gradients", 0.8),
        ("deeplift_shap", 0.8),
        ("gradient_shap", 0.8),
        ("input_x_gradient", 0.8),
        ("saliency", 0.7),
        ("feature_ablation", 0.5),
    ],
)
def test_planted_sites_are_found(learnt, method, least):
    model, codes, places = learnt
    found = attributions(model, codes, method=method, width=5)
    assert precision_at_k(found.contributions, places).mean() >= least
    new = models.SequenceCNN(model.config).eval()
    control = attributions(new, codes, method="saliency")
    assert precision_at_k(control.contributions, places).mean() < 0.4


def test_saliency_is_the_size_of_the_corrected_gradient(learnt):
    model, codes, _ = learnt
    signed = attributions(model, codes, method="input_x_gradient")
    found = attributions(model, codes, method="saliency")
    np.testing.assert_array_equal(found.hypothetical, np.abs(signed.hypothetical))
    assert (signed.hypothetical < 0).any()
    assert np.isnan(found.residual).all()


@pytest.mark.parametrize(("width", "batch_size"), [(7, 512), (80, 512), (3, 4)])
def test_ablation_is_what_a_plain_loop_gives(learnt, width, batch_size):
    model, codes, _ = learnt
    rows = codes[:2].copy()
    rows[1, 2:4] = 4
    found = attributions(
        model, rows, method="feature_ablation", width=width, n_shuffles=3, batch_size=batch_size
    )
    shuffles = dinucleotide_shuffle(rows, n=3, seed=0)
    for row in range(2):
        for start in range(0, 80, width):
            window = slice(start, start + width)
            changed = np.repeat(rows[row][None], 3, axis=0)
            changed[:, window] = shuffles[row, :, window]
            with torch.no_grad():
                lost = found.outputs[row] - model(torch.from_numpy(changed)).numpy().mean()
            known = rows[row, window] < 4
            np.testing.assert_allclose(
                found.contributions[row, window], known * lost / known.sum(), atol=1e-5
            )


def test_ablation_takes_models_of_codes_alone(learnt):
    class Count(nn.Module):
        def forward(self, codes):
            if codes.dtype != torch.uint8:
                message = "codes only"
                raise TypeError(message)
            return (codes == 2).sum(1).float()

    _, codes, _ = learnt
    found = attributions(Count(), codes, method="feature_ablation", width=1)
    shuffled = (dinucleotide_shuffle(codes, n=20, seed=0) == 2).mean(axis=1)
    np.testing.assert_allclose(found.contributions, (codes == 2) - shuffled, atol=1e-6)


class Looker(nn.Module):
    """Every base attends to the letters T, and nothing is learnt."""

    def __init__(self, *, by="function", pool=1):
        super().__init__()
        self.by, self.pool = by, pool
        self.attention = nn.MultiheadAttention(4, 1, bias=False, batch_first=True)
        weight = torch.zeros(12, 4)
        weight[:4, :] = 9.0
        weight[4:8, 3] = 9.0
        weight[8:] = torch.eye(4)
        self.attention.in_proj_weight.data = weight

    def forward(self, hot):
        words = nn.functional.avg_pool1d(hot, self.pool).transpose(1, 2)
        if self.by == "module":
            return self.attention(words, words, words, need_weights=False)[0].mean(1)
        if self.by == "weights":
            return self.attention(words, words, words, average_attn_weights=False)[0].mean(1)
        query, key, value = (words @ self.attention.in_proj_weight.T).chunk(3, -1)
        attend = nn.functional.scaled_dot_product_attention
        return attend(query[:, None], key[:, None], value[:, None])[:, 0].mean(1)


@pytest.mark.parametrize("by", ["function", "module", "weights"])
def test_roll_out_finds_what_is_attended_to(learnt, by):
    _, codes, _ = learnt
    found = attributions(Looker(by=by), codes, method="attention_rollout")
    own, n_t = 1 / 160, (codes == 3).sum(1, keepdims=True)
    np.testing.assert_allclose(
        found.contributions, np.where(codes == 3, own + 1 / (2 * n_t), own), atol=1e-5
    )
    np.testing.assert_allclose(found.contributions.sum(1), 1, atol=1e-5)
    assert (precision_at_k(found.contributions, codes == 3) == 1).all()
    assert np.isnan(found.residual).all()


def test_roll_out_of_layers_is_their_product(learnt):
    _, codes, _ = learnt

    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.TransformerEncoder(
                nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), 2, enable_nested_tensor=False
            )

        def forward(self, hot):
            return self.layers(hot.transpose(1, 2)).mean(1)

    model = Twice().eval()
    found = attributions(model, codes[:3], method="attention_rollout")
    x = torch.nn.functional.one_hot(torch.from_numpy(codes[:3]).long(), 4).float()
    joint = torch.eye(80)[None]
    with torch.no_grad():
        for layer in model.layers.layers:
            joint = (layer.self_attn(x, x, x)[1] / 2 + torch.eye(80) / 2) @ joint
            x = layer(x)
    np.testing.assert_allclose(found.contributions, joint.mean(1), atol=1e-6)


@pytest.mark.parametrize("overlapping", [True, False])
@pytest.mark.parametrize("kind", ["task", "language"])
def test_words_hand_their_credit_to_their_bases(learnt, overlapping, kind):
    _, codes, _ = learnt
    rows = codes[:4].copy()
    rows[1, 40:43] = 4
    tokens = models.KmerTokens(3, overlapping=overlapping)
    torch.manual_seed(0)
    if kind == "task":
        config = models.SequenceTransformerConfig(tokens=tokens, depth=2, width=8, heads=2)
        model = models.SequenceTransformer(config)
    else:
        language = models.DNALanguageModelConfig(tokens=tokens, depth=2, width=8, heads=2)
        model = models.DNALanguageModel(language)
    found = attributions(model, rows, method="attention_rollout")
    total = found.contributions.sum(1)
    np.testing.assert_allclose(total[[0, 2, 3]], 1, atol=1e-5)
    assert 0.8 < total[1] < 1
    assert (found.contributions >= 0).all()
    if kind == "task":
        turned = np.where(rows < 4, 3 - rows, 4)[:, ::-1].astype(np.uint8)
        other = attributions(model, turned, method="attention_rollout")
        np.testing.assert_allclose(found.contributions, other.contributions[:, ::-1], atol=1e-6)


@pytest.mark.parametrize("overlapping", [True, False])
@pytest.mark.parametrize("reverse_complement", [True, False])
def test_integrated_gradients_of_words_add_up_over_bases(learnt, overlapping, reverse_complement):
    _, codes, _ = learnt
    rows = codes[:3, :40].copy()
    rows[1, 20:23] = 4
    torch.manual_seed(0)
    config = models.SequenceTransformerConfig(
        tokens=models.KmerTokens(3, overlapping=overlapping, begin=True),
        depth=1,
        width=8,
        reverse_complement=reverse_complement,
        n_outputs=2,
    )
    model = models.SequenceTransformer(config)
    found = attributions(model, rows, method="integrated_gradients", target=1, n_shuffles=4)
    gap = found.outputs[:, None] - found.references[:, None]
    assert np.abs(found.residual).max() < 0.011 * np.abs(gap).max()
    assert not found.contributions[rows == 4].any()
    assert not model.encoder.embed._forward_hooks


def test_integrated_gradients_of_linear_words_are_their_weights(learnt):
    """With no blocks and the mean alone, a word contributes what its vector is worth."""
    _, codes, _ = learnt

    class Words(nn.Module):
        def __init__(self):
            super().__init__()
            encoder = models.SequenceTransformerConfig(
                tokens=models.KmerTokens(2), depth=0, width=4, local=0, norm_embedding=False
            )
            self.encoder = models.SequenceTransformer(encoder).encoder
            self.config = encoder
            self.encoder.norm = nn.Identity()

        def forward(self, codes):
            strands = (codes, torch.where(codes < 4, 3 - codes, codes).flip(1))
            ids = [self.config.tokens.encode(strand).ids for strand in strands]
            return sum(self.encoder(part)[..., 0].sum(1) for part in ids) / 2

    model = Words().eval()
    rows = codes[:3]
    found = attributions(model, rows, method="integrated_gradients", n_shuffles=1)
    worth = model.encoder.embed.weight[:, 0].detach().numpy()[4:].reshape(4, 4)
    both = (worth + worth[::-1, ::-1].T) / 2
    shuffled = dinucleotide_shuffle(rows, n=1, seed=0)[:, 0]
    change = both[rows[:, :-1], rows[:, 1:]] - both[shuffled[:, :-1], shuffled[:, 1:]]
    expected = np.zeros(rows.shape)
    expected[:, :-1] += change / 2
    expected[:, 1:] += change / 2
    np.testing.assert_allclose(found.contributions, expected, atol=1e-5)


def test_words_of_different_lengths_are_refused(learnt):
    pytest.importorskip("tokenizers")
    _, codes, _ = learnt
    tokens = models.BytePairTokens.learn(codes, size=40)
    config = models.SequenceTransformerConfig(tokens=tokens, depth=1, width=8, heads=2)
    with pytest.raises(ValueError, match="words of different lengths"):
        attributions(models.SequenceTransformer(config), codes, method="integrated_gradients")


def test_an_encoder_that_looks_nowhere_shares_evenly(learnt):
    _, codes, _ = learnt
    tokens = models.KmerTokens(4, overlapping=False)
    config = models.SequenceTransformerConfig(tokens=tokens, depth=0, width=8, heads=2)
    model = models.SequenceTransformer(config)
    found = attributions(model, codes, method="attention_rollout")
    np.testing.assert_allclose(found.contributions, 1 / 80, atol=1e-7)


def test_what_has_no_attention_is_told_so(learnt):
    model, codes, _ = learnt
    with pytest.raises(ValueError, match="SequenceCNN shows no attention of its own"):
        attributions(model, codes, method="attention_rollout")
    with pytest.raises(ValueError, match="attends to 26 places for 80 bases"):
        attributions(Looker(pool=3), codes, method="attention_rollout")
    coarse = attributions(Looker(pool=4), codes, method="attention_rollout").contributions
    np.testing.assert_array_equal(coarse[:, ::4], coarse[:, 3::4])


def test_wrong_settings_are_told(learnt):
    model, codes, _ = learnt
    for name, value in (("width", 0), ("max_steps", 0), ("tolerance", 2.0)):
        with pytest.raises(ValueError, match=f"{name}={value} is out of range"):
            attributions(model, codes, **{name: value})
