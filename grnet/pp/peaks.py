"""Accessibility of cells: peaks worth keeping, TF-IDF, latent semantic indexing."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import scipy.sparse as sp
from scipy.sparse.linalg import svds
from sklearn.utils.sparsefuncs import inplace_column_scale, inplace_row_scale

from grnet import _checks, _intervals, _keys
from grnet._chromosomes import renamed
from grnet.io.genome.intervals import read_peaks
from grnet.pp._matrix import matrix_of, record, require_counts, store, writable

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData

logger = logging.getLogger(__name__)

SCALE = 1e4
"""What Signac multiplies the product of TF and IDF by, before it takes log1p."""

DEPTH_CORRELATION = 0.75
"""From here on the first component of LSI says how deeply a cell was sequenced."""


def filter_peaks(
    adata: AnnData,
    *,
    min_cells: int | None = None,
    max_share: float | None = None,
    exclude: pd.DataFrame | str | Path | None = None,
    layer: str | None = None,
    copy: bool = False,
) -> AnnData | None:
    """Drop peaks that are open in too few or too many cells, or in regions to exclude.

    Parameters
    ----------
    adata
        Cells x peaks.
    min_cells
        Least number of cells in which a peak is open.
    max_share
        Largest share of cells in which it is open.
    exclude
        Intervals, or a file with them, such as ENCODE's list of regions to exclude.
    layer
        Where the counts are; None for ``X``.
    copy
        Return a copy instead of writing in place.

    Returns
    -------
    None, or the copy. How many peaks each threshold dropped is logged and written to
    ``uns["grnet_params"]["filter_peaks"]``.

    Raises
    ------
    ValueError
        If no threshold is given, no peak is left, or the regions to exclude are on other
        chromosomes.

    Examples
    --------
    >>> import anndata as ad
    >>> import numpy as np
    >>> import pandas as pd
    >>> import grnet as gn
    >>> var = pd.DataFrame(index=["chr1:0-100", "chr1:200-300", "chr2:0-100"])
    >>> adata = ad.AnnData(np.array([[1, 0, 2], [3, 0, 1]]), var=var)
    >>> gn.pp.filter_peaks(adata, min_cells=1)
    >>> list(adata.var_names)
    ['chr1:0-100', 'chr2:0-100']
    """
    if min_cells is None and max_share is None and exclude is None:
        message = "No threshold given: filter_peaks(adata, min_cells=10) is a usual start."
        raise ValueError(message)
    out = writable(adata, copy=copy)
    n_cells = _open_cells(matrix_of(out, layer))
    fails = {}
    if min_cells is not None:
        fails["min_cells"] = n_cells < min_cells
    if max_share is not None:
        fails["max_share"] = n_cells > _checks.in_range(max_share, 0, 1, what="max_share") * (
            out.n_obs
        )
    if exclude is not None:
        fails["exclude"] = _inside(_intervals.of_variables(out.var, what="the peaks"), exclude)
    keep = ~np.logical_or.reduce(list(fails.values()))
    dropped = {f"dropped_by_{name}": int(failed.sum()) for name, failed in fails.items()}
    if not keep.any():
        found = ", ".join(f"{q:g}" for q in np.quantile(n_cells, [0, 0.25, 0.5, 0.75, 1]))
        message = (
            f"No peak of {out.n_vars} is left: {dropped}. Cells per peak, minimum, quartiles and "
            f"maximum: {found} of {out.n_obs}. Choose thresholds inside this range."
        )
        raise ValueError(message)
    # anndata has no public way to subset in place; scanpy's filters use this one as well
    out._inplace_subset_var(keep)
    given = {"min_cells": min_cells, "max_share": max_share, "layer": layer}
    record(out, "filter_peaks", **given, **dropped, peaks_dropped=int((~keep).sum()))
    return out if copy else None


def _open_cells(matrix: Any) -> np.ndarray[Any, Any]:  # noqa: ANN401
    """Count the cells in which each peak is open."""
    if sp.issparse(matrix):
        return np.asarray((matrix != 0).sum(axis=0)).ravel()
    return np.asarray(np.count_nonzero(matrix, axis=0))


def _inside(peaks: pd.DataFrame, exclude: pd.DataFrame | str | Path) -> np.ndarray[Any, Any]:
    """Tell which peaks overlap a region to exclude."""
    table = exclude if isinstance(exclude, pd.DataFrame) else read_peaks(exclude)
    table = renamed(_intervals.checked(table, what="exclude="), peaks["chrom"], what="exclude=")
    hit = np.zeros(len(peaks), dtype=bool)
    hit[_intervals.overlaps(peaks, table)[0]] = True
    return hit


def tfidf(
    adata: AnnData,
    *,
    layer: str | None = None,
    key_added: str | None = None,
    copy: bool = False,
) -> AnnData | None:
    """Weigh accessibility by term frequency and inverse document frequency.

    Parameters
    ----------
    adata
        Cells x peaks, raw counts or 0/1. Sparse stays sparse.
    layer
        Where the counts are; None for ``X``.
    key_added
        Layer to write to; None for ``X``.
    copy
        Return a copy instead of writing in place.

    Returns
    -------
    None, or the copy. Counts that were in ``X`` are kept in ``layers["counts"]``.

    Raises
    ------
    ValueError
        If the values are not counts.

    Notes
    -----
    ``log1p(TF * IDF * 10,000)``, where TF is the share of a cell's counts and IDF the number of
    cells over the counts of the peak, as in Signac (Stuart et al. 2021).

    Examples
    --------
    >>> import anndata as ad
    >>> import numpy as np
    >>> import grnet as gn
    >>> adata = ad.AnnData(np.array([[1.0, 1.0], [0.0, 2.0]]))
    >>> gn.pp.tfidf(adata)
    >>> np.expm1(adata.X).round().tolist()
    [[10000.0, 3333.0], [0.0, 6667.0]]
    """
    out = writable(adata, copy=copy)
    counts = require_counts(out, layer)
    cells, peaks = (np.asarray(counts.sum(axis=a), np.float64).ravel() for a in (1, 0))
    empty = int((cells == 0).sum())
    if empty:
        logger.warning("%d of %d cells have no count and stay zero", empty, len(cells))
    frequency = 1.0 / np.where(cells > 0, cells, 1.0)
    rarity = SCALE * out.n_obs / np.where(peaks > 0, peaks, 1.0)
    if sp.issparse(counts):
        values: Any = counts.astype(np.float64, copy=True)
        inplace_row_scale(values, frequency)
        inplace_column_scale(values, rarity)
        np.log1p(values.data, out=values.data)
    else:
        values = np.log1p(counts * frequency[:, None] * rarity)
    if layer is None and key_added is None:
        out.layers[_keys.COUNTS] = counts
    store(out, values.astype(np.float32), key_added)
    record(out, "tfidf", layer=layer, key_added=key_added)
    return out if copy else None


def lsi(
    adata: AnnData,
    *,
    n_components: int = 50,
    drop_first: bool | Literal["auto"] = "auto",
    scale: bool = True,
    layer: str | None = None,
    seed: int = 0,
    copy: bool = False,
) -> AnnData | None:
    """Reduce accessibility to a few components: latent semantic indexing.

    Parameters
    ----------
    adata
        Cells x peaks after :func:`tfidf`. Sparse stays sparse.
    n_components
        How many to keep.
    drop_first
        Leave out the first component, which often tells nothing but a cell's depth. ``"auto"``
        does if its correlation with the logarithm of the number of open peaks is 0.75 or more.
    scale
        Bring each component to mean 0 and standard deviation 1, as Signac does; else components
        are as long as their singular values.
    layer
        Matrix to reduce; None for ``X``.
    seed
        Of the first vector of the iteration, which runs until it no longer matters.
    copy
        Return a copy instead of writing in place.

    Returns
    -------
    None, or the copy. ``obsm["X_lsi"]``: cells x components. ``varm["LSI"]``: loadings of peaks; of
    each component the largest is positive. ``uns["lsi"]``: ``depth_correlation`` and
    ``singular_values`` of all components computed, ``dropped_first``.

    Raises
    ------
    ValueError
        If there are too few cells or peaks, or a value is NaN.

    Examples
    --------
    >>> import anndata as ad
    >>> import numpy as np
    >>> import scipy.sparse as sp
    >>> import grnet as gn
    >>> counts = np.random.default_rng(0).poisson(0.5, (60, 200)).astype(np.float32)
    >>> adata = ad.AnnData(sp.csr_matrix(counts))
    >>> gn.pp.tfidf(adata)
    >>> gn.pp.lsi(adata, n_components=5)
    >>> adata.obsm["X_lsi"].shape
    (60, 5)
    """
    _checks.one_of(str(drop_first), ("auto", "True", "False"), "value of drop_first=")
    most = min(adata.shape) - 2
    if not 1 <= n_components <= most:
        message = (
            f"n_components={n_components} does not fit {adata.n_obs} cells x {adata.n_vars} peaks: "
            f"choose 1 to {most}."
        )
        raise ValueError(message)
    out = writable(adata, copy=copy)
    matrix = matrix_of(out, layer)
    _checks.finite(matrix, out.var_names, "The matrix")
    cells, values, peaks = _components(matrix, n_components + 1, seed)
    depth = np.log10(np.maximum(_open_cells(matrix.T), 1))
    correlation = np.array([_pearson(depth, component) for component in cells.T])
    drops = abs(correlation[0]) >= DEPTH_CORRELATION if drop_first == "auto" else drop_first
    kept = slice(1, None) if drops else slice(0, n_components)
    embedding = cells[:, kept] * values[kept]
    if scale:
        spread = embedding.std(axis=0)
        embedding = (embedding - embedding.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    out.obsm[_keys.X_LSI] = embedding.astype(np.float32)
    out.varm[_keys.LSI_LOADINGS] = peaks[:, kept].astype(np.float32)
    out.uns[_keys.LSI] = {
        "depth_correlation": correlation,
        "singular_values": values,
        "dropped_first": bool(drops),
    }
    record(out, "lsi", n_components=n_components, dropped_first=bool(drops), layer=layer, seed=seed)
    return out if copy else None


def _components(
    matrix: Any,  # noqa: ANN401
    n: int,
    seed: int,
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the largest singular vectors of cells, the values, and the vectors of peaks."""
    start = np.random.default_rng(seed).standard_normal(min(matrix.shape))
    # in float64 the iteration ends where the order of cells and peaks no longer shows
    cells, values, peaks = svds(matrix.astype(np.float64), k=n, v0=start)
    order = np.argsort(-values)
    cells, values, peaks = cells[:, order], values[order], peaks[order].T
    largest = peaks[np.abs(peaks).argmax(axis=0), np.arange(n)]
    signs = np.where(largest < 0, -1.0, 1.0)
    return cells * signs, values, peaks * signs


def _pearson(x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> float:
    """Correlate; what is constant has no correlation."""
    x, y = x - x.mean(), y - y.mean()
    length = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / length if length > 0 else 0.0
