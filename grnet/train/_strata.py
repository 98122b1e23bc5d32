"""Examples that share a label, and orders in which they come."""

from __future__ import annotations

from typing import Any

import numpy as np

from grnet import _checks

Rows = np.ndarray[Any, np.dtype[np.int64]]
Values = np.ndarray[Any, np.dtype[np.float64]]

_MOST_CLASSES = 10_000


def as_columns(labels: np.ndarray[Any, Any]) -> Values:
    """Return labels as N x T floats, or raise."""
    columns = np.asarray(labels, dtype=np.float64)
    if columns.ndim == 1:
        columns = columns[:, None]
    if columns.ndim != 2 or not np.isfinite(columns).any():
        message = (
            f"Found labels of shape {np.shape(labels)}, {int(np.isfinite(columns).sum())} of them "
            "known. Expected (N,) or (N, T), not all of them NaN."
        )
        raise ValueError(message)
    return columns


def one_column(labels: np.ndarray[Any, Any]) -> Values:
    """Return the labels of a single task, all of them known, or raise."""
    columns = as_columns(labels)
    if columns.shape[1] > 1 or not np.isfinite(columns).all():
        message = (
            f"Found {columns.shape[1]} tasks and {int(np.isnan(columns).sum())} unknown labels. "
            "Expected one task with all labels known: take one column and leave out its NaN."
        )
        raise ValueError(message)
    return columns[:, 0]


def class_numbers(values: Values) -> Rows:
    """Return known labels as whole numbers from 0, or raise."""
    whole = (values >= 0) & (values < _MOST_CLASSES) & (values % 1 == 0)
    if not whole.all():
        message = (
            f"Found labels {_checks.examples(np.unique(values[~whole]))}. Expected the numbers of "
            "classes: 0, 1, 2, ..."
        )
        raise ValueError(message)
    return values.astype(np.int64)


def of_tasks(labels: np.ndarray[Any, Any]) -> list[Rows]:
    """Return the rows of each class of each task."""
    strata = []
    for column in as_columns(labels).T:
        known = np.isfinite(column)
        numbers = class_numbers(column[known])
        rows = np.flatnonzero(known)
        strata += [rows[numbers == number] for number in np.unique(numbers)]
    return strata


def of_rows(labels: np.ndarray[Any, Any]) -> Rows:
    """Return the number of the class of each row: rows with the same labels make a class."""
    columns = as_columns(labels)
    known = np.isfinite(columns)
    numbers = np.full(columns.shape, -1, dtype=np.int64)
    numbers[known] = class_numbers(columns[known])
    return np.unique(numbers, axis=0, return_inverse=True)[1].reshape(-1)


def cycled(rows: Rows, n: int, rng: np.random.Generator) -> Rows:
    """Return so many rows: all of them in a random order, as often as there is need."""
    rounds = -(-n // len(rows))
    order = [rng.permutation(rows) for _ in range(rounds)]
    return np.concatenate(order)[:n] if order else rows[:0]


def interleaved(classes: Rows, rng: np.random.Generator) -> Rows:
    """Return an order in which the rows of each class are spread evenly."""
    shuffled = rng.permutation(len(classes))
    by_class = shuffled[np.argsort(classes[shuffled], kind="stable")]
    sizes = np.bincount(classes)
    begin = np.cumsum(sizes) - sizes
    rank = np.arange(len(classes)) - np.repeat(begin, sizes)
    offset = rng.random(len(sizes))
    place = (rank + np.repeat(offset, sizes)) / np.repeat(sizes, sizes)
    return by_class[np.argsort(place, kind="stable")]
