"""Intervals: frames with the columns ``chrom, start, end``, 0-based and half-open."""

from collections.abc import Iterable

import bioframe
import numpy as np
import pandas as pd

from grnet import _checks

COLUMNS = ("chrom", "start", "end")
_NAME = r"^(?P<chrom>.+?)[:\-_](?P<start>\d[\d,]*)[-_](?P<end>\d[\d,]*)$"
_FAR = 1 << 40


def names(intervals: pd.DataFrame) -> pd.Index:
    """Return the name of each interval, ``chr1:100-200``."""
    start, end = (intervals[column].astype("int64").astype(str) for column in ("start", "end"))
    return pd.Index(intervals["chrom"].astype(str) + ":" + start + "-" + end, dtype=object)


def from_names(texts: Iterable[str], *, what: str) -> pd.DataFrame:
    """Read names such as ``chr1:100-200``, ``chr1-100-200`` or ``chr1_100_200``.

    Raises
    ------
    ValueError
        If a name has another form.
    """
    given = pd.Series(list(texts), dtype=object).astype(str)
    parts = given.str.extract(_NAME)
    wrong = parts["end"].isna()
    if wrong.any():
        message = (
            f"{int(wrong.sum())} of {len(given)} names of {what} are not intervals: "
            f"{_checks.examples(given[wrong])}. Expected names such as 'chr1:100-200'."
        )
        raise ValueError(message)
    for column in ("start", "end"):
        parts[column] = parts[column].str.replace(",", "")
    return checked(parts, what=what)


def of_variables(var: pd.DataFrame, *, what: str) -> pd.DataFrame:
    """Return the intervals of an AnnData's variables, from the columns of ``var`` or its names.

    Raises
    ------
    ValueError
        If there are no such columns and a name has another form.
    """
    if set(COLUMNS) <= set(var.columns):
        return checked(var[list(COLUMNS)], what=what)
    return from_names(var.index, what=what).set_axis(var.index, axis=0)


def checked(intervals: pd.DataFrame, *, what: str) -> pd.DataFrame:
    """Return the frame with text chromosomes and integer ends, or raise.

    Raises
    ------
    ValueError
        If a column is missing, an end is not a whole number, or lies before its start or zero.
    """
    _checks.has_columns(intervals, COLUMNS, what)
    frame = intervals.copy()
    for column in ("start", "end"):
        frame[column] = _integers(frame[column], what=what)
    if frame["chrom"].isna().any():
        message = f"{int(frame['chrom'].isna().sum())} intervals of {what} have no chromosome."
        raise ValueError(message)
    frame["chrom"] = frame["chrom"].astype(str)
    wrong = (frame["start"] < 0) | (frame["end"] < frame["start"])
    if wrong.any():
        shown = frame.loc[wrong, list(COLUMNS)].astype(str).agg(" ".join, axis=1)
        message = (
            f"{int(wrong.sum())} of {len(frame)} intervals of {what} end before they start or "
            f"start before 0: {_checks.examples(shown)}. Intervals are 0-based, start <= end."
        )
        raise ValueError(message)
    return frame


def overlaps(left: pd.DataFrame, right: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return the row numbers of all overlapping pairs, in the order of ``left``.

    Chromosome names have to agree already. Intervals that only touch do not overlap.
    """
    if len(left) == 0 or len(right) == 0:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    bare = [side[list(COLUMNS)].reset_index(drop=True) for side in (left, right)]
    pairs = bioframe.overlap(*bare, how="inner", return_input=False, return_index=True)
    first = pairs["index"].to_numpy(dtype=np.int64)
    second = pairs["index_"].to_numpy(dtype=np.int64)
    order = np.lexsort((second, first))
    return first[order], second[order]


def _integers(column: pd.Series, *, what: str) -> pd.Series:
    numbers = pd.to_numeric(column, errors="coerce")
    wrong = numbers.isna() | (numbers % 1 != 0) | (numbers.abs() > _FAR)
    if wrong.any():
        message = (
            f"{int(wrong.sum())} values in the column {column.name!r} of {what} are not whole "
            f"numbers or too large for a chromosome: {_checks.examples(column[wrong])}."
        )
        raise ValueError(message)
    return numbers.astype("int64")
