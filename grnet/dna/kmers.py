"""K-mers of sequences: as tokens, and counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from grnet import _checks
from grnet.dna import _words
from grnet.dna._arrays import batch_of_codes, refuse_no_codes

if TYPE_CHECKING:
    from grnet._alphabet import Codes

LONGEST_TOKEN = 31
LONGEST_COUNTED = 12


def kmer_tokens(
    codes: Codes, k: int, *, stride: int = 1, unknown: int = -1
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Turn sequences into the numbers of their k-mers.

    Parameters
    ----------
    codes
        uint8 ``(L,)`` or ``(N, L)``.
    k
        Length of the k-mers, 1 to 31.
    stride
        Bases from one k-mer to the next: 1 for all (overlapping), ``k`` for a text of k-mers
        without overlap.
    unknown
        The token of k-mers with an N in them.

    Returns
    -------
    ndarray
        int64, ``(L - k) // stride + 1`` tokens along the last axis. The token is the k-mer read as
        a number of base 4: AAA is 0, AAC is 1, TTT is 63.

    Raises
    ------
    ValueError
        If ``k`` or ``stride`` is out of range.

    Notes
    -----
    In a text without overlap, one inserted base renames every token to its right.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.dna.kmer_tokens(gn.dna.to_codes("AAACNTT"), 2)
    array([ 0,  0,  1, -1, -1, 15])
    >>> gn.dna.kmer_tokens(gn.dna.to_codes("AAACNTT"), 2, stride=2)
    array([ 0,  1, -1])
    """
    refuse_no_codes(codes)
    _checks.whole(k, 1, LONGEST_TOKEN, what="k")
    _checks.whole(stride, 1, 1 << 31, what="stride")
    numbers = _words.words(codes, k, stride=stride)
    if unknown != -1:
        numbers[numbers < 0] = unknown
    return numbers


def kmer_counts(codes: Codes, k: int, *, canonical: bool = True) -> sp.csr_matrix:
    """Count the k-mers of each sequence.

    Parameters
    ----------
    codes
        uint8 ``(N, L)`` or ``(L,)``.
    k
        Length of the k-mers, 1 to 12.
    canonical
        Count a k-mer and its reverse complement in one column.

    Returns
    -------
    scipy.sparse.csr_matrix
        Sequences x k-mers, in the order of :func:`kmer_names`; k-mers with N are not counted.

    Raises
    ------
    ValueError
        If ``k`` is out of range.

    Examples
    --------
    >>> import grnet as gn
    >>> counts = gn.dna.kmer_counts(gn.dna.to_codes(["AACGTT"]), 2)
    >>> dict(zip(gn.dna.kmer_names(2), counts.toarray()[0].tolist(), strict=True))["AA"]
    2
    """
    rows = batch_of_codes(codes)
    _checks.whole(k, 1, LONGEST_COUNTED, what="k")
    tokens = _words.words(rows, k)
    there = tokens >= 0
    column: np.ndarray[Any, Any] = tokens[there]
    n_columns = 4**k
    if canonical:
        column_of, kept = _words.canonical(k)
        column, n_columns = column_of[column], len(kept)
    ends = np.concatenate([[0], there.sum(axis=1).cumsum()])
    counts = sp.csr_matrix(
        (np.ones(len(column), dtype=np.int32), column, ends), shape=(len(rows), n_columns)
    )
    counts.sum_duplicates()
    return counts


def kmer_names(k: int, *, canonical: bool = True) -> list[str]:
    """Name the columns of :func:`kmer_counts`.

    Parameters
    ----------
    k
        Length of the k-mers, 1 to 12.
    canonical
        As for the counts.

    Returns
    -------
    list
        In the order of the alphabet; of a k-mer and its reverse complement the first.

    Raises
    ------
    ValueError
        If ``k`` is out of range.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.dna.kmer_names(1), len(gn.dna.kmer_names(6))
    (['A', 'C'], 2080)
    """
    _checks.whole(k, 1, LONGEST_COUNTED, what="k")
    numbers = _words.canonical(k)[1] if canonical else np.arange(4**k, dtype=np.int64)
    return _words.names(numbers, k)
