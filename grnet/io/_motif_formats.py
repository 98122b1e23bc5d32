"""Formats of motifs: MEME, JASPAR and its kin, TRANSFAC, as records of names and numbers."""

import re
from collections.abc import Callable, Iterator
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from grnet._alphabet import LETTERS
from grnet.io import _text

LONGEST = 200
"""Rows of a matrix of unknown width."""

_FIELD = re.compile(r"(\w+)\s*=\s*(\S+)")
_IDENTIFIER = re.compile(r"^((MA|UN|PF|PB|PH|PL|SD|CN)\d+\.\d+|M\d+_\d.*|MEME-\d+|\d+)$")
_SUFFIX = re.compile(r"[_(|].*|\.(H\d+(MO|CORE|INVIVO|INVITRO|RSNP)).*|\[.*")


class Record(NamedTuple):
    """A motif as it stands in a file: one row per position, one column per letter."""

    line: int
    name: str
    label: str
    rows: np.ndarray
    sites: float | None


class Line(NamedTuple):
    """A line of a file and its number."""

    number: int
    text: str


class MotifFileError(ValueError):
    """A file of motifs does not say what it should; the message names file and line."""


def records(path: Path) -> list[Record]:
    """Read a file of motifs of any known format."""
    with _text.open_text(path) as stream:
        lines = [Line(n, text.strip()) for n, text in enumerate(stream, start=1)]
    lines = [line for line in lines if line.text]
    try:
        found = list(_reader(lines)(lines, path.name.removesuffix(".gz").rpartition(".")[0]))
    except MotifFileError as error:
        message = f"{path}, {error}"
        raise ValueError(message) from error
    if not found:
        message = (
            f"{path} holds no motif. Expected MEME ('MEME version 4' on top), JASPAR or HOMER "
            "('>name' above each matrix), TRANSFAC, or one plain matrix of four letters."
        )
        raise ValueError(message)
    return found


def tfs_of(label: str) -> tuple[str, ...]:
    """Return the TFs that the name of a motif names.

    >>> tfs_of("NFIC::TLX1"), tfs_of("GATA1_HUMAN.H11MO.0.A"), tfs_of("(AFT2)_(Yeast)_(DBD_1.00)")
    (('NFIC', 'TLX1'), ('GATA1',), ('AFT2',))
    >>> tfs_of("MSN2/MSN4"), tfs_of("Arnt(var.2)"), tfs_of("MA0001.1")
    (('MSN2', 'MSN4'), ('Arnt',), ())
    """
    if _IDENTIFIER.match(label):
        return ()
    parts = re.split(r"::|/", label.removeprefix("("))
    names = (_SUFFIX.sub("", part).strip("() ") for part in parts)
    return tuple(dict.fromkeys(name for name in names if name))


def _reader(lines: list[Line]) -> Callable[[list[Line], str], Iterator[Record]]:
    """Tell the format by how the lines begin."""
    if any(line.text.startswith(("MEME version", "MOTIF ")) for line in lines):
        return _meme
    if any(line.text.startswith(">") for line in lines):
        return _headed
    if any(re.match(r"P[0O]\s", line.text) for line in lines):
        return _transfac
    return _plain


def _meme(lines: list[Line], _: str) -> Iterator[Record]:
    """Read MEME, minimal or full; log-odds matrices are passed over."""
    motif: Line | None = None
    for at, line in enumerate(lines):
        if line.text.startswith("ALPHABET"):
            _check_alphabet(line)
        elif line.text.startswith("MOTIF "):
            if motif is not None:
                raise _without_matrix(motif)
            motif = line
        elif line.text.startswith("letter-probability matrix"):
            if motif is None:
                message = f"line {line.number}: a matrix without a line 'MOTIF name' above it."
                raise MotifFileError(message)
            yield _meme_record(motif, lines, at)
            motif = None
    if motif is not None:
        raise _without_matrix(motif)


def _meme_record(motif: Line, lines: list[Line], at: int) -> Record:
    """Read the matrix below its header, with the names of the motif above it."""
    header = lines[at]
    fields = dict(_FIELD.findall(header.text))
    if fields.get("alength", "4") != "4":
        raise _not_dna(header, f"an alphabet of {fields['alength']} letters")
    width = int(fields["w"]) if fields.get("w", "").isdigit() else None
    below = lines[at + 1 : at + 1 + (width or LONGEST)]
    if width is None:
        below = list(takewhile(lambda line: re.match(r"[\d.+-]", line.text), below))
    rows = [_numbers(line, line.text) for line in below]
    matrix = _matrix(header, rows, columns=4)
    if width is not None and len(matrix) != width:
        message = f"line {header.number}: w= {width}, but the file ends after {len(matrix)} rows."
        raise MotifFileError(message)
    words = motif.text.split()[1:] or ["motif"]
    found_by_meme = "width" in words
    label = "" if found_by_meme else words[1 if len(words) > 1 else 0]
    label = label.removeprefix(f"{words[0]}.")  # JASPAR: MOTIF MA0004.1 MA0004.1.Arnt
    sites = re.match(r"[\d.]+", fields.get("nsites", ""))
    count = float(sites.group()) if sites else 0.0
    return Record(motif.number, words[0], label, matrix, count or None)


def _headed(lines: list[Line], _: str) -> Iterator[Record]:
    """Read ``>name`` above matrices of four rows (JASPAR) or of four columns (HOMER, HOCOMOCO)."""
    starts = [at for at, line in enumerate(lines) if line.text.startswith(">")]
    if starts[0]:
        message = f"line {lines[0].number}: expected a line '>name' above the first matrix."
        raise MotifFileError(message)
    for at, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        header = lines[at]
        words = header.text[1:].split() or ["motif"]
        label = words[1] if len(words) > 1 else words[0]
        if "/" in label and "(" in label:  # HOMER: Atf3(bZIP)/GBM-ATF3-ChIP-Seq/Homer
            label = label.partition("/")[0]
        yield Record(header.number, words[0], label, _oriented(header, lines[at + 1 : end]), None)


def _plain(lines: list[Line], stem: str) -> Iterator[Record]:
    """Read one matrix without a name, with or without a line of letters on top."""
    top = lines[0].text.upper().split()
    if top[-4:] != list(LETTERS):
        letters = [line.text[0].upper() for line in lines]
        if letters != list(LETTERS) and not re.match(r"[\d.+-]", lines[0].text):
            return
        yield Record(lines[0].number, stem, stem, _oriented(lines[0], lines), None)
        return
    body = [_numbers(line, line.text)[-4:] for line in lines[1:]]
    yield Record(lines[0].number, stem, stem, _matrix(lines[0], body, columns=4), None)


def _transfac(lines: list[Line], stem: str) -> Iterator[Record]:
    """Read TRANSFAC: ``P0 A C G T`` above numbered rows."""
    names: dict[str, str] = {}
    at: Line | None = None
    rows: list[np.ndarray] = []
    for line in [*lines, Line(lines[-1].number, "//")]:
        tag, _, rest = line.text.partition(" ")
        if tag in ("AC", "ID", "NA"):
            names[tag] = rest.split()[0] if rest.split() else stem
        elif tag in ("P0", "PO"):
            at, rows = line, []
            if rest.upper().split()[:4] != list(LETTERS):
                raise _not_dna(line, f"the letters {rest!r}")
        elif tag.isdigit() and at is not None:
            rows.append(_numbers(line, " ".join(rest.split()[:4])))
        elif tag == "//" and at is not None:
            name = names.get("AC") or names.get("ID") or stem
            label = names.get("NA") or names.get("ID") or name
            yield Record(at.number, name, label, _matrix(at, rows, columns=4), None)
            names, at = {}, None


def _oriented(header: Line, body: list[Line]) -> np.ndarray:
    """Return a matrix with one row per position, whichever way it lies in the file."""
    letters = [line.text[0].upper() for line in body if line.text[0].isalpha()]
    if letters:
        if letters != list(LETTERS) or len(body) != 4:
            raise _not_dna(header, f"rows for the letters {', '.join(letters)}")
        body = [Line(line.number, re.sub(r"[\[\]|:]", " ", line.text[1:])) for line in body]
    rows = [_numbers(line, line.text) for line in body]
    if letters:
        return _matrix(header, rows).T
    tall = len(rows) > 0 and all(len(row) == 4 for row in rows)
    if tall and (len(rows) != 4 or _even(np.array(rows))):
        return _matrix(header, rows)
    if len(rows) != 4:
        message = (
            f"line {header.number}: the matrix has {len(rows)} rows. "
            "Expected four rows (A, C, G, T) or four numbers in each row."
        )
        raise MotifFileError(message)
    return _matrix(header, rows).T


def _even(square: np.ndarray) -> bool:
    """Tell whether the rows of a 4 x 4 matrix add up to one number, and its columns do not."""
    spread = [np.ptp(square.sum(axis=axis)) for axis in (0, 1)]
    return bool(spread[1] < spread[0])


def _matrix(header: Line, rows: list[np.ndarray], *, columns: int | None = None) -> np.ndarray:
    """Stack rows of equal length."""
    wanted = columns or (len(rows[0]) if rows else 0)
    if not rows or any(len(row) != wanted for row in rows):
        found = ", ".join(str(n) for n in sorted({len(row) for row in rows})) or "no"
        message = (
            f"line {header.number}: the rows of its matrix have {found} numbers, "
            f"expected {wanted or 'some'}. The file may be truncated."
        )
        raise MotifFileError(message)
    return np.array(rows, dtype=np.float64)


def _numbers(line: Line, text: str) -> np.ndarray:
    try:
        numbers = np.array([float(word) for word in text.split()])
    except ValueError as error:
        message = f"line {line.number}: expected numbers, found {line.text[:60]!r}."
        raise MotifFileError(message) from error
    if not np.isfinite(numbers).all() or (numbers < 0).any():
        message = (
            f"line {line.number}: {line.text[:60]!r} holds a number that is no count and no "
            "probability. Log-odds matrices cannot be read: export counts or probabilities."
        )
        raise MotifFileError(message)
    return numbers


def _check_alphabet(line: Line) -> None:
    """Raise unless the alphabet is DNA: ``ALPHABET= ACGT`` or ``ALPHABET "DNA" ...``."""
    given = line.text.removeprefix("ALPHABET").strip(" =").strip()
    if given.upper() != LETTERS and "DNA" not in given.upper():
        raise _not_dna(line, f"the alphabet {given[:30]!r}")


def _not_dna(line: Line, found: str) -> MotifFileError:
    return MotifFileError(
        f"line {line.number}: found {found}, expected DNA (A, C, G, T in this order). "
        "Motifs of RNA have U: write T instead. Motifs of proteins do not apply."
    )


def _without_matrix(motif: Line) -> MotifFileError:
    return MotifFileError(
        f"line {motif.number}: {motif.text[:40]!r} has no 'letter-probability matrix' below it. "
        "Add it, or remove the motif; a log-odds matrix alone is not enough."
    )
