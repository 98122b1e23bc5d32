"""What training makes small, and how it is judged: one objective per kind of answer."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal, Protocol

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from grnet.models._heads import Head, Outputs, ProfileCounts
from grnet.train.balance import focal_loss
from grnet.train.metrics import task_scores

Batch = Mapping[str, torch.Tensor]


class Objective(Protocol):
    """A loss and its figures; :func:`fit` takes any object with these.

    Examples
    --------
    >>> import grnet as gn
    >>> objective: gn.train.Objective = gn.train.HeadObjective("regression")
    >>> objective.monitor
    'loss'
    """

    @property
    def monitor(self) -> str:
        """The figure that chooses the best epoch; ``"loss"`` is the validation loss."""

    @property
    def mode(self) -> Literal["min", "max"]:
        """Whether it is better small or large."""

    def answer(self, model: nn.Module, batch: Batch) -> Any:  # noqa: ANN401 - each its own kind
        """Return what the model says of a batch: what loss and outputs are taken from."""

    def loss(self, answer: Any, batch: Batch) -> torch.Tensor:  # noqa: ANN401
        """Return the mean loss of a batch, to be made small."""

    def outputs(self, answer: Any, batch: Batch) -> torch.Tensor:  # noqa: ANN401
        """Return what is kept of a validation batch to compute the figures."""

    def targets(self, batch: Batch) -> torch.Tensor:
        """Return what the outputs are compared with."""

    def metrics(self, outputs: torch.Tensor, targets: torch.Tensor) -> dict[str, float]:
        """Return the figures of all validation batches together."""


@dataclass(frozen=True)
class HeadObjective:
    """The objective of a sequence model's head.

    Parameters
    ----------
    head
        What the model answers.
    positive_weight
        Weight of the positives of each task, for binary answers; see :func:`class_weights`.
    focal_gamma
        Above 0: focal loss, which lets easy examples count less (Lin et al. 2017).
    count_weight
        Of the squared error of log totals beside the multinomial loss of profiles.
    monitor, mode
        The figure that chooses the best epoch; ``"loss"`` is the validation loss.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.train.HeadObjective("binary").mode
    'min'
    """

    head: Head
    _: KW_ONLY
    positive_weight: tuple[float, ...] | None = None
    focal_gamma: float = 0.0
    count_weight: float = 1.0
    monitor: str = "loss"
    mode: Literal["min", "max"] = "min"

    def answer(self, model: nn.Module, batch: Batch) -> Outputs:
        """Return the model's raw outputs."""
        raw: Outputs = model(batch["x"])
        return raw

    def loss(self, answer: Outputs, batch: Batch) -> torch.Tensor:
        """Return the mean loss over known labels."""
        y = batch["y"]
        if isinstance(answer, ProfileCounts):
            return self._profile(answer, y)
        if self.head == "multiclass":
            return functional.cross_entropy(answer.float(), y[:, 0].long())
        known = y.isfinite()
        y, raw = torch.where(known, y, 0), answer.float()
        return (self._each(raw, y) * known).sum() / known.sum().clamp(min=1)

    def outputs(self, answer: Outputs, batch: Batch) -> torch.Tensor:
        """Return raw outputs; of profiles the log totals."""
        del batch
        return answer.counts if isinstance(answer, ProfileCounts) else answer

    def targets(self, batch: Batch) -> torch.Tensor:
        """Return the labels; of profiles the log of one plus the total."""
        y = batch["y"]
        return torch.log1p(y.sum(-1)) if self.head == "profile" else y

    def metrics(self, outputs: torch.Tensor, targets: torch.Tensor) -> dict[str, float]:
        """Return each figure's mean over the tasks where it can be computed."""
        head: Any = "regression" if self.head == "profile" else self.head
        table = task_scores(targets.numpy(), outputs.float().numpy(), head=head, raw=True)
        numbers = table.drop(columns="n").mean()
        return {str(key): float(value) for key, value in numbers.items() if np.isfinite(value)}

    def _each(self, raw: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        if self.head == "regression":
            return functional.mse_loss(raw, y, reduction="none")
        if self.focal_gamma:
            return focal_loss(raw, y, gamma=self.focal_gamma, reduction="none")
        weight = None
        if self.positive_weight is not None:
            weight = torch.tensor(self.positive_weight, device=raw.device)
            weight = weight[:, None] if raw.ndim == 3 else weight
        return functional.binary_cross_entropy_with_logits(
            raw, y, pos_weight=weight, reduction="none"
        )

    def _profile(self, raw: ProfileCounts, y: torch.Tensor) -> torch.Tensor:
        """Return the multinomial loss per read, and the squared error of the log totals."""
        total = y.sum(-1)
        shape = -(y * raw.profile.float().log_softmax(-1)).sum(-1) / total.clamp(min=1)
        size = functional.mse_loss(raw.counts.float(), torch.log1p(total))
        return shape.mean() + self.count_weight * size
