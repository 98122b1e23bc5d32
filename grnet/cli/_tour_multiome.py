"""The third part of the demo: a genome, its cells, and a model whose edges can be opened."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

import grnet as gn
from grnet.cli._console import headline, show, step, told
from grnet.cli._files import write_picture, write_table
from grnet.train._pair_figures import pair_figures

if TYPE_CHECKING:
    from grnet.datasets import SimulatedMultiome

Files = list[tuple[str, Path]]

WIDTH = 400
N_NEGATIVES = 4
N_PAGE = 150
N_DOSSIERS = 3


def multiome_tour(folder: Path, *, seed: int) -> Files:
    """Build the graph, train the joint model, score it, and open some of its edges."""
    multiome = gn.datasets.simulate_multiome(n_cells=400, n_genes=150, n_tfs=10, seed=seed)
    headline(
        f"3. Simulated with its genome: {multiome.mdata.n_obs} cells with RNA and ATAC, "
        f"{len(multiome.edges)} planted edges through motifs in peaks"
    )
    rna = multiome.mdata["rna"]
    tfs = sorted({tf for motif in multiome.motifs for tf in motif.tfs})
    report = gn.pp.check(rna, tfs=tfs, truth=multiome.edges)
    names = report[report["what"].str.contains("tfs|truth")]
    told("; ".join(f"{row.what}: {row.matched} of {row.given} match" for row in names.itertuples()))
    gn.pp.normalize(rna)
    with step("Joining TFs, peaks, genes and DNA in one graph"):
        graph = gn.graph.build(
            multiome.mdata, multiome.genome, motifs=multiome.motifs, sequence_width=WIDTH
        )
    split = gn.train.split_edges(
        multiome.edges, tfs=graph["tf"].name, genes=graph["gene"].name, regime="target",
        n_negatives=N_NEGATIVES, shares=(0.6, 0.2, 0.2), seed=seed,
    )  # fmt: skip
    with step("Training each layer alone, each two, and the joint model"):
        ablation = gn.train.ablate_joint(graph, split, seed=seed)
        fit = gn.train.fit_joint(graph, split, seed=seed)
    scores = _with_nulls(ablation, multiome, split)
    show(
        scores.round(3),
        title=f"Edges of {split.test['target'].nunique()} genes that trained nothing",
        note="Beneath the line: what needs no training, and the numbers of edges alone.",
        line_after=len(ablation) - 1,
    )
    write_table(scores, folder / "layers.csv")
    return _opened(fit, split, multiome=multiome, folder=folder)


def _opened(
    fit: gn.train.JointFit,
    split: gn.train.EdgeSplit,
    *,
    multiome: "SimulatedMultiome",
    folder: Path,
) -> Files:
    """Score every pair, open some, and write them."""
    with step("Scoring every pair, and opening some"):
        grn = gn.infer.network(
            multiome.mdata, tfs=fit.graph["tf"].name, method="joint", model=fit, n_top=N_PAGE
        )
        dossiers = [
            gn.explain.edge(
                fit, multiome.mdata, source=source, target=target, genome=multiome.annotation,
                groupby="cell_type",
            )
            for source, target in _worth_opening(fit, split)
        ]  # fmt: skip
    told("\n".join(str(dossier).splitlines()[0] for dossier in dossiers))
    return _written(grn, dossiers, folder)


def _with_nulls(
    ablation: pd.DataFrame, multiome: "SimulatedMultiome", split: gn.train.EdgeSplit
) -> pd.DataFrame:
    """Return the figures of the layers above those of the consensus, its prior, and label rates."""
    test, rna = split.test, multiome.mdata["rna"]
    tfs = sorted(set(split.train["source"]))
    links = gn.cis.link_peaks(multiome.mdata, multiome.genome)
    regions = multiome.mdata["atac"].var[["chrom", "start", "end"]]
    hits = gn.cis.scan_motifs(multiome.genome, regions, multiome.motifs)
    prior = gn.cis.prior_network(gn.cis.bind(regions, hits=hits), links)
    networks = {
        "consensus": gn.infer.network(rna, tfs=tfs, n_top=None),
        "motif prior": prior,
        "consensus with motif prior": gn.infer.network(rna, tfs=tfs, n_top=None, prior=prior),
    }
    unlearnt = {name: _scores(grn, test) for name, grn in networks.items()}
    of_tf, of_target = (
        gn.train.label_log_odds(split.train, test, end="source"),
        gn.train.label_log_odds(split.train, test, end="target"),
    )
    rows = [
        {"layers": name, **pair_figures(test, values)}
        for name, values in {**unlearnt, "null: label rates": of_tf + of_target}.items()
    ]
    table = pd.concat([ablation, pd.DataFrame(rows)], ignore_index=True)
    return table[["layers", "auroc", "auprc", "auprc_ratio", "auprc_ratio_within_tf"]]


def _scores(grn: gn.GRN, pairs: pd.DataFrame) -> np.ndarray:
    """Return the magnitude of the weight of each pair, 0 for those that a network does not have."""
    names = ["source", "target"]
    weight = grn.edges.astype(dict.fromkeys(names, str)).set_index(names)["weight"].abs()
    asked = pd.MultiIndex.from_frame(pairs[names].astype(str))
    return np.asarray(weight.reindex(asked).fillna(0.0).to_numpy())


def _worth_opening(fit: gn.train.JointFit, split: gn.train.EdgeSplit) -> list[tuple[str, str]]:
    """Return the held-out edges that the model is surest of, and the one that it sees least."""
    edges = split.test[split.test["label"] == 1].reset_index(drop=True)
    order = np.argsort(-fit.logits(edges), kind="stable")
    chosen = edges.iloc[[*order[:N_DOSSIERS], order[-1]]]
    return list(zip(chosen["source"], chosen["target"], strict=True))


def _written(grn: gn.GRN, dossiers: list[gn.explain.Dossier], folder: Path) -> Files:
    links = gn.explain.write_dossiers(dossiers, folder / "dossiers")
    page = gn.io.write_html(
        grn, folder / "network.html", title="Network of the joint model", dossiers=links
    )
    write_picture(gn.pl.dossier(dossiers[0]).axes[0], folder / "dossier.png")
    return [
        ("joint model: layers and nulls", folder / "layers.csv"),
        ("network for Cytoscape", gn.io.write_network(grn, folder / "network.cx2")),
        ("page; click a marked edge", page),
        ("why an edge, or why not", folder / "dossiers" / "index.html"),
        ("picture of the first of them", folder / "dossier.png"),
    ]
