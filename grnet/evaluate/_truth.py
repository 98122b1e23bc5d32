"""Known edges, from a frame, a network or a file, as one table of labelled pairs."""

import gzip
import logging
import zlib
from pathlib import Path
from typing import TypeAlias

import pandas as pd

from grnet import _checks
from grnet.grn import GRN

logger = logging.getLogger(__name__)

Truth: TypeAlias = pd.DataFrame | GRN | str | Path

SOURCE_NAMES = frozenset({"source", "tf", "regulator", "gene1"})
TARGET_NAMES = frozenset({"target", "gene", "gene2"})


def labelled_pairs(table: Truth, what: str) -> pd.DataFrame:
    """Return ``source, target, label`` (bool): unique pairs without self edges.

    A column ``label``, or a third column of both 0 and 1 (DREAM's files), marks negatives; without
    one every pair is positive.
    """
    if isinstance(table, GRN):
        frame = table.edges[["source", "target"]].drop_duplicates()
    elif isinstance(table, pd.DataFrame):
        frame = table
    else:
        frame = _read(Path(table), what)
    if frame.shape[1] < 2 or frame.empty:
        message = (
            f"{what} is a table of {frame.shape[0]} rows x {frame.shape[1]} columns: expected at "
            "least one row and the columns source and target."
        )
        raise ValueError(message)
    source, target = _end(frame, SOURCE_NAMES, 0), _end(frame, TARGET_NAMES, 1)
    pairs = frame.iloc[:, [source, target]].set_axis(["source", "target"], axis=1)
    if pairs.isna().any(axis=None):
        message = f"{int(pairs.isna().any(axis=1).sum())} rows of {what} lack a name: drop them."
        raise ValueError(message)
    pairs = pairs.astype(str).assign(label=_labels(frame, what).to_numpy())
    pairs = pairs.loc[pairs["source"] != pairs["target"]]
    # a pair that is listed both as a negative and as a positive is a positive
    pairs = pairs.sort_values("label", ascending=False, kind="stable")
    return pairs.drop_duplicates(["source", "target"]).reset_index(drop=True)


def true_edges(table: Truth, what: str = "the truth") -> pd.DataFrame:
    """Return ``source, target`` of the positive pairs."""
    pairs = labelled_pairs(table, what)
    edges = pairs.loc[pairs["label"], ["source", "target"]].reset_index(drop=True)
    if edges.empty:
        message = f"{what} holds no edge between two different genes: is it the right table?"
        raise ValueError(message)
    return edges


def _end(frame: pd.DataFrame, known: frozenset[str], default: int) -> int:
    """Return the position of the column of a known name, else the default position."""
    names = [str(column).lower() for column in frame.columns]
    return next((i for i, name in enumerate(names) if name in known), default)


def _labels(frame: pd.DataFrame, what: str) -> pd.Series:
    names = [str(column).lower() for column in frame.columns]
    if "label" in names:
        column = frame.iloc[:, names.index("label")]
    elif frame.shape[1] > 2 and set(frame.iloc[:, 2].astype(str)) == {"0", "1"}:
        column = frame.iloc[:, 2]
    else:
        return pd.Series(data=True, index=frame.index)
    numbers = pd.to_numeric(column, errors="coerce")
    if not numbers.isin([0, 1]).all():
        wrong = column[~numbers.isin([0, 1])]
        message = (
            f"The labels of {what} must be 0 or 1, found {_checks.examples(wrong.unique())}. "
            "Rename the column if it is no label."
        )
        raise ValueError(message)
    labels = numbers == 1
    logger.info("%s: %d pairs labelled 0 are taken as negatives", what, int((~labels).sum()))
    return labels


def _read(path: Path, what: str) -> pd.DataFrame:
    """Read a csv or tsv file (gz too), with or without a header, names as text."""
    if not path.is_file():
        message = f"{what}: there is no file {path}."
        raise FileNotFoundError(message)
    zipped = path.suffix == ".gz"
    try:
        with gzip.open(path, "rt") if zipped else path.open() as handle:
            first = handle.readline()
        if not first.strip():
            message = f"{what}: {path} is empty. Expected one edge per line: source, target."
            raise ValueError(message)
        separator = "\t" if "\t" in first else ","
        frame = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False)
        if _is_data(frame):
            frame = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, header=None)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        message = f"{what}: {path} is a broken or truncated gzip file ({error}): copy it again."
        raise ValueError(message) from error
    except pd.errors.ParserError as error:
        message = f"{what}: {path} is no table of edges ({error}). Expected csv or tsv."
        raise ValueError(message) from error
    return frame


def _is_data(frame: pd.DataFrame) -> bool:
    """Return whether the header line is an edge: its names are no known ones but occur below."""
    names = {str(column) for column in frame.columns[:2]}
    if {name.lower() for name in names} & (SOURCE_NAMES | TARGET_NAMES):
        return False
    return any(bool(frame[column].isin(names).any()) for column in frame.columns[:2])
