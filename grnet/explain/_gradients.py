"""Contributions from gradients."""

import numpy as np
import numpy.typing as npt
import torch
from captum.attr import IntegratedGradients

from grnet._alphabet import Codes
from grnet._progress import progress
from grnet.dna import one_hot
from grnet.explain._door import Question

Floats = npt.NDArray[np.float32]

STEPS = 16
"""Points on the way from a shuffle to the sequence; the errors of many shuffles cancel."""


def at_the_sequence(asked: Question, codes: Codes) -> Floats:
    """Return the gradient at each sequence, without its mean over letters, (N, 4, L)."""
    values = np.empty((len(codes), 4, codes.shape[1]), dtype=np.float32)
    with asked.differentiated(codes) as where:
        starts = range(0, len(codes), asked.batch_size)
        for start in progress(starts, "differentiating", total=len(starts)):
            rows = slice(start, start + asked.batch_size)
            hot = one_hot(torch.from_numpy(codes[rows]).to(where)).requires_grad_()
            total = asked.differentiable(hot).sum()
            (gradient,) = torch.autograd.grad(total, hot)
            values[rows] = (gradient - gradient.mean(1, keepdim=True)).cpu().numpy()
    return values


def integrated(asked: Question, codes: Codes, shuffles: Codes) -> Floats:
    """Return integrated gradients against shuffles (N, n, L), mean over these, (N, 4, L).

    A letter's hypothetical contribution is the gradient in its direction from the letter of the
    baseline. Summed over the letters that are there it adds up to output minus reference, and what
    the gradient has in common for all letters cancels.
    """
    n, n_shuffles, length = shuffles.shape
    values = np.zeros((n, 4, length), dtype=np.float32)
    size = max(asked.batch_size // STEPS, 1)
    with asked.differentiated(codes) as where:
        starts = range(0, n * n_shuffles, size)
        for start in progress(starts, "integrating", total=len(starts)):
            pair = np.arange(start, min(start + size, n * n_shuffles))
            row, nth = np.divmod(pair, n_shuffles)
            hot = one_hot(torch.from_numpy(codes[row]).to(where))
            baseline = one_hot(torch.from_numpy(shuffles[row, nth]).to(where))
            # made anew for each batch, for it holds on to what it saw
            path = IntegratedGradients(asked.differentiable, multiply_by_inputs=False)
            gradient = path.attribute(hot, baselines=baseline, n_steps=STEPS).float()
            from_baseline = gradient - (gradient * baseline).sum(1, keepdim=True)
            np.add.at(values, row, from_baseline.detach().cpu().numpy() / np.float32(n_shuffles))
    return values
