"""Accuracy of every method of grnet beside other tools and nulls, on all sets and truths.

``python -m benchmarks.accuracy`` prints the tables, and writes ``benchmarks/results/accuracy.csv``
and, after a run on every set, the rows of the methods that ran in ``data/measured/methods.csv``.
"""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import numpy as np
import pandas as pd
import typer

import grnet as gn
from benchmarks import peers
from benchmarks._runs import CORES, RESULTS, RunError
from benchmarks._tables import choose, machine, markdown, update_method_table
from benchmarks.datasets import SETS, load, pair

if TYPE_CHECKING:
    from anndata import AnnData

FIGURES = {"auprc_ratio": "AUPRC ratio", "epr": "EPR", "auroc": "AUROC"}

FLOOR = ("GRNBoost2", "GENIE3", "|Pearson|")
"""What the best of has to be reached on each pair."""

DEFAULT_PEERS = ("grnboost2", "rustscenic")
"""The others take hours; what they computed once is used as long as the data are the same."""

REGDIFFUSION = pd.DataFrame(
    {"auroc": [0.572, 0.544, 0.527], "auprc_ratio": [1.64, 1.74, 1.09], "epr": [2.22, 3.18, 1.06]},
    index=["mdc string", "mdc nonspecific_chip", "mdc_published chip"],
)
"""RegDiffusion 0.2.3, 1,000 steps on CPU, as measured before on the same data and candidates."""


def main(
    *,
    sets: Annotated[str | None, typer.Option(help="Data sets, with commas; default all.")] = None,
    methods: Annotated[str | None, typer.Option(help="Of grnet, with commas.")] = None,
    peer_names: Annotated[str, typer.Option("--peers", help="Tools to run where not cached.")] = (
        ",".join(DEFAULT_PEERS)
    ),
    no_peers: Annotated[bool, typer.Option("--no-peers", help="Leave all tools out.")] = False,
    peers_python: Annotated[Path | None, typer.Option(help="Python of the tools.")] = None,
    processes: Annotated[int, typer.Option(help="Processes of the tools.")] = CORES,
    seed: Annotated[int, typer.Option(help="Seed of the methods and the random null.")] = 0,
) -> None:
    """Score every method of grnet, other tools and nulls on all sets and truths."""
    chosen = choose(sets, SETS, "data set")
    names = choose(methods, gn.infer.methods.index, "method")
    wanted = [] if no_peers else choose(peer_names, peers.TITLES, "tool")
    print(f"{machine()}; seed {seed}\n")
    frames = []
    for name in chosen:
        data = load(name)
        if wanted:
            run_missing(name, data, wanted=wanted, python=peers_python, processes=processes)
        found = {} if no_peers else cached_peers(name, data)
        frames.append(scored(name, data, methods=names, networks=found, seed=seed))
        save(pd.concat(frames, ignore_index=True))
        print(f"{name}: done", flush=True)
    frame = pd.concat(frames, ignore_index=True)
    means = averaged(frame)
    report(means)
    if set(chosen) == set(SETS):
        columns = {
            key: means.inside(key).mean(axis=1, skipna=False) for key in ("auprc_ratio", "epr")
        }
        update_method_table(pd.DataFrame(columns).reindex(names).dropna().rename_axis("method"))


def save(frame: pd.DataFrame) -> None:
    """Write all scores so far, and say what failed last."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    frame.to_csv(RESULTS / "accuracy.csv", index=False)
    last = frame.loc[frame["dataset"] == frame["dataset"].iloc[-1]]
    for ranking, error in last.dropna(subset="error").groupby("ranking")["error"].first().items():
        print(f"{ranking} failed: {error}")


def run_missing(
    name: str,
    data: gn.evaluate.Dataset,
    *,
    wanted: Iterable[str],
    python: Path | None,
    processes: int,
) -> None:
    """Run the tools that have no network of these data yet; one that fails is told and left out."""
    for peer in wanted:
        if peers.cached(peer, name, data) is None:
            print(f"{peer} on {name} ...", flush=True)
            try:
                peers.infer(peer, name, data, python=peers.python_of(python), processes=processes)
            except RunError as error:
                print(error)


def cached_peers(name: str, data: gn.evaluate.Dataset) -> dict[str, gn.GRN]:
    """Return the networks of all tools that have been run on these data."""
    networks = {title: peers.cached(peer, name, data) for peer, title in peers.TITLES.items()}
    return {title: network for title, network in networks.items() if network is not None}


def scored(
    name: str,
    data: gn.evaluate.Dataset,
    *,
    methods: Iterable[str],
    networks: dict[str, gn.GRN],
    seed: int,
) -> pd.DataFrame:
    """Return the benchmark of one data set; ``pair`` is the column of the tables it is part of."""
    functions: dict[str, Callable[[AnnData, list[str]], gn.GRN]] = {
        method: partial(infer_all, method=method, seed=seed) for method in methods
    }
    functions |= {title: partial(known, network) for title, network in networks.items()}
    frame = gn.evaluate.benchmark(
        functions, {name: data}, precision_at=(10, 100), seed=seed, on_error="record"
    )
    # reading a network is not making it
    frame.loc[frame["ranking"].isin(networks), ["seconds", "peak_mb"]] = np.nan
    pairs = [pair(name, truth) for truth in frame["truth"]]
    return frame.assign(pair=[p.name for p in pairs], counted=[p.counted for p in pairs])


def infer_all(adata: "AnnData", tfs: list[str], *, method: str, seed: int) -> gn.GRN:
    """Infer a network of all pairs."""
    return gn.infer.network(adata, tfs=tfs, method=method, n_top=None, seed=seed)


def known(network: gn.GRN, adata: "AnnData", tfs: list[str]) -> gn.GRN:  # noqa: ARG001 - as called
    """Return a network that another tool has made."""
    return network


class Averages(NamedTuple):
    """Rankings x pairs for each figure, best first and nulls last."""

    tables: dict[str, pd.DataFrame]
    counted: list[str]

    def inside(self, figure: str) -> pd.DataFrame:
        """Return the pairs that are part of means and wins."""
        return self.tables[figure][self.counted]


def averaged(frame: pd.DataFrame) -> Averages:
    """Average the tests of each pair; empty where a ranking lacks one of them."""
    is_null = frame.groupby("ranking")["is_null"].first()
    pairs = frame.drop_duplicates("pair").set_index("pair")["counted"]
    counted = list(pairs.index[pairs])
    tables = {}
    for figure in FIGURES:
        means, tests = (
            frame.pivot_table(figure, index="ranking", columns="pair", aggfunc=how)
            for how in ("mean", "count")
        )
        table = means.where(tests.eq(tests.max()))[[*counted, *pairs.index[~pairs]]]
        order = pd.DataFrame({"null": is_null, "mean": -table[counted].mean(axis=1)})
        tables[figure] = table.loc[
            order.sort_values(["null", "mean"]).index.intersection(table.index)
        ]
    return Averages(tables, counted)


def report(means: Averages) -> None:
    """Print the tables and what they say."""
    for figure, title in FIGURES.items():
        inside = means.inside(figure)
        extra = pd.DataFrame({"mean": inside.mean(axis=1, skipna=False)})
        if figure == "auprc_ratio":
            floor = inside.loc[inside.index.intersection(FLOOR)].max()
            extra["geometric mean"] = np.exp(np.log(inside).mean(axis=1, skipna=False))
            extra["pairs at or above the floor"] = inside.ge(floor).sum(axis=1).astype(str)
        print(f"\n### {title}, {inside.shape[1]} pairs in the mean\n")
        print(markdown(means.tables[figure].join(extra), digits=3))
    print("\n" + "\n".join(f"- {line}" for line in verdicts(means)))


def verdicts(means: Averages) -> list[str]:
    """Say where the methods stand against what they have to beat."""
    ratio = means.inside("auprc_ratio")
    lines = []
    floor = ratio.loc[ratio.index.intersection(FLOOR)]
    lacking = [name for name in FLOOR if name not in floor.index or floor.loc[name].isna().any()]
    lines.append(
        f"Floor: the best of {', '.join(floor.index)}"
        + (f"; not measured on every pair: {', '.join(lacking)}." if lacking else ".")
    )
    if "consensus" in ratio.index:
        own, best = ratio.loc["consensus"], floor.max()
        below = [f"{name} ({own[name]:.3f} < {best[name]:.3f})" for name in own[own < best].index]
        lines.append(
            f"consensus reaches the floor on {int((own >= best).sum())} of {len(own)} pairs"
            + (f"; not on {', '.join(below)}." if below else ".")
        )
    if {"boost", "GRNBoost2"} <= set(ratio.index):
        lines.append(_boost_verdict(means))
    if "consensus" in ratio.index:
        lines += _diffusion_verdicts(means)
    return lines


def _boost_verdict(means: Averages) -> str:
    """Compare the means over the pairs that both have."""
    texts = []
    for figure in ("auprc_ratio", "epr"):
        both = means.inside(figure).loc[["boost", "GRNBoost2"]].dropna(axis=1)
        own, other = both.mean(axis=1)
        texts.append(f"{FIGURES[figure]} {own:.3f} against {other:.3f} of GRNBoost2")
    return f"boost, mean over {both.shape[1]} pairs: {', '.join(texts)}."


def _diffusion_verdicts(means: Averages) -> list[str]:
    """Compare the consensus with the figures of RegDiffusion."""
    lines = []
    for name, published in REGDIFFUSION.iterrows():
        if name in means.tables["epr"]:
            own = {key: table.loc["consensus", name] for key, table in means.tables.items()}
            texts = [f"{FIGURES[key]} {own[key]:.3f} against {published[key]:.3f}" for key in own]
            lines.append(f"consensus and RegDiffusion on {name}: {', '.join(texts)}.")
    return lines


if __name__ == "__main__":
    typer.run(main)
