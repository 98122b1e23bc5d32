"""Contributions from gradients, by Captum."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import torch
from captum.attr import GradientShap, IntegratedGradients, Saliency

from grnet._alphabet import UNKNOWN, Codes
from grnet._progress import progress
from grnet.dna import one_hot
from grnet.explain import _words
from grnet.explain._door import Ints, Question
from grnet.explain._job import AIM, FLOOR, Doubles, Job, check_complete

Floats = npt.NDArray[np.float32]

STEPS = 16
"""Points on the way from a shuffle to the sequence; the errors of many shuffles cancel."""

DRAWS = 8
"""Random points on the way from each shuffle to the sequence."""

_SMOOTH = 32
"""Steps up to which Gauss-Legendre points pay; a gradient that needs more jumps."""

_MEMORY = 1 << 24
"""Numbers of single shuffles that are held at a time."""

_BIASED = 5.0
"""Standard errors by which the mean of random draws may be off."""


def at_the_sequence(job: Job) -> Floats:
    """Return the gradient at each sequence, without its mean over letters, (N, 4, L)."""
    asked, codes = job.asked, job.codes
    values = np.empty((len(codes), 4, codes.shape[1]), dtype=np.float32)
    with asked.differentiated(codes) as where:
        starts = range(0, len(codes), asked.batch_size)
        for start in progress(starts, "differentiating", total=len(starts)):
            rows = slice(start, start + asked.batch_size)
            hot = one_hot(torch.from_numpy(codes[rows]).to(where)).requires_grad_()
            gradient = Saliency(asked.differentiable).attribute(hot, abs=False)
            values[rows] = (gradient - gradient.mean(1, keepdim=True)).cpu().numpy()
    return values


def size_of_gradient(job: Job) -> Floats:
    """Return the absolute values of the same."""
    return np.abs(at_the_sequence(job))


def integrated(job: Job) -> Floats:
    """Return integrated gradients against shuffles, mean over these, (N, 4, L).

    Where the sum of a sequence is off, the steps of those shuffles are doubled that are off most.
    Models of words are followed from the vectors of words on.
    """
    n, n_shuffles, length = job.shuffles.shape
    values = np.empty((n, 4, length), dtype=np.float32)
    size = max(_MEMORY // (n_shuffles * 4 * length), 1)
    by_letter = not _words.reads_words(job.asked.model)
    with job.asked.differentiated(job.codes, by_letter=by_letter) as where:
        starts = range(0, n, size)
        for start in progress(starts, "integrating", total=len(starts)):
            rows = np.arange(start, min(start + size, n))
            values[rows] = _followed(job, rows, where).mean(axis=1)
    advice = (
        f"They would need more than max_steps={job.max_steps} points on the way from shuffle to "
        "sequence, or the model hides part of its gradient: raise max_steps, or use "
        "method='saturation_mutagenesis'."
    )
    check_complete(job, sums(values, job.codes), advice=advice)
    return values


def _followed(job: Job, rows: Ints, where: torch.device) -> Floats:
    """Return integrated gradients of some sequences for each of their shuffles, (N, n, 4, L)."""
    shape = (len(rows), job.shuffles.shape[1], 4, job.codes.shape[1])
    values = np.empty(shape, dtype=np.float32)
    codes = job.codes[rows][:, None].repeat(shape[1], axis=1)
    gaps, limits, shuffles = job.gaps[rows], job.limits(AIM)[rows], job.shuffles[rows]
    integrals = _words.integrals if _words.reads_words(job.asked.model) else _integrals
    steps = np.full(shape[:2], min(STEPS, job.max_steps))
    again = np.ones(shape[:2], dtype=bool)
    while again.any():
        for count in np.unique(steps[again]):
            row, nth = np.nonzero(again & (steps == count))
            for part in _parts(len(row), max(job.asked.batch_size // int(count), 1)):
                pair = row[part], nth[part]
                values[pair] = integrals(
                    job.asked, codes[pair], shuffles[pair], steps=int(count), where=where
                )
        left = gaps - sums(values, codes)
        is_off = np.abs(left.mean(axis=1)) > limits
        again = is_off[:, None] & _furthest_off(np.where(steps < job.max_steps, np.abs(left), 0))
        steps = np.where(again, np.minimum(2 * steps, job.max_steps), steps)
    return values


def _furthest_off(left: Doubles) -> npt.NDArray[np.bool_]:
    """Return which shuffles of each sequence are redone: the quarter that is off most."""
    n_again = max(left.shape[1] // 4, 1)
    edge = -np.partition(-left, n_again - 1, axis=1)[:, n_again - 1, None]
    found: npt.NDArray[np.bool_] = (left >= edge) & (left > 0)
    return found


def _integrals(
    asked: Question, codes: Codes, shuffles: Codes, *, steps: int, where: torch.device
) -> Floats:
    """Return hypothetical contributions of pairs of sequence and shuffle.

    A letter's is the gradient in its direction from the letter of the baseline. Summed over the
    letters that are there it adds up to output minus reference, and what the gradient has in common
    for all letters cancels.
    """
    hot, baseline = (one_hot(torch.from_numpy(part).to(where)) for part in (codes, shuffles))
    # made anew for each batch, for it holds on to what it saw
    path = IntegratedGradients(asked.differentiable, multiply_by_inputs=False)
    gradient = path.attribute(
        hot,
        baselines=baseline,
        n_steps=steps,
        method="gausslegendre" if steps <= _SMOOTH else "riemann_middle",
        internal_batch_size=max(asked.batch_size, len(codes)),
    )
    return from_baseline(gradient, baseline).cpu().numpy()


def from_baseline(multipliers: torch.Tensor, baseline: torch.Tensor) -> torch.Tensor:
    """Return what each letter would contribute in place of the baseline's, (N, 4, L)."""
    there = (multipliers * baseline).sum(1, keepdim=True)
    return (multipliers - there).detach().float()


def at_random_points(job: Job) -> Floats:
    """Return gradient SHAP: gradients at random points between shuffles and the sequence.

    Captum draws one baseline for any input; here each sequence has its own, so that the input is
    the way from the shuffle to the sequence and the baseline is no way at all.
    """
    n, n_shuffles, length = job.shuffles.shape
    values = np.zeros((n, 4, length), dtype=np.float32)
    left = np.empty((n, n_shuffles, DRAWS))
    with job.asked.differentiated(job.codes) as where:
        for row in progress(range(n), "differentiating", total=n):
            codes = job.codes[row][None].repeat(n_shuffles, axis=0)
            hot = one_hot(torch.from_numpy(codes).to(where))
            baseline = one_hot(torch.from_numpy(job.shuffles[row]).to(where))
            for draw in range(DRAWS):
                with _drawn(np.random.SeedSequence([job.seed, row, draw]), where):
                    gradient = GradientShap(
                        lambda way, begin: job.asked.differentiable(begin + way),
                        multiply_by_inputs=False,
                    ).attribute(
                        hot - baseline,
                        baselines=torch.zeros_like(hot[:1]),
                        n_samples=1,
                        additional_forward_args=baseline,
                    )
                found = from_baseline(gradient, baseline).cpu().numpy()
                values[row] += found.mean(axis=0) / DRAWS
                left[row, :, draw] = job.gaps[row] - sums(found, codes)
    _check_expected(job, left)
    return values


def _check_expected(job: Job, left: Doubles) -> None:
    """Raise if random draws are off by more than chance allows, and by more than tolerated."""
    if job.tolerance is None:
        return
    gaps = job.gaps
    towards = (left * np.sign(gaps)[:, :, None]).ravel()
    bias, error = towards.mean(), towards.std() / np.sqrt(towards.size)
    allowed = max(
        job.tolerance * np.abs(gaps).mean(), _BIASED * error, float(job.limits(FLOOR).mean())
    )
    if abs(bias) > allowed:
        message = (
            f"The contributions of {len(gaps)} sequences leave {bias:.3g} of "
            f"{np.abs(gaps).mean():.3g} over in the mean of {towards.size} random draws, more "
            f"than the tolerance of {100 * job.tolerance:g} % and chance ({error:.3g}): the model "
            "hides part of its gradient. Use method='saturation_mutagenesis'. tolerance=None "
            "skips the check."
        )
        raise ValueError(message)


@contextmanager
def _drawn(seed: np.random.SeedSequence, where: torch.device) -> Iterator[None]:
    """Seed the global generators, from which Captum draws, and leave them as they were."""
    state = np.random.get_state()  # noqa: NPY002 - Captum draws from it
    with torch.random.fork_rng(devices=[where] if where.type == "cuda" else []):
        np.random.seed(seed.generate_state(4))  # noqa: NPY002
        try:
            yield
        finally:
            np.random.set_state(state)  # noqa: NPY002


def sums(values: Floats, codes: Codes) -> Doubles:
    """Return the sums over positions of what the letters that are there contribute."""
    known = np.minimum(codes, 3)[..., None, :].astype(np.intp)
    taken = np.take_along_axis(values, known, axis=-2)[..., 0, :]
    total: Doubles = np.where(codes < UNKNOWN, taken, np.float32(0)).sum(axis=-1, dtype=np.float64)
    return total


def _parts(n: int, size: int) -> Iterator[slice]:
    return (slice(start, start + size) for start in range(0, n, size))
