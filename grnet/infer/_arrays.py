"""Matrices for kernels: dense blocks of columns, unit columns, cell scaling."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Literal, TypeAlias

import numpy as np
import scipy.sparse as sp
import torch
from scipy.special import ndtri
from scipy.stats import rankdata

Matrix: TypeAlias = np.ndarray | sp.csc_matrix
"""Cells x genes, dense or CSC."""

BLOCK_BYTES = 128 * 2**20


def dense_columns(matrix: Matrix, columns: slice, device: torch.device) -> torch.Tensor:
    """Return some columns as a dense float32 tensor."""
    part = matrix[:, columns]
    values = part if isinstance(part, np.ndarray) else part.toarray()
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32)).to(device)


def column_blocks(
    matrix: Matrix, device: torch.device, *, width: int | None = None
) -> Iterator[tuple[slice, torch.Tensor]]:
    """Yield ``(columns, dense float32 block)`` so that only one block is dense at a time."""
    n_rows, n_columns = matrix.shape
    width = width or max(64, BLOCK_BYTES // (4 * max(n_rows, 1)))
    for start in range(0, n_columns, width):
        columns = slice(start, min(start + width, n_columns))
        yield columns, dense_columns(matrix, columns, device)


def unit_columns(block: torch.Tensor, reference: torch.Tensor | None = None) -> torch.Tensor:
    """Centre each column and scale it to unit length; a constant column becomes zero.

    The product of two such blocks is their matrix of Pearson correlations. With ``reference``
    (other rows of the same columns) the mean and length are those of the reference.
    """
    known = block if reference is None else reference
    mean = known.mean(dim=0)
    length = torch.linalg.vector_norm(known - mean, dim=0)
    rounding = 1e-6 * known.abs().amax(dim=0) * known.shape[0] ** 0.5
    scale = torch.where(length > rounding, 1.0 / length.clamp_min(1e-30), 0.0)
    return (block - mean) * scale


def leave_out_own(scores: np.ndarray, own: np.ndarray, value: float = 0.0) -> np.ndarray:
    """Set the score of each target with itself, in place."""
    targets = np.flatnonzero(own >= 0)
    scores[own[targets], targets] = value
    return scores


def scale_cells(x: np.ndarray, y: Matrix) -> tuple[np.ndarray, Matrix]:
    """Scale each cell to its own range over all genes, ``(v - min) / (max - min)``.

    Sparse stays sparse: where the minimum of every cell is zero, only the factor is left.
    """
    low = np.minimum(_cell_extreme(y, "min"), x.min(axis=1, keepdims=True))
    high = np.maximum(_cell_extreme(y, "max"), x.max(axis=1, keepdims=True))
    factor = (1.0 / np.where(high > low, high - low, 1.0)).astype(np.float32)
    if not isinstance(y, np.ndarray) and not low.any():
        return x * factor, sp.csc_matrix(y.multiply(factor), dtype=np.float32)
    dense = y if isinstance(y, np.ndarray) else y.toarray()
    return (x - low) * factor, (dense - low) * factor


def _cell_extreme(matrix: Matrix, which: Literal["min", "max"]) -> np.ndarray:
    extreme = getattr(matrix, which)(axis=1)
    dense = extreme if isinstance(extreme, np.ndarray) else extreme.toarray()
    return dense.reshape(-1, 1).astype(np.float32)


def varies(matrix: Matrix) -> np.ndarray:
    """Return for each column whether it holds two different values."""
    extremes = [getattr(matrix, which)(axis=0) for which in ("min", "max")]
    low, high = (part if isinstance(part, np.ndarray) else part.toarray() for part in extremes)
    return np.asarray(high > low).ravel()


def rank_genes(x: np.ndarray, y: Matrix) -> tuple[np.ndarray, Matrix]:
    """Replace the values of each gene by their mid-ranks over the cells, less the rank of zero.

    The shift changes no correlation and keeps zeros zero, so that sparse stays sparse.
    """
    return _ranks_of_columns(x, np.asarray), _ranks_of_columns(y, np.asarray)


def normal_scores(x: np.ndarray, y: Matrix) -> tuple[np.ndarray, Matrix]:
    """Replace the values of each gene by the normal quantiles of their mid-ranks, less that of 0.

    Genes become Gaussian whatever their scale, ties apart; sparse stays sparse.
    """

    def quantiles(ranks: np.ndarray) -> np.ndarray:
        return np.asarray(ndtri((ranks - 0.5) / x.shape[0]))

    return _ranks_of_columns(x, quantiles), _ranks_of_columns(y, quantiles)


def _ranks_of_columns(matrix: Matrix, value: Callable[[np.ndarray], np.ndarray]) -> Matrix:
    """Return what ``value`` makes of the mid-ranks of each column."""
    if isinstance(matrix, np.ndarray):
        ranks = np.empty(matrix.shape, dtype=np.float32)
        width = max(1, BLOCK_BYTES // (8 * max(len(matrix), 1)))
        for start in range(0, matrix.shape[1], width):
            part = slice(start, start + width)
            ranks[:, part] = value(rankdata(matrix[:, part], axis=0))
        return ranks
    ranked = matrix.copy()
    n_cells = matrix.shape[0]
    for start, stop in pairwise(matrix.indptr):
        values = matrix.data[start:stop]
        n_zero, n_negative = n_cells - len(values), int(np.count_nonzero(values < 0))
        ranks = rankdata(values) + np.where(values > 0, n_zero, 0)
        zero = np.array(n_negative + (n_zero + 1) / 2)
        # of a column without zeros the mean rank is taken off
        zero = zero if n_zero else np.array((n_cells + 1) / 2)
        ranked.data[start:stop] = value(ranks) - value(zero)
    return ranked
