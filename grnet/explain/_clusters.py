"""Windows that look alike, gathered and lined up."""

import numpy as np
import numpy.typing as npt

from grnet.explain._windows import Floats, Ints, Windows, fits

ROUNDS = 4
DOUBLE = 0.9
"""From this cosine on, two patterns are one."""


def gathered(
    windows: Windows, *, width: int, min_similarity: float, min_sites: int
) -> list[npt.NDArray[np.float64]]:
    """Return the letters counted at each position of each pattern, (4, width), in no order."""
    reach = (windows.letters.shape[2] - width) // 2
    patterns = _seeds(windows, reach=reach, width=width, least=min_similarity, n=min_sites)
    counts: list[npt.NDArray[np.float64]] = []
    for _ in range(ROUNDS):
        if not len(patterns):
            return []
        patterns, counts = _refined(windows, patterns, least=min_similarity, n=min_sites)
    return counts


def _seeds(windows: Windows, *, reach: int, width: int, least: float, n: int) -> Floats:
    """Begin patterns at the windows with most others like them, each set aside with its like."""
    cores = windows.contributions[:, :, reach : reach + width]
    alike = fits(windows.contributions, cores).cosine
    near = np.maximum(alike, alike.T) >= least
    left = np.ones(len(cores), dtype=bool)
    found: list[Floats] = []
    while left.sum() >= n:
        seed = int((near[left].sum(axis=0) * left).argmax())
        members = near[seed] & left
        if members.sum() < max(n // 2, 2):
            break
        found.append(cores[seed])
        left &= ~members
    return np.array(found)


def _refined(
    windows: Windows, patterns: Floats, *, least: float, n: int
) -> tuple[Floats, list[npt.NDArray[np.float64]]]:
    """Give each window to the pattern that it fits best, and average anew."""
    fit = fits(windows.contributions, patterns)
    owner = fit.cosine.argmax(axis=1)
    owner[fit.cosine.max(axis=1) < least] = -1
    means: list[Floats] = []
    counts: list[npt.NDArray[np.float64]] = []
    width = patterns.shape[2]
    order = np.argsort(-np.bincount(owner[owner >= 0], minlength=len(patterns)), kind="stable")
    for one in order:
        rows: Ints = np.flatnonzero(owner == one)
        if len(rows) < n:
            continue
        facing = windows.take(rows).facing(fit.minus[rows, one])
        first = fit.first[rows, one]
        mean = facing.cut(first, width).contributions.mean(axis=0)
        # a pattern that begins off its middle is cut short: move it there
        first = np.clip(first + _off_middle(mean), 0, windows.letters.shape[2] - width)
        own = facing.cut(first, width)
        mean = own.contributions.mean(axis=0)
        if means and _is_known(mean, np.array(means)):
            continue
        means.append(mean)
        counts.append(own.letters.sum(axis=0, dtype=np.float64))
    return np.array(means), counts


def _off_middle(pattern: Floats) -> int:
    """Return how far the middle of what contributes lies behind that of the pattern."""
    weight = np.square(pattern).sum(axis=0)
    places = np.arange(len(weight)) - (len(weight) - 1) / 2
    return round(float((weight * places).sum() / max(weight.sum(), 1e-30)))


def _is_known(pattern: Floats, others: Floats) -> bool:
    """Tell if a pattern is one of the others, shifted or on the other strand."""
    width = pattern.shape[1]
    padded = np.pad(pattern, ((0, 0), (width // 2, width // 2)))
    return bool(fits(padded[None], others).cosine.max() >= DOUBLE)
