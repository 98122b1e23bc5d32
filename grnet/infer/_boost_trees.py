"""Boosting of trees of any depth, on all or some of the cells, by histograms.

A level of all targets' trees is one matrix product: ``indicators' @ residuals``, with the residuals
masked to a node, gives the sum to the right of every threshold for every target at once.
"""

from typing import NamedTuple

import numpy as np
import torch

from grnet._progress import progress
from grnet.infer._arrays import Matrix, column_blocks, unit_columns
from grnet.infer._boost_settings import BoostSettings, Draws, EarlyStopping, Importance
from grnet.infer._stumps import Stumps

CELLS_AT_ONCE = 4096


class _Split(NamedTuple):
    """The best split of one node of each target's tree."""

    feature: torch.Tensor
    gain: torch.Tensor
    direction: torch.Tensor


def _right_sums(stumps: Stumps, features: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Return features x targets: sums of the values (cells x targets) above each threshold."""
    total = torch.zeros(len(features), values.shape[1], dtype=values.dtype, device=values.device)
    for start in range(0, len(values), CELLS_AT_ONCE):
        cells = slice(start, start + CELLS_AT_ONCE)
        total += stumps.indicators(cells, features).to(values.dtype).T @ values[cells]
    return total


def _best_split(
    stumps: Stumps,
    features: torch.Tensor,
    residuals: torch.Tensor,
    *,
    inside: torch.Tensor,
    forbidden: torch.Tensor,
) -> _Split:
    """Return the split with the largest fall in squared error among the cells ``inside``."""
    weights = inside.to(residuals.dtype)
    masked = residuals * weights
    right, n_right = (_right_sums(stumps, features, values) for values in (masked, weights))
    total, n_total = masked.sum(dim=0), weights.sum(dim=0)
    left, n_left = total - right, n_total - n_right
    gain = right.square() / n_right.clamp_min(1) + left.square() / n_left.clamp_min(1)
    gain -= total.square() / n_total.clamp_min(1)
    gain.masked_fill_(forbidden | (n_right < 1) | (n_left < 1), 0.0)
    best, chosen = gain.float().max(dim=0)  # rounded: ties are broken by name
    columns = torch.arange(residuals.shape[1], device=residuals.device)
    slope = (right / n_right.clamp_min(1) - left / n_left.clamp_min(1))[chosen, columns]
    return _Split(features[chosen], best.double(), slope)


class _Trees:
    """One round: a tree per target, as a leaf number per cell and target."""

    def __init__(self, stumps: Stumps, n_targets: int) -> None:
        self._stumps = stumps
        self.leaf = torch.zeros(
            len(stumps.bins), n_targets, dtype=torch.uint8, device=stumps.bins.device
        )
        self.n_leaves = 1

    def grow(
        self,
        residuals: torch.Tensor,
        sampled: torch.Tensor,
        *,
        features: torch.Tensor,
        own: torch.Tensor,
    ) -> list[_Split]:
        """Split every leaf once; a leaf without a gain is split in name only."""
        forbidden = self._stumps.regulator[features][:, None] == own[None, :]
        splits = []
        right = torch.zeros_like(self.leaf)
        for leaf in range(self.n_leaves):
            here = self.leaf == leaf
            split = _best_split(
                self._stumps,
                features,
                residuals,
                inside=here & sampled[:, None],
                forbidden=forbidden,
            )
            splits.append(split)
            bins = self._stumps.bins[:, self._stumps.regulator[split.feature]]
            above = bins > self._stumps.rank[split.feature]
            right |= (here & above & (split.gain > 0)).to(torch.uint8)
        self.leaf = self.leaf * 2 + right
        self.n_leaves *= 2
        return splits

    def predict(self, residuals: torch.Tensor, sampled: torch.Tensor) -> torch.Tensor:
        """Return cells x targets: the mean residual of the sampled cells of each leaf."""
        prediction = torch.zeros_like(residuals)
        for leaf in range(self.n_leaves):
            inside = (self.leaf == leaf).to(residuals.dtype)
            weights = inside * sampled[:, None]
            mean = (residuals * weights).sum(dim=0) / weights.sum(dim=0).clamp_min(1)
            prediction += inside * mean
        return prediction


def _boost_block(
    residuals: torch.Tensor,
    stumps: Stumps,
    own: torch.Tensor,
    *,
    settings: BoostSettings,
    draws: Draws,
) -> np.ndarray:
    n_cells, n_targets = residuals.shape
    importance = Importance(n_targets, int(stumps.bins.shape[1]), residuals.device)
    stopping = None
    if settings.early_stopping:
        held_out = residuals[draws.validation].T.contiguous()
        stopping = EarlyStopping(settings.early_stopping, held_out)
    rng = np.random.default_rng(draws.seed)
    everything = torch.arange(len(stumps), device=residuals.device)
    for turn in range(settings.n_rounds):
        sampled = _sampled_cells(n_cells, settings, draws=draws, rng=rng)
        features = everything
        if draws.regulators is not None:
            features = everything[draws.regulators[turn][stumps.regulator]]
        if not len(features):
            continue
        trees = _Trees(stumps, n_targets)
        active = stopping.active if stopping is not None else torch.tensor(1)
        for _ in range(settings.max_depth):
            for split in trees.grow(residuals, sampled, features=features, own=own):
                gain = split.gain * active
                importance.add(stumps.regulator[split.feature], gain, split.direction)
        step = settings.learning_rate * trees.predict(residuals, sampled)
        residuals -= step * active
        if stopping is not None:
            stopping.update(step[draws.validation].T)
            if stopping.finished:
                break
    return importance.scores()


def _sampled_cells(
    n_cells: int, settings: BoostSettings, *, draws: Draws, rng: np.random.Generator
) -> torch.Tensor:
    training = draws.training.cpu().numpy()
    kept = max(2, round(settings.subsample * len(training)))
    mask = np.zeros(n_cells, dtype=bool)
    mask[rng.permutation(training)[:kept] if kept < len(training) else training] = True
    return torch.from_numpy(mask).to(draws.training.device)


def boost_trees(
    stumps: Stumps, y: Matrix, own: np.ndarray, *, settings: BoostSettings, draws: Draws
) -> np.ndarray:
    """Return regulators x targets gains of trees."""
    device = stumps.bins.device
    scores = np.zeros((stumps.bins.shape[1], y.shape[1]), dtype=np.float32)
    owners = torch.from_numpy(own).to(device)
    width = max(16, 2**22 // len(stumps.bins))
    blocks = column_blocks(y, device, width=width)
    for columns, block in progress(blocks, "boosting", total=-(-y.shape[1] // width)):
        # in double precision, so that ties are broken by name, not by rounding
        residuals = unit_columns(block, block[draws.training]).double()
        scores[:, columns] = _boost_block(
            residuals, stumps, owners[columns], settings=settings, draws=draws
        )
    return scores
