"""Splits that cannot leak: by chromosome, by group, by similarity of sequence."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from grnet import _checks, _chromosomes
from grnet._alphabet import Codes
from grnet.dna import kmer_tokens, reverse_complement

Rows = npt.NDArray[np.int64]

_WORD = 12
"""Letters of the words by which sequences are compared: one in 4^12 places by chance."""
_COMMON = 200
"""Words in more sequences than that are repeats and tell nothing."""


class Split(NamedTuple):
    """Row numbers for training, validation and test.

    Examples
    --------
    >>> import grnet as gn
    >>> import numpy as np
    >>> [len(part) for part in gn.train.split_by_group(np.arange(100), seed=1)]
    [80, 10, 10]
    """

    train: Rows
    validation: Rows
    test: Rows


def split_by_chromosome(
    intervals: pd.DataFrame, *, validation: Sequence[str], test: Sequence[str]
) -> Split:
    """Hold whole chromosomes out.

    Parameters
    ----------
    intervals
        ``chrom`` (and ``start``, ``end``), one row per sequence.
    validation, test
        Chromosomes of each, in any spelling (``chr1``, ``1``, ``I``). All others train.

    Returns
    -------
    Split

    Raises
    ------
    ValueError
        If a chromosome is unknown, named twice, or a part would be empty.

    Examples
    --------
    >>> import grnet as gn
    >>> import pandas as pd
    >>> where = pd.DataFrame({"chrom": ["chr1", "chr2", "chr3"], "start": 0, "end": 9})
    >>> gn.train.split_by_chromosome(where, validation=["2"], test=["3"])
    Split(train=array([0]), validation=array([1]), test=array([2]))
    """
    _checks.has_columns(intervals, ["chrom"], "the table of intervals")
    chrom = intervals["chrom"].astype(str)
    known = list(dict.fromkeys(chrom))
    asked = [*validation, *test]
    table = _chromosomes.translation(asked, known)
    missing = [name for name in asked if name not in table]
    if missing or len(set(asked)) < len(asked):
        message = (
            f"validation and test name {_checks.examples(asked, 8)}; unknown among the intervals: "
            f"{_checks.examples(missing)} (they have {_checks.examples(known, 8)}). Name each "
            "chromosome once."
        )
        raise ValueError(message)
    held = [chrom.isin([table[name] for name in names]) for names in (validation, test)]
    parts = [~(held[0] | held[1]), *held]
    return _checked(Split(*(np.flatnonzero(part) for part in parts)))


def split_by_group(
    groups: npt.ArrayLike, *, shares: tuple[float, float, float] = (0.8, 0.1, 0.1), seed: int = 0
) -> Split:
    """Keep all rows of a group (a person, an experiment, a gene family) on one side.

    Parameters
    ----------
    groups
        The group of each row.
    shares
        Of the rows, for training, validation and test; met as closely as whole groups allow.
    seed
        Of the draw. The order of the rows does not matter, only the names of the groups.

    Returns
    -------
    Split

    Raises
    ------
    ValueError
        If shares do not add up to one, or a part would be empty.

    Examples
    --------
    >>> import grnet as gn
    >>> split = gn.train.split_by_group(["ann", "bob", "cid", "dan"] * 5, shares=(0.5, 0.25, 0.25))
    >>> [len(part) for part in split]
    [10, 5, 5]
    """
    if abs(sum(shares) - 1) > 1e-6 or min(shares) < 0:
        message = f"shares={shares} do not add up to one."
        raise ValueError(message)
    names, member, sizes = np.unique(
        np.asarray(groups).astype(str), return_inverse=True, return_counts=True
    )
    wanted = np.array(shares) * len(member)
    drawn = np.random.default_rng(seed).permutation(len(names))
    # large groups first, each where most room is left
    order = drawn[np.argsort(-sizes[drawn], kind="stable")]
    part = np.empty(len(names), dtype=np.int64)
    for group in order:
        part[group] = int(np.argmax(wanted))
        wanted[part[group]] -= sizes[group]
    return _checked(Split(*(np.flatnonzero(part[member] == number) for number in range(3))))


def split_by_similarity(
    codes: Codes,
    *,
    shares: tuple[float, float, float] = (0.8, 0.1, 0.1),
    min_shared: float = 0.3,
    seed: int = 0,
) -> Split:
    """Keep sequences that resemble each other, on either strand, on one side.

    Parameters
    ----------
    codes
        uint8 (N, L).
    shares, seed
        As for :func:`split_by_group`.
    min_shared
        Share of 12-letter words in common from which two sequences belong together.

    Returns
    -------
    Split

    Raises
    ------
    ValueError
        If so many sequences hang together that a part would be empty.

    Notes
    -----
    Groups are the connected components, so that no chain of relatives crosses a side. Words in
    more than 200 sequences are left out, as repeats.

    Examples
    --------
    >>> import grnet as gn
    >>> import numpy as np
    >>> codes = np.random.default_rng(0).integers(0, 4, (50, 60)).astype(np.uint8)
    >>> twins = np.concatenate([codes, gn.dna.reverse_complement(codes)])
    >>> train, _, test = gn.train.split_by_similarity(twins)
    >>> bool(set(train % 50) & set(test % 50))
    False
    """
    _checks.in_range(min_shared, 0, 1, what="min_shared")
    return split_by_group(similar_groups(codes, min_shared=min_shared), shares=shares, seed=seed)


def similar_groups(codes: Codes, *, min_shared: float = 0.3) -> Rows:
    """Return the number of each sequence's group of relatives."""
    pairs = shared_words(codes, codes, min_shared=min_shared)
    _, group = connected_components(pairs, directed=False)
    return np.asarray(group, dtype=np.int64)


def shared_words(first: Codes, second: Codes, *, min_shared: float) -> sp.csr_array:
    """Return which sequences of two sets share words, as a sparse table of shares."""
    table = _word_table(np.concatenate([first, second]))
    sizes = np.maximum(np.asarray(table.sum(axis=1)).ravel(), 1)
    n = len(first)
    common = sp.coo_array(table[:n] @ table[n:].T)
    rows, columns = common.coords
    share = common.data / np.minimum(sizes[:n][rows], sizes[n:][columns])
    near = share >= min_shared
    shape = (n, len(second))
    return sp.csr_array((share[near], (rows[near], columns[near])), shape=shape)


def held_out_rows(codes: Codes, *, share: float, seed: int) -> npt.NDArray[np.bool_]:
    """Return True for the rows of a held-out share, relatives together."""
    split = split_by_group(similar_groups(codes), shares=(1 - share, 0.0, share), seed=seed)
    held = np.zeros(len(codes), dtype=bool)
    held[split.test] = True
    return held


def _word_table(codes: Codes) -> sp.csr_array:
    """Return sequences x words, 1 where a word of either strand occurs."""
    word = min(_WORD, codes.shape[1])
    forward = np.asarray(kmer_tokens(codes, word), dtype=np.int64)
    reverse = np.asarray(kmer_tokens(reverse_complement(codes), word), dtype=np.int64)[:, ::-1]
    words = np.minimum(forward, reverse)
    rows = np.broadcast_to(np.arange(len(codes))[:, None], words.shape)
    known = (forward >= 0) & (forward < 4**word)
    names, column = np.unique(words[known], return_inverse=True)
    shape = (len(codes), len(names))
    table = sp.csr_array((np.ones(len(column), np.float32), (rows[known], column)), shape=shape)
    table.data[:] = 1
    in_how_many = np.bincount(table.indices, minlength=len(names))
    return table[:, np.flatnonzero(in_how_many <= _COMMON)]


def _checked(split: Split) -> Split:
    empty = [name for name, rows in zip(Split._fields, split, strict=True) if not len(rows)]
    if "train" in empty or len(empty) > 1:
        message = (
            f"Nothing is left for {_checks.examples(empty)}: hold fewer or smaller groups out, or "
            "give more data."
        )
        raise ValueError(message)
    return split
