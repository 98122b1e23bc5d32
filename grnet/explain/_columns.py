"""What the tables of a dossier hold: columns, kinds and meanings, once for all readers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import pandas as pd

from grnet import _checks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Kind = Literal["text", "number", "whole", "flag"]

LAYERS = ("expression", "graph", "dna")
"""The layers of a ledger, in the order in which they are shown."""


class Column(NamedTuple):
    """A column of a table; one that is not required may be left out."""

    name: str
    kind: Kind
    meaning: str
    required: bool = True


_LOGITS = "what it adds to the logit (natural log-odds; negative: lowers it)"
_OF_GENOME = "chromosome"
_START, _END = "first base, from 0", "base after the last"

_LETTERS = tuple(
    Column(f"hypothetical_{x}", "number", f"what {x} would add here (logits)", required=False)
    for x in "ACGT"
)
_ATTENTION = Column(
    "attention", "number", "attention of the model, a second opinion (share)", required=False
)

TABLES: Mapping[str, tuple[Column, ...]] = {
    "ledger": (
        Column("layer", "text", f"where it comes from: {', '.join(LAYERS)}"),
        Column("kind", "text", "sort of input: bases, peak features, node features, edges ..."),
        Column("name", "text", "the input"),
        Column("contribution", "number", _LOGITS),
    ),
    "peaks": (
        Column("peak", "text", "name of the peak"),
        Column("chrom", "text", _OF_GENOME),
        Column("start", "whole", _START),
        Column("end", "whole", _END),
        Column("distance", "number", "bases from the start site of the target; negative: upstream"),
        Column("link", "number", "weight of the link from peak to target"),
        Column("accessibility", "number", "share of cells in which the peak is open, 0 to 1"),
        Column("chip", "number", "strongest ChIP value of the source in the peak"),
        Column("motif", "number", "p-value of the best motif of the source in the peak"),
        Column("contribution", "number", f"all that the peak brings, its bases too: {_LOGITS}"),
    ),
    "bases": (
        Column("peak", "text", "name of the peak"),
        Column("position", "whole", "position in the chromosome, from 0"),
        Column("base", "text", "letter of the plus strand"),
        Column("contribution", "number", _LOGITS),
        *_LETTERS,
    ),
    "motifs": (
        Column("peak", "text", "name of the peak"),
        Column("start", "whole", _START),
        Column("end", "whole", _END),
        Column("strand", "text", "strand on which the motif reads, + or -"),
        Column("motif", "text", "name of the motif"),
        Column("tf", "text", "factor that the motif belongs to"),
        Column("pvalue", "number", "probability of as good a match by chance at one place"),
        Column("contribution", "number", f"sum over its bases: {_LOGITS}"),
    ),
    "nodes": (
        Column("type", "text", "type of node: tf, gene, peak"),
        Column("name", "text", "name of the node"),
        Column("contribution", "number", f"its features: {_LOGITS}"),
        _ATTENTION,
    ),
    "edges": (
        Column("type", "text", "type of edge, as in the graph"),
        Column("source", "text", "where the edge starts"),
        Column("target", "text", "where the edge ends"),
        Column("contribution", "number", f"the edge with its weight: {_LOGITS}"),
        _ATTENTION,
    ),
    "expression": (
        Column("group", "text", "group of cells"),
        Column("n_cells", "whole", "cells (or metacells, or samples) in the group"),
        Column("correlation", "number", "correlation of source and target within it, -1 to 1"),
    ),
    "cells": (
        Column("source", "number", "expression of the source, a cell or metacell per row"),
        Column("target", "number", "expression of the target in the same cell"),
        Column("group", "text", "group of the cell"),
    ),
    "genes": (
        Column("gene", "text", "gene in view, the target among them"),
        Column("chrom", "text", _OF_GENOME),
        Column("start", "whole", _START),
        Column("end", "whole", _END),
        Column("strand", "text", "+ or -"),
        Column("tss", "whole", "start site of transcription, from 0"),
    ),
    "steps": (
        Column("step", "text", "step on the way to an edge, in order"),
        Column("passed", "flag", "whether the pair passed it"),
        Column("detail", "text", "what was found"),
    ),
}

TITLES: Mapping[str, str] = {
    "ledger": "Ledger",
    "peaks": "Peaks",
    "bases": "Bases",
    "motifs": "Motif hits",
    "nodes": "Nodes near by",
    "edges": "Edges near by",
    "expression": "Expression by group",
    "cells": "Cells",
    "genes": "Genes in view",
    "steps": "Steps",
}

MEANINGS: Mapping[str, Mapping[str, str]] = {
    table: {column.name: column.meaning for column in columns} for table, columns in TABLES.items()
}

_DTYPES: Mapping[Kind, str] = {
    "text": "object",
    "number": "float64",
    "whole": "int64",
    "flag": "bool",
}


def empty(table: str) -> pd.DataFrame:
    """Return a table without rows."""
    required = (column for column in TABLES[table] if column.required)
    return pd.DataFrame({c.name: pd.Series(dtype=_DTYPES[c.kind]) for c in required})


def checked(frame: pd.DataFrame, table: str) -> pd.DataFrame:
    """Return the rows with known columns first and of their kinds; others are kept behind them."""
    what = f"The table {table!r} of the dossier"
    known = TABLES[table]
    _checks.has_columns(frame, [c.name for c in known if c.required], what)
    first = [column for column in known if column.name in frame]
    names = [column.name for column in first]
    out = frame[[*names, *(name for name in frame.columns if name not in names)]]
    out = out.reset_index(drop=True)
    for column in first:
        out[column.name] = _of_kind(out[column.name], column, what)
    if table == "ledger":
        _checks.finite(out[["contribution"]].to_numpy(), ["contribution"], what)
    return out


def _of_kind(values: pd.Series[Any], column: Column, what: str) -> pd.Series[Any]:
    if column.kind == "text":
        return values.astype(object).map(lambda value: "" if pd.isna(value) else str(value))
    kind: Any = _DTYPES[column.kind]
    try:
        return values.astype(kind)
    except (TypeError, ValueError) as error:
        message = (
            f"{what} has {column.name!r} of kind {values.dtype}, expected {column.kind} "
            f"({column.meaning}): {error}."
        )
        raise ValueError(message) from error


def documented(record: type) -> type:
    """Add the tables and the meaning of their columns to the docstring of the record."""
    lines = list(_lines(TABLES))
    record.__doc__ = (record.__doc__ or "").replace("    <columns>\n\n", "".join(lines))
    return record


def _lines(tables: Mapping[str, Iterable[Column]]) -> Iterable[str]:
    for table, columns in tables.items():
        yield f"    ``{table}``:\n"
        for column in columns:
            left_out = "" if column.required else ", if known"
            yield f"        ``{column.name}``: {column.meaning}{left_out}.\n"
        yield "\n"
