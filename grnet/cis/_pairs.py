"""Pairs of a peak and a gene within reach of each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from grnet import _checks, _intervals

if TYPE_CHECKING:
    import numpy.typing as npt

FARTHEST, NEAREST = 100_000, 1_000
"""Bounds of the distance that suits a genome: those of human and of a bacterium."""


class Pairs(NamedTuple):
    """Row numbers of peaks and of genes' names, and the signed distance between them."""

    peak: npt.NDArray[np.int64]
    gene: npt.NDArray[np.int64]
    distance: npt.NDArray[np.int64]


def usual_distance(genes: pd.DataFrame) -> int:
    """Return the mean distance between neighbouring start sites, within bounds."""
    sites = genes[["chrom", "tss"]].drop_duplicates().groupby("chrom")["tss"]
    gaps = int((sites.size() - 1).sum())
    if gaps < 1:
        return FARTHEST
    span = float((sites.max() - sites.min()).sum())
    return int(np.clip(span / gaps, NEAREST, FARTHEST))


def near(
    peaks: pd.DataFrame, genes: pd.DataFrame, *, max_distance: int, gene_body: bool
) -> tuple[Pairs, pd.Index]:
    """Return the pairs within reach, each gene by its nearest site, and the names of the genes.

    Raises
    ------
    ValueError
        If there is none.
    """
    low = genes["start" if gene_body else "tss"].to_numpy(np.int64)
    high = genes["end"].to_numpy(np.int64) if gene_body else low + 1
    reach = genes[["chrom"]].assign(
        start=np.maximum(low - max_distance, 0), end=high + max_distance
    )
    row, site = _intervals.overlaps(peaks, reach)
    if not len(row):
        message = (
            f"No peak lies within {max_distance:,} bases of a gene: the peaks look like "
            f"{_checks.examples(_intervals.names(peaks.head(3)))}, the genes start at "
            f"{_checks.examples(genes['chrom'] + ':' + genes['tss'].astype(str))}. "
            "Raise max_distance, or use peaks and genes of the same assembly."
        )
        raise ValueError(message)
    distance = _signed(peaks.iloc[row], low[site], high[site])
    distance *= np.where(genes["strand"].to_numpy()[site] == "-", -1, 1)
    label = pd.Index(genes["gene"].astype(str))
    names = label.unique().sort_values()
    return _nearest(Pairs(row, names.get_indexer(label)[site].astype(np.int64), distance)), names


def _signed(
    peaks: pd.DataFrame, low: npt.NDArray[np.int64], high: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Return the way from ``[low, high)`` to the nearest base of each peak, 0 where they meet."""
    start, end = peaks["start"].to_numpy(np.int64), peaks["end"].to_numpy(np.int64)
    after, before = start - high + 1, end - 1 - low
    return np.where(after > 0, after, np.where(before < 0, before, 0))


def _nearest(pairs: Pairs) -> Pairs:
    """Keep one pair of each peak and gene, the nearest, upstream rather than downstream."""
    order = np.lexsort((pairs.distance, np.abs(pairs.distance), pairs.peak, pairs.gene))
    peak, gene, distance = (column[order] for column in pairs)
    first = np.ones(len(order), dtype=bool)
    first[1:] = (peak[1:] != peak[:-1]) | (gene[1:] != gene[:-1])
    return Pairs(peak[first], gene[first], distance[first])
