"""What the assays see of a simulated genome: ATAC fragments, ChIP peaks, methylated CpGs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnet import _alphabet
from grnet.datasets._multiome_cells import CELLS_AT_A_TIME, libraries
from grnet.datasets._multiome_network import CLOSED

if TYPE_CHECKING:
    from grnet.datasets._multiome_layout import Layout
    from grnet.datasets._multiome_network import Network

Array = np.ndarray[Any, Any]

# lengths of fragments: mean and spread without, with one and with two nucleosomes
LENGTHS = np.array([[75.0, 22.0], [200.0, 18.0], [385.0, 28.0]])
LENGTHS_INSIDE, LENGTHS_OUTSIDE = (0.65, 0.27, 0.08), (0.30, 0.45, 0.25)
LONGEST = 600
INSIDE = 0.6  # share of fragments that come from regions
DUPLICATES = 0.6  # further reads per fragment
CHIP_MISSED = 0.1  # share of bound sites without a peak
CHIP_FALSE = 0.15  # peaks without a bound site, per bound site
SUMMIT_SPREAD = 15.0  # bases between the summit and the middle of the motif instance
METHYLATED, UNMETHYLATED = 0.85, 0.08  # levels where regions are closed and open
COVERAGE, COVERAGE_SHAPE = 14.0, 5.0


@dataclass(frozen=True)
class CpGs:
    """Intervals of CpGs, and samples x CpGs of methylated and of all reads."""

    sites: pd.DataFrame
    methylated: Array
    coverage: Array


def sequenced_fragments(
    rng: np.random.Generator,
    layout: Layout,
    openness: Array,
    *,
    depth: float,
    mappable: Array,
) -> pd.DataFrame:
    """Draw fragments, sorted by position; ``barcode`` is the row of the cell."""
    start, end = layout.along(layout.regions, "start"), layout.along(layout.regions, "end")
    n_cells, n_regions = openness.shape
    library = libraries(rng, n_cells)
    efficiency = rng.lognormal(-0.08, 0.4, n_regions) * (end - start)
    efficiency /= (efficiency * openness.mean(axis=0)).mean()
    counts = [
        sp.coo_matrix(rng.poisson(depth * efficiency * openness[block] * library[block]))
        for block in (slice(i, i + CELLS_AT_A_TIME) for i in range(0, n_cells, CELLS_AT_A_TIME))
    ]
    stacked = sp.vstack(counts, format="coo")
    cell, region = (np.repeat(ids, stacked.data) for ids in (stacked.row, stacked.col))
    middle, half = ((start + end) // 2)[region], ((end - start) / 2)[region]
    middle = middle + np.rint(np.clip(rng.normal(0, 0.4, len(cell)), -0.95, 0.95) * half)
    n_outside = rng.poisson(depth * n_regions * (1 / INSIDE - 1) * library[:, 0])
    cell = np.concatenate([cell, np.repeat(np.arange(n_cells), n_outside)])
    elsewhere = rng.integers(0, len(mappable), n_outside.sum())
    length = np.concatenate(
        [_lengths(rng, len(middle), LENGTHS_INSIDE), _lengths(rng, len(elsewhere), LENGTHS_OUTSIDE)]
    )
    first = np.concatenate([middle, elsewhere]).astype(np.int64) - length // 2
    return _mapped(rng, layout, mappable, cell=cell, first=first, length=length)


def overlap_counts(layout: Layout, fragments: pd.DataFrame, n_cells: int) -> sp.csr_matrix:
    """Count the fragments of each cell that overlap each region, by at least one base."""
    ends = layout.along(layout.regions, "end")
    starts = layout.along(layout.regions, "start")
    first = np.searchsorted(ends, layout.along(fragments, "start"), side="right")
    last = np.searchsorted(starts, layout.along(fragments, "end"), side="left")
    hits = np.maximum(last - first, 0)
    cell = np.repeat(fragments["barcode"].to_numpy(), hits)
    region = np.repeat(first - (np.cumsum(hits) - hits), hits) + np.arange(hits.sum())
    ones = np.ones(len(cell), dtype=np.float32)
    return sp.csr_matrix((ones, (cell, region)), shape=(n_cells, len(layout.regions)))


def chip_peaks(
    rng: np.random.Generator,
    layout: Layout,
    network: Network,
    *,
    sites: pd.DataFrame,
    mappable: Array,
) -> pd.DataFrame:
    """Draw peaks, ``tf`` as a number: near most bound sites, and some anywhere."""
    found = sites.loc[sites["bound"] & (rng.random(len(sites)) >= CHIP_MISSED)]
    opened = network.accessibility.max(axis=(1, 2))[found["region"]]
    summit = ((found["start"] + found["end"]) // 2).to_numpy(dtype=np.int64)
    summit = summit + np.rint(rng.normal(0, SUMMIT_SPREAD, len(found))).astype(np.int64)
    true = pd.DataFrame({"tf": found["tf"], "chrom": found["chrom"], "summit": summit})
    true["signal"] = opened * rng.lognormal(2.5, 0.5, len(found))
    n_tfs = len(network.drivers)
    false = _false_peaks(rng, layout, sites, n_tfs=n_tfs, mappable=mappable)
    peaks = pd.concat([true, false], ignore_index=True)
    left, right = rng.integers(75, 200, (2, len(peaks)))
    peaks["start"] = np.maximum(peaks["summit"] - left, 0)
    peaks["end"] = np.minimum(peaks["summit"] + right, peaks["chrom"].map(layout.sizes))
    return peaks


def methylated_cpgs(
    rng: np.random.Generator, layout: Layout, codes: Array, *, accessibility: Array
) -> CpGs:
    """Draw the reads of each CpG; ``accessibility`` has a column per sample."""
    c = np.flatnonzero((codes[:-1] == 1) & (codes[1:] == 2))
    start, end = layout.along(layout.regions, "start"), layout.along(layout.regions, "end")
    region = np.searchsorted(start, c, side="right") - 1
    inside = (region >= 0) & (c < end[np.maximum(region, 0)])
    opened = np.where(inside[:, None], accessibility[np.maximum(region, 0)], CLOSED)
    level = METHYLATED + (UNMETHYLATED - METHYLATED) * opened
    level = np.clip(level + rng.normal(0, 0.06, (len(c), 1)), 0.01, 0.99).T
    rate = rng.standard_gamma(COVERAGE_SHAPE, level.shape) * COVERAGE / COVERAGE_SHAPE
    coverage = rng.poisson(rate)
    methylated = rng.binomial(coverage, level)
    covered = coverage.any(axis=0)
    chrom, position = localised(layout, c[covered])
    sites = pd.DataFrame({"chrom": chrom, "start": position, "end": position + 2})
    return CpGs(sites, methylated[:, covered], coverage[:, covered])


def localised(layout: Layout, position: Array) -> tuple[Array, Array]:
    """Return chromosome and position on it of positions along the genome."""
    ends = layout.sizes.cumsum().to_numpy(dtype=np.int64)
    number = np.searchsorted(ends, position, side="right")
    before = ends - layout.sizes.to_numpy(dtype=np.int64)
    return layout.sizes.index.to_numpy(dtype=object)[number], position - before[number]


def bases(sequences: dict[str, str]) -> tuple[Array, Array]:
    """Return the codes of all chromosomes in a row, and which of them are known."""
    codes = np.concatenate([_alphabet.to_codes(sequence) for sequence in sequences.values()])
    return codes, codes != _alphabet.UNKNOWN


def drawn_barcodes(rng: np.random.Generator, n_cells: int) -> Array:
    """Draw barcodes of 16 letters, sorted."""
    drawn: set[str] = set()
    while len(drawn) < n_cells:
        drawn.add(_alphabet.to_text(rng.integers(0, 4, 16).astype(np.uint8)) + "-1")
    return np.array(sorted(drawn), dtype=object)


def _lengths(rng: np.random.Generator, n: int, shares: tuple[float, ...]) -> Array:
    mean, spread = LENGTHS[rng.choice(len(LENGTHS), n, p=shares)].T
    lengths: Array = np.clip(np.rint(rng.normal(mean, spread)), 25, LONGEST).astype(np.int64)
    return lengths


def _mapped(
    rng: np.random.Generator,
    layout: Layout,
    mappable: Array,
    *,
    cell: Array,
    first: Array,
    length: Array,
) -> pd.DataFrame:
    """Keep fragments without an unknown base; chromosomes end in unknown bases."""
    before = np.concatenate([[0], np.cumsum(mappable)])
    inside = (first >= 0) & (first + length <= len(mappable))
    cell, first, length = cell[inside], first[inside], length[inside]
    known = before[first + length] - before[first] == length
    order = np.lexsort((cell[known], length[known], first[known]))
    cell, first, length = (values[known][order] for values in (cell, first, length))
    chrom, start = localised(layout, first)
    drawn = pd.DataFrame({"chrom": chrom, "start": start, "end": start + length, "barcode": cell})
    drawn = drawn.drop_duplicates(ignore_index=True)
    return drawn.assign(count=1 + rng.poisson(DUPLICATES, len(drawn)))


def _false_peaks(
    rng: np.random.Generator,
    layout: Layout,
    sites: pd.DataFrame,
    *,
    n_tfs: int,
    mappable: Array,
) -> pd.DataFrame:
    """Draw peaks of each TF, half of them in regions that it does not bind, half anywhere."""
    n = max(1, round(CHIP_FALSE * sites["bound"].sum() / (2 * n_tfs)))
    regions = layout.regions
    key = rng.random((n_tfs, len(regions)))
    bound = sites.loc[sites["bound"]]
    key[bound["tf"], bound["region"]] = np.inf
    unbound = np.argsort(key, axis=1)[:, :n].ravel()
    middle = (layout.along(regions, "start") + layout.along(regions, "end")) // 2
    within = middle[unbound] + rng.integers(-80, 81, len(unbound))
    anywhere = rng.choice(np.flatnonzero(mappable), n_tfs * n)
    chrom, summit = localised(layout, np.concatenate([within, anywhere]))
    tf = np.concatenate([np.repeat(np.arange(n_tfs), n)] * 2)[: len(summit)]
    signal = rng.lognormal(1.3, 0.4, len(summit))
    return pd.DataFrame({"tf": tf, "chrom": chrom, "summit": summit, "signal": signal})
