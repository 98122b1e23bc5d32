"""What a text table looks like, judged by its first lines."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from grnet import _checks
from grnet.io import _text
from grnet.io.expression import _orientation

HEAD = 30
"""Lines looked at before reading."""

SEPARATORS = ("\t", ",", ";", " ")
MISSING = frozenset(["", "na", "nan", "n/a", "null", "none", "."])
NUMERIC_NOTES = frozenset(
    [
        *("time", "pseudotime", "length", "gene_length", "effective_length"),
        *("chrom", "chr", "start", "end", "entrez", "entrezid", "entrez_id", "entrezgene_id"),
    ]
)
"""Leading columns of numbers that are no expression, by their lower-case name."""

OTHER_FORMATS = {
    "!": "a GEO series matrix: keep only the table between its '!' lines",
    "%%MatrixMarket": "a Matrix Market file: name it matrix.mtx beside its barcodes and features",
    "<": "a web page or XML, not a table: download the file itself",
    ">": "FASTA: sequences, not expression",
}
"""What a file is that is no table, by the beginning of its first line."""


@dataclass(frozen=True)
class Layout:
    """How to read a table: ``columns`` names every field of a line, the row names' included."""

    separator: str
    decimal: str
    header_line: int
    columns: list[str]
    index: int | None
    texts: list[int]
    notes: list[int]

    @property
    def numeric(self) -> list[int]:
        """Positions of the columns that hold expression."""
        apart = {*self.texts, *self.notes, self.index}
        return [at for at in range(len(self.columns)) if at not in apart]


def split(line: str, separator: str) -> list[str]:
    """Split a line into its fields, quotes removed; the fields may have blanks around them."""
    if separator == " ":
        return [part.strip('"') for part in line.split()]
    if '"' not in line:
        return line.split(separator)
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return [line]


def is_number(text: str, decimal: str) -> bool:
    """Tell whether a field can be read as a number."""
    try:
        float(text.replace(decimal, "."))
    except ValueError:
        return False
    return True


def sniff(path: Path) -> Layout:
    """Find separator, header, row names and the columns that hold no expression."""
    numbered = [
        (n, line) for n, line in enumerate(_text.first_lines(path, HEAD), 1) if line.strip()
    ]
    first = numbered[0][1].lstrip()
    for start, advice in OTHER_FORMATS.items():
        if first.startswith(start):
            message = f"{path} is {advice}."
            raise ValueError(message)
    if first.startswith("Status\t") and numbered[-1][1].startswith("Unassigned"):
        message = f"{path} is a summary of featureCounts: give the file of counts beside it."
        raise ValueError(message)
    lines = [(n, line) for n, line in numbered if not line.startswith("#")]
    if len(lines) < 2:
        message = f"{path} has a header but no data: expected one line per gene or cell below it."
        raise ValueError(message)
    separator = _separator([line for _, line in lines], path)
    header, *body = [[part.strip() for part in split(line, separator)] for _, line in lines]
    decimal = "," if separator == ";" and _has_decimal_commas(body) else "."
    if len(body[0]) == len(header) + 1:
        header = ["", *header]
    layout = _columns_of(header, body, separator, decimal=decimal, header_line=lines[0][0])
    _refuse_data_as_header(layout, path)
    return layout


def _separator(lines: list[str], path: Path) -> str:
    """Return the separator that cuts header and first row into equally many fields."""
    for separator in SEPARATORS:
        header, row = (len(split(line, separator)) for line in lines[:2])
        if row > 1 and row - header in {0, 1}:
            return separator
    counts = {separator: lines[0].count(separator) for separator in SEPARATORS}
    best = max(counts, key=lambda separator: counts[separator])
    if counts[best]:
        return best
    message = (
        f"{path}: no separator found in line 1, {lines[0][:60]!r}. Expected a table with columns "
        "separated by tab, comma or semicolon."
    )
    raise ValueError(message)


def _has_decimal_commas(body: list[list[str]]) -> bool:
    fields = [field for row in body for field in row[1:]]
    return any(re.fullmatch(r"-?\d+,\d+([eE][+-]?\d+)?", field) for field in fields)


def _refuse_data_as_header(layout: Layout, path: Path) -> None:
    """Raise if the first line holds values, not names."""
    labels = [layout.columns[at] for at in layout.numeric]
    if not labels or not all(is_number(label, ".") for label in labels):
        return
    whole = all(re.fullmatch(r"\d+", label) for label in labels)
    corner = layout.columns[:1]
    if (
        not whole
        or len(set(labels)) < len(labels)
        or (corner != [""] and len(labels) == 1)
        or (_orientation.mostly_ids(corner))
    ):
        message = (
            f"{path}: line {layout.header_line} should name the columns, but holds values "
            f"({_checks.examples(layout.columns)}). Add a header line; counts of one sample "
            "without a header are read by format='htseq'."
        )
        raise ValueError(message)


def _columns_of(
    header: list[str], body: list[list[str]], separator: str, *, decimal: str, header_line: int
) -> Layout:
    """Tell names, text and notes from expression."""
    columns = list(zip(*[row for row in body if len(row) == len(header)], strict=True))
    texts: list[int] = []
    notes: list[int] = []
    for at, (label, fields) in enumerate(zip(header, columns, strict=False)):
        known = [field for field in fields if field.lower() not in MISSING]
        text = bool(known) and not any(is_number(field, decimal) for field in known)
        if text and (at == 0 or at == len(texts) + len(notes) or len(known) > 2):
            texts.append(at)
        elif label.lower() in NUMERIC_NOTES and at == len(texts) + len(notes):
            notes.append(at)
    index = _index_column(header, texts)
    return Layout(
        separator, decimal, header_line, header, index, [at for at in texts if at != index], notes
    )


def _index_column(header: list[str], texts: list[int]) -> int | None:
    """Return the column of row names: the first if it is text, blank or called so."""
    corner = header[0].strip()
    named = _orientation.GENE_CORNER.fullmatch(corner) or _orientation.CELL_CORNER.fullmatch(corner)
    return 0 if 0 in texts or named or corner.lower() in {"", "unnamed: 0", "index"} else None
