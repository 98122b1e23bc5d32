"""Which TF acts through which region on which gene, and where else its motif lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterator

Array = np.ndarray[Any, Any]

CONDITIONS = ("control", "treated")
CLOSED = 0.04  # accessibility of a closed region, where 1 is the most open
REPRESSORS = 0.3  # share of TFs that repress
SHADOW = 0.2  # share of edges that act through a second region
IDLE = 1.5  # motif instances without effect, per instance with one
IDLE_BOUND = 0.15  # of these, the share that is bound all the same, where the region opens
MAX_SITES = 10  # motif instances in one region

# how often a region is open everywhere, in some cell types, in one condition, nowhere
_OPENING = ("always", "type", "treated", "control", "never")
_OFTEN = {
    "promoter": (0.60, 0.20, 0.13, 0.07, 0.00),
    "enhancer": (0.40, 0.35, 0.17, 0.08, 0.00),
    "bystander": (0.25, 0.25, 0.13, 0.07, 0.30),
    "decoy": (0.25, 0.25, 0.13, 0.07, 0.30),
}


@dataclass(frozen=True)
class Network:
    """The planted truth, by row numbers of TFs, regions and genes.

    ``triplets`` has ``tf, region, gene, sign, strength``; ``sites`` has ``tf, region, functional,
    bound``; ``accessibility`` is regions x cell types x conditions; ``drivers`` marks the TFs that
    no TF regulates.
    """

    triplets: pd.DataFrame
    sites: pd.DataFrame
    opening: Array
    accessibility: Array
    drivers: Array


def planted(
    rng: np.random.Generator, regions: pd.DataFrame, *, n_tfs: int, per_gene: int, n_types: int
) -> Network:
    """Draw a network in which every TF and every gene that can has about as many edges."""
    opening, accessibility = _opened(rng, regions["kind"].to_numpy(), n_types)
    drivers = rng.permutation(np.arange(n_tfs) % 2) == 0
    triplets = pd.DataFrame(
        _triplets(rng, regions, drivers=drivers, per_gene=per_gene),
        columns=["tf", "region", "gene"],
        dtype=np.int64,
    )
    n_repressors = round(REPRESSORS * n_tfs)
    signs = rng.permutation(np.repeat([-1, 1], [n_repressors, n_tfs - n_repressors]))
    triplets["sign"] = signs[triplets["tf"]]
    triplets["strength"] = rng.uniform(0.6, 1.4, len(triplets))
    sites = _sites(rng, triplets, n_regions=len(regions), n_tfs=n_tfs)
    can_bind = opening[sites["region"]] != "never"
    sites["bound"] |= can_bind & (rng.random(len(sites)) < IDLE_BOUND)
    return Network(triplets, sites, opening, accessibility, drivers)


def _opened(rng: np.random.Generator, kinds: Array, n_types: int) -> tuple[Array, Array]:
    """Return how regions open, and how far in each cell type and condition."""
    n = len(kinds)
    opening = np.empty(n, dtype=object)
    for kind, often in _OFTEN.items():
        here = kinds == kind
        opening[here] = rng.choice(np.array(_OPENING, dtype=object), here.sum(), p=often)
    if n_types == 1:
        opening[opening == "type"] = "always"
    is_open = np.ones((n, n_types, len(CONDITIONS)), dtype=bool)
    is_open[opening == "never"] = False
    is_open[opening == "treated", :, 0] = False
    is_open[opening == "control", :, 1] = False
    rank = np.argsort(rng.random((n, n_types)), axis=1)
    n_open = rng.integers(1, max(n_types, 2), (n, 1))
    is_open[opening == "type"] = (rank < n_open)[opening == "type", :, None]
    level = rng.uniform(0.6, 1.0, (n, 1, 1))
    return opening, np.where(is_open, level, CLOSED)


def _triplets(
    rng: np.random.Generator, regions: pd.DataFrame, *, drivers: Array, per_gene: int
) -> Iterator[tuple[int, int, int]]:
    """Yield TF, region, gene: the TFs that regulate least so far come first, with some chance."""
    n_tfs, degree = len(drivers), np.zeros(len(drivers))
    of_gene = regions.index[regions["gene"] >= 0].to_series().groupby(regions["gene"]).agg(list)
    for gene in rng.permutation(of_gene.index.to_numpy()):
        allowed = np.ones(n_tfs, dtype=bool) if gene >= n_tfs else drivers & ~drivers[gene]
        key = np.where(allowed, degree + 2.0 * rng.random(n_tfs), np.inf)
        chosen = np.argsort(key)[: min(per_gene, int(allowed.sum()))]
        degree[chosen] += 1
        own = rng.permutation(np.array(of_gene[gene]))
        for i, tf in enumerate(chosen):
            yield int(tf), int(own[i % len(own)]), int(gene)
            if len(own) > 1 and rng.random() < SHADOW:
                yield int(tf), int(own[(i + 1) % len(own)]), int(gene)


def _sites(
    rng: np.random.Generator, triplets: pd.DataFrame, *, n_regions: int, n_tfs: int
) -> pd.DataFrame:
    """Add motif instances without effect, so that all regions hold about as many instances."""
    working = triplets[["tf", "region"]].assign(functional=True, bound=True)
    held = np.bincount(triplets["region"], minlength=n_regions)
    # the k-th further instance of a region costs k, so the least filled regions come first
    cost = held[:, None] + np.arange(MAX_SITES) + rng.random((n_regions, MAX_SITES))
    cost[held[:, None] + np.arange(MAX_SITES) >= MAX_SITES] = np.inf
    n_idle = min(round(IDLE * len(triplets)), int(np.isfinite(cost).sum()))
    region = np.argsort(cost, axis=None)[:n_idle] // MAX_SITES
    tf = rng.permutation(np.resize(rng.permutation(n_tfs), n_idle))
    idle = pd.DataFrame({"tf": tf, "region": region, "functional": False, "bound": False})
    both = pd.concat([working, idle], ignore_index=True)
    return both.drop_duplicates(["tf", "region"], ignore_index=True)
