"""What peaks, motifs and ChIP-seq add to expression: yeast, and human embryonic stem cells.

``python -m benchmarks.evidence`` builds the graphs and the prior networks from the raw files,
prints how far they agree with known edges, and writes ``benchmarks/results/evidence.csv``.
"""

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import pandas as pd
import scanpy as sc
import typer

import grnet as gn
from benchmarks._runs import RESULTS
from benchmarks._tables import choose, machine, markdown
from benchmarks.datasets import data_folder, load, truths_of
from grnet._genes import resolved
from grnet._intervals import from_names, overlaps

if TYPE_CHECKING:
    from anndata import AnnData
    from torch_geometric.data import HeteroData

SCOPES = ("TFs of the truth", "TFs of every layer", "TFs and genes of every layer")
"""What is scored; the last where some layer did not look at all genes."""

PROMOTER = (600, 50)
"""Bases upstream and downstream of a start site in yeast."""

MAX_PVALUE = 5e-5
"""Of motif hits in yeast: a motif is then met once in 10,000 bases of both strands."""

HUMAN_BASES = 3.1e9

TRUTHS = {
    "yeast": ("knockdown", "chip_and_knockdown"),
    "human": ("chip", "chip_and_knockdown", "knockdown"),
}
"""Where the truth holds ChIP, rows with ChIP share their kind of evidence with it."""


@dataclass
class Layers:
    """What an organism's files were made into."""

    expression: dict[str, "AnnData"]
    tfs: list[str]
    priors: dict[str, gn.GRN]
    truths: dict[str, pd.DataFrame]
    rows: dict[str, tuple[str, ...]]
    """Which priors are combined with the expression, by the name of the row."""
    counts: dict[str, str]
    candidates: Literal["all", "beeline"]
    """``all``: all genes are candidate targets; ``beeline``: those of the truth."""
    covered: list[str] | None = None
    """Genes where every layer looked, None for all."""

    def tfs_of(self, truth: str, *, in_all: bool) -> list[str]:
        """Return the TFs with a true edge, or those of them that every prior knows too."""
        chosen = set(self.tfs) & set(self.truths[truth]["source"])
        if in_all:
            chosen &= set.intersection(*(set(p.edges["source"]) for p in self.priors.values()))
        return sorted(chosen)


def main(
    *,
    organisms: Annotated[str | None, typer.Option(help="yeast,human; default both.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the methods and the random null.")] = 0,
) -> None:
    """Score the prior networks, and expression with and without them."""
    print(f"{machine()}; seed {seed}\n")
    frames = []
    for organism in choose(organisms, ORGANISMS, "organism"):
        start = time.perf_counter()
        layers = ORGANISMS[organism](data_folder())
        seconds = time.perf_counter() - start
        print(f"## {organism}: from the files to graph and priors in {seconds:.0f} s\n")
        print(markdown(pd.Series(layers.counts, name="value").rename_axis("what").to_frame()))
        networks = {**layers.priors, **beside_expression(layers, seed=seed)}
        for scope in SCOPES[: 2 if layers.covered is None else 3]:
            scores = scored(layers, networks, scope=scope, seed=seed)
            print(f"\n### {scope}\n")
            print(markdown(wide(scores)), flush=True)
            frames.append(scores.assign(organism=organism, scope=scope))
    RESULTS.mkdir(exist_ok=True)
    pd.concat(frames).to_csv(RESULTS / "evidence.csv", index=False)


def beside_expression(layers: Layers, *, seed: int) -> dict[str, gn.GRN]:
    """Return the consensus of each expression set, alone and with layers added."""
    networks = {}
    for name, adata in layers.expression.items():
        for row, used in {"expression alone": (), **layers.rows}.items():
            prior = {f"{i} {layer}": layers.priors[layer].edges for i, layer in enumerate(used)}
            networks[f"{name}: {row}"] = gn.infer.network(
                adata, tfs=layers.tfs, prior=prior or None, n_top=None, seed=seed
            )
    return networks


def scored(layers: Layers, networks: dict[str, gn.GRN], *, scope: str, seed: int) -> pd.DataFrame:
    """Score the networks against each truth beside the nulls of each expression set."""
    frames = []
    for truth, edges in layers.truths.items():
        for i, (name, adata) in enumerate(layers.expression.items()):
            own = {key: net for key, net in networks.items() if key.startswith(f"{name}: ")}
            others = {} if i else layers.priors
            scores = gn.evaluate.score(
                {**others, **own},
                edges,
                tfs=layers.tfs_of(truth, in_all=scope != SCOPES[0]),
                genes=layers.covered if scope == SCOPES[2] else None,
                adata=adata,
                candidates=layers.candidates,
                seed=seed,
            )
            nulls = f"{name}: null, " + scores["ranking"]
            scores["ranking"] = scores["ranking"].where(~scores["is_null"], nulls)
            frames.append(scores.assign(truth=truth))
    return pd.concat(frames)


def wide(scores: pd.DataFrame) -> pd.DataFrame:
    """Return AUPRC ratio / EPR, a row per ranking and a column per truth."""
    text = scores["auprc_ratio"].map("{:.2f}".format) + " / " + scores["epr"].map("{:.2f}".format)
    order = scores["ranking"].unique()
    titles = scores["truth"] + " (" + scores["n_tfs"].astype(str) + " TFs)"
    table = scores.assign(text=text, truth=titles).pivot_table(
        index="ranking", columns="truth", values="text", aggfunc="first", sort=False
    )
    return table.loc[order].fillna("")


def fold_over_expectation(prior: gn.GRN, truth: pd.DataFrame, genes: pd.Index) -> float:
    """Return the overlap of the pairs of two networks over that of independent ones."""
    tfs = set(prior.edges["source"].astype(str)) & set(truth["source"])
    ours, theirs = (
        {
            (source, target)
            for source, target in zip(
                edges["source"].astype(str), edges["target"].astype(str), strict=True
            )
            if source in tfs and target in genes
        }
        for edges in (prior.edges, truth)
    )
    expected = len(ours) * len(theirs) / (len(tfs) * len(genes))
    return len(ours & theirs) / expected


YEAST_ROWS = {
    "+ motif, promoters": ("motif, promoters",),
    "+ motif, ATAC": ("motif, ATAC",),
    "+ motif, both": ("motif, promoters", "motif, ATAC"),
    "+ ChIP, promoters": ("ChIP, promoters",),
    "+ ChIP, both": ("ChIP, promoters", "ChIP, ATAC"),
    "+ ChIP, promoters counted twice": ("ChIP, promoters", "ChIP, promoters"),
    "+ motif + ChIP, promoters": ("motif, promoters", "ChIP, promoters"),
    "+ motif + ChIP, both": ("motif, promoters", "ChIP, promoters", "motif, ATAC", "ChIP, ATAC"),
}
"""Which priors stand beside the expression of yeast."""


def yeast(data: Path) -> Layers:
    """Bring FASTA, GTF, ATAC, ChIP-exo, motifs and expression of yeast together."""
    folder = data / "yeast"
    aliases = pd.read_csv(folder / "genome" / "sgd_gene_names.tsv.gz", sep="\t", dtype=str)
    aliases = aliases[["systematic", "standard", "aliases"]]
    genome = gn.io.Genome(
        folder / "genome" / "R64-1-1.fa.gz", annotation=folder / "genome" / "R64-1-1.96.gtf.gz"
    )
    gasch = gasch_cells(folder)
    segregants = _segregants(folder, gasch.var_names, aliases)
    atac = gn.io.read_fragments(
        folder / "atac" / "fragments_SRR1822137.tsv.gz",
        folder / "atac" / "peaks_GSM1621339.bed.gz",
        annotation=genome,
        min_fragments=1,
    )
    chip = gn.io.read_peaks(folder / "chip" / "rossi2021_chipexo_peaks.bed.gz", tf_column="name")
    motifs = gn.io.read_motifs(folder / "motifs" / "Scer.cisbp.meme.gz")
    mdata = gn.io.read_multiome(rna=gasch, atac=atac, paired=False)
    promoters = gn.cis.link_peaks(gasch, genome, method="promoter", promoter=PROMOTER)
    links = {
        "promoters": promoters,
        "ATAC": gn.cis.link_peaks(mdata, genome, method="distance", aliases=aliases),
    }
    hits = {
        where: gn.cis.scan_motifs(genome, regions(table), motifs, max_pvalue=MAX_PVALUE)
        for where, table in links.items()
    }
    priors, bindings = {}, {}
    for where, table in links.items():
        for kind, given in {"motif": {"hits": hits[where]}, "ChIP": {"evidence": chip}}.items():
            bound = quietly(gn.cis.bind, table, names=gasch.var_names, aliases=aliases, **given)
            bindings[f"{kind}, {where}"] = bound
            priors[f"{kind}, {where}"] = gn.cis.prior_network(bound, table)
    truths = truths_of(folder / "grn", TRUTHS["yeast"])
    yeastract = edges_of_matrix(folder / "grn" / "YEASTRACT_20190713_BOTH.tsv.gz")
    tfs = sorted(set(pd.concat(truths.values())["source"]))
    graph = gn.graph.build(
        mdata, genome, tfs=tfs, links=links["ATAC"], bindings=bindings["ChIP, ATAC"]
    )
    folds = {
        f"overlap with YEASTRACT, {name}": f"{fold:.1f}-fold over expectation"
        for name, prior in priors.items()
        for fold in [fold_over_expectation(prior, yeastract, gasch.var_names)]
    }
    return Layers(
        expression={"Gasch cells": gasch, "segregants": segregants},
        tfs=tfs,
        priors=priors,
        truths=truths,
        rows=YEAST_ROWS,
        counts={**_counts(links, bindings, priors), **_graph_counts(graph), **folds},
        candidates="all",
    )


def human(data: Path) -> Layers:
    """Bring RNA, ATAC and ChIP-seq of human embryonic stem cells together, without a genome."""
    folder = data / "grn" / "hesc_multiome"
    columns = ["chrom", "start", "end", "tf", "signal", "strand", "summit_offset"]
    chip = gn.io.read_peaks(folder / "chip_h1_hg38.bed.gz", columns=columns)
    genes = gn.io.read_annotation(folder / "tss_hg38.tsv.gz")
    mdata = gn.io.read_multiome(
        rna=folder / "RNA_features_x_cells.npz", atac=folder / "peaks_features_x_cells.npz"
    )
    rna = load("hesc_multiome").adata
    links = {
        "promoters": gn.cis.link_peaks(rna, genes, method="promoter", promoter=(1000, 1000)),
        "ATAC by distance": gn.cis.link_peaks(mdata, genes, method="distance"),
        "ATAC by correlation": gn.cis.link_peaks(mdata, genes, method="correlation"),
    }
    bindings = {
        where: quietly(gn.cis.bind, table, evidence=chip, names=rna.var_names)
        for where, table in links.items()
    }
    priors = {
        f"ChIP, {where}": gn.cis.prior_network(bindings[where], table)
        for where, table in links.items()
    }
    truths = truths_of(folder, TRUTHS["human"])
    tfs = sorted(set(pd.concat(truths.values())["source"]) & set(rna.var_names))
    graph = gn.graph.build(
        mdata,
        genes,
        tfs=tfs,
        links=links["ATAC by distance"],
        bindings=bindings["ATAC by distance"],
    )
    return Layers(
        expression={"hESC": rna},
        tfs=tfs,
        priors=priors,
        truths=truths,
        rows={f"+ {name}": (name,) for name in priors},
        counts={
            **_counts(links, bindings, priors),
            **_graph_counts(graph),
            **summits_in_peaks(chip, mdata["atac"].var),
        },
        candidates="beeline",
        covered=sorted({*genes.loc[genes["chrom"].isin(set(chip["chrom"])), "gene"], *tfs}),
    )


def summits_in_peaks(chip: pd.DataFrame, peaks: pd.DataFrame) -> dict[str, str]:
    """Return the share of each TF's ChIP summits that lie in an ATAC peak."""
    summits = chip.assign(start=chip["summit"], end=chip["summit"] + 1)
    rows, _ = overlaps(summits, peaks)
    inside = chip.iloc[np.unique(rows)].groupby("tf").size() / chip.groupby("tf").size()
    expected = (peaks["end"] - peaks["start"]).sum() / HUMAN_BASES
    shares = ", ".join(f"{tf} {100 * share:.0f}" for tf, share in inside.sort_values().items())
    return {"ChIP summits in ATAC peaks, %": f"{shares} (expected {100 * expected:.1f})"}


def regions(links: pd.DataFrame) -> pd.DataFrame:
    """Return the peaks of links as intervals."""
    return from_names(links["peak"].unique(), what="the linked peaks")


def _counts(
    links: dict[str, pd.DataFrame], bindings: dict[str, pd.DataFrame], priors: dict[str, gn.GRN]
) -> dict[str, str]:
    counts = {}
    for where, table in links.items():
        pair = f"{table['peak'].nunique():,} peaks, {len(table):,} links"
        counts[f"links, {where}"] = f"{pair} to {table['gene'].nunique():,} genes"
    for name, table in bindings.items():
        counts[f"bindings, {name}"] = f"{len(table):,} of {table['tf'].nunique()} TFs"
    for name, prior in priors.items():
        counts[f"prior, {name}"] = f"{len(prior):,} edges"
    return counts


def _graph_counts(graph: "HeteroData") -> dict[str, str]:
    summary = gn.graph.summary(graph)
    return {f"graph, {kind}": f"{count:,}" for kind, count in summary["count"].items()}


def quietly(call: Callable[..., pd.DataFrame], *args: Any, **options: Any) -> pd.DataFrame:  # noqa: ANN401
    """Call without the warning that some proteins are no genes of the data."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return call(*args, **options)


def gasch_cells(folder: Path) -> "AnnData":
    """Read the stressed and unstressed cells; the values are depth-corrected, not yet logged."""
    adata = gn.io.read_expression(
        folder / "scrna_gasch2017" / "raw_counts.csv.gz", orientation="genes_by_cells"
    )
    sc.pp.filter_genes(adata, min_cells=5)
    sc.pp.log1p(adata)
    return adata


def _segregants(folder: Path, names: pd.Index, aliases: pd.DataFrame) -> "AnnData":
    """Read log ratios, under the systematic names."""
    adata = gn.io.read_expression(
        folder / "expression" / "brem2005_segregants_6216x112.tsv.gz", orientation="genes_by_cells"
    )
    table = resolved(adata.var_names, names, aliases=aliases)
    adata = adata[:, [name in table for name in adata.var_names]].copy()
    adata.var_names = adata.var_names.map(table)
    return adata[:, ~adata.var_names.duplicated()].copy()


def edges_of_matrix(path: Path) -> pd.DataFrame:
    matrix = pd.read_csv(path, sep="\t", index_col=0)
    pairs = matrix.rename_axis("target").reset_index().melt("target", var_name="source")
    return pairs.loc[pairs["value"] > 0, ["source", "target"]]


ORGANISMS: dict[str, Callable[[Path], Layers]] = {"yeast": yeast, "human": human}


if __name__ == "__main__":
    typer.run(main)
