"""Baum-Welch for marks along the genome, from deterministic starts."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from sklearn.cluster import KMeans

from grnet._progress import progress
from grnet.models import _hmm_chains
from grnet.models._hmm_chains import Chain
from grnet.models._marks import MISSING, Floats, Integers, Values
from grnet.models.hmm import MarkHMM, MarkHMMConfig

_STAY = 0.9
_PRIOR = 1.0


class Trained(NamedTuple):
    """A fitted model and the log likelihood per bin after each pass."""

    model: MarkHMM
    history: list[float]


def baum_welch(
    values: Values,
    lengths: Integers,
    *,
    n_states: int,
    max_iterations: int,
    tolerance: float,
    n_restarts: int,
    seed: int,
) -> Trained:
    """Fit a model; of several starts keep the likeliest.

    It stops when a pass gains less than ``tolerance`` in log likelihood per bin. One pseudo-count
    per state, spread as the marks are spread in all, keeps emissions away from 0 and 1.
    """
    patterns = _hmm_chains.patterns_of(values, lengths)
    rng = np.random.default_rng(seed)
    runs = []
    for _ in range(n_restarts):
        emissions = first_emissions(patterns, n_states, seed=int(rng.integers(1 << 31)))
        runs.append(_run(patterns, emissions, max_iterations=max_iterations, tolerance=tolerance))
    return max(runs, key=lambda run: run.history[-1])


def first_emissions(patterns: _hmm_chains.Patterns, n_states: int, *, seed: int) -> Floats:
    """Cluster the distinct patterns; one state is left for bins without any mark."""
    counts = np.bincount(patterns.of_bin, minlength=len(patterns.distinct)).astype(np.float64)
    present = (patterns.distinct == 1).astype(np.float64)
    marked = present.any(axis=1)
    background = _background(patterns.distinct, counts)
    n_clusters = min(n_states - 1, int(marked.sum()))
    centres = np.zeros((n_states, present.shape[1]))
    if n_clusters:
        # the square root lets rare combinations count beside the few that fill the genome
        clusters = KMeans(n_clusters, n_init=4, random_state=seed)
        clusters.fit(present[marked], sample_weight=np.sqrt(counts[marked]))
        centres[1 : n_clusters + 1] = clusters.cluster_centers_
    centres[n_clusters + 1 :] = background
    return np.clip(0.9 * centres + 0.1 * background, 1e-4, 1 - 1e-4)


def _background(distinct: Values, counts: Floats) -> Floats:
    """Return how often each mark is there where it was measured."""
    present = counts @ (distinct == 1)
    share: npt.NDArray[np.float64] = (present + 0.5) / (counts @ (distinct != MISSING) + 1.0)
    return share


def _run(
    patterns: _hmm_chains.Patterns, emissions: Floats, *, max_iterations: int, tolerance: float
) -> Trained:
    """Iterate from one start."""
    n_states = len(emissions)
    counts = np.bincount(patterns.of_bin, minlength=len(patterns.distinct)).astype(np.float64)
    background = _background(patterns.distinct, counts)
    start = np.full(n_states, 1 / n_states)
    others = (1 - _STAY) / max(n_states - 1, 1)
    transition = np.full((n_states, n_states), others)
    np.fill_diagonal(transition, _STAY if n_states > 1 else 1.0)
    history: list[float] = []
    for _ in progress(range(max_iterations), "Baum-Welch", total=max_iterations):
        found = _hmm_chains.expectations(patterns, Chain(start, transition, emissions))
        history.append(found.log_likelihood / len(patterns.of_bin))
        if len(history) > 1 and history[-1] - history[-2] < tolerance:
            break
        start = (found.start + _PRIOR / n_states) / (found.start.sum() + _PRIOR)
        moved = found.transitions + _PRIOR / n_states
        transition = moved / moved.sum(axis=1, keepdims=True)
        present = found.patterns.T @ (patterns.distinct == 1) + _PRIOR * background
        measured = found.patterns.T @ (patterns.distinct != MISSING) + _PRIOR
        emissions = present / measured
    model = MarkHMM(MarkHMMConfig(n_marks=emissions.shape[1], n_states=n_states))
    for buffer, array in (
        (model.start, start),
        (model.transition, transition),
        (model.emissions, emissions),
    ):
        buffer.copy_(torch.from_numpy(array))
    return Trained(model.eval(), history)
