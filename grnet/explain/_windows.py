"""Windows around seqlets, on both strands and shifted, compared all with all."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from grnet.explain.attribution import Attributions

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


class Windows(NamedTuple):
    """Windows (n, 4, width): what each letter would contribute, and the letters that are there.

    Contributions have a mean of 0 over the letters of a position, so that a letter that does not
    fit counts against a likeness. Beyond the ends of a sequence all is 0.
    """

    contributions: Floats
    letters: Floats

    def take(self, rows: Ints | npt.NDArray[np.bool_]) -> "Windows":
        """Return some of the windows."""
        return Windows(self.contributions[rows], self.letters[rows])

    def facing(self, minus: npt.NDArray[np.bool_]) -> "Windows":
        """Return the windows, some of them read on the other strand."""
        mask = minus[:, None, None]
        return Windows(*(np.where(mask, part[:, ::-1, ::-1], part) for part in self))

    def cut(self, first: Ints, width: int) -> "Windows":
        """Return the stretch of each window that begins at its ``first``."""
        at = first[:, None, None] + np.arange(width)
        return Windows(*(np.take_along_axis(part, at, axis=2) for part in self))


def around(seqlets: pd.DataFrame, attributions: Attributions, *, width: int) -> Windows:
    """Cut windows of one width with the seqlets in their middle."""
    middle = (seqlets["start"].to_numpy() + seqlets["end"].to_numpy()) // 2
    row = seqlets["row"].to_numpy()[:, None]
    at = middle[:, None] - width // 2 + width + np.arange(width)
    sides = ((0, 0), (width, width))
    codes = np.pad(attributions.codes, sides, constant_values=4)[row, at]
    values = attributions.hypothetical
    centred = np.pad(values - values.mean(axis=1, keepdims=True), ((0, 0), *sides))
    letters = np.eye(5, 4, dtype=np.float32)[codes].transpose(0, 2, 1)
    return Windows(centred[row[:, :, None], np.arange(4)[None, :, None], at[:, None]], letters)


class Fits(NamedTuple):
    """How well windows (rows) fit patterns (columns): cosine, place and strand of the best fit."""

    cosine: Floats
    first: Ints
    minus: npt.NDArray[np.bool_]


def fits(windows: Floats, patterns: Floats) -> Fits:
    """Slide patterns (m, 4, w) along windows (n, 4, W) of both strands."""
    width = patterns.shape[2]
    flat = _normed(patterns)
    shape = (len(windows), len(patterns))
    best = np.full(shape, -np.inf, dtype=np.float32)
    first, minus = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=bool)
    for is_minus, strand in ((False, windows), (True, windows[:, ::-1, ::-1])):
        for start in range(windows.shape[2] - width + 1):
            cosine = _normed(strand[:, :, start : start + width]) @ flat.T
            is_better = cosine > best
            best[is_better] = cosine[is_better]
            first[is_better] = start
            minus[is_better] = is_minus
    return Fits(best, first, minus)


def _normed(stretches: Floats) -> Floats:
    flat = stretches.reshape(len(stretches), -1)
    return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-12))
