"""What all layers of the joint model learn together: edges, bindings, the profile of the cells."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import nn
from torch.nn import functional

from grnet import _checks
from grnet.graph import GENE, NEAR, PEAK, TF
from grnet.graph._attributes import edge_attribute
from grnet.models import JointModel
from grnet.models._pooled_sites import one_per_peak
from grnet.train import _edge_graph
from grnet.train._resuming import fingerprint
from grnet.train.joint_fit import JointFit
from grnet.train.metrics import task_scores

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

    from grnet.train.joint_tuning import JointLoss

Batch = Mapping[str, Any]


class TunedModel(nn.Module):
    """A joint model with the heads of its further tasks."""

    def __init__(self, model: JointModel, n_reconstructed: int) -> None:
        super().__init__()
        self.model = model
        n_features, n_tfs = model.config.n_sequence_features, model.config.n_tfs
        self.binding_bias = nn.Parameter(torch.full((n_tfs,), -3.0))
        self.profile = nn.Linear(n_features, n_reconstructed) if n_reconstructed else None
        self._frozen: list[str] = []

    def freeze(self, layer: str) -> None:
        """Leave the weights of a layer as they are."""
        self._frozen.append(layer)
        for part in self._parts(layer):
            part.requires_grad_(requires_grad=False)

    def train(self, mode: bool = True) -> "TunedModel":  # noqa: FBT001, FBT002 - as torch has it
        """Set the mode; frozen layers neither drop nor count what passes through them."""
        super().train(mode)
        for layer in self._frozen:
            for part in self._parts(layer):
                part.eval()
        return self

    def _parts(self, layer: str) -> list[nn.Module]:
        if layer in self.model.towers:
            return [self.model.towers[layer]]
        with_dna = layer == "dna" and layer in self.model.config.layers
        return [self.model.reader, self.model.sites] if with_dna else []


class ByTarget(torch.utils.data.Sampler[int]):
    """Every pair once, those of a target together, in an order that follows from seed and epoch."""

    def __init__(self, targets: npt.NDArray[np.int64], *, seed: int) -> None:
        self._targets, self._seed, self._epoch = targets, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Lightning calls this, also after it has resumed."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._targets)

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng([self._seed, self._epoch])
        place = rng.permutation(int(self._targets.max()) + 1)
        return iter(np.argsort(place[self._targets], kind="stable").tolist())


class JointPairs:
    """Labelled pairs, and the positions of the peaks near their targets."""

    def __init__(
        self, joint: JointFit, pairs: pd.DataFrame, features: npt.NDArray[np.float32]
    ) -> None:
        self.pairs = torch.from_numpy(_edge_graph.positions(joint.graph, pairs))
        self._labels = torch.from_numpy(pairs["label"].to_numpy(dtype=np.float32))
        self._features = torch.from_numpy(features)
        self._near = joint.graph[NEAR].edge_index if joint.said is not None else None

    def __len__(self) -> int:
        return len(self._labels)

    def fingerprint(self) -> str:
        """Return a digest of pairs, labels and features."""
        return fingerprint(self.pairs, self._labels, self._features)

    def __getitems__(self, indices: list[int]) -> dict[str, Any]:
        """Return ``pairs``, ``y``, ``features``, and ``peaks`` where DNA is read."""
        rows = torch.tensor(indices)
        pairs = self.pairs[:, rows]
        batch = {"pairs": pairs, "y": self._labels[rows], "features": self._features[rows]}
        if self._near is None:
            return batch
        near = self._near[0, torch.isin(self._near[1], pairs[1])].unique()
        return {**batch, "peaks": near}


class JointObjective:
    """The weighted sum of the losses of edges, bindings and reconstruction."""

    monitor: str = "auprc"
    mode: Literal["min", "max"] = "max"

    def __init__(
        self, joint: JointFit, *, bindings: pd.DataFrame | None, loss: "JointLoss"
    ) -> None:
        self._graph, self._weights = joint.graph, loss
        self._said, self._link = joint.said, None
        self._bound = None if bindings is None else _bound(joint.graph, bindings)
        self._profile = None
        if joint.said is not None:
            self._link = edge_attribute(joint.graph, NEAR, "weight")
            if loss.reconstruction:
                self._profile = _profiles(joint.graph)
        self.n_reconstructed = 0 if self._profile is None else self._profile.shape[1]
        self.facts = {"loss": dataclasses.asdict(loss), "bindings": bindings is not None}

    def answer(self, model: nn.Module, batch: Batch) -> dict[str, torch.Tensor]:
        """Return logits of the pairs, and of the peaks near them what their DNA says."""
        tuned = cast("TunedModel", model)
        joint = tuned.model
        pairs = batch["pairs"]
        x, edges = _edge_graph.on_device(self._graph, pairs.device)
        left = _edge_graph.without_pairs(edges, pairs, n_genes=len(x[GENE]))
        said, own = None, None
        if self._said is not None:
            said = self._said.to(pairs.device)
        if said is not None and len(batch["peaks"]):
            own = joint.reader(self._graph[PEAK].sequence[batch["peaks"].cpu()].to(pairs.device))
            own = one_per_peak(own).float()
            said = said.index_copy(0, batch["peaks"], own)
        link = None if self._link is None else self._link.to(pairs.device)
        logits = joint(x, left, pairs, features=batch["features"], said=said, link=link)
        found = {"logits": logits.float()}
        if own is None:
            return found
        scaled = joint.sites.scaled(own)
        found["binding"] = scaled @ joint.sites.weight.T + tuned.binding_bias
        if tuned.profile is not None:
            found["profile"] = tuned.profile(scaled)
        return found

    def loss(self, answer: dict[str, torch.Tensor], batch: Batch) -> torch.Tensor:
        """Return the weighted sum."""
        total = self._weights.edges * functional.binary_cross_entropy_with_logits(
            answer["logits"], batch["y"]
        )
        if "binding" not in answer:
            return total
        peaks = batch["peaks"]
        if self._bound is not None:
            tfs, bound = self._bound
            logits = answer["binding"][:, tfs.to(peaks.device)]
            total = total + self._weights.binding * functional.binary_cross_entropy_with_logits(
                logits, bound.to(peaks.device)[peaks]
            )
        if self._profile is not None:
            target = self._profile.to(peaks.device)[peaks]
            total = total + self._weights.reconstruction * functional.mse_loss(
                answer["profile"], target
            )
        return total

    def outputs(self, answer: dict[str, torch.Tensor], batch: Batch) -> torch.Tensor:
        """Return the logits of the pairs."""
        del batch
        return answer["logits"]

    def targets(self, batch: Batch) -> torch.Tensor:
        """Return the labels."""
        labels: torch.Tensor = batch["y"]
        return labels

    def metrics(self, outputs: torch.Tensor, targets: torch.Tensor) -> dict[str, float]:
        """Return the figures over all pairs."""
        scores = task_scores(targets.numpy()[:, None], outputs.numpy()[:, None], raw=True).iloc[0]
        found = {str(key): float(value) for key, value in scores.drop("n").items()}
        return {key: value if np.isfinite(value) else 0.0 for key, value in found.items()}


def _bound(graph: "HeteroData", bindings: pd.DataFrame) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the positions of TFs with bindings, and which peaks each of them binds, (P, T)."""
    _checks.has_columns(bindings, ["tf", "peak"], "bindings")
    tf = pd.Index(graph[TF].name).get_indexer(pd.Index(bindings["tf"].astype(str)))
    peak = pd.Index(graph[PEAK].name).get_indexer(pd.Index(bindings["peak"].astype(str)))
    known = (tf >= 0) & (peak >= 0)
    if not known.any():
        message = (
            f"None of the {len(bindings)} bindings joins a TF and a peak of the graph: it has "
            f"{_checks.examples(graph[TF].name)} and {_checks.examples(graph[PEAK].name)}, the "
            f"bindings {_checks.examples(bindings['tf'].unique())} and "
            f"{_checks.examples(bindings['peak'].unique())}."
        )
        raise ValueError(message)
    tfs, column = np.unique(tf[known], return_inverse=True)
    bound = torch.zeros(graph[PEAK].num_nodes, len(tfs))
    bound[torch.from_numpy(peak[known]), torch.from_numpy(column)] = 1.0
    return torch.from_numpy(tfs), bound


def _profiles(graph: "HeteroData") -> torch.Tensor:
    """Return what the DNA of each peak is to tell: its accessibility, or the genes' expression."""
    store = graph[PEAK]
    columns = [i for i, name in enumerate(store.feature_names) if name.startswith("accessibility")]
    if columns:
        opened: torch.Tensor = store.x[:, columns]
        return opened
    peak, gene = graph[NEAR].edge_index
    x = graph[GENE].x
    total = torch.zeros(graph[PEAK].num_nodes, x.shape[1]).index_add(0, peak, x[gene])
    n_near = torch.bincount(peak, minlength=len(total)).clamp(min=1)
    return total / n_near[:, None]
