"""What cells say about genes and peaks: a profile in a few dimensions, a mean, a share of cells."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator, svds

from grnet import _checks

if TYPE_CHECKING:
    from anndata import AnnData

logger = logging.getLogger(__name__)

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Profiles:
    """One row per variable of the data, in its order.

    Parameters
    ----------
    components
        Variables x components: inner products are close to correlations over the cells.
    mean, detected
        Mean value, and share of the cells where it is not zero.

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    >>> gn.graph.profiles(adata, n_components=4).components.shape
    (30, 4)
    """

    components: Array
    mean: Array
    detected: Array


def profiles(
    adata: AnnData,
    *,
    n_components: int = 32,
    what: str = "genes",
    seed: int = 0,
    min_cells: int = 3,
) -> Profiles:
    """Reduce the columns of a matrix by a truncated singular value decomposition.

    Parameters
    ----------
    adata
        Cells x genes, or peaks.
    n_components
        Dimensions; fewer where the data have fewer.
    what
        The columns, named in errors.
    seed
        Of the decomposition.
    min_cells
        The fewest cells that are accepted.

    Returns
    -------
    Profiles

    Raises
    ------
    ValueError
        If names repeat, values are missing, or there are too few cells or less than two columns.

    Notes
    -----
    Whole numbers are scaled to the same total in every cell and logged. Columns are standardised
    without being made dense, and sorted by name first: the order does not matter. One cell or bulk
    sample has a mean and no profile.

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    >>> gn.graph.profiles(adata, n_components=4).mean.shape
    (30,)
    """
    _checks.unique(adata.var_names, what)
    if adata.n_obs < min_cells or adata.n_vars < 2:
        message = (
            f"{adata.n_obs} cells x {adata.n_vars} {what} are too few for profiles: expected at "
            f"least {min_cells} x 2. Check the orientation (adata.T turns it) or which filter "
            "emptied it."
        )
        raise ValueError(message)
    by_name = np.argsort(adata.var_names.to_numpy(dtype=str), kind="stable")
    matrix = sorted_matrix(adata, by_name)
    _checks.finite(matrix, adata.var_names[by_name], f"the matrix of {what}")
    matrix = comparable(matrix)
    mean, spread = moments(matrix)
    values = _decomposed(matrix, mean, spread, n_components=n_components, seed=seed)
    back = np.empty_like(by_name)
    back[by_name] = np.arange(len(by_name))
    return Profiles(values[back], mean[back], _detected(matrix)[back])


def nearest_neighbours(
    values: Array, names: Array, *, n_neighbours: int
) -> tuple[Array, Array, Array]:
    """Return pairs ``i < j`` where one is among the other's most correlated, and the correlation.

    Correlations are those of the profiles; the strongest are chosen by magnitude. Computed in
    blocks, in the order of the names.
    """
    by_name = np.argsort(names, kind="stable")
    length = np.linalg.norm(values, axis=1, keepdims=True)
    unit = np.where(length > 1e-6, values / np.maximum(length, 1e-6), 0.0)[by_name]
    wanted = min(n_neighbours, len(unit) - 1)
    pairs = []
    for start in range(0, len(unit), 1_000):
        block = unit[start : start + 1_000] @ unit.T
        rows = np.arange(len(block))
        block[rows, start + rows] = 0.0
        strength = np.abs(block)
        chosen = np.argpartition(strength, -wanted, axis=1)[:, -wanted:]
        first = np.repeat(rows, wanted)
        second = chosen.ravel()
        kept = strength[first, second] > 1e-6
        pairs.append(np.column_stack([first[kept] + start, second[kept]]))
    found = np.sort(np.concatenate(pairs), axis=1)
    found = np.unique(found, axis=0)
    correlation = np.einsum("ij,ij->i", unit[found[:, 0]], unit[found[:, 1]])
    ends = np.sort(by_name[found], axis=1)
    order = np.lexsort((ends[:, 1], ends[:, 0]))
    return ends[order, 0], ends[order, 1], np.clip(correlation[order], -1.0, 1.0)


def sorted_matrix(adata: AnnData, by_name: Array) -> Any:  # noqa: ANN401 - dense or sparse
    """Return the matrix as float64, its rows and columns in the order of their names."""
    if adata.X is None:
        message = "adata.X is empty: put the matrix there, adata.X = adata.layers['...']."
        raise ValueError(message)
    cells = np.argsort(adata.obs_names.to_numpy(dtype=str), kind="stable")
    matrix = adata.to_memory().X if adata.isbacked else adata.X
    if not sp.issparse(matrix):
        return np.asarray(matrix, dtype=np.float64)[cells][:, by_name]
    rows = sp.csr_matrix(matrix, dtype=np.float64)[cells][:, by_name]
    rows.sort_indices()
    return rows


def _values(matrix: Any) -> Array:  # noqa: ANN401
    return np.asarray(matrix.data if sp.issparse(matrix) else matrix)


def comparable(matrix: Any) -> Any:  # noqa: ANN401
    """Return the logarithm of counts scaled to the median total; other values as they are."""
    values = _values(matrix)
    if not len(values) or values.min() < 0 or not np.array_equal(values, np.rint(values)):
        return matrix
    total = np.asarray(matrix.sum(axis=1), dtype=np.float64).ravel()
    if not (total > 0).any():
        message = "The matrix holds nothing but zeros: check how it was read."
        raise ValueError(message)
    factor = np.median(total[total > 0]) / np.where(total > 0, total, 1.0)
    if sp.issparse(matrix):
        return (sp.diags(factor) @ matrix).tocsr().log1p()
    return np.log1p(matrix * factor[:, None])


def moments(matrix: Any) -> tuple[Array, Array]:  # noqa: ANN401
    """Return mean and standard deviation of the columns."""
    mean = np.asarray(matrix.mean(axis=0)).ravel()
    if sp.issparse(matrix):
        square = np.asarray(matrix.multiply(matrix).mean(axis=0)).ravel()
        return mean, np.sqrt(np.maximum(square - mean**2, 0.0))
    return mean, matrix.std(axis=0)


def _detected(matrix: Any) -> Array:  # noqa: ANN401
    return np.asarray((matrix != 0).mean(axis=0), dtype=np.float64).ravel()


def _decomposed(
    matrix: Any,  # noqa: ANN401
    mean: Array,
    spread: Array,
    *,
    n_components: int,
    seed: int,
) -> Array:
    """Return right singular vectors times singular values of the standardised matrix."""
    n_cells, n_columns = matrix.shape
    # a column that only rounding makes vary does not vary
    varies = spread > 1e-9 * np.maximum(np.abs(mean), 1e-12)
    scale = np.where(varies, 1.0 / np.where(varies, spread, 1.0), 0.0) / np.sqrt(n_cells)

    def forward(vectors: Array) -> Array:
        scaled = scale[:, None] * vectors.reshape(n_columns, -1)
        return np.asarray(matrix @ scaled - mean @ scaled)

    def backward(vectors: Array) -> Array:
        columns = vectors.reshape(n_cells, -1)
        return np.asarray(
            scale[:, None] * (matrix.T @ columns - np.outer(mean, columns.sum(axis=0)))
        )

    standardised = LinearOperator(
        matrix.shape,
        matvec=lambda v: forward(v).ravel(),
        rmatvec=lambda v: backward(v).ravel(),
        matmat=forward,
        rmatmat=backward,
        dtype=np.float64,
    )
    k = min(n_components, min(matrix.shape) - 1)
    if k < n_components:
        logger.info("%d components of %d asked for: the data have no more", k, n_components)
    if not varies.any() or k == 0:
        return np.zeros((n_columns, k))
    start = np.random.default_rng(seed).standard_normal(min(matrix.shape))
    _, strength, vectors = svds(standardised, k=k, v0=start)
    order = np.argsort(-strength, kind="stable")
    vectors, strength = np.where(varies, vectors[order], 0.0), strength[order]
    largest = vectors[np.arange(k), np.argmax(np.abs(vectors), axis=1)]
    signed = np.where(largest < 0, -1.0, 1.0) * strength
    return np.asarray((vectors * signed[:, None]).T)
