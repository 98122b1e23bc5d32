"""Profiles of genes and TFs that evidence makes: who binds near a gene, and when it is open."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch
from anndata import AnnData

from grnet import _checks
from grnet.graph._features import append_features
from grnet.graph._profiles import moments, profiles
from grnet.graph.pairs import EVIDENCE_PROFILE, evidence_paths
from grnet.graph.vocabulary import GENE, NEAR, PEAK, TF

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

Floats = np.ndarray[Any, np.dtype[np.float64]]

_ACCESSIBILITY = "accessibility_"
_LEAST = 1e-9


def with_evidence_profiles(
    data: HeteroData, *, n_components: int = 32, seed: int = 0
) -> HeteroData:
    """Return a graph whose genes and TFs have a profile of the evidence around them.

    Parameters
    ----------
    data
        A graph, as :func:`build` makes it; left as it is.
    n_components
        Dimensions of who binds; fewer where there are fewer TFs.
    seed
        Of the decomposition.

    Returns
    -------
    HeteroData
        With further features ``evidence_1`` and on of genes and TFs: singular vectors times
        singular values of TFs x genes, the evidence between each pair, and beside them the mean
        accessibility profile of the peaks near a gene (of a TF: near its own gene). Genes whose
        peaks are bound by the same TFs are alike, and so are TFs that bind near the same genes. A
        graph without peaks comes back as it is.

    Raises
    ------
    ValueError
        If ``n_components`` is out of range, or the graph has these features already.

    Notes
    -----
    Known edges are not read.

    Examples
    --------
    >>> import grnet as gn
    >>> multiome = gn.datasets.simulate_multiome(n_cells=60, n_genes=30, n_tfs=4)
    >>> data = gn.graph.build(multiome.mdata, multiome.genome, motifs=multiome.motifs)
    >>> found = gn.graph.with_evidence_profiles(data, n_components=2)
    >>> found["gene"].feature_names[-1].startswith("evidence_")
    True
    """
    _checks.whole(n_components, 1, 10_000, what="n_components")
    parts = [_bound(data, n_components=n_components, seed=seed), _open(data)]
    found = [part for part in parts if part is not None]
    if not found:
        return data
    graph = copy.copy(data)
    for position, kind in enumerate((TF, GENE)):
        store = graph[kind]
        if any(name.startswith(EVIDENCE_PROFILE) for name in store.feature_names):
            message = f"The nodes {kind!r} have a profile of the evidence already."
            raise ValueError(message)
        own = np.concatenate([part[position] for part in found], axis=1).astype(np.float32)
        append_features(store, torch.from_numpy(own), prefix=EVIDENCE_PROFILE)
    return graph


def _bound(data: HeteroData, *, n_components: int, seed: int) -> tuple[Floats, Floats] | None:
    """Return profiles of TFs and of genes from the evidence between them."""
    paths = evidence_paths(data)
    if paths is None:
        return None
    between = sp.csr_array(paths[0] @ paths[1])
    if min(between.shape) < 3 or not between.nnz:
        return None
    genes, tfs = (pd.DataFrame(index=pd.Index(data[kind].name)) for kind in (GENE, TF))
    matrix = sp.csr_matrix(between.T)
    table = AnnData(matrix, obs=genes, var=tfs)
    of_tf = profiles(table, n_components=n_components, what="TFs", seed=seed).components
    mean, spread = moments(matrix)
    length = np.linalg.norm(of_tf, axis=0)
    axes = of_tf / np.where(length > _LEAST, length, np.inf)
    axes /= np.where(spread > _LEAST, spread, np.inf)[:, None]
    return _unit_scale(of_tf, matrix @ axes - mean @ axes)


def _open(data: HeteroData) -> tuple[Floats, Floats] | None:
    """Return the mean accessibility profile of the peaks near the TFs' own genes and near genes."""
    if PEAK not in data.node_types or NEAR not in data.edge_types:
        return None
    names = data[PEAK].feature_names
    columns = [i for i, name in enumerate(names) if name.startswith(_ACCESSIBILITY)]
    if not columns:
        return None
    peak, gene = data[NEAR].edge_index.cpu().numpy()
    n_near = np.bincount(gene, minlength=data[GENE].num_nodes)
    near = sp.csr_array(
        (1.0 / n_near[gene], (gene, peak)), shape=(data[GENE].num_nodes, data[PEAK].num_nodes)
    )
    of_gene = near @ data[PEAK].x[:, columns].cpu().numpy().astype(np.float64)
    own = data[TF].gene.cpu().numpy()
    of_tf = np.where((own >= 0)[:, None], of_gene[own], 0.0)
    return _unit_scale(of_tf, of_gene)


def _unit_scale(of_tf: Floats, of_gene: Floats) -> tuple[Floats, Floats]:
    """Bring both to a mean square of 1, and keep their geometry."""
    scaled = [
        values / max(float(np.sqrt(np.mean(values**2))), 1e-12) for values in (of_tf, of_gene)
    ]
    return scaled[0], scaled[1]
