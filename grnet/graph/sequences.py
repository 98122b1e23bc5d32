"""Sequences as graphs: k-mers that follow one another (de Bruijn)."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
import torch
from torch_geometric.data import HeteroData

from grnet import _alphabet, _checks
from grnet.graph.vocabulary import FOLLOWED_BY, KMER

if TYPE_CHECKING:
    from collections.abc import Sequence

Array = np.ndarray[Any, Any]

LONGEST_KMER = 15


@overload
def kmer_graph(
    sequences: Sequence[str] | _alphabet.Codes,
    *,
    k: int = ...,
    canonical: bool = ...,
    per_sequence: Literal[False] = ...,
) -> HeteroData: ...
@overload
def kmer_graph(
    sequences: Sequence[str] | _alphabet.Codes,
    *,
    k: int = ...,
    canonical: bool = ...,
    per_sequence: Literal[True],
) -> list[HeteroData]: ...
def kmer_graph(
    sequences: Sequence[str] | _alphabet.Codes,
    *,
    k: int = 3,
    canonical: bool = False,
    per_sequence: bool = False,
) -> HeteroData | list[HeteroData]:
    """Make the graph of the k-mers of sequences, joined where one follows the other.

    Parameters
    ----------
    sequences
        Texts, or rows of codes such as ``Genome.sequence`` returns.
    k
        Length of the k-mers, 1 to 15.
    canonical
        Merge each k-mer with its reverse complement, under the name that comes first in the
        alphabet; edges then have no direction and are stored in both.
    per_sequence
        Return one graph for each sequence, for the classification of graphs.

    Returns
    -------
    HeteroData with the ``kmer`` nodes that occur, sorted, and the edges ``kmer followed_by kmer``.
    ``x``: how often a k-mer occurs (``count``, ``share``) and its bases (one-hot). ``edge_attr``:
    ``count`` and ``share`` of the edges that leave the k-mer.

    Raises
    ------
    ValueError
        If ``k`` is out of range or a sequence has no k-mer without N.

    Notes
    -----
    k-mers with N are skipped, with the edges to and from them. A single sequence is a walk over its
    edges. Rows of a batch need no padding: ``DataLoader`` of PyG takes the list as it is, and
    ``to_homogeneous()`` gives networks for one type of nodes theirs.

    Examples
    --------
    >>> import grnet as gn
    >>> data = gn.graph.kmer_graph(["ACGTACG"], k=2)
    >>> data["kmer"].name
    ['AC', 'CG', 'GT', 'TA']
    >>> data["kmer", "followed_by", "kmer"].edge_attr[:, 0].tolist()
    [2.0, 1.0, 1.0, 1.0]
    """
    _checks.whole(k, 1, LONGEST_KMER, what="k")
    if isinstance(sequences, np.ndarray):
        sequences = np.atleast_2d(sequences)
    codes, of = _flat(sequences)
    words = _words(codes, of, k)
    _refuse_empty(words, of, len(sequences), per_sequence=per_sequence, k=k)
    twins = _reverse_complements(words, k) if canonical else words
    words = np.where(words < 0, -1, np.minimum(words, twins))
    if not per_sequence:
        return _graph(words, of, k, canonical=canonical)
    last = np.searchsorted(of, np.arange(len(sequences) + 1))
    return [
        _graph(words[a:b], of[a:b], k, canonical=canonical) for a, b in itertools.pairwise(last)
    ]


def _flat(sequences: Sequence[str] | _alphabet.Codes) -> tuple[_alphabet.Codes, Array]:
    """Return all bases in a row, and the sequence that each belongs to."""
    if isinstance(sequences, str) or len(sequences) == 0:
        message = "No sequences: pass a list of texts, or rows of codes from Genome.sequence."
        raise ValueError(message)
    if isinstance(sequences, np.ndarray):
        n, length = sequences.shape
        return sequences.astype(np.uint8).ravel(), np.repeat(np.arange(n), length)
    lengths = np.array([len(text) for text in sequences])
    return _alphabet.to_codes("".join(sequences)), np.repeat(np.arange(len(lengths)), lengths)


def _words(codes: _alphabet.Codes, of: Array, k: int) -> Array:
    """Return the number of the k-mer that starts at each base, or -1 where there is none."""
    words = np.full(len(codes), -1, dtype=np.int64)
    n_starts = len(codes) - k + 1
    if n_starts <= 0:
        return words
    number = np.zeros(n_starts, dtype=np.int64)
    whole = of[:n_starts] == of[k - 1 :]
    for offset in range(k):
        base = codes[offset : offset + n_starts]
        number = 4 * number + base
        whole &= base < _alphabet.UNKNOWN
    words[:n_starts] = np.where(whole, number, -1)
    return words


def _refuse_empty(words: Array, of: Array, n: int, *, per_sequence: bool, k: int) -> None:
    with_word = np.unique(of[words >= 0])
    n_empty = n - len(with_word)
    if len(with_word) == 0 or (per_sequence and n_empty):
        first = int(np.setdiff1d(np.arange(n), with_word)[0])
        message = (
            f"{n_empty} of {n} sequences have no {k}-mer of A, C, G and T alone (the "
            f"first is number {first}). Leave them out, or take a "
            "smaller k."
        )
        raise ValueError(message)


def _reverse_complements(words: Array, k: int) -> Array:
    """Return the number of the reverse complement of each k-mer."""
    twins = np.zeros_like(words)
    rest = words.copy()
    for _ in range(k):
        twins = 4 * twins + (3 - rest % 4)
        rest //= 4
    return twins


def _graph(words: Array, of: Array, k: int, *, canonical: bool) -> HeteroData:
    kmers, count = np.unique(words[words >= 0], return_counts=True)
    first, second = words[:-1], words[1:]
    joined = (first >= 0) & (second >= 0) & (of[:-1] == of[1:])
    ends = np.searchsorted(kmers, np.stack([first[joined], second[joined]]))
    if canonical:
        ends = np.sort(ends, axis=0)
    pairs, edge_count = np.unique(ends[0] * len(kmers) + ends[1], return_counts=True)
    source, target = np.divmod(pairs, len(kmers))
    if canonical:
        loops = source == target
        source, target = (
            np.concatenate([source, target[~loops]]),
            np.concatenate([target, source[~loops]]),
        )
        edge_count = np.concatenate([edge_count, edge_count[~loops]])
    return _assembled(kmers, count, np.stack([source, target]), edge_count=edge_count, k=k)


def _assembled(kmers: Array, count: Array, ends: Array, *, edge_count: Array, k: int) -> HeteroData:
    bases = (kmers[:, None] >> (2 * np.arange(k - 1, -1, -1))) & 3
    one_hot = np.eye(4)[bases].reshape(len(kmers), 4 * k)
    leaving = np.bincount(ends[0], weights=edge_count, minlength=len(kmers))
    data = HeteroData()
    letters = [f"{letter}{i}" for i in range(1, k + 1) for letter in _alphabet.LETTERS]
    nodes = np.column_stack([count, count / count.sum(), one_hot])
    text = _alphabet.to_text(bases.ravel().astype(np.uint8))
    data[KMER].name = [text[i : i + k] for i in range(0, len(text), k)]
    data[KMER].x = torch.from_numpy(nodes.astype(np.float32))
    data[KMER].feature_names = ["count", "share", *letters]
    store = data[FOLLOWED_BY]
    store.edge_index = torch.from_numpy(ends.astype(np.int64))
    edges = np.column_stack([edge_count, edge_count / np.maximum(leaving[ends[0]], 1)])
    store.edge_attr = torch.from_numpy(edges.astype(np.float32))
    store.edge_attr_names = ["count", "share"]
    return data
