"""The letters of a simulated genome: its background, repeats, gaps and motif instances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from grnet import _alphabet, _intervals

if TYPE_CHECKING:
    from grnet.datasets._multiome_layout import Layout
    from grnet.datasets._multiome_network import Network

Array = np.ndarray[Any, Any]

BACKGROUND_GC, REGION_GC = (0.41, 0.04), (0.50, 0.05)  # mean and spread
ISOCHORE = 20_000  # bases over which the GC content of the background changes
CPG_LOST = 0.7  # share of CpG dinucleotides outside regions that decayed to TpG or CpA
REPEATS = 0.25  # share of slots without a region that hold a copy of a repeat
REPEAT_LENGTH, REPEAT_DECAY = 280, 0.1
TELOMERE, GAP = 500, 600  # runs of N at the ends and once within each chromosome
SITE_BINS, SITE_BIN = 10, 24  # a motif instance has a bin of its own, in the middle of a region
WIDTHS = (10, 12)


def drawn_motifs(rng: np.random.Generator, n_tfs: int) -> list[Array]:
    """Draw a matrix (4 x width) per TF; half of each consensus is G or C."""
    motifs = []
    for width in rng.choice(WIDTHS, n_tfs):
        strong = rng.permutation(np.arange(width) % 2 == 0)
        consensus = np.where(strong, rng.integers(1, 3, width), 3 * rng.integers(0, 2, width))
        top = rng.uniform(0.85, 0.98, width)
        rest = rng.dirichlet(np.full(3, 3.0), width) * (1.0 - top)[:, None]
        columns = np.empty((width, 4))
        others = (consensus[:, None] + np.arange(1, 4)) % 4
        np.put_along_axis(columns, others, rest, axis=1)
        np.put_along_axis(columns, consensus[:, None], top[:, None], axis=1)
        motifs.append(columns.T)
    return motifs


def placed_sites(
    rng: np.random.Generator, network: Network, layout: Layout, *, motifs: list[Array]
) -> pd.DataFrame:
    """Give each motif instance its place within the region, and a strand."""
    sites, n = network.sites, len(network.sites)
    region = layout.regions.loc[sites["region"]].reset_index(drop=True)
    width = np.array([motif.shape[1] for motif in motifs])[sites["tf"]]
    bins = np.argsort(rng.random((len(layout.regions), SITE_BINS)), axis=1)
    bin_of_site = bins[sites["region"], sites.groupby("region").cumcount()]
    middle = (region["start"] + region["end"]).to_numpy() // 2 - SITE_BINS * SITE_BIN // 2
    start = middle + SITE_BIN * bin_of_site + rng.integers(0, SITE_BIN - width + 1)
    placed = pd.DataFrame(
        {
            "chrom": region["chrom"],
            "start": start,
            "end": start + width,
            "strand": rng.choice(np.array(["+", "-"], dtype=object), n),
            "peak": _intervals.names(region),
        }
    )
    return placed.join(sites)


def written(
    rng: np.random.Generator, layout: Layout, sites: pd.DataFrame, *, motifs: list[Array]
) -> dict[str, str]:
    """Return the sequence of each chromosome; repeats are in lower case."""
    codes = _background(rng, layout)
    repeats = _repeats(rng, layout, codes)
    for tf, motif in enumerate(motifs):
        own = sites.loc[sites["tf"] == tf]
        letters = _instances(rng, motif, len(own))
        reverse = (own["strand"] == "-").to_numpy()
        letters[reverse] = _alphabet.reverse_complement(letters[reverse])
        codes[layout.along(own, "start")[:, None] + np.arange(motif.shape[1])] = letters
    text = np.frombuffer(_alphabet.to_text(codes).encode(), dtype=np.uint8).copy()
    text[repeats] |= 0x20  # ASCII: lower case
    text[_gaps(rng, layout)] = ord("N")
    ends = layout.sizes.cumsum()
    return {
        str(chrom): text[end - size : end].tobytes().decode("ascii")
        for chrom, size, end in zip(layout.sizes.index, layout.sizes, ends, strict=True)
    }


def flat(starts: Array, lengths: Array | int) -> Array:
    """Return all positions of all spans, one span after the other."""
    lengths = np.broadcast_to(np.asarray(lengths, dtype=np.int64), starts.shape)
    before = np.cumsum(lengths) - lengths
    spans: Array = np.repeat(starts - before, lengths) + np.arange(lengths.sum())
    return spans


def _background(rng: np.random.Generator, layout: Layout) -> Array:
    """Draw bases whose GC content changes slowly, is higher in regions, and whose CpGs decay."""
    total = int(layout.sizes.sum())
    knots = np.arange(0, total + 2 * ISOCHORE, ISOCHORE)
    gc = np.interp(np.arange(total), knots, rng.normal(*BACKGROUND_GC, len(knots)))
    start, end = layout.along(layout.regions, "start"), layout.along(layout.regions, "end")
    inside = flat(start, end - start)
    gc[inside] = np.repeat(rng.normal(*REGION_GC, len(start)), end - start)
    is_strong = rng.random(total) < np.clip(gc, 0.2, 0.8)
    other = rng.integers(0, 2, total)
    codes = np.where(is_strong, 1 + other, 3 * other).astype(np.uint8)
    cpg = np.flatnonzero((codes[:-1] == 1) & (codes[1:] == 2))
    kept = np.zeros(total, dtype=bool)
    kept[inside] = True
    lost = cpg[~kept[cpg] & (rng.random(len(cpg)) < CPG_LOST)]
    reverse = rng.random(len(lost)) < 0.5
    codes[lost[~reverse]] = 3
    codes[lost[reverse] + 1] = 0
    return codes


def _repeats(rng: np.random.Generator, layout: Layout, codes: Array) -> Array:
    """Write decayed copies of two repeats into slots, and return all positions in lower case."""
    family = rng.integers(0, 4, (2, REPEAT_LENGTH)).astype(np.uint8)
    slots = layout.along(layout.unused, "start")
    slots = np.sort(rng.permutation(slots)[: round(REPEATS * len(slots))])
    copies = family[rng.integers(0, 2, len(slots))]
    decayed = rng.random(copies.shape) < REPEAT_DECAY
    copies[decayed] = rng.integers(0, 4, int(decayed.sum()))
    positions = slots[:, None] + rng.integers(0, 400, (len(slots), 1)) + np.arange(REPEAT_LENGTH)
    codes[positions] = copies
    # simple repeats are anywhere, in regions and motif instances too
    starts = rng.integers(0, len(codes) - 200, len(codes) // 5_000)
    simple = flat(starts, rng.integers(30, 200, len(starts)))
    return np.concatenate([positions.ravel(), simple])


def _gaps(rng: np.random.Generator, layout: Layout) -> Array:
    """Return the positions of N."""
    ends = layout.sizes.cumsum().to_numpy(dtype=np.int64)
    first = ends - layout.sizes.to_numpy(dtype=np.int64)
    gap = layout.unused.groupby("chrom", sort=False).sample(1, random_state=rng)
    within = flat(layout.along(gap, "start"), GAP)
    return np.concatenate([flat(first, TELOMERE), flat(ends - TELOMERE, TELOMERE), within])


def _instances(rng: np.random.Generator, motif: Array, n: int) -> Array:
    """Draw ``n`` words from a motif."""
    cumulative = np.cumsum(motif, axis=0)
    letters: Array = (rng.random((n, 1, motif.shape[1])) > cumulative[None, :3]).sum(axis=1)
    return letters.astype(np.uint8)
