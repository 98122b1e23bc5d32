"""Sequences to compare with: shuffles, and stretches of the genome that are alike but unbound."""

from __future__ import annotations

from typing import Any

import numpy as np

from grnet import _checks
from grnet.dna import _eulerian
from grnet.dna._arrays import batch_of_codes


def dinucleotide_shuffle(
    codes: np.ndarray[Any, np.dtype[np.uint8]], *, n: int = 1, seed: int = 0
) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Shuffle sequences so that every pair of neighbouring bases occurs as often as before.

    Parameters
    ----------
    codes
        uint8 ``(N, L)`` or ``(L,)``.
    n
        Shuffles of each sequence.
    seed
        Of the random numbers.

    Returns
    -------
    ndarray
        uint8 ``(N, n, L)``, for a single sequence ``(n, L)``.

    Raises
    ------
    ValueError
        If these are no codes, or ``n`` is less than 1.

    Notes
    -----
    A shuffle is an Eulerian walk through the graph of the four bases, drawn with equal probability
    from all of them: Altschul and Erickson (1985), with the tree of last edges by Wilson (1996).
    The first and the last base stay. Unknown bases keep their places, and each stretch between
    them is shuffled on its own.

    Examples
    --------
    >>> import grnet as gn
    >>> shuffles = gn.dna.dinucleotide_shuffle(gn.dna.to_codes("ACACGTGTNNAACCA"), n=2)
    >>> [text[8:10] for text in gn.dna.to_text(shuffles)]
    ['NN', 'NN']
    """
    rows = np.ascontiguousarray(batch_of_codes(codes))
    _checks.in_range(n, 1, 1 << 31, what="n")
    out = np.empty((len(rows), n, rows.shape[1]), dtype=np.uint8)
    _eulerian.shuffle(rows, out, np.random.default_rng(seed))
    return out if codes.ndim == 2 else out[0]
