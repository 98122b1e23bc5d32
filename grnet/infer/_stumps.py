"""Threshold indicators of the regulators: the features that boosting splits on."""

from dataclasses import dataclass, replace

import numpy as np
import torch

QUANTILES = (0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99)
"""Where thresholds lie: dense in the tails, where knock-outs and rare cells are."""


@dataclass(frozen=True)
class Stumps:
    """The indicators ``bins[:, regulator] > rank``, one per usable threshold.

    ``bins`` is cells x regulators (uint8): how many thresholds lie below the value. Values equal to
    the minimum, the zeros of single-cell data, are a bin of their own.
    """

    bins: torch.Tensor
    regulator: torch.Tensor
    rank: torch.Tensor

    def __len__(self) -> int:
        return len(self.regulator)

    def indicators(self, cells: slice | torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        """Return cells x features booleans."""
        return self.bins[cells][:, self.regulator[features]] > self.rank[features]

    def of_cells(self, cells: torch.Tensor) -> "Stumps":
        """Return the same features of some cells."""
        return replace(self, bins=self.bins[cells])


def thresholds(x: np.ndarray) -> np.ndarray:
    """Return thresholds x regulators, ascending; NaN where one would split nothing off."""
    grid = np.concatenate([x.min(axis=0, keepdims=True), _quantiles(x)])
    usable = grid < x.max(axis=0, keepdims=True)
    usable[1:] &= grid[1:] > grid[:-1]
    # the minimum splits off a single bulk value; where only a few cells share it, it is an outlier
    usable[0] &= (grid[0] == grid[1]) | ~usable[1:].any(axis=0)
    return np.where(usable, grid, np.nan)


def _quantiles(x: np.ndarray, width: int = 64) -> np.ndarray:
    parts = [
        np.quantile(x[:, start : start + width], QUANTILES, axis=0, method="lower")
        for start in range(0, x.shape[1], width)
    ]
    return np.concatenate(parts, axis=1)


def make_stumps(x: np.ndarray, device: torch.device) -> Stumps:
    """Bin every regulator (cells x regulators, dense)."""
    grid = thresholds(x)
    bins = np.zeros(x.shape, dtype=np.uint8)
    for row in grid:
        bins += x > row  # comparing with NaN is false: an unusable threshold counts nothing
    regulator, place = np.nonzero(np.isfinite(grid).T)
    first = np.searchsorted(regulator, regulator)
    rank = (np.arange(len(place)) - first).astype(np.uint8)
    return Stumps(
        torch.from_numpy(bins).to(device),
        torch.from_numpy(regulator).to(device),
        torch.from_numpy(rank).to(device),
    )
