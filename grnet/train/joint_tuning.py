"""Training of all layers of the joint model together, down to the reader of the DNA."""

import copy
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import nn
from torch.nn import functional

from grnet import _checks
from grnet.graph import GENE, NEAR, PEAK, TF
from grnet.models import JointModel, predict
from grnet.models.joint import LAYERS
from grnet.train import _edge_graph
from grnet.train._joint_views import link_weights
from grnet.train.edges import EdgeSplit
from grnet.train.fitting import FitSettings, fit
from grnet.train.joint_fit import JointFit
from grnet.train.metrics import task_scores

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

Batch = Mapping[str, Any]

TUNING = FitSettings(
    max_epochs=10, learning_rate=1e-4, weight_decay=1e-3, batch_size=2048, patience=3
)


@dataclass(frozen=True, kw_only=True)
class JointLoss:
    """How much each task counts when all layers train together.

    Parameters
    ----------
    edges
        Known edges: cross entropy of the pairs.
    binding
        Bindings of TFs to peaks: cross entropy of the site weights on the DNA of each peak.
    reconstruction
        The profile of the cells: squared error of the features of each peak (its accessibility)
        read from its DNA; where the graph has none, of the genes that the peak is near.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.train.JointLoss(binding=0.0).edges
    1.0
    """

    edges: float = 1.0
    binding: float = 0.3
    reconstruction: float = 0.1

    def __post_init__(self) -> None:
        for name in ("edges", "binding", "reconstruction"):
            _checks.in_range(getattr(self, name), 0, 1e6, what=name)


def tune_joint(
    joint: JointFit,
    split: EdgeSplit,
    *,
    bindings: pd.DataFrame | None = None,
    loss: JointLoss | None = None,
    freeze: Sequence[str] = (),
    settings: FitSettings | None = None,
    seed: int = 0,
    folder: str | None = None,
) -> JointFit:
    """Train the layers of a joint model on, together.

    Parameters
    ----------
    joint
        A fit of :func:`fit_joint`; left as it is.
    split
        The same.
    bindings
        ``tf, peak``, such as ChIP-seq peaks by :func:`grnet.cis.bind`: what the DNA learns of
        binding. By default none, as motif hits would only repeat the motifs.
    loss
        Weights of the tasks.
    freeze
        Layers that stay as they are.
    settings
        Of the training; the epoch with the best AUPRC of the validation pairs counts, and the fit
        that was given where none is better.
    seed, folder
        As for :func:`fit`.

    Returns
    -------
    JointFit

    Raises
    ------
    ValueError
        If a name is unknown, or every layer is frozen.

    Notes
    -----
    The pairs of a batch share their targets, so that the DNA of each peak is read once an epoch;
    peaks near other genes speak as they did before.

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    >>> known = adata.uns["grnet_truth"]
    >>> data = gn.graph.build(adata, known=known, n_components=4)
    >>> split = gn.train.split_edges(known, tfs=data["tf"].name, genes=data["gene"].name)
    >>> quick = gn.train.FitSettings(max_epochs=1)
    >>> joint = gn.train.fit_joint(data, split, settings=quick)
    >>> gn.train.tune_joint(joint, split, settings=quick)
    JointFit(expression)
    """
    for layer in freeze:
        _checks.one_of(layer, LAYERS, "layer")
    if not set(joint.layers) - set(freeze):
        message = f"All layers are frozen ({', '.join(joint.layers)}): leave one to be trained."
        raise ValueError(message)
    task = JointObjective(joint, bindings=bindings, loss=loss or JointLoss())
    train, validation = (
        JointPairs(joint, part, features) for part, features in _labelled(joint, split)
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        tuned = TunedModel(copy.deepcopy(joint.model), task.n_reconstructed)
    for layer in freeze:
        tuned.freeze(layer)
    chosen = settings or replace(TUNING, device=joint.device)
    done = fit(
        tuned, train, validation=validation, objective=task, settings=chosen,
        sampler=ByTarget(train.pairs[1].numpy(), seed=seed), seed=seed, folder=folder,
    )  # fmt: skip
    found = _with_model(joint, tuned.model)
    before, after = (
        task_scores(
            split.validation[["label"]].to_numpy(), one.logits(split.validation)[:, None], raw=True
        )["auprc"].iloc[0]
        for one in (joint, found)
    )
    facts = {**joint.facts, "tuned_epochs": done.best_epoch + 1 if after > before else 0}
    return dataclasses.replace(found if after > before else joint, facts=facts)


class TunedModel(nn.Module):
    """A joint model with the heads of its further tasks."""

    def __init__(self, model: JointModel, n_reconstructed: int) -> None:
        super().__init__()
        self.model = model
        n_features, n_tfs = model.config.n_sequence_features, model.config.n_tfs
        self.binding_bias = nn.Parameter(torch.full((n_tfs,), -3.0))
        self.profile = nn.Linear(n_features, n_reconstructed) if n_reconstructed else None

    def freeze(self, layer: str) -> None:
        """Leave the weights of a layer as they are."""
        parts: list[nn.Module] = []
        if layer == "dna":
            parts = [self.model.reader, self.model.sites]
        elif layer in self.model.towers:
            parts = [self.model.towers[layer]]
        for part in parts:
            part.requires_grad_(requires_grad=False)


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

    def __init__(self, joint: JointFit, *, bindings: pd.DataFrame | None, loss: JointLoss) -> None:
        self._graph, self._weights = joint.graph, loss
        self._said, self._link = joint.said, None
        self._bound = None if bindings is None else _bound(joint.graph, bindings)
        self._profile = None
        if joint.said is not None:
            self._link = link_weights(joint.graph)
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
            own = joint.reader(self._graph[PEAK].sequence[batch["peaks"].cpu()].to(pairs.device))
            own = own if own.ndim == 2 else own.mean(-1)
            said = self._said.to(pairs.device).index_copy(0, batch["peaks"], own)
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
        peaks = batch.get("peaks")
        if self._bound is not None and peaks is not None:
            tfs, bound = self._bound
            logits = answer["binding"][:, tfs.to(peaks.device)]
            total = total + self._weights.binding * functional.binary_cross_entropy_with_logits(
                logits, bound.to(peaks.device)[peaks]
            )
        if self._profile is not None and peaks is not None:
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


def _labelled(
    joint: JointFit, split: EdgeSplit
) -> list[tuple[pd.DataFrame, npt.NDArray[np.float32]]]:
    """Return training and validation pairs with their features; those that train out of fold."""
    train = [joint.evidence[name].train for name in joint.views]
    of_train = np.concatenate(train, axis=1) if train else np.zeros((len(split.train), 0))
    asked = _edge_graph.positions(joint.graph, split.validation)
    return [
        (split.train, of_train.astype(np.float32)),
        (split.validation, joint.pair_features(asked)),
    ]


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


def _with_model(joint: JointFit, model: JointModel) -> JointFit:
    """Return the fit with another model; what it says of the peaks is read anew."""
    model = model.eval().requires_grad_(requires_grad=True)
    said = None
    if joint.said is not None:
        codes = joint.graph[PEAK].sequence.numpy()
        said = torch.from_numpy(predict(model.reader, codes, device=joint.device, raw=True))
        said = said if said.ndim == 2 else said.mean(-1)
    return dataclasses.replace(joint, model=model, said=said)
