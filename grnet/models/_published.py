"""Weights of published language models, read from a folder: every tensor has its place."""

import itertools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import safetensors.torch
import torch
from torch import Tensor

from grnet import _checks
from grnet._alphabet import LETTERS
from grnet.models._byte_pairs import BytePairTokens
from grnet.models._kmers import KmerTokens
from grnet.models.language import DNALanguageModel, DNALanguageModelConfig

Kind = Literal["auto", "dnabert2", "nucleotide_transformer"]
Weights = dict[str, Tensor]

_BLOCK = re.compile(r"encoder\.blocks\.(\d+)\.(\w+)\.(\w+)")
_DERIVED = re.compile(r"position_ids|inv_freq|token_type_ids|pooler\.|contact_head\.")
"""Of a checkpoint, what follows from the config or serves other tasks."""


@dataclass(frozen=True)
class _Layout:
    """Where a checkpoint keeps what the model needs, by the name of the module."""

    blocks: str
    block: Mapping[str, tuple[str, ...]]
    others: Mapping[str, str]
    renamed: Mapping[str, str] = field(default_factory=dict)

    def sources(self, key: str) -> tuple[str, ...]:
        """Return the names in the checkpoint whose tensors make up one of the model's."""
        if key in self.renamed:
            return (self.renamed[key],)
        if found := _BLOCK.fullmatch(key):
            layer, module, what = found.groups()
            return tuple(f"{self.blocks}.{layer}.{name}.{what}" for name in self.block[module])
        module, _, what = key.rpartition(".")
        return (f"{self.others[module]}.{what}",)


_DNABERT2 = _Layout(
    "bert.encoder.layer",
    {
        "qkv": ("attention.self.Wqkv",),
        "out": ("attention.output.dense",),
        "attention_norm": ("attention.output.LayerNorm",),
        "up": ("mlp.gated_layers",),
        "down": ("mlp.wo",),
        "feed_forward_norm": ("mlp.layernorm",),
    },
    {
        "encoder.embed": "bert.embeddings.word_embeddings",
        "encoder.embed_norm": "bert.embeddings.LayerNorm",
        "head.0": "cls.predictions.transform.dense",
        "head.2": "cls.predictions.transform.LayerNorm",
        "head.3": "cls.predictions.decoder",
    },
)
_ESM = _Layout(
    "esm.encoder.layer",
    {
        "qkv": ("attention.self.query", "attention.self.key", "attention.self.value"),
        "out": ("attention.output.dense",),
        "attention_norm": ("attention.LayerNorm",),
        "up": ("intermediate.dense",),
        "down": ("output.dense",),
        "feed_forward_norm": ("LayerNorm",),
    },
    {
        "encoder.embed": "esm.embeddings.word_embeddings",
        "encoder.places": "esm.embeddings.position_embeddings",
        "encoder.embed_norm": "esm.embeddings.layer_norm",
        "encoder.norm": "esm.encoder.emb_layer_norm_after",
        "head.0": "lm_head.dense",
        "head.2": "lm_head.layer_norm",
        "head.3": "lm_head.decoder",
    },
    {"head.3.bias": "lm_head.bias"},
)
_TYPES = "bert.embeddings.token_type_embeddings.weight"


def load_published(folder: str | Path, *, kind: Kind = "auto") -> DNALanguageModel:
    """Read a published language model from a folder on this machine; nothing is downloaded.

    Parameters
    ----------
    folder
        With ``config.json``, the weights (``model.safetensors`` or ``pytorch_model.bin``, also in
        several files) and the vocabulary: ``tokenizer.json`` of DNABERT-2, ``vocab.txt`` of
        Nucleotide Transformer.
    kind
        ``"dnabert2"``, ``"nucleotide_transformer"`` (first and second version), or ``"auto"`` to
        tell them apart by their config.

    Returns
    -------
    DNALanguageModel
        On the CPU, in evaluation mode.

    Raises
    ------
    FileNotFoundError
        If the folder lacks a file.
    ValueError
        If it is another model, or tensors are missing, left over, or of the wrong size.
    ImportError
        If the vocabulary needs a package that is not installed.

    Notes
    -----
    No code of the checkpoint runs: the encoder of this package has the same arithmetic, so that
    numbers agree. Rows of the vocabulary that DNA never uses are dropped. DNABERT-2 adds the same
    vector to all words; it is added to the embedding once and for all.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.models.load_published("missing")
    Traceback (most recent call last):
    FileNotFoundError: missing/config.json does not exist...
    """
    _checks.one_of(kind, ("auto", "dnabert2", "nucleotide_transformer"), "kind")
    home = Path(folder)
    settings = json.loads(_file(home, "config.json").read_text())
    readers: dict[str, Callable[[Path, dict[str, Any], Weights], DNALanguageModel]] = {
        "dnabert2": _dnabert2,
        "nucleotide_transformer": _nucleotide_transformer,
    }
    chosen = _told(settings, home) if kind == "auto" else kind
    return readers[chosen](home, settings, _weights(home)).eval()


def _told(settings: Mapping[str, Any], home: Path) -> str:
    if settings.get("model_type") == "esm":
        return "nucleotide_transformer"
    if "alibi_starting_size" in settings:
        return "dnabert2"
    message = (
        f"{home / 'config.json'} is of model_type {settings.get('model_type')!r}: known are "
        "DNABERT-2 (with alibi_starting_size) and Nucleotide Transformer (esm). Say which it is "
        "by kind= if the config was edited."
    )
    raise ValueError(message)


def _dnabert2(home: Path, settings: dict[str, Any], weights: Weights) -> DNALanguageModel:
    tokens = BytePairTokens(_file(home, "tokenizer.json").read_text())
    config = DNALanguageModelConfig(
        tokens=tokens, position="alibi", gated=True, norm="post", tied=False, **_sizes(settings)
    )
    embedding = _DNABERT2.sources("encoder.embed.weight")[0]
    weights.setdefault("cls.predictions.decoder.weight", weights.get(embedding, torch.empty(0)))
    kinds = weights.pop(_TYPES, None)
    if kinds is not None and embedding in weights:
        weights[embedding] = weights[embedding] + kinds[0]
    return _filled(config, weights, _DNABERT2)


def _nucleotide_transformer(
    home: Path, settings: dict[str, Any], weights: Weights
) -> DNALanguageModel:
    words = _file(home, "vocab.txt").read_text().split()
    k, rows = _rows(words, home)
    is_rotary = settings.get("position_embedding_type") == "rotary"
    n_filler = int(settings.get("pad_token_id", 1)) + 1
    up = weights.get("esm.encoder.layer.0.intermediate.dense.weight")
    gated = up is not None and len(up) == 2 * settings["intermediate_size"]
    config = DNALanguageModelConfig(
        tokens=KmerTokens(k, overlapping=False, begin=True),
        position="rotary" if is_rotary else "learned",
        gated=gated,
        activation="silu" if gated else "gelu",
        norm_embedding=bool(settings.get("emb_layer_norm_before")),
        max_tokens=int(settings["max_position_embeddings"]) - n_filler,
        token_dropout=bool(settings.get("token_dropout")),
        tied=False,
        **_sizes(settings),
    )
    embedding = "esm.embeddings.word_embeddings.weight"
    weights.setdefault("lm_head.decoder.weight", weights.get(embedding, torch.empty(0)))
    for name in (embedding, "lm_head.decoder.weight", "lm_head.bias"):
        if name in weights and len(weights[name]) == len(words):
            weights[name] = weights[name][rows]
    places = weights.pop("esm.embeddings.position_embeddings.weight", None)
    if places is not None and not is_rotary:
        # ESM counts places from behind the number of the filler
        weights["esm.embeddings.position_embeddings.weight"] = places[n_filler:]
    for layer in range(config.depth if gated else 0):
        # without a bias is with a bias of zero
        name = f"esm.encoder.layer.{layer}.output.dense.bias"
        weights.setdefault(name, torch.zeros(config.width))
    return _filled(config, weights, _ESM)


def _sizes(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "width": settings["hidden_size"],
        "depth": settings["num_hidden_layers"],
        "heads": settings["num_attention_heads"],
        "feed_forward": settings["intermediate_size"],
        "local": 0,
        "norm_epsilon": settings["layer_norm_eps"],
        "dropout": settings["hidden_dropout_prob"],
    }


def _rows(words: list[str], home: Path) -> tuple[int, list[int]]:
    """Return k and, for each of our tokens, its row in the published vocabulary."""
    place = {word: row for row, word in enumerate(words)}
    k = max((len(word) for word in words if set(word) <= set(LETTERS)), default=0)
    unknown = "N" if "N" in place else "<unk>"
    special = ["<pad>", unknown, "<mask>", "<cls>"]
    wanted = special + ["".join(word) for word in itertools.product(LETTERS, repeat=k)]
    wanted += list(LETTERS)
    missing = [word for word in wanted if word not in place]
    if k < 2 or missing:
        message = (
            f"{home / 'vocab.txt'} is no vocabulary of k-mers of DNA: it lacks "
            f"{_checks.examples(missing or ['k-mers'])}. Give a folder of Nucleotide Transformer."
        )
        raise ValueError(message)
    return k, [place[word] for word in wanted]


def _filled(config: DNALanguageModelConfig, weights: Weights, layout: _Layout) -> DNALanguageModel:
    """Put every tensor in its place, or name those that have none."""
    with torch.device("meta"):
        model = DNALanguageModel(config)
    expected = model.state_dict()
    sources = {key: layout.sources(key) for key in expected}
    used = {name for names in sources.values() for name in names}
    extra = [name for name in weights if name not in used and not _DERIVED.search(name)]
    missing = sorted(used - weights.keys())
    if missing or extra:
        message = (
            f"The weights do not fit the config: missing {_checks.examples(missing)}; left over "
            f"{_checks.examples(extra)}. Take config.json and weights from the same model, one "
            "with its head for masked words."
        )
        raise ValueError(message)
    made = {key: torch.cat([weights[n] for n in names]) for key, names in sources.items()}
    wrong = [
        f"{sources[key][0]} {tuple(made[key].shape)} instead of {tuple(expected[key].shape)}"
        for key in expected
        if made[key].shape != expected[key].shape
    ]
    if wrong:
        message = (
            f"{len(wrong)} tensor(s) have another size than config.json and vocabulary say: "
            f"{'; '.join(wrong[:3])}. Take all files from the same model."
        )
        raise ValueError(message)
    model.load_state_dict({key: value.float() for key, value in made.items()}, assign=True)
    return model


def _weights(home: Path) -> Weights:
    """Read all tensors; files of safetensors first, for they can hold nothing else."""
    if files := sorted(home.glob("model*.safetensors")):
        parts: list[Weights] = [safetensors.torch.load_file(file) for file in files]
    elif files := sorted(home.glob("pytorch_model*.bin")):
        parts = [torch.load(file, map_location="cpu", weights_only=True) for file in files]
    else:
        message = (
            f"{home} holds no weights: expected model.safetensors or pytorch_model.bin. "
            "Download the whole folder of the model first."
        )
        raise FileNotFoundError(message)
    return {_today(name): tensor for part in parts for name, tensor in part.items()}


def _today(name: str) -> str:
    """Return the name of a tensor that older files, and files made like them, call otherwise."""
    return re.sub(r"\.beta$", ".bias", re.sub(r"\.gamma$", ".weight", name))


def _file(home: Path, name: str) -> Path:
    if not (home / name).is_file():
        message = (
            f"{home / name} does not exist: give the folder of a published model, with its "
            "config.json, weights and vocabulary."
        )
        raise FileNotFoundError(message)
    return home / name
