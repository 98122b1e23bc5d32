"""Lists of known edges with the expression, and for yeast the motifs, that a model may read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

import grnet as gn
from benchmarks.datasets import data_folder, load, truths_of
from benchmarks.evidence import (
    MAX_PVALUE,
    PROMOTER,
    edges_of_matrix,
    gasch_cells,
    quietly,
    regions,
)

if TYPE_CHECKING:
    from anndata import AnnData
    from torch_geometric.data import HeteroData

LEAST_DETECTED = 0.25
"""Share of the cells of yeast in which a gene is seen; TFs stay in any case."""

N_HELD = 5
"""Groups of chromosomes that are held out in turn."""

FEW_NEGATIVES = 2
"""For each edge of YEASTRACT, whose edges are many: it keeps GENELink affordable."""

MITOCHONDRIUM = "Mito"

PUBLISHED = {"GENELink hESC": "hESC_500", "GENELink mESC": "mESC_500"}


@dataclass(frozen=True, kw_only=True)
class KnownEdges:
    """One list of known edges, and what models and nulls may read beside it."""

    adata: "AnnData"
    tfs: list[str]
    known: pd.DataFrame
    prior: gn.GRN | None = None
    layers: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    """Bindings and links that the prior was made of."""
    chromosomes: pd.Series | None = None
    n_negatives: int = 5

    def graph(self) -> "HeteroData":
        """Return the graph of expression and evidence; its known edges are replaced in training."""
        return gn.graph.build(self.adata, tfs=self.tfs, known=self.known, **self.layers)

    def held_chromosomes(self) -> list[dict[str, list[str]]]:
        """Return validation and test chromosomes: groups of about equal numbers of genes."""
        known = self.chromosomes[self.chromosomes.index.isin(self.adata.var_names)]
        names = known.value_counts().index.tolist()
        return [
            {"test": names[i::N_HELD], "validation": names[(i + 1) % N_HELD :: N_HELD][-2:]}
            for i in range(N_HELD)
        ]

    def counts(self) -> str:
        """Return the sizes in one line."""
        evidence = "" if self.prior is None else f", a prior of {len(self.prior):,} pairs"
        return (
            f"{len(self.known):,} edges, {len(self.tfs)} TFs, {self.adata.n_vars:,} genes, "
            f"{self.adata.n_obs} cells{evidence}"
        )


def _of_set(name: str, truth: str) -> KnownEdges:
    data = load(name)
    known = data.truths[truth][["source", "target"]].astype(str)
    tfs = sorted(set(known["source"]) & set(data.tfs))
    return KnownEdges(adata=data.adata, tfs=tfs, known=known)


@cache
def yeast_layers() -> dict[str, Any]:
    """Return cells, genome, motifs, promoters, bindings and the chromosomes of the genes."""
    folder = data_folder() / "yeast"
    aliases = pd.read_csv(folder / "genome" / "sgd_gene_names.tsv.gz", sep="\t", dtype=str)
    aliases = aliases[["systematic", "standard", "aliases"]]
    genome = gn.io.Genome(
        folder / "genome" / "R64-1-1.fa.gz", annotation=folder / "genome" / "R64-1-1.96.gtf.gz"
    )
    cells = gasch_cells(folder)
    motifs = gn.io.read_motifs(folder / "motifs" / "Scer.cisbp.meme.gz")
    links = gn.cis.link_peaks(cells, genome, method="promoter", promoter=PROMOTER)
    hits = gn.cis.scan_motifs(genome, regions(links), motifs, max_pvalue=MAX_PVALUE)
    bindings = quietly(
        gn.cis.bind, links, hits=hits, names=cells.var_names, aliases=aliases
    )  # fmt: skip
    place = links.drop_duplicates("gene").set_index("gene")["peak"].astype(str)
    chromosomes = place.str.rsplit(":", n=1).str[0]
    chromosomes = chromosomes[chromosomes != MITOCHONDRIUM]
    return {
        "cells": cells,
        "genome": genome,
        "motifs": motifs,
        "aliases": aliases,
        "bindings": bindings,
        "links": links,
        "chromosomes": chromosomes,
    }


def yeast_edges(truth: str) -> KnownEdges:
    """Return a truth of yeast beside single cells and motifs in promoters."""
    layers = yeast_layers()
    folder = data_folder() / "yeast" / "grn"
    if truth == "yeastract":
        known = edges_of_matrix(folder / "YEASTRACT_20190713_BOTH.tsv.gz").astype(str)
    else:
        known = truths_of(folder, [truth])[truth]
    cells = layers["cells"]
    detected = np.asarray((cells.X != 0).mean(axis=0)).ravel() >= LEAST_DETECTED
    cells = cells[:, detected | cells.var_names.isin(known["source"])].copy()
    inside = known["target"].isin(cells.var_names)
    known = known[inside & known["source"].isin(cells.var_names)].reset_index(drop=True)
    tfs = sorted(set(known["source"]))
    bindings = layers["bindings"]
    bindings = bindings[bindings["tf"].astype(str).isin(tfs)]
    links = layers["links"]
    links = links[links["gene"].astype(str).isin(cells.var_names)]
    return KnownEdges(
        adata=cells,
        tfs=tfs,
        known=known,
        prior=gn.cis.prior_network(bindings, links),
        layers={"bindings": bindings, "links": links},
        chromosomes=layers["chromosomes"],
        n_negatives=FEW_NEGATIVES if truth == "yeastract" else 5,
    )


SETS: dict[str, Callable[[], KnownEdges]] = {
    "mdc nonspecific_chip": partial(_of_set, "mdc", "nonspecific_chip"),
    "mdc string": partial(_of_set, "mdc", "string"),
    "mdc knockdown": partial(_of_set, "mdc", "knockdown"),
    "bsubtilis": partial(_of_set, "bsubtilis", "gold"),
    "yeast chip_and_knockdown": partial(yeast_edges, "chip_and_knockdown"),
    "yeast yeastract": partial(yeast_edges, "yeastract"),
}


def published_split(name: str) -> gn.train.EdgeSplit:
    """Return a split of GENELink as it was published; genes are numbers."""
    folder = data_folder() / "grn" / "genelink_splits" / PUBLISHED[name]
    parts = {}
    for part in ("train", "validation", "test"):
        table = pd.read_csv(folder / f"{part.capitalize()}_set.csv.gz")
        names = {"TF": "source", "Target": "target", "Label": "label"}
        named = table[list(names)].rename(columns=names)
        parts[part] = named.astype({"source": str, "target": str, "label": int})
    return gn.train.EdgeSplit(**parts, regime="genelink", negatives="listed")
