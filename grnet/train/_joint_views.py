"""What each layer of the joint model sees of a graph."""

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import nn

from grnet.graph import BINDS, COEXPRESSED, GENE, NEAR, PEAK, REGULATES, opposite
from grnet.graph._features import append_features
from grnet.graph.pairs import EVIDENCE_PROFILE
from grnet.models._pooled_sites import one_per_peak
from grnet.models.prediction import predict

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

    from grnet.models.encoders import EdgeType

Columns = dict[str, tuple[int, ...]]

_KNOWN = {REGULATES, opposite(REGULATES)}
_EVIDENCE = {BINDS, NEAR, opposite(BINDS), opposite(NEAR)}


def columns_of(data: "HeteroData", layers: Sequence[str]) -> Columns:
    """Return the features that some of the layers expression and graph see, by type of node."""
    found = {}
    for kind in data.node_types:
        of_evidence = [name.startswith(EVIDENCE_PROFILE) for name in data[kind].feature_names]
        if kind == PEAK:
            of_evidence = [True] * len(of_evidence)
        if kind != PEAK or "graph" in layers:
            found[kind] = tuple(
                i
                for i, evidence in enumerate(of_evidence)
                if ("graph" if evidence else "expression") in layers
            )
    return found


def view(
    data: "HeteroData", layers: Sequence[str], *, of_peaks: torch.Tensor | None = None
) -> "HeteroData":
    """Return the graph with the features and edges that some of the layers see.

    ``of_peaks`` (P, n) are further features of the peaks.
    """
    seen = copy.copy(data)
    columns = columns_of(data, layers)
    for kind in data.node_types:
        if kind not in columns:
            del seen[kind]
            continue
        places = list(columns[kind])
        seen[kind].x = data[kind].x[:, places]
        seen[kind].feature_names = [data[kind].feature_names[i] for i in places]
        for name in ("feature_mean", "feature_scale"):
            if name in data[kind]:
                seen[kind][name] = data[kind][name][places]
    if of_peaks is not None:
        append_features(seen[PEAK], of_peaks, prefix="dna_")
    for edge_type in data.edge_types:
        if edge_type not in _visible(layers) and edge_type in seen.edge_types:
            del seen[edge_type]
    return seen


def _visible(layers: Sequence[str]) -> "set[EdgeType]":
    """Return the types of edges that messages may pass along."""
    expression = {COEXPRESSED} if "expression" in layers else set()
    return _KNOWN | expression | (_EVIDENCE if "graph" in layers else set())


def read_peaks(reader: nn.Module, data: "HeteroData", *, device: str) -> torch.Tensor:
    """Return what a sequence model says of the DNA of each peak, (P, F)."""
    raw = predict(reader, data[PEAK].sequence.numpy(), device=device, raw=True)
    return one_per_peak(torch.from_numpy(raw))


def has_evidence(data: "HeteroData") -> bool:
    """Tell whether there is anything in the graph beside expression and known edges."""
    return PEAK in data.node_types and NEAR in data.edge_types


def has_profiles(data: "HeteroData") -> bool:
    """Tell whether the nodes have a profile of the evidence already."""
    return any(name.startswith(EVIDENCE_PROFILE) for name in data[GENE].feature_names)
