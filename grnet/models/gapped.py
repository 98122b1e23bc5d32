"""Gapped k-mers: the fast statistical method that networks of neurons have to beat."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from grnet import _checks
from grnet._alphabet import UNKNOWN
from grnet.models._heads import Head

Ids = npt.NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class GappedKmersConfig:
    """Settings of a :class:`GappedKmers`.

    Parameters
    ----------
    n_outputs
        Number of tasks.
    word
        Length of a word, gaps included.
    letters
        Letters of a word that count; the first one always does.
    head
        ``"binary"`` or ``"regression"``.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.models.GappedKmersConfig().n_features
    516096
    """

    n_outputs: int = 1
    word: int = 10
    letters: int = 6
    head: Head = "binary"

    def __post_init__(self) -> None:
        _checks.whole(self.letters, 1, 8, what="letters")
        _checks.whole(self.word, self.letters, 14, what="word")
        _checks.one_of(self.head, ("binary", "regression"), "head")

    @property
    def patterns(self) -> tuple[tuple[int, ...], ...]:
        """Which places of a word count, one tuple per pattern."""
        rest = combinations(range(1, self.word), self.letters - 1)
        return tuple((0, *places) for places in rest)

    @property
    def n_features(self) -> int:
        """Number of patterns times words."""
        return len(self.patterns) * int(4**self.letters)


class GappedKmers(nn.Module):
    """A linear model of gapped k-mers: words of which only some letters count.

    Parameters
    ----------
    config
        Its settings.

    Notes
    -----
    The features of gkm-SVM (Ghandi et al. 2014), counted on both strands and divided by their
    Euclidean norm; :func:`grnet.train.fit_gapped_kmers` trains the weights. Logits are linear in
    the normalised counts, calibrated by a slope and an offset. Words with N do not count. It takes
    codes (N, L), or one-hot sequences whose gradient it does not pass on.

    Examples
    --------
    >>> import grnet as gn
    >>> import torch
    >>> model = gn.models.GappedKmers(gn.models.GappedKmersConfig(word=4, letters=3))
    >>> model(torch.zeros(2, 30, dtype=torch.uint8)).shape
    torch.Size([2, 1])
    """

    def __init__(self, config: GappedKmersConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or GappedKmersConfig()
        self.weight = nn.Parameter(torch.zeros(c.n_features, c.n_outputs))
        self.slope = nn.Parameter(torch.ones(c.n_outputs))
        self.offset = nn.Parameter(torch.zeros(c.n_outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits (N, T)."""
        codes = x if x.ndim == 2 else _codes_of(x)
        out = []
        for part in torch.split(codes, 64):
            ids = words(part.cpu().numpy(), self.config)
            norms = torch.from_numpy(lengths(ids)).to(self.weight.device)
            kept = torch.from_numpy(np.where(ids < 0, self.config.n_features, ids))
            padded = torch.cat([self.weight, self.weight.new_zeros(1, self.weight.shape[1])])
            sums = nn.functional.embedding_bag(kept.to(padded.device), padded, mode="sum")
            out.append(sums / norms[:, None])
        return torch.cat(out) * self.slope + self.offset


def words(codes: npt.NDArray[np.uint8], config: GappedKmersConfig) -> Ids:
    """Return the number of each gapped word, one row per sequence; -1 for words with an N.

    A word and its reverse complement have one number, so that both strands count alike.
    """
    length = codes.shape[1]
    if length < config.word:
        message = (
            f"Sequences of {length} bases are shorter than a word of {config.word}: take longer "
            "sequences or a smaller GappedKmersConfig.word."
        )
        raise ValueError(message)
    number_of = {pattern: number for number, pattern in enumerate(config.patterns)}
    parts = []
    for pattern, number in number_of.items():
        mirrored = tuple(pattern[-1] - place for place in reversed(pattern))
        n_places = length - pattern[-1]
        letters = [codes[:, place : place + n_places] for place in pattern]
        forward = np.full(letters[0].shape, number, dtype=np.int32)
        reverse = np.full(letters[0].shape, number_of[mirrored], dtype=np.int32)
        for letter, other in zip(letters, reversed(letters), strict=True):
            forward = forward * 4 + np.minimum(letter, 3)
            reverse = reverse * 4 + (3 - np.minimum(other, 3))
        known = np.max(letters, axis=0) < UNKNOWN
        parts.append(np.where(known, np.minimum(forward, reverse), -1))
    return np.concatenate(parts, axis=1)


def lengths(ids: Ids) -> npt.NDArray[np.float32]:
    """Return the Euclidean norm of each row's counts; 1 for a row without words."""
    ordered = np.sort(ids, axis=1)
    is_new = np.ones(ordered.shape, dtype=bool)
    is_new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    rows, starts = np.nonzero(is_new)
    ends = np.append(starts[1:], 0)
    last = np.append(rows[1:] != rows[:-1], np.True_)
    counts = np.where(last, ids.shape[1], ends) - starts
    counts = np.where(ordered[rows, starts] < 0, 0, counts).astype(np.float64)
    squares = np.bincount(rows, weights=counts**2, minlength=len(ids))
    return np.sqrt(np.maximum(squares, 1.0)).astype(np.float32)


def _codes_of(hot: torch.Tensor) -> torch.Tensor:
    known = hot.sum(1) > 0.5
    return torch.where(known, hot.argmax(1), UNKNOWN).to(torch.uint8)
