"""Random Eulerian walks through the dinucleotides of a sequence, all of them equally likely."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from grnet.dna._jit import compiled

if TYPE_CHECKING:
    from grnet._alphabet import Codes

Ints = np.ndarray[Any, np.dtype[np.int64]]


@compiled
def _edges(letters: Codes) -> tuple[Codes, Ints]:
    """Return the letters that follow each letter, and where those of each begin."""
    begin = np.zeros(5, dtype=np.int64)
    for i in range(len(letters) - 1):
        begin[letters[i] + 1] += 1
    for base in range(4):
        begin[base + 1] += begin[base]
    following = np.empty(len(letters) - 1, dtype=np.uint8)
    place = begin.copy()
    for i in range(len(letters) - 1):
        following[place[letters[i]]] = letters[i + 1]
        place[letters[i]] += 1
    return following, begin


@compiled
def _put_last_edges_last(edges: tuple[Codes, Ints], end: int, rng: np.random.Generator) -> None:
    """Draw the last edge out of each letter, a random tree that leads to the last letter.

    By loop-erased random walks. With edges as numerous as their dinucleotides, every tree is as
    likely as its share of the walks.
    """
    following, begin = edges
    in_tree = np.zeros(4, dtype=np.bool_)
    exits = np.zeros(4, dtype=np.int64)
    in_tree[end] = True
    for base in range(4):
        if begin[base] == begin[base + 1]:
            continue
        at = base
        while not in_tree[at]:
            exits[at] = begin[at] + int(rng.random() * (begin[at + 1] - begin[at]))
            at = following[exits[at]]
        at = base
        while not in_tree[at]:
            in_tree[at] = True
            at = following[exits[at]]
    for base in range(4):
        if begin[base] < begin[base + 1] and base != end:
            last = begin[base + 1] - 1
            following[exits[base]], following[last] = following[last], following[exits[base]]


@compiled
def _walk(letters: Codes, out: Codes, rng: np.random.Generator) -> None:
    """Shuffle one stretch without N."""
    edges = _edges(letters)
    following, begin = edges
    end = letters[-1]
    _put_last_edges_last(edges, end, rng)
    for base in range(4):
        for i in range(begin[base + 1] - 1 - (base != end), begin[base], -1):
            j = begin[base] + int(rng.random() * (i - begin[base] + 1))
            following[i], following[j] = following[j], following[i]
    at = letters[0]
    out[0] = at
    for i in range(1, len(letters)):
        edge = begin[at]
        begin[at] += 1
        at = following[edge]
        out[i] = at


@compiled
def shuffle(codes: Codes, out: Codes, rng: np.random.Generator) -> None:
    """Write a shuffle of each row of ``codes`` into each row of its block of ``out``."""
    for row in range(codes.shape[0]):
        for copy in range(out.shape[1]):
            start = 0
            while start < codes.shape[1]:
                stop = start + 1
                if codes[row, start] > 3:
                    out[row, copy, start] = codes[row, start]
                    start = stop
                    continue
                while stop < codes.shape[1] and codes[row, stop] < 4:
                    stop += 1
                _walk(codes[row, start:stop], out[row, copy, start:stop], rng)
                start = stop
