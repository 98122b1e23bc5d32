"""A dossier as JSON: strict, with gaps as null, back as it was."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from grnet.explain import _columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

FORMAT, VERSION = "grnet dossier", 1


def to_text(held: Mapping[str, Any]) -> str:
    """Return the fields of a dossier as JSON."""
    plain = {
        name: _table(value) if isinstance(value, pd.DataFrame) else _scalar(value)
        for name, value in held.items()
        if name not in {"reasons", "params"}
    }
    params = {key: _scalar(value) for key, value in held["params"].items()}
    whole = {
        "format": FORMAT,
        "version": VERSION,
        **plain,
        "reasons": list(held["reasons"]),
        "params": params,
    }
    return json.dumps(whole, ensure_ascii=False, allow_nan=False, indent=1)


def from_file(path: Path, *, names: Sequence[str]) -> dict[str, Any]:
    """Return the fields of a dossier from a file."""
    try:
        held = json.loads(path.read_text(encoding="utf-8-sig"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        message = f"{path} is not JSON: {error}. It is damaged or cut: write or copy it again."
        raise ValueError(message) from error
    if not isinstance(held, dict) or held.get("format") != FORMAT:
        message = f"{path} is no dossier: expected what Dossier.to_json writes."
        raise ValueError(message)
    if held.get("version") != VERSION:
        message = (
            f"{path} is of version {held.get('version')!r}, this grnet reads {VERSION}: "
            "write it again, or install the grnet that wrote it."
        )
        raise ValueError(message)
    known = {name: value for name, value in held.items() if name in names}
    try:
        tables = {name: _frame(known[name]) for name in _columns.TABLES if name in known}
        reasons = tuple(known.get("reasons", ()))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        message = f"{path} is a damaged dossier: {error!r}. Write it again."
        raise ValueError(message) from error
    return {**known, **tables, "reasons": reasons}


def _table(frame: pd.DataFrame) -> dict[str, Any]:
    return {
        str(name): {"dtype": _dtype(column), "values": [_scalar(v) for v in column.tolist()]}
        for name, column in frame.items()
    }


def _dtype(column: pd.Series[Any]) -> str:
    """Return the kind of a column that JSON can hold; what is none of them becomes text."""
    name = str(column.dtype)
    return name if name in {"float32", "float64", "int32", "int64", "bool"} else "object"


def _frame(held: Mapping[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(
        {name: pd.Series(column["values"], dtype=column["dtype"]) for name, column in held.items()}
    )


def _scalar(value: object) -> str | float | bool | None:
    """Return a value as JSON holds it: NaN as null, the infinite as words that float() reads."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None if np.isnan(value) else f"{'-' if value < 0 else ''}Infinity"
    return value if value is None or isinstance(value, str | int | float) else str(value)
