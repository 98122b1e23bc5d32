"""Networks as tables: TSV, CSV, Parquet."""

from __future__ import annotations

import csv
import json
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from grnet import _checks
from grnet.io._atomic import replacing
from grnet.io._text import first_lines, naming, open_text
from grnet.io.networks._records import Parts

if TYPE_CHECKING:
    from pathlib import Path

    from grnet.grn import GRN

NAME_COLUMNS = ("source", "region", "target", "context", "name")
_MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "None", "<NA>"]
_KEY = b"grnet"
_BLANK_LINES = 20
"""At most, before the header."""


def write_table(grn: GRN, path: Path) -> None:
    """Write the edges as text, one line per edge, tab- or comma-separated by the ending."""
    write_text(grn.edges, path)


def write_text(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame as text; a name that ends in ``.gz`` is zipped, always to the same bytes."""
    zipped = path.suffix.lower() == ".gz"
    compression: Any = {"method": "gzip", "compresslevel": 5, "mtime": 0} if zipped else None
    with replacing(path) as part:
        frame.to_csv(
            part, sep=separator(path), index=False, compression=compression, lineterminator="\n"
        )


def separator(path: Path) -> str:
    """Return the separator that the ending of a name promises."""
    return "," if ".csv" in path.name.lower() else "\t"


Columns = Mapping[str, str] | Sequence[str] | None


def read_table(path: Path, *, columns: Columns = None) -> Parts:
    """Read the edges of a text table; ``columns`` renames, or names all if there is no header."""
    return Parts(read_text(path, columns=columns), None, {})


def renamed(found: Sequence[str], names: Mapping[str, str], path: Path) -> list[str]:
    """Return the columns under their new names; raise if one to rename is not there."""
    absent = [name for name in names if name not in found]
    if absent:
        message = f"{path} has no column {absent[0]!r}; it has {_checks.examples(found, 8)}."
        raise ValueError(message)
    return [names.get(name, name) for name in found]


def read_text(path: Path, *, columns: Columns = None) -> pd.DataFrame:
    """Read a table in which names stay text: a gene called ``NA`` or ``0012`` keeps its name.

    The separator is that of the name's ending, or, where the first line lacks it, one that is
    there: Excel writes semicolons in half of the world.
    """
    has_header = columns is None or isinstance(columns, Mapping)
    told = columns if isinstance(columns, Mapping) else {}
    first = next(line for line in first_lines(path, _BLANK_LINES) if line.strip())
    sep = next((s for s in (separator(path), *"\t,; ") if s in first), separator(path))
    spaced = sep == " " or f"{sep} " in first
    header = next(csv.reader([first], delimiter=sep, skipinitialspace=spaced))
    columns = renamed(header, told, path) if has_header else list(columns or [])
    if len(set(columns)) < len(columns):
        doubled = next(name for name in columns if columns.count(name) > 1)
        message = f"{path} has two columns {doubled!r}: keep one, or rename with columns=..."
        raise ValueError(message)
    of_names = [column for column in columns if column in NAME_COLUMNS]
    other = [column for column in columns if column not in NAME_COLUMNS]
    with naming(path), open_text(path) as lines, warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # lines longer than the header
        try:
            return pd.read_csv(
                lines,
                sep=sep,
                skipinitialspace=spaced,
                header=0 if has_header else None,
                names=columns,
                index_col=False,
                dtype=dict.fromkeys(of_names, "category"),
                keep_default_na=False,
                na_values=dict.fromkeys(other, _MISSING) | {name: [""] for name in of_names},
                float_precision="round_trip",
            )
        except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
            message = f"{path} is not a regular table: {error}. Every line needs the same columns."
            raise ValueError(message) from error


def write_parquet(grn: GRN, path: Path) -> None:
    """Write the edges as Parquet, with nodes and parameters in the metadata of the schema."""
    table = pa.Table.from_pandas(grn.edges, preserve_index=False)
    held = {"params": dict(grn.params), "nodes": _frame_to_json(grn.nodes)}
    metadata = {**(table.schema.metadata or {}), _KEY: json.dumps(held, default=plain).encode()}
    with replacing(path) as part:
        pq.write_table(table.replace_schema_metadata(metadata), part)


def read_parquet(path: Path) -> Parts:
    """Read the edges of a Parquet file, and what :func:`write_parquet` put beside them."""
    try:
        table = pq.read_table(path)
    except pa.ArrowInvalid as error:
        message = f"{path} is not a readable Parquet file: {error}. Write or copy it again."
        raise ValueError(message) from error
    held = json.loads((table.schema.metadata or {}).get(_KEY, b"{}"))
    nodes = _frame_from_json(held["nodes"]) if "nodes" in held else None
    return Parts(table.to_pandas(), nodes, held.get("params", {}))


def plain(value: object) -> object:
    """Return a numpy scalar as Python has it, for the writer of JSON."""
    return value.item() if hasattr(value, "item") else str(value)


def _frame_to_json(frame: pd.DataFrame) -> dict[str, Any]:
    columns = {
        str(name): {
            "dtype": str(column.dtype),
            "values": column.astype(object).where(column.notna(), None).tolist(),
        }
        for name, column in frame.items()
    }
    return {"index": frame.index.tolist(), "columns": columns}


def _frame_from_json(held: dict[str, Any]) -> pd.DataFrame:
    columns = {
        name: pd.Series(column["values"], index=held["index"], dtype=column["dtype"])
        for name, column in held["columns"].items()
    }
    return pd.DataFrame(columns, index=held["index"])
