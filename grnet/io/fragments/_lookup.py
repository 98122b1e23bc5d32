"""Which regions do many intervals overlap: sorted searches, no object per interval."""

from typing import Any, NamedTuple

import numpy as np

_BITS = 32
_BEYOND = np.iinfo(np.int64).max


def positions(chrom: Any, position: Any) -> np.ndarray:  # noqa: ANN401 - arrays of any integer
    """Return one number for chromosome and position, in the order of the genome."""
    placed: np.ndarray = (np.asarray(chrom, dtype=np.int64) << _BITS) + position
    return placed


class Layer(NamedTuple):
    """Regions of which none lies inside another: starts and ends are both in order."""

    starts: np.ndarray
    ends: np.ndarray
    region: np.ndarray | None
    """The numbers of the regions; None where they are in order."""


class Lookup:
    """Regions, ready to be searched.

    Parameters
    ----------
    chrom
        Number of the chromosome of each region.
    start, end
        Bounds, 0-based and half-open.
    """

    def __init__(self, chrom: np.ndarray, start: np.ndarray, end: np.ndarray) -> None:
        starts, ends = positions(chrom, start), positions(chrom, end)
        self.layers: list[Layer] = []
        order = np.lexsort((ends, starts))
        while len(order):
            outer = ends[order] == np.maximum.accumulate(ends[order])
            chosen = order[outer]
            region = None if np.array_equal(chosen, np.arange(len(starts))) else chosen
            self.layers.append(Layer(np.append(starts[chosen], _BEYOND), ends[chosen], region))
            order = order[~outer]

    def pairs(self, start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the row of each interval and the region that it overlaps, all pairs.

        The bounds come from :func:`positions`; intervals may be in any order.
        """
        found = [_pairs(layer, start, end) for layer in self.layers]
        if len(found) == 1:
            return found[0]
        rows, regions = zip(*found, strict=True)
        return np.concatenate(rows), np.concatenate(regions)


def _pairs(layer: Layer, start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    first = np.searchsorted(layer.ends, start, side="right")
    rows = np.flatnonzero(layer.starts[first] < end)
    first = first[rows]
    n = np.searchsorted(layer.starts, end[rows], side="left") - first
    if len(n) and n.max() > 1:
        before = np.cumsum(n) - n
        rows = np.repeat(rows, n)
        first = np.repeat(first - before, n) + np.arange(len(rows))
    return rows, first if layer.region is None else layer.region[first]
