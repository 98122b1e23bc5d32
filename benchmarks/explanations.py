"""Can contributions over a graph be trusted? Completeness, planted peaks, deletion, and time.

``python -m benchmarks.explanations`` trains edge models on simulated multiome (TFs, ChIP peaks,
genes; no other edges) and on a real list of known edges, explains true test edges, and prints what
was left unexplained, how often the peaks through which a TF really acts come first, and whether
deleting the edges said to matter moves the logit more than deleting others. Writes
``benchmarks/results/explanations.csv``.
"""

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import pandas as pd
import typer

import grnet as gn
from benchmarks._known_edges import SETS
from benchmarks._runs import RESULTS
from benchmarks._tables import choose, machine, markdown, warn_unless_idle
from grnet.explain._path import LEAST

if TYPE_CHECKING:
    from torch import nn
    from torch_geometric.data import HeteroData

KINDS = ("sage", "gatv2", "hgt")
MULTIOME, REAL = "multiome", "mdc nonspecific_chip"
RELATIONS = (gn.graph.BINDS, gn.graph.NEAR)
MAX_DISTANCE = 8_000
"""Of peaks to genes, in bases: a simulated gene has about so many to itself."""

TOLERANCE = 0.01
N_DELETED = 8
N_RANDOM = 10


@dataclass(frozen=True, kw_only=True)
class Case:
    """A trained model, its graph, and the true edges to explain with their planted peaks."""

    model: "nn.Module"
    graph: "HeteroData"
    edges: list[tuple[str, str]]
    planted: dict[tuple[str, str], set[str]]
    auroc: float


def multiome(kind: str, *, seed: int, genes: int, epochs: int) -> Case:
    """Train on simulated multiome; the edges are those of the test that the model calls."""
    data = gn.datasets.simulate_multiome(n_cells=300, n_genes=genes, n_tfs=12, seed=seed)
    links = gn.cis.link_peaks(data.mdata, data.genome, method="distance", max_distance=MAX_DISTANCE)
    names = data.mdata["rna"].var_names
    bound = gn.cis.bind(links, evidence=data.chip, names=names)
    graph = gn.graph.build(
        data.mdata, data.genome, tfs=[tf for motif in data.motifs for tf in motif.tfs],
        links=links, bindings=bound, known=data.edges, n_components=8, n_neighbours=0,
    )  # fmt: skip
    both = tuple(r for one in RELATIONS for r in (one, gn.graph.opposite(one)))
    config = gn.models.EdgeModelConfig.of(graph, kind=kind, dropout=0.1)
    config = replace(config, relations=both)
    fit, auroc, called = _trained(graph, data.edges, config=config, seed=seed, epochs=epochs)
    paths = bound.merge(links, on="peak")
    in_graph = set(zip(paths["tf"], paths["peak"], paths["gene"], strict=True))
    planted = data.triplets.groupby(["source", "target"])["region"].agg(set).to_dict()
    edges = [
        (tf, gene)
        for tf, gene in called
        if all((tf, peak, gene) in in_graph for peak in planted[tf, gene])
    ]
    return Case(model=fit.fit.model, graph=fit.graph, edges=edges, planted=planted, auroc=auroc)


def real(kind: str, *, seed: int, genes: int, epochs: int) -> Case:  # noqa: ARG001 - as multiome
    """Train on known edges of mouse dendritic cells; nothing is planted there."""
    data = SETS[REAL]()
    graph = data.graph()
    config = gn.models.EdgeModelConfig.of(graph, kind=kind)
    fit, auroc, called = _trained(graph, data.known, config=config, seed=seed, epochs=epochs)
    return Case(model=fit.fit.model, graph=fit.graph, edges=called, planted={}, auroc=auroc)


def _trained(
    graph: "HeteroData",
    known: pd.DataFrame,
    *,
    config: "gn.models.EdgeModelConfig",
    seed: int,
    epochs: int,
) -> tuple["gn.train.EdgeFit", float, list[tuple[str, str]]]:
    """Return the fit, its AUROC, and the true test edges that it scores above one half."""
    split = gn.train.split_edges(
        known, tfs=graph["tf"].name, genes=graph["gene"].name, seed=seed, n_negatives=5
    )
    settings = gn.train.edge_settings(len(split.train), max_epochs=epochs)
    fit = gn.train.fit_edges(
        graph, split, config=config, settings=settings, pair_features=False, seed=seed
    )
    scores = fit.scores(split.test)
    labels = split.test["label"].to_numpy(np.float64)
    auroc = float(gn.train.task_scores(labels[:, None], scores[:, None])["auroc"].iloc[0])
    called = split.test[(labels == 1) & (scores > 0.5)]
    pairs = zip(called["source"].astype(str), called["target"].astype(str), strict=True)
    return fit, auroc, list(pairs)


def precision(
    found: "gn.explain.GraphAttributions", planted: set[str], *, magnitude: bool = False
) -> float:
    """Return the share of planted peaks among as many near the gene whose binding counts most."""
    edges = found.edges
    near = edges[(edges["type"] == "peak near gene") & (edges["target"] == found.target)]
    bound = edges[(edges["type"] == "tf binds peak") & (edges["source"] == found.source)]
    score = bound.set_index("target")["contribution"].reindex(sorted(near["source"])).fillna(0.0)
    score = score.abs() if magnitude else score
    rng = np.random.default_rng(0)
    score = score.iloc[rng.permutation(len(score))].sort_values(ascending=False, kind="stable")
    return len(set(score.index[: len(planted)]) & planted) / len(planted)


def by_structure(found: "gn.explain.GraphAttributions", planted: set[str]) -> float:
    """Return the share to expect of peaks drawn from those that the TF binds near the gene."""
    edges = found.edges
    near = edges[(edges["type"] == "peak near gene") & (edges["target"] == found.target)]
    bound = edges[(edges["type"] == "tf binds peak") & (edges["source"] == found.source)]
    both = set(near["source"]) & set(bound["target"])
    return len(planted & both) / max(len(both), len(planted))


def explained(case: Case, pair: tuple[str, str], *, shap: bool) -> dict[str, Any]:
    """Return what is measured of one edge."""
    asked = {"source": pair[0], "target": pair[1]}
    start = time.process_time()
    found = gn.explain.graph_attributions(case.model, case.graph, tolerance=None, **asked)
    row: dict[str, Any] = {
        "seconds": time.process_time() - start,
        "share left": _left(found),
        "edges heard": len(found.edges),
    }
    if shap:
        start = time.process_time()
        sampled = gn.explain.graph_attributions(
            case.model, case.graph, method="shap_sampling", n_single=10, n_samples=5, **asked
        )
        row |= {"SHAP seconds": time.process_time() - start, "SHAP share left": _left(sampled)}
    for control in ("uniform", "matched"):
        curve = gn.explain.faithfulness(
            case.model, case.graph, found, n_steps=N_DELETED, n_random=N_RANDOM, control=control
        )
        row[f"above {control}"] = curve["area"].iloc[-1] > 0
    untrained = gn.explain.randomised(case.model)
    slope = gn.explain.graph_attributions(untrained, case.graph, method="saliency", **asked)
    row["agreement with untrained"] = found.agreement(slope)
    if pair in case.planted:
        planted = case.planted[pair]
        row |= {
            "precision": precision(found, planted),
            "untrained saliency": precision(slope, planted),
            "its magnitude": precision(slope, planted, magnitude=True),
            "structure": by_structure(found, planted),
        }
    return row


def _left(found: "gn.explain.GraphAttributions") -> float:
    return abs(found.residual) / max(abs(found.logit - found.baseline), LEAST)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each set and kind: means over all edges of all seeds."""
    groups = table.groupby(["set", "kind"], sort=False)
    found = pd.DataFrame(
        {
            "edges": groups.size(),
            "AUROC": groups["auroc"].mean(),
            f"left at most {TOLERANCE:.0%}, %": 100
            * groups["share left"].agg(lambda left: (left <= TOLERANCE).mean()),
            "largest left, %": 100 * groups["share left"].max(),
            "seconds, median": groups["seconds"].median(),
            "seconds, 95 %": groups["seconds"].quantile(0.95),
        }
    )
    for name in ("above uniform", "above matched"):
        found[f"{name}, %"] = 100 * groups[name].mean()
    rest = ("precision", "untrained saliency", "its magnitude", "structure")
    for name in (*rest, "agreement with untrained", "SHAP share left", "SHAP seconds"):
        if name in table:
            found[name] = groups[name].mean()
    return found


SOURCES = {MULTIOME: multiome, REAL: real}


def main(
    *,
    sets: Annotated[str, typer.Option(help="With commas.")] = f"{MULTIOME},{REAL}",
    kinds: Annotated[str, typer.Option(help="With commas.")] = ",".join(KINDS),
    seeds: Annotated[int, typer.Option(help="Seeds 0, 1, ... of data, split and weights.")] = 3,
    edges: Annotated[int, typer.Option(help="Explained in each seed.")] = 34,
    shap: Annotated[int, typer.Option(help="Of these by SHAP too, which takes longer.")] = 5,
    genes: Annotated[int, typer.Option(help="Of the simulated data.")] = 1000,
    epochs: Annotated[int, typer.Option(help="Of the training at most.")] = 100,
) -> None:
    """Train, explain, and print means over the edges of all seeds."""
    warn_unless_idle()
    print(machine(), "\n")
    RESULTS.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    for name in choose(sets, SOURCES, "set"):
        for kind in choose(kinds, KINDS, "kind"):
            for seed in range(seeds):
                case = SOURCES[name](kind, seed=seed, genes=genes, epochs=epochs)
                facts = {"set": name, "kind": kind, "seed": seed, "auroc": case.auroc}
                rng = np.random.default_rng(seed)
                order = rng.permutation(len(case.edges))[:edges]
                rows += [
                    {**facts, **explained(case, case.edges[at], shap=number < shap)}
                    for number, at in enumerate(order)
                ]
                pd.DataFrame(rows).to_csv(RESULTS / "explanations.csv", index=False)
    if not rows:
        message = "No true edge of any test is called: train with more --genes or --epochs."
        raise typer.BadParameter(message)
    print(markdown(summary(pd.DataFrame(rows))))


if __name__ == "__main__":
    typer.run(main)
