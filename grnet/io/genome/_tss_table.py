"""Tables of genes and their transcription start sites."""

import io
from pathlib import Path

import pandas as pd

from grnet import _checks, _intervals
from grnet.io import _text

COLUMNS = ["chrom", "start", "end", "strand", "tss", "gene", "gene_id", "biotype", "length"]
"""Columns of an annotation, in their order."""

_SPELLINGS = {
    **{name: (name,) for name in ("start", "end", "strand", "tss", "gene_id", "length")},
    "chrom": ("chrom", "chr", "chromosome", "seqnames", "seqname"),
    "gene": ("gene", "gene_name", "gene_symbol", "symbol", "name"),
    "biotype": ("biotype", "gene_biotype", "gene_type"),
}
_STRANDS = {"+": "+", "-": "-", "1": "+", "-1": "-", ".": "."}


def read_table(file: Path) -> pd.DataFrame:
    """Read a table with a header, tabs or commas between its columns."""
    with _text.open_text(file) as lines:
        text = "".join(line for line in lines if line.strip() and not line.startswith("##"))
    text = text.lstrip("#")
    mark = "\t" if "\t" in text.partition("\n")[0] else ","
    try:
        table = pd.read_csv(io.StringIO(text), sep=mark, dtype=str)
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        message = f"{file} is no sound table of genes: {error}"
        raise ValueError(message) from error
    given = {str(name).strip().lower(): name for name in table.columns}
    names = {
        next((given[spelling] for spelling in spellings if spelling in given), None): name
        for name, spellings in _SPELLINGS.items()
    }
    what = f"{file}, which is neither GTF nor GFF3 but read as a table with a header,"
    return completed(table.rename(columns=names), what=what)


def completed(table: pd.DataFrame, *, what: str) -> pd.DataFrame:
    """Return a copy with the columns that follow from the others; check the rest."""
    _checks.has_columns(table, ["chrom", "gene"], what)
    if table.empty:
        message = f"{what} has no rows: it is cut off."
        raise ValueError(message)
    frame = table.reset_index(drop=True)
    frame["strand"] = _strands(frame, what=what)
    if "tss" not in frame:
        _checks.has_columns(table, ["start", "end", "strand"], f"{what} without a column 'tss'")
        frame = _intervals.checked(frame, what=what)
        frame["tss"] = start_sites(frame)
    frame["tss"] = _whole(frame["tss"], what=what)
    if not {"start", "end"} <= set(frame.columns):
        frame = frame.assign(start=frame["tss"], end=frame["tss"] + 1)
    frame = _intervals.checked(frame, what=what)
    for name in ("gene", "gene_id"):
        other = frame["gene_id" if name == "gene" and "gene_id" in frame else "gene"]
        frame[name] = frame[name].where(frame[name].notna(), other) if name in frame else other
    if frame["gene"].isna().any():
        message = f"{what} has {int(frame['gene'].isna().sum())} rows without a gene: drop them."
        raise ValueError(message)
    first = [name for name in COLUMNS if name in frame]
    return frame[[*first, *(name for name in frame if name not in first)]]


def start_sites(rows: pd.DataFrame) -> pd.Series:
    """Return the first base of each row on its strand; ``.`` counts as ``+``."""
    return rows["start"].where(rows["strand"] != "-", rows["end"] - 1)


def _strands(frame: pd.DataFrame, *, what: str) -> pd.Series:
    if "strand" not in frame:
        return pd.Series(".", index=frame.index)
    strand = frame["strand"].astype(str).map(_STRANDS)
    if strand.isna().any():
        wrong = _checks.examples(frame.loc[strand.isna(), "strand"].unique())
        message = f"{what} has the strands {wrong}; expected '+', '-' or '.'."
        raise ValueError(message)
    return strand


def _whole(column: pd.Series, *, what: str) -> pd.Series:
    numbers = pd.to_numeric(column, errors="coerce")
    wrong = numbers.isna() | (numbers % 1 != 0) | (numbers < 0)
    if wrong.any():
        message = (
            f"{what} has {int(wrong.sum())} start sites that are no positions: "
            f"{_checks.examples(column[wrong])}. Expected whole numbers from 0 on."
        )
        raise ValueError(message)
    return numbers.astype("int64")
