"""Tables without a header, read in blocks, with errors that name the file and the line."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import dropwhile, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from grnet import _checks, _chromosomes
from grnet.io import _text

PREAMBLE = ("#", "track", "browser")
_ROWS = 1_000_000
_KINDS = {"int64": "a whole number", "float64": "a number", "category": "text"}


class Column(NamedTuple):
    """Where a column is, and what it holds: ``int64``, ``float64`` or ``category``."""

    position: int
    kind: str


def first_fields(path: Path) -> list[str]:
    """Return the fields of the first line that is no comment."""
    with _text.open_text(path) as lines:
        for line in dropwhile(_is_preamble, lines):
            return line.split()
    message = f"{path} holds comments only, no data: copy or download it again."
    raise ValueError(message)


def blocks(
    path: Path,
    columns: Mapping[str, Column],
    *,
    separator: str = r"\s+",
    header: bool = False,
    rows: int = _ROWS,
) -> Iterator[pd.DataFrame]:
    """Yield the columns asked for, a million rows at a time.

    Raises
    ------
    ValueError
        If a line has too few columns or a value is not of its kind, naming the line.
    """
    placed = sorted(columns, key=lambda name: columns[name].position)
    with _text.open_text(path) as lines:
        skipped = sum(1 for _ in _leading(path)) + header
        list(islice(lines, skipped))
        try:
            ordered = {name: columns[name] for name in placed}
            yield from _parsed(lines, ordered, separator=separator, rows=rows)
        except UnicodeDecodeError:
            raise
        except (ValueError, OverflowError, TypeError) as error:
            _explain(path, columns, separator=separator, skipped=skipped)
            message = f"{path} cannot be read as a table of {', '.join(placed)}: {error}."
            raise ValueError(message) from error


def _parsed(
    lines: Any,  # noqa: ANN401 - an open text file, which pandas' stubs want as their own protocol
    columns: dict[str, Column],
    *,
    separator: str,
    rows: int,
) -> Iterator[pd.DataFrame]:
    reader = pd.read_csv(
        lines,
        sep=separator,
        header=None,
        names=list(columns),
        usecols=[column.position for column in columns.values()],
        dtype={name: column.kind for name, column in columns.items()},
        index_col=False,
        quoting=3,
        chunksize=rows,
        engine="c",
    )
    empty = True
    with reader:
        for block in reader:
            _complete(block)
            empty = empty and block.empty
            yield block
    if empty:
        message = "there are comments only, no data"
        raise ValueError(message)


def _complete(block: pd.DataFrame) -> None:
    """Raise if a text is missing: pandas fills short lines up with NaN."""
    for name in block.select_dtypes("category"):
        if block[name].isna().any():
            message = f"column {name!r} has missing values"
            raise ValueError(message)


def _is_preamble(line: str) -> bool:
    return not line.strip() or line.startswith(PREAMBLE)


def _leading(path: Path) -> Iterator[str]:
    """Yield the comments and empty lines before the data."""
    with _text.open_text(path) as lines:
        for line in lines:
            if not _is_preamble(line):
                return
            yield line


def _explain(path: Path, columns: Mapping[str, Column], *, separator: str, skipped: int) -> None:
    """Find the first line that does not fit, and raise with its number."""
    least = 1 + max(column.position for column in columns.values())
    with _text.open_text(path) as lines:
        for number, line in islice(enumerate(lines, 1), skipped, None):
            fields = line.split() if separator == r"\s+" else line.strip().split(separator)
            if not line.strip():
                continue
            if len(fields) < least:
                message = (
                    f"{path}, line {number}: {_short(line)} has {len(fields)} columns, expected "
                    f"at least {least} ({', '.join(columns)}). The file is damaged or truncated, "
                    "or of another format."
                )
                raise ValueError(message)
            for name, column in columns.items():
                text = fields[column.position]
                if not _fits(text, column.kind):
                    message = (
                        f"{path}, line {number}: the column {name!r} holds {text[:40]!r}, expected "
                        f"{_KINDS[column.kind]}. The file is damaged, or of another format."
                    )
                    raise ValueError(message)


def _fits(text: str, kind: str) -> bool:
    try:
        if kind == "int64":
            return abs(int(text)) < 2**62
        float(text if kind == "float64" else 0)
    except ValueError:
        return False
    return True


def _short(line: str) -> str:
    text = line.strip()
    return repr(text if len(text) <= 60 else f"{text[:60]}...")


class Chromosomes:
    """Numbers for the chromosomes of a file that is read in blocks, under a reference's names."""

    def __init__(self, reference: Iterable[str] | None = None) -> None:
        self.names = list(dict.fromkeys(() if reference is None else reference))
        self._fixed = reference is not None
        self._table: dict[str, str] = {}
        self._seen: list[str] = []

    def codes(self, chrom: "pd.Series[Any]") -> npt.NDArray[np.int64]:
        """Return the place of each chromosome in ``names``, -1 where it has no counterpart."""
        given = [str(name) for name in chrom.cat.categories]
        new = [name for name in given if name not in self._seen]
        if new:
            # all names seen so far count: X is ten only beside other roman numbers
            self._seen += new
            if self._fixed:
                self._table = _chromosomes.translation(self._seen, self.names)
            else:
                self.names += new
        place = {name: number for number, name in enumerate(self.names)}
        table = self._table if self._fixed else {name: name for name in given}
        known = np.array([place.get(table.get(name, ""), -1) for name in given], dtype=np.int64)
        return known[chrom.cat.codes.to_numpy()]

    def require_match(self, *, what: str) -> None:
        """Raise with both sets of names if no chromosome has a counterpart."""
        if self._fixed and self._seen and not self._table:
            seen = pd.DataFrame({"chrom": self._seen})
            _chromosomes.renamed(seen, self.names, what=what)


def sane(starts: npt.NDArray[Any], ends: npt.NDArray[Any], *, what: str) -> None:
    """Raise if an interval is empty or starts before zero."""
    wrong = (starts < 0) | (ends <= starts)
    if wrong.any():
        shown = [f"{starts[row]}-{ends[row]}" for row in np.flatnonzero(wrong)[:3]]
        message = (
            f"{int(wrong.sum())} intervals of {what} end before they start or start before 0: "
            f"{_checks.examples(shown)}. The file is damaged, or of another format."
        )
        raise ValueError(message)
