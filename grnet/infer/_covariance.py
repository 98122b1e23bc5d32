"""Partial correlations from a covariance shrunken towards the identity.

With ``R`` the correlation matrix of all genes and shrinkage ``s``, the precision matrix is that of
``(1 - s) R + s I``, up to a factor the inverse of ``R + a I`` with ``a = s / (1 - s)``. Where genes
or cells are few it is computed exactly, by inverting genes x genes or (Woodbury) cells x cells.
Where both are many, the leading eigenvectors of ``R`` are treated exactly and the rest, whose
eigenvalues lie far below ``a``, by their mean.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch

from grnet.infer._arrays import Matrix, column_blocks, unit_columns

EXACT_UP_TO = 4096
RANK = 256
KEPT_BYTES = 512 * 2**20


class _Variables:
    """All genes as unit columns: the targets, then the regulators that are no targets."""

    def __init__(self, x: np.ndarray, y: Matrix, own: np.ndarray, *, device: torch.device) -> None:
        self._y, self._device = y, device
        self._kept: list[tuple[slice, torch.Tensor]] = []
        extra = np.setdiff1d(np.arange(x.shape[1]), own[own >= 0])
        self._extra = unit_columns(torch.from_numpy(x[:, extra]).to(device))
        self.n_cells, self.n_targets = x.shape[0], y.shape[1]
        self.n_genes = self.n_targets + len(extra)
        position = np.empty(x.shape[1], dtype=np.int64)
        position[own[own >= 0]] = np.flatnonzero(own >= 0)
        position[extra] = self.n_targets + np.arange(len(extra))
        self.of_regulator = torch.from_numpy(position).to(device)

    def blocks(self) -> Iterator[tuple[slice, torch.Tensor]]:
        """Yield (columns, unit columns); made once where they are small, else anew each time."""
        if 4 * self.n_cells * self.n_genes > KEPT_BYTES:
            yield from self._made()
            return
        self._kept = self._kept or list(self._made())
        yield from self._kept

    def _made(self) -> Iterator[tuple[slice, torch.Tensor]]:
        for columns, block in column_blocks(self._y, self._device):
            yield columns, unit_columns(block)
        if self._extra.shape[1]:
            yield slice(self.n_targets, self.n_genes), self._extra

    def all(self) -> torch.Tensor:
        """Return every unit column at once."""
        return torch.cat([block for _, block in self.blocks()], dim=1)

    def times(self, right: torch.Tensor) -> torch.Tensor:
        """Return ``U @ right`` for a genes x k matrix."""
        product = torch.zeros(self.n_cells, right.shape[1], device=self._device)
        for columns, block in self.blocks():
            product += block @ right[columns]
        return product

    def transposed_times(self, left: torch.Tensor) -> torch.Tensor:
        """Return ``U.T @ left`` for a cells x k matrix."""
        return torch.cat([block.T @ left for _, block in self.blocks()])


class _Precision(NamedTuple):
    """Rows of the inverse of ``R + a I`` for the regulators, and its whole diagonal."""

    rows: torch.Tensor
    diagonal: torch.Tensor


def _inverse(matrix: torch.Tensor, penalty: float) -> torch.Tensor:
    penalised = matrix.double()
    penalised.diagonal().add_(penalty)
    return torch.cholesky_inverse(torch.linalg.cholesky(penalised))


def _over_genes(genes: _Variables, penalty: float) -> _Precision:
    units = genes.all()
    inverse = _inverse(units.T @ units, penalty)
    return _Precision(inverse[genes.of_regulator].float(), inverse.diagonal().float())


def _over_cells(genes: _Variables, penalty: float) -> _Precision:
    """Woodbury: ``(U'U + aI)^-1 = (I - U' (UU' + aI)^-1 U) / a``."""
    gram = torch.zeros(genes.n_cells, genes.n_cells, dtype=torch.float64)
    for _, block in genes.blocks():
        gram += (block @ block.T).to(gram)
    inverse = _inverse(gram, penalty).float().to(genes.of_regulator.device)
    rows, explained = [], []
    regulators = _columns_of(genes, genes.of_regulator)
    half = regulators.T @ inverse
    for _, block in genes.blocks():
        rows.append(-(half @ block) / penalty)
        explained.append(((inverse @ block) * block).sum(dim=0))
    return _Precision(torch.cat(rows, dim=1), (1.0 - torch.cat(explained)) / penalty)


def _columns_of(genes: _Variables, wanted: torch.Tensor) -> torch.Tensor:
    columns = torch.empty(genes.n_cells, len(wanted), device=wanted.device)
    for here, block in genes.blocks():
        inside = (wanted >= here.start) & (wanted < here.stop)
        columns[:, inside] = block[:, wanted[inside] - here.start]
    return columns


def _leading_eigenvectors(
    genes: _Variables, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the largest eigenvalues of ``R`` and their vectors, by randomised subspace iteration.

    Halko, Martinsson and Tropp (2011), with two power iterations.
    """
    start = rng.standard_normal((genes.n_genes, RANK + 16), dtype=np.float32)
    basis = torch.from_numpy(start).to(genes.of_regulator.device)
    for _ in range(3):
        basis, _ = torch.linalg.qr(genes.transposed_times(genes.times(basis)))
    projected = genes.times(basis)
    values, vectors = torch.linalg.eigh((projected.T @ projected).double())
    leading = (basis @ vectors.float())[:, -RANK:]
    return values[-RANK:].float().clamp_min(0), leading


def _low_rank(genes: _Variables, penalty: float, rng: np.random.Generator) -> _Precision:
    values, vectors = _leading_eigenvectors(genes, rng)
    rest = float(values.min()) / 2 + penalty
    damped = values / (values + penalty) - values / rest
    mine = vectors[genes.of_regulator] * damped
    regulators = _columns_of(genes, genes.of_regulator).T.contiguous()
    rows = [
        -(regulators @ block / rest + mine @ vectors[columns].T) / penalty
        for columns, block in genes.blocks()
    ]
    present = torch.cat([block.square().sum(dim=0) for _, block in genes.blocks()])
    explained = present / rest + (vectors.square() * damped).sum(dim=1)
    return _Precision(torch.cat(rows, dim=1), (1.0 - explained) / penalty)


def shrunk_partial_correlation(
    x: np.ndarray,
    y: Matrix,
    own: np.ndarray,
    *,
    shrinkage: float,
    rng: np.random.Generator,
    device: torch.device,
) -> np.ndarray:
    """Return regulators x targets partial correlations given all other genes.

    Estimator of Schäfer and Strimmer (2005): the correlation matrix is shrunken towards the
    identity by ``shrinkage`` before it is inverted. A target's score with itself means nothing.
    """
    genes = _Variables(x, y, own, device=device)
    penalty = shrinkage / (1.0 - shrinkage)
    if min(genes.n_genes, genes.n_cells) > EXACT_UP_TO:
        precision = _low_rank(genes, penalty, rng)
    elif genes.n_genes <= genes.n_cells:
        precision = _over_genes(genes, penalty)
    else:
        precision = _over_cells(genes, penalty)
    root = precision.diagonal.clamp_min(1e-12).sqrt()
    scores = -precision.rows / root / root[genes.of_regulator][:, None]
    return scores[:, : genes.n_targets].cpu().numpy()
