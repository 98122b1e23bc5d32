"""Pairs that are no known edges, to stand beside those that are."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

Rows = npt.NDArray[np.int64]

_ROUNDS = 50
_PER_ROUND = 1.5


class Region(NamedTuple):
    """Where pairs are drawn from: positions of TFs and genes, and the number of all genes."""

    tfs: Rows
    genes: Rows
    n_genes: int


def uniform(region: Region, n: int, *, taken: Rows, rng: np.random.Generator) -> Rows:
    """Draw codes of pairs, each of the region equally likely, none of them taken."""
    found = np.zeros(0, dtype=np.int64)
    for _ in range(_ROUNDS):
        missing = n - len(found)
        if missing <= 0:
            break
        size = int(missing * _PER_ROUND) + 16
        codes = rng.choice(region.tfs, size) * region.n_genes + rng.choice(region.genes, size)
        found = _first(np.concatenate([found, codes[~np.isin(codes, taken)]]))
    return found[:n]


def degree_matched(
    positives: Rows, n_genes: int, *, n_each: int, taken: Rows, rng: np.random.Generator
) -> Rows:
    """Join the TFs of the positives to their targets anew: every name keeps its number of pairs.

    What finds no partner that is not taken is left out, so that degrees are met nearly.
    """
    tf, gene = np.divmod(positives, n_genes)
    parts = []
    for _ in range(n_each):
        left = np.arange(len(positives))
        targets = rng.permutation(gene)
        made = np.zeros(0, dtype=np.int64)
        for _ in range(_ROUNDS):
            codes = tf[left] * n_genes + targets
            wrong = np.isin(codes, taken)
            first = np.zeros(len(codes), dtype=bool)
            first[np.unique(codes, return_index=True)[1]] = True
            good = first & ~wrong & ~np.isin(codes, made)
            made = np.concatenate([made, codes[good]])
            left, targets = left[~good], rng.permutation(targets[~good])
            if not len(left):
                break
        parts.append(made)
        taken = np.union1d(taken, made)
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)


def hardest(ranking: pd.DataFrame, region: Region, n: int, *, taken: Rows) -> Rows:
    """Return the pairs of the region that a ranking finds strongest and that are not taken."""
    inside = ranking["tf"].isin(region.tfs) & ranking["gene"].isin(region.genes)
    codes = (ranking["tf"] * region.n_genes + ranking["gene"]).to_numpy()[inside]
    return codes[~np.isin(codes, taken)][:n]


def _first(codes: Rows) -> Rows:
    """Keep the first of each code, in their order."""
    return codes[np.sort(np.unique(codes, return_index=True)[1])]
