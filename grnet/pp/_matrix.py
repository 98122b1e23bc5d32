"""What the preparation functions share: reading a matrix, telling its scale, recording the step."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import scipy.sparse as sp

from grnet import _checks, _keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anndata import AnnData

logger = logging.getLogger(__name__)

Scale = Literal["counts", "normalized", "log", "scaled"]

# e**20 is half a billion: no library has that many molecules of one gene, so 20 is a logarithm
LARGEST_LOGARITHM = 20.0
_BLOCK = 4_000_000


def writable(adata: AnnData, *, copy: bool) -> AnnData:
    """Return the object to write to: the caller's own, or a copy of it."""
    if adata.n_obs == 0 or adata.n_vars == 0:
        message = (
            f"The matrix is empty: {adata.n_obs} cells x {adata.n_vars} genes. "
            "Check how it was read or which filter emptied it."
        )
        raise ValueError(message)
    if copy:
        return adata.to_memory() if adata.isbacked else adata.copy()
    if adata.isbacked:
        message = "adata is backed by a file: load it first with adata = adata.to_memory()."
        raise ValueError(message)
    if adata.is_view:
        message = (
            "adata is a view of another AnnData, and writing to it could change that one. "
            "Make it an object of its own first: adata = adata.copy()."
        )
        raise ValueError(message)
    return adata


def matrix_of(adata: AnnData, layer: str | None) -> Any:  # noqa: ANN401 - dense or any sparse
    """Return ``X`` or a layer, dense or sparse, not copied."""
    if layer is not None and layer not in adata.layers:
        known = _checks.examples(adata.layers, 8)
        message = f"adata.layers has no {layer!r}; it has {known}. Use layer=None for adata.X."
        raise ValueError(message)
    matrix = adata.X if layer is None else adata.layers[layer]
    if matrix is None:
        message = "adata.X is empty: name the matrix with layer=."
        raise ValueError(message)
    if not (np.issubdtype(matrix.dtype, np.number) or matrix.dtype == bool):
        message = f"The matrix holds {matrix.dtype}, expected numbers: convert it to float first."
        raise ValueError(message)
    return matrix


def _blocks(matrix: Any) -> Iterator[np.ndarray[Any, Any]]:  # noqa: ANN401
    values = matrix.data if sp.issparse(matrix) else np.asarray(matrix).reshape(-1)
    for start in range(0, len(values), _BLOCK):
        yield values[start : start + _BLOCK]


def scale_of(matrix: Any) -> Scale:  # noqa: ANN401
    """Tell raw counts from normalised, log-transformed and centred values, by the values alone."""
    whole, largest = True, 0.0
    for values in _blocks(matrix):
        if values.min(initial=0) < 0:
            return "scaled"
        largest = max(largest, float(values.max(initial=0)))
        whole = whole and bool((values == np.rint(values)).all())
    if whole:
        return "counts"
    return "log" if largest <= LARGEST_LOGARITHM else "normalized"


def require_counts(adata: AnnData, layer: str | None, *, fractions: bool = False) -> Any:  # noqa: ANN401
    """Return the matrix if it holds raw counts, else raise and say where they may be.

    ``fractions`` accepts what salmon and RSEM estimate: non-integers too large to be logarithms.
    """
    matrix = matrix_of(adata, layer)
    _checks.finite(matrix, adata.var_names, "The matrix")
    scale = scale_of(matrix)
    if scale == "counts" or (fractions and scale == "normalized"):
        return matrix
    found = {
        "normalized": "non-integer values, so it looks normalised already",
        "log": f"non-integer values up to {LARGEST_LOGARITHM:g}, so it looks log-transformed",
        "scaled": "negative values, so it looks centred or is a log ratio",
    }[scale]
    if layer != _keys.COUNTS and _keys.COUNTS in adata.layers:
        fix = f"The raw counts are in adata.layers: pass layer={_keys.COUNTS!r}."
    elif adata.raw is not None and scale_of(adata.raw.X) == "counts":
        fix = "adata.raw holds raw counts: adata = adata.raw.to_adata()."
    elif scale == "normalized":
        fix = (
            "Estimated counts (salmon, SoupX) want rounding: adata.X = adata.X.round(). Normalised "
            "values want the logarithm only: sc.pp.log1p(adata)."
        )
    else:
        fix = "Pass the raw counts, or leave this step out."
    message = f"Raw counts are needed, but {place(layer)} has {found}. {fix}"
    raise ValueError(message)


def place(layer: str | None) -> str:
    """Return how a user spells the matrix."""
    return "adata.X" if layer is None else f"adata.layers[{layer!r}]"


def record(adata: AnnData, step: str, **params: Any) -> None:  # noqa: ANN401
    """Write what a step did into ``adata.uns``, as plain values that any file format takes."""
    done = dict(adata.uns.get(_keys.PARAMS, {}))
    done[step] = _checks.scalar_params(params)
    adata.uns[_keys.PARAMS] = done
    logger.info("%s: %s", step, ", ".join(f"{key}={value}" for key, value in done[step].items()))


def store(adata: AnnData, values: Any, key_added: str | None) -> None:  # noqa: ANN401
    """Write a matrix to ``X``, or to a layer."""
    if key_added is None:
        adata.X = values
    else:
        adata.layers[key_added] = values


def groups_of(adata: AnnData, groupby: str | None) -> dict[str, np.ndarray[Any, Any]]:
    """Return the positions of the cells of each group; one group of all without ``groupby``."""
    if groupby is None:
        return {"": np.arange(adata.n_obs)}
    _checks.has_columns(adata.obs, [groupby], "adata.obs")
    labels = adata.obs[groupby]
    if labels.isna().any():
        message = (
            f"{int(labels.isna().sum())} cells have no {groupby!r}: drop them, "
            f"adata = adata[adata.obs[{groupby!r}].notna()].copy()."
        )
        raise ValueError(message)
    names = labels.astype(str).to_numpy()
    return {str(name): np.flatnonzero(names == name) for name in np.unique(names)}
