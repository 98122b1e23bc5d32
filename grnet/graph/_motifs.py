"""The motifs that a graph keeps beside its sequences, so that a model can read these with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch

from grnet import _genes
from grnet.graph.vocabulary import TF
from grnet.io.motifs import Motif

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch_geometric.data import HeteroData


def keep_motifs(
    data: HeteroData, motifs: Sequence[Motif], *, aliases: pd.DataFrame | None = None
) -> None:
    """Write the motifs into a graph, their TFs under the names that the graph has."""
    given = sorted({tf for motif in motifs for tf in motif.tfs})
    known = _genes.resolved(given, data[TF].name, aliases=aliases)
    data.motifs = {
        "name": [motif.name for motif in motifs],
        "tfs": [[known.get(tf, tf) for tf in motif.tfs] for motif in motifs],
        "probabilities": [
            torch.from_numpy(np.array(motif.probabilities, dtype=np.float32)) for motif in motifs
        ],
    }


def shares_of_motifs(data: HeteroData) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return which of the motifs that a graph keeps are a TF's own, TFs x motifs, as shares of 1.

    TFs without a motif have a row of zeros.
    """
    motifs = motifs_of(data)
    own = np.zeros((data[TF].num_nodes, len(motifs)))
    place = pd.Index(data[TF].name)
    for column, motif in enumerate(motifs):
        rows = place.get_indexer(pd.Index(motif.tfs))
        own[rows[rows >= 0], column] = 1.0
    return np.asarray(own / np.maximum(own.sum(axis=1, keepdims=True), 1.0))


def motifs_of(data: HeteroData) -> list[Motif]:
    """Return the motifs that a graph keeps.

    Parameters
    ----------
    data
        A graph; :func:`build` keeps its motifs where it keeps sequences.

    Returns
    -------
    list of Motif
        Their TFs have the names of the graph; empty where it keeps none.

    Examples
    --------
    >>> import grnet as gn
    >>> multiome = gn.datasets.simulate_multiome(n_cells=60, n_genes=30, n_tfs=4)
    >>> data = gn.graph.build(
    ...     multiome.mdata, multiome.genome, motifs=multiome.motifs, sequence_width=200
    ... )
    >>> len(gn.graph.motifs_of(data))
    4
    """
    kept = getattr(data, "motifs", None) or {"name": [], "tfs": [], "probabilities": []}
    rows = zip(kept["name"], kept["tfs"], kept["probabilities"], strict=True)
    return [
        # float32 probabilities add up to 1 less exactly than a motif demands
        Motif(name, tuple(tfs), matrix.double().numpy() / matrix.double().sum(0).numpy())
        for name, tfs, matrix in rows
    ]
