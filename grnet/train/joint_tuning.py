"""Training of all layers of the joint model together, down to the reader of the DNA."""

import copy
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from grnet import _checks
from grnet.graph import REGULATES
from grnet.models import JointModel
from grnet.models.joint import LAYERS
from grnet.train import _edge_graph
from grnet.train._joint_objective import ByTarget, JointObjective, JointPairs, TunedModel
from grnet.train._joint_views import read_peaks
from grnet.train.edges import EdgeSplit
from grnet.train.fitting import FitSettings, fit
from grnet.train.joint_fit import JointFit
from grnet.train.metrics import task_scores

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
        The one that the fit was trained on.
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
        If a name is unknown, every layer is frozen, or the split is another.

    Notes
    -----
    The pairs of a batch share their targets, so that the DNA of each peak is read once an epoch;
    peaks near other genes speak as they did before. Frozen layers speak without dropout. How much
    each layer counts is trained along, frozen or not, and stays positive or 0.

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
    _same_split(joint, split)
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
    best, n_epochs = (found, done.best_epoch + 1) if after > before else (joint, 0)
    weights = dict(zip(best.layers, best.model.weight.tolist(), strict=True))
    return dataclasses.replace(best, facts={**weights, "tuned_epochs": n_epochs})


def _same_split(joint: JointFit, split: EdgeSplit) -> None:
    """Raise where other edges trained: what is known of pairs would leak, or not fit."""
    edges = _edge_graph.positions(joint.graph, split.train[split.train["label"] == 1])
    trained = joint.graph[REGULATES].edge_index.numpy()
    n_pairs = {len(evidence.train) for evidence in joint.evidence.values()}
    if not np.array_equal(edges, trained) or n_pairs - {len(split.train)}:
        message = (
            f"The split trains on {len(split.train)} pairs, {edges.shape[1]} of them edges, which "
            f"are not those of the fit with its {trained.shape[1]} edges: pass the split that "
            "fit_joint was given."
        )
        raise ValueError(message)


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


def _with_model(joint: JointFit, model: JointModel) -> JointFit:
    """Return the fit with another model; what it says of the peaks is read anew."""
    model = model.eval().requires_grad_(requires_grad=True)
    with torch.no_grad():
        model.weight.clamp_(min=0.0)
    said = None
    if joint.said is not None:
        said = read_peaks(model.reader, joint.graph, device=joint.device)
    return dataclasses.replace(joint, model=model, said=said)
