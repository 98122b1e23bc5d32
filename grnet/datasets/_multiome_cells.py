"""Simulated cells: how far their regions are open, how active their TFs are, what they express."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from grnet.datasets._multiome_network import CONDITIONS

if TYPE_CHECKING:
    import pandas as pd

    from grnet.datasets._multiome_network import Network

Array = np.ndarray[Any, Any]

SIGNAL = 0.75  # share of a regulated gene's variance that comes from its regulators
BETWEEN_TYPES, BETWEEN_CONDITIONS = 0.25, 0.05  # shares of the rest: correlated, not regulated
OPENNESS_SPREAD = 0.5  # spread of the logarithm of a region's accessibility between alike cells
MEAN_SPREAD = 0.8  # spread of the logarithm of mean expression
DYNAMIC_RANGE = 0.9  # typical standard deviation of the logarithm of a gene's rate
LIBRARY_SPREAD = 0.3  # spread of the logarithm of library sizes
DISPERSION = 0.1  # variance of counts beyond Poisson, over the square of the mean

CELLS_AT_A_TIME = 512


@dataclass(frozen=True)
class Cells:
    """Of each cell its type, condition, openness of regions, and standardised expression.

    ``weights`` has, per triplet, the change of the target, in its own standard deviations, as the
    TF goes from absent to saturating while the region is as open as an accessibility of 1.
    """

    types: Array
    conditions: Array
    openness: Array
    states: Array
    weights: Array


def drawn_cells(rng: np.random.Generator, network: Network, *, n_cells: int, n_genes: int) -> Cells:
    """Let TFs regulate each other first, then all genes."""
    n_types, n_tfs = network.accessibility.shape[1], len(network.drivers)
    context = rng.permutation(np.arange(n_cells) % (n_types * len(CONDITIONS)))
    types, conditions = np.divmod(context, len(CONDITIONS))
    openness = network.accessibility[:, types, conditions].T.astype(np.float32)
    noise = rng.standard_normal(openness.shape, dtype=np.float32)
    openness *= np.exp(OPENNESS_SPREAD * noise - OPENNESS_SPREAD**2 / 2)
    states = _own_variation(rng, types, conditions, n_genes=n_genes)
    steepness, threshold = rng.uniform(1.5, 3.0, n_tfs), rng.normal(0.0, 0.3, n_tfs)
    activity = np.zeros((n_cells, n_tfs))
    weights = np.zeros(len(network.triplets))
    regulated_tfs = np.flatnonzero(~network.drivers)
    for genes in (np.flatnonzero(network.drivers), regulated_tfs, np.arange(n_tfs, n_genes)):
        here = np.isin(network.triplets["gene"], genes)
        weights[here] = _regulate(
            states, network.triplets.loc[here], activity=activity, openness=openness
        )
        tfs = genes[genes < n_tfs]
        # Hill function x**n / (K**n + x**n) of the expression x = exp(state)
        argument = steepness[tfs] * (states[:, tfs] - threshold[tfs])
        activity[:, tfs] = 1.0 / (1.0 + np.exp(-argument))
    return Cells(types, conditions, openness, states, weights)


def rna_counts(
    rng: np.random.Generator, states: Array, *, depth: float, dropout: float
) -> sp.csr_matrix:
    """Draw gamma-Poisson counts, ``depth`` per gene and cell on average."""
    n_cells, n_genes = states.shape
    mean = MEAN_SPREAD * rng.standard_normal(n_genes)
    dynamic_range = DYNAMIC_RANGE * np.exp(0.2 * rng.standard_normal(n_genes))
    library = libraries(rng, n_cells)
    blocks = []
    for start in range(0, n_cells, CELLS_AT_A_TIME):
        block = slice(start, start + CELLS_AT_A_TIME)
        rate = np.exp(mean + dynamic_range * states[block])
        rate *= depth * n_genes * library[block] / rate.sum(axis=1, keepdims=True)
        burst = rng.standard_gamma(1.0 / DISPERSION, rate.shape) * DISPERSION
        counts = rng.poisson(rate * burst).astype(np.float32)
        if dropout:
            counts[rng.random(rate.shape) < dropout / (dropout + rate)] = 0.0
        blocks.append(sp.csr_matrix(counts))
    return sp.vstack(blocks, format="csr")


def libraries(rng: np.random.Generator, n_cells: int) -> Array:
    """Draw how deeply each cell is sequenced, 1 on average, as a column."""
    return rng.lognormal(-0.5 * LIBRARY_SPREAD**2, LIBRARY_SPREAD, (n_cells, 1))


def _own_variation(
    rng: np.random.Generator, types: Array, conditions: Array, *, n_genes: int
) -> Array:
    """Draw what does not come from regulators, with variance 1: type, condition and noise."""
    n_types = int(types.max()) + 1
    shifts = rng.standard_normal((n_types, n_genes))
    shifts -= shifts.mean(axis=0)
    spread = shifts.std(axis=0)
    shifts /= np.where(spread > 0, spread, 1.0)
    response = rng.choice([-1.0, 1.0], n_genes)
    between = BETWEEN_TYPES if n_types > 1 else 0.0
    noise = rng.standard_normal((len(types), n_genes))
    own: Array = np.sqrt(1.0 - between - BETWEEN_CONDITIONS) * noise
    own += np.sqrt(between) * shifts[types]
    own += np.sqrt(BETWEEN_CONDITIONS) * response * (2.0 * conditions[:, None] - 1.0)
    return own


def _regulate(states: Array, triplets: pd.DataFrame, *, activity: Array, openness: Array) -> Array:
    """Add what the triplets do to their genes; return the weight of each triplet."""
    weights = np.empty(len(triplets))
    genes = triplets["gene"].to_numpy()
    for gene in np.unique(genes):
        rows = genes == gene
        own = triplets.loc[rows]
        push = (own["sign"] * own["strength"]).to_numpy()
        effect = (activity[:, own["tf"]] * openness[:, own["region"]]) @ push
        effect -= effect.mean()
        spread = effect.std()
        scale = np.sqrt(SIGNAL) / spread if spread > 0 else 0.0
        states[:, gene] = np.sqrt(1.0 - SIGNAL) * states[:, gene] + scale * effect
        weights[rows] = scale * push
    return weights
