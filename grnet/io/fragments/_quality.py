"""Quality of cells from the sums over their fragments."""

import numpy as np
import pandas as pd

from grnet.io.fragments._counts import CENTRE, FLANK, Figures

PRIOR_INSERTIONS = 10
"""Weight, in insertions, of what the flanks of start sites hold in all cells together."""


def quality(figures: Figures, rows: np.ndarray, n: int, *, with_sites: bool) -> pd.DataFrame:
    """Return the figures of the cells in these rows of all ``n`` barcodes."""
    names = ("fragments", "in_peaks", "reads", "one", "free")
    total, inside, reads, one, free = (figures.of(name, n)[rows] for name in names)
    cells = pd.DataFrame({"n_fragments": total, "n_in_peaks": inside})
    cells["frip"] = _ratio(inside, total)
    cells["nucleosome_signal"] = _ratio(one, free)
    if reads.any():
        cells["n_reads"] = reads
        cells["duplicate_rate"] = 1 - _ratio(total, reads)
    if with_sites:
        centre, flank = (figures.of(name, n)[rows] for name in ("centre", "flank"))
        cells["tss_enrichment"] = enrichment(centre, flank, 2.0 * total)
    return cells


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Divide; what has nothing below has no ratio."""
    return np.where(below > 0, above / np.maximum(below, 1), np.nan)


def enrichment(centre: np.ndarray, flank: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Return insertions per base at start sites over those beside them, for each cell.

    The flank of a cell is its own, smoothed by some insertions in the proportion of all cells.
    """
    expected = depth * flank.sum() / max(1.0, depth.sum())
    beside = expected * (flank + PRIOR_INSERTIONS) / (expected + PRIOR_INSERTIONS)
    per_base = centre / (2 * CENTRE + 1), beside / (2 * FLANK)
    unknown = np.full(len(depth), np.nan)
    found: np.ndarray = np.divide(*per_base, out=unknown, where=beside > 0)
    return found
