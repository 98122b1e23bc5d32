"""bigWig: summaries over intervals, through pybigtools."""

import csv
import struct
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from grnet import _checks, _chromosomes
from grnet._progress import progress

BIGWIG, BIGBED = 0x888FFC26, 0x8789F2EB
_CHROMOSOME_TREE, _INDEX = 0x78CA8C91, 0x2468ACE0
_LARGEST_BLOCK = 1 << 30
_AT_A_TIME = 100_000


def magic(path: Path) -> tuple[int, str]:
    """Return the number that a binary track begins with, and its byte order."""
    with path.open("rb") as file:
        start = file.read(4)
    if len(start) < 4:
        return 0, "<"
    for order in "<>":
        (number,) = struct.unpack(f"{order}I", start)
        if number in {BIGWIG, BIGBED}:
            return number, order
    return 0, "<"


def summaries(path: Path, intervals: pd.DataFrame) -> pd.DataFrame:
    """Return bases covered, sum, minimum and maximum of each interval."""
    _verify(path)
    pybigtools = _checks.optional("pybigtools", "genomics")
    try:
        with pybigtools.open(str(path)) as track:
            return _summaries(track, path, intervals)
    except ValueError:
        raise
    # a panic of the Rust library is no Exception, and its classes differ between versions
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | SystemExit | MemoryError):
            raise
        message = (
            f"{path} is damaged or truncated: pybigtools stops with {str(error)!r}. "
            "Copy or download it again."
        )
        raise ValueError(message) from error


def _summaries(track: Any, path: Path, intervals: pd.DataFrame) -> pd.DataFrame:  # noqa: ANN401
    sizes = {str(name): int(size) for name, size in track.chroms().items()}
    bare = intervals[["chrom", "start", "end"]].reset_index(drop=True)
    known = _chromosomes.renamed(bare, sizes, what="the intervals")
    _refuse_beyond(known, sizes, path)
    out = np.full((len(bare), 4), [0.0, 0.0, np.nan, np.nan])
    # in the order of the file, whose compressed blocks are then unpacked once
    ordered = known.loc[known["end"] > known["start"]].sort_values(["chrom", "start"])
    blocks = range(0, len(ordered), _AT_A_TIME)
    for start in progress(blocks, path.name, total=len(blocks)):
        rows = ordered.iloc[start : start + _AT_A_TIME]
        out[rows.index] = _block(track, rows)
    columns = ["covered", "sum", "min", "max"]
    frame = pd.DataFrame(out, columns=columns, index=intervals.index)
    return frame.astype({"covered": np.int64})


def _block(track: Any, rows: pd.DataFrame) -> npt.NDArray[np.float64]:  # noqa: ANN401
    with TemporaryDirectory() as folder:
        bed = Path(folder) / "intervals.bed"
        rows.to_csv(bed, sep="\t", header=False, index=False, quoting=csv.QUOTE_NONE)
        found = list(track.average_over_bed(str(bed), stats=["bases", "sum", "min", "max"]))
    return np.array(found, dtype=np.float64)


def _refuse_beyond(intervals: pd.DataFrame, sizes: dict[str, int], path: Path) -> None:
    size = intervals["chrom"].map(sizes)
    beyond = intervals.loc[intervals["start"] >= size.where(size > 0, 1)]
    if len(beyond):
        shown = beyond["chrom"] + ":" + beyond["start"].astype(str)
        chrom = beyond["chrom"].iloc[0]
        message = (
            f"{len(beyond)} of {len(intervals)} intervals start beyond the end of their "
            f"chromosome in {path}: {_checks.examples(shown)}, but {chrom} has {sizes[chrom]} "
            "bases. The intervals and the track come from different assemblies."
        )
        raise ValueError(message)


def _verify(path: Path) -> None:
    """Raise if the header points outside the file: reading on could end the whole process."""
    size = path.stat().st_size
    number, order = magic(path)
    if number != BIGWIG:
        message = f"{path} is no bigWig: it lacks the number that bigWig files begin with."
        raise ValueError(message)
    with path.open("rb") as file:
        header = file.read(64)
        if len(header) == 64:
            fields = struct.unpack(f"{order}IHHQQQHHQQIQ", header)
            levels, tree, data, index, block = fields[2], *fields[3:6], fields[10]
            inside = max(64 + 24 * levels, tree + 32, data, index + 48) <= size
            if inside and block < _LARGEST_BLOCK:
                file.seek(tree)
                tree_magic, _, key, value, items = struct.unpack(f"{order}IIIIQ", file.read(24))
                file.seek(index)
                (index_magic,) = struct.unpack(f"{order}I", file.read(4))
                fits = key <= 4096 and value == 8 and items * (key + value) <= size
                if fits and (tree_magic, index_magic) == (_CHROMOSOME_TREE, _INDEX):
                    return
    message = (
        f"{path} is damaged or truncated: its header does not fit its size of {size} bytes. "
        "Copy or download it again."
    )
    raise ValueError(message)
