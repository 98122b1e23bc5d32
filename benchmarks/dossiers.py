"""Dossiers of the joint model: whether they add up, and find what was planted.

``python -m benchmarks.dossiers`` opens held-out edges of simulated cells with their genome, whose
regulating peaks and motif instances are known, beside a model whose weights are shuffled; and 100
edges of yeast, for the residual and the time. It writes ``benchmarks/results/dossiers.csv``.
"""

import dataclasses
import time
from typing import TYPE_CHECKING, Annotated

import numpy as np
import pandas as pd
import typer

import grnet as gn
from benchmarks._runs import RESULTS
from benchmarks._tables import machine, markdown, warn_unless_idle
from benchmarks.joint import SETS

if TYPE_CHECKING:
    from grnet.datasets import SimulatedMultiome

N_NEGATIVES = 4
WIDTH = 400
N_RANDOM = 10
N_STEPS = 6
YEAST = "yeast chip_and_knockdown"


def planted(multiome: "SimulatedMultiome", dossier: gn.explain.Dossier) -> dict[str, float]:
    """Return the precision at k of peaks and of bases, k being the number planted and in reach."""
    triplets = multiome.triplets
    own = triplets[(triplets["source"] == dossier.source) & (triplets["target"] == dossier.target)]
    peaks = dossier.peaks.sort_values("contribution", ascending=False, kind="stable")
    is_planted = peaks["peak"].isin(own["region"]).to_numpy()
    k = int(is_planted.sum())
    if not k:
        return {}
    sites = multiome.motif_sites
    sites = sites[
        (sites["tf"] == dossier.source)
        & sites["functional"]
        & sites["peak"].isin(peaks["peak"][is_planted])
    ]
    true = {
        (site.peak, position)
        for site in sites.itertuples()
        for position in range(site.start, site.end)
    }
    bases = dossier.bases.sort_values("contribution", ascending=False, kind="stable")
    places = zip(bases["peak"], bases["position"], strict=True)
    is_site = np.array([place in true for place in places])
    n_bases = int(is_site.sum())
    return {
        "peaks": float(is_planted[:k].mean()),
        "peaks by chance": k / len(peaks),
        "bases": float(is_site[:n_bases].mean()) if n_bases else np.nan,
        "bases by chance": n_bases / len(is_site) if n_bases else np.nan,
    }


def simulated(seed: int, *, n_edges: int) -> pd.DataFrame:
    """Return a row for each held-out edge: residual, seconds, precision and faithfulness."""
    multiome = gn.datasets.simulate_multiome(n_cells=600, n_genes=200, n_tfs=12, seed=seed)
    gn.pp.normalize(multiome.mdata["rna"])
    data = gn.graph.build(
        multiome.mdata, multiome.genome, motifs=multiome.motifs, sequence_width=WIDTH
    )
    split = gn.train.split_edges(
        multiome.edges, tfs=data["tf"].name, genes=data["gene"].name, regime="target",
        n_negatives=N_NEGATIVES, shares=(0.6, 0.2, 0.2), seed=seed,
    )  # fmt: skip
    fit = gn.train.fit_joint(data, split, seed=seed)
    control = dataclasses.replace(fit, model=gn.explain.randomised(fit.model, seed=seed))
    edges = split.test[split.test["label"] == 1].head(n_edges)
    return pd.DataFrame(
        [
            {
                **opened(fit, edge.source, edge.target, seed=seed),
                **planted(multiome, _dossier(fit, edge.source, edge.target)),
                **{
                    f"control {name}": value
                    for name, value in planted(
                        multiome, _dossier(control, edge.source, edge.target)
                    ).items()
                },
                **faithful(fit, edge.source, edge.target, seed=seed),
            }
            for edge in edges.itertuples()
        ]
    )


def _dossier(fit: gn.train.JointFit, source: str, target: str) -> gn.explain.Dossier:
    return gn.explain.edge(fit, source=source, target=target, tolerance=None, n_shuffles=5)


def opened(fit: gn.train.JointFit, source: str, target: str, *, seed: int) -> dict[str, float]:
    """Return what is left unexplained of one dossier, and how long it took."""
    begin = time.perf_counter()
    dossier = gn.explain.edge(fit, source=source, target=target, seed=seed)
    seconds = time.perf_counter() - begin
    gap = abs(dossier.logit - dossier.baseline)
    return {
        "residual %": 100 * abs(dossier.residual) / gap,
        "gap": gap,
        "seconds": seconds,
        "found": float(dossier.logit > 0),
    }


def faithful(fit: gn.train.JointFit, source: str, target: str, *, seed: int) -> dict[str, float]:
    """Return whether deleting the strongest edges of the graph moves the logit more than any."""
    view, tower = fit.views["graph"], fit.model.towers["graph"]
    evidence = fit.evidence["graph"]
    pair = np.array([[view["tf"].name.index(source)], [view["gene"].name.index(target)]])
    features = pd.Series(evidence.at(pair)[0], index=evidence.names)
    found = gn.explain.graph_attributions(
        tower, view, source=source, target=target, features=features, tolerance=None
    )
    curve = gn.explain.faithfulness(
        tower, view, found, features=features, n_random=N_RANDOM, n_steps=N_STEPS, seed=seed
    )
    return {"faithful": float(curve["area"].iloc[-1] > 0)}


def main(
    *,
    seeds: Annotated[int, typer.Option(help="Simulations with seeds 0, 1, ...")] = 3,
    n_edges: Annotated[int, typer.Option(help="Edges opened in each.")] = 34,
    n_yeast: Annotated[int, typer.Option(help="Edges of yeast; 0 for none.")] = 100,
) -> None:
    """Open edges, and print what they leave unexplained and what they find."""
    warn_unless_idle()
    print(machine(), "\n")
    RESULTS.mkdir(parents=True, exist_ok=True)
    tables = [simulated(seed, n_edges=n_edges).assign(set=f"seed {seed}") for seed in range(seeds)]
    if n_yeast:
        data = SETS[YEAST]()
        split = data.split("chromosome", 0)
        fit = gn.train.fit_joint(data.graph, split)
        edges = split.test[split.test["label"] == 1].head(n_yeast)
        rows = [opened(fit, edge.source, edge.target, seed=0) for edge in edges.itertuples()]
        tables.append(pd.DataFrame(rows).assign(set=YEAST))
    table = pd.concat(tables, ignore_index=True)
    table.to_csv(RESULTS / "dossiers.csv", index=False)
    print(markdown(summary(table), digits=3))


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Return the mean of each figure in each set, and the largest residual and time."""
    groups = table.groupby("set", sort=False)
    figures = groups.mean(numeric_only=True).drop(columns=["residual %", "gap", "seconds"])
    worst = groups[["residual %", "seconds"]].max().add_prefix("largest ")
    return pd.concat([groups.size().rename("edges"), worst, figures], axis=1)


if __name__ == "__main__":
    typer.run(main)
