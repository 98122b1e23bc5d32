"""Do probabilities of edges mean what they say? Of one network, of five, of a network and trees.

``python -m benchmarks.calibration`` trains on real lists of known edges, calibrates on the
validation pairs, and measures the expected calibration error on the test pairs, of edges and of
targets that are new. Writes ``benchmarks/results/calibration.csv`` and ``reliability_SET.png``.
"""

from collections.abc import Iterator
from typing import Annotated, Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import typer

import grnet as gn
from benchmarks._known_edges import SETS, KnownEdges
from benchmarks._runs import RESULTS
from benchmarks._tables import choose, machine, markdown, warn_unless_idle

DEFAULT = "mdc nonspecific_chip,bsubtilis"
KINDS = ("plain", "temperature", "isotonic")
FIGURES = ("calibration_error", "auroc", "auprc")
N_NEGATIVES = 5
ENSEMBLE = "trees and one, isotonic"


def run_split(
    data: KnownEdges, *, regime: str, seed: int, members: int
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield what each model says of the test pairs: ``probability, label``."""
    graph = data.graph()
    split = gn.train.split_edges(
        data.known, tfs=data.tfs, genes=data.adata.var_names, regime=regime,
        n_negatives=N_NEGATIVES, seed=seed,
    )  # fmt: skip
    together = gn.train.fit_edge_ensemble(graph, split, n_members=members, seed=100 * seed)
    networks: dict[str, Any] = {"one": together.members[0]}
    if members > 1:
        networks[f"mean of {members}"] = together
    said = {
        f"{name}, {kind}": (
            model if kind == "plain" else model.calibrated(split.validation, kind=kind)
        )
        for name, model in networks.items()
        for kind in KINDS
    }
    pair_members = {"trees": gn.train.fit_pair_trees(graph, split), "sage": together.members[0]}
    said[ENSEMBLE] = gn.train.PairEnsemble.of(pair_members, split.validation)
    for name, model in said.items():
        scores = model.scores(split.test).astype(np.float64)
        yield name, pd.DataFrame({"probability": scores, "label": split.test["label"]})


def run_set(name: str, *, regime: str, seeds: int, members: int) -> pd.DataFrame:
    """Return what was said of every test pair of a set, in every split."""
    data = SETS[name]()
    parts = [
        said.assign(set=name, regime=regime, seed=seed, model=model)
        for seed in range(seeds)
        for model, said in run_split(data, regime=regime, seed=seed, members=members)
    ]
    return pd.concat(parts, ignore_index=True)


def figures(said: pd.DataFrame) -> pd.DataFrame:
    """Return calibration error, AUROC and AUPRC of every split."""
    keys = ["set", "regime", "seed", "model"]
    rows = []
    for key, part in said.groupby(keys, sort=False):
        labels = part["label"].to_numpy(np.float64)[:, None]
        scores = gn.train.task_scores(labels, part["probability"].to_numpy()[:, None]).iloc[0]
        rows.append({**dict(zip(keys, key, strict=True)), **scores[list(FIGURES)].to_dict()})
    return pd.DataFrame(rows)


def draw(said: pd.DataFrame, name: str) -> None:
    """Write the reliability of the test pairs of all seeds, a panel for each regime."""
    regimes = list(said["regime"].unique())
    figure, axes = plt.subplots(
        1, len(regimes), figsize=(4.8 * len(regimes), 5.1), layout="constrained", squeeze=False
    )
    for ax, regime in zip(axes[0], regimes, strict=True):
        part = said.loc[said["regime"] == regime]
        tables = {
            str(model): gn.train.reliability_table(
                group["probability"].to_numpy(), group["label"].to_numpy()
            )
            for model, group in part.groupby("model", sort=False)
            if not str(model).endswith("temperature")  # four curves are enough
        }
        gn.pl.reliability(tables, ax=ax).set_title(f"{name}, {regime}")
    figure.savefig(RESULTS / f"reliability_{name.replace(' ', '_')}.png", dpi=150)
    plt.close(figure)


def main(
    *,
    sets: Annotated[str, typer.Option(help="Sets of benchmarks.supervised.")] = DEFAULT,
    regimes: Annotated[str, typer.Option(help="With commas.")] = "edge,target",
    seeds: Annotated[int, typer.Option(help="Splits with seeds 0, 1, ...")] = 5,
    members: Annotated[int, typer.Option(help="Of the ensemble.")] = 5,
) -> None:
    """Train, calibrate, and print figures with 95 % intervals over the seeds."""
    warn_unless_idle()
    print(machine(), "\n")
    tables = []
    RESULTS.mkdir(parents=True, exist_ok=True)
    for name in choose(sets, SETS, "set"):
        parts = []
        for regime in regimes.split(","):
            parts.append(run_set(name, regime=regime, seeds=seeds, members=members))
            tables.append(figures(parts[-1]))
            pd.concat(tables).to_csv(RESULTS / "calibration.csv", index=False)
            report(tables[-1], f"{name}, {regime}")
        draw(pd.concat(parts), name)


def report(table: pd.DataFrame, title: str) -> None:
    """Print mean and 95 % interval of every model."""
    groups = table.groupby("model", sort=False)
    shown = pd.DataFrame({figure: groups[figure].agg(_with_interval) for figure in FIGURES})
    print(f"{title}\n\n{markdown(shown)}\n", flush=True)


def _with_interval(values: pd.Series) -> str:
    low, high = gn.evaluate.supervised.interval(values)
    return f"{values.mean():.3f} ± {(high - low) / 2:.3f}"


if __name__ == "__main__":
    typer.run(main)
