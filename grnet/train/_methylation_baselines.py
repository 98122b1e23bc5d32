"""Levels without training: means of the neighbours."""

import numpy as np

from grnet.train._methylation_sites import Floats, Ints, Sites, neighbours

_NEAREST = 48
"""Neighbours on either side that a kernel looks at."""

_WIDTHS = np.geomspace(20, 20_000, 13)
_PRIORS = (0.1, 0.3, 1.0, 3.0)
_TUNED_ON = 20_000


def overall(sites: Sites, seen: Ints) -> float:
    """Return the share of methylated reads among all that may be seen."""
    return float(sites.methylated[seen].sum() / max(sites.coverage[seen].sum(), 1))


def neighbour_mean(sites: Sites, seen: Ints, targets: Ints, *, n: int) -> Floats:
    """Return the mean level of the nearest ``n`` CpGs on either side, all alike."""
    around = neighbours(sites, seen, targets, n=n)
    there = around[..., 1] > 0
    level = around[..., 0] / np.maximum(around[..., 1], 1)
    mean = level.sum(1) / np.maximum(there.sum(1), 1)
    return np.where(there.any(1), mean, overall(sites, seen)).astype(np.float32)


def kernel_mean(sites: Sites, seen: Ints, targets: Ints, *, width: float, prior: float) -> Floats:
    """Return the share of methylated reads around, which count less with distance.

    A read at a distance d counts ``exp(-d / width)``; ``prior`` reads have the overall level.
    """
    around = neighbours(sites, seen, targets, n=_NEAREST)
    return _weighted(around, width, prior=prior, share=overall(sites, seen))


def tuned_kernel(
    sites: Sites, seen: Ints, training: Ints, *, block: int = 0, rng: np.random.Generator
) -> tuple[float, float]:
    """Return width and prior that give the training CpGs' reads the highest likelihood.

    With ``block``, each is told without the neighbours in a block of so many bases around it.
    """
    some = np.sort(rng.permutation(training)[:_TUNED_ON])
    gap = None
    if block:
        left = rng.integers(0, block, len(some))
        gap = (np.maximum(left, 1), np.maximum(block - left, 1))
    around = neighbours(sites, seen, some, n=_NEAREST, gap=gap)
    share = overall(sites, seen)
    m, c = sites.methylated[some], sites.coverage[some]
    best = (-np.inf, float(_WIDTHS[0]), _PRIORS[0])
    for width in _WIDTHS:
        for prior in _PRIORS:
            level = np.clip(_weighted(around, width, prior=prior, share=share), 1e-3, 1 - 1e-3)
            value = float((m * np.log(level) + (c - m) * np.log1p(-level)).mean())
            best = max(best, (value, float(width), prior))
    return best[1:]


def _weighted(around: Floats, width: float, *, prior: float, share: float) -> Floats:
    weight = np.exp(-np.abs(around[..., 2]) / np.float32(width))
    yes = (weight * around[..., 0]).sum(1) + prior * share
    level: Floats = yes / ((weight * around[..., 1]).sum(1) + prior)
    return level
