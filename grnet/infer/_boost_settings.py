"""Settings, bookkeeping and early stopping shared by the two engines of boosting."""

from dataclasses import dataclass

import numpy as np
import torch

from grnet import _checks


@dataclass(frozen=True)
class BoostSettings:
    """How to boost; the meaning of each is documented at :func:`grnet.infer.boost.boosted_gain`."""

    n_rounds: int
    learning_rate: float
    max_depth: int
    subsample: float
    max_features: float
    early_stopping: int
    validation_fraction: float = 0.1

    def __post_init__(self) -> None:
        _checks.whole(self.n_rounds, 1, 100_000, what="n_rounds")
        _checks.in_range(self.learning_rate, 1e-4, 1.0, what="learning_rate")
        _checks.whole(self.max_depth, 1, 8, what="max_depth")
        _checks.in_range(self.subsample, 0.1, 1.0, what="subsample")
        _checks.in_range(self.max_features, 1e-3, 1.0, what="max_features")
        _checks.whole(self.early_stopping, 0, self.n_rounds, what="early_stopping")


@dataclass(frozen=True)
class Draws:
    """Every random choice of a run, made once so that all blocks of targets share them."""

    regulators: torch.Tensor | None
    """Rounds x regulators: which regulators a round may split on; None for all."""
    training: torch.Tensor
    """Cells that the trees see."""
    validation: torch.Tensor
    """Cells held out for early stopping."""
    seed: int
    """Seeds the choice of cells of each round."""

    @classmethod
    def make(
        cls,
        settings: BoostSettings,
        *,
        n_cells: int,
        n_regulators: int,
        rng: np.random.Generator,
        device: torch.device,
    ) -> "Draws":
        """Draw."""
        regulators = None
        if settings.max_features < 1:
            kept = max(1, round(settings.max_features * n_regulators))
            noise = rng.random((settings.n_rounds, n_regulators))
            chosen = noise <= np.partition(noise, kept - 1, axis=1)[:, kept - 1 : kept]
            regulators = torch.from_numpy(chosen).to(device)
        order = rng.permutation(n_cells)
        n_held = max(2, round(settings.validation_fraction * n_cells))
        held = order[: n_held if settings.early_stopping else 0]
        return cls(
            regulators,
            torch.from_numpy(np.sort(order[len(held) :])).to(device),
            torch.from_numpy(np.sort(held)).to(device),
            int(rng.integers(2**31)),
        )


class Importance:
    """Gain of each regulator for each target, and the direction in which it acts."""

    def __init__(self, n_targets: int, n_regulators: int, device: torch.device) -> None:
        self.gain = torch.zeros(n_targets, n_regulators, device=device)
        self._signed = torch.zeros_like(self.gain)
        self._targets = torch.arange(n_targets, device=device)

    def add(self, regulators: torch.Tensor, gain: torch.Tensor, direction: torch.Tensor) -> None:
        """Credit one split per target."""
        place = (self._targets, regulators)
        self.gain.index_put_(place, gain.float(), accumulate=True)
        self._signed.index_put_(place, (gain * direction.sign()).float(), accumulate=True)

    def scores(self) -> np.ndarray:
        """Return regulators x targets: the gain, signed by the direction of most of it."""
        signs = torch.where(self._signed < 0, -1.0, 1.0)
        return (self.gain * signs).T.cpu().numpy()


class EarlyStopping:
    """Stops a target when its held-out cells have not improved over a window of rounds."""

    def __init__(self, window: int, residuals: torch.Tensor) -> None:
        self._window = window
        self.residuals = residuals
        self.active = torch.ones(len(residuals), dtype=torch.bool, device=residuals.device)
        self._losses = [residuals.square().sum(dim=1)]

    def update(self, step: torch.Tensor) -> None:
        """Subtract a round's step (targets x held-out cells)."""
        self.residuals -= step * self.active[:, None]
        self._losses.append(self.residuals.square().sum(dim=1))
        if len(self._losses) > self._window:
            self.active &= self._losses[-1] < self._losses.pop(0)

    @property
    def finished(self) -> bool:
        """Whether no target is left."""
        return not bool(self.active.any())
