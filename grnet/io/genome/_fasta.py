"""Letters of a genome, from a FASTA file mapped into memory or from sequences at hand."""

import gzip
import hashlib
import logging
import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pooch
import pyfaidx

from grnet import _alphabet
from grnet._alphabet import Codes
from grnet._progress import progress
from grnet.io import _atomic, _text

logger = logging.getLogger(__name__)

Positions: TypeAlias = npt.NDArray[np.int64]

_NO_BASE = 5
_IUPAC = b"ACGTUNRYSWKMBDHVacgtunryswkmbdhv-*."
_GAP = 1 << 20
_BLOCK = 1 << 22


def _code_table() -> bytes:
    table = np.full(256, _NO_BASE, dtype=np.uint8)
    letters = np.frombuffer(_IUPAC, dtype=np.uint8)
    table[letters] = _alphabet.to_codes(_IUPAC)
    return table.tobytes()


_CODES = _code_table()


class Record(NamedTuple):
    """One line of a FASTA index."""

    length: int
    offset: int
    bases_per_line: int
    bytes_per_line: int

    @property
    def end(self) -> int:
        """The byte after the last base."""
        if self.length == 0:
            return self.offset
        line, column = divmod(self.length - 1, self.bases_per_line)
        return self.offset + line * self.bytes_per_line + column + 1


class Bases:
    """Sequences in a FASTA file or in memory. Pickled, a file is its path, mapped anew."""

    def __init__(
        self, records: dict[str, Record], *, label: str, file: Path | None = None, text: bytes = b""
    ) -> None:
        self.label = label
        self.sizes = {name: record.length for name, record in records.items()}
        self._table = np.array([tuple(record) for record in records.values()], dtype=np.int64)
        self._file = file
        self._n_bytes = len(text) if file is None else file.stat().st_size
        self._buffer: bytes | mmap.mmap = text

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ if self._file is None else {**self.__dict__, "_buffer": b""}

    def codes(self, row: Positions, start: Positions, end: Positions) -> Codes:
        """Return stretches inside of chromosomes as codes, one after the other.

        ``row`` is the number of the chromosome. A stretch of bases is a stretch of bytes with line
        ends in it, so that no more than what is asked for is ever read.
        """
        _, offset, bases, width = self._table[row].T
        bases = np.maximum(bases, 1)
        first = offset + start // bases * width + start % bases
        stop = offset + (end - 1) // bases * width + (end - 1) % bases + 1
        stop = np.where(end > start, stop, first)
        buffer = self._opened()
        pieces = [buffer[a:b] for a, b in zip(first.tolist(), stop.tolist(), strict=True)]
        letters = b"".join(pieces).replace(b"\n", b"").replace(b"\r", b"")
        codes = np.frombuffer(letters.translate(_CODES), dtype=np.uint8)
        length = np.cumsum(np.maximum(end - start, 0))
        if len(codes) != length[-1:].sum() or codes.max(initial=0) == _NO_BASE:
            at = letters.translate(_CODES).find(_NO_BASE)
            stretch = np.searchsorted(length, at, side="right")
            self._refuse(letters[at : at + 1], row[min(int(stretch), len(row) - 1)])
        return codes

    def _refuse(self, letter: bytes, row: int) -> None:
        message = (
            f"{self.label} is damaged in {list(self.sizes)[row]}, or a file of proteins: it has "
            f"the letter {letter.decode('latin-1')!r} or a line of another length there. Expected "
            "DNA (A, C, G, T, N and the IUPAC codes) in lines of one length."
        )
        raise ValueError(message)

    def _opened(self) -> bytes | mmap.mmap:
        if self._file is not None and not self._buffer:
            size = self._file.stat().st_size
            if size != self._n_bytes:
                message = (
                    f"{self._file} has changed since it was opened ({self._n_bytes:,} bytes then, "
                    f"{size:,} now): open the Genome again."
                )
                raise ValueError(message)
            self._buffer = _mapped(self._file)
        return self._buffer


def in_memory(sequences: Mapping[str, str]) -> Bases:
    """Hold sequences in memory as one text without line ends."""
    records, offset = {}, 0
    for name, letters in sequences.items():
        size = len(letters)
        records[str(name)] = Record(size, offset, size, size)
        offset += size
    text = "".join(sequences.values()).encode("ascii", "replace")
    return Bases(records, label="sequences in memory", text=text)


def opened(path: str | Path, *, cache: str | Path | None = None) -> Bases:
    """Open a FASTA file; unpack and index it first where that is still to be done."""
    file = Path(path)
    _refuse_missing(file)
    folder = Path(cache) if cache is not None else Path(pooch.os_cache("grnet"))
    with _text.naming(file):
        plain = _unpacked(file, folder) if _text.is_gzipped(file) else file
        records = _indexed(file, plain, folder)
    if not any(record.length for record in records.values()):
        message = f"{file} has {len(records)} sequence name(s) but no bases: it is cut off."
        raise ValueError(message)
    return Bases(records, label=str(file), file=plain)


def _refuse_missing(file: Path) -> None:
    if file.is_dir():
        message = f"{file} is a folder: give the FASTA file in it."
        raise IsADirectoryError(message)
    if not file.exists():
        message = f"There is no FASTA file {file}: check the path."
        raise FileNotFoundError(message)
    if file.stat().st_size == 0:
        message = f"{file} is empty (0 bytes): copy or download it again."
        raise ValueError(message)
    if file.suffix == ".gz" and not _text.is_gzipped(file):
        message = f"{file} is not gzipped although its name ends in .gz: rename or download it."
        raise ValueError(message)


def _unpacked(file: Path, folder: Path) -> Path:
    """Return the unpacked copy in the cache; made anew when the file changes."""
    plain = folder / "genomes" / f"{_key(file)}.fa"
    if plain.exists():
        return plain
    logger.info("unpacking %s to %s", file, plain)
    with gzip.open(file) as packed, _atomic.replacing(plain) as part, part.open("wb") as out:
        for block in progress(iter(lambda: packed.read(_BLOCK), b""), f"unpacking {file.name}"):
            out.write(block)
    return plain


def _key(file: Path) -> str:
    """Name a file's place in the cache by its path, size and time."""
    state = file.stat()
    told = f"{file.resolve()}|{state.st_size}|{state.st_mtime_ns}"
    return f"{file.name.split('.')[0]}-{hashlib.sha256(told.encode()).hexdigest()[:12]}"


def _indexed(file: Path, plain: Path, folder: Path) -> dict[str, Record]:
    """Return the index: the one beside the file, or in the cache, or a new one."""
    beside = plain.with_name(f"{plain.name}.fai")
    stored = folder / "genomes" / f"{_key(file)}.fai"
    for index in (beside, stored):
        if index.exists():
            records = _records(index)
            if records and _fit(records, plain):
                return records
            logger.warning("%s does not fit %s: it is made anew", index, plain)
    try:
        records = _built(file, plain, beside)
    except PermissionError:
        records = _built(file, plain, stored)
    if not _fit(records, plain):
        message = (
            f"{file} is damaged: its lines differ in length or hold blanks. Write it anew with "
            "lines of one length, e.g. with `seqtk seq -l 60`."
        )
        raise ValueError(message)
    return records


def _built(file: Path, plain: Path, index: Path) -> dict[str, Record]:
    """Write the index with pyfaidx and return it."""
    with _atomic.replacing(index) as part:
        try:
            pyfaidx.Faidx(plain, indexname=part, duplicate_action="first").close()
        except pyfaidx.FastaIndexingError as error:
            message = f"{file} is not a valid FASTA file: {error}"
            raise ValueError(message) from error
        records = _records(part)
        lines = len(part.read_text().splitlines())
        if len(records) < lines:
            message = (
                f"{file} has {lines} sequences but {len(records)} names: some names occur twice. "
                "Keep one sequence of each name."
            )
            raise ValueError(message)
    return records


def _records(index: Path) -> dict[str, Record]:
    """Read an index; a damaged one is empty."""
    records = {}
    try:
        for line in index.read_text(encoding="utf-8").splitlines():
            name, *numbers = line.split("\t")[:5]
            records[name] = Record(*(int(number) for number in numbers))
    except (ValueError, TypeError):
        return {}
    return records


def _fit(records: dict[str, Record], plain: Path) -> bool:
    """Tell whether headers and sequences of the index tile the file from end to end."""
    text = _mapped(plain)
    try:
        position = 0
        for name, record in sorted(records.items(), key=lambda item: item[1].offset):
            if not 0 < record.offset - position < _GAP:
                return False
            header = text[position : record.offset].strip().rsplit(b"\n", 1)[-1]
            if header[:1] != b">" or header[1:].split()[:1] != [name.encode()]:
                return False
            position = record.end
            if record.length and text[position - 1 : position] in b"\r\n":
                return False
        return len(text) - position < _GAP and not text[position:].strip()
    finally:
        text.close()


def _mapped(plain: Path) -> mmap.mmap:
    with plain.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
