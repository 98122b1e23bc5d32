"""One training of a model of edges on a graph that holds the training edges alone."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from grnet import _checks
from grnet.models.encoders import EdgeModel, EdgeModelConfig
from grnet.train import _edge_graph
from grnet.train._edge_batches import LabelledPairs, SampledPairs
from grnet.train._edge_objective import EdgeObjective
from grnet.train._neighbours import Neighbours
from grnet.train._resuming import fingerprint
from grnet.train.calibration import KINDS, Kind
from grnet.train.edge_fit import EdgeFit
from grnet.train.edges import EdgeSplit
from grnet.train.fitting import FitSettings, fit
from grnet.train.pair_evidence import PairEvidence

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

MAX_BATCH = 8192
MAX_SAMPLED_BATCH = 4096
"""Of pairs with neighbours drawn: smaller ones reach nearly as many nodes for fewer pairs."""

WHOLE = 1_000_000
"""Nodes and edges up to which every step passes messages over the whole graph.

The messages of so many edges take 0.26 GB at a width of 64, and a layer keeps several copies.
"""

N_NEIGHBOURS = 10
"""That a node hears along a type of edge, above."""

EDGE_SETTINGS = FitSettings(
    max_epochs=100, learning_rate=3e-3, weight_decay=1e-3, schedule="constant", patience=20
)


def edge_settings(n_pairs: int, **changes: Any) -> FitSettings:  # noqa: ANN401 - of FitSettings
    """Return how edges are trained unless settings are given.

    Parameters
    ----------
    n_pairs
        Labelled pairs of the training: half of them, at most 8,192, make a batch.
    **changes
        What shall differ, such as ``max_epochs``.

    Returns
    -------
    FitSettings

    Examples
    --------
    >>> import grnet as gn
    >>> gn.train.edge_settings(1000, max_epochs=10).batch_size
    500
    """
    return replace(EDGE_SETTINGS, **{"batch_size": min(-(-n_pairs // 2), MAX_BATCH), **changes})


def trained(  # noqa: PLR0913 - what fit_edges was given
    graph: "HeteroData",
    split: EdgeSplit,
    *,
    config: EdgeModelConfig,
    settings: FitSettings | None = None,
    pair_features: bool = True,
    neighbours: int | Literal["all"] | None = None,
    class_prior: float | None = None,
    calibrate: Kind | None = None,
    seed: int = 0,
    folder: str | None = None,
) -> EdgeFit:
    """Train a model, and calibrate it on the validation pairs."""
    _check(calibrate, class_prior, n_validation=len(split.validation))
    evidence = PairEvidence(graph, split, seed=seed) if pair_features else None
    n_features = 0 if evidence is None else len(evidence.names)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = EdgeModel(replace(config, n_pair_features=n_features))
    train, validation = _labelled(graph, split, evidence)
    n_each = _n_each(graph, config, neighbours)
    usual = edge_settings(len(train))
    if n_each is not None:
        usual = replace(usual, batch_size=min(usual.batch_size, MAX_SAMPLED_BATCH))
    data: tuple[LabelledPairs | SampledPairs, ...] = train, validation
    if n_each is not None:
        heard = Neighbours(graph, config.relations)
        data = tuple(
            SampledPairs(part, graph, heard, depth=config.depth, n_each=n_each, seed=seed)
            for part in (train, validation)
        )
    facts: dict[str, Any] = {} if n_each is None else {"neighbours": n_each}
    if folder is not None:
        facts |= {"config": str(model.config), "graph": _fingerprint(graph)}
    done = fit(
        model,
        data[0],
        validation=data[1] if len(validation) else None,
        objective=EdgeObjective(graph, class_prior=class_prior, facts=facts),
        settings=settings or usual,
        seed=seed,
        folder=folder,
    )
    found = EdgeFit(fit=done, graph=graph, evidence=evidence)
    return found if calibrate is None else found.calibrated(split.validation, kind=calibrate)


def _fingerprint(graph: "HeteroData") -> str:
    """Return a digest of features and edges."""
    parts = {**graph.x_dict, **graph.edge_index_dict}
    return fingerprint(*(part for key in sorted(parts, key=str) for part in (str(key), parts[key])))


def _labelled(
    graph: "HeteroData", split: EdgeSplit, evidence: PairEvidence | None
) -> tuple[LabelledPairs, LabelledPairs]:
    """Return the pairs of training and validation, with their evidence."""
    of_train, of_validation = (
        (None, None) if evidence is None else (evidence.train, evidence.of(split.validation))
    )
    train, validation = (
        LabelledPairs(
            _edge_graph.positions(graph, part),
            part["label"].to_numpy(dtype=np.float32),
            features=own,
        )
        for part, own in ((split.train, of_train), (split.validation, of_validation))
    )
    return train, validation


def _n_each(
    graph: "HeteroData", config: EdgeModelConfig, neighbours: int | Literal["all"] | None
) -> int | None:
    """Return how many neighbours a node hears, None for all in one piece."""
    if neighbours == "all" or config.kind == "none":
        return None
    if neighbours is None:
        return N_NEIGHBOURS if _edge_graph.size(graph) > WHOLE else None
    return _checks.whole(neighbours, 1, 1 << 31, what="neighbours")


def _check(calibrate: Kind | None, class_prior: float | None, *, n_validation: int) -> None:
    if calibrate is not None:
        _checks.one_of(calibrate, KINDS, "kind of calibration")
    if calibrate is not None and not n_validation:
        message = (
            f"calibrate={calibrate!r} wants pairs for validation and the split has none: give "
            "split_edges a share of them."
        )
        raise ValueError(message)
    if class_prior is None:
        return
    if not 0 < class_prior < 1:
        message = (
            f"class_prior={class_prior!r} is out of range: expected the share of edges among the "
            "pairs labelled 0, between 0 and 1."
        )
        raise ValueError(message)
    if calibrate is not None:
        message = (
            "calibrate= takes the pairs labelled 0 for pairs without an edge, class_prior= says "
            "that some are edges: give one of the two."
        )
        raise ValueError(message)
