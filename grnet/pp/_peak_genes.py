"""Which peaks speak for which genes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnet import _checks, _intervals
from grnet._chromosomes import renamed

REACH = 5.0
"""Multiples of the decay distance after which a peak says nothing of a gene any more."""


def weights(
    peaks: pd.DataFrame,
    genes: pd.DataFrame,
    *,
    upstream: int,
    downstream: int,
    decay: float | None,
) -> tuple[sp.csr_matrix, list[str]]:
    """Return the weight of each peak for each gene, and the names of the genes.

    A gene with several rows takes its nearest; genes are in the order of the table.
    """
    table = renamed(genes, peaks["chrom"], what="the annotation").reset_index(drop=True)
    reach = regions(table, upstream=upstream, downstream=downstream)
    far = 0 if decay is None else int(REACH * decay)
    wide = reach.assign(start=np.maximum(reach["start"] - far, 0), end=reach["end"] + far)
    i, j = _intervals.overlaps(peaks, wide)
    names = list(dict.fromkeys(table["gene"].astype(str)))
    gene = pd.Index(names).get_indexer(pd.Index(table["gene"].astype(str)))[j]
    value = np.ones(len(i))
    if decay is not None:
        value = np.exp(-_gap(peaks.iloc[i], reach.iloc[j]) / decay)
    order = np.lexsort((-value, gene, i))
    i, gene, value = i[order], gene[order], value[order]
    best = np.ones(len(i), dtype=bool)
    best[1:] = (i[1:] != i[:-1]) | (gene[1:] != gene[:-1])
    entries = value[best].astype(np.float32), (i[best], gene[best])
    return sp.csr_matrix(entries, shape=(len(peaks), len(names))), names


def regions(genes: pd.DataFrame, *, upstream: int, downstream: int) -> pd.DataFrame:
    """Return the bodies of genes, extended against and along their strand."""
    _checks.has_columns(genes, (*_intervals.COLUMNS, "strand"), "the annotation")
    minus = (genes["strand"] == "-").to_numpy()
    before, after = np.where(minus, downstream, upstream), np.where(minus, upstream, downstream)
    start = np.maximum(genes["start"] - before, 0)
    return genes[["chrom"]].assign(start=start, end=genes["end"] + after)


def _gap(peaks: pd.DataFrame, regions: pd.DataFrame) -> np.ndarray[Any, Any]:
    """Return the bases between peak and region, 0 where they touch or overlap."""
    left = regions["start"].to_numpy() - peaks["end"].to_numpy()
    right = peaks["start"].to_numpy() - regions["end"].to_numpy()
    gap: np.ndarray[Any, Any] = np.maximum(np.maximum(left, right), 0)
    return gap
