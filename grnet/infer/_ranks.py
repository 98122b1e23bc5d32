"""Scores of any unit as the share of pairs that are at least as strong."""

import numpy as np


def tail_shares(strength: np.ndarray, *, ascending: np.ndarray | None = None) -> np.ndarray:
    """Return for each pair the share of pairs at least as strong (ties at half; 1 for zero).

    With ``ascending``, the share of these values instead of its own.

    Examples
    --------
    >>> tail_shares(np.array([0.0, 3.0, 1.0, 1.0])).tolist()
    [1.0, 0.125, 0.5, 0.5]
    """
    shape, strength = strength.shape, strength.ravel()
    order = np.argsort(strength)
    in_order = strength[order]  # searching in order reads the reference once, from end to end
    ascending = in_order if ascending is None else ascending
    below = np.searchsorted(ascending, in_order, "left")
    reached = np.searchsorted(ascending, in_order, "right")
    shares = np.empty(len(strength), dtype=np.float32)
    shares[order] = 1.0 - (below + reached) / (2 * len(ascending))
    shares[strength == 0] = 1.0
    return np.maximum(shares, np.float32(0.5 / len(ascending))).reshape(shape)
