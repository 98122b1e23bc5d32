"""bedGraph: text intervals with a value; summaries over other intervals."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from grnet.io.tracks import _columns
from grnet.io.tracks._columns import Column

COLUMNS = {
    "chrom": Column(0, "category"),
    "start": Column(1, "int64"),
    "end": Column(2, "int64"),
    "value": Column(3, "float64"),
}
_PAIRS_AT_A_TIME = 5_000_000

Numbers = npt.NDArray[np.int64]


def summaries(path: Path, intervals: pd.DataFrame) -> pd.DataFrame:
    """Return bases covered, sum, minimum and maximum of each interval.

    Only the pieces of the file that meet an interval are kept in memory.
    """
    chromosomes = _columns.Chromosomes(intervals["chrom"].unique())
    code = intervals["chrom"].map({name: i for i, name in enumerate(chromosomes.names)})
    wanted = intervals[["start", "end"]].assign(code=code.to_numpy(dtype=np.int64))
    pieces = _pieces(path, wanted, chromosomes)
    chromosomes.require_match(what=str(path))
    _refuse_overlaps(pieces, path)
    out = pd.DataFrame(
        {"covered": np.int64(0), "sum": 0.0, "min": np.nan, "max": np.nan}, index=intervals.index
    )
    values = out.to_numpy(dtype=np.float64)
    for number, rows in wanted.reset_index(drop=True).groupby("code"):
        of_chrom = pieces.loc[pieces["code"] == number]
        values[rows.index] = _over(rows, of_chrom)
    out[:] = values
    return out.astype({"covered": np.int64})


def _pieces(path: Path, wanted: pd.DataFrame, chromosomes: _columns.Chromosomes) -> pd.DataFrame:
    """Return the pieces that meet an interval, sorted."""
    merged = {int(str(code)): _merged(rows) for code, rows in wanted.groupby("code")}
    kept = []
    for block in _columns.blocks(path, COLUMNS):
        _columns.sane(block["start"].to_numpy(), block["end"].to_numpy(), what=str(path))
        codes = chromosomes.codes(block["chrom"])
        meets = np.zeros(len(block), dtype=bool)
        for code in np.unique(codes[codes >= 0]):
            rows = np.flatnonzero(codes == code)
            meets[rows] = _meets(block.iloc[rows], *merged[int(code)])
        meets &= block["value"].notna().to_numpy()
        kept.append(block.loc[meets, ["start", "end", "value"]].assign(code=codes[meets]))
    pieces = pd.concat(kept, ignore_index=True)
    return pieces.sort_values(["code", "start", "end"], kind="stable", ignore_index=True)


def _merged(rows: pd.DataFrame) -> tuple[Numbers, Numbers]:
    """Return starts and ends of the stretches that intervals cover together."""
    order = rows.sort_values("start")
    starts, ends = order["start"].to_numpy(), np.maximum.accumulate(order["end"].to_numpy())
    first = np.r_[True, starts[1:] > ends[:-1]]
    return starts[first], ends[np.r_[first[1:], True]]


def _meets(block: pd.DataFrame, starts: Numbers, ends: Numbers) -> npt.NDArray[np.bool_]:
    """Tell which pieces meet a stretch."""
    nearest = np.searchsorted(ends, block["start"].to_numpy(), side="right")
    begins = np.r_[starts, np.iinfo(np.int64).max][nearest]
    return np.asarray(begins < block["end"].to_numpy())


def _refuse_overlaps(pieces: pd.DataFrame, path: Path) -> None:
    code, start, end = (pieces[column].to_numpy() for column in ("code", "start", "end"))
    wrong = (code[1:] == code[:-1]) & (start[1:] < end[:-1])
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        message = (
            f"{path} gives two values to the same bases {int(wrong.sum())} times, first in "
            f"{start[row]}-{end[row]} and {start[row + 1]}-{end[row + 1]}. A bedGraph has one "
            "value for a base: it may hold several tracks, or be a table of another kind."
        )
        raise ValueError(message)


def _over(rows: pd.DataFrame, pieces: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Summarise the sorted pieces of one chromosome over its intervals."""
    start, end, value = (pieces[column].to_numpy() for column in ("start", "end", "value"))
    left, right = rows["start"].to_numpy(), rows["end"].to_numpy()
    first = np.searchsorted(end, left, side="right")
    last = np.maximum(np.searchsorted(start, right, side="left"), first)
    out = np.full((len(rows), 4), [0.0, 0.0, np.nan, np.nan])
    met = np.flatnonzero((last > first) & (right > left))
    for chosen in _portions(met, (last - first)[met]):
        counts = (last - first)[chosen]
        offsets = np.cumsum(counts) - counts
        piece = np.arange(counts.sum()) + np.repeat(first[chosen] - offsets, counts)
        low = np.maximum(start[piece], np.repeat(left[chosen], counts))
        width = np.minimum(end[piece], np.repeat(right[chosen], counts)) - low
        out[chosen, 0] = np.add.reduceat(width, offsets)
        out[chosen, 1] = np.add.reduceat(width * value[piece], offsets)
        out[chosen, 2] = np.minimum.reduceat(value[piece], offsets)
        out[chosen, 3] = np.maximum.reduceat(value[piece], offsets)
    return out


def _portions(rows: Numbers, counts: Numbers) -> Iterator[Numbers]:
    """Split the intervals into portions with a bounded number of pieces."""
    portion = np.cumsum(counts) // _PAIRS_AT_A_TIME
    parts = np.split(rows, np.flatnonzero(np.diff(portion)) + 1)
    yield from (part for part in parts if len(part))
