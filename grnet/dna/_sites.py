"""Where motifs fit within a batch of codes, on either strand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from grnet import _checks
from grnet.io.motifs import Motif

if TYPE_CHECKING:
    from collections.abc import Iterable

_SEVERAL = ("RAG", "YCT", "SCG", "WAT", "KGT", "MAC", "BCGT", "DAGT", "HACT", "VACG", "NACGT")
IUPAC = {base: base for base in "ACGT"} | {entry[0]: entry[1:] for entry in _SEVERAL}
_PSEUDO = 0.01
_TINY = 1e-6

Scores = np.ndarray[Any, np.dtype[np.float64]]


def covered(
    codes: torch.Tensor, motifs: Iterable[Motif | str], *, min_score: float
) -> torch.Tensor:
    """Return a mask (N, L) of the bases that lie in a site."""
    mask = torch.zeros(codes.shape, dtype=torch.bool, device=codes.device)
    for motif in motifs:
        scores, least = _table(motif, min_score)
        for strand in (scores, scores[::-1, [3, 2, 1, 0, 4]]):
            _cover(mask, codes, torch.from_numpy(strand.copy()).to(codes.device), least=least)
    return mask


def _table(motif: Motif | str, min_score: float) -> tuple[Scores, float]:
    """Return the score of each base (and of N) at each position, and how much a site needs."""
    if isinstance(motif, Motif):
        scores = np.log2((motif.probabilities.T + _PSEUDO) / (1 + 4 * _PSEUDO))
        low, high = scores.min(axis=1).sum(), scores.max(axis=1).sum()
        least = low + min_score * (high - low)
    else:
        scores, least = _consensus(motif), float(len(motif))
    unknown = np.full((len(scores), 1), -np.inf)
    return np.hstack([scores, unknown]), least - _TINY


def _consensus(letters: str) -> Scores:
    wrong = sorted(set(letters.upper()) - set(IUPAC))
    if wrong or not letters:
        message = (
            f"{letters!r} is no consensus sequence (not understood: {_checks.examples(wrong)}). "
            "Expected IUPAC letters such as 'TGASTCA', or a grnet.io.Motif."
        )
        raise ValueError(message)
    return np.array(
        [[float(base in IUPAC[letter]) for base in "ACGT"] for letter in letters.upper()]
    )


def _cover(mask: torch.Tensor, codes: torch.Tensor, scores: torch.Tensor, *, least: float) -> None:
    n_starts = codes.shape[1] - len(scores) + 1
    if n_starts <= 0:
        return
    total = torch.zeros((len(codes), n_starts), dtype=scores.dtype, device=codes.device)
    for offset, column in enumerate(scores):
        total += column[codes[:, offset : offset + n_starts].int()]
    hits = total >= least
    for offset in range(len(scores)):
        mask[:, offset : offset + n_starts] |= hits
