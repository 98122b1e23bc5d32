"""Known edges, learnt: graph networks beside GENELink, boosted pairs and what labels alone tell.

``python -m benchmarks.supervised`` trains on lists of known edges in splits that hold targets or
TFs out, with negatives drawn uniformly or matched in degree, and writes
``benchmarks/results/supervised.csv``.
"""

from typing import Annotated

import pandas as pd
import typer

import grnet as gn
from benchmarks._genelink import genelink
from benchmarks._runs import RESULTS
from benchmarks._tables import choose, machine, markdown, warn_unless_idle
from benchmarks.datasets import load

SETS = {
    "mdc nonspecific_chip": ("mdc", "nonspecific_chip"),
    "mdc string": ("mdc", "string"),
    "mdc knockdown": ("mdc", "knockdown"),
    "bsubtilis": ("bsubtilis", "gold"),
}
MODELS = ("sage", "hgt")


def run_set(name: str, *, regimes: list[str], seeds: int) -> pd.DataFrame:
    """Return the supervised benchmark of one list of known edges."""
    data_name, truth = SETS[name]
    data = load(data_name)
    known = data.truths[truth][["source", "target"]].astype(str)
    tfs = sorted(set(known["source"]) & set(data.tfs))
    graph = gn.graph.build(data.adata, tfs=tfs, known=known)
    methods = {kind: gn.train.edge_scorer(graph, kind=kind) for kind in MODELS}
    table = gn.evaluate.supervised_benchmark(
        {**methods, "GENELink": genelink}, data.adata, known, tfs=tfs, regimes=regimes, seeds=seeds
    )
    return table.assign(set=name)


def main(
    sets: Annotated[str | None, typer.Option(help="Sets, with commas; default all.")] = None,
    regimes: Annotated[str, typer.Option(help="With commas.")] = "edge,target,tf,both",
    seeds: Annotated[int, typer.Option(help="Splits with seeds 0, 1, ...")] = 5,
) -> None:
    """Train in every split, and print figures and verdicts."""
    warn_unless_idle()
    print(machine(), "\n")
    tables = []
    RESULTS.mkdir(parents=True, exist_ok=True)
    for name in choose(sets, SETS, "set"):
        tables.append(run_set(name, regimes=regimes.split(","), seeds=seeds))
        pd.concat(tables).to_csv(RESULTS / "supervised.csv", index=False)
        report(name, tables[-1])


def report(name: str, table: pd.DataFrame) -> None:
    """Print mean and 95 % interval of every ranking, and who knows more than the nulls."""
    print(f"### {name}\n", flush=True)
    for (regime, negatives), part in table.groupby(["regime", "negatives"], sort=False):
        groups = part.groupby("ranking", sort=False)
        shown = pd.DataFrame(
            {
                figure: groups[figure].agg(_with_interval)
                for figure in ("auroc", "auprc", "auroc_within_tf")
            }
        )
        shown["seconds"] = groups["seconds"].mean()
        print(f"{regime}, {negatives} negatives\n\n{markdown(shown)}\n", flush=True)
    verdicts = gn.evaluate.supervised_verdicts(table).set_index("regime")
    print(markdown(verdicts[["negatives", "difference", "low", "high", "verdict"]]), "\n")


def _with_interval(values: pd.Series) -> str:
    low, high = gn.evaluate.supervised.interval(values)
    return f"{values.mean():.3f} ± {(high - low) / 2:.3f}"


if __name__ == "__main__":
    typer.run(main)
