"""Quality of cells and genes: figures, then thresholds."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scanpy as sc
import scipy.sparse as sp

from grnet import _checks
from grnet.pp._matrix import matrix_of, record, writable

if TYPE_CHECKING:
    from anndata import AnnData

logger = logging.getLogger(__name__)

MT_PATTERNS = {
    "MT-": r"^MT-",
    "mt-": r"^mt-",
    "Mt-": r"^Mt-",
    "mt:": r"^mt:",
    "Q0 (yeast)": r"^Q0\d{3}$",
    "ATMG (Arabidopsis)": r"^ATMG\d{5}$",
}
"""How species spell their mitochondrial genes: human, mouse, rat, fly, yeast, Arabidopsis."""


def qc(
    adata: AnnData, *, mt_prefix: str | None = None, layer: str | None = None, copy: bool = False
) -> AnnData | None:
    """Write the usual quality figures of cells and genes, under scanpy's names.

    Parameters
    ----------
    adata
        Cells x genes, raw counts.
    mt_prefix
        Start of the names of mitochondrial genes. None takes a boolean ``var["mt"]`` if there is
        one, else the spelling of human, mouse, rat, fly, yeast or Arabidopsis that matches most.
    layer
        Where the counts are; None for ``X``.
    copy
        Return a copy instead of writing in place.

    Returns
    -------
    None, or the copy. ``obs``: ``n_genes_by_counts``, ``total_counts``, ``pct_counts_mt`` (absent,
    with a logged warning, where no mitochondrial gene is recognised). ``var``:
    ``n_cells_by_counts``, ``mean_counts``, ``pct_dropout_by_counts``, ``total_counts``, ``mt``.

    Raises
    ------
    ValueError
        If the given prefix matches no gene.

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    >>> gn.pp.qc(adata, mt_prefix="G1")
    >>> adata.obs.columns[-3:].tolist()
    ['total_counts', 'total_counts_mt', 'pct_counts_mt']
    """
    out = writable(adata, copy=copy)
    _checks.finite(matrix_of(out, layer), out.var_names, "The matrix")
    is_mt, matched = _mitochondrial(out, mt_prefix)
    if is_mt.any():
        out.var["mt"] = is_mt
    else:
        logger.warning(
            "no mitochondrial gene recognised among names like %s: pct_counts_mt is not written. "
            "Give mt_prefix=, or a boolean adata.var['mt'].",
            _checks.examples(out.var_names),
        )
        out.obs = out.obs.drop(columns=["pct_counts_mt", "total_counts_mt"], errors="ignore")
    sc.pp.calculate_qc_metrics(
        out,
        qc_vars=["mt"] if is_mt.any() else [],
        percent_top=None,
        log1p=False,
        layer=layer,
        inplace=True,
    )
    record(out, "qc", mt_matched_by=matched, mt_genes=int(is_mt.sum()), layer=layer)
    return out if copy else None


def _mitochondrial(adata: AnnData, prefix: str | None) -> tuple[np.ndarray[Any, Any], str]:
    """Return which genes are mitochondrial, and what told so."""
    names = adata.var_names.astype(str)
    if prefix is not None:
        is_mt = np.asarray(names.str.startswith(prefix), dtype=bool)
        if not is_mt.any():
            message = (
                f"No gene starts with mt_prefix={prefix!r}; genes are named like "
                f"{_checks.examples(names)}. Case counts; with Ensembl ids mark the mitochondrial "
                "genes in a boolean adata.var['mt'] instead."
            )
            raise ValueError(message)
        return is_mt, prefix
    if "mt" in adata.var and adata.var["mt"].dtype == bool:
        return adata.var["mt"].to_numpy(), "var['mt']"
    hits = {label: names.str.contains(pattern) for label, pattern in MT_PATTERNS.items()}
    best = max(hits, key=lambda label: int(hits[label].sum()))
    is_mt = np.asarray(hits[best], dtype=bool)
    return is_mt, best if is_mt.any() else "nothing"


def filter(
    adata: AnnData,
    *,
    min_genes: int | None = None,
    max_genes: int | None = None,
    min_counts: float | None = None,
    max_pct_mt: float | None = None,
    min_cells: int | None = None,
    layer: str | None = None,
    copy: bool = False,
) -> AnnData | None:
    """Drop the cells, then the genes, that miss the thresholds given.

    Parameters
    ----------
    adata
        Cells x genes.
    min_genes, max_genes
        Bounds on the genes detected in a cell.
    min_counts
        Least total of a cell.
    max_pct_mt
        Largest per cent of mitochondrial counts; needs :func:`qc` before.
    min_cells
        Least number of the remaining cells in which a gene is detected.
    layer
        Where the counts are; None for ``X``.
    copy
        Return a copy instead of writing in place.

    Returns
    -------
    None, or the copy. How many cells and genes each threshold dropped is logged and written to
    ``uns["grnet_params"]["filter"]``.

    Raises
    ------
    ValueError
        If no threshold is given, or nothing is left.

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    >>> gn.pp.filter(adata, min_genes=4)
    >>> adata.n_obs + adata.uns["grnet_params"]["filter"]["cells_dropped"]
    50
    """
    given = _given(
        min_genes=min_genes,
        max_genes=max_genes,
        min_counts=min_counts,
        max_pct_mt=max_pct_mt,
        min_cells=min_cells,
    )
    out = writable(adata, copy=copy)
    cells, dropped = _passing_cells(out, layer, given)
    genes = _passing_genes(matrix_of(out, layer)[cells], given)
    # anndata has no public way to subset in place; scanpy's filters use these two as well
    out._inplace_subset_obs(cells)
    out._inplace_subset_var(genes)
    dropped |= {"cells_dropped": int((~cells).sum()), "genes_dropped": int((~genes).sum())}
    record(out, "filter", **given, **dropped, layer=layer)
    return out if copy else None


def _given(**thresholds: float | None) -> dict[str, float]:
    given = {name: value for name, value in thresholds.items() if value is not None}
    if not given:
        message = "No threshold given: filter(adata, min_genes=200, min_cells=3) is a usual start."
        raise ValueError(message)
    return given


def _passing_cells(
    adata: AnnData, layer: str | None, given: dict[str, float]
) -> tuple[np.ndarray[Any, Any], dict[str, int]]:
    """Return which cells pass every threshold, and how many each threshold drops."""
    figures = _cell_figures(adata, layer, needs_mt="max_pct_mt" in given)
    passing = np.ones(adata.n_obs, dtype=bool)
    dropped = {}
    for name, value in given.items():
        if name != "min_cells":
            fails = _fails(figures, name, value)
            passing &= ~fails
            dropped[f"dropped_by_{name}"] = int(fails.sum())
    _some_left(passing, "cells", given=given, figures=figures)
    return passing, dropped


def _passing_genes(matrix: Any, given: dict[str, float]) -> np.ndarray[Any, Any]:  # noqa: ANN401
    figures = pd.DataFrame({"cells per gene": _detected(matrix, axis=0)})
    passing: np.ndarray[Any, Any] = figures["cells per gene"].to_numpy() >= given.get(
        "min_cells", 0
    )
    _some_left(passing, "genes", given=given, figures=figures)
    return passing


def _detected(matrix: Any, axis: int) -> np.ndarray[Any, Any]:  # noqa: ANN401
    """Count the non-zero values along an axis."""
    if sp.issparse(matrix):
        return np.asarray((matrix != 0).sum(axis=axis)).ravel()
    return np.asarray(np.count_nonzero(matrix, axis=axis))


def _cell_figures(adata: AnnData, layer: str | None, *, needs_mt: bool) -> pd.DataFrame:
    matrix = matrix_of(adata, layer)
    figures = {
        "genes per cell": _detected(matrix, axis=1),
        "counts per cell": np.asarray(matrix.sum(axis=1)).ravel(),
    }
    if needs_mt:
        if "pct_counts_mt" not in adata.obs:
            message = (
                "max_pct_mt needs adata.obs['pct_counts_mt']: run gn.pp.qc(adata) first, "
                "with mt_prefix= if it recognises no mitochondrial gene."
            )
            raise ValueError(message)
        figures["per cent mitochondrial"] = adata.obs["pct_counts_mt"].to_numpy()
    return pd.DataFrame(figures)


def _fails(figures: pd.DataFrame, name: str, value: float) -> np.ndarray[Any, Any]:
    column = {
        "min_genes": "genes per cell",
        "max_genes": "genes per cell",
        "min_counts": "counts per cell",
        "max_pct_mt": "per cent mitochondrial",
    }[name]
    # negated, so that a cell without any count, whose share is NaN, fails
    held = figures[column] >= value if name.startswith("min") else figures[column] <= value
    return ~held.to_numpy()


def _some_left(
    keep: np.ndarray[Any, Any], what: str, *, given: dict[str, float], figures: pd.DataFrame
) -> None:
    if keep.any():
        return
    asked = ", ".join(f"{name}={value:g}" for name, value in given.items())
    quartiles = figures.quantile([0.0, 0.25, 0.5, 0.75, 1.0])
    found = "; ".join(
        f"{column}: " + ", ".join(f"{value:g}" for value in quartiles[column]) for column in figures
    )
    message = (
        f"No {what} of {len(keep)} pass {asked}. Minimum, quartiles and maximum found: {found}. "
        "Choose thresholds inside these ranges."
    )
    raise ValueError(message)
