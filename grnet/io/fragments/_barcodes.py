"""Barcodes of cells: the same cell under the spellings of two files."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from grnet import _checks

_SUFFIX = re.compile(r"-\d+$")
_DNA = re.compile(r"[ACGTN]{8,}")


def bare(barcode: str) -> str:
    """Return a barcode without the number of its well, ``AACT-1`` -> ``AACT``."""
    return _SUFFIX.sub("", barcode)


def core(barcode: str) -> str:
    """Return the DNA of a barcode, ``sample_AACTGGTC-1`` -> ``AACTGGTC``."""
    found = _DNA.search(barcode)
    return found[0] if found else barcode


class Shared(NamedTuple):
    """Positions of the cells that two tables share, in the order of the first."""

    first: np.ndarray
    second: np.ndarray

    def share(self, n_first: int, n_second: int) -> float:
        """Return how much of the smaller table is shared."""
        return len(self.first) / max(1, min(n_first, n_second))


def shared(first: Sequence[str], second: Sequence[str]) -> Shared:
    """Find the same cells in two tables: as spelt, without the suffix, or by the DNA alone.

    The spelling with the most matches counts, the strictest one among equals; one that would make
    two cells of a table the same does not.
    """
    found = [_matched(first, second, spelt) for spelt in (str, bare, core)]
    return max(found, key=lambda pairs: len(pairs.first))


def _matched(first: Sequence[str], second: Sequence[str], spelt: Callable[[str], str]) -> Shared:
    left, right = (pd.Index([spelt(name) for name in names]) for names in (first, second))
    if not (left.is_unique and right.is_unique):
        return Shared(np.empty(0, np.int64), np.empty(0, np.int64))
    places = right.get_indexer(left)
    return Shared(np.flatnonzero(places >= 0), places[places >= 0])


def spelt_alike(
    wanted: Sequence[str], seen: Iterable[str]
) -> tuple[list[str], Callable[[str], str]]:
    """Return the wanted barcodes, and what to do to those of a file, so that both agree.

    Raises
    ------
    ValueError
        If the suffix has to go, and two of the wanted barcodes differ in nothing else.
    """
    here, there = (any(_SUFFIX.search(name) for name in names) for names in (wanted, seen))
    if here == there:
        return list(wanted), str
    names = pd.Index([bare(name) for name in wanted])
    doubled = names[names.duplicated()]
    if len(doubled):
        message = (
            f"{len(doubled)} barcodes differ in their suffix alone ({_checks.examples(doubled)}), "
            "but the fragment file has barcodes without a suffix. Give the barcodes of one sample."
        )
        raise ValueError(message)
    return list(names), bare
