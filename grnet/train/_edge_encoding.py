"""Logits of many pairs: the graph is encoded once, layer by layer where it is large."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from grnet.models.encoders import EdgeModel
from grnet.models.prediction import evaluating
from grnet.train import _edge_graph
from grnet.train._neighbours import Neighbours
from grnet.train.pair_evidence import PairEvidence

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

PAIRS = 1 << 16
"""That are decoded at a time."""

BLOCK = 500_000
"""Edges along which messages pass at a time: 0.13 GB for each copy of them of width 64."""


def pair_logits(
    model: EdgeModel,
    graph: "HeteroData",
    pairs: npt.NDArray[np.int64],
    *,
    evidence: PairEvidence | None = None,
    device: str = "auto",
    block: int = BLOCK,
) -> npt.NDArray[np.float64]:
    """Return the logit of each pair (2, B), heard from all of its neighbours."""
    with evaluating(model, device=device) as where:
        h = _vectors(model, graph, where, block=block)
        parts = []
        for start in range(0, pairs.shape[1], PAIRS):
            part = pairs[:, start : start + PAIRS]
            own = None if evidence is None else torch.from_numpy(evidence.at(part)).to(where)
            logits = model.decoded(h, torch.from_numpy(part).to(where), features=own)
            parts.append(logits.double().cpu())
        return torch.cat(parts).numpy() if parts else np.zeros(0)


def _vectors(
    model: EdgeModel, graph: "HeteroData", device: torch.device, *, block: int
) -> _edge_graph.Nodes:
    """Return the vectors of all nodes, as the encoder gives them for the whole graph."""
    encoder = model.encoder
    if graph.num_edges <= block or not len(encoder.layers):
        return encoder(*_edge_graph.on_device(graph, device))  # type: ignore[no-any-return]
    neighbours = Neighbours(graph, model.config.relations)
    h = encoder.embedded({kind: x.to(device) for kind, x in graph.x_dict.items()})
    for layer in range(len(encoder.layers)):
        after = {kind: torch.empty_like(vectors) for kind, vectors in h.items()}
        for kind in h:
            for asked in neighbours.blocks(kind, block):
                small = neighbours.around({kind: asked}, depth=1)
                near = {other: h[other][at.to(device)] for other, at in small.nodes.items()}
                edges = {relation: index.to(device) for relation, index in small.edges.items()}
                passed = encoder.passed(near, edges, layer=layer)[kind]
                after[kind][asked[0] : asked[-1] + 1] = passed[: len(asked)]
        h = after
    return h
