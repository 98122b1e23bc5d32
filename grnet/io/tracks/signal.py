"""Signal tracks (bigWig, bedGraph) as values over intervals."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Literal, get_args, overload

import numpy as np
import numpy.typing as npt
import pandas as pd

from grnet import _checks, _intervals
from grnet._progress import progress
from grnet.io import _text
from grnet.io.tracks import _bedgraph, _bigwig, _sources

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

logger = logging.getLogger(__name__)

Floats = npt.NDArray[np.float64]
Statistic = Literal["mean", "sum", "max", "min", "coverage"]


@overload
def read_signal(
    source: str | Path,
    intervals: pd.DataFrame,
    *,
    statistic: Statistic = ...,
    missing: float | None = ...,
    bins: None = ...,
) -> pd.Series[float]: ...


@overload
def read_signal(
    source: str | Path,
    intervals: pd.DataFrame,
    *,
    statistic: Statistic = ...,
    missing: float | None = ...,
    bins: int,
) -> pd.DataFrame: ...


@overload
def read_signal(
    source: list[str] | list[Path] | Mapping[str, str | Path],
    intervals: pd.DataFrame,
    *,
    statistic: Statistic = ...,
    missing: float | None = ...,
    bins: int | None = ...,
) -> pd.DataFrame: ...


def read_signal(
    source: str | Path | list[str] | list[Path] | Mapping[str, str | Path],
    intervals: pd.DataFrame,
    *,
    statistic: Statistic = "mean",
    missing: float | None = None,
    bins: int | None = None,
) -> pd.Series[float] | pd.DataFrame:
    r"""Summarise one or more signal tracks over intervals.

    Parameters
    ----------
    source
        A bigWig or bedGraph (also gzipped), a list of them, or a mapping of names to paths.
    intervals
        Columns ``chrom, start, end``, for example ``atac.var``. Chromosome names may be spelt in
        another way than in the track.
    statistic
        ``"mean"``, ``"sum"``, ``"max"`` or ``"min"`` over the bases, or ``"coverage"``: the share
        of the bases that have a value.
    missing
        Value of the bases that the track leaves out: None leaves them out too, and an interval
        without any data is NaN; 0 counts them as zeros, as most tracks of read coverage mean it.
    bins
        Cut each interval into so many pieces of equal length, from left to right.

    Returns
    -------
    Series for one path, else a frame with a column for each track, in the order and under the
    index of ``intervals``. With ``bins`` a frame with a column for each bin; of several tracks,
    its columns are (track, bin).

    Raises
    ------
    ValueError
        If a file is damaged or of another format, if no chromosome agrees, or if intervals start
        beyond the end of their chromosome (another assembly).

    Notes
    -----
    Values are exact, of single bases, never of the zoom levels of a bigWig.

    Examples
    --------
    >>> import grnet as gn
    >>> import pandas as pd
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> peaks = pd.DataFrame({"chrom": "chr1", "start": [0, 30], "end": [20, 40]})
    >>> with TemporaryDirectory() as folder:
    ...     track = Path(folder) / "H3K27ac.bedGraph"
    ...     _ = track.write_text("chr1\t0\t10\t2\nchr1\t10\t15\t8\n")
    ...     gn.io.read_signal(track, peaks).tolist()
    ...     gn.io.read_signal(track, peaks, missing=0).tolist()
    [4.0, nan]
    [3.0, 0.0]
    """
    _checks.one_of(statistic, get_args(Statistic), "statistic")
    regions = _intervals.checked(intervals, what="the intervals")
    if len(regions) == 0:
        message = "The frame of intervals is empty: pass at least one."
        raise ValueError(message)
    files = _sources.named_files(source, what="the signal", folders=False)
    cut = regions if bins is None else _binned(regions, bins)
    values = {
        name: _statistic(_summaries(path, cut), cut, statistic=statistic, missing=missing)
        for name, path in progress(files.items(), "tracks", total=len(files))
    }
    single = isinstance(source, str | os.PathLike)
    if bins is not None:
        tables = {
            name: pd.DataFrame(column.reshape(-1, bins), index=intervals.index)
            for name, column in values.items()
        }
        return next(iter(tables.values())) if single else pd.concat(tables, axis=1)
    frame = pd.DataFrame(values, index=intervals.index)
    return frame.iloc[:, 0] if single else frame


def _binned(intervals: pd.DataFrame, bins: int) -> pd.DataFrame:
    """Return the pieces of all intervals, one interval after the other."""
    length = (intervals["end"] - intervals["start"]).to_numpy()
    if bins < 1 or bins > length.min():
        message = (
            f"bins={bins!r} does not fit: expected 1 to {length.min()}, the length of the shortest "
            "interval in bases."
        )
        raise ValueError(message)
    edges = intervals["start"].to_numpy()[:, None] + length[:, None] * np.arange(bins + 1) // bins
    return pd.DataFrame(
        {
            "chrom": np.repeat(intervals["chrom"].to_numpy(), bins),
            "start": edges[:, :-1].ravel(),
            "end": edges[:, 1:].ravel(),
        }
    )


def _summaries(path: Path, intervals: pd.DataFrame) -> pd.DataFrame:
    """Return bases covered, sum, minimum and maximum of each interval, from any format."""
    number, _ = _bigwig.magic(path)
    if number == _bigwig.BIGBED:
        message = (
            f"{path} is a bigBed, which holds intervals and no signal: convert it with "
            "bigBedToBed and read it with gn.io.read_peaks."
        )
        raise ValueError(message)
    if number == _bigwig.BIGWIG:
        found = _bigwig.summaries(path, intervals)
    else:
        _refuse_wiggle(path)
        found = _bedgraph.summaries(path, intervals)
    empty = int((found["covered"] == 0).sum())
    if empty == len(found):
        logger.warning("%s has no data in any of the %d intervals", path, len(found))
    logger.info("%s: %d of %d intervals without data", path, empty, len(found))
    return found


def _refuse_wiggle(path: Path) -> None:
    head = _text.first_lines(path, 20)
    if any(line.startswith(("fixedStep", "variableStep")) for line in head):
        message = (
            f"{path} is a wiggle file (fixedStep, variableStep): convert it with wigToBigWig and "
            "read the bigWig."
        )
        raise ValueError(message)


def _statistic(
    found: pd.DataFrame, intervals: pd.DataFrame, *, statistic: Statistic, missing: float | None
) -> Floats:
    """Turn the summaries into one statistic, with missing bases left out or filled."""
    length = (intervals["end"] - intervals["start"]).to_numpy(dtype=np.float64)
    covered = found["covered"].to_numpy(dtype=np.float64)
    if statistic == "coverage":
        return _ratio(covered, length)
    if statistic in {"max", "min"}:
        values: Floats = found[statistic].to_numpy()
        if missing is None:
            return values
        better = np.fmax if statistic == "max" else np.fmin
        return np.where(covered < length, better(values, missing), values)
    total = np.where(covered > 0, found["sum"].to_numpy(), np.nan)
    if missing is not None:
        total = found["sum"].to_numpy() + missing * (length - covered)
    if statistic == "sum":
        return total
    return _ratio(total, covered if missing is None else length)


def _ratio(above: Floats, below: Floats) -> Floats:
    """Divide; nothing by nothing is NaN."""
    with np.errstate(invalid="ignore"):
        ratio: Floats = above / below
    return ratio
