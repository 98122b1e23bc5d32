"""Numbers of k-mers: the base-4 number of their codes, so that AA..A is 0."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from grnet import _alphabet

if TYPE_CHECKING:
    import numpy.typing as npt

    from grnet._alphabet import Codes

Numbers = np.ndarray[Any, np.dtype[np.int64]]


def words(codes: Codes, k: int, *, stride: int = 1) -> Numbers:
    """Return rows x positions: the k-mer that starts there, or -1 where an N is inside."""
    n = max(0, (codes.shape[-1] - k) // stride + 1)
    numbers = np.zeros((*codes.shape[:-1], n), dtype=np.int64)
    unknown = np.zeros(numbers.shape, dtype=bool)
    for offset in range(k):
        base = codes[..., offset : offset + (n - 1) * stride + 1 : stride] if n else codes[..., :0]
        numbers *= 4
        numbers += base
        unknown |= base >= _alphabet.UNKNOWN
    numbers[unknown] = -1
    return numbers


def bases(numbers: Numbers, k: int) -> Codes:
    """Return the codes of k-mers, along a new last axis."""
    shifts = 2 * np.arange(k - 1, -1, -1)
    return ((numbers[..., None] >> shifts) & 3).astype(np.uint8)


def names(numbers: Numbers, k: int) -> list[str]:
    """Return the k-mers as texts."""
    text = _alphabet.to_text(bases(numbers, k))
    return [text[at : at + k] for at in range(0, len(text), k)]


@lru_cache(maxsize=4)
def canonical(k: int) -> tuple[npt.NDArray[np.int32], Numbers]:
    """Return the column of each k-mer, and the k-mer of each column.

    A k-mer shares its column with its reverse complement, under the smaller of the two.
    """
    own = np.arange(4**k, dtype=np.int32)
    twin, rest = np.zeros_like(own), own.copy()
    for _ in range(k):
        twin <<= 2
        twin += 3 - (rest & 3)
        rest >>= 2
    first = own <= twin
    rank = np.cumsum(first, dtype=np.int32) - np.int32(1)
    column = rank[np.minimum(own, twin)]
    kept = np.flatnonzero(first)
    for shared in (column, kept):
        shared.flags.writeable = False
    return column, kept
