"""Scores of a motif as whole numbers, and their exact distribution by chance."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

SCALE = 200
"""Scores are counted in steps of 1/200 bit."""

NEVER = 1e-9
"""Probability of a letter that a motif rules out."""

Losses = npt.NDArray[np.int32]


class Pwm(NamedTuple):
    """What each letter at each position costs, against the best letter there.

    A word that costs ``loss`` scores ``(top - loss) / SCALE`` bits, and a word drawn from the
    background scores as high or higher with probability ``tail[loss]``. The tail ends at the
    highest loss that the p-value allows; it is empty where no word is that rare.
    """

    losses: Losses
    top: int
    tail: npt.NDArray[np.float64]

    @property
    def width(self) -> int:
        """Number of positions."""
        return int(self.losses.shape[1])

    @property
    def budget(self) -> int:
        """The highest loss of a hit; -1 where there can be none."""
        return len(self.tail) - 1

    def reverse_complement(self) -> "Pwm":
        """Return the same motif for the other strand; the background is alike on both."""
        return self._replace(losses=np.ascontiguousarray(self.losses[::-1, ::-1]))


def pwm(
    probabilities: npt.NDArray[np.float64],
    background: npt.NDArray[np.float64],
    *,
    max_pvalue: float,
) -> Pwm:
    """Return log2 odds against the background in whole steps, with the p-values of a hit."""
    odds = np.log2(np.maximum(probabilities, NEVER) / background[:, None])
    scores = np.rint(odds * SCALE).astype(np.int32)
    best = scores.max(axis=0)
    losses = best - scores
    tail = _tail(losses, background, at_least=max_pvalue)
    # a sum of many probabilities is right to some 1e-15: what ties with the limit is a hit
    n_allowed = np.searchsorted(tail, max_pvalue * (1 + 1e-9), side="right")
    return Pwm(losses, int(best.sum()), tail[:n_allowed])


def _tail(
    losses: Losses, background: npt.NDArray[np.float64], *, at_least: float
) -> npt.NDArray[np.float64]:
    """Return P(loss <= l) for l = 0, 1, ..., up to where it exceeds ``at_least``.

    Losses only add up, so words above a cap can be left out and the rest stays exact.
    """
    worst = int(losses.max(axis=0).sum())
    mean = background @ losses
    sd = np.sqrt((background @ (losses - mean) ** 2).sum())
    cap = int(np.clip(mean.sum() - 2.5 * sd, mean.sum() / 4, worst)) + 1
    while True:
        tail = np.cumsum(_distribution(losses, background, cap=cap))
        if tail[-1] > at_least or cap >= worst:
            return tail
        cap *= 2


def _distribution(
    losses: Losses, background: npt.NDArray[np.float64], *, cap: int
) -> npt.NDArray[np.float64]:
    """Return P(loss = l) for l = 0 to the cap, by adding one position after the other."""
    worst = losses.max(axis=0)
    spread = np.ones(1)
    for column in np.argsort(worst, kind="stable"):
        size = min(cap + 1, len(spread) + int(worst[column]))
        after = np.zeros(size)
        for letter, loss in enumerate(losses[:, column]):
            n = min(len(spread), size - int(loss))
            if n > 0:
                after[loss : loss + n] += background[letter] * spread[:n]
        spread = after
    return spread
