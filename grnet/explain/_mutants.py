"""What a model answers when letters are changed."""

import numpy as np
import numpy.typing as npt
import torch
from captum.attr import FeatureAblation

from grnet._alphabet import UNKNOWN, Codes
from grnet._progress import progress
from grnet.dna import one_hot
from grnet.explain._door import Ints, numbers, takes_codes
from grnet.explain._job import Job
from grnet.models.prediction import evaluating

Floats = npt.NDArray[np.float32]


def effects(job: Job) -> Floats:
    """Return how far each letter at each position lies above the mean of the four, (N, 4, L).

    Every known position is changed thrice; the mutants are made batch by batch, so that they never
    lie in memory together.
    """
    codes = job.codes
    row, column = np.nonzero(codes < UNKNOWN)
    step = np.arange(1, 4, dtype=np.uint8)
    letters = (codes[row, column][:, None] + step) % 4

    def mutants(index: Ints) -> Codes:
        place, which = np.divmod(index, 3)
        changed = codes[row[place]]
        changed[np.arange(len(index)), column[place]] = letters[place, which]
        return changed

    values = np.broadcast_to(job.outputs[:, None, None], (len(codes), 4, codes.shape[1])).copy()
    if len(row):
        found = job.asked.scores(3 * len(row), mutants, what="mutating").reshape(-1, 3)
        values[row[:, None], letters, column[:, None]] = found
    return np.asarray(values - values.mean(axis=1, keepdims=True), dtype=np.float32)


def ablations(job: Job) -> Floats:
    """Return what the output loses when a window gets the letters of a shuffle, (N, 4, L).

    The loss, mean over the shuffles, is shared by the known letters of the window. What other
    letters would contribute is not asked: they get 0.
    """
    n, n_shuffles, length = job.shuffles.shape
    lost = np.zeros((n, length))
    window = np.arange(length) // job.width
    size = max(job.asked.batch_size // (int(window[-1]) + 1), 1)
    with evaluating(job.asked.model, device=job.asked.device) as where:
        direct = takes_codes(job.asked.model, job.codes, where)
        starts = range(0, n * n_shuffles, size)
        for start in progress(starts, "ablating", total=len(starts)):
            row, nth = np.divmod(np.arange(start, min(start + size, n * n_shuffles)), n_shuffles)
            pair = [
                torch.from_numpy(part).to(where)
                for part in (job.codes[row], job.shuffles[row, nth])
            ]
            found = _window_effects(job, *(pair if direct else map(one_hot, pair)))
            np.add.at(lost, row, found / n_shuffles)
    known = job.codes < UNKNOWN
    counts = np.add.reduceat(known, np.arange(0, length, job.width), axis=1)
    share = lost / np.maximum(counts, 1)[:, window]
    return at_the_letters(share, job.codes)


def _window_effects(job: Job, rows: torch.Tensor, shuffled: torch.Tensor) -> Floats:
    """Return (N, L): what changes with the window that each position lies in."""
    window = torch.arange(rows.shape[-1], device=rows.device) // job.width
    n_windows = int(window[-1]) + 1
    removal = FeatureAblation(lambda part: numbers(job.asked.model(part), job.asked.target))
    found = removal.attribute(
        rows,
        baselines=shuffled,
        feature_mask=window.expand(1, *rows.shape[1:]),
        perturbations_per_eval=min(n_windows, job.asked.batch_size),
    )
    # all letters of a position stand in one window
    per_base = found if found.ndim == 2 else found[:, 0]
    changes: Floats = per_base.float().cpu().numpy()
    return changes


def at_the_letters(values: npt.NDArray[np.floating], codes: Codes) -> Floats:
    """Return (N, 4, L): values (N, L) at the letters that are there, 0 at the others."""
    letters = np.arange(4, dtype=np.uint8)[:, None]
    return np.where(codes[:, None] == letters, values[:, None], 0).astype(np.float32)
