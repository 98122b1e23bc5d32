"""Layers that nothing weighs: expression, evidence and DNA count alike."""

import numpy as np
import numpy.typing as npt
import torch
from scipy.stats import rankdata

from grnet.graph import GENE, NEAR, PEAK, motifs_of
from grnet.graph._motifs import shares_of_motifs
from grnet.graph.pairs import evidence_paths
from grnet.infer._expression_graph import ExpressionGraph
from grnet.infer._scored import Scored
from grnet.models import MotifScanner, predict

Floats = npt.NDArray[np.float64]


def even_layers(expression: Scored, nodes: ExpressionGraph, *, device: torch.device) -> Scored:
    """Return the mean rank of each pair, from 0 to 1, over the layers that there are.

    TFs without evidence or a motif get the mean of such a layer: what was not looked at says
    neither yes nor no. The columns ``evidence`` and ``motif_affinity`` tell what each said.
    """
    layers = {"expression": np.abs(np.asarray(expression.scores, np.float64))}
    evidence, affinity = _evidence(nodes), _affinity(nodes, device=device)
    layers |= {} if evidence is None else {"evidence": evidence}
    layers |= {} if affinity is None else {"motif_affinity": affinity}
    ranks = [_ranks(values) for values in layers.values()]
    columns = {name: values for name, values in layers.items() if name != "expression"}
    return Scored(
        np.mean(ranks, axis=0).astype(np.float32),
        {**expression.columns, **columns},
        {**expression.facts, "layers": float(len(layers))},
    )


def _ranks(values: Floats) -> Floats:
    """Return ranks from 0 to 1; rows without any value get the middle."""
    looked = (values != 0).any(axis=1)
    found = np.full(values.shape, 0.5)
    inside = values[looked]
    if inside.size:
        found[looked] = rankdata(inside).reshape(inside.shape) / inside.size
    return found


def _evidence(nodes: ExpressionGraph) -> Floats | None:
    paths = evidence_paths(nodes.data)
    if paths is None:
        return None
    between = paths[0][nodes.tf] @ paths[1]
    return np.asarray(between[:, nodes.gene].toarray())


def _affinity(nodes: ExpressionGraph, *, device: torch.device) -> Floats | None:
    """Return the standardised affinity of each gene's peaks to the motifs of each TF."""
    data, motifs = nodes.data, motifs_of(nodes.data)
    if not motifs or PEAK not in data.node_types or "sequence" not in data[PEAK]:
        return None
    scanner = MotifScanner.of(motifs)
    said = predict(scanner, data[PEAK].sequence.numpy(), device=str(device))
    spread = np.maximum(said.std(axis=0), 1e-6)
    said = (said - said.mean(axis=0)) / spread
    peak, gene = data[NEAR].edge_index.numpy()
    best = np.full((data[GENE].num_nodes, len(motifs)), -np.inf)
    np.maximum.at(best, gene, said[peak])
    best[np.isinf(best)] = 0.0
    own = shares_of_motifs(data)
    return np.asarray(own[nodes.tf] @ best[nodes.gene].T)
