"""Marks along chromosomes as models take them: codes of bins, and where chains begin."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from grnet.io.tracks.binarised import MISSING

__all__ = ["MISSING", "Floats", "Integers", "Lengths", "Values", "checked"]

Values = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Lengths = Sequence[int] | Integers | None
"""Numbers of bins of the chromosomes, one after the other; None for a single one."""


def checked(values: Values, lengths: Lengths, *, n_marks: int) -> tuple[Values, Integers]:
    """Return marks and lengths of chains as arrays, or raise.

    Raises
    ------
    ValueError
        If they are no codes 0, 1, 2, of other marks, or the lengths do not add up.
    """
    bins = np.asarray(values)
    if bins.ndim != 2 or bins.shape[1] != n_marks or not len(bins):
        message = (
            f"Marks have the shape {bins.shape}: expected (bins, {n_marks}), the marks that the "
            "model knows, and at least one bin."
        )
        raise ValueError(message)
    if not np.isin(bins, (0, 1, MISSING)).all():
        message = (
            f"Marks hold values such as {bins[~np.isin(bins, (0, 1, MISSING))][0]!r}: expected 0 "
            f"(absent), 1 (present) or {MISSING} (not measured). Binarise the signal first."
        )
        raise ValueError(message)
    chains = np.asarray([len(bins)] if lengths is None else lengths, dtype=np.int64)
    if (chains < 1).any() or chains.sum() != len(bins):
        message = (
            f"The lengths of the chromosomes add up to {chains.sum()}, but there are {len(bins)} "
            "bins: each must be at least 1, and together they hold all bins."
        )
        raise ValueError(message)
    return np.ascontiguousarray(bins, dtype=np.uint8), chains
