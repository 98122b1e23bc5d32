"""Windows of a genome that resemble given ones and do not touch them."""

from __future__ import annotations

import bisect
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from grnet._progress import progress
from grnet.dna._composition import Cover, Figures, composition

if TYPE_CHECKING:
    from grnet.io.genome import Genome

Ints = np.ndarray[Any, np.dtype[np.int64]]

ROUNDS = (40, 200, 1000)
"""Candidates drawn, round by round, for each window that has no partner yet."""
NEAREST = 16
OTHERS = 0.1
"""How far shares of unknown, low-complexity and repeated bases may lie apart."""


class Search(NamedTuple):
    """Where partners are sought, and how alike they have to be."""

    genome: Genome
    blocked: Cover
    repeats: Cover | None
    tolerance: float

    def figures(self, windows: pd.DataFrame) -> Figures:
        """Return what windows are made of, in units of the largest difference allowed."""
        unit = np.array([self.tolerance, OTHERS, OTHERS, OTHERS])
        figures: Figures = composition(self.genome, windows, self.repeats) / unit
        return figures


class Taken:
    """Windows that are given away: no two of them overlap."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def take(self, start: int, end: int) -> bool:
        """Take a window if it is free, and tell whether it was."""
        at = bisect.bisect_left(self._starts, start)
        after_last = at == 0 or self._ends[at - 1] <= start
        before_next = at == len(self._starts) or end <= self._starts[at]
        if after_last and before_next:
            self._starts.insert(at, start)
            self._ends.insert(at, end)
        return after_last and before_next


class _Pool(NamedTuple):
    """Candidates of one chromosome and length."""

    figures: Figures
    starts: Ints
    length: int


def partners(windows: pd.DataFrame, search: Search, rng: np.random.Generator) -> Ints:
    """Return the start of a partner of each window, on its chromosome and of its length; or -1."""
    wanted = search.figures(windows)
    found = np.full(len(windows), -1, dtype=np.int64)
    taken: defaultdict[str, Taken] = defaultdict(Taken)
    chroms = windows["chrom"].to_numpy()
    lengths = (windows["end"] - windows["start"]).to_numpy()
    for n_candidates in ROUNDS:
        alone = np.flatnonzero(found < 0)
        kinds = pd.DataFrame({"chrom": chroms[alone], "length": lengths[alone]})
        groups = kinds.groupby(["chrom", "length"]).indices.values()
        for rows in progress(groups, "matching negatives", total=len(groups)):
            pending = rng.permutation(alone[rows])
            chrom, length = str(chroms[pending[0]]), int(lengths[pending[0]])
            starts = _drawn(search, chrom, length, n=n_candidates * len(rows), rng=rng)
            frame = pd.DataFrame({"chrom": chrom, "start": starts, "end": starts + length})
            pool = _Pool(search.figures(frame), starts, length)
            found[pending] = _assigned(wanted[pending], pool, taken[chrom])
    return found


def _drawn(search: Search, chrom: str, length: int, *, n: int, rng: np.random.Generator) -> Ints:
    """Draw starts of windows that lie between what is blocked, all places equally likely."""
    begin, end = search.blocked.free(chrom, int(search.genome.sizes[chrom]))
    places = np.maximum(end - begin - length + 1, 0)
    before = np.cumsum(places)
    if before[-1] == 0:
        return np.empty(0, dtype=np.int64)
    if before[-1] <= n:
        drawn = np.arange(before[-1])
    else:
        drawn = np.unique(rng.integers(0, before[-1], size=n))
    gap = np.searchsorted(before, drawn, side="right")
    return np.asarray(begin[gap] + drawn - (before[gap] - places[gap]), dtype=np.int64)


def _assigned(wanted: Figures, pool: _Pool, taken: Taken) -> Ints:
    """Give each row the nearest candidate that is still free; -1 where none is near enough."""
    chosen = np.full(len(wanted), -1, dtype=np.int64)
    left, free = np.arange(len(wanted)), np.arange(len(pool.starts))
    while len(left) and len(free):
        tree = cKDTree(pool.figures[free])
        nearest = range(1, min(NEAREST, len(free)) + 1)
        near = tree.query(wanted[left], k=nearest, p=np.inf, distance_upper_bound=1.0 + 1e-9)[1]
        tried = np.zeros(len(free) + 1, dtype=bool)
        for row, candidates in zip(left, near, strict=True):
            for candidate in candidates[: np.searchsorted(candidates == len(free), 1)]:
                if tried[candidate]:
                    continue
                tried[candidate] = True
                start = int(pool.starts[free[candidate]])
                if taken.take(start, start + pool.length):
                    chosen[row] = start
                    break
        left = left[(chosen[left] < 0) & (near[:, 0] < len(free))]
        free = free[~tried[:-1]]
    return chosen
