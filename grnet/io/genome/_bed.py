"""One file of peaks: BED of 3 to 12 columns, narrowPeak, broadPeak, or a table with a header."""

import io
import re
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from grnet import _checks
from grnet.io import _text

BED = ["chrom", "start", "end", "name", "score", "strand"]
THICK = ["thick_start", "thick_end"]
PEAK = ["signal", "pvalue", "qvalue"]
SCORES = frozenset({"score", *PEAK})
NUMBERS = SCORES | {"start", "end", *THICK, "summit", "summit_offset", "width"}

_LAYOUTS = {
    **{n: BED[:n] for n in range(3, 7)},
    7: [*BED, THICK[0]],
    8: [*BED, *THICK],
    9: [*BED, *PEAK],
    10: [*BED, *PEAK, "summit_offset"],
    12: [*BED, *THICK, "rgb", "n_blocks", "block_sizes", "block_starts"],
    15: [*BED, *THICK, "rgb", "n_blocks", "block_sizes", "block_starts", *PEAK],
    20: [*BED, *PEAK, "summit_offset", *(f"idr_{number}" for number in range(10))],
}
"""Columns by their number: BED, broadPeak (9), narrowPeak (10), gappedPeak (15), IDR (20)."""

_SPELLINGS = {
    "chrom": ("chrom", "chr", "chromosome", "seqnames", "seqname"),
    "start": ("start", "chromstart", "chrom_start"),
    "end": ("end", "stop", "chromend", "chrom_end"),
    "name": ("name", "peak_name", "peakid", "id"),
    "score": ("score", "peak score"),
    "strand": ("strand",),
    "signal": ("signal", "signalvalue", "fold_enrichment"),
    "pvalue": ("pvalue", "-log10(pvalue)"),
    "qvalue": ("qvalue", "-log10(qvalue)"),
    "summit": ("summit", "abs_summit"),
    "summit_offset": ("summit_offset", "peak"),
    "width": ("width", "length"),
    "tf": ("tf", "protein"),
}
_KNOWN = {spelling: name for name, spellings in _SPELLINGS.items() for spelling in spellings}
_PREAMBLE = re.compile(r"(track|browser)\s")
_MISSING = [".", "", "NA", "NaN", "nan"]
_FOREIGN = {
    ">": "a FASTA file: open it with Genome()",
    "@": "a SAM file: call peaks on it first",
    "##fileformat=VCF": "a VCF file of variants",
    "##gff": "a GFF3 annotation: use read_annotation()",
    "#!genome": "a GTF annotation: use read_annotation()",
}


class Lines(NamedTuple):
    """The rows of a file as text, with one tab between their fields."""

    rows: list[str]
    header: list[str] | None


def read_bed(
    path: Path, *, columns: Sequence[str] | None = None, tf_column: str | None = None
) -> pd.DataFrame:
    """Read a file as it is, its columns named; numbers are numbers, the rest is text."""
    lines = _lines(path)
    n = lines.rows[0].count("\t") + 1
    _refuse_ragged(lines.rows, n, path)
    names = _names(lines, n, path, columns=columns)
    if tf_column is not None:
        names = _with_tf(names, lines.header, tf_column, path=path)
    numbers = [name for name in names if name in NUMBERS]
    frame = pd.read_csv(
        io.StringIO("\n".join(lines.rows)),
        sep="\t",
        header=None,
        names=names,
        index_col=False,
        dtype=dict.fromkeys([name for name in names if name not in NUMBERS], str),
        keep_default_na=False,
        na_values=dict.fromkeys(numbers, _MISSING),
        quoting=3,
        low_memory=False,
    )
    if n == 9 and lines.header is None and columns is None and _is_bed9(frame):
        frame = frame.rename(columns=dict(zip(PEAK, [*THICK, "rgb"], strict=True)))
    for name in numbers:
        if name in frame and not pd.api.types.is_numeric_dtype(frame[name]):
            _refuse_text(frame[name], path)
    if lines.header and lines.header[0].lower().startswith("peakid"):
        frame["start"] -= 1  # HOMER counts from one
    return frame


def _lines(path: Path) -> Lines:
    """Return the rows without comments and the header, which may be the last comment."""
    with _text.open_text(path) as file:
        lines = file.read().replace("\r\n", "\n").replace("\r", "\n").split("\n")
    # comments and track lines begin with one of these, few others do
    rows = [line for line in lines if line[:1] not in "#tb \t" or not _is_comment(line)]
    comments = [line for line in takewhile(_is_comment, lines) if line.startswith("#")]
    for line in [*comments, *rows[:1]]:
        _refuse_foreign(line, path)
    if not rows:
        message = f"{path} holds no peaks, only comments: it is cut off, or nothing was found."
        raise ValueError(message)
    rows = _with_tabs(rows)
    fields = rows[0].split("\t")
    if not any(_is_number(field) for field in fields):
        if len(rows) == 1:
            message = f"{path} holds no peaks, only the header {fields}: it is cut off."
            raise ValueError(message)
        return Lines(rows[1:], fields)
    told = _with_tabs([comments[-1].lstrip("#")])[0].split("\t") if comments else []
    is_header = len(told) == len(fields) and {"start", "end"} <= {_known(name) for name in told}
    return Lines(rows, told if is_header else None)


def _with_tabs(rows: list[str]) -> list[str]:
    """Put tabs between fields that are separated by blanks or commas."""
    if "\t" in rows[0]:
        return rows
    if len(rows[0].split()) < 3 and "," in rows[0]:
        return [row.replace(",", "\t").replace('"', "") for row in rows]
    return ["\t".join(row.split()) for row in rows]


def _names(lines: Lines, n: int, path: Path, *, columns: Sequence[str] | None) -> list[str]:
    """Return the names of the columns: as told, by the header, or by their number."""
    fields = lines.rows[0].split("\t")
    if columns is not None:
        names = list(columns)
        if len(names) != n:
            message = (
                f"{path} has {n} columns but columns= names {len(names)}: "
                f"{_checks.examples(names, 12)}. Its first row is {_checks.examples(fields, 12)}."
            )
            raise ValueError(message)
    elif lines.header is not None:
        names = [_known(name) for name in lines.header]
    else:
        names = _by_number(fields, path)
    _checks.has_columns(pd.DataFrame(columns=names), BED[:3], str(path))
    if len(set(names)) < n:
        twice = sorted({name for name in names if names.count(name) > 1})
        message = (
            f"{path}: more than one column is called {_checks.examples(twice)}. "
            "Give every column a name of its own with columns=."
        )
        raise ValueError(message)
    return names


def _by_number(fields: list[str], path: Path) -> list[str]:
    n = len(fields)
    if n == 9 and fields[3].isdigit() and fields[4].isdigit() and not fields[2].isdigit():
        message = f"{path} looks like a GTF or GFF annotation: use read_annotation()."
        raise ValueError(message)
    if n not in _LAYOUTS:
        hint = " It may be bedMethyl: use read_methylation()." if n in {11, 18} else ""
        message = (
            f"{path} has {n} columns: {_checks.examples(fields, 12)}. Expected BED (3 to 9 or 12), "
            f"broadPeak (9) or narrowPeak (10).{hint} Name the columns of another layout with "
            'columns=["chrom", "start", "end", ...].'
        )
        raise ValueError(message)
    return list(_LAYOUTS[n])


def _known(name: str) -> str:
    """Return the name used here for a column of a header."""
    plain = name.strip().strip('"')
    return "name" if plain.lower().startswith("peakid") else _KNOWN.get(plain.lower(), plain)


def _with_tf(names: list[str], header: list[str] | None, column: str, *, path: Path) -> list[str]:
    """Call the column of the protein ``tf``."""
    spelt = [name.strip() for name in header or []]
    if column not in names and column not in spelt:
        message = (
            f"{path} has no column {column!r} for tf_column; it has {_checks.examples(names, 12)}."
        )
        raise ValueError(message)
    at = names.index(column) if column in names else spelt.index(column)
    others = ["tf_of_file" if name == "tf" else name for name in names]
    return [*others[:at], "tf", *others[at + 1 :]]


def _is_bed9(frame: pd.DataFrame) -> bool:
    """Tell BED9, with a thick part inside the interval, from broadPeak."""
    thick = frame[PEAK[:2]]
    if not all(pd.api.types.is_integer_dtype(dtype) for dtype in thick.dtypes):
        return False
    inside = thick.ge(frame["start"], axis=0) & thick.le(frame["end"], axis=0)
    return bool((inside.all(axis=1) | thick.eq(0).all(axis=1)).all() and thick.to_numpy().any())


def _refuse_ragged(rows: list[str], n: int, path: Path) -> None:
    ragged = [row for row in rows if row.count("\t") != n - 1]
    if ragged:
        message = (
            f"{path}: {len(ragged)} of {len(rows)} rows have not {n} columns as the first, e.g. "
            f"{ragged[0].strip()[:80]!r}. The file is damaged or truncated."
        )
        raise ValueError(message)


def _refuse_text(column: pd.Series, path: Path) -> None:
    wrong = column[pd.to_numeric(column, errors="coerce").isna() & column.notna()]
    message = (
        f"{path}: {len(wrong)} values in the column {column.name!r} are no numbers: "
        f"{_checks.examples(wrong)}. The file is damaged, or of another layout: name its columns "
        'with columns=["chrom", "start", "end", ...].'
    )
    raise ValueError(message)


def _is_comment(line: str) -> bool:
    return not line.strip() or line[0] == "#" or _PREAMBLE.match(line) is not None


def _refuse_foreign(line: str, path: Path) -> None:
    for start, advice in _FOREIGN.items():
        if line.startswith(start):
            message = f"{path} is no file of peaks but {advice}."
            raise ValueError(message)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
