"""Windows of marks to train on, and the hiding of marks that a model learns to fill in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, cast

import numpy as np
import torch
from sklearn.metrics import average_precision_score, roc_auc_score
from torch import nn
from torch.nn import functional

from grnet.models._marks import MISSING, Integers, Values

Batch = Mapping[str, torch.Tensor]

EMPTY_SHARE = 0.05
"""Of the windows without any mark that are kept: all of them say the same."""

_BLOCK = 16
_LONGEST = 8
_LEAST_WINDOWS = 20


class MarkWindows:
    """Windows of bins with as much again around them, so that training can shift them."""

    def __init__(self, values: Values, starts: Integers, *, window: int) -> None:
        self._values, self._starts, self._window = values, starts, window

    def __len__(self) -> int:
        return len(self._starts)

    def __getitems__(self, indices: list[int]) -> dict[str, torch.Tensor]:
        rows = self._starts[indices][:, None] + np.arange(2 * self._window)
        return {"values": torch.from_numpy(self._values[rows])}


@dataclass(frozen=True)
class Split:
    """Windows to train on and to validate with, none of them sharing a bin."""

    train: MarkWindows
    validation: MarkWindows | None


def split(
    values: Values, lengths: Integers, *, window: int, share: float, rng: np.random.Generator
) -> Split:
    """Cut windows; runs of neighbouring ones are held out together."""
    half = window // 2
    padded, starts, blocks, n_blocks = [], [], [], 0
    at = 0
    for chain in np.split(values, np.cumsum(lengths)[:-1]):
        n_windows = -(-len(chain) // window)
        bins = np.full(((n_windows + 1) * window, values.shape[1]), MISSING, dtype=np.uint8)
        bins[half : half + len(chain)] = chain
        padded.append(bins)
        starts.append(at + np.arange(n_windows) * window)
        blocks.append(n_blocks + np.arange(n_windows) // _BLOCK)
        n_blocks, at = int(blocks[-1][-1]) + 1, at + len(bins)
    everything = np.concatenate(padded)
    start, block = np.concatenate(starts), np.concatenate(blocks)
    rows = start[:, None] + half + np.arange(window)
    full = (everything[rows] == 1).any(axis=(1, 2))
    held = np.isin(block, rng.choice(n_blocks, round(share * n_blocks), replace=False))
    # the margins of a window reach half of its neighbours
    near = held | np.r_[held[1:], False] | np.r_[False, held[:-1]]
    wanted = full | (rng.random(len(full)) < EMPTY_SHARE)
    if not (wanted & ~near).any():
        wanted = ~near
    train = MarkWindows(everything, start[wanted & ~near], window=window)
    if (full & held).sum() < _LEAST_WINDOWS * share or not held.any():
        return Split(train, None)
    return Split(train, MarkWindows(everything, start[held], window=window))


def hidden(shape: tuple[int, int, int], generator: torch.Generator | None) -> torch.Tensor:
    """Choose what to hide: single entries always, at times whole marks, at times whole bins."""
    n, window, n_marks = shape

    def draw(*size: int) -> torch.Tensor:
        return torch.rand(*size, generator=generator)

    hide = draw(n, window, n_marks) < 0.02 + 0.3 * draw(n, 1, 1)
    kind = draw(n, 1, 1)
    hide |= (draw(n, 1, n_marks) < 1.5 / n_marks) & (kind < 0.3)
    first = (draw(n, 1) * window).long()
    last = first + 1 + (draw(n, 1) * _LONGEST).long()
    place = torch.arange(window)
    run = (place >= first) & (place < last)
    return hide | (run[:, :, None] & (kind > 0.7))


class Guess(NamedTuple):
    """A model's logits of marks and states, its emissions, the windows, and what was hidden."""

    marks: torch.Tensor
    states: torch.Tensor
    emissions: torch.Tensor
    values: torch.Tensor
    hide: torch.Tensor


@dataclass(frozen=True)
class HiddenMarkObjective:
    """Hidden marks, filled in directly and through the states.

    The loss through the states is that of a mixture: the marks of a bin together are likely under
    one state. Marks that are seen count a tenth, so that the states describe them too.
    """

    window: int
    seed: int
    monitor: str = "loss"
    mode: Literal["min", "max"] = "min"
    seen_weight: float = 0.1

    def answer(self, model: nn.Module, batch: Batch) -> Guess:
        """Return what the model makes of windows with hidden entries."""
        values, hide = self._masked(batch, training=model.training)
        outputs = model(torch.where(hide, MISSING, values))
        emissions = cast("torch.Tensor", model.emission_logits)
        return Guess(outputs.marks, outputs.states, emissions, values, hide)

    def loss(self, answer: Guess, batch: Batch) -> torch.Tensor:
        """Return the mean loss per hidden entry, direct and through the states."""
        del batch
        values, hide = answer.values, answer.hide
        present, known = (values == 1).float(), values != MISSING
        scored, seen = (hide & known).float(), (~hide & known).float()
        each = functional.binary_cross_entropy_with_logits(
            answer.marks.float(), present, reduction="none"
        )
        direct = (each * scored).sum() / scored.sum().clamp(min=1)
        states, emissions = answer.states.float(), answer.emissions
        hidden_loss = _mixture_loss(states, emissions, present=present, weight=scored)
        seen_loss = _mixture_loss(states, emissions, present=present, weight=seen)
        return direct + hidden_loss + self.seen_weight * seen_loss

    def outputs(self, answer: Guess, batch: Batch) -> torch.Tensor:
        """Return the logits of all marks."""
        del batch
        return answer.marks

    def targets(self, batch: Batch) -> torch.Tensor:
        """Return the hidden marks, NaN elsewhere."""
        values, hide = self._masked(batch, training=False)
        return torch.where(hide & (values != MISSING), values.float(), torch.nan)

    def metrics(self, outputs: torch.Tensor, targets: torch.Tensor) -> dict[str, float]:
        """Return AUROC and AUPRC of hidden entries, mean over the marks."""
        logits, truth = outputs.flatten(0, 1).numpy(), targets.flatten(0, 1).numpy()
        rows = []
        for guess, true in zip(logits.T, truth.T, strict=True):
            told = np.isfinite(true)
            y, p = true[told], guess[told]
            if 0 < y.sum() < len(y):
                rows.append((roc_auc_score(y, p), average_precision_score(y, p)))
        if not rows:
            return {}
        auroc, auprc = np.mean(rows, axis=0)
        return {"auroc": float(auroc), "auprc": float(auprc)}

    def _masked(self, batch: Batch, *, training: bool) -> tuple[torch.Tensor, torch.Tensor]:
        """Return windows and what is hidden; training shifts and turns them, at random."""
        values = batch["values"]
        n, _, n_marks = values.shape
        shift = int(torch.randint(0, self.window + 1, ())) if training else self.window // 2
        values = values[:, shift : shift + self.window]
        if training and torch.rand(()) < 0.5:
            values = values.flip(1)
        generator = None if training else torch.Generator().manual_seed(self.seed)
        hide = hidden((n, self.window, n_marks), generator)
        return values, hide.to(values.device)


def _mixture_loss(
    states: torch.Tensor, emissions: torch.Tensor, *, present: torch.Tensor, weight: torch.Tensor
) -> torch.Tensor:
    """Return the negative log likelihood of the weighted entries of each bin, per entry."""
    log = (
        states.log_softmax(-1)
        + (present * weight) @ functional.logsigmoid(emissions).T
        + ((1 - present) * weight) @ functional.logsigmoid(-emissions).T
    )
    return -torch.logsumexp(log, dim=-1).sum() / weight.sum().clamp(min=1)
