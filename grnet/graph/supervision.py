"""Known edges that a model must not see: out of message passing, in both directions."""

from __future__ import annotations

import copy
import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch

from grnet import _checks
from grnet.graph._edges import pair_table
from grnet.graph.vocabulary import GENE, REGULATES, TF, opposite

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

    from grnet.grn import GRN

logger = logging.getLogger(__name__)

Array = np.ndarray[Any, Any]


def hold_out(data: HeteroData, pairs: pd.DataFrame | GRN | float, *, seed: int = 0) -> HeteroData:
    """Move known edges out of message passing, where they serve to train or to test.

    Parameters
    ----------
    data
        A graph with edges ``("tf", "regulates", "gene")``.
    pairs
        Pairs ``source, target`` and, optionally, ``label`` (1 by default, 0 for pairs that are no
        edge); or a share of the known edges, drawn at random.
    seed
        Of the draw.

    Returns
    -------
    A new graph; the one given is left as it is. ``edge_index`` keeps the known edges that are
    input, ``edge_label_index`` and ``edge_label`` are the pairs held out, as in PyG's
    ``RandomLinkSplit``.

    Raises
    ------
    ValueError
        If no pair joins two nodes, a pair has two labels, or pairs are held out already.

    Notes
    -----
    A pair held out also leaves ``("gene", "rev_regulates", "tf")``. Where both ends are TFs, the
    pair from target to source leaves both as well: lists of associations hold both. Node features
    and other edges come from expression and evidence: the truth must not have been among these.

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    >>> tfs = adata.var_names[adata.var["is_tf"]]
    >>> data = gn.graph.build(adata, tfs=tfs, known=adata.uns["grnet_truth"], n_components=4)
    >>> part = gn.graph.hold_out(data, 0.25)
    >>> before, after = (graph["tf", "regulates", "gene"] for graph in (data, part))
    >>> after.num_edges + len(after.edge_label) <= before.num_edges
    True
    """
    if REGULATES not in data.edge_types:
        message = (
            "The graph has no edges (tf, regulates, gene) to hold out: build it with known=, the "
            "network that is known."
        )
        raise ValueError(message)
    if "edge_label_index" in data[REGULATES]:
        message = "The graph holds pairs out already: start from the graph with all known edges."
        raise ValueError(message)
    n_genes = len(data[GENE].name)
    if isinstance(pairs, int | float):
        index, label = _drawn(data[REGULATES].edge_index, float(pairs), seed)
    else:
        index, label = _named(data, pair_table(pairs, what="held_out"))
    held = index[0] * n_genes + index[1]
    closed = np.union1d(held, _turned(data, index))
    device = data[REGULATES].edge_index.device
    result = copy.copy(data)
    for edge_type in (REGULATES, opposite(REGULATES)):
        if edge_type in data.edge_types:
            _drop(result[edge_type], closed, n_genes, forward=edge_type == REGULATES)
    result[REGULATES].edge_label_index = torch.from_numpy(index).to(device)
    result[REGULATES].edge_label = torch.from_numpy(label.astype(np.float32)).to(device)
    logger.info("%d pairs held out, %d known edges left", len(held), result[REGULATES].num_edges)
    return result


def _drawn(edges: torch.Tensor, share: float, seed: int) -> tuple[Array, Array]:
    """Draw a share of the edges, the same whatever their order."""
    _checks.in_range(share, 0.0, 1.0, what="held_out")
    ends = edges.cpu().numpy()
    ends = ends[:, np.lexsort((ends[1], ends[0]))]
    count = round(share * ends.shape[1])
    if count == 0:
        message = (
            f"A share of {share:g} of {ends.shape[1]} known edges is none: hold out more, or "
            "leave held_out away."
        )
        raise ValueError(message)
    chosen = np.sort(np.random.default_rng(seed).choice(ends.shape[1], count, replace=False))
    return ends[:, chosen], np.ones(count)


def _named(data: HeteroData, table: pd.DataFrame) -> tuple[Array, Array]:
    """Turn the names of pairs into positions."""
    label = table["label"] if "label" in table else pd.Series(1.0, index=table.index)
    if not label.isin([0, 1]).all():
        odd = label[~label.isin([0, 1])].unique()
        message = f"held_out has labels {_checks.examples(odd)}: expected 1 (edge) or 0 (no edge)."
        raise ValueError(message)
    at = [
        pd.Index(data[kind].name).get_indexer(table[column])
        for kind, column in ((TF, "source"), (GENE, "target"))
    ]
    frame = pd.DataFrame({"source": at[0], "target": at[1], "label": label.to_numpy(np.float64)})
    frame = frame.loc[(frame["source"] >= 0) & (frame["target"] >= 0)].drop_duplicates()
    if frame.empty:
        message = (
            f"None of the {len(table)} pairs of held_out joins a TF and a gene of the graph: it "
            f"has {_checks.examples(table['source'].unique())} -> "
            f"{_checks.examples(table['target'].unique())}, the graph "
            f"{_checks.examples(data[TF].name)} -> {_checks.examples(data[GENE].name)}."
        )
        raise ValueError(message)
    if frame.duplicated(["source", "target"]).any():
        message = "held_out labels a pair both 0 and 1: keep one label for each pair."
        raise ValueError(message)
    if len(frame) < len(table):
        logger.info("%d of %d pairs of held_out are in the graph", len(frame), len(table))
    frame = frame.sort_values(["source", "target"])
    return frame[["source", "target"]].to_numpy(np.int64).T.copy(), frame["label"].to_numpy()


def _turned(data: HeteroData, index: Array) -> Array:
    """Return the codes of the pairs from target to source, where the target is a TF too."""
    n_genes = len(data[GENE].name)
    gene_of_tf = data[TF].gene.cpu().numpy()
    tf_of_gene = np.full(n_genes, -1)
    measured = gene_of_tf >= 0
    tf_of_gene[gene_of_tf[measured]] = np.flatnonzero(measured)
    source, target = tf_of_gene[index[1]], gene_of_tf[index[0]]
    both = (source >= 0) & (target >= 0)
    return np.asarray(source[both] * n_genes + target[both])


def _drop(
    store: Any,  # noqa: ANN401 - the store of an edge type
    held: Array,
    n_genes: int,
    *,
    forward: bool,
) -> None:
    """Take pairs out of one direction of the known edges."""
    tf, gene = store.edge_index if forward else store.edge_index.flip(0)
    codes = (tf * n_genes + gene).cpu().numpy()
    keep = torch.from_numpy(~np.isin(codes, held)).to(store.edge_index.device)
    n_edges = len(codes)
    for key, value in list(store.items()):
        if key == "edge_index":
            store[key] = value[:, keep]
        elif isinstance(value, torch.Tensor) and value.ndim and value.shape[0] == n_edges:
            store[key] = value[keep]
