"""TOMTOM, with both strands told apart and a background that few targets cannot spoil."""

import warnings
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from grnet import _checks
from grnet._progress import announced

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ENOUGH = 50
"""Targets from which their own columns are background enough, as in the MEME suite."""

_WIDTH, _CONCENTRATION = 10, 0.3
_WHY_LONG = "Comparing motifs; the first time after an installation memelite compiles for a minute."


class Alignments(NamedTuple):
    """The best alignment of each query (rows) with each target (columns)."""

    pvalue: Floats
    offset: Ints
    overlap: Ints
    minus: npt.NDArray[np.bool_]


def aligned(queries: list[Floats], targets: list[Floats]) -> Alignments:
    """Align matrices (4, width) of letters with each other.

    Strands are merged here and not in memelite, whose versions differ in what they do with ties.
    """
    memelite = _checks.optional("memelite", "genomics")
    n = len(targets)
    both = [matrix for t in targets for matrix in (t, t[::-1, ::-1])]
    given = [np.asfortranarray(m) for m in both + _filling(n)]
    with announced(_WHY_LONG), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # few targets: filled up above
        found = memelite.tomtom(
            [np.asfortranarray(q) for q in queries],
            given,
            n_target_bins=None,  # its hashing keeps whichever column comes first
            reverse_complement=False,
        )
    pvalues, _, offsets, overlaps = (found[k][:, : 2 * n] for k in range(4))
    # rounding can make the sum of a distribution a hair more than one
    by_strand = np.clip(pvalues, 0, 1).reshape(len(queries), n, 2)
    minus = by_strand[..., 1] < by_strand[..., 0]
    best = by_strand.min(axis=-1)
    offset, overlap = (_chosen(values, minus).astype(np.int64) for values in (offsets, overlaps))
    return Alignments(best * (2 - best), offset, overlap, minus)


def _chosen(values: Floats, minus: npt.NDArray[np.bool_]) -> Floats:
    by_strand = values.reshape(*minus.shape, 2)
    return np.asarray(np.where(minus, by_strand[..., 1], by_strand[..., 0]))


def _filling(n: int) -> list[Floats]:
    """Return made-up motifs that fill up the background: the same ones always."""
    rng = np.random.default_rng(0)
    return [
        np.asarray(matrix)
        for _ in range(n, ENOUGH)
        for one in [rng.dirichlet([_CONCENTRATION] * 4, size=_WIDTH).T]
        for matrix in (one, one[::-1, ::-1])
    ]
