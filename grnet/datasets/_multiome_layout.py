"""Where the genes and the regulatory regions of a simulated genome lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

Array = np.ndarray[Any, Any]

SLOT = 800  # bases; a slot holds one region at most, so that regions never touch
SLOTS = 8  # per gene
BLOCK = SLOT * SLOTS
EDGE = 2 * SLOT  # at both ends of a chromosome, without regions
DESERT = 0.25  # blocks without a gene, in one stretch of each chromosome, per block with one
TSS_SLOT = {"+": 2, "-": 5}
REACH = 5_000  # typical distance of an enhancer to the start of its gene
FAR = 8_000  # a region that regulates nothing is a bystander up to here, a decoy beyond
MAX_PEAKS_PER_GENE = 6
MAX_WIDTH = 550


@dataclass(frozen=True)
class Layout:
    """A genome without its letters.

    ``genes`` and ``regions`` have a row per gene (TFs first) and region (by position); ``unused``
    are the slots without a region. ``regions["gene"]`` is the row of the gene, -1 for none.
    """

    sizes: pd.Series
    genes: pd.DataFrame
    exons: pd.DataFrame
    regions: pd.DataFrame
    unused: pd.DataFrame

    def along(self, frame: pd.DataFrame, column: str) -> Array:
        """Return positions counted from the first base of the first chromosome."""
        before = self.sizes.cumsum() - self.sizes
        return (frame["chrom"].map(before) + frame[column]).to_numpy(dtype=np.int64)


def laid_out(
    rng: np.random.Generator, names: Array, *, n_chromosomes: int, peaks_per_gene: int
) -> Layout:
    """Place genes on both strands, a promoter each, enhancers near them and other regions."""
    sizes, blocks = _blocks(rng, len(names), n_chromosomes)
    genes = _genes(rng, names, blocks)
    slots = blocks.loc[blocks.index.repeat(SLOTS), ["chrom", "start", "desert"]]
    slots = slots.reset_index(drop=True)
    slots["start"] += np.tile(SLOT * np.arange(SLOTS), len(blocks))
    taken = _taken(rng, genes, slots, peaks_per_gene=peaks_per_gene)
    regions = _regions(rng, genes, slots, taken=taken)
    unused = slots.loc[~slots.index.isin(taken["slot"])]
    unused = unused.assign(end=unused["start"] + SLOT)
    return Layout(sizes, genes, _exons(rng, genes), regions, unused[["chrom", "start", "end"]])


def _blocks(
    rng: np.random.Generator, n_genes: int, n_chromosomes: int
) -> tuple[pd.Series, pd.DataFrame]:
    """Cut chromosomes into blocks; ``desert`` marks those without a gene."""
    sizes, frames = {}, []
    for number, part in enumerate(np.array_split(np.arange(n_genes), n_chromosomes), start=1):
        n_empty = max(2, round(DESERT * len(part)))
        desert = np.zeros(len(part) + n_empty, dtype=bool)
        first = rng.integers(len(part) + 1)
        desert[first : first + n_empty] = True
        start = EDGE + BLOCK * np.arange(len(desert))
        name = f"chr{number}"
        frames.append(pd.DataFrame({"chrom": name, "start": start, "desert": desert}))
        sizes[name] = int(2 * EDGE + BLOCK * len(desert) + rng.integers(SLOT))
    return pd.Series(sizes, name="size"), pd.concat(frames, ignore_index=True)


def _genes(rng: np.random.Generator, names: Array, blocks: pd.DataFrame) -> pd.DataFrame:
    """Put one gene into each block that is no desert, in random order and on either strand."""
    n = len(names)
    block = blocks.loc[~blocks["desert"]].iloc[rng.permutation(n)].reset_index(drop=True)
    strand = rng.choice(np.array(["+", "-"], dtype=object), n)
    slot = block["start"] + SLOT * pd.Series(strand).map(TSS_SLOT)
    tss = slot.to_numpy(dtype=np.int64) + SLOT // 2 + rng.integers(-40, 41, n)
    length = rng.integers(1_500, 3_800, n)
    forward = strand == "+"
    start = np.where(forward, tss, tss - length + 1)
    ids = [f"SIMG{number:08d}" for number in range(1, n + 1)]
    return pd.DataFrame(
        {
            "chrom": block["chrom"],
            "start": start,
            "end": start + length,
            "strand": strand,
            "tss": tss,
            "gene": names,
            "gene_id": ids,
        }
    )


def _exons(rng: np.random.Generator, genes: pd.DataFrame) -> pd.DataFrame:
    """Give each gene three exons and two introns."""
    n_parts, shortest = 5, 60
    body = (genes["end"] - genes["start"]).to_numpy() - n_parts * shortest
    share = rng.dirichlet(np.full(n_parts, 4.0), len(genes))
    parts = shortest + (share * body[:, None]).astype(np.int64)
    edges = genes["start"].to_numpy()[:, None] + np.cumsum(parts, axis=1)
    first, last = genes["start"].to_numpy(), genes["end"].to_numpy()
    start = np.column_stack([first, edges[:, 1], edges[:, 3]])
    end = np.column_stack([edges[:, 0], edges[:, 2], last])
    repeated = genes.loc[genes.index.repeat(3), ["chrom", "strand", "gene", "gene_id"]]
    exons = repeated.assign(start=start.ravel(), end=end.ravel()).reset_index(drop=True)
    return exons[["chrom", "start", "end", "strand", "gene", "gene_id"]]


def _taken(
    rng: np.random.Generator, genes: pd.DataFrame, slots: pd.DataFrame, *, peaks_per_gene: int
) -> pd.DataFrame:
    """Choose the slots of promoters, of enhancers, and of regions that regulate nothing."""
    n_genes = len(genes)
    n_enhancers = (n_genes * (peaks_per_gene - 1) + 1) // 2
    n_others = n_genes * (peaks_per_gene - 1) - n_enhancers
    chrom, centre = slots["chrom"].to_numpy(), slots["start"].to_numpy() + SLOT // 2
    tss_slot = _slot_of(genes, slots)
    free = np.ones(len(slots), dtype=bool)
    free[tss_slot] = False
    targets = np.resize(rng.permutation(n_genes), n_enhancers)
    chosen = np.empty(n_enhancers, dtype=np.int64)
    gene_chrom, tss = genes["chrom"].to_numpy(), genes["tss"].to_numpy()
    for i, gene in enumerate(targets):
        possible = np.flatnonzero(free & (chrom == gene_chrom[gene]))
        # the largest of -distance + Gumbel noise is a draw with exponential decay
        keys = rng.gumbel(size=len(possible)) - np.abs(centre[possible] - tss[gene]) / REACH
        chosen[i] = possible[np.argmax(keys)]
        free[chosen[i]] = False
    left = rng.permutation(np.flatnonzero(free))
    in_desert = slots["desert"].to_numpy()[left]
    n_far = min(n_others // 2, int(in_desert.sum()))
    others = np.concatenate([left[in_desert][:n_far], left[~in_desert][: n_others - n_far]])
    return pd.DataFrame(
        {
            "slot": np.concatenate([tss_slot, chosen, others]),
            "gene": np.concatenate([np.arange(n_genes), targets, np.full(len(others), -1)]),
            "kind": ["promoter"] * n_genes + ["enhancer"] * n_enhancers + ["other"] * len(others),
        }
    )


def _slot_of(genes: pd.DataFrame, slots: pd.DataFrame) -> Array:
    """Return the row of the slot that holds each gene's first base."""
    rows = np.empty(len(genes), dtype=np.int64)
    for chrom, on_chrom in genes.groupby("chrom", sort=False):
        here = np.flatnonzero(slots["chrom"].to_numpy() == chrom)
        starts = slots["start"].to_numpy()[here]
        rows[on_chrom.index] = here[np.searchsorted(starts, on_chrom["tss"], side="right") - 1]
    return rows


def _regions(
    rng: np.random.Generator, genes: pd.DataFrame, slots: pd.DataFrame, *, taken: pd.DataFrame
) -> pd.DataFrame:
    """Place a region inside each slot that is taken; a promoter just upstream of its gene."""
    n = len(taken)
    slot = slots.loc[taken["slot"]].reset_index(drop=True)
    centre = slot["start"].to_numpy() + SLOT // 2 + rng.integers(-100, 101, n)
    promoter = (taken["kind"] == "promoter").to_numpy()
    gene = genes.loc[taken.loc[promoter, "gene"]]
    upstream = np.where(gene["strand"] == "+", -1, 1) * rng.integers(20, 81, len(gene))
    centre[promoter] = gene["tss"].to_numpy() + upstream
    width = rng.integers(300, MAX_WIDTH + 1, n)
    regions = pd.DataFrame(
        {
            "chrom": slot["chrom"],
            "start": centre - width // 2,
            "end": centre - width // 2 + width,
            "kind": taken["kind"],
            "gene": taken["gene"],
        }
    )
    far = _distance_to_tss(regions["chrom"].to_numpy(), centre, genes) > FAR
    other = (regions["kind"] == "other").to_numpy()
    regions.loc[other, "kind"] = np.where(far, "decoy", "bystander")[other]
    by_position = np.argsort(taken["slot"].to_numpy())  # slots are in the order of the genome
    return regions.iloc[by_position].reset_index(drop=True)


def _distance_to_tss(chrom: Array, position: Array, genes: pd.DataFrame) -> Array:
    """Return the distance to the nearest start of a gene on the same chromosome."""
    distance = np.empty(len(position))
    for name, on_chrom in genes.groupby("chrom", sort=False):
        here = chrom == name
        tss = np.sort(on_chrom["tss"].to_numpy())
        bounded = np.concatenate([[-np.inf], tss, [np.inf]])
        after = np.searchsorted(tss, position[here]) + 1
        distance[here] = np.minimum(
            bounded[after] - position[here], position[here] - bounded[after - 1]
        )
    return distance
