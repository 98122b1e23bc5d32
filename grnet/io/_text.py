"""Opening text files, gzipped or not, with errors that name the file and the fix."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TextIO

GZIP = b"\x1f\x8b"

WRITTEN_BY = {
    b"PK\x03\x04": "a zip or Excel file: unpack it, or save the sheet as csv",
    b"\xd0\xcf\x11\xe0": "an old Excel file: save the sheet as csv",
    b"\x89HDF": "an HDF5 file: give it the ending .h5, .h5ad or .loom",
    b"\xff\xfe": "text in UTF-16: save it as UTF-8",
    b"\xfe\xff": "text in UTF-16: save it as UTF-8",
    b"BZh": "compressed with bzip2: unpack it first",
    b"\xfd7zXZ": "compressed with xz: unpack it first",
}
"""What a file is that is no text, by its first bytes."""


def is_gzipped(path: Path) -> bool:
    """Tell by its first bytes whether a file is gzipped, whatever its name."""
    with path.open("rb") as file:
        return file.read(2) == GZIP


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Turn the errors of damaged or binary files into one that names the file and the fix."""
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        message = (
            f"{path} is damaged or truncated: gzip stops with {str(error)!r}. "
            f"Copy or download it again; `gzip -t {path.name}` tests it."
        )
        raise ValueError(message) from error
    except UnicodeDecodeError as error:
        message = (
            f"{path} is not text in UTF-8 (byte {error.start} of the part read). "
            "Save it as UTF-8, or check that it is a text file at all."
        )
        raise ValueError(message) from error


@contextmanager
def open_text(path: Path) -> Iterator[TextIO]:
    """Open a text file, gzipped or not; an empty, truncated or binary one raises."""
    if path.stat().st_size == 0:
        message = f"{path} is empty (0 bytes): copy or download it again."
        raise ValueError(message)
    with naming(path):
        _refuse_binary(path)
        with (
            gzip.open(path, "rt", encoding="utf-8-sig", newline="")
            if is_gzipped(path)
            else path.open("r", encoding="utf-8-sig", newline="")
        ) as lines:
            yield lines


def first_lines(path: Path, n: int) -> list[str]:
    """Return the first ``n`` lines without their line ends; raise if there is only white space."""
    with open_text(path) as lines:
        head = [line.rstrip("\r\n") for line in islice(lines, n)]
    if not any(line.strip() for line in head):
        message = f"{path} holds no text in its first {n} lines: it is empty or damaged."
        raise ValueError(message)
    return head


def _refuse_binary(path: Path) -> None:
    with gzip.open(path) if is_gzipped(path) else path.open("rb") as file:
        start = file.read(8)
    for magic, advice in WRITTEN_BY.items():
        if start.startswith(magic):
            message = f"{path} is {advice}."
            raise ValueError(message)
