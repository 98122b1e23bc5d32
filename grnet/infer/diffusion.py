"""Kernel of denoising: which other genes help to clean a gene of added noise, in closed form.

Diffusion models of expression, such as RegDiffusion (Zhu and Slonim 2024), add Gaussian noise to
all genes and learn by gradient descent an adjacency through which genes denoise each other. Where
the denoiser is linear no descent is needed: with ``R`` the correlation matrix of the genes and
noise of variance ``a``, ``R (R + aI)^-1 = I - a (R + aI)^-1`` is optimal, and what one gene adds to
another is, up to scale, their partial correlation at the penalty ``a``. Only the rows of the
regulators are computed. Genes are made Gaussian by their ranks first, which takes the place of the
networks that transform each gene.
"""

import numpy as np
import torch

from grnet import _checks
from grnet.infer._arrays import Matrix, leave_out_own, normal_scores
from grnet.infer._covariance import shrunk_partial_correlation

_LEVELS = (10**-0.5, 1.0, 10**0.5)
"""The schedule: from a third of the middle noise to three times as much."""


def denoising(
    x: np.ndarray,
    y: Matrix,
    own: np.ndarray,
    *,
    rng: np.random.Generator,
    device: torch.device,
    noise: float = 32.0,
) -> np.ndarray:
    """Measure what each regulator adds to the denoising of each target, over a noise schedule."""
    _checks.in_range(noise, 0.01, 1000.0, what="noise")
    gaussian = normal_scores(x, y)
    total = np.zeros((x.shape[1], y.shape[1]), dtype=np.float32)
    for level in _LEVELS:
        penalty = level * noise
        added = shrunk_partial_correlation(
            *gaussian, own, shrinkage=penalty / (1.0 + penalty), rng=rng, device=device
        )
        leave_out_own(added, own)
        # effects shrink with the noise: every level has the same say
        total += added / max(float(np.sqrt(np.mean(np.square(added)))), 1e-30)
    return total / np.float32(len(_LEVELS))
