"""What a model answers when one letter is changed."""

import numpy as np
import numpy.typing as npt

from grnet._alphabet import UNKNOWN, Codes
from grnet.explain._door import Ints, Question


def effects(
    asked: Question, codes: Codes, outputs: npt.NDArray[np.float64]
) -> npt.NDArray[np.float32]:
    """Return how far each letter at each position lies above the mean of the four, (N, 4, L).

    ``outputs`` are those of the sequences themselves. Every known position is changed thrice; the
    mutants are made batch by batch, so that they never lie in memory together.
    """
    row, column = np.nonzero(codes < UNKNOWN)
    step = np.arange(1, 4, dtype=np.uint8)
    letters = (codes[row, column][:, None] + step) % 4

    def mutants(index: Ints) -> Codes:
        place, which = np.divmod(index, 3)
        changed = codes[row[place]]
        changed[np.arange(len(index)), column[place]] = letters[place, which]
        return changed

    values = np.broadcast_to(outputs[:, None, None], (len(codes), 4, codes.shape[1])).copy()
    if len(row):
        found = asked.scores(3 * len(row), mutants, what="mutating").reshape(-1, 3)
        values[row[:, None], letters, column[:, None]] = found
    return np.asarray(values - values.mean(axis=1, keepdims=True), dtype=np.float32)
