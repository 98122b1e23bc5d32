"""Similar cells added up, so that a profile is less noisy and a table less long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import pandas as pd
import scanpy as sc
import scipy.sparse as sp

from grnet import _checks, _keys
from grnet.pp._matrix import groups_of, matrix_of, place, record, scale_of, writable

if TYPE_CHECKING:
    from anndata import AnnData

N_VARIABLE_GENES = 1_000
N_COMPONENTS = 30


def metacells(
    adata: AnnData,
    *,
    n_cells_per: int = 20,
    groupby: str | None = None,
    use_rep: str | None = None,
    layer: str | None = None,
    seed: int = 0,
) -> AnnData:
    """Return a table of metacells: sums of counts over groups of similar cells of equal size.

    Parameters
    ----------
    adata
        Cells x genes. Only ``obs["metacell"]`` is written to it. Sparse stays sparse.
    n_cells_per
        Cells per metacell, on average; within a group sizes differ by one at most.
    groupby
        Column of ``obs``: cells of different groups (cell type, donor) are never mixed.
    use_rep
        Key of ``obsm`` in which cells are similar; None computes a PCA of the log-normalised
        values of the 1,000 most variable genes.
    layer
        Matrix to aggregate, e.g. ``"counts"``; None for ``X``. Counts are added up, anything else
        is averaged.
    seed
        Seed of the PCA.

    Returns
    -------
    A new AnnData, ``metacells x genes``. ``obs``: ``n_cells`` and, of each categorical column, the
    commonest category.

    Raises
    ------
    ValueError
        If there are fewer cells than ``n_cells_per``.

    Notes
    -----
    Cells are split in two along the principal axis of their group until groups are small enough
    (principal direction divisive partitioning, Boley 1998): sizes are balanced by construction,
    and the outcome does not depend on the order of the cells.

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=100, n_genes=60, n_tfs=5)
    >>> pooled = gn.pp.metacells(adata, n_cells_per=10)
    >>> pooled.n_obs, int(pooled.obs["n_cells"].sum()), bool(pooled.X.sum() == adata.X.sum())
    (10, 100, True)
    """
    writable(adata, copy=False)
    matrix = matrix_of(adata, layer)
    _checks.finite(matrix, adata.var_names, place(layer))
    if not 1 <= n_cells_per <= adata.n_obs:
        message = (
            f"n_cells_per={n_cells_per} is out of range for {adata.n_obs} cells: "
            "expected 1 to the number of cells."
        )
        raise ValueError(message)
    space = _representation(adata, matrix, use_rep=use_rep, seed=seed)
    labels, names = _partition(space, groups_of(adata, groupby), n_cells_per)
    scale = scale_of(matrix)
    out = _aggregated(adata, matrix, labels, names=names, sums=scale == "counts")
    adata.obs[_keys.METACELL] = pd.Categorical.from_codes(labels, categories=names)
    record(
        out,
        "metacells",
        n_cells_per=n_cells_per,
        groupby=groupby,
        use_rep=use_rep or "PCA",
        layer=layer,
        aggregate="sum" if scale == "counts" else "mean",
        seed=seed,
    )
    return out


def _representation(
    adata: AnnData,
    matrix: Any,  # noqa: ANN401
    *,
    use_rep: str | None,
    seed: int,
) -> np.ndarray[Any, Any]:
    """Return coordinates of the cells, in float64."""
    if use_rep is not None:
        if use_rep not in adata.obsm:
            message = (
                f"adata.obsm has no {use_rep!r}; it has {_checks.examples(adata.obsm, 8)}. "
                "use_rep=None computes a PCA."
            )
            raise ValueError(message)
        return np.asarray(adata.obsm[use_rep], dtype=np.float64)
    scratch = ad.AnnData(matrix.astype(np.float64))
    scale = scale_of(matrix)
    if scale == "counts":
        sizes = np.asarray(matrix.sum(axis=1), dtype=np.float64).ravel()
        sc.pp.normalize_total(scratch, target_sum=max(float(np.median(sizes)), 1.0))
    if scale in ("counts", "normalized"):
        sc.pp.log1p(scratch)
    scratch = scratch[:, _most_variable(scratch.X)].copy()
    n_components = min(N_COMPONENTS, scratch.n_obs - 1, scratch.n_vars - 1)
    if n_components < 1:
        return np.zeros((adata.n_obs, 1))
    sc.pp.pca(scratch, n_comps=n_components, random_state=seed)
    return np.asarray(scratch.obsm["X_pca"], dtype=np.float64)


def _most_variable(matrix: Any) -> np.ndarray[Any, Any]:  # noqa: ANN401
    """Return the positions, in order, of the genes of largest variance of log values."""
    mean = np.asarray(matrix.mean(axis=0)).ravel()
    square = matrix.multiply(matrix) if sp.issparse(matrix) else matrix * matrix
    variance = np.asarray(square.mean(axis=0)).ravel() - mean**2
    return np.sort(np.argsort(-variance, kind="stable")[:N_VARIABLE_GENES])


def _partition(
    space: np.ndarray[Any, Any], groups: dict[str, np.ndarray[Any, Any]], n_cells_per: int
) -> tuple[np.ndarray[Any, Any], pd.Index]:
    """Return the metacell of each cell and the names of the metacells."""
    labels = np.empty(len(space), dtype=np.int64)
    names: list[str] = []
    for group, cells in groups.items():
        n_parts = max(1, round(len(cells) / n_cells_per))
        for i, part in enumerate(_split(space, cells, n_parts)):
            labels[part] = len(names)
            names.append(f"{group or 'metacell'}_{i}")
    return labels, pd.Index(names)


def _split(
    space: np.ndarray[Any, Any], cells: np.ndarray[Any, Any], n_parts: int
) -> list[np.ndarray[Any, Any]]:
    """Split cells into parts of equal size, each time across their longest axis."""
    done: list[np.ndarray[Any, Any]] = []
    waiting = [(cells, n_parts)]
    while waiting:
        members, parts = waiting.pop()
        if parts == 1:
            done.append(members)
            continue
        first = parts // 2
        order = np.argsort(_longest_axis(space[members]), kind="stable")
        cut = round(len(members) * first / parts)
        waiting.append((members[order[cut:]], parts - first))
        waiting.append((members[order[:cut]], first))
    return done


def _longest_axis(points: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Project points on their first principal axis, pointing where the longer tail is."""
    centred = points - points.mean(axis=0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    along: np.ndarray[Any, Any] = centred @ vectors[:, -1]
    return along if (along**3).sum() >= 0 else -along


def _aggregated(
    adata: AnnData,
    matrix: Any,  # noqa: ANN401
    labels: np.ndarray[Any, Any],
    *,
    names: pd.Index,
    sums: bool,
) -> AnnData:
    """Add up (or average) the cells of each label by one product with their indicator matrix."""
    sizes = np.bincount(labels, minlength=len(names))
    share = np.ones(len(labels)) if sums else 1.0 / sizes[labels]
    indicator = sp.csr_matrix(
        (share, (labels, np.arange(len(labels)))), shape=(len(names), len(labels))
    )
    values = indicator @ matrix
    values = values.tocsr() if sp.issparse(values) else np.asarray(values)
    obs = pd.DataFrame({_keys.N_CELLS: sizes}, index=names)
    for column in adata.obs.select_dtypes("category").columns.drop(_keys.METACELL, errors="ignore"):
        obs[column] = _majority(adata.obs[column], labels, len(names))
    # float32 holds whole numbers exactly up to 2**24
    dtype = np.float32 if abs(values).max() < 2**24 else np.float64
    return ad.AnnData(values.astype(dtype), obs=obs, var=adata.var.copy())


def _majority(
    column: pd.Series[Any], labels: np.ndarray[Any, Any], n_labels: int
) -> pd.Categorical:
    """Return the commonest category of each label; missing where no cell has one."""
    codes = column.cat.codes.to_numpy()
    known = codes >= 0
    counts = np.zeros((n_labels, max(1, len(column.cat.categories))), dtype=np.int64)
    np.add.at(counts, (labels[known], codes[known]), 1)
    best = np.where(counts.max(axis=1) > 0, counts.argmax(axis=1), -1)
    dtype = pd.CategoricalDtype(column.cat.categories, ordered=column.cat.ordered)
    majority: pd.Categorical = pd.Categorical.from_codes(best, dtype=dtype)
    return majority
