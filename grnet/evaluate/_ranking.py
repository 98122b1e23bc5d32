"""What a ranking of candidate pairs is worth: exact under ties, from two sorted vectors."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np


class EarlyPrecision(NamedTuple):
    """Precision among the top pairs, and how many pairs these are."""

    precision: float
    n_top: int


class Steps(NamedTuple):
    """The ranking at each distinct score of a true pair, from the highest score down."""

    n_above: np.ndarray
    true_above: np.ndarray
    n_through: np.ndarray
    true_through: np.ndarray


@dataclass(frozen=True, eq=False)
class Ranking:
    """The scores of all candidate pairs and those of the true ones, both ascending.

    Every figure depends on the distinct scores of the true pairs alone, so no order of pairs
    within a tie can change it and no argsort is needed.
    """

    scores: np.ndarray
    true_scores: np.ndarray

    @classmethod
    def of(cls, scores: np.ndarray, is_true: np.ndarray) -> "Ranking":
        """Return the ranking of a vector of scores; the vector is sorted in place."""
        true_scores = np.sort(scores[is_true])
        scores.sort()
        return cls(scores, true_scores)

    @property
    def n(self) -> int:
        """Number of pairs."""
        return len(self.scores)

    @property
    def n_true(self) -> int:
        """Number of true pairs."""
        return len(self.true_scores)

    @property
    def density(self) -> float:
        """Share of true pairs: precision of a random ranking."""
        return self.n_true / self.n

    @cached_property
    def steps(self) -> Steps:
        """Counts of pairs and of true pairs above and through each distinct true score."""
        values, counts = np.unique(self.true_scores, return_counts=True)
        values, counts = values[::-1], counts[::-1]
        true_through = np.cumsum(counts)
        return Steps(
            n_above=self.n - np.searchsorted(self.scores, values, side="right"),
            true_above=true_through - counts,
            n_through=self.n - np.searchsorted(self.scores, values, side="left"),
            true_through=true_through,
        )

    def auroc(self) -> float:
        """Return the share of (true, false) pairs of pairs in right order, ties counting half."""
        n_false = self.n - self.n_true
        if not self.n_true or not n_false:
            return float("nan")
        above, true_above, through, true_through = self.steps
        false_below = n_false - (through - true_through)
        false_tied = (through - true_through) - (above - true_above)
        won = (true_through - true_above) * (false_below + 0.5 * false_tied)
        return float(won.sum() / self.n_true / n_false)

    def auprc(self) -> float:
        """Return the average precision."""
        if not self.n_true:
            return float("nan")
        _, true_above, through, true_through = self.steps
        return float(((true_through - true_above) * (true_through / through)).sum() / self.n_true)

    def early_precision(self) -> EarlyPrecision:
        """Return the precision of the top ``n_true`` pairs after BEELINE's rule of ties.

        All pairs tied with the last one count, pairs that score 0 or less never do.
        """
        first_positive = int(np.searchsorted(self.scores, 0.0, side="right"))
        if first_positive == self.n or not self.n_true:
            return EarlyPrecision(0.0, 0)
        cut = max(self.scores[self.n - self.n_true], self.scores[first_positive])
        n_top = self.n - int(np.searchsorted(self.scores, cut, side="left"))
        hits = self.n_true - int(np.searchsorted(self.true_scores, cut, side="left"))
        return EarlyPrecision(hits / n_top, n_top)

    def precision_at(self, k: int) -> float:
        """Return the precision of the top ``k`` pairs, expected over random orders within ties."""
        if k > self.n:
            return float("nan")
        kth = self.scores[self.n - k]
        n_above = self.n - int(np.searchsorted(self.scores, kth, side="right"))
        n_through = self.n - int(np.searchsorted(self.scores, kth, side="left"))
        true_above = self.n_true - int(np.searchsorted(self.true_scores, kth, side="right"))
        true_through = self.n_true - int(np.searchsorted(self.true_scores, kth, side="left"))
        share = (k - n_above) / (n_through - n_above)
        return (true_above + share * (true_through - true_above)) / k
