"""Fragment files in blocks of bounded size: chrom, start, end, barcode and, optionally, reads."""

import gzip
import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc

from grnet import _checks
from grnet._progress import progress
from grnet.io import _text

COLUMNS = ("chrom", "start", "end", "barcode", "reads")
BLOCK = 1 << 23
"""Bytes of text that are parsed at a time."""

_NO_DATA = ("#", "track ", "track\t", "browser ")
_FORMAT = (
    "A fragment file has the columns chrom, start, end, barcode and, optionally, the number of "
    "reads, separated by tabs."
)


class Block(NamedTuple):
    """Fragments in the order of the file; names as numbers of a :class:`Names`."""

    chrom: np.ndarray
    start: np.ndarray
    end: np.ndarray
    cell: np.ndarray
    reads: np.ndarray | None


class Names:
    """Numbers names in the order in which they turn up.

    Parameters
    ----------
    wanted
        Names that have a number already; with them, other names get -1.
    spelt
        Turns a name of the file into the one that counts.
    """

    def __init__(
        self, wanted: Iterable[str] | None = None, *, spelt: Callable[[str], str] = str
    ) -> None:
        self.index = {name: i for i, name in enumerate(wanted or ())}
        self.closed = wanted is not None
        self._spelt = spelt

    def __len__(self) -> int:
        return len(self.index)

    def codes(self, column: Any) -> np.ndarray:  # noqa: ANN401 - pyarrow has no types
        """Return the number of each entry of a dictionary-encoded column."""
        names = map(self._spelt, column.dictionary.to_pylist())
        if self.closed:
            table = [self.index.get(name, -1) for name in names]
        else:
            table = [self.index.setdefault(name, len(self.index)) for name in names]
        codes: np.ndarray = np.array(table, dtype=np.int32)[column.indices.to_numpy()]
        return codes


class Labels(NamedTuple):
    """The names that a file uses."""

    chroms: Names
    cells: Names


class Header(NamedTuple):
    """What the beginning of a file tells."""

    n_lines: int
    """Comment lines before the first fragment."""
    n_columns: int
    barcodes: list[str]
    """Those of the first fragments, to see how they are spelt."""


def header_of(path: Path) -> Header:
    """Look at the first lines; a file that holds no fragments raises."""
    with _text.open_text(path) as lines:
        n_lines, first = 0, ""
        for line in lines:
            if line.strip() and not line.startswith(_NO_DATA):
                first = line
                break
            n_lines += 1
        rows = [line.rstrip("\r\n").split("\t") for line in (first, *islice(lines, 999))]
    if not first:
        message = f"{path} holds no fragments, only {n_lines} comment or empty lines."
        raise ValueError(message)
    n_columns = len(rows[0])
    if n_columns < 4:
        message = (
            f"{path} has {n_columns} column(s) separated by tabs in line {n_lines + 1}: "
            f"{first.strip()[:80]!r}. {_FORMAT}"
        )
        raise ValueError(message)
    return Header(n_lines, n_columns, [row[3] for row in rows if len(row) > 3])


def read_blocks(path: Path, header: Header, labels: Labels) -> Iterator[Block]:
    """Yield the fragments of a whole file."""
    with _refusing(path), path.open("rb") as raw:
        ticks = _megabytes(raw, path)
        # Arrow's own decompression is slower than the buffered one of the standard library
        text: Any = gzip.GzipFile(fileobj=raw) if _text.is_gzipped(path) else raw
        source = io.BufferedReader(text, 1 << 20)
        options = _options(header.n_columns, skip_rows=header.n_lines)
        with pc.open_csv(source, **options) as reader:
            for batch in reader:
                next(ticks, None)
                yield _block(batch, path, labels)


def read_region(
    path: Path, header: Header, labels: Labels, *, region: tuple[str, int, int]
) -> Iterator[Block]:
    """Yield the fragments of one region by the tabix index beside the file."""
    pysam = _checks.optional("pysam", "genomics")
    with _refusing(path), pysam.TabixFile(str(path)) as file:
        lines = file.fetch(*region)
        while part := list(islice(lines, 400_000)):
            source = io.BytesIO("\n".join(part).encode())
            table = pc.read_csv(source, **_options(header.n_columns))
            for batch in table.combine_chunks().to_batches():
                yield _block(batch, path, labels)


def indexed_chromosomes(path: Path) -> list[str]:
    """Return the chromosomes in the tabix index beside a file; none without index or pysam."""
    if not path.with_name(f"{path.name}.tbi").is_file():
        return []
    try:
        pysam = _checks.optional("pysam", "genomics")
    except ImportError:
        return []
    with pysam.TabixFile(str(path)) as file:
        return list(file.contigs)


def _options(n_columns: int, *, skip_rows: int = 0) -> dict[str, Any]:
    """Return what Arrow is to know of the format."""
    names = [*COLUMNS[:n_columns], *(f"column {i}" for i in range(len(COLUMNS), n_columns))]
    text = pa.dictionary(pa.int32(), pa.string())
    types = dict(zip(COLUMNS, (text, pa.int32(), pa.int32(), text, pa.int32()), strict=True))
    return {
        "read_options": pc.ReadOptions(
            use_threads=False, block_size=BLOCK, column_names=names, skip_rows=skip_rows
        ),
        "parse_options": pc.ParseOptions(
            delimiter="\t", quote_char=False, invalid_row_handler=_comments_aside
        ),
        "convert_options": pc.ConvertOptions(
            column_types=types, include_columns=names[: len(COLUMNS)], null_values=[]
        ),
    }


def _comments_aside(row: Any) -> str:  # noqa: ANN401 - pyarrow has no types
    """Pass over the headers inside a file that was pasted together from several."""
    return "skip" if row.text is not None and row.text.startswith("#") else "error"


def _block(batch: Any, path: Path, labels: Labels) -> Block:  # noqa: ANN401
    columns = {name: batch.column(name) for name in batch.schema.names}
    start, end = columns["start"].to_numpy(), columns["end"].to_numpy()
    wrong = np.flatnonzero((end <= start) | (start < 0))
    if len(wrong):
        shown = [f"{columns['chrom'][i]}\t{start[i]}\t{end[i]}" for i in wrong[:3].tolist()]
        message = (
            f"{path}: {len(wrong)} of {len(start)} fragments in one block end at or before their "
            f"start, or start before 0: {_checks.examples(shown)}. Fragments are 0-based, "
            "half-open."
        )
        raise ValueError(message)
    reads = columns["reads"].to_numpy() if "reads" in columns else None
    codes = labels.chroms.codes(columns["chrom"]), labels.cells.codes(columns["barcode"])
    return Block(codes[0], start, end, codes[1], reads)


def _megabytes(raw: Any, path: Path) -> Iterator[None]:  # noqa: ANN401 - any binary file
    """Move a bar to the place that has been read in the (compressed) file."""
    size = path.stat().st_size >> 20
    bar, done = progress(range(size), f"{path.name} (MB)", total=size), 0
    while True:
        here = raw.tell() >> 20
        for _ in islice(bar, here - done):
            pass
        done = here
        yield None


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Turn what Arrow and gzip say of a damaged file into errors that name it."""
    try:
        with _text.naming(path):
            yield
    except pa.ArrowInvalid as error:
        message = f"{path} is no fragment file: {error}. {_FORMAT}"
        raise ValueError(message) from error
