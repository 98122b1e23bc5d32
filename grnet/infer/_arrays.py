"""Matrices for kernels: dense blocks of columns, unit columns, cell scaling."""

from collections.abc import Iterator
from typing import Literal, TypeAlias

import numpy as np
import scipy.sparse as sp
import torch

Matrix: TypeAlias = np.ndarray | sp.csc_matrix
"""Cells x genes, dense or CSC."""

BLOCK_BYTES = 128 * 2**20


def dense_columns(matrix: Matrix, columns: slice, device: torch.device) -> torch.Tensor:
    """Return some columns as a dense float32 tensor."""
    part = matrix[:, columns]
    values = part.toarray() if sp.issparse(part) else part
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

    The product of two such blocks is their matrix of Pearson correlations. With ``reference`` (other
    rows of the same columns) the mean and length are those of the reference.
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
    if sp.issparse(y) and not low.any():
        return x * factor, sp.csc_matrix(y.multiply(factor), dtype=np.float32)
    dense = y.toarray() if sp.issparse(y) else y
    return (x - low) * factor, (dense - low) * factor


def _cell_extreme(matrix: Matrix, which: Literal["min", "max"]) -> np.ndarray:
    extreme = getattr(matrix, which)(axis=1)
    dense = extreme.toarray() if sp.issparse(extreme) else np.asarray(extreme)
    return dense.reshape(-1, 1).astype(np.float32)
