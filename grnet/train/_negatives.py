"""Pairs that are no known edges, to stand beside those that are."""

import logging
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from grnet.train._edge_regimes import PARTS, Parts, Region
from grnet.train.edge_table import EdgeTable

logger = logging.getLogger(__name__)

Rows = npt.NDArray[np.int64]

_ROUNDS = 50
_PER_ROUND = 1.5


def drawn(
    table: EdgeTable,
    parts: Parts,
    wanted: Sequence[int],
    *,
    kind: str,
    ranked: pd.DataFrame | None,
    rng: np.random.Generator,
) -> list[Rows]:
    """Return the pairs without an edge of each part; no pair, nor its reverse, is in two parts."""
    taken = np.concatenate([table.positive, table.reversed(table.positive), table.self_pairs])
    if kind == "listed":
        n_left = len(table.negative)
        wanted = [n_left * len(edges) for edges in parts.edges]  # all, shared as the edges are
    else:
        n_left = len(table.tfs) * len(table.genes) - len(np.unique(taken))
    asked = _shared(wanted, n_left) if parts.one_region else wanted
    found: list[Rows] = []
    for edges, region, n in zip(parts.edges, parts.regions, asked, strict=True):
        if kind == "listed":
            codes = rng.permutation(region.inside(table.negative))
            codes = codes[~np.isin(codes, taken)][:n]
        elif kind == "hard" and ranked is not None:
            # parts that draw from the same pairs get the hardest of them by lot
            n_pool = sum(asked[len(found) :]) if parts.one_region else n
            pool = hardest(ranked, region, n_pool, taken=taken)
            codes = pool if len(pool) <= n else rng.choice(pool, n, replace=False)
        elif kind == "degree":
            codes = degree_matched(edges, region.n_genes, n=n, taken=taken, rng=rng)
        else:
            codes = uniform(region, n, taken=taken, rng=rng)
        found.append(np.sort(codes))
        taken = np.union1d(taken, np.concatenate([codes, table.reversed(codes)]))
    _tell_missing(found, asked if kind == "listed" else wanted, kind)
    return found


def _shared(wanted: Sequence[int], n_left: int) -> list[int]:
    """Return numbers in proportion to those wanted, for which the pairs that are left last."""
    lasting = min(1.0, n_left / max(sum(wanted), 1))
    return [round(n * lasting) for n in wanted]


def _tell_missing(found: Sequence[Rows], wanted: Sequence[int], kind: str) -> None:
    """Say where fewer pairs without an edge were found than asked for, or raise where none was."""
    for part, codes, n in zip(PARTS, found, wanted, strict=True):
        if len(codes) >= n and (n or kind != "listed"):
            continue
        message = f"{part}: {len(codes):,} of {n:,} {kind} negatives were found"
        if not len(codes) and part != "validation":
            why = (
                "give more rows with label 0"
                if kind == "listed"
                else "the known edges leave no other pair there: give more TFs or genes"
            )
            message += f"; {why}, ask for another kind of negatives, or choose another regime."
            raise ValueError(message)
        if kind != "listed":
            logger.info("%s; the known edges leave no more", message)


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
    else:  # so few are left that lots seldom find them
        every = (region.tfs[:, None] * region.n_genes + region.genes).ravel()
        free = np.setdiff1d(every, np.concatenate([taken, found]))
        more = rng.choice(free, min(n - len(found), len(free)), replace=False)
        found = np.concatenate([found, more])
    return found[:n]


def degree_matched(
    positives: Rows, n_genes: int, *, n: int, taken: Rows, rng: np.random.Generator
) -> Rows:
    """Join the TFs of the positives to their targets anew: every name keeps its number of pairs.

    What finds no partner that is not taken is left out, so that degrees are met nearly.
    """
    n_rounds, n_more = divmod(n, max(len(positives), 1))
    some_more = [rng.permutation(positives)[:n_more]] if n_more else []
    parts = []
    for some in [positives] * n_rounds + some_more:
        tf, gene = np.divmod(some, n_genes)
        left = np.arange(len(some))
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
