"""From AnnData to the bare arrays of a kernel, in an order that does not depend on the input's."""

import hashlib
import logging
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd
import scipy.sparse as sp
from anndata import AnnData

from grnet import _checks
from grnet.infer._arrays import Matrix
from grnet.io import read_tfs
from grnet.pp import check

if TYPE_CHECKING:
    from mudata import MuData

logger = logging.getLogger(__name__)

MIN_CELLS = 10


@dataclass(frozen=True)
class Inputs:
    """Cells x genes and its regulators; genes and cells sorted by name.

    Attributes
    ----------
    matrix
        Cells x genes, float32, dense or CSC.
    genes, regulators
        Sorted names; every regulator is a gene.
    contexts
        Cells x contexts, the weight of each cell in each; None where there is one network.
    """

    matrix: Matrix
    genes: pd.Index
    regulators: pd.Index
    contexts: np.ndarray | None = None

    @property
    def x(self) -> np.ndarray:
        """Cells x regulators, dense."""
        part = self.matrix[:, self.genes.get_indexer(self.regulators)]
        return np.ascontiguousarray(part if isinstance(part, np.ndarray) else part.toarray())

    @property
    def own(self) -> np.ndarray:
        """The column of each gene among the regulators, or -1."""
        return self.regulators.get_indexer(self.genes)

    def of_cells(self, cells: np.ndarray) -> "Inputs":
        """Return some cells, which may repeat."""
        contexts = None if self.contexts is None else self.contexts[cells]
        return replace(self, matrix=_columnwise(_rowwise(self.matrix)[cells]), contexts=contexts)

    def permuted(self, rng: np.random.Generator) -> "Inputs":
        """Return the genes each in an order of cells of its own: no gene is associated with any."""
        matrix = self.matrix
        if isinstance(matrix, np.ndarray):
            return replace(self, matrix=rng.permuted(matrix, axis=0))
        n_cells, n_genes = matrix.shape
        rows = [
            rng.choice(n_cells, size=count, replace=False, shuffle=False)
            for count in np.diff(matrix.indptr)
        ]
        indices = np.concatenate([np.sort(part) for part in rows]) if n_genes else matrix.indices
        values = _shuffled_within(matrix.data, matrix.indptr, rng)
        shuffled = sp.csc_matrix((values, indices, matrix.indptr), shape=matrix.shape)
        return replace(self, matrix=shuffled)

    def fingerprint(self) -> str:
        """Return a digest of names and values."""
        digest = hashlib.sha256("\n".join([*self.genes, "", *self.regulators]).encode())
        matrix = self.matrix
        parts: tuple[np.ndarray, ...] = (matrix,)
        if not isinstance(matrix, np.ndarray):
            parts = (matrix.indptr, matrix.indices, matrix.data)
        for part in parts:
            digest.update(np.ascontiguousarray(part).data)
        return digest.hexdigest()[:16]


def _shuffled_within(
    values: np.ndarray, starts: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    column = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    return np.asarray(values[np.lexsort((rng.random(len(values)), column))])


def _rowwise(matrix: Matrix) -> np.ndarray | sp.csr_matrix:
    return matrix if isinstance(matrix, np.ndarray) else matrix.tocsr()


def _columnwise(matrix: np.ndarray | sp.spmatrix) -> Matrix:
    if sp.issparse(matrix):
        columns = sp.csc_matrix(matrix, dtype=np.float32)
        # a zero that is stored is a zero like the others
        columns.sum_duplicates()
        columns.eliminate_zeros()
        return columns
    return np.ascontiguousarray(matrix, dtype=np.float32)


def expression_of(data: "AnnData | MuData") -> AnnData:
    """Return the cells x genes of a MuData, or the AnnData itself; in memory.

    Raises
    ------
    TypeError
        If it is neither.
    ValueError
        If a MuData has no modality ``rna``.
    """
    if isinstance(data, AnnData):
        return data.to_memory() if data.isbacked else data
    if not isinstance(getattr(data, "mod", None), Mapping):
        message = (
            f"The cells are a {type(data).__name__}: expected AnnData or MuData. Read files with "
            "gn.io.read_expression, and wrap tables: anndata.AnnData(table)."
        )
        raise TypeError(message)
    if "rna" not in data.mod:
        message = (
            f"The MuData has no modality 'rna', but {_checks.examples(data.mod)}: networks are "
            "inferred from expression. Name it so, or pass that modality: mdata['gex']."
        )
        raise ValueError(message)
    return cast("AnnData", data.mod["rna"])


def gather(
    adata: AnnData,
    *,
    tfs: str | Path | Iterable[str],
    layer: str | None,
    cells: np.ndarray | None = None,
    contexts: np.ndarray | None = None,
) -> Inputs:
    """Check the data and return the inputs of a kernel; ``contexts`` has a row per cell of adata.

    Raises
    ------
    ValueError
        If names repeat, values are missing, cells are few, or no regulator is among the genes.
    """
    matrix = _matrix(adata, layer)
    _checks.unique(adata.var_names, "genes")
    names = adata.obs_names.to_numpy(dtype=str)
    chosen = np.arange(adata.n_obs) if cells is None else cells
    if len(chosen) < MIN_CELLS:
        message = (
            f"{len(chosen)} cells are too few to infer a network: expected at least {MIN_CELLS}. "
            "Take more cells, or check the orientation: adata is cells x genes (adata.T turns it)."
        )
        raise ValueError(message)
    by_gene = np.argsort(adata.var_names.to_numpy(dtype=str), kind="stable")
    by_cell = chosen[np.argsort(names[chosen], kind="stable")]
    genes = pd.Index(adata.var_names.to_numpy(dtype=str)[by_gene])
    rows = _rowwise(matrix)[by_cell][:, by_gene]
    if len(np.unique(names[by_cell])) < len(by_cell):
        order = _order_within_names(names[by_cell], rows)
        by_cell, rows = by_cell[order], rows[order]
    values = _columnwise(rows)
    _checks.finite(values, genes, "the expression matrix")
    _warn_of_raw_counts(values)
    wanted = pd.Index(read_tfs(tfs))
    regulators = genes[genes.isin(wanted)]
    if regulators.empty:
        check(adata, tfs=list(wanted))
        message = f"None of the {len(wanted)} regulators is among the {len(genes)} genes."
        raise ValueError(message)
    logger.info("%d of %d regulators are among the genes", len(regulators), len(wanted))
    return Inputs(values, genes, regulators, None if contexts is None else contexts[by_cell])


def _order_within_names(names: np.ndarray, rows: np.ndarray | sp.csr_matrix) -> np.ndarray:
    """Return the order of cells; those of one name, as in joined tables, stand by their values."""
    dense = (row.toarray() if sp.issparse(row) else row for row in rows)
    digests = [hashlib.sha256(np.asarray(row, np.float32).tobytes()).hexdigest() for row in dense]
    return np.lexsort((np.array(digests), names))


def _matrix(adata: AnnData, layer: str | None) -> np.ndarray | sp.spmatrix:
    if layer is not None:
        _checks.one_of(layer, list(adata.layers), "layer")
    matrix = adata.X if layer is None else adata.layers[layer]
    if matrix is None:
        message = (
            f"adata.X is empty. Name the layer that holds the expression: layer= one of "
            f"{_checks.examples(adata.layers)}."
        )
        raise ValueError(message)
    return matrix if sp.issparse(matrix) else np.asarray(matrix)


def _warn_of_raw_counts(matrix: Matrix) -> None:
    values = matrix.ravel() if isinstance(matrix, np.ndarray) else matrix.data
    sample = np.asarray(values[:100_000])
    if len(sample) and sample.max() > 30 and np.array_equal(sample, np.rint(sample)):
        warnings.warn(
            f"The expression looks like raw counts (whole numbers up to {sample.max():.0f}); "
            "networks want library-size-normalised, logged values: run gn.pp.normalize(adata).",
            UserWarning,
            stacklevel=4,
        )
