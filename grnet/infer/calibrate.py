"""How far chance alone goes: a permutation null, and stability over resamples."""

import numpy as np

from grnet.infer._edges import strongest
from grnet.infer._inputs import Inputs


class PermutationNull:
    """The pooled scores of a method on data in which no gene is associated with any other.

    Each gene's values are shuffled over the cells on their own, so that distributions stay and
    every association goes. All pairs share one null: a pair's p-value is the share of null scores
    at least as strong. Benjamini-Hochberg over all candidate pairs turns it into the FDR.
    """

    def __init__(self, observed: np.ndarray) -> None:
        self._order = np.argsort(-observed, kind="stable")
        self._ascending = observed[self._order][::-1]
        self._exceeding = np.zeros(len(observed), dtype=np.int64)
        self._n_null = 0

    def add(self, null: np.ndarray) -> None:
        """Count the null scores of one permutation that reach each observed score."""
        place = np.searchsorted(self._ascending, null, side="right")
        reached = np.bincount(place, minlength=len(self._ascending) + 1)
        self._exceeding += np.cumsum(reached[::-1])[:-1]
        self._n_null += len(null)

    def pvalues(self) -> np.ndarray:
        """Return one p-value per observed score, never zero."""
        values = np.empty(len(self._order))
        values[self._order] = (1 + self._exceeding) / (1 + self._n_null)
        return values


def benjamini_hochberg(pvalues: np.ndarray) -> np.ndarray:
    """Return the adjusted p-values of Benjamini and Hochberg (1995)."""
    order = np.argsort(pvalues)
    scaled = pvalues[order] * len(pvalues) / np.arange(1, len(pvalues) + 1)
    adjusted = np.empty_like(scaled)
    adjusted[order] = np.minimum.accumulate(scaled[::-1])[::-1].clip(max=1.0)
    return adjusted


def n_permutations(fdr: float) -> int:
    """Return how many permutations can tell one edge at this FDR from chance."""
    return max(20, int(np.ceil(1.0 / fdr)))


class Stability:
    """The share of resamples of the cells in which a pair is among the strongest ``n``."""

    def __init__(self, n_pairs: int, n_top: int) -> None:
        self._counts = np.zeros(n_pairs, dtype=np.int32)
        self._n_top = n_top
        self._n_resamples = 0

    def add(self, strength: np.ndarray) -> None:
        """Count the strongest pairs of one resample."""
        self._counts[strongest(strength, self._n_top)] += 1
        self._n_resamples += 1

    def shares(self) -> np.ndarray:
        """Return one share per pair."""
        return self._counts / max(self._n_resamples, 1)


def resampled(inputs: Inputs, rng: np.random.Generator) -> Inputs:
    """Return as many cells drawn with replacement: a bootstrap sample."""
    n_cells = inputs.matrix.shape[0]
    return inputs.of_cells(np.sort(rng.integers(n_cells, size=n_cells)))
