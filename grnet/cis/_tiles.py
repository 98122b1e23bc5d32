"""Intervals cut into stretches of DNA of bounded size."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from grnet._alphabet import Codes
from grnet.io.genome import Genome

Ints = npt.NDArray[np.int64]

TILE = 1 << 16
"""Longer intervals are cut into tiles of so many bases."""

BLOCK = 1 << 22
"""So many bases are held at a time."""


class Block(NamedTuple):
    """Sequences of some tiles.

    ``interval`` is the row number of the interval that a tile belongs to, ``offset`` where the
    tile begins in it. The first ``owned`` bases are the tile's own, what follows is the beginning
    of the next one, for places that cross the cut.
    """

    rows: Codes
    interval: Ints
    offset: Ints
    owned: Ints


class Tiles(NamedTuple):
    """The tiles of all intervals, and from which to which tile each block goes."""

    genome: Genome
    frame: pd.DataFrame
    interval: Ints
    offset: Ints
    owned: Ints
    bounds: Ints

    @property
    def n_blocks(self) -> int:
        """How many blocks there are."""
        return len(self.bounds) - 1

    def blocks(self) -> Iterator[Block]:
        """Read one block after the other."""
        for begin, end in zip(self.bounds[:-1], self.bounds[1:], strict=True):
            part = slice(int(begin), int(end))
            rows = self.genome.sequence(self.frame.iloc[part])
            yield Block(rows, self.interval[part], self.offset[part], self.owned[part])


def tiles(genome: Genome, intervals: pd.DataFrame, *, overlap: int) -> Tiles:
    """Cut intervals into tiles that reach ``overlap`` bases into the next one."""
    length = (intervals["end"] - intervals["start"]).to_numpy()
    count = np.maximum(-(-length // TILE), 1)
    interval = np.repeat(np.arange(len(length)), count)
    first = np.repeat(np.cumsum(count) - count, count)
    offset = (np.arange(len(interval)) - first) * TILE
    left = length[interval] - offset
    begin = intervals["start"].to_numpy()[interval] + offset
    chrom = intervals["chrom"].to_numpy()[interval]
    reach = np.minimum(left, TILE + overlap)
    frame = pd.DataFrame({"chrom": chrom, "start": begin, "end": begin + reach})
    owned = np.minimum(left, TILE)
    return Tiles(genome, frame, interval, offset, owned, _bounds(reach))


def _bounds(lengths: Ints) -> Ints:
    """Return where to cut, so that no block padded to its longest row exceeds its size."""
    cuts, longest = [0], 0
    for at, length in enumerate(lengths.tolist()):
        longest = max(longest, length + 1)
        if (at + 1 - cuts[-1]) * longest > BLOCK and at > cuts[-1]:
            cuts.append(at)
            longest = length + 1
    return np.array([*cuts, len(lengths)])
