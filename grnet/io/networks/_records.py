"""Between the frames of a network and the plain attributes of a graph file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from pandas.api import types

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from grnet.grn import GRN

Record = dict[str, Any]
AttributeType = Literal["boolean", "long", "double", "string"]

RESERVED = ("id", "name")


class Parts(NamedTuple):
    """What a reader found in a file; ``nodes`` is indexed by name."""

    edges: pd.DataFrame
    nodes: pd.DataFrame | None
    params: dict[str, Any]


def attribute_type(column: pd.Series[Any]) -> AttributeType:
    """Return the name that GraphML and CX2 give to the type of a column."""
    if types.is_bool_dtype(column.dtype):
        return "boolean"
    if types.is_integer_dtype(column.dtype):
        return "long"
    return "double" if types.is_float_dtype(column.dtype) else "string"


def records(frame: pd.DataFrame) -> list[Record]:
    """Return each row as a dictionary of Python values without its missing ones."""
    columns = {str(name): _plain(frame[name]) for name in frame.columns}
    return [
        {name: value for name, value in zip(columns, row, strict=True) if value is not None}
        for row in zip(*columns.values(), strict=True)
    ] or [{} for _ in range(len(frame))]


def _plain(column: pd.Series[Any]) -> list[Any]:
    kind = attribute_type(column)
    missing = column.isna().to_numpy()
    if kind == "double" and np.isinf(column.to_numpy(np.float64, na_value=np.nan)).any():
        message = (
            f"Column {column.name!r} holds infinite values, which graph files cannot hold: "
            "replace them, or write .parquet or .tsv."
        )
        raise ValueError(message)
    values = column.astype(object).to_numpy()
    turn = {"boolean": bool, "long": int, "double": float, "string": str}[kind]
    return [None if gone else turn(value) for value, gone in zip(values, missing, strict=True)]


def refuse_reserved(grn: GRN) -> None:
    """Raise if an annotation bears a name that graph files need for themselves."""
    for what, frame in (("nodes", grn.nodes), ("edges", grn.edges)):
        taken = [name for name in RESERVED if name in frame.columns]
        if taken:
            message = (
                f"Graph files use {taken[0]!r} for themselves, but grn.{what} has a column of "
                f"this name: rename it, or write .parquet or .tsv."
            )
            raise ValueError(message)


def from_records(rows: Iterable[Record], *, names: list[str] | None = None) -> pd.DataFrame:
    """Return the frame of the rows, in which an attribute that a row lacks is missing."""
    return pd.DataFrame(list(rows), index=names)


def json_params(params: Mapping[str, Any]) -> Record:
    """Return the parameters as JSON can hold them: plain numbers, the infinite ones as text."""
    plain = {k: v.item() if isinstance(v, np.generic) else v for k, v in params.items()}
    return {
        key: str(value) if isinstance(value, float) and not np.isfinite(value) else value
        for key, value in plain.items()
    }
