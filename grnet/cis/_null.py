"""Correlation of peaks and genes against peaks that look alike on other chromosomes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from grnet import _checks
from grnet._progress import progress
from grnet.cis import _moments

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt
    import scipy.sparse as sp

    from grnet.cis._pairs import Pairs

    Floats = npt.NDArray[np.float32]
    Flags = npt.NDArray[np.bool_]
    Ints = npt.NDArray[np.int64]

LEAST_BACKGROUND = 20
"""Peaks on other chromosomes without which a gene has no null."""

_SPARE = 1.5
_GC_GROUPS = 4
_STRATA, _STRATUM_GENES = 8, 50
_VALUES = 1 << 25
_CELLS = 4096
_TOLERANCE = 1e-4


class Measured(NamedTuple):
    """What both modalities hold, cells x features, and where the features lie."""

    access: sp.csc_matrix
    expression: sp.csc_matrix
    peak_chrom: Ints
    on_chrom: Flags
    """Genes x chromosomes: where the gene has a start site."""
    order: Ints
    """Of the peaks by place, so that ties do not depend on the order of the data."""
    gc: npt.NDArray[np.float64] | None


class Compared(NamedTuple):
    """One value per pair."""

    correlation: npt.NDArray[np.float64]
    pvalue: npt.NDArray[np.float64]


def measured(
    access: sp.csc_matrix,
    expression: sp.csc_matrix,
    peaks: pd.DataFrame,
    *,
    sites: pd.DataFrame,
    gc: npt.NDArray[np.float64] | None,
) -> Measured:
    """Put the data of a test together; ``sites`` holds ``chrom`` and the row of ``gene``."""
    label = pd.Index(peaks["chrom"])
    chroms = label.unique().sort_values()
    codes = chroms.get_indexer(label)
    on_chrom = np.zeros((expression.shape[1], len(chroms)), dtype=bool)
    place = chroms.get_indexer(pd.Index(sites["chrom"]))
    on_chrom[sites["gene"].to_numpy()[place >= 0], place[place >= 0]] = True
    order = np.lexsort((peaks["end"], peaks["start"], codes))
    return Measured(access, expression, codes.astype(np.int64), on_chrom, order, gc)


def compared(data: Measured, pairs: Pairs, *, n_background: int) -> Compared:
    """Return correlation and p-value of each pair.

    Raises
    ------
    ValueError
        If a gene has no background: nearly all peaks lie on its chromosome.
    """
    length = _moments.spread(data.access)
    _refuse_one_chromosome(data, pairs, length > 0)
    bins = _bins(data, length, size=int(_SPARE * n_background))
    bin_of = np.full(len(length), -1)
    for number, members in enumerate(bins):
        bin_of[members] = number
    bin_of_pair = np.where(_moments.spread(data.expression)[pairs.gene] > 0, bin_of[pairs.peak], -1)
    result = Compared(np.zeros(len(pairs.peak)), np.ones(len(pairs.peak)))
    for genes in progress(list(_strata(data, pairs, bins)), "peak-gene links"):
        dense = _moments.standard(data.expression[:, genes])
        bin_of_own = np.where(np.isin(pairs.gene, genes), bin_of_pair, -1)
        for number in np.setdiff1d(bin_of_own, -1):
            rows = np.flatnonzero(bin_of_own == number)
            part = _Part(bins[number], length[bins[number]], genes, dense, rows)
            found = _compare(data, pairs, part)
            result.correlation[rows] = found.correlation
            result.pvalue[rows] = found.pvalue
    return result


class _Part(NamedTuple):
    """The peaks of a bin, some genes with their standardised values, and the pairs of both."""

    members: Ints
    length: npt.NDArray[np.float64]
    genes: Ints
    dense: Floats
    rows: Ints


def _compare(data: Measured, pairs: Pairs, part: _Part) -> Compared:
    """Compare pairs with the standardised correlations of their genes with the bin's peaks."""
    place = np.full(data.access.shape[1], -1)
    place[part.members] = np.arange(len(part.members))
    row = place[pairs.peak[part.rows]]
    genes, column = np.unique(pairs.gene[part.rows], return_inverse=True)
    local = np.searchsorted(part.genes, genes)
    scores = _product(data.access[:, part.members], part.dense[:, local])
    scores /= part.length[:, None].astype(np.float32)
    correlation = np.clip(scores[row, column], -1.0, 1.0).astype(np.float64)
    trans = ~data.on_chrom[genes].T[data.peak_chrom[part.members]]
    count = trans.sum(axis=0)
    known = count >= LEAST_BACKGROUND
    _standardise(scores, trans, np.maximum(count, 1))
    null = np.sort(scores[trans & known])
    above = len(null) - np.searchsorted(null, scores[row, column] - np.float32(_TOLERANCE))
    return Compared(correlation, np.where(known[column], (above + 1) / (len(null) + 1), 1.0))


def _standardise(scores: Floats, among: Flags, count: Ints) -> None:
    """Give the chosen entries of each column mean 0 and variance 1, in place."""
    mean = np.einsum("ij,ij->j", scores, among, dtype=np.float64) / count
    scores -= mean.astype(np.float32)
    variance = np.einsum("ij,ij,ij->j", scores, scores, among, dtype=np.float64) / count
    scores /= np.sqrt(np.maximum(variance, 1e-20)).astype(np.float32)


def _product(access: sp.csc_matrix, dense: Floats) -> Floats:
    """Return peaks x genes, some thousand cells at a time."""
    total = np.zeros((access.shape[1], dense.shape[1]), dtype=np.float32)
    rows = access.tocsr() if access.shape[0] > _CELLS else access
    for start in range(0, access.shape[0], _CELLS):
        cells = slice(start, start + _CELLS)
        block = rows[cells] if access.shape[0] > _CELLS else rows
        total += block.toarray().T @ dense[cells]
    return total


def _bins(data: Measured, length: npt.NDArray[np.float64], *, size: int) -> list[Ints]:
    """Group peaks of like accessibility and, where known, GC content."""
    known = data.order[length[data.order] > 0]
    total = _moments.power_sum(data.access, 1)
    ranked = known[np.argsort(total[known], kind="stable")]
    n_bins = max(1, len(ranked) // size)
    if data.gc is None:
        return np.array_split(ranked, n_bins)
    groups = np.array_split(ranked, max(1, n_bins // _GC_GROUPS))
    split = min(n_bins, _GC_GROUPS)
    return [
        part
        for group in groups
        for part in np.array_split(group[np.argsort(data.gc[group], kind="stable")], split)
    ]


def _strata(data: Measured, pairs: Pairs, bins: list[Ints]) -> Iterator[Ints]:
    """Yield the linked genes in groups of like kurtosis, which have nulls of like shape."""
    genes = np.unique(pairs.gene)
    tail = np.round(_moments.kurtosis(data.expression[:, genes]), 6)
    ranked = genes[np.lexsort((genes, tail))]
    rows = max(data.access.shape[0], *map(len, bins))
    least = -(-len(genes) * rows // _VALUES)
    usual = int(np.clip(len(genes) // _STRATUM_GENES, 1, _STRATA))
    for group in np.array_split(ranked, min(max(usual, least), len(genes))):
        yield np.sort(group)


def _refuse_one_chromosome(data: Measured, pairs: Pairs, varies: Flags) -> None:
    """Raise if a gene has too few peaks on other chromosomes."""
    per_chrom = np.bincount(data.peak_chrom[varies], minlength=data.on_chrom.shape[1])
    genes = np.unique(pairs.gene)
    left = int((per_chrom.sum() - data.on_chrom[genes] @ per_chrom).min())
    if left < LEAST_BACKGROUND:
        message = (
            f"The correlation of peak and gene is compared with that of peaks on other "
            f"chromosomes, but a gene has only {left} such peaks that vary (expected "
            f"{LEAST_BACKGROUND} at least; {_checks.examples(np.unique(per_chrom))} per "
            "chromosome). Use method='distance'."
        )
        raise ValueError(message)
