"""The joint model and each of its layers, beside priors, naive averages, label rates and trees.

``python -m benchmarks.joint`` holds chromosomes of the targets and, separately, TFs out (those with
ChIP-seq among the inputs also one by one), scores **every** pair of a TF and a gene that is held
out, and writes ``benchmarks/results/joint.csv``. ChIP-seq is not among the inputs of yeast. The
human cells have no genome here: peaks and ChIP-seq are their graph, and DNA is not read.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import pandas as pd
import torch
import typer
from scipy.stats import rankdata

import grnet as gn
from benchmarks._known_edges import N_HELD, KnownEdges, yeast_edges, yeast_layers
from benchmarks._runs import RESULTS
from benchmarks._tables import choose, machine, markdown, warn_unless_idle
from benchmarks.datasets import data_folder, load, truths_of
from benchmarks.evidence import quietly
from grnet.graph._motifs import shares_of_motifs
from grnet.train._pair_figures import pair_figures

if TYPE_CHECKING:
    from anndata import AnnData
    from torch_geometric.data import HeteroData

N_NEGATIVES = 10
"""For each edge; 3 for a list of many edges, which keeps an epoch short."""
MANY_EDGES, FEW_NEGATIVES = 10_000, 3
LEAST_EDGES = 5
"""Of a TF: with fewer there is nothing to hold out."""

REGIMES = ("chromosome", "tf", "chip")
"""What is held out: chromosomes, TFs, or one TF after the other of those with ChIP-seq."""
SHARES = (0.6, 0.2, 0.2)
FIGURES = ("auprc_ratio", "auprc_ratio_within_tf", "auroc")
WIDTH = 650
"""Bases of a promoter of yeast."""

JOINT = "expression + graph + dna"


@dataclass(frozen=True, kw_only=True)
class JointSet:
    """A list of known edges, and the graph of all layers that a model may read."""

    adata: "AnnData"
    tfs: list[str]
    genes: list[str]
    known: pd.DataFrame
    prior: gn.GRN
    graph: "HeteroData"
    chromosomes: Mapping[str, str]
    tfs_with_chip: tuple[str, ...] = ()

    def n_splits(self, regime: str, at_most: int) -> int:
        """Return how many splits a regime has here."""
        return min(len(self.tfs_with_chip) if regime == "chip" else N_HELD, at_most)

    @cached_property
    def unlearnt(self) -> dict[str, np.ndarray]:
        """Return what scores TFs x genes without any known edge."""
        networks = {
            "consensus": gn.infer.network(self.adata, tfs=self.tfs, n_top=None),
            "consensus + prior": gn.infer.network(
                self.adata, tfs=self.tfs, n_top=None, prior=self.prior
            ),
            "|Pearson|": gn.infer.network(self.adata, tfs=self.tfs, n_top=None, method="pearson"),
            "prior": self.prior,
        }
        found = {name: self._matrix(grn) for name, grn in networks.items()}
        affinity = self._affinity()
        layers = [found["|Pearson|"], found["prior"], *([] if affinity is None else [affinity])]
        found["naive average of ranks"] = np.sum([_ranks(layer) for layer in layers], axis=0)
        if affinity is not None:
            found["own motif's affinity"] = affinity
        mean = np.asarray(self.adata[:, self.genes].X.mean(axis=0)).ravel()
        return {**found, "mean expression": np.broadcast_to(mean, found["prior"].shape)}

    def _matrix(self, grn: gn.GRN) -> np.ndarray:
        """Return the magnitudes of a network, TFs x genes."""
        found = np.zeros((len(self.tfs), len(self.genes)))
        tf, gene = (
            pd.Index(names).get_indexer(grn.edges[end].astype(str))
            for names, end in ((self.tfs, "source"), (self.genes, "target"))
        )
        kept = (tf >= 0) & (gene >= 0)
        found[tf[kept], gene[kept]] = grn.edges["weight"].abs().to_numpy()[kept]
        return found

    def _affinity(self) -> np.ndarray | None:
        """Return the standardised affinity of each promoter to the motifs of each TF."""
        motifs = gn.graph.motifs_of(self.graph)
        if not motifs:
            return None
        scanner = gn.models.MotifScanner.of(motifs)
        said = gn.models.predict(scanner, self.graph["peak"].sequence.numpy())
        said = (said - said.mean(axis=0)) / np.maximum(said.std(axis=0), 1e-6)
        place = pd.Index(self.graph["tf"].name).get_indexer(self.tfs)
        own = shares_of_motifs(self.graph)[place]
        peak, gene = self.graph["peak", "near", "gene"].edge_index.numpy()
        of_gene = np.zeros((len(motifs), self.graph["gene"].num_nodes))
        of_gene[:, gene] = said[peak].T
        place = pd.Index(self.graph["gene"].name).get_indexer(self.genes)
        return np.asarray(own @ of_gene[:, place])

    def split(self, regime: str, seed: int) -> gn.train.EdgeSplit:
        """Return a split with the regime's held-out chromosomes or TFs."""
        data = KnownEdges(
            adata=self.adata, tfs=self.tfs, known=self.known,
            chromosomes=pd.Series(dict(self.chromosomes)),
        )  # fmt: skip
        held: dict[str, object] = {"regime": regime, "shares": SHARES}
        if regime == "chromosome":
            held |= {**data.held_chromosomes()[seed], "chromosomes": dict(self.chromosomes)}
        if regime == "chip":
            tf = self.tfs_with_chip[seed]
            others = self.known.loc[self.known["source"] != tf, "source"].to_numpy()
            rows = gn.train.split_by_group(others, shares=SHARES, seed=seed).validation
            held |= {"regime": "tf", "test": [tf], "validation": sorted(set(others[rows]))}
        n_negatives = N_NEGATIVES if len(self.known) < MANY_EDGES else FEW_NEGATIVES
        return gn.train.split_edges(
            self.known, tfs=self.tfs, genes=self.genes, n_negatives=n_negatives, seed=seed, **held
        )

    def asked(self, split: gn.train.EdgeSplit, regime: str) -> pd.DataFrame:
        """Return every pair that is held out, with its label."""
        tfs, genes = self.tfs, self.genes
        if regime != "chromosome":
            tfs = sorted(set(split.test["source"]))
        else:
            test = {self.chromosomes[gene] for gene in set(split.test["target"])}
            genes = [gene for gene in genes if self.chromosomes.get(gene) in test]
        pairs = pd.MultiIndex.from_product([tfs, genes], names=["source", "target"])
        edges = pd.MultiIndex.from_frame(self.known[["source", "target"]])
        table = pairs.to_frame(index=False).assign(label=pairs.isin(edges).astype(int))
        return table[table["source"] != table["target"]].reset_index(drop=True)


def _ranks(values: np.ndarray) -> np.ndarray:
    return rankdata(values).reshape(values.shape) / values.size


def yeast(truth: str) -> JointSet:
    """Return yeast cells, promoters, their DNA and motifs; TFs without a motif are left out."""
    layers, data = yeast_layers(), yeast_edges(truth)
    links, bindings = data.layers["links"], data.layers["bindings"]
    n_edges = data.known["source"].value_counts()
    with_motif = set(bindings["tf"].astype(str))
    tfs = [tf for tf in data.tfs if tf in with_motif and n_edges[tf] >= LEAST_EDGES]
    near = set(links["gene"].astype(str)) & set(data.chromosomes.index)
    genes = [gene for gene in data.adata.var_names if gene in near]
    known = data.known[data.known["source"].isin(tfs) & data.known["target"].isin(genes)]
    bindings = bindings[bindings["tf"].astype(str).isin(tfs)]
    graph = gn.graph.build(
        data.adata, layers["genome"], tfs=tfs, known=known, links=links, bindings=bindings,
        motifs=layers["motifs"], aliases=layers["aliases"], sequence_width=WIDTH,
    )  # fmt: skip
    return JointSet(
        adata=data.adata, tfs=tfs, genes=genes, known=known.reset_index(drop=True),
        prior=gn.cis.prior_network(bindings, links), graph=graph,
        chromosomes=data.chromosomes[genes].to_dict(),
    )  # fmt: skip


def human(truth: str) -> JointSet:
    """Return RNA, ATAC and ChIP-seq of embryonic stem cells."""
    folder = data_folder() / "grn" / "hesc_multiome"
    columns = ["chrom", "start", "end", "tf", "signal", "strand", "summit_offset"]
    chip = gn.io.read_peaks(folder / "chip_h1_hg38.bed.gz", columns=columns)
    annotation = gn.io.read_annotation(folder / "tss_hg38.tsv.gz")
    mdata = gn.io.read_multiome(
        rna=folder / "RNA_features_x_cells.npz", atac=folder / "peaks_features_x_cells.npz"
    )
    rna = load("hesc_multiome").adata
    links = gn.cis.link_peaks(mdata, annotation, method="distance")
    bindings = quietly(gn.cis.bind, links, evidence=chip, names=rna.var_names)
    known = truths_of(folder, [truth])[truth]
    place = annotation.drop_duplicates("gene").set_index("gene")["chrom"].astype(str)
    genes = [gene for gene in rna.var_names if gene in place.index]
    known = known[known["source"].isin(rna.var_names) & known["target"].isin(genes)]
    n_edges = known["source"].value_counts()
    tfs = sorted(n_edges.index[n_edges >= LEAST_EDGES])
    known = known[known["source"].isin(tfs)].reset_index(drop=True)
    graph = gn.graph.build(
        mdata, annotation, tfs=sorted({*tfs, *bindings["tf"].astype(str)}), known=known,
        links=links, bindings=bindings,
    )  # fmt: skip
    return JointSet(
        adata=rna, tfs=tfs, genes=genes, known=known, prior=gn.cis.prior_network(bindings, links),
        graph=graph, chromosomes=place[genes].to_dict(),
        tfs_with_chip=tuple(tf for tf in tfs if tf in set(bindings["tf"].astype(str))),
    )  # fmt: skip


SETS: dict[str, Callable[[], JointSet]] = {
    "yeast knockdown": partial(yeast, "knockdown"),
    "yeast chip_and_knockdown": partial(yeast, "chip_and_knockdown"),
    "human knockdown": partial(human, "knockdown"),
}


def run(data: JointSet, regime: str, seed: int) -> pd.DataFrame:
    """Return the figures of every row in one split."""
    split = data.split(regime, seed)
    asked = data.asked(split, regime)
    begin = time.perf_counter()
    table = gn.train.ablate_joint(data.graph, split, pairs=asked, seed=seed).assign(kind="joint")
    table = table.rename(columns={"layers": "ranking"})
    table["seconds"] = time.perf_counter() - begin
    places = tuple(
        pd.Index(names).get_indexer(asked[end])
        for names, end in ((data.tfs, "source"), (data.genes, "target"))
    )
    rates = {
        f"label rate of {name}": gn.train.label_log_odds(split.train, asked, end=end)
        for name, end in (("TF", "source"), ("target", "target"))
    }
    rates["label rates, sum"] = sum(rates.values())
    unlearnt = {name: scores[places] for name, scores in data.unlearnt.items()}
    naive = unlearnt["naive average of ranks"]
    both = _ranks(naive) + _ranks(rates["label rates, sum"])
    with torch.random.fork_rng():
        trees = gn.train.fit_pair_trees(data.graph, split, seed=seed).scores(asked)
    others = {
        "trees": {"trees on pairs": trees},
        "unlearnt": unlearnt,
        "label rates": {**rates, "naive average + label rates": both},
    }
    rows = [
        {"ranking": name, "kind": kind, **pair_figures(asked, scores)}
        for kind, members in others.items()
        for name, scores in members.items()
    ]
    return pd.concat([table, pd.DataFrame(rows)]).assign(regime=regime, seed=seed)


def main(
    *,
    sets: Annotated[str | None, typer.Option(help="Sets, with commas; default all.")] = None,
    regimes: Annotated[str | None, typer.Option(help="With commas; default all.")] = None,
    seeds: Annotated[int, typer.Option(help="Splits with seeds 0, 1, ...; at most 5.")] = 3,
    output: Annotated[Path, typer.Option(help="Where the rows go.")] = RESULTS / "joint.csv",
) -> None:
    """Train every choice of layers in every split, and print the figures."""
    warn_unless_idle()
    print(machine(), "\n")
    output.parent.mkdir(parents=True, exist_ok=True)
    done: list[pd.DataFrame] = []
    for name in choose(sets, SETS, "set"):
        data = SETS[name]()
        sizes = f"{len(data.known):,} edges, {len(data.tfs)} TFs, {len(data.genes):,} genes"
        print(f"### {name}: {sizes}\n", flush=True)
        for regime in choose(regimes, REGIMES, "regime"):
            runs: list[pd.DataFrame] = []
            for seed in range(data.n_splits(regime, seeds)):
                runs.append(run(data, regime, seed).assign(set=name))
                pd.concat([*done, *runs]).to_csv(output, index=False)
            if not runs:
                print(f"{regime}: no TF with ChIP-seq among the inputs has known edges\n")
                continue
            done += runs
            print(f"{regime} held out\n\n{markdown(summary(pd.concat(runs)), digits=3)}\n")
            print(flush=True)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Return mean and half of the 95 % interval of each figure, a row for each ranking."""
    columns = {}
    for figure in FIGURES:
        groups = table.groupby("ranking", sort=False)[figure]
        columns[figure] = groups.agg(_with_interval)
    return pd.DataFrame(columns)


def _with_interval(values: pd.Series) -> str:
    low, high = gn.evaluate.supervised.interval(values)
    return f"{values.mean():.3f} ± {(high - low) / 2:.3f}"


if __name__ == "__main__":
    typer.run(main)
