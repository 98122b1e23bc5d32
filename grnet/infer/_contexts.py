"""Contexts that get a network each: groups of cells, or windows of pseudotime."""

import warnings
from typing import NamedTuple

import numpy as np
import pandas as pd
from anndata import AnnData

from grnet import _checks
from grnet.infer._inputs import MIN_CELLS

MIN_CELLS_SHARED = 3
"""Fewer have no spread to speak of, even beside what other contexts tell."""

N_WINDOWS = 4
"""Of a pseudotime, unless another number is asked for."""


class Contexts(NamedTuple):
    """Groups or windows by name.

    ``members`` are the cells of each, for methods that infer one at a time; ``weights`` (cells x
    contexts, of all cells) is how much each cell says about each, for methods that share.
    """

    column: str
    members: dict[str, np.ndarray]
    weights: np.ndarray

    @property
    def cells(self) -> np.ndarray:
        """The cells of any context."""
        return np.flatnonzero(self.weights.any(axis=1))

    def described(self) -> list[str]:
        """Return the contexts as messages name them."""
        return [f" of {self.column} {name!r}" for name in self.members]


def find_contexts(
    adata: AnnData,
    *,
    groupby: str | None,
    pseudotime: str | None,
    n_windows: int | None,
    shares: bool,
) -> Contexts | None:
    """Return the contexts that the columns of ``adata.obs`` make, None where none is named.

    Raises
    ------
    ValueError
        If both are named, a column is missing or no number, no context has cells enough, or windows
        are asked for without a pseudotime.
    """
    if groupby is not None and pseudotime is not None:
        message = (
            f"groupby={groupby!r} and pseudotime={pseudotime!r} are two ways to split the cells: "
            "choose one. For pseudotime within a group, pass the cells of that group."
        )
        raise ValueError(message)
    if pseudotime is not None:
        return _windows(adata, pseudotime, N_WINDOWS if n_windows is None else n_windows)
    if n_windows is not None:
        message = (
            f"n_windows={n_windows!r} are windows of a pseudotime: name its column of adata.obs by "
            "pseudotime=, or leave n_windows= out."
        )
        raise ValueError(message)
    return None if groupby is None else _groups(adata, groupby, shares=shares)


def _groups(adata: AnnData, column: str, *, shares: bool) -> Contexts:
    """Return each group that is large enough; where groups share, a smaller one is."""
    _checks.one_of(column, list(adata.obs.columns), "column of adata.obs (groupby)")
    known = adata.obs[column].notna().to_numpy()
    labels = adata.obs[column].astype(str).to_numpy()
    sizes = pd.Series(labels[known]).value_counts()
    least = MIN_CELLS_SHARED if shares else MIN_CELLS
    large = sorted(sizes.index[sizes >= least])
    if not large:
        message = (
            f"No group of {column!r} has {least} cells or more: {len(sizes)} groups, the "
            f"largest of {sizes.max() if len(sizes) else 0}. Choose a coarser grouping."
        )
        raise ValueError(message)
    if not known.all():
        _warn(f"{int((~known).sum())} of {len(known)} cells have no {column!r}: they are left out.")
    _warn_of(
        sorted(sizes.index[sizes < least]),
        f"group(s) of {column!r} have fewer than {least} cells and get no network",
    )
    _warn_of(
        sorted(sizes.index[(sizes >= least) & (sizes < MIN_CELLS)]),
        f"group(s) of {column!r} have fewer than {MIN_CELLS} cells: their networks are nearly "
        "what all groups have in common",
    )
    weights = (known[:, None] & (labels[:, None] == np.array(large))).astype(np.float32)
    members = {name: np.flatnonzero(known & (labels == name)) for name in large}
    return Contexts(column, members, weights)


def _warn_of(names: list[str], what: str) -> None:
    if names:
        _warn(f"{len(names)} {what}: {_checks.examples(names)}.")


def _warn(message: str) -> None:
    warnings.warn(message, UserWarning, stacklevel=6)


def _windows(adata: AnnData, column: str, n_windows: int) -> Contexts:
    """Return windows of as many cells each, and hat functions that peak in their middles."""
    time = _pseudotime(adata, column)
    placed = np.isfinite(time)
    if placed.sum() < 2 * MIN_CELLS:
        message = (
            f"{int(placed.sum())} of {len(placed)} cells have a finite {column!r}: two windows "
            f"want at least {MIN_CELLS} each. Name another column, or pass the cells that have one."
        )
        raise ValueError(message)
    _checks.whole(n_windows, 2, int(placed.sum()) // MIN_CELLS, what="n_windows")
    _warn_of_missing(column, placed)
    edges = np.quantile(time[placed], np.linspace(0, 1, n_windows + 1))
    peaks = np.quantile(time[placed], (np.arange(n_windows) + 0.5) / n_windows)
    window = np.searchsorted(edges[1:-1], time, side="right")
    sizes = np.bincount(window[placed], minlength=n_windows)
    if sizes.min() < MIN_CELLS or (np.diff(peaks) <= 0).any():
        message = (
            f"The {len(np.unique(time[placed]))} different values of {column!r} do not make "
            f"{n_windows} windows of at least {MIN_CELLS} cells: windows of {sizes.tolist()} "
            "cells, and many of one value fall into one window. Take fewer (n_windows=), or name "
            "a column of time points by groupby=."
        )
        raise ValueError(message)
    names = _window_names(column, edges)
    weights = np.zeros((adata.n_obs, n_windows), dtype=np.float32)
    for i, peak in enumerate(np.eye(n_windows)):
        # np.interp keeps the end values outside: the first and last window take all before, after
        weights[placed, i] = np.interp(time[placed], peaks, peak)
    members = {name: np.flatnonzero(placed & (window == i)) for i, name in enumerate(names)}
    return Contexts(column, members, weights)


def _pseudotime(adata: AnnData, column: str) -> np.ndarray:
    _checks.one_of(column, list(adata.obs.columns), "column of adata.obs (pseudotime)")
    values = adata.obs[column]
    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        message = (
            f"The column {column!r} holds {values.dtype}: pseudotime is a number for each cell. "
            "Labels of groups go to groupby=."
        )
        raise ValueError(message)
    return np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan))


def _warn_of_missing(column: str, placed: np.ndarray) -> None:
    missing = int(np.count_nonzero(~placed))
    if missing:
        _warn(
            f"{missing} of {len(placed)} cells have no finite {column!r}, as cells of other "
            "lineages: they are left out."
        )


def _window_names(column: str, edges: np.ndarray) -> list[str]:
    """Return names that sort in the order of time: ``dpt 1 of 4: 0.00 to 0.25``."""
    n_windows = len(edges) - 1
    smallest = np.diff(edges).min()
    digits = int(np.clip(np.ceil(1 - np.log10(smallest)), 0, 8)) if smallest > 0 else 8
    width = len(str(n_windows))
    return [
        f"{column} {i + 1:0{width}d} of {n_windows}: {edges[i]:.{digits}f} to "
        f"{edges[i + 1]:.{digits}f}"
        for i in range(n_windows)
    ]
