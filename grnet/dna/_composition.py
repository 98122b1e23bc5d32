"""What stretches of a genome are made of: the figures by which negatives are matched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bioframe
import numpy as np

from grnet import _intervals
from grnet._alphabet import UNKNOWN
from grnet.dna._jit import compiled

if TYPE_CHECKING:
    import pandas as pd

    from grnet._alphabet import Codes
    from grnet.io.genome import Genome

Figures = np.ndarray[Any, np.dtype[np.float64]]

_BLOCK = 1 << 24


def composition(genome: Genome, intervals: pd.DataFrame, repeats: Cover | None) -> Figures:
    """Return one row per interval: shares of GC, unknown bases, low complexity and repeats."""
    length = (intervals["end"] - intervals["start"]).to_numpy()
    out = np.zeros((len(intervals), 4))
    step = max(1, _BLOCK // max(int(length.max(initial=1)), 1))
    for at in range(0, len(intervals), step):
        block = slice(at, at + step)
        codes = genome.sequence(intervals.iloc[block])
        size = np.maximum(length[block], 1)
        known = (codes < UNKNOWN).sum(axis=1)
        strong = ((codes == 1) | (codes == 2)).sum(axis=1)
        out[block, 0] = strong / np.maximum(known, 1)
        out[block, 1] = 1 - known / size
        out[block, 2] = low_complexity(np.ascontiguousarray(codes)) / size
    if repeats is not None:
        out[:, 3] = repeats.bases(intervals) / np.maximum(length, 1)
    return out


class Cover:
    """How much of an interval a set of intervals covers."""

    def __init__(self, intervals: pd.DataFrame) -> None:
        merged = bioframe.merge(intervals[list(_intervals.COLUMNS)], min_dist=0)
        self._parts = {
            chrom: (part["start"].to_numpy(), part["end"].to_numpy())
            for chrom, part in merged.groupby("chrom", observed=True)
        }

    def free(self, chrom: str, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Return starts and ends of the gaps of a chromosome."""
        none = np.empty(0, dtype=np.int64)
        start, end = self._parts.get(chrom, (none, none))
        return np.concatenate([[0], end]), np.concatenate([start, [size]])

    def bases(self, intervals: pd.DataFrame) -> Figures:
        """Return the number of covered bases of each interval."""
        covered = np.zeros(len(intervals))
        chroms = intervals["chrom"].to_numpy()
        for chrom, (start, end) in self._parts.items():
            rows = np.flatnonzero(chroms == chrom)
            before = np.concatenate([[0], np.cumsum(end - start)])
            for sign, column in ((-1, "start"), (1, "end")):
                place = intervals[column].to_numpy()[rows]
                part = np.searchsorted(start, place, side="right")
                last = np.maximum(part - 1, 0)
                over = np.where(part > 0, np.maximum(end[last] - place, 0), 0)
                covered[rows] += sign * (before[part] - over)
        return covered


@compiled
def low_complexity(codes: Codes) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Count the bases of each row that lie in a window of few different triplets.

    A window is of low complexity where the DUST score, the pairs of equal triplets divided by the
    number of triplets less one, exceeds 2.
    """
    n, length = codes.shape
    found = np.zeros(n, dtype=np.int64)
    triplets = np.empty(length, dtype=np.int64)
    for row in range(n):
        counts = np.zeros(64, dtype=np.int64)
        pairs, held, begin, marked = 0, 0, 0, 0
        for i in range(2, length):
            a, b, c = codes[row, i - 2], codes[row, i - 1], codes[row, i]
            if a > 3 or b > 3 or c > 3:
                counts[:] = 0
                pairs, held, begin = 0, 0, i - 1
                continue
            triplets[i - 2] = 16 * a + 4 * b + c
            pairs += counts[triplets[i - 2]]
            counts[triplets[i - 2]] += 1
            held += 1
            if held > 62:
                old = triplets[begin]
                counts[old] -= 1
                pairs -= counts[old]
                held -= 1
                begin += 1
            if held > 9 and pairs > 2.0 * (held - 1):
                found[row] += i + 1 - max(begin, marked)
                marked = i + 1
    return found
