"""Columns of cells x features, sparse or dense: moments, ranks, standard form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


_ENTRIES = 1 << 20


def columns(matrix: Any) -> sp.csc_matrix:  # noqa: ANN401 - dense or any sparse
    """Return the matrix with columns at hand, zeros left out."""
    return sp.csc_matrix(matrix, dtype=np.float32)


def power_sum(matrix: sp.csc_matrix, power: int) -> Floats:
    """Return the sum of a power of each column."""
    powers = matrix.astype(np.float64)
    powers.data **= power
    return np.asarray(powers.sum(axis=0), dtype=np.float64).ravel()


def spread(matrix: sp.csc_matrix) -> Floats:
    """Return the length of each centred column, exactly 0 where it is constant."""
    n = matrix.shape[0]
    total, squares = power_sum(matrix, 1), power_sum(matrix, 2)
    around = np.maximum(squares - total**2 / n, 0.0)
    return np.asarray(np.sqrt(np.where(around > 1e-9 * squares, around, 0.0)))


def kurtosis(matrix: sp.csc_matrix) -> Floats:
    """Return the fourth standardised moment of each column: large where a few cells matter."""
    n = matrix.shape[0]
    mean, second, third, fourth = (power_sum(matrix, power) / n for power in (1, 2, 3, 4))
    moment = fourth - 4 * mean * third + 6 * mean**2 * second - 3 * mean**4
    variance = spread(matrix) ** 2 / n
    return np.asarray(np.where(variance > 0, moment / np.maximum(variance, 1e-30) ** 2, 0.0))


def ranks(matrix: sp.csc_matrix) -> sp.csc_matrix:
    """Replace values by their ranks less the rank of zero: its correlation is Spearman's.

    Ties share their mean rank. Only the stored values are ranked; those below zero count as below
    the zeros that are not stored.
    """
    ranked = matrix.copy()
    ranked.eliminate_zeros()
    blocks = np.searchsorted(ranked.indptr, np.arange(0, max(ranked.nnz, 1), _ENTRIES))
    for first, last in zip(blocks, [*blocks[1:], ranked.shape[1]], strict=True):
        entries = slice(ranked.indptr[first], ranked.indptr[last])
        stored = np.diff(ranked.indptr[first : last + 1])
        ranked.data[entries] = _ranks(ranked.data[entries], stored, ranked.shape[0])
    return ranked


def _ranks(
    values: npt.NDArray[np.float32], stored: npt.NDArray[np.int32], n_rows: int
) -> npt.NDArray[np.float64]:
    """Rank the stored values of some columns, which follow each other."""
    column = np.repeat(np.arange(len(stored)), stored)
    order = np.lexsort((values, column))
    new = np.ones(len(order), dtype=bool)
    new[1:] = (column[1:] != column[:-1]) | (values[order][1:] != values[order][:-1])
    group = np.cumsum(new) - 1
    place = np.arange(len(order)) - (np.cumsum(stored) - stored)[column]
    rank = np.empty(len(order))
    rank[order] = (np.bincount(group, weights=place) / np.bincount(group))[group]
    zeros = n_rows - stored
    below = np.bincount(column, weights=values < 0, minlength=len(stored))
    of_zero = np.where(zeros > 0, below + (zeros - 1) / 2, 0)
    return np.asarray(rank + np.where(values > 0, zeros[column], 0) - of_zero[column])


def standard(matrix: sp.csc_matrix) -> npt.NDArray[np.float32]:
    """Return dense columns of mean 0 and length 1; constant columns are 0."""
    length = spread(matrix)
    centred = matrix.toarray() - (power_sum(matrix, 1) / matrix.shape[0]).astype(np.float32)
    factor = np.where(length > 0, 1 / np.maximum(length, 1e-30), 0.0)
    return np.asarray(centred * factor.astype(np.float32))
