"""Finding the places of motifs: DNA is indexed by its words once, then each motif is looked up.

A motif that shall be hit by one place in ten thousand is matched by few words of ten letters. They
are found without reading the DNA, as sums of two half words, and the index says where they are.
Where a wide motif leaves too many words, every place is looked at instead. Both give the same.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from grnet._alphabet import UNKNOWN, Codes
from grnet.cis._pwm import Losses, Pwm
from grnet.cis._walk import CHUNK, walk

LONGEST_WORD = 10
SHARE = 0.01
"""With more of all words within its budget, it is quicker to look at every place."""

STEP = 6
"""Columns of a motif that are added at a time: tables of 4^6 fit the fastest memory."""

BUFFER = 32 * CHUNK
Ints = npt.NDArray[np.int32]


class Index(NamedTuple):
    """Where each word of ``k`` letters begins in a stretch of DNA.

    ``places[starts[word] : starts[word + 1]]`` are its places. ``short`` has the word of ``STEP``
    letters at each place, and ``room`` the number of known letters from there on, or 0 where no
    hit may begin.
    """

    k: int
    short: npt.NDArray[np.uint16]
    places: Ints
    starts: Ints
    room: npt.NDArray[np.uint16]


class Found(NamedTuple):
    """Where a motif was found, and what the word there costs."""

    place: Ints
    loss: Ints


class Step(NamedTuple):
    """Some neighbouring columns of a motif: the first one, and the cost of each short word."""

    column: int
    table: npt.NDArray[np.unsignedinteger]


def index(rows: Codes, owned: npt.NDArray[np.int64]) -> Index:
    """Index sequences, padded with N at the right; hits may begin in the owned part of each."""
    n_rows, length = rows.shape
    padded = np.full((n_rows, length + 1), UNKNOWN, dtype=np.uint8)
    padded[:, :-1] = rows
    letters = padded.ravel()
    k = int(np.clip(np.log2(letters.size) / 2, STEP, LONGEST_WORD))
    known = letters < UNKNOWN
    words = _words(np.where(known, letters, 0), k)
    places = np.flatnonzero(known).astype(np.int32)
    shape = (4**k, letters.size)
    table = sp.csr_array((np.ones(len(places), np.bool_), (words[places], places)), shape=shape)
    room = _run_lengths(known).reshape(padded.shape)
    room[np.arange(length + 1) >= owned[:, None]] = 0
    short = (words >> (2 * (k - STEP))).astype(np.uint16)
    starts = table.indptr.astype(np.int32, copy=False)
    return Index(k, short, table.indices.astype(np.int32, copy=False), starts, room.ravel())


def find(index: Index, pwm: Pwm) -> Found:
    """Return the places where a motif costs no more than its budget."""
    if pwm.budget < 0:
        return Found(np.empty(0, np.int32), np.empty(0, np.int32))
    k = min(index.k, pwm.width)
    first = _sharpest(pwm.losses, k)
    cheap = _cheap_words(pwm.losses[:, first : first + k], pwm.budget)
    if cheap is None:
        return _look_everywhere(index, pwm)
    words, losses = cheap
    # a motif narrower than the words of the index owns all words that begin with its own
    spread = 4 ** (index.k - k)
    begin, end = index.starts[words * spread], index.starts[(words + 1) * spread]
    count = end - begin
    place = index.places[_ranges(begin, count)] - np.int32(first)
    loss = np.repeat(losses, count)
    fits = (place >= 0) & (index.room[place] >= pwm.width)
    place, loss = place[fits], loss[fits]
    for step in _steps(pwm, first, first + k):
        loss = loss + step.table[index.short[place + np.int32(step.column)]]
        fits = loss <= pwm.budget
        place, loss = place[fits], loss[fits]
    return Found(place, loss)


def _look_everywhere(index: Index, pwm: Pwm) -> Found:
    """Find a motif by looking at every place, the sharpest columns first."""
    first = _sharpest(pwm.losses, min(STEP, pwm.width))
    steps = sorted(_steps(pwm, first, first), key=lambda step: -int(step.table.sum()))
    if len(steps) == 1:
        steps.append(Step(0, np.zeros_like(steps[0].table)))
    tables = np.stack([step.table for step in steps])
    columns = np.array([step.column for step in steps])
    out = (np.empty(BUFFER, dtype=np.int32), np.empty(BUFFER, dtype=np.int32))
    parts, begin = [], 0
    while begin <= len(index.room) - pwm.width:
        motif, dna = (tables, columns, pwm.width, pwm.budget), (index.short, index.room)
        n, begin = walk(motif, dna, begin, out)
        parts.append([column[:n].copy() for column in out])
    if not parts:
        return Found(out[0][:0], out[1][:0])
    return Found(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _steps(pwm: Pwm, begin: int, end: int) -> Iterator[Step]:
    """Yield the columns right of ``end`` and left of ``begin``, some at a time."""
    right = [(at, min(at + STEP, pwm.width)) for at in range(end, pwm.width, STEP)]
    left = [(max(at - STEP, 0), at) for at in range(begin, 0, -STEP)]
    # beyond the budget all costs are alike, and small numbers make small tables
    dear = pwm.budget + 1
    kind = np.uint16 if dear <= np.iinfo(np.uint16).max else np.uint32
    for column, last in [*right, *left]:
        table = np.minimum(_table(pwm.losses[:, column:last]), dear).astype(kind)
        yield Step(column, np.repeat(table, 4 ** (STEP - (last - column))))


def _words(letters: Codes, k: int) -> Ints:
    """Return the word of ``k`` letters at each place, its first letter counting most."""
    size = letters.size
    padded = np.concatenate([letters, np.zeros(k, dtype=np.uint8)])
    words = np.zeros(size, dtype=np.int32)
    for shift in range(k):
        words <<= 2
        words |= padded[shift : shift + size]
    return words


def _run_lengths(known: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint16]:
    """Return how many known letters follow one another from each place on; the last is unknown."""
    unknown = np.flatnonzero(~known).astype(np.int32)
    after = np.repeat(unknown, np.diff(unknown, prepend=np.int32(-1)))
    after -= np.arange(known.size, dtype=np.int32)
    lengths: npt.NDArray[np.uint16] = np.minimum(after, np.iinfo(np.uint16).max).astype(np.uint16)
    return lengths


def _sharpest(losses: Losses, k: int) -> int:
    """Return where the ``k`` neighbouring columns begin that rule out most words."""
    total = np.concatenate([[0], np.cumsum(losses.mean(axis=0))])
    return int(np.argmax(total[k:] - total[:-k]))


def _table(losses: Losses) -> Ints:
    """Return the cost of every word."""
    table = np.zeros(1, dtype=np.int32)
    for column in losses.T:
        table = np.add.outer(table, column).ravel()
    return table


def _cheap_words(losses: Losses, budget: int) -> tuple[npt.NDArray[np.int64], Ints] | None:
    """Return the words within the budget and their costs, unless there are too many of them.

    A word is a pair of half words. Sorted by cost, the second halves that a first one can pay for
    are the first few.
    """
    half = losses.shape[1] // 2
    left, right = _table(losses[:, :half]), _table(losses[:, half:])
    order = np.argsort(right, kind="stable")
    count = np.searchsorted(right[order], budget - left, side="right")
    if count.sum() > SHARE * 4 ** losses.shape[1]:
        return None
    second = order[_ranges(np.zeros_like(count), count)]
    first = np.repeat(np.arange(len(left)), count)
    return first * len(right) + second, left[first] + right[second]


def _ranges(begin: npt.NDArray[np.integer], count: npt.NDArray[np.integer]) -> np.ndarray:
    """Return ``begin, begin + 1, ...`` of each range, one after the other."""
    ends = np.cumsum(count)
    total = int(ends[-1]) if len(ends) else 0
    return np.repeat(begin - (ends - count), count) + np.arange(total)
