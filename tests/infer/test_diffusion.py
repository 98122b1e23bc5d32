"""Denoising: the closed form is that of the optimal linear denoiser, by its definition."""

import numpy as np
import torch
from scipy.special import ndtri
from scipy.stats import rankdata

from grnet.infer.diffusion import denoising


def test_scores_are_the_denoiser_of_gaussian_genes():
    rng = np.random.default_rng(0)
    values = np.exp(rng.normal(size=(80, 12)) @ rng.normal(size=(12, 12))).astype(np.float32)
    own = np.full(12, -1)
    own[:4] = np.arange(4)
    found = denoising(values[:, :4], values, own, rng=rng, device=torch.device("cpu"), noise=5.0)
    gaussian = ndtri((rankdata(values, axis=0) - 0.5) / 80)
    correlation = np.corrcoef(gaussian.T)
    expected = np.zeros((4, 12))
    for noise in (5 / 10**0.5, 5.0, 5 * 10**0.5):
        # what is left of the noise is what the denoiser does not explain
        left = np.eye(12) - correlation @ np.linalg.inv(correlation + noise * np.eye(12))
        scale = np.sqrt(np.diag(left))
        level = (-left / np.outer(scale, scale))[:4]
        level[np.arange(4), np.arange(4)] = 0
        expected += level / np.sqrt((level**2).mean())
    np.testing.assert_allclose(found, expected / 3, atol=1e-3)
