"""Published weights: numbers agree with the formulae and with transformers; misfits are named."""

import itertools
import json
import math
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional

import grnet as gn

WIDTH, DEPTH, HEADS, INNER = 24, 2, 3, 40
CODES = torch.tensor(
    [[0, 1, 2, 3, 0, 1, 2, 3, 2, 2, 0, 1], [3, 3, 3, 3, 1, 0, 2, 4, 0, 1, 2, 3]], dtype=torch.uint8
)


def dnabert2_tokenizer():
    """The same construction as the published tokenizer.json, with a handful of merges."""
    tokenizers = pytest.importorskip("tokenizers")
    special = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
    words = [*special, *"ACGT", "AC", "GT", "ACGT", "TT"]
    model = tokenizers.models.BPE(
        vocab={word: number for number, word in enumerate(words)},
        merges=[("A", "C"), ("G", "T"), ("AC", "GT"), ("T", "T")],
        unk_token="[UNK]",
    )
    made = tokenizers.Tokenizer(model)
    made.add_special_tokens(special)
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    return made


def dnabert2_weights(n_words):
    rng = torch.Generator().manual_seed(1)

    def normal(*shape):
        return torch.randn(*shape, generator=rng) * 0.3

    def norm(name):
        return {f"{name}.weight": 1 + normal(WIDTH), f"{name}.bias": normal(WIDTH)}

    def linear(name, n_in, n_out):
        return {f"{name}.weight": normal(n_out, n_in), f"{name}.bias": normal(n_out)}

    weights = {
        "bert.embeddings.word_embeddings.weight": normal(n_words, WIDTH),
        "bert.embeddings.token_type_embeddings.weight": normal(2, WIDTH),
        **norm("bert.embeddings.LayerNorm"),
        **linear("cls.predictions.transform.dense", WIDTH, WIDTH),
        **norm("cls.predictions.transform.LayerNorm"),
        "cls.predictions.decoder.bias": normal(n_words),
        **linear("bert.pooler.dense", WIDTH, WIDTH),
    }
    for i in range(DEPTH):
        layer = f"bert.encoder.layer.{i}"
        weights |= linear(f"{layer}.attention.self.Wqkv", WIDTH, 3 * WIDTH)
        weights |= linear(f"{layer}.attention.output.dense", WIDTH, WIDTH)
        weights |= norm(f"{layer}.attention.output.LayerNorm")
        weights[f"{layer}.mlp.gated_layers.weight"] = normal(2 * INNER, WIDTH)
        weights |= linear(f"{layer}.mlp.wo", INNER, WIDTH)
        weights |= norm(f"{layer}.mlp.layernorm")
    weights["cls.predictions.decoder.weight"] = weights["bert.embeddings.word_embeddings.weight"]
    return weights


def write_dnabert2(folder, weights, tokenizer, *, binary=False):
    settings = {
        "model_type": "bert",
        "alibi_starting_size": 512,
        "hidden_size": WIDTH,
        "num_hidden_layers": DEPTH,
        "num_attention_heads": HEADS,
        "intermediate_size": INNER,
        "layer_norm_eps": 1e-12,
        "hidden_dropout_prob": 0.1,
        "vocab_size": tokenizer.get_vocab_size(),
    }
    (folder / "config.json").write_text(json.dumps(settings))
    (folder / "tokenizer.json").write_text(tokenizer.to_str())
    if binary:
        torch.save(weights, folder / "pytorch_model.bin")
    else:
        save_file({k: v.clone() for k, v in weights.items()}, folder / "model.safetensors")


def by_the_formulae(ids, w):
    """MosaicBERT of one sequence in float64, head by head, written from the papers."""
    w = {name: tensor.double() for name, tensor in w.items()}

    def norm(x, name):
        centred = x - x.mean(-1, keepdim=True)
        scaled = centred / (centred.pow(2).mean(-1, keepdim=True) + 1e-12).sqrt()
        return scaled * w[f"{name}.weight"] + w[f"{name}.bias"]

    def linear(x, name):
        return x @ w[f"{name}.weight"].T + w.get(f"{name}.bias", 0)

    x = w["bert.embeddings.word_embeddings.weight"][ids]
    x = norm(x + w["bert.embeddings.token_type_embeddings.weight"][0], "bert.embeddings.LayerNorm")
    place = torch.arange(len(ids), dtype=torch.float64)
    distance = (place[:, None] - place[None, :]).abs()
    # three heads: two slopes of a geometric series for two heads, one of that for four
    slopes = [2.0**-4, 2.0**-8, 2.0**-2]
    for i in range(DEPTH):
        layer = f"bert.encoder.layer.{i}"
        q, k, v = linear(x, f"{layer}.attention.self.Wqkv").split(WIDTH, dim=-1)
        size = WIDTH // HEADS
        found = []
        for head, slope in enumerate(slopes):
            part = slice(head * size, (head + 1) * size)
            score = q[:, part] @ k[:, part].T / math.sqrt(size) - slope * distance
            found.append(score.softmax(-1) @ v[:, part])
        mixed = linear(torch.cat(found, dim=-1), f"{layer}.attention.output.dense")
        x = norm(x + mixed, f"{layer}.attention.output.LayerNorm")
        both = linear(x, f"{layer}.mlp.gated_layers")
        inner = functional.gelu(both[:, :INNER]) * both[:, INNER:]
        x = norm(x + linear(inner, f"{layer}.mlp.wo"), f"{layer}.mlp.layernorm")
    x = functional.gelu(linear(x, "cls.predictions.transform.dense"))
    return linear(norm(x, "cls.predictions.transform.LayerNorm"), "cls.predictions.decoder")


@pytest.mark.parametrize("binary", [False, True])
def test_dnabert2_agrees_with_the_formulae(tmp_path, binary):
    tokenizer = dnabert2_tokenizer()
    weights = dnabert2_weights(tokenizer.get_vocab_size())
    write_dnabert2(tmp_path, weights, tokenizer, binary=binary)
    model = gn.models.load_published(tmp_path)
    with torch.inference_mode():
        logits = model(CODES)
    for row, text in enumerate(["ACGTACGTGGAC", "TTTTCAGNACGT"]):
        ids = tokenizer.encode(text).ids
        expected = by_the_formulae(ids, weights)
        # rows of other lengths stand in one batch: filling changes nothing
        np.testing.assert_allclose(logits[row, : len(ids)], expected, atol=2e-5)


def test_dnabert2_fine_tunes_and_its_tokens_point_at_bases(tmp_path):
    tokenizer = dnabert2_tokenizer()
    write_dnabert2(tmp_path, dnabert2_weights(tokenizer.get_vocab_size()), tokenizer)
    language = gn.models.load_published(tmp_path, kind="dnabert2")
    tokens = language.config.tokens.encode(CODES[:1])
    assert tokens.start.tolist() == [[0, 0, 4, 8, 9, 10, 0]]
    assert tokens.end.tolist() == [[0, 4, 8, 9, 10, 12, 0]]
    model = gn.models.SequenceTransformer.from_language_model(language, n_outputs=2).eval()
    assert model(CODES).shape == (2, 2)


def change_size(weights):
    weights["bert.encoder.layer.1.mlp.wo.weight"] = torch.zeros(WIDTH, INNER + 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("bert.encoder.layer.1.mlp.wo.bias"), r"missing 'bert.*1\.mlp\.wo\.bias'"),
        (lambda w: w.update(surplus=torch.zeros(1)), "left over 'surplus'"),
        (change_size, r"1\.mlp\.wo\.weight \(24, 41\) instead of \(24, 40\)"),
    ],
)
def test_weights_that_do_not_fit_are_named(tmp_path, change, message):
    tokenizer = dnabert2_tokenizer()
    weights = dnabert2_weights(tokenizer.get_vocab_size())
    change(weights)
    write_dnabert2(tmp_path, weights, tokenizer)
    with pytest.raises(ValueError, match=message):
        gn.models.load_published(tmp_path)


def test_weights_are_never_unpickled(tmp_path):
    write_dnabert2(tmp_path, {"x": torch.zeros(1)}, dnabert2_tokenizer())
    (tmp_path / "model.safetensors").unlink()
    torch.save({"x": print}, tmp_path / "pytorch_model.bin")
    with pytest.raises(Exception, match="weights_only"):
        gn.models.load_published(tmp_path)


def vocabulary(k, *, second):
    """The words of Nucleotide Transformer, whose alphabet runs A, T, C, G."""
    special = ["<unk>", "<pad>", "<mask>", "<cls>", *(["<eos>", "<bos>"] if second else [])]
    return [*special, *map("".join, itertools.product("ATCG", repeat=k)), *"ATCGN"]


def write_esm(folder, words, **settings):
    transformers = pytest.importorskip("transformers")
    config = transformers.EsmConfig(
        vocab_size=len(words),
        hidden_size=WIDTH,
        num_hidden_layers=DEPTH,
        num_attention_heads=HEADS,
        intermediate_size=INNER,
        max_position_embeddings=40,
        pad_token_id=1,
        mask_token_id=2,
        layer_norm_eps=1e-12,
        **settings,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = transformers.EsmForMaskedLM(config).eval()
        for parameter in model.parameters():
            parameter.data += 0.1 * torch.randn_like(parameter)
    model.save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(words))
    tokenizer = transformers.EsmTokenizer(folder / "vocab.txt", eos_token=None)
    return model, tokenizer


@pytest.mark.parametrize(
    "settings",
    [
        {"position_embedding_type": "absolute", "token_dropout": True},
        {"position_embedding_type": "absolute", "emb_layer_norm_before": True},
        {"position_embedding_type": "rotary", "tie_word_embeddings": False},
    ],
)
def test_nucleotide_transformer_agrees_with_transformers(tmp_path, settings):
    words = vocabulary(3, second=settings["position_embedding_type"] == "rotary")
    theirs, tokenizer = write_esm(tmp_path, words, **settings)
    ours = gn.models.load_published(tmp_path)
    texts = ["ACGTACGTGGAC", "TTTTCAGNACGT"]
    batch = tokenizer(texts, return_tensors="pt", padding=True)
    tokens = ours.config.tokens.encode(CODES)
    assert tokens.ids.shape == batch["input_ids"].shape
    # our words in their order: rows of the vocabulary change places
    order = ["<pad>", "N", "<mask>", "<cls>", *map("".join, itertools.product("ACGT", repeat=3))]
    rows = torch.tensor([words.index(word) for word in [*order, *"ACGT"]])
    assert torch.equal(rows[tokens.ids], batch["input_ids"])
    with torch.inference_mode():
        expected = theirs(**batch).logits[..., rows]
        logits = ours(CODES)
    real = batch["attention_mask"].bool()
    np.testing.assert_allclose(logits[real], expected[real], atol=2e-5)
    masked = tokens.ids.clone()
    masked[:, 2] = ours.config.tokens.mask_id
    with torch.inference_mode():
        expected = theirs(rows[masked], attention_mask=batch["attention_mask"]).logits[..., rows]
        logits = ours.head(ours.encoder(masked, tokens.is_real))
    np.testing.assert_allclose(logits[real], expected[real], atol=2e-5)


def test_second_nucleotide_transformer_is_gated(tmp_path):
    """Its feed-forward part is SiLU-gated without biases, which transformers' ESM is not."""
    words = vocabulary(2, second=True)
    write_esm(tmp_path, words, position_embedding_type="rotary", tie_word_embeddings=False)
    file = tmp_path / "model.safetensors"
    weights = load_file(file)
    rng = torch.Generator().manual_seed(3)
    for i in range(DEPTH):
        layer = f"esm.encoder.layer.{i}"
        weights[f"{layer}.intermediate.dense.weight"] = torch.randn(2 * INNER, WIDTH, generator=rng)
        del weights[f"{layer}.intermediate.dense.bias"], weights[f"{layer}.output.dense.bias"]
    save_file(weights, file)
    model = gn.models.load_published(tmp_path)
    x = torch.randn(3, WIDTH, generator=rng)
    with torch.inference_mode():
        found = model.encoder.blocks[0]._feed_forward(x)
    both = x @ weights["esm.encoder.layer.0.intermediate.dense.weight"].T
    inner = both[:, :INNER] * both[:, :INNER].sigmoid() * both[:, INNER:]
    expected = inner @ weights["esm.encoder.layer.0.output.dense.weight"].T
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_other_vocabularies_and_models_are_refused(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "esm"}))
    save_file({"x": torch.zeros(1)}, tmp_path / "model.safetensors")
    (tmp_path / "vocab.txt").write_text("<cls>\n<pad>\nL\nA\nG\nV")
    with pytest.raises(ValueError, match="no vocabulary of k-mers of DNA: it lacks"):
        gn.models.load_published(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "gpt2"}))
    with pytest.raises(ValueError, match="model_type 'gpt2': known are DNABERT-2"):
        gn.models.load_published(tmp_path)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"config\.json does not exist"):
        gn.models.load_published(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "esm"}))
    with pytest.raises(FileNotFoundError, match=r"no weights: expected model\.safetensors"):
        gn.models.load_published(tmp_path)


def test_missing_package_is_an_import_error_with_the_command(tmp_path, monkeypatch):
    tokenizer = dnabert2_tokenizer()
    write_dnabert2(tmp_path, dnabert2_weights(tokenizer.get_vocab_size()), tokenizer)
    # a vocabulary that no other test has made, for made ones are kept
    (tmp_path / "tokenizer.json").write_text(tokenizer.to_str(pretty=True) + "\n")
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(ImportError, match=r"pip install 'grnet\[lm\]'"):
        gn.models.load_published(tmp_path)
