"""Whether the stated false discovery rates hold: edges found in data with shuffled genes.

``python -m benchmarks.fdr`` prints the table and writes ``benchmarks/results/fdr.csv``. A gene
whose values are shuffled over the cells is associated with no other, so each of its edges is false.
"""

import warnings
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import numpy as np
import pandas as pd
import scipy.sparse as sp
import typer
from scipy.stats import binomtest

import grnet as gn
from benchmarks._runs import RESULTS
from benchmarks._tables import choose, machine, markdown
from benchmarks.datasets import Size, load, simulated
from grnet.infer.calibrate import n_permutations

if TYPE_CHECKING:
    from anndata import AnnData

SIZE = Size(300, 40, 8)
"""Small: a run with ``fdr=`` is 21 runs of the method."""

DEPTH = 3.0
"""Mean counts per gene and cell of simulated data, so that there is something to discover."""

SHARES = {1.0: "All", 0.5: "Half", 0.0: "None"}
"""Of genes that are shuffled."""


class Trial(NamedTuple):
    """Data with some shuffled genes, and the planted edges where they are known."""

    adata: "AnnData"
    tfs: list[str]
    shuffled: frozenset[str]
    planted: pd.DataFrame | None


def main(
    *,
    methods: Annotated[str | None, typer.Option(help="Of grnet, with commas.")] = None,
    levels: Annotated[str, typer.Option(help="Stated rates, with commas.")] = "0.05,0.2",
    runs: Annotated[int, typer.Option(help="Data sets with all genes shuffled.")] = 60,
    data: Annotated[str, typer.Option(help="simulated, or mdc for random slices of it.")] = (
        "simulated"
    ),
) -> None:
    """Measure the false discovery rate of every method on shuffled data."""
    names = choose(methods, gn.infer.methods.index, "method")
    (source,) = choose(data, ("simulated", "mdc"), "data")
    rates = [float(level) for level in levels.split(",")]
    print(f"{machine()}\n")
    if len({n_permutations(rate) for rate in rates}) > 1:
        message = f"levels {levels} need different numbers of permutations: give one at a time."
        raise typer.BadParameter(message)
    frame = pd.DataFrame(measured(names, rates, runs=runs, source=source))
    RESULTS.mkdir(parents=True, exist_ok=True)
    frame.to_csv(RESULTS / "fdr.csv", index=False)
    for share, rows in frame.groupby("shuffled", sort=False):
        print(f"\n### {SHARES[share]} of the genes shuffled: {source} data, {SIZE}\n")
        print(markdown(summary(rows)))


def measured(
    methods: list[str], levels: list[float], *, runs: int, source: Literal["simulated", "mdc"]
) -> Iterator[dict[str, float | str]]:
    """Yield one row per method, share of shuffled genes, level and data set."""
    for share in SHARES:
        # what is found in unshuffled data needs no interval of its own
        for seed in range(runs if share == 1 else max(1, runs // 4)):
            trial = drawn(source, share, seed=seed)
            for method in methods:
                for facts in discoveries(trial, method, levels=levels, seed=seed):
                    yield {"method": method, "shuffled": share, "seed": seed, **facts}
        print(f"{share:.0%} of genes shuffled: done", flush=True)


@cache
def _mdc() -> gn.evaluate.Dataset:
    return load("mdc")


def drawn(source: Literal["simulated", "mdc"], share: float, *, seed: int) -> Trial:
    """Return a small data set with a share of its genes shuffled over the cells."""
    rng = np.random.default_rng(seed)
    data = simulated(SIZE, depth=DEPTH, seed=seed) if source == "simulated" else _mdc()
    adata, tfs = data.adata, np.array(list(data.tfs))
    if source == "mdc":
        tfs = rng.choice(tfs, SIZE.tfs, replace=False)
        others = rng.choice(adata.var_names.difference(tfs), SIZE.genes - SIZE.tfs, replace=False)
        cells = rng.choice(adata.n_obs, SIZE.cells, replace=False)
        adata = adata[cells, [*tfs, *others]]
    x = adata.X.toarray() if sp.issparse(adata.X) else np.array(adata.X)
    chosen = rng.choice(adata.n_vars, round(share * adata.n_vars), replace=False)
    x[:, chosen] = rng.permuted(x[:, chosen], axis=0)
    adata = adata.copy()
    adata.X = x
    planted = data.truths.get("planted")
    if planted is not None:
        planted = planted[["source", "target"]].astype(str)
    return Trial(adata, list(tfs), frozenset(adata.var_names[chosen]), planted)


def discoveries(
    trial: Trial, method: str, *, levels: list[float], seed: int
) -> Iterator[dict[str, float]]:
    """Yield how many edges pass each level, how many are false, and how many were planted."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # an empty network is a result here
        grn = gn.infer.network(
            trial.adata, tfs=trial.tfs, method=method, fdr=max(levels), seed=seed
        )
    for level in levels:
        # the permutations are the same, so this is what fdr=level returns
        kept = grn.edges.loc[grn.edges["fdr"] <= level, ["source", "target"]].astype(str)
        false = int(kept.isin(trial.shuffled).any(axis=1).sum())
        facts = {"level": level, "edges": len(kept), "fdp": false / max(len(kept), 1)}
        if trial.planted is not None:
            facts["planted"] = len(kept.merge(trial.planted))
        yield facts


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row per method and level of the trials with one share of shuffled genes."""
    frame = frame.assign(found=frame["edges"] > 0)
    groups = frame.groupby(["method", "level"], sort=False)
    means = groups[["found", "edges", "fdp"]].mean()
    table = means.set_axis(["runs with an edge", "mean edges", "false discovery rate"], axis=1)
    table.insert(0, "runs", groups.size())
    if frame["shuffled"].gt(0).all():
        bounds = pd.DataFrame([_bounds(rows["fdp"].to_numpy()) for _, rows in groups], table.index)
        levels = table.index.get_level_values("level")
        table["95 % interval"] = [f"{low:.2f} to {high:.2f}" for low, high in bounds.to_numpy()]
        holds = np.where(bounds[0] <= levels, "within error", "no")
        table["level holds"] = np.where(means["fdp"] <= levels, "yes", holds)
    else:
        table = table.drop(columns="false discovery rate")
        if "planted" in frame:
            table["of them planted"] = groups["planted"].sum() / groups["edges"].sum()
    return table


def _bounds(rates: np.ndarray) -> tuple[float, float]:
    """Return the 95 % interval of a mean: exact where each run is all or nothing."""
    if np.isin(rates, (0.0, 1.0)).all():
        interval = binomtest(int(rates.sum()), len(rates)).proportion_ci()
        return float(interval.low), float(interval.high)
    error = 1.96 * rates.std(ddof=1) / np.sqrt(len(rates)) if len(rates) > 1 else 1.0
    return max(0.0, float(rates.mean() - error)), min(1.0, float(rates.mean() + error))


if __name__ == "__main__":
    typer.run(main)
