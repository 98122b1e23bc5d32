"""Checks that raise an error naming what was found, what was expected and the fix."""

import difflib
import importlib
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp


def examples(names: Iterable[object], n: int = 3) -> str:
    """Show the first ``n`` names for an error message: ``'A', 'B', 'C', ...``."""
    shown = list(names)
    text = ", ".join(repr(str(name)) for name in shown[:n])
    return f"{text}, ..." if len(shown) > n else text or "none"


def one_of(value: str, choices: Sequence[str], what: str) -> str:
    """Return ``value`` if it is among ``choices``, else raise with the nearest choice."""
    if value in choices:
        return value
    near = difflib.get_close_matches(str(value), choices, n=1)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    message = f"Unknown {what} {value!r}. {hint}Choose one of: {', '.join(choices)}."
    raise ValueError(message)


def nearest(name: str, names: Iterable[object]) -> str:
    """Point to the same name in another case, or show how the names look."""
    known = [str(other) for other in names]
    same = [other for other in known if other.upper() == name.upper()]
    return f"Did you mean {same[0]!r}?" if same else f"The names look like {examples(known)}."


def has_columns(frame: pd.DataFrame, required: Sequence[str], what: str) -> None:
    """Raise unless every required column is there."""
    missing = [column for column in required if column not in frame.columns]
    if missing:
        message = (
            f"{what} lacks the column(s) {examples(missing)}; it has {examples(frame.columns, 8)}. "
            f"Rename its columns to {', '.join(required)}."
        )
        raise ValueError(message)


def unique(names: pd.Index, what: str) -> None:
    """Raise if a name occurs twice."""
    if not names.is_unique:
        doubled = names[names.duplicated()].unique()
        message = (
            f"{len(doubled)} {what} occur more than once ({examples(doubled)}). "
            "Sum or drop the duplicates first; adata.var_names_make_unique() only renames them."
        )
        raise ValueError(message)


def finite(
    matrix: np.ndarray | sp.spmatrix | sp.sparray, columns: Sequence[str], what: str
) -> None:
    """Raise if a value is NaN or infinite, naming the first columns concerned."""
    dense = isinstance(matrix, np.ndarray)
    if np.isfinite(matrix if dense else matrix.data).all():
        return
    entries = sp.coo_matrix(matrix)
    bad = np.unique(entries.col[~np.isfinite(entries.data)])
    message = (
        f"{what} holds NaN or infinite values in {len(bad)} column(s): "
        f"{examples(np.asarray(columns, dtype=object)[bad])}. "
        "Remove these columns or impute the missing values first."
    )
    raise ValueError(message)


def in_range(value: float, low: float, high: float, *, what: str) -> float:
    """Return ``value`` if ``low <= value <= high``, else raise."""
    try:
        inside = low <= value <= high
    except TypeError:  # no number at all
        inside = False
    if not inside:
        message = f"{what}={value!r} is out of range: expected {low} to {high}."
        raise ValueError(message)
    return value


def whole(value: float, low: int, high: int, *, what: str) -> int:
    """Return ``value`` if it is a whole number and ``low <= value <= high``, else raise."""
    if not isinstance(value, int | np.integer):
        message = f"{what}={value!r} is no whole number: expected one from {low} to {high}."
        raise ValueError(message)
    return int(in_range(value, low, high, what=what))


def optional(module: str, extra: str) -> ModuleType:
    """Import an optional module, or raise with the command that installs it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        message = f"{module} is not installed: run `pip install 'grnet[{extra}]'`."
        raise ImportError(message) from error


def scalar_params(params: dict[str, Any]) -> dict[str, Any]:
    """Keep strings, numbers and booleans, turn the rest into text: ``uns`` takes no more."""
    plain = {key: v.item() if isinstance(v, np.generic) else v for key, v in params.items()}
    return {
        key: value if isinstance(value, str | bool | int | float) else str(value)
        for key, value in plain.items()
        if value is not None
    }
