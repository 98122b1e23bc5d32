"""Sums over fragments: the matrix cells x peaks, and figures of each cell."""

import numpy as np
import scipy.sparse as sp

from grnet.io.fragments._lookup import Lookup, positions

PENDING = 2_000_000
"""How many entries of the matrix wait, at least, before they are added up."""

LONGEST = 1_000
"""Fragments up to this length are in the histogram."""

REACH = 2_000
CENTRE = 50
FLANK = 100
"""Insertions up to ``REACH`` bases from a TSS are in its profile; enrichment compares those within
``CENTRE`` bases to those among the last ``FLANK`` bases on either side."""

WIDTH = 2 * REACH + 1

NUCLEOSOME = 147
"""Bases around one nucleosome: shorter fragments are free of any, up to twice as long hold one."""


class Matrix:
    """Counts of cells and peaks, added up whenever half as many wait as there are already."""

    def __init__(self, n_peaks: int) -> None:
        self._n_peaks = n_peaks
        self._total = sp.csr_matrix((0, n_peaks), dtype=np.int32)
        self._cells: list[np.ndarray] = []
        self._peaks: list[np.ndarray] = []
        self._waiting = 0

    def add(self, cells: np.ndarray, peaks: np.ndarray) -> None:
        """Add one to each of these entries."""
        self._cells.append(cells.astype(np.int32, copy=False))
        self._peaks.append(peaks.astype(np.int32, copy=False))
        self._waiting += len(cells)
        if self._waiting > max(PENDING, self._total.nnz // 2):
            self._flush()

    def total(self, n_cells: int) -> sp.csr_matrix:
        """Return all counts so far."""
        self._flush()
        self._total.resize((n_cells, self._n_peaks))
        return self._total

    def _flush(self) -> None:
        if not self._waiting:
            return
        cells, peaks = np.concatenate(self._cells), np.concatenate(self._peaks)
        self._cells, self._peaks, self._waiting = [], [], 0
        shape = (max(int(cells.max()) + 1, self._total.shape[0]), self._n_peaks)
        new = sp.coo_matrix((np.ones(len(cells), np.int32), (cells, peaks)), shape=shape).tocsr()
        self._total.resize(shape)
        self._total = new + self._total


class Figures:
    """What is counted for each cell, and for all together."""

    def __init__(self, sites: "Sites | None" = None) -> None:
        self.sites = sites
        self.lengths = np.zeros(LONGEST + 1, np.int64)
        self._strands = np.zeros(2 * WIDTH, np.int64)
        self._sums: dict[str, np.ndarray] = {}

    def add(
        self, name: str, cells: np.ndarray, n_cells: int, *, weights: np.ndarray | None = None
    ) -> None:
        """Add one, or the weights, to a figure of these cells."""
        new = np.bincount(cells, weights, minlength=n_cells).astype(np.int64, copy=False)
        old = self._sums.get(name)
        if old is not None:
            new[: len(old)] += old
        self._sums[name] = new

    def of(self, name: str, n_cells: int) -> np.ndarray:
        """Return a figure for all cells."""
        found = np.zeros(n_cells, np.int64)
        known = self._sums.get(name, found)
        found[: len(known)] = known
        return found

    def add_lengths(self, cells: np.ndarray, length: np.ndarray, n_cells: int) -> None:
        """Count lengths, and the fragments without and with one nucleosome."""
        self.lengths += np.bincount(length[length <= LONGEST], minlength=LONGEST + 1)
        free = length < NUCLEOSOME
        self.add("free", cells[free], n_cells)
        self.add("one", cells[~free & (length <= 2 * NUCLEOSOME)], n_cells)

    def add_insertions(
        self, cells: np.ndarray, n_cells: int, *, chrom: np.ndarray, position: np.ndarray
    ) -> None:
        """Count insertions around transcription start sites."""
        if self.sites is None:
            return
        rows, places = self.sites.places(chrom, position)
        self._strands += np.bincount(places, minlength=2 * WIDTH)
        part = PARTS[places]
        near = np.flatnonzero(part)
        part, near_cells = part[near], cells[rows[near]]
        self.add("centre", near_cells[part == 1], n_cells)
        self.add("flank", near_cells[part == 2], n_cells)

    @property
    def profile(self) -> np.ndarray:
        """Insertions by their place around start sites, upstream first."""
        profile: np.ndarray = self._strands[:WIDTH] + self._strands[WIDTH:][::-1]
        return profile


class Sites:
    """Transcription start sites, ready to be searched."""

    def __init__(self, chrom: np.ndarray, tss: np.ndarray, *, minus: np.ndarray) -> None:
        order = np.lexsort((tss, chrom))
        start = np.asarray(tss, dtype=np.int64)[order] - REACH
        self._lookup = Lookup(chrom[order], start, start + WIDTH)
        self._shift = minus[order] * WIDTH - start

    def places(self, chrom: np.ndarray, position: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return row and place of each insertion near a site; minus strands come after plus."""
        start = positions(chrom, position)
        rows, sites = self._lookup.pairs(start, start + 1)
        return rows, position[rows] + self._shift[sites]


def _parts() -> np.ndarray:
    """Return for each place in the profile whether it is in the centre (1), the flank (2)."""
    distance = np.abs(np.arange(WIDTH) - REACH)
    parts = np.where(distance <= CENTRE, 1, np.where(distance > REACH - FLANK, 2, 0))
    return np.tile(parts.astype(np.uint8), 2)


PARTS = _parts()
