"""The inner loop for motifs that no single word rules out: every place is looked at."""

from typing import Any

import numba
import numpy as np

CHUNK = 2048
"""Places at a time: what is kept of them stays in the fastest memory."""

Array = np.ndarray[Any, Any]


def _visited(  # noqa: PLR0917 - compiled code takes its arguments by position
    motif: tuple[Array, Array, int, int],
    dna: tuple[Array, Array],
    begin: int,
    out: tuple[Array, Array],
) -> tuple[np.int64, int]:
    """Fill ``out`` with places and costs of hits, and return how many, and where to go on.

    A place is always written down and kept only if it is within the budget: with no branch in the
    loops, the processor has nothing to guess. Unsigned numbers spare it the check for negative
    ones.
    """
    tables, columns, width, budget = motif
    words, room = dna
    place, loss = out
    n_found, end = np.int64(0), len(room) - width + 1
    while begin < end and n_found + CHUNK <= len(place):
        kept = np.uint64(n_found)
        first, second = tables[0], tables[1]
        first_word, second_word = words[begin + columns[0] :], words[begin + columns[1] :]
        for i in range(min(CHUNK, end - begin)):
            cost = np.int32(first[first_word[i]]) + np.int32(second[second_word[i]])
            place[kept] = begin + i
            loss[kept] = cost
            kept += np.uint64(cost <= budget)
        for step in range(2, len(columns)):
            table, column = tables[step], np.uint64(columns[step])
            last, kept = kept, np.uint64(n_found)
            for i in range(np.uint64(n_found), last):
                cost = loss[i] + np.int32(table[words[np.uint64(place[i]) + column]])
                place[kept] = place[i]
                loss[kept] = cost
                kept += np.uint64(cost <= budget)
        last, kept = kept, np.uint64(n_found)
        for i in range(np.uint64(n_found), last):
            at = place[i]
            place[kept] = at
            loss[kept] = loss[i]
            kept += np.uint64(room[np.uint64(at)] >= width)
        n_found = np.int64(kept)
        begin += CHUNK
    return n_found, begin


try:
    walk = numba.njit(nogil=True, cache=True)(_visited)
except RuntimeError:  # neither the package's folder nor the user's cache can be written
    walk = numba.njit(nogil=True)(_visited)
