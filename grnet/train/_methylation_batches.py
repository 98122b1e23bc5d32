"""CpGs as batches, and the likelihood of their reads."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd
import torch
from torch import nn

from grnet.io.genome import Genome
from grnet.models.methylation import MethylationModelConfig
from grnet.models.prediction import evaluating
from grnet.train._methylation_scores import methylation_scores
from grnet.train._methylation_sites import Floats, Ints, Sites, neighbours

Batch = dict[str, torch.Tensor]

_WITHOUT_GAP = 0.5
"""Share of the training examples that see their nearest neighbours, where others see a gap."""

_AT_A_TIME = 2048


class CpGs:
    """Batches of target CpGs: what is around them, and their reads.

    With ``gap``, half of the targets see no neighbour within a block of so many bases around them,
    as the CpGs of a block that is held out do.
    """

    def __init__(
        self,
        sites: Sites,
        targets: Ints,
        *,
        seen: Ints,
        config: MethylationModelConfig,
        sequence: tuple[Genome, pd.DataFrame] | None = None,
        gap: int = 0,
        seed: int = 0,
    ) -> None:
        self._sites, self._targets, self._seen = sites, targets, seen
        self._config, self._sequence, self._gap = config, sequence, gap
        self._rng = np.random.default_rng(seed)

    def __len__(self) -> int:
        return len(self._targets)

    def __getitems__(self, indices: list[int]) -> Batch:
        rows = self._targets[np.asarray(indices)]
        batch = {
            "methylated": torch.from_numpy(self._sites.methylated[rows]),
            "coverage": torch.from_numpy(self._sites.coverage[rows]),
        }
        if self._config.n_neighbours:
            around = neighbours(
                self._sites,
                self._seen,
                rows,
                n=self._config.n_neighbours,
                gap=self._gaps(len(rows)),
            )
            batch["neighbours"] = torch.from_numpy(around)
        if self._sequence is not None:
            genome, places = self._sequence
            codes = genome.sequence(places.iloc[rows], width=self._config.window)
            batch["codes"] = torch.from_numpy(codes)
        return batch

    def _gaps(self, n: int) -> tuple[Ints, Ints] | None:
        if not self._gap:
            return None
        left = self._rng.integers(0, self._gap, n)
        with_gap = self._rng.random(n) >= _WITHOUT_GAP
        return (
            np.maximum(np.where(with_gap, left, 0), 1),
            np.maximum(np.where(with_gap, self._gap - left, 0), 1),
        )


class ReadsObjective:
    """The beta-binomial likelihood of the reads."""

    monitor: str = "loss"
    mode: Literal["min", "max"] = "min"

    def answer(self, model: nn.Module, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Return logits of levels, and the logs of their strengths."""
        raw: torch.Tensor = model(batch.get("neighbours"), batch.get("codes"))
        return raw.float()

    def loss(self, answer: torch.Tensor, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Return the mean over CpGs of minus the log likelihood, but for a constant."""
        return beta_binomial_loss(answer, batch["methylated"], batch["coverage"])

    def outputs(self, answer: torch.Tensor, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Return the answer as it is."""
        del batch
        return answer

    def targets(self, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Return methylated reads and reads."""
        return torch.stack([batch["methylated"], batch["coverage"]], 1)

    def metrics(self, outputs: torch.Tensor, targets: torch.Tensor) -> dict[str, float]:
        """Return the figures of the levels."""
        methylated, coverage = targets.double().numpy().T
        scores = methylation_scores(methylated, coverage, outputs[:, 0].sigmoid().double().numpy())
        return {str(key): float(value) for key, value in scores.items() if np.isfinite(value)}


def beta_binomial_loss(
    raw: torch.Tensor, methylated: torch.Tensor, coverage: torch.Tensor
) -> torch.Tensor:
    """Return minus the log likelihood of the reads, without the binomial coefficient."""
    strength = raw[:, 1].exp()
    yes, no = raw[:, 0].sigmoid() * strength, (-raw[:, 0]).sigmoid() * strength
    before = torch.lgamma(yes) + torch.lgamma(no) - torch.lgamma(strength)
    after = (
        torch.lgamma(yes + methylated)
        + torch.lgamma(no + coverage - methylated)
        - torch.lgamma(strength + coverage)
    )
    return (before - after).mean()


def answers(model: nn.Module, data: CpGs, *, device: str) -> Floats:
    """Return the raw outputs of a model for all targets, in order."""
    parts = []
    objective = ReadsObjective()
    with evaluating(model, device=device) as where:
        for start in range(0, len(data), _AT_A_TIME):
            batch = data.__getitems__(list(range(start, min(start + _AT_A_TIME, len(data)))))
            moved = {key: value.to(where) for key, value in batch.items()}
            parts.append(objective.answer(model, moved).cpu().numpy())
    return np.concatenate(parts) if parts else np.zeros((0, 2), dtype=np.float32)
