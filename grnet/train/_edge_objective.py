"""What the training of edges makes small: two losses of pairs that their messages do not hold."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from grnet.graph.vocabulary import GENE
from grnet.train import _edge_graph
from grnet.train.metrics import task_scores

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

Batch = Mapping[str, Any]


class EdgeObjective:
    """A loss of pairs that are kept out of the messages of their own batch.

    Cross entropy, or with a class prior, the share of edges among pairs labelled 0, the
    non-negative risk of positive and unlabelled pairs.
    """

    monitor: str = "auprc"
    mode: Literal["min", "max"] = "max"

    def __init__(
        self,
        graph: "HeteroData",
        *,
        class_prior: float | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        self._graph, self._class_prior = graph, class_prior
        self._placed: tuple[_edge_graph.Nodes, _edge_graph.Edges] | None = None
        self.facts = {
            **({} if class_prior is None else {"class_prior": class_prior}),
            **(facts or {}),
        }

    def answer(self, model: nn.Module, batch: Batch) -> torch.Tensor:
        """Return logits, from the graph without the pairs that are asked."""
        pairs = batch["pairs"]
        x, edges = (batch["x"], batch["edges"]) if "x" in batch else self._whole(pairs.device)
        left = _edge_graph.without_pairs(edges, pairs, n_genes=len(x[GENE]))
        own = {"features": batch["features"]} if "features" in batch else {}
        logits: torch.Tensor = model(x, left, pairs, **own)
        return logits.float()

    def loss(self, answer: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Return the mean loss."""
        if self._class_prior is not None:
            return non_negative_risk(answer, batch["y"], class_prior=self._class_prior)
        return functional.binary_cross_entropy_with_logits(answer, batch["y"])

    def outputs(self, answer: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Return the logits."""
        del batch
        return answer

    def targets(self, batch: Batch) -> torch.Tensor:
        """Return the labels."""
        labels: torch.Tensor = batch["y"]
        return labels

    def metrics(self, outputs: torch.Tensor, targets: torch.Tensor) -> dict[str, float]:
        """Return the figures over all pairs."""
        scores = task_scores(targets.numpy()[:, None], outputs.numpy()[:, None], raw=True).iloc[0]
        found = {str(key): float(value) for key, value in scores.drop("n").items()}
        return {key: value if np.isfinite(value) else 0.0 for key, value in found.items()}

    def _whole(self, device: torch.device) -> tuple[_edge_graph.Nodes, _edge_graph.Edges]:
        """Return the whole graph, moved to the device once."""
        if self._placed is None or self._placed[0][GENE].device != device:
            with torch.inference_mode(mode=False):  # validation may be the first to ask
                self._placed = _edge_graph.on_device(self._graph, device)
        return self._placed


def non_negative_risk(
    logits: torch.Tensor, labels: torch.Tensor, *, class_prior: float
) -> torch.Tensor:
    """Return the risk of Kiryo et al. (2017) with the logistic loss.

    Unlabelled pairs (0) are a mixture of edges, a share of ``class_prior``, and others; what the
    known edges (1) tell of the edges among them is taken away again. Where the rest is negative,
    which only a model that remembers its pairs can reach, the gradient goes back up.
    """
    known = labels == 1
    as_edge, as_none = functional.softplus(-logits), functional.softplus(logits)
    positive = class_prior * _mean(as_edge[known])
    negative = _mean(as_none[~known]) - class_prior * _mean(as_none[known])
    if negative >= 0:
        return positive + negative
    return positive.detach() - (negative - negative.detach())


def _mean(values: torch.Tensor) -> torch.Tensor:
    """Return the mean, 0 of nothing."""
    return values.sum() / max(values.numel(), 1)
