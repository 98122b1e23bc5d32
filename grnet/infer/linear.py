"""Kernels of linear algebra: correlation, context likelihood, partial correlation, ridge.

Every kernel takes ``x`` (cells x regulators), ``y`` (cells x targets) and ``own`` (the column of
each target among the regulators, or -1) and returns scores, regulators x targets, bare or as
:class:`~grnet.infer._scored.Scored`.
"""

import warnings
from typing import Literal

import numpy as np
import torch
from scipy.stats import rankdata

from grnet import _checks
from grnet.infer._arrays import Matrix, column_blocks, leave_out_own, rank_genes, unit_columns
from grnet.infer._covariance import shrunk_partial_correlation
from grnet.infer._scored import Scored

Similarity = Literal["pearson", "spearman", "mutual_information"]


def pearson(
    x: np.ndarray, y: Matrix, own: np.ndarray, *, rng: np.random.Generator, device: torch.device
) -> np.ndarray:
    """Pearson correlation of each regulator with each target."""
    del rng
    regulators = unit_columns(torch.from_numpy(x).to(device)).T.contiguous()
    scores = np.empty((x.shape[1], y.shape[1]), dtype=np.float32)
    for columns, block in column_blocks(y, device):
        scores[:, columns] = (regulators @ unit_columns(block)).cpu().numpy()
    return leave_out_own(scores, own)


def spearman(
    x: np.ndarray, y: Matrix, own: np.ndarray, *, rng: np.random.Generator, device: torch.device
) -> np.ndarray:
    """Spearman correlation: Pearson on mid-ranks."""
    return pearson(*rank_genes(x, y), own, rng=rng, device=device)


def _bin_indicators(block: torch.Tensor, n_bins: int) -> torch.Tensor:
    """Return cells x (columns * n_bins) indicators of equal-frequency bins; ties share a bin."""
    ranks = torch.from_numpy(rankdata(block.cpu().numpy(), axis=0)).to(block.device)
    bins = ((ranks - 0.5) / block.shape[0] * n_bins).long().clamp(0, n_bins - 1)
    return torch.nn.functional.one_hot(bins, n_bins).float().flatten(1)


def _entropy(probabilities: torch.Tensor, dim: tuple[int, ...]) -> torch.Tensor:
    entropy: torch.Tensor = -torch.special.xlogy(probabilities, probabilities).sum(dim=dim)
    return entropy


def _mutual_information(
    x: np.ndarray, y: Matrix, own: np.ndarray, *, device: torch.device
) -> np.ndarray:
    n_cells, n_regulators = x.shape
    n_bins = int(np.clip(n_cells ** (1 / 3), 2, 8))
    regulators = _bin_indicators(torch.from_numpy(x).to(device), n_bins).T.contiguous()
    of_regulator = regulators.reshape(n_regulators, n_bins, n_cells).mean(dim=2)
    scores = np.empty((n_regulators, y.shape[1]), dtype=np.float32)
    width = max(8, 2**24 // (n_regulators * n_bins * n_bins))
    for columns, block in column_blocks(y, device, width=width):
        targets = _bin_indicators(block, n_bins)
        of_target = targets.mean(dim=0).reshape(-1, n_bins)
        joint = (regulators @ targets / n_cells).reshape(n_regulators, n_bins, -1, n_bins)
        information = _entropy(of_regulator, (1,))[:, None] + _entropy(of_target, (1,))[None, :]
        scores[:, columns] = (information - _entropy(joint, (1, 3))).clamp_min(0).cpu().numpy()
    return leave_out_own(scores, own)


def context_likelihood(scores: np.ndarray, own: np.ndarray, *, signs: np.ndarray) -> Scored:
    """Turn scores into z-scores against the background of both the regulator and the target.

    The CLR of Faith et al. (2007): ``sqrt(max(0, z_regulator)^2 + max(0, z_target)^2)`` of
    ``|score|``. The background decides the order of the pairs, not what chance reaches: compared
    with permuted data are the scores themselves.
    """
    strength = leave_out_own(np.abs(scores), own, np.nan)
    total = np.zeros_like(strength)
    with warnings.catch_warnings():
        # a single regulator has no background among its own targets: NaN, and 0 in the end
        warnings.filterwarnings("ignore", "Degrees of freedom|Mean of empty slice", RuntimeWarning)
        for axis in (0, 1):
            spread = np.nanstd(strength, axis=axis, keepdims=True)
            centred = strength - np.nanmean(strength, axis=axis, keepdims=True)
            total += np.square(np.maximum(centred / np.where(spread > 0, spread, 1.0), 0.0))
    likelihood = np.nan_to_num(np.sqrt(total), nan=0.0) * np.sign(signs)
    return Scored(likelihood, {}, {}, statistic=scores)


def clr(
    x: np.ndarray,
    y: Matrix,
    own: np.ndarray,
    *,
    rng: np.random.Generator,
    device: torch.device,
    similarity: Similarity = "pearson",
) -> Scored:
    """Context likelihood of relatedness on correlation or mutual information, signed."""
    _checks.one_of(similarity, ("pearson", "spearman", "mutual_information"), "similarity")
    correlation = spearman if similarity == "spearman" else pearson
    signs = correlation(x, y, own, rng=rng, device=device)
    information = similarity == "mutual_information"
    strength = _mutual_information(x, y, own, device=device) if information else signs
    return context_likelihood(strength, own, signs=signs)


def partial_correlation(
    x: np.ndarray,
    y: Matrix,
    own: np.ndarray,
    *,
    rng: np.random.Generator,
    device: torch.device,
    shrinkage: float = 0.97,
) -> np.ndarray:
    """Correlation of regulator and target given all other genes, from a shrunken covariance."""
    _checks.in_range(shrinkage, 0.001, 0.999, what="shrinkage")
    return leave_out_own(
        shrunk_partial_correlation(x, y, own, shrinkage=shrinkage, rng=rng, device=device), own
    )


def ridge(
    x: np.ndarray,
    y: Matrix,
    own: np.ndarray,
    *,
    rng: np.random.Generator,
    device: torch.device,
    alpha: float = 1.0,
) -> np.ndarray:
    """Coefficients of ridge regression of each target on all other regulators.

    One factorisation serves all targets. With ``P`` the inverse of the penalised Gram matrix and
    ``B = P X'y``, leaving regulator ``k`` out is exact: ``B - P[:, k] B[k] / P[k, k]``.
    """
    del rng
    _checks.in_range(alpha, 1e-6, 1e6, what="alpha")
    regulators = unit_columns(torch.from_numpy(x).to(device))
    gram = (regulators.T @ regulators).double()
    gram.diagonal().add_(alpha)
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(gram))
    scores = np.empty((x.shape[1], y.shape[1]), dtype=np.float32)
    transposed = regulators.T.contiguous()
    for columns, block in column_blocks(y, device):
        coefficients = inverse @ (transposed @ unit_columns(block)).double()
        among = torch.from_numpy(own[columns]).to(device)
        targets = torch.nonzero(among >= 0).squeeze(1)
        left_out = among[targets]
        correction = coefficients[left_out, targets] / inverse[left_out, left_out]
        coefficients[:, targets] -= inverse[:, left_out] * correction
        scores[:, columns] = coefficients.float().cpu().numpy()
    return leave_out_own(scores, own)


def ridge_context(
    x: np.ndarray,
    y: Matrix,
    own: np.ndarray,
    *,
    rng: np.random.Generator,
    device: torch.device,
    alpha: float = 10.0,
) -> Scored:
    """Ridge coefficients as z-scores against the background of regulator and target, signed."""
    coefficients = ridge(x, y, own, rng=rng, device=device, alpha=alpha)
    return context_likelihood(coefficients, own, signs=coefficients)
