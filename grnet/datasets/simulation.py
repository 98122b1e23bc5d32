"""Simulated cells whose genes obey a known network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnet import _checks, _keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anndata import AnnData

Array = np.ndarray[Any, Any]

# What makes the planted network neither trivial nor hopeless to find; tests measure the outcome.
SIGNAL = 0.5  # share of a regulated gene's variance that comes from its regulators
BETWEEN_TYPES = 0.25  # share of the rest that comes from the cell type: correlated, not regulated
ACTIVATORS = 0.7  # share of edges that activate
TAIL = 1.0  # spread of the logarithm of TF popularity: numbers of targets are heavy-tailed
LEVELS = 4  # length of the TF-TF cascades
MEAN_SPREAD = 1.2  # spread of the logarithm of mean expression
DYNAMIC_RANGE = 0.9  # typical standard deviation of the logarithm of a gene's rate
LIBRARY_SPREAD = 0.35  # spread of the logarithm of library sizes
DISPERSION = 0.2  # variance of counts beyond Poisson, over the square of the mean

_CELLS_AT_A_TIME = 512


def simulate(  # noqa: PLR0913 - all but the sizes by keyword, each with a default
    n_cells: int = 1_000,
    n_genes: int = 500,
    n_tfs: int = 50,
    *,
    n_cell_types: int = 3,
    regulators_per_gene: float = 2.5,
    group_specific: float = 0.0,
    depth: float = 0.4,
    dropout: float = 0.0,
    seed: int = 0,
) -> AnnData:
    """Simulate the counts of cells whose genes obey a known, signed network.

    Parameters
    ----------
    n_cells, n_genes, n_tfs
        Size; the TFs are among the genes.
    n_cell_types
        Groups of cells that differ in the activity of their regulators.
    regulators_per_gene
        Mean of a Poisson number; some genes have none.
    group_specific
        Share of the edges that act in one cell type only; the rest of the data stays as it is.
    depth
        Mean counts per gene and cell: 0.4 gives about 80 % zeros, 0.15 about 90 %.
    dropout
        Expected count at which half of the values are lost on top (Michaelis-Menten); 0 for none.
    seed
        The same seed gives the same data.

    Returns
    -------
    Counts (CSR). ``obs["cell_type"]``, ``var["is_tf"]`` and ``uns["grnet_truth"]``: the planted
    edges ``source, target, weight``, the change of the target, in its own standard deviations, as
    the regulator goes from absent to saturating; negative for repression. With group-specific
    edges also ``context``, the cell type: one row for each in which the edge acts.

    Raises
    ------
    ValueError
        If a size is out of range.

    Notes
    -----
    A TF acts through a Hill function of its expression. Cascades are acyclic, numbers of targets
    heavy-tailed. Genes also vary with the cell type and by themselves. Mean expression and dynamic
    range do not depend on regulation, so that they give no edge away. Where a group-specific edge
    does not act, its target follows the regulator's activity in other cells of the same type: the
    same mean and variance, without regulation. Counts are gamma-Poisson (negative binomial) with
    log-normal library sizes.

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    >>> adata.shape, list(adata.uns["grnet_truth"])
    ((50, 30), ['source', 'target', 'weight'])
    """
    _checks.whole(n_tfs, 1, n_genes, what="n_tfs")
    _checks.whole(n_cell_types, 1, n_cells, what="n_cell_types")
    _checks.in_range(regulators_per_gene, 0, n_tfs, what="regulators_per_gene")
    _checks.in_range(group_specific, 0, 1, what="group_specific")
    _checks.in_range(depth, 1e-6, 1e6, what="depth")
    _checks.in_range(dropout, 0, 1e6, what="dropout")
    rng = np.random.default_rng(seed)
    cells = _Cells.drawn(rng, n_cells=n_cells, n_genes=n_genes, n_types=n_cell_types)
    weights, levels = _planted(rng, n_genes=n_genes, n_tfs=n_tfs, per_gene=regulators_per_gene)
    places = _Places.drawn(weights, cells, share=group_specific, seed=seed)
    regulation = _regulated(weights, levels, places=places, rng=rng)
    rates = _rates(regulation, places, rng)
    blocks = [_counts(depth * rate, dropout, rng) for rate in rates]
    return _annotated(sp.vstack(blocks, format="csr"), regulation.coefficients, places)


@dataclass(frozen=True)
class _Cells:
    """The cell type of each cell, and how far each type shifts each gene (mean 0, variance 1)."""

    types: Array
    shifts: Array

    @classmethod
    def drawn(cls, rng: np.random.Generator, *, n_cells: int, n_genes: int, n_types: int) -> _Cells:
        types = rng.permutation(np.arange(n_cells) % n_types)
        shifts = rng.standard_normal((n_types, n_genes))
        shifts -= shifts.mean(axis=0)
        spread = shifts.std(axis=0)
        return cls(types, shifts / np.where(spread > 0, spread, 1.0))

    def own_variation(self, cells: slice, genes: Array, rng: np.random.Generator) -> Array:
        """Draw what does not come from regulators, with variance 1: cell type and noise."""
        between = BETWEEN_TYPES if len(self.shifts) > 1 else 0.0
        shift = self.shifts[np.ix_(self.types[cells], genes)]
        noise = rng.standard_normal(shift.shape)
        own: Array = np.sqrt(between) * shift + np.sqrt(1.0 - between) * noise
        return own


EVERYWHERE = -1


@dataclass(frozen=True)
class _Places:
    """Where each edge acts (TFs x genes): the number of a cell type, or EVERYWHERE.

    Random numbers are of a stream of their own: other edges and all noise stay what they are.
    """

    acts_in: Array
    cells: _Cells
    rng: np.random.Generator

    @classmethod
    def drawn(cls, weights: Array, cells: _Cells, *, share: float, seed: int) -> _Places:
        n_types = len(cells.shifts)
        if share > 0 and n_types < 2:
            message = (
                f"group_specific={share} wants cell types to differ: n_cell_types is {n_types}."
            )
            raise ValueError(message)
        rng = np.random.default_rng([seed, 1])
        edges = np.flatnonzero(weights)
        chosen = rng.permutation(edges)[: round(share * len(edges))]
        acts_in = np.full(weights.size, EVERYWHERE)
        acts_in[chosen] = rng.permutation(np.arange(len(chosen)) % n_types)
        return cls(acts_in.reshape(weights.shape), cells, rng)

    def drive(self, cells: slice, genes: Array, *, activity: Array, coefficients: Array) -> Array:
        """Return what the regulators do to genes, given the activities in all cells."""
        driven: Array = activity[cells] @ coefficients[:, genes]
        source, target = np.nonzero(self.acts_in[:, genes] != EVERYWHERE)
        if not len(source):
            return driven
        types = self.cells.types[cells]
        is_silent = types[:, None] != self.acts_in[source, genes[target]]
        followed = activity[self._others_of_type(types, len(source)), source]
        change = np.where(is_silent, followed - activity[cells][:, source], 0.0)
        change *= coefficients[source, genes[target]]
        to_target = sp.csr_matrix(
            (np.ones(len(source)), (np.arange(len(source)), target)), (len(source), len(genes))
        )
        driven += change @ to_target
        return driven

    def _others_of_type(self, types: Array, n_edges: int) -> Array:
        """Draw cells of the same type, cells x edges."""
        by_type = np.argsort(self.cells.types, kind="stable")
        size = np.bincount(self.cells.types)
        start = np.cumsum(size) - size
        drawn = self.rng.random((len(types), n_edges)) * size[types, None]
        others: Array = by_type[start[types, None] + drawn.astype(np.int64)]
        return others


def _planted(
    rng: np.random.Generator, *, n_genes: int, n_tfs: int, per_gene: float
) -> tuple[Array, Array]:
    """Return signed weights (TFs x genes) and levels of genes; TFs regulate higher levels only."""
    levels = np.full(n_genes, LEVELS)
    levels[:n_tfs] = rng.permutation(np.arange(n_tfs) % LEVELS)
    allowed = levels[:n_tfs, None] < levels
    wanted = np.minimum(rng.poisson(per_gene, n_genes), allowed.sum(axis=0))
    # the largest of popularity + Gumbel noise are a draw without replacement by popularity
    popularity = TAIL * rng.standard_normal((n_tfs, 1))
    keys = np.where(allowed, popularity + rng.gumbel(size=allowed.shape), -np.inf)
    rank = np.empty(keys.shape, dtype=np.int64)
    np.put_along_axis(rank, np.argsort(-keys, axis=0), np.arange(n_tfs)[:, None], axis=0)
    signs = np.where(rng.random(keys.shape) < ACTIVATORS, 1.0, -1.0)
    return np.where(rank < wanted, signs * rng.uniform(0.5, 1.5, keys.shape), 0.0), levels


@dataclass(frozen=True)
class _Regulation:
    """Of the TFs: expression states and activities (cells x TFs). Of all genes: coefficients."""

    states: Array
    activity: Array
    coefficients: Array


def _regulated(
    weights: Array, levels: Array, *, places: _Places, rng: np.random.Generator
) -> _Regulation:
    """Let the TFs regulate each other, level by level, and scale what they do to all genes."""
    n_cells, n_tfs = len(places.cells.types), len(weights)
    steepness, threshold = rng.uniform(1.0, 3.0, n_tfs), rng.normal(0.0, 0.5, n_tfs)
    states, activity = np.zeros((n_cells, n_tfs)), np.zeros((n_cells, n_tfs))
    coefficients = np.zeros_like(weights)
    for level in range(LEVELS):
        genes = np.flatnonzero(levels == level)
        coefficients[:, genes] = _explaining(weights[:, genes], activity)
        centred = activity - activity.mean(axis=0)
        states[:, genes] = _state(
            slice(None), genes, places=places, activity=centred, coefficients=coefficients, rng=rng
        )
        # Hill function x**n / (K**n + x**n) of the expression x = exp(state)
        argument = steepness[genes] * (states[:, genes] - threshold[genes])
        activity[:, genes] = 1.0 / (1.0 + np.exp(-argument))
    targets = np.flatnonzero(levels == LEVELS)
    coefficients[:, targets] = _explaining(weights[:, targets], activity)
    return _Regulation(states, activity - activity.mean(axis=0), coefficients)


def _explaining(weights: Array, activity: Array) -> Array:
    """Scale weights so that the regulators explain the share SIGNAL of a variance of 1."""
    centred = activity - activity.mean(axis=0)
    covariance = centred.T @ centred / len(activity)
    spread = np.sqrt(np.einsum("ij,ij->j", weights, covariance @ weights))
    scaled: Array = weights * np.sqrt(SIGNAL) / np.where(spread > 0, spread, np.inf)
    return scaled


def _state(
    cells: slice,
    genes: Array,
    *,
    places: _Places,
    activity: Array,
    coefficients: Array,
    rng: np.random.Generator,
) -> Array:
    """Return the logarithmic expression of genes, standardised, given centred activities."""
    own = places.cells.own_variation(cells, genes, rng)
    is_regulated = coefficients[:, genes].any(axis=0)
    rest: Array = own * np.where(is_regulated, np.sqrt(1.0 - SIGNAL), 1.0)
    rest += places.drive(cells, genes, activity=activity, coefficients=coefficients)
    return rest


def _rates(regulation: _Regulation, places: _Places, rng: np.random.Generator) -> Iterator[Array]:
    """Yield blocks of cells with their expected counts, one per gene and cell on average."""
    states, activity = regulation.states, regulation.activity
    coefficients = regulation.coefficients
    n_tfs, n_genes = coefficients.shape
    mean = MEAN_SPREAD * rng.standard_normal(n_genes)
    dynamic_range = DYNAMIC_RANGE * np.exp(0.3 * rng.standard_normal(n_genes))
    library = rng.lognormal(-0.5 * LIBRARY_SPREAD**2, LIBRARY_SPREAD, (len(states), 1))
    targets = np.arange(n_tfs, n_genes)
    for start in range(0, len(states), _CELLS_AT_A_TIME):
        block = slice(start, start + _CELLS_AT_A_TIME)
        rest = _state(
            block, targets, places=places, activity=activity, coefficients=coefficients, rng=rng
        )
        rate = np.exp(mean + dynamic_range * np.hstack([states[block], rest]))
        yield rate * (n_genes * library[block] / rate.sum(axis=1, keepdims=True))


def _counts(rate: Array, dropout: float, rng: np.random.Generator) -> sp.csr_matrix:
    """Draw overdispersed counts, and lose some where few are expected."""
    burst = rng.standard_gamma(1.0 / DISPERSION, rate.shape) * DISPERSION
    counts = rng.poisson(rate * burst).astype(np.float32)
    if dropout:
        counts[rng.random(rate.shape) < dropout / (dropout + rate)] = 0.0
    return sp.csr_matrix(counts)


def _annotated(counts: sp.csr_matrix, coefficients: Array, places: _Places) -> AnnData:
    cells = places.cells
    n_tfs, n_genes = coefficients.shape
    names = [f"TF{i + 1}" for i in range(n_tfs)] + [f"G{i + 1}" for i in range(n_genes - n_tfs)]
    source, target = np.nonzero(coefficients)
    genes = np.array(names, dtype=object)
    truth = pd.DataFrame(
        {
            "source": genes[source],
            "target": genes[target],
            "weight": coefficients[source, target],
        }
    )
    types = pd.Index([f"type{i + 1}" for i in range(len(cells.shifts))])
    acts_in = places.acts_in[source, target]
    if (acts_in != EVERYWHERE).any():
        here = [truth[(acts_in == i) | (acts_in == EVERYWHERE)] for i in range(len(types))]
        truth = pd.concat(here, keys=types, names=["context"]).reset_index("context")
        truth = truth[["source", "target", "weight", "context"]].reset_index(drop=True)
    return ad.AnnData(
        counts,
        obs=pd.DataFrame(
            {_keys.CELL_TYPE: pd.Categorical.from_codes(cells.types, categories=types)},
            index=[f"cell{i + 1}" for i in range(counts.shape[0])],
        ),
        var=pd.DataFrame({"is_tf": np.arange(n_genes) < n_tfs}, index=names),
        uns={_keys.TRUTH: truth.rename(index=str)},
    )
