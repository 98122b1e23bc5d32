"""Windows of bins, cut so that every bin has context on both sides."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from grnet.models._marks import MISSING, Integers, Values


class Windows(NamedTuple):
    """Distinct windows, which of them stands where, and how to lay their centres out again."""

    distinct: Values
    """(windows, window, marks)."""
    which: Integers
    kept: npt.NDArray[np.bool_]
    """Which bins of the centres, end to end, are bins of the chromosomes."""
    side: int
    """Bins of context on each side of a centre."""


def centred(values: Values, lengths: Integers, *, window: int) -> Windows:
    """Cut windows whose centre halves cover each chromosome; beyond its ends nothing is known.

    Most of a genome holds no mark: equal windows are kept once.
    """
    side = window // 4
    centre = window - 2 * side
    parts, kept = [], []
    for chain in np.split(values, np.cumsum(lengths)[:-1]):
        n_windows = -(-len(chain) // centre)
        padded = np.full((n_windows * centre + 2 * side, values.shape[1]), MISSING, np.uint8)
        padded[side : side + len(chain)] = chain
        slides = np.lib.stride_tricks.sliding_window_view(padded, window, axis=0)
        parts.append(slides[::centre].transpose(0, 2, 1))
        kept.append(np.arange(n_windows * centre) < len(chain))
    flat = np.ascontiguousarray(np.concatenate(parts)).reshape(sum(map(len, parts)), -1)
    packed = flat.view(np.dtype((np.void, flat.shape[1])))[:, 0]
    _, first, which = np.unique(packed, return_index=True, return_inverse=True)
    distinct = flat[first].reshape(len(first), window, values.shape[1])
    return Windows(distinct, which.reshape(-1).astype(np.int64), np.concatenate(kept), side)
