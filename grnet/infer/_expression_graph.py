"""The graph of a kernel's arrays: genes and TFs with their profiles, and evidence beside them."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp
import torch
from anndata import AnnData

from grnet.graph import BINDS, GENE, NEAR, PEAK, TF, build, motifs_of, opposite
from grnet.graph._motifs import keep_motifs
from grnet.infer._arrays import Matrix
from grnet.infer._knowledge import GraphOfInputs
from grnet.io.motifs import Motif

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

Rows = npt.NDArray[np.int64]

N_COMPONENTS = 32
_NEIGHBOURS = 10


@dataclass(frozen=True, eq=False)
class ExpressionGraph:
    """A graph, and the nodes of regulators (columns of ``x``) and targets (columns of ``y``)."""

    data: "HeteroData"
    tf: Rows
    gene: Rows

    @property
    def n_components(self) -> int:
        """The number of components of the profiles."""
        return sum(name.startswith("expression_") for name in self.data[GENE].feature_names)


def expression_graph(
    x: np.ndarray,
    y: Matrix,
    own: np.ndarray,
    *,
    evidence: GraphOfInputs | None = None,
    n_components: int = N_COMPONENTS,
) -> ExpressionGraph:
    """Return the graph of the cells' genes, with the peaks of another graph and what joins them."""
    extra = np.setdiff1d(np.arange(x.shape[1]), own[own >= 0])
    n_targets = y.shape[1]
    if isinstance(y, np.ndarray):
        matrix: np.ndarray | sp.csr_matrix = np.concatenate([y, x[:, extra]], axis=1)
    else:
        matrix = sp.hstack([y, sp.csc_matrix(x[:, extra])], format="csr")
    # names sort as the columns do
    names = pd.Index([f"{i:09d}" for i in range(matrix.shape[1])])
    column = np.empty(x.shape[1], dtype=np.int64)
    column[own[own >= 0]] = np.flatnonzero(own >= 0)
    column[extra] = n_targets + np.arange(len(extra))
    n_genes = len(names)
    data = build(
        AnnData(matrix, var=pd.DataFrame(index=names)),
        tfs=list(names[column]),
        n_components=min(n_components, min(matrix.shape) - 1),
        n_neighbours=min(_NEIGHBOURS, n_genes - 1),
    )
    tf = pd.Index(data[TF].name).get_indexer(names[column])
    gene = pd.Index(data[GENE].name).get_indexer(names[:n_targets])
    found = ExpressionGraph(data, np.asarray(tf, np.int64), np.asarray(gene, np.int64))
    return found if evidence is None else _with_peaks(found, evidence)


def aligned(found: ExpressionGraph, reference: ExpressionGraph) -> ExpressionGraph:
    """Turn the profiles so that they come as near as they can to those of other cells.

    Singular vectors are known up to a rotation; the orthogonal Procrustes solution fixes it.
    """
    n_profile = found.n_components
    here, there = (graph.data[GENE].x[:, :n_profile].double() for graph in (found, reference))
    left, _, right = torch.linalg.svd(here.T @ there)
    for kind in (GENE, TF):
        x = found.data[kind].x.double()
        turned = torch.cat([x[:, :n_profile] @ (left @ right), x[:, n_profile:]], dim=1)
        found.data[kind].x = turned.float()
    return found


def _with_peaks(found: ExpressionGraph, evidence: GraphOfInputs) -> ExpressionGraph:
    """Add the peaks of a graph, where it has some, with their edges to TFs and genes."""
    if PEAK not in evidence.data.node_types:
        return found
    data = found.data
    data[PEAK].update(copy.copy(evidence.data[PEAK]).to_dict())
    tf = _node(evidence.regulator_of_tf, found.tf)
    gene = _node(evidence.target_of_gene, found.gene)
    peak = torch.arange(evidence.data[PEAK].num_nodes)
    for edge_type, ends in ((BINDS, (tf, peak)), (NEAR, (peak, gene))):
        if edge_type not in evidence.data.edge_types:
            continue
        store = evidence.data[edge_type]
        there = torch.stack([nodes[end] for nodes, end in zip(ends, store.edge_index, strict=True)])
        known = (there >= 0).all(dim=0)
        data[edge_type].edge_index = there[:, known]
        data[opposite(edge_type)].edge_index = there[:, known].flip(0)
        if "edge_attr" in store:
            data[edge_type].edge_attr = store.edge_attr[known]
            data[edge_type].edge_attr_names = store.edge_attr_names
    pairs = zip(evidence.data[TF].name, tf.tolist(), strict=True)
    names = {name: data[TF].name[node] for name, node in pairs if node >= 0}
    keep_motifs(data, [_renamed(motif, names) for motif in motifs_of(evidence.data)])
    return found


def _renamed(motif: Motif, names: Mapping[str, str]) -> Motif:
    """Return a motif whose TFs have the names of the nodes."""
    return replace(motif, tfs=tuple(names[name] for name in motif.tfs if name in names))


def _node(position: Rows, node: Rows) -> torch.Tensor:
    """Return the node of each position, -1 for none."""
    return torch.from_numpy(np.where(position >= 0, node[position], -1))
