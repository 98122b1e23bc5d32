"""Masked pre-training: a language model of DNA learns to guess hidden words."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from grnet import _checks
from grnet._alphabet import UNKNOWN, Codes
from grnet.io import Genome
from grnet.models import DNALanguageModel, DNALanguageModelConfig, Tokens
from grnet.train._guesses import baselines
from grnet.train._masking import hidden_tokens
from grnet.train.fitting import Fit, FitSettings, fit
from grnet.train.objectives import Batch

logger = logging.getLogger(__name__)

_HELD_OUT = 0.1
_KNOWN_BASES = 0.5
"""Share of known bases below which a window of a genome says nothing."""


@dataclass(frozen=True)
class MaskedTokenObjective:
    """Guess hidden tokens from those around them.

    Parameters
    ----------
    mask_rate
        Share of tokens that are hidden, about.

    Notes
    -----
    Every hidden token is replaced by the mask. Of overlapping k-mers, bases are drawn, and every
    token that covers one is hidden: else the answer could be read off the neighbours. In training
    the draw is new in each step; validation batches bring theirs.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.train.MaskedTokenObjective(mask_rate=0.2).monitor
    'loss'
    """

    mask_rate: float = 0.15

    @property
    def monitor(self) -> str:
        """The figure that chooses the best epoch."""
        return "loss"

    @property
    def mode(self) -> Literal["min", "max"]:
        """Whether it is better small or large."""
        return "min"

    def answer(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the logits of hidden tokens, and which tokens they are."""
        if not isinstance(model, DNALanguageModel):
            message = (
                f"{type(model).__name__} guesses no tokens: give a gn.models.DNALanguageModel."
            )
            raise TypeError(message)
        x = batch["x"]
        # on the CPU, where the training loop has seeded it
        draw = batch["draw"] if "draw" in batch else torch.rand(x.shape).to(x.device)
        tokens: Tokens = model.config.tokens.encode(x)
        hidden = hidden_tokens(tokens, draw, cutter=model.config.tokens, rate=self.mask_rate)
        seen = tokens.ids.masked_fill(hidden, model.config.tokens.mask_id)
        vectors = model.encoder(seen, tokens.is_real)[hidden]
        return model.head(vectors).float(), tokens.ids[hidden]

    def loss(self, answer: tuple[Tensor, Tensor], batch: Batch) -> Tensor:
        """Return the mean loss of a hidden token, in nats."""
        del batch
        logits, truth = answer
        return cross_entropy(logits, truth, reduction="sum") / max(len(truth), 1)

    def outputs(self, answer: tuple[Tensor, Tensor], batch: Batch) -> Tensor:
        """Return loss and hit of each hidden token."""
        del batch
        logits, truth = answer
        losses = cross_entropy(logits, truth, reduction="none")
        return torch.stack([losses, (logits.argmax(-1) == truth).float()], dim=1)

    def targets(self, batch: Batch) -> Tensor:
        """Return nothing: the outputs are compared already."""
        return torch.zeros(0, device=batch["x"].device)

    def metrics(self, outputs: Tensor, targets: Tensor) -> dict[str, float]:
        """Return perplexity and accuracy."""
        del targets
        loss, accuracy = outputs.mean(dim=0).tolist()
        return {"perplexity": float(np.exp(loss)), "accuracy": accuracy}


@dataclass(frozen=True, eq=False)
class _Sequences:
    """Unlabelled sequences; those for validation hide the same bases every time."""

    codes: Codes
    draw: npt.NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.codes)

    def __getitems__(self, indices: list[int]) -> dict[str, Tensor]:
        rows = np.asarray(indices)
        batch = {"x": torch.from_numpy(self.codes[rows])}
        return batch if self.draw is None else batch | {"draw": torch.from_numpy(self.draw[rows])}


def pretrain_language_model(
    sequences: Codes | Genome,
    model: DNALanguageModelConfig | DNALanguageModel | None = None,
    *,
    validation: Codes | None = None,
    window: int = 512,
    mask_rate: float = 0.15,
    settings: FitSettings | None = None,
    seed: int = 0,
    folder: str | Path | None = None,
) -> Fit:
    """Train a language model on sequences without labels.

    Parameters
    ----------
    sequences
        ``uint8`` codes, sequences x bases, or a genome, which is cut into windows.
    model
        Settings of a new model, or a model to go on with (it is trained in place), such as one
        that :func:`grnet.models.load_published` read.
    validation
        Codes that choose the best epoch. By default a tenth of the sequences: drawn, or the last
        windows of a genome.
    window
        Bases of a window of a genome; windows that are half N are left out.
    mask_rate
        Share of tokens that are hidden.
    settings
        See :class:`FitSettings`; by default 10 epochs.
    seed
        Of everything that is drawn.
    folder
        Where the state is kept, as for :func:`fit`.

    Returns
    -------
    Fit
        ``metrics`` holds loss, ``perplexity`` and ``accuracy`` of hidden tokens beside
        ``unigram_perplexity`` and ``unigram_accuracy`` (the frequencies of tokens) and
        ``markov_perplexity`` (the best of three Markov chains of bases that see all bases around,
        on up to 1,000 of the tokens). A model that is not below the chain has learnt nothing else.

    Raises
    ------
    ValueError
        If there are too few sequences, or ``mask_rate`` is out of range.

    Notes
    -----
    Masking as in DNABERT (Ji et al. 2021), but every hidden token shows the mask.

    Examples
    --------
    >>> import grnet as gn
    >>> import numpy as np
    >>> codes = np.random.default_rng(0).integers(0, 4, (64, 30), dtype=np.uint8)
    >>> config = gn.models.DNALanguageModelConfig(tokens=gn.models.KmerTokens(3), depth=1)
    >>> settings = gn.train.FitSettings(max_epochs=1)
    >>> done = gn.train.pretrain_language_model(codes, config, settings=settings)
    >>> sorted(done.metrics)
    ['accuracy', 'loss', 'markov_perplexity', 'perplexity', ..., 'unigram_perplexity']
    """
    _checks.in_range(mask_rate, 0.01, 0.9, what="mask_rate")
    training, held_out = _parts(sequences, validation, window=window, seed=seed)
    rng = np.random.default_rng([seed, 1])
    draw = rng.random(held_out.shape, dtype=np.float32)
    made = model if isinstance(model, DNALanguageModel) else _new(model, seed=seed)
    beside = baselines(made.config.tokens, training, held_out, draw=draw, rate=mask_rate)
    done = fit(
        made,
        _Sequences(training),
        validation=_Sequences(held_out, draw),
        objective=MaskedTokenObjective(mask_rate),
        settings=settings or FitSettings(max_epochs=10),
        seed=seed,
        folder=folder,
    )
    figures = done.metrics | beside
    if figures["perplexity"] >= figures["markov_perplexity"]:
        logger.warning(
            "The language model (perplexity %.2f) guesses no better than a Markov chain (%.2f): "
            "train longer, or on more sequences.",
            figures["perplexity"],
            figures["markov_perplexity"],
        )
    return replace(done, metrics=figures)


def _new(config: DNALanguageModelConfig | None, *, seed: int) -> DNALanguageModel:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return DNALanguageModel(config)


def _parts(
    sequences: Codes | Genome, validation: Codes | None, *, window: int, seed: int
) -> tuple[Codes, Codes]:
    codes = _windows(sequences, window) if isinstance(sequences, Genome) else sequences
    if validation is not None:
        return codes, validation
    n_out = round(_HELD_OUT * len(codes))
    if not n_out:
        message = (
            f"{len(codes)} sequence(s) are too few to hold a tenth out: give more, or "
            "validation= sequences."
        )
        raise ValueError(message)
    if isinstance(sequences, Genome):
        return codes[:-n_out], codes[-n_out:]
    order = np.random.default_rng(seed).permutation(len(codes))
    return codes[np.sort(order[n_out:])], codes[np.sort(order[:n_out])]


def _windows(genome: Genome, width: int) -> Codes:
    """Cut a genome into windows side by side."""
    starts = {name: np.arange(0, size - width + 1, width) for name, size in genome.sizes.items()}
    intervals = pd.concat(
        [pd.DataFrame({"chrom": name, "start": start}) for name, start in starts.items()]
    )
    if intervals.empty:
        message = f"No chromosome is as long as window={width} bases: choose a smaller window."
        raise ValueError(message)
    codes: Codes = genome.sequence(intervals.assign(end=intervals["start"] + width))
    kept: Codes = codes[(codes < UNKNOWN).mean(axis=1) >= _KNOWN_BASES]
    return kept
