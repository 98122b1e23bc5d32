"""The joint model and each of its layers, beside priors, naive averages, label rates and trees.

``python -m benchmarks.joint`` holds chromosomes of the targets and, separately, TFs out, scores
**every** pair of a TF and a gene that are held out, and writes ``benchmarks/results/joint.csv``.
ChIP-seq is not among the inputs of yeast; for human cells, whose genome is not there, it is.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import pandas as pd
import typer
from scipy.stats import rankdata

import grnet as gn
from benchmarks._known_edges import KnownEdges, yeast_edges, yeast_genome, yeast_motifs
from benchmarks._runs import RESULTS
from benchmarks._tables import choose, machine, markdown, warn_unless_idle
from benchmarks.datasets import data_folder
from grnet.train._pair_figures import pair_figures

if TYPE_CHECKING:
    from anndata import AnnData
    from torch_geometric.data import HeteroData

N_NEGATIVES = 10
LEAST_EDGES = 5
"""Of a TF: with fewer there is nothing to hold out."""

REGIMES = ("chromosome", "tf")
SHARES = (0.6, 0.2, 0.2)
FIGURES = ("auprc_ratio", "auprc_ratio_within_tf", "auroc")


@dataclass(frozen=True, kw_only=True)
class JointSet:
    """A list of known edges, and the graph of all layers that a model may read."""

    edges: KnownEdges
    graph: "HeteroData"
    genes: list[str]


@cache
def _yeast(truth: str) -> JointSet:
    """Return yeast cells, promoters, their DNA and motifs; TFs without a motif are left out."""
    data = yeast_edges(truth)
    bindings, links = data.layers["bindings"], data.layers["links"]
    n_edges = data.known["source"].value_counts()
    with_motif = set(bindings["tf"].astype(str))
    tfs = [tf for tf in data.tfs if tf in with_motif and n_edges[tf] >= LEAST_EDGES]
    near = set(links["gene"].astype(str)) & set(data.chromosomes.index)
    genes = [gene for gene in data.adata.var_names if gene in near]
    known = data.known[data.known["source"].isin(tfs) & data.known["target"].isin(genes)]
    bindings = bindings[bindings["tf"].astype(str).isin(tfs)]
    graph = gn.graph.build(
        data.adata, yeast_genome(), tfs=tfs, known=known, links=links, bindings=bindings,
        motifs=yeast_motifs(), sequence_width=650, aliases=gn_aliases(),
    )  # fmt: skip
    edges = KnownEdges(
        adata=data.adata, tfs=tfs, known=known, prior=gn.cis.prior_network(bindings, links),
        chromosomes=data.chromosomes, n_negatives=N_NEGATIVES,
    )  # fmt: skip
    return JointSet(edges=edges, graph=graph, genes=genes)


def gn_aliases() -> pd.DataFrame:
    """Return the names that yeast genes go by."""
    file = data_folder() / "yeast" / "genome" / "sgd_gene_names.tsv.gz"
    return pd.read_csv(file, sep="\t", dtype=str)[["systematic", "standard", "aliases"]]


SETS: dict[str, Callable[[], JointSet]] = {
    "yeast knockdown": partial(_yeast, "knockdown"),
    "yeast chip_and_knockdown": partial(_yeast, "chip_and_knockdown"),
}
