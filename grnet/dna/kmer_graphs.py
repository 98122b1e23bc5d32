"""Sequences as graphs of k-mers that follow one another (de Bruijn), in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from grnet import _alphabet, _checks
from grnet.dna._arrays import batch_of_codes
from grnet.dna.kmers import kmer_counts, kmer_names

if TYPE_CHECKING:
    from grnet._alphabet import Codes

LONGEST = 6
_BLOCK = 1 << 24


def kmer_graph_features(codes: Codes, *, k: int = 3, transitions: bool = True) -> pd.DataFrame:
    """Describe the graph of the k-mers of each sequence, in which each leads to the next.

    Parameters
    ----------
    codes
        uint8 ``(N, L)`` or ``(L,)``.
    k
        Length of the k-mers, 1 to 6.
    transitions
        Give the probability of each base after each k-mer too: 4 ** (k + 1) columns.

    Returns
    -------
    DataFrame
        One row per sequence. ``n_nodes`` and ``n_edges`` that occur, ``mean_degree`` and
        ``max_degree`` (different bases that follow a k-mer), ``n_branching`` (k-mers followed by
        two or more), ``n_loops`` (k-mers that follow themselves), ``edge_entropy`` and
        ``next_entropy`` (bits, of all edges and of the next base when the k-mer is known); then
        ``AAA>C``, the share of C after AAA, 0 where there is no AAA.

    Raises
    ------
    ValueError
        If ``k`` is out of range.

    Notes
    -----
    For the graph itself, with one node per k-mer, see :func:`grnet.graph.kmer_graph`. K-mers with
    an N are left out, with the edges to and from them.

    Examples
    --------
    >>> import grnet as gn
    >>> table = gn.dna.kmer_graph_features(gn.dna.to_codes(["ACACAC", "AAAAAA"]), k=1)
    >>> table[["n_nodes", "n_edges", "n_loops", "A>C"]].to_numpy().tolist()
    [[2.0, 2.0, 0.0, 1.0], [1.0, 1.0, 1.0, 0.0]]
    """
    _checks.whole(k, 1, LONGEST, what="k")
    rows = batch_of_codes(codes)
    step = max(1, _BLOCK // 4 ** (k + 1))
    blocks = [_described(rows[at : at + step], k) for at in range(0, max(len(rows), 1), step)]
    figures, shares = (np.concatenate(part) for part in zip(*blocks, strict=True))
    table = pd.DataFrame(figures, columns=list(_FIGURES))
    if not transitions:
        return table
    columns = [f"{kmer}>{base}" for kmer in kmer_names(k, canonical=False) for base in _LETTERS]
    return pd.concat([table, pd.DataFrame(shares, columns=columns)], axis=1)


_LETTERS = _alphabet.LETTERS
_FIGURES = (
    *("n_nodes", "n_edges", "mean_degree", "max_degree"),
    *("n_branching", "n_loops", "edge_entropy", "next_entropy"),
)


def _described(rows: Codes, k: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the figures of each graph, and the shares of the bases after each k-mer."""
    edges = kmer_counts(rows, k + 1, canonical=False).toarray().reshape(len(rows), 4**k, 4)
    nodes = kmer_counts(rows, k, canonical=False).toarray()
    degree = (edges > 0).sum(axis=2)
    leaving = edges.sum(axis=2)
    shares = edges / np.maximum(leaving, 1)[:, :, None]
    total = np.maximum(leaving.sum(axis=1), 1)
    flat = edges.reshape(len(rows), -1) / total[:, None]
    next_entropy = (_bits(shares).sum(axis=2) * leaving).sum(axis=1) / total
    starts = np.arange(4) * ((4**k - 1) // 3)
    figures = [
        (nodes > 0).sum(axis=1),
        degree.sum(axis=1),
        degree.sum(axis=1) / np.maximum((degree > 0).sum(axis=1), 1),
        degree.max(axis=1),
        (degree > 1).sum(axis=1),
        (edges[:, starts, np.arange(4)] > 0).sum(axis=1),
        _bits(flat).sum(axis=1),
        next_entropy,
    ]
    return np.column_stack(figures).astype(np.float64), shares.reshape(len(rows), -1)


def _bits(shares: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return -shares * np.log2(np.where(shares > 0, shares, 1))
