"""Tables of expression as text: csv, tsv, txt, in either orientation."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnet import _checks
from grnet._progress import progress
from grnet.io import _text
from grnet.io.expression import _orientation, _sniff
from grnet.io.expression._matrix import IDS, SYMBOLS, Parsed

logger = logging.getLogger(__name__)

BLOCK = 4_000_000
"""Values read at a time: what a large table takes in memory beside the result."""

ID_HEADERS = frozenset(["gene_id", "geneid", "ensembl", "ensembl_id", "ensembl_gene_id", "id"])
SYMBOL_HEADERS = frozenset(
    ["gene_name", "genename", "symbol", "gene_symbol", "hgnc_symbol", "external_gene_name", "name"]
)


@dataclass
class _Rows:
    """The lines of a table: names, values in blocks, and the columns that hold no expression."""

    names: list[str]
    blocks: list[Any]
    notes: list[list[str]]


def read_table(path: Path, *, orientation: _orientation.Orientation) -> Parsed:
    """Read a table; detect separator, decimal mark, row names and orientation."""
    layout = _sniff.sniff(path)
    columns = [layout.columns[at] for at in layout.numeric]
    if not columns:
        message = (
            f"{path}: none of its columns holds numbers ({_checks.examples(layout.columns, 8)} are "
            f"text from line {layout.header_line + 1} on). Expected a matrix of expression."
        )
        raise ValueError(message)
    rows = _read_rows(path, layout)
    corner = "" if layout.index is None else layout.columns[layout.index]
    if orientation == "auto":
        names = None if layout.index is None else rows.names
        orientation = _orientation.detect(names, columns, corner=corner, path=path)
        logger.info("%s: read as %s", path, orientation.replace("_", " "))
    by_genes = orientation == "genes_by_cells"
    if layout.index is None:
        rows.names = _numbered(len(rows.names), path, by_genes=by_genes)
    along = _annotation(rows, layout)
    across = pd.DataFrame(index=pd.Index(columns))
    for names in (rows.names, columns):
        _need_no_blank(names, path)
    return Parsed(
        x=_assemble(rows.blocks, transpose=by_genes),
        cells=across if by_genes else along,
        genes=_with_other_names(along, corner) if by_genes else across,
        source={"format": "table", "orientation": orientation},
    )


def _numbered(n: int, path: Path, *, by_genes: bool) -> list[str]:
    """Return numbered names for samples without names; genes must have names."""
    if by_genes:
        message = (
            f"{path}: orientation='genes_by_cells', but no column names the genes. Put the names "
            "of the genes into the first column."
        )
        raise ValueError(message)
    return [f"sample_{number + 1}" for number in range(n)]


def _annotation(rows: _Rows, layout: _sniff.Layout) -> pd.DataFrame:
    """Return the columns that hold no expression, indexed by the names of the rows."""
    labels = [layout.columns[at] for at in (*layout.texts, *layout.notes)]
    frame = pd.DataFrame(rows.notes, index=pd.Index(rows.names), columns=pd.Index(labels))
    for label in labels[len(layout.texts) :]:
        frame[label] = pd.to_numeric(frame[label], errors="coerce")
    return frame


def _need_no_blank(names: list[str], path: Path) -> None:
    blank = [at for at, name in enumerate(names) if not name]
    if blank:
        message = (
            f"{path}: {len(blank)} of {len(names)} rows or columns have no name, the first is "
            f"number {blank[0] + 1}. Name or remove them."
        )
        raise ValueError(message)


def _with_other_names(genes: pd.DataFrame, corner: str) -> pd.DataFrame:
    """Mark the columns of a gene table that hold ids, symbols and lengths."""
    lowered = {str(column).lower(): column for column in genes.columns}
    ids = next((lowered[name] for name in lowered if name in ID_HEADERS), None)
    symbols = next((lowered[name] for name in lowered if name in SYMBOL_HEADERS), None)
    rename = {}
    if symbols is not None and (
        corner.lower() in ID_HEADERS or _orientation.mostly_ids(genes.index)
    ):
        rename[symbols] = SYMBOLS
    elif ids is not None:
        rename[ids] = IDS
    length = lowered.get("length", lowered.get("gene_length"))
    return genes.rename(columns={**rename, **({length: "length"} if length else {})})


def _read_rows(path: Path, layout: _sniff.Layout) -> _Rows:
    """Read line by line into blocks; a line that does not fit raises with its number."""
    numeric = layout.numeric
    n_rows = max(1, BLOCK // len(numeric))
    rows = _Rows(names=[], blocks=[], notes=[])
    block = np.empty((n_rows, len(numeric)), dtype=np.float32)
    filled = 0
    for number, fields in progress(_fields(path, layout), f"reading {path.name}"):
        block[filled] = _values(fields, layout, numeric=numeric, where=f"{path}: line {number}")
        rows.notes.append([fields[at].strip() for at in (*layout.texts, *layout.notes)])
        rows.names.append("" if layout.index is None else fields[layout.index].strip())
        filled += 1
        if filled == n_rows:
            rows.blocks.append(_stored(block))
            filled = 0
    rows.blocks.append(_stored(block[:filled]))
    return rows


def _stored(block: np.ndarray) -> Any:  # noqa: ANN401 - dense or CSR
    """Return a copy of the block, sparse if most of it is zero."""
    return sp.csr_matrix(block) if 2 * np.count_nonzero(block) < block.size else block.copy()


def _fields(path: Path, layout: _sniff.Layout) -> Iterator[tuple[int, list[str]]]:
    """Yield number and fields of each line below the header."""
    width = len(layout.columns)
    with _text.open_text(path) as lines:
        below = islice(lines, layout.header_line, None)
        for number, line in enumerate(below, layout.header_line + 1):
            if not line.strip():
                continue
            fields = _sniff.split(line.rstrip("\r\n"), layout.separator)
            if len(fields) != width:
                message = (
                    f"{path}: line {number} has {len(fields)} fields where the header has {width}. "
                    "Complete the line, or check the separator and the quotes."
                )
                raise ValueError(message)
            yield number, fields


def _values(
    fields: list[str], layout: _sniff.Layout, *, numeric: list[int], where: str
) -> np.ndarray:
    """Return the expression of one line, or raise at the first field that is no number."""
    chosen = [fields[at] for at in numeric]
    if layout.decimal != ".":
        chosen = [field.replace(layout.decimal, ".") for field in chosen]
    try:
        values = np.fromiter(map(float, chosen), dtype=np.float32, count=len(chosen))
    except ValueError:
        values = np.array([np.nan], dtype=np.float32)
    if not np.isfinite(values).all():
        for at in numeric:
            _need_number(fields[at].strip(), layout, at=at, where=where)
    return values


def _assemble(blocks: list[Any], *, transpose: bool) -> Any:  # noqa: ANN401 - dense or CSR
    """Put the blocks together as cells x genes, letting go of each on the way."""
    n_rows, n_columns = sum(block.shape[0] for block in blocks), blocks[0].shape[1]
    filled = sum(block.nnz if sp.issparse(block) else np.count_nonzero(block) for block in blocks)
    if 2 * filled < n_rows * n_columns:
        stacked = sp.vstack([sp.csr_matrix(block) for block in blocks], format="csr")
        return stacked.T.tocsr() if transpose else stacked
    dense = np.empty((n_columns, n_rows) if transpose else (n_rows, n_columns), dtype=np.float32)
    target = dense.T if transpose else dense
    end = n_rows
    while blocks:
        block = blocks.pop()
        start = end - block.shape[0]
        target[start:end] = block.toarray() if sp.issparse(block) else block
        end = start
    return dense


def _need_number(field: str, layout: _sniff.Layout, *, at: int, where: str) -> None:
    """Raise unless a field holds a number, naming its place."""
    column = f"{where}, column {at + 1} ({layout.columns[at]!r})"
    if field.lower() in _sniff.MISSING:
        message = (
            f"{column} has no value ({field!r}). Every gene needs a number in every cell: impute "
            "it, or remove the row or the column."
        )
        raise ValueError(message)
    if not _sniff.is_number(field, layout.decimal):
        message = f"{column} holds {field!r}, which is no number. Correct or remove it."
        raise ValueError(message)
    if not np.isfinite(np.float32(float(field.replace(layout.decimal, ".")))):
        message = f"{column} holds {field!r}: infinite values cannot be used. Correct or remove it."
        raise ValueError(message)
