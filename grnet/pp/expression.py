"""Expression values made comparable between cells, genes and samples."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import psutil
import scipy.sparse as sp
from sklearn.utils.sparsefuncs import inplace_column_scale, inplace_row_scale

from grnet import _checks, _genes, _keys
from grnet.io.genome.annotation import as_genes
from grnet.pp._matrix import groups_of, matrix_of, place, record, require_counts, store, writable

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData

    from grnet.io.genome.annotation import HasGenes

logger = logging.getLogger(__name__)

_GENES_AT_A_TIME = 256


def normalize(
    adata: AnnData,
    *,
    target_sum: float | None = None,
    log: bool = True,
    layer: str | None = None,
    key_added: str | None = None,
    copy: bool = False,
) -> AnnData | None:
    """Bring every cell to the same library size, then take log1p.

    Parameters
    ----------
    adata
        Cells x genes, raw counts. Sparse stays sparse.
    target_sum
        Library size to bring cells to; None for the median of the cells that have counts.
    log
        Take the natural logarithm of 1 + value.
    layer
        Where the counts are; None for ``X``.
    key_added
        Layer to write to; None for ``X``.
    copy
        Return a copy instead of writing in place.

    Returns
    -------
    None, or the copy. The raw counts are kept in ``layers["counts"]``.

    Raises
    ------
    ValueError
        If the values are not raw counts: normalised, log-transformed or centred before.

    Examples
    --------
    >>> import numpy as np
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    >>> gn.pp.normalize(adata, target_sum=1e4)
    >>> bool(np.allclose(np.expm1(adata.X.toarray()).sum(axis=1), 1e4))
    True
    """
    if target_sum is not None and not target_sum > 0:
        message = f"target_sum={target_sum!r} must be positive; None takes the median."
        raise ValueError(message)
    out = writable(adata, copy=copy)
    counts = require_counts(out, layer)
    sizes = np.asarray(counts.sum(axis=1), dtype=np.float64).ravel()
    _warn_empty(sizes)
    if target_sum is None:
        target_sum = float(np.median(sizes[sizes > 0])) if (sizes > 0).any() else 1.0
    values = _scaled_cells(counts, target_sum / np.where(sizes > 0, sizes, 1.0))
    _finish(out, counts, values, log=log, layer=layer, key_added=key_added)
    record(out, "normalize", target_sum=target_sum, log=log, layer=layer, key_added=key_added)
    return out if copy else None


def tpm(
    adata: AnnData,
    lengths: pd.Series[Any] | pd.DataFrame | str = "length",
    *,
    annotation: HasGenes | pd.DataFrame | str | Path | None = None,
    aliases: pd.DataFrame | None = None,
    log: bool = False,
    layer: str | None = None,
    key_added: str | None = None,
    copy: bool = False,
) -> AnnData | None:
    """Turn counts into transcripts per million: by gene length, then by sample.

    Parameters
    ----------
    adata
        Samples x genes, raw or estimated counts of full-length protocols; counts of molecules
        (UMI) have no length bias and want :func:`normalize`. Sparse stays sparse.
    lengths
        Lengths in bases: a series indexed by gene, a frame with a column ``length`` (or one column
        only), or the name of a column of ``var``.
    annotation
        Takes the lengths from here instead: a ``Genome``, the result of ``gn.io.read_annotation``,
        or a GTF or GFF3 file. The length of a gene is the union of its exons.
    aliases
        Further names of the genes of the annotation: one gene per row, one kind of name per column.
    log
        Take the natural logarithm of 1 + value.
    layer, key_added
        Layer to read and layer to write; None for ``X``.
    copy
        Return a copy instead of writing in place.

    Returns
    -------
    None, or the copy. Each sample sums to a million before the logarithm. The counts are kept in
    ``layers["counts"]``.

    Raises
    ------
    ValueError
        If a gene has no length, or a length that is not positive, or if the annotation knows
        hardly any gene.

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    >>> adata.var["length"] = 1_000.0
    >>> gn.pp.tpm(adata)
    >>> round(float(adata.X[0].sum()))
    1000000
    """
    out = writable(adata, copy=copy)
    counts = require_counts(out, layer, fractions=True)
    source = lengths if isinstance(lengths, str) else "given"
    if annotation is not None:
        _refuse_both(lengths)
        lengths, source = _annotated(out.var_names, annotation, aliases), "annotation"
    rates = _scaled_genes(counts, 1.0 / _lengths(out, lengths))
    sizes = np.asarray(rates.sum(axis=1), dtype=np.float64).ravel()
    _warn_empty(sizes)
    values = _scaled_cells(rates, 1e6 / np.where(sizes > 0, sizes, 1.0))
    _finish(out, counts, values, log=log, layer=layer, key_added=key_added)
    record(out, "tpm", lengths=source, log=log, layer=layer, key_added=key_added)
    return out if copy else None


def _warn_empty(sizes: np.ndarray[Any, Any]) -> None:
    empty = int((sizes == 0).sum())
    if empty:
        logger.warning(
            "%d of %d cells have no count and stay zero: gn.pp.filter(adata, min_genes=1) drops "
            "them",
            empty,
            len(sizes),
        )


def _as_float(matrix: Any) -> Any:  # noqa: ANN401
    """Return a copy in floating point: float64 stays, all else becomes float32."""
    return matrix.astype(np.float64 if matrix.dtype == np.float64 else np.float32, copy=True)


def _scaled_cells(matrix: Any, factors: np.ndarray[Any, Any]) -> Any:  # noqa: ANN401
    values = _as_float(matrix)
    factors = factors.astype(values.dtype)
    if sp.issparse(values):
        inplace_row_scale(values, factors)
    else:
        values *= factors[:, None]
    return values


def _scaled_genes(matrix: Any, factors: np.ndarray[Any, Any]) -> Any:  # noqa: ANN401
    values = _as_float(matrix)
    factors = factors.astype(values.dtype)
    if sp.issparse(values):
        inplace_column_scale(values, factors)
    else:
        values *= factors
    return values


def _finish(
    adata: AnnData,
    counts: Any,  # noqa: ANN401
    values: Any,  # noqa: ANN401
    *,
    log: bool,
    layer: str | None,
    key_added: str | None,
) -> None:
    """Take the logarithm, keep the counts, write the values."""
    if log:
        entries = values.data if sp.issparse(values) else values
        np.log1p(entries, out=entries)
    if layer is None and key_added is None:
        adata.layers[_keys.COUNTS] = counts
    store(adata, values, key_added)
    if log and key_added is None:
        # scanpy reads this mark before it exponentiates or warns of a second logarithm
        adata.uns["log1p"] = {}


def _lengths(adata: AnnData, lengths: pd.Series[Any] | pd.DataFrame | str) -> np.ndarray[Any, Any]:
    """Return one length per gene of ``adata``, in its order."""
    if isinstance(lengths, str):
        if lengths not in adata.var:
            message = (
                f"adata.var has no column {lengths!r} (it has {_checks.examples(adata.var, 8)}): "
                "pass the lengths as a series indexed by gene."
            )
            raise ValueError(message)
        found = adata.var[lengths]
    else:
        found = _length_column(lengths)
        found.index = found.index.astype(str)
        _checks.unique(found.index, "genes of the table of lengths")
        _all_have_lengths(adata.var_names, found.index)
        found = found.reindex(adata.var_names)
    values: np.ndarray[Any, Any] = pd.to_numeric(found, errors="coerce").to_numpy(dtype=np.float64)
    bad = ~(np.isfinite(values) & (values > 0))
    if bad.any():
        message = (
            f"{int(bad.sum())} of {len(values)} genes have no positive length: "
            f"{_checks.examples(adata.var_names[bad])}. Give a length in bases for each, or drop "
            "these genes."
        )
        raise ValueError(message)
    return values


def _refuse_both(lengths: pd.Series[Any] | pd.DataFrame | str) -> None:
    if not (isinstance(lengths, str) and lengths == "length"):
        message = "Both lengths= and annotation= are given: pass one of them."
        raise ValueError(message)


def _annotated(
    genes: pd.Index,
    annotation: HasGenes | pd.DataFrame | str | Path,
    aliases: pd.DataFrame | None,
) -> pd.Series[Any]:
    """Return the lengths that the annotation gives to the genes; of several, the longest."""
    table = as_genes(annotation)
    _checks.has_columns(table, ["gene", "length"], "The annotation")
    found = _genes.located(table, genes, aliases=aliases)
    return found.groupby("gene")["length"].max()


def _length_column(lengths: pd.Series[Any] | pd.DataFrame) -> pd.Series[Any]:
    if isinstance(lengths, pd.Series):
        return lengths.copy()
    if lengths.shape[1] == 1:
        return lengths.iloc[:, 0].copy()
    _checks.has_columns(lengths, ["length"], "the table of lengths")
    return lengths["length"].copy()


def _all_have_lengths(genes: pd.Index, known: pd.Index) -> None:
    missing = genes[~genes.isin(known)]
    if len(missing):
        message = (
            f"{len(missing)} of {len(genes)} genes ({len(missing) / len(genes):.0%}) have no "
            f"length: {_checks.examples(missing)}; lengths are given for "
            f"{_checks.examples(known)}. Use one naming for both (aliases= translates that of an "
            "annotation), or keep the genes with a length: adata = "
            "adata[:, adata.var_names.isin(names)].copy(), where names are lengths.index or the "
            "columns gene and gene_id of the annotation."
        )
        raise ValueError(message)


def zscore(
    adata: AnnData,
    *,
    max_value: float | None = None,
    groupby: str | None = None,
    layer: str | None = None,
    key_added: str = "zscore",
    max_gb: float = 4.0,
    copy: bool = False,
) -> AnnData | None:
    """Write each gene with mean 0 and standard deviation 1, over all cells or within groups.

    Parameters
    ----------
    adata
        Cells x genes, log-normalised.
    max_value
        Clip to ``[-max_value, max_value]``.
    groupby
        Column of ``obs``: standardise within each group, which removes differences between groups.
    layer
        Matrix to read; None for ``X``, which stays as it is.
    key_added
        Layer to write.
    max_gb
        Largest result in gigabytes: z-scores have no zeros, so the result is dense.
    copy
        Return a copy instead of writing in place.

    Returns
    -------
    None, or the copy. Genes without variance (within a group) become 0. The standard deviation has
    ``n - 1`` in its denominator, as in ``scanpy.pp.scale``.

    Raises
    ------
    ValueError
        If a group has a single cell.
    MemoryError
        If the result is larger than ``max_gb`` or than the free memory.

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    >>> gn.pp.normalize(adata)
    >>> gn.pp.zscore(adata)
    >>> bool(abs(adata.layers["zscore"].mean(axis=0)).max() < 1e-6)
    True
    """
    if max_value is not None and not max_value > 0:
        message = f"max_value={max_value!r} must be positive, or None for no clipping."
        raise ValueError(message)
    out = writable(adata, copy=copy)
    matrix = matrix_of(out, layer)
    groups = groups_of(out, groupby)
    _at_least_two(groups, groupby)
    _fits_in_memory(out.n_obs, out.n_vars, max_gb)
    _checks.finite(matrix, out.var_names, place(layer))
    out.layers[key_added] = _standardised(matrix, list(groups.values()), max_value)
    record(out, "zscore", max_value=max_value, groupby=groupby, layer=layer, key_added=key_added)
    return out if copy else None


def _at_least_two(groups: dict[str, np.ndarray[Any, Any]], groupby: str | None) -> None:
    single = [name for name, cells in groups.items() if len(cells) < 2]
    if single:
        where = f"groups of {groupby!r}" if groupby else "tables"
        message = (
            f"{len(single)} {where} have one cell only ({_checks.examples(single)}), which has no "
            "standard deviation: drop or merge them."
        )
        raise ValueError(message)


def _fits_in_memory(n_cells: int, n_genes: int, max_gb: float) -> None:
    needed = n_cells * n_genes * 4 / 1e9
    free = psutil.virtual_memory().available / 1e9
    if needed > min(max_gb, free):
        limit = f"max_gb={max_gb:g}" if needed > max_gb else f"the {free:.1f} GB of free memory"
        message = (
            f"z-scores of {n_cells:,} cells x {n_genes:,} genes are dense and take {needed:.2g} "
            f"GB, more than {limit}. Keep fewer genes (adata[:, genes].copy()), aggregate cells "
            "with gn.pp.metacells, or raise max_gb."
        )
        raise MemoryError(message)


def _standardised(
    matrix: Any,  # noqa: ANN401
    groups: list[np.ndarray[Any, Any]],
    max_value: float | None,
) -> np.ndarray[Any, Any]:
    """Return z-scores in float32; only a block of genes at a time is dense in float64."""
    by_gene: Any = matrix.tocsc() if sp.issparse(matrix) else np.asarray(matrix)
    out = np.empty(matrix.shape, dtype=np.float32)
    for start in range(0, matrix.shape[1], _GENES_AT_A_TIME):
        columns = slice(start, start + _GENES_AT_A_TIME)
        chosen = by_gene[:, columns]
        block = np.asarray(chosen.toarray() if sp.issparse(chosen) else chosen, dtype=np.float64)
        tiny = 1e-12 * np.abs(block).max(axis=0)
        for cells in groups:
            values = block[cells]
            values -= values.mean(axis=0)
            spread = values.std(axis=0, ddof=1)
            # rounding leaves a constant gene with a tiny spread instead of zero
            values /= np.where(spread > tiny, spread, np.inf)
            out[cells, columns] = values
    return out if max_value is None else np.clip(out, -max_value, max_value, out=out)
