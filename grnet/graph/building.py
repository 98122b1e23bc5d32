"""From cells, links and evidence to one graph of TFs, peaks and genes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from torch_geometric.data import HeteroData
from torch_geometric.transforms import ToUndirected

from grnet import __version__, _checks
from grnet.graph import _edges, _features, _inputs
from grnet.graph._motifs import keep_motifs
from grnet.graph._peaks import add_peaks
from grnet.graph._profiles import profiles
from grnet.graph.supervision import hold_out
from grnet.graph.validation import validate
from grnet.graph.vocabulary import BINDS, COEXPRESSED, GENE, NEAR, PEAK, REGULATES, TF, opposite
from grnet.io.genome import Genome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from anndata import AnnData
    from mudata import MuData

    from grnet.cis.evidence import Evidence
    from grnet.graph.vocabulary import EdgeType
    from grnet.grn import GRN
    from grnet.io.motifs import Motif


def build(  # noqa: PLR0913 - every layer of data is optional and has its own argument
    data: MuData | AnnData,
    genome: Genome | pd.DataFrame | str | Path | None = None,
    *,
    tfs: str | Path | Iterable[str] | None = None,
    links: pd.DataFrame | None = None,
    bindings: pd.DataFrame | None = None,
    evidence: Evidence | None = None,
    motifs: Sequence[Motif] | None = None,
    known: pd.DataFrame | GRN | None = None,
    held_out: pd.DataFrame | GRN | float | None = None,
    methylation: pd.Series[Any] | pd.DataFrame | None = None,
    signal: pd.DataFrame | None = None,
    sequence_width: int | None = None,
    aliases: pd.DataFrame | None = None,
    n_components: int = 32,
    n_neighbours: int = 10,
    seed: int = 0,
) -> HeteroData:
    """Build the graph of TFs, peaks and genes that the encoders read.

    Parameters
    ----------
    data
        MuData (``rna``, ``atac``: paired, unpaired or bulk) or AnnData (expression alone).
    genome
        Genome with annotation, or an annotation alone: links peaks where ``links`` is not given
        (promoters stand in where there is no ATAC), and gives GC and sequence.
    tfs
        A species, a file or names; by default the TFs of bindings and known edges.
    links, bindings
        Tables of ``gn.cis.link_peaks`` and ``gn.cis.bind``.
    evidence, motifs
        ChIP peaks for ``gn.cis.bind`` and motifs for ``gn.cis.scan_motifs``, where ``bindings`` are
        not given.
    known
        Known edges ``source, target`` (``weight``, ``sign``): input of message passing.
    held_out
        Those of them, or a share, that are kept for supervision, see :func:`hold_out`.
    methylation, signal
        Levels per peak (rows are named as the peaks) that become features.
    sequence_width
        Keep the codes of a window of this width per peak in ``data["peak"].sequence``, and the
        motifs beside them, see :func:`motifs_of`.
    aliases
        Further names of genes.
    n_components
        Dimensions of the profiles of genes and peaks over the cells.
    n_neighbours
        Most correlated genes that a gene is joined to; 0 for none.
    seed
        Of the decomposition and the draw.

    Returns
    -------
    HeteroData with ``tf``, ``gene`` and ``peak`` nodes and the edges ``tf binds peak``, ``peak near
    gene``, ``tf regulates gene`` and ``gene coexpressed gene``, each present where its data are,
    and their opposite directions. A TF that is measured is also a gene: ``data["tf"].gene`` is its
    position there, or -1. ``data["peak"]`` has ``chrom``, ``start`` and ``end``.

    Raises
    ------
    ValueError
        If names do not match, values are missing, or nothing joins peaks to genes.

    Notes
    -----
    Profiles are right singular vectors times singular values of the standardised matrix. Evidence
    that is the source of the truth in ``held_out`` lets it leak in: keep the two disjoint.

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    >>> truth = adata.uns["grnet_truth"]
    >>> data = gn.graph.build(adata, known=truth, held_out=0.2, n_components=4)
    >>> data.node_types
    ['gene', 'tf']
    >>> data["tf", "regulates", "gene"].edge_attr_names
    ['sign', 'weight']
    """
    rna, atac = _inputs.modalities(data)
    _checks.whole(n_components, 1, 10_000, what="n_components")
    _checks.whole(n_neighbours, 0, max(rna.n_vars - 1, 0), what="n_neighbours")
    found = _inputs.tables(
        data,
        genome,
        links=links,
        bindings=bindings,
        evidence=evidence,
        motifs=motifs,
        aliases=aliases,
    )
    names = _inputs.tf_names(tfs, genes=rna.var_names, bindings=found.bindings, known=known)
    graph = HeteroData()
    _add_genes(graph, rna, names, n_components=n_components, seed=seed)
    if found.regions is not None:
        bases = genome if isinstance(genome, Genome) else None
        add_peaks(
            graph[PEAK],
            found.regions,
            atac=atac,
            genome=bases,
            tracks=_tracks(methylation, signal, found.regions.index),
            n_components=n_components,
            seed=seed,
        )
        _add_windows(graph, found.regions, bases, width=sequence_width)
        if sequence_width is not None and motifs is not None:
            keep_motifs(graph, motifs, aliases=aliases)
    graph = _with_edges(graph, found, known, n_neighbours=n_neighbours)
    if held_out is not None:
        graph = hold_out(graph, held_out, seed=seed)
    graph.params = _params(
        rna, atac, n_components=n_components, n_neighbours=n_neighbours, seed=seed
    )
    validate(graph)
    return graph


def _add_genes(
    graph: HeteroData, rna: AnnData, tfs: pd.Index, *, n_components: int, seed: int
) -> None:
    """Add the genes of the data, and the TFs with the features of their genes."""
    found = profiles(rna, n_components=n_components, what="genes", seed=seed)
    frame = _features.of_variables(found, prefix="expression", detected="detected")
    k = found.components.shape[1]
    names = rna.var_names.astype(str)
    graph[GENE].name = list(names)
    _features.attach(graph[GENE], frame, n_profile=k)
    position = names.get_indexer(tfs)
    graph[TF].name = [str(name) for name in tfs]
    graph[TF].gene = torch.from_numpy(position.astype(np.int64))
    own = _features.of_tfs(frame, position)
    _features.attach(graph[TF], own, n_profile=k, like=graph[GENE])


def _add_windows(
    graph: HeteroData, regions: pd.DataFrame, genome: Genome | None, *, width: int | None
) -> None:
    if width is None:
        return
    if genome is None:
        message = "sequence_width= needs a sequence: pass genome=gn.io.Genome('genome.fa')."
        raise ValueError(message)
    graph[PEAK].sequence = _features.sequence_windows(regions, genome, width)


def _with_edges(
    graph: HeteroData,
    found: _inputs.Tables,
    known: pd.DataFrame | GRN | None,
    *,
    n_neighbours: int,
) -> HeteroData:
    """Return the graph with the edges of each type that has data, and of the opposite types."""
    nodes = {kind: pd.Index(graph[kind].name) for kind in graph.node_types}
    names = {}
    for edge_type, edges in _edge_tables(
        graph, found, known, nodes=nodes, n_neighbours=n_neighbours
    ):
        edges.write(graph[edge_type])
        names[edge_type] = [str(column) for column in edges.attributes]
    graph = ToUndirected(reduce="mean")(graph)
    for edge_type, columns in names.items():
        graph[edge_type].edge_attr_names = columns
        back = opposite(edge_type)
        if back != edge_type:
            graph[back].edge_attr_names = list(columns)
            # PyG shares the tensor of both directions: changing one would change the other
            graph[back].edge_attr = graph[back].edge_attr.clone()
    return graph


def _edge_tables(
    graph: HeteroData,
    found: _inputs.Tables,
    known: pd.DataFrame | GRN | None,
    *,
    nodes: dict[str, pd.Index],
    n_neighbours: int,
) -> Iterator[tuple[EdgeType, _edges.Edges]]:
    if found.bindings is not None:
        yield BINDS, _edges.binds(found.bindings, nodes[TF], nodes[PEAK])
    if found.links is not None:
        yield NEAR, _edges.near(found.links, nodes[PEAK], nodes[GENE])
    if known is not None:
        pairs = _edges.pair_table(known, what="known")
        yield REGULATES, _edges.regulates(pairs, nodes[TF], nodes[GENE])
    if n_neighbours:
        n_profile = sum(name.startswith("expression_") for name in graph[GENE].feature_names)
        values = graph[GENE].x[:, :n_profile].numpy().astype(np.float64)
        yield COEXPRESSED, _edges.coexpressed(values, nodes[GENE], n_neighbours=n_neighbours)


def _tracks(
    methylation: pd.Series[Any] | pd.DataFrame | None,
    signal: pd.DataFrame | None,
    regions: pd.Index,
) -> dict[str, pd.Series[Any]]:
    """Return the tracks per peak by name, methylation first."""
    tracks: dict[str, pd.Series[Any]] = {}
    for what, table in (("methylation", methylation), ("signal", signal)):
        if table is not None:
            aligned = _features.tracks_of(table, regions, what=what)
            tracks |= {
                f"{what}_{name}" if name != what else what: aligned[name] for name in aligned
            }
    return tracks


def _params(rna: AnnData, atac: AnnData | None, **arguments: int) -> dict[str, Any]:
    """Return how the graph was made."""
    cells = {"n_cells": rna.n_obs} | ({} if atac is None else {"n_cells_atac": atac.n_obs})
    return {"grnet": __version__, **cells, **arguments}
