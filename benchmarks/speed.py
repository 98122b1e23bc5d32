"""Time and peak memory of grnet and other tools, in turn on the same machine.

``python -m benchmarks.speed`` prints the tables, and writes ``benchmarks/results/speed_*.csv``, one
per scene, and the seconds in ``data/measured/methods.csv``. Every run is a process of its own.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import pandas as pd
import typer

import grnet as gn
from benchmarks import datasets, peers
from benchmarks._runs import CORES, RESULTS, Run, RunError, write_inputs
from benchmarks._tables import choose, machine, markdown, update_method_table, warn_unless_idle

SAMPLED = ("grnboost2", "genie3")
"""The tools whose work is one fit per target; their time is extrapolated from some targets."""


@dataclass(frozen=True)
class Scene:
    """Data, what runs on them, and what is asked of it."""

    title: str
    load: Callable[[], gn.evaluate.Dataset]
    file: str
    peers: bool = True
    sampled: bool = False
    faster: dict[str, float] = field(default_factory=dict)
    """How many times faster than each tool ``boost`` shall be."""
    seconds: dict[str, float] = field(default_factory=dict)
    """How many seconds methods may take."""
    peak_mb: float = float("inf")


def scenes(shrink: float) -> dict[str, Scene]:
    """Return the scenes by name; a factor makes the simulated ones smaller, for a trial."""
    medium, large = datasets.MEDIUM.shrunk(shrink), datasets.LARGE.shrunk(shrink)
    return {
        "mdc": Scene(
            "mdc: 383 cells x 821 genes x 321 TFs",
            lambda: datasets.load("mdc"),
            "mdc",
            faster={"GRNBoost2": 50, "rustscenic": 6},
        ),
        "simulated": Scene(
            f"Simulated: {medium}, 83 % zeros",
            lambda: datasets.simulated(medium),
            "simulated_{}x{}x{}".format(*medium),
            sampled=True,
            faster={"GRNBoost2": 50, "rustscenic": 5},
            seconds={"ridge": 5, "clr": 5},
        ),
        "large": Scene(
            f"Simulated: {large}, 83 % zeros",
            lambda: datasets.simulated(large),
            "simulated_{}x{}x{}".format(*large),
            peers=False,
            peak_mb=12e9 / 2**20,
        ),
    }


class Options(NamedTuple):
    """What the command line asked for."""

    methods: list[str]
    peers: list[str]
    python: Path | None
    processes: int
    targets: int
    steps: int
    repeats: int


def main(
    *,
    only: Annotated[str | None, typer.Option("--scenes", help="mdc,simulated,large")] = None,
    methods: Annotated[str | None, typer.Option(help="Of grnet, with commas.")] = None,
    peer_names: Annotated[str, typer.Option("--peers", help="Tools, with commas; or none.")] = (
        "grnboost2,rustscenic"
    ),
    peers_python: Annotated[Path | None, typer.Option(help="Python of the tools.")] = None,
    processes: Annotated[int, typer.Option(help="Cores of every contender.")] = CORES,
    targets: Annotated[int, typer.Option(help="Targets of GRNBoost2 on simulated data.")] = 200,
    repeats: Annotated[int, typer.Option(help="Rounds in which all contenders take turns.")] = 3,
    shrink: Annotated[float, typer.Option(help="Make simulated data smaller, for a trial.")] = 1,
) -> None:
    """Time grnet and other tools in turn, each run in a process of its own."""
    known = scenes(shrink)
    chosen = choose(only, known, "scene")
    tools = [] if peer_names == "none" else choose(peer_names, peers.TITLES, "tool")
    options = Options(
        choose(methods, gn.infer.methods.index, "method"),
        tools,
        peers.python_of(peers_python) if tools else None,
        processes,
        targets,
        steps=20,
        repeats=repeats,
    )
    warn_unless_idle()
    print(f"{machine()}; {repeats} rounds\n")
    for name in chosen:
        rows: list[dict[str, Any]] = []
        for row in runs(known[name], options):
            rows.append(row)
            save(pd.DataFrame(rows), name)
        frame = pd.DataFrame(rows)
        report(frame, known[name])
        if name == "simulated" and shrink == 1:
            own = frame.loc[frame["tool"] == "grnet"]
            update_method_table(own.groupby("method")[["seconds"]].median().dropna())


def save(frame: pd.DataFrame, scene: str) -> None:
    """Write all runs of a scene so far."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    frame.to_csv(RESULTS / f"speed_{scene}.csv", index=False)


def runs(scene: Scene, options: Options) -> Iterator[dict[str, Any]]:
    """Yield the costs of all runs of a scene; contenders take turns, so that noise is shared."""
    inputs, data = prepared(scene)
    contenders = {
        peers.TITLES[tool]: peer_run(tool, inputs, scene=scene, options=options)
        for tool in options.peers
        if scene.peers
    }
    contenders |= {name: Run("benchmarks._grnet_worker", name, inputs) for name in options.methods}
    for turn, (title, run) in product(range(options.repeats), contenders.items()):
        print(f"round {turn + 1}: {title} ...", flush=True)
        row = {
            "contender": title,
            "tool": "grnet" if title in options.methods else "peer",
            "round": turn + 1,
        }
        yield {**row, **outcome(title, run._replace(processes=options.processes), data)}


def outcome(title: str, run: Run, data: gn.evaluate.Dataset | None) -> dict[str, Any]:
    """Return what a run cost and, where there are data to score it on, its accuracy."""
    stem = f"{run.inputs.stem}__{run.method}"
    network = RESULTS / "speed" / f"{stem}.npz" if data else None
    try:
        facts = run._replace(network=network).start(RESULTS / "speed" / f"{stem}.json")
    except RunError as error:
        print(error)
        return {"error": str(error)}
    facts["versions"] = ", ".join(f"{name} {text}" for name, text in facts["versions"].items())
    if data and network and facts["share"] == 1:
        facts |= accuracy(network, title, data)
    return facts


def prepared(scene: Scene) -> tuple[Path, gn.evaluate.Dataset | None]:
    """Write what the workers read; keep the data only where networks are to be scored."""
    path = RESULTS / "inputs" / f"{scene.file}.npz"
    if not scene.peers and path.is_file():
        return path, None
    data = scene.load()
    path = write_inputs(scene.file, data)
    return path, data if scene.peers else None


def peer_run(tool: str, inputs: Path, *, scene: Scene, options: Options) -> Run:
    """Return the run of a tool: all of its work, or the part that is extrapolated from."""
    run = Run("benchmarks._peer_worker", tool, inputs, python=options.python)
    if scene.sampled and tool in SAMPLED:
        return run._replace(targets=options.targets)
    if scene.sampled and tool == "regdiffusion":
        return run._replace(steps=options.steps)
    return run


def accuracy(network: Path, title: str, data: gn.evaluate.Dataset) -> dict[str, float]:
    """Return the mean accuracies of a network over the truths of its data."""
    grn = {title: peers.as_grn(network, title)}
    tables = [
        gn.evaluate.score(grn, truth, tfs=data.tfs, adata=data.adata, nulls=False)
        for truth in data.truths.values()
    ]
    means = pd.concat(tables)[["auprc_ratio", "epr"]].mean()
    return {name: float(value) for name, value in means.items()}


def report(frame: pd.DataFrame, scene: Scene) -> None:
    """Print the table of a scene, and what was asked."""
    table = summary(frame)
    print(f"\n### {scene.title}\n")
    print(markdown(table))
    for contender, rows in frame.groupby("contender", sort=False):
        share = rows["share"].min() if "share" in rows else 1.0
        if share < 1:
            print(f"\n{contender}: time extrapolated from {share:.1%} of the work.")
    print("\n" + "\n".join(f"- {line}" for line in demands(table, scene)) + "\n")


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row per contender: times, how often the tools' time fits into it, and memory."""
    columns = ["seconds", "peak_mb", "loaded_mb", "auprc_ratio", "epr"]
    frame = frame.reindex(columns=[*frame.columns, *set(columns).difference(frame.columns)])
    groups = frame.groupby("contender", sort=False)
    middle = groups[columns].median()
    table = pd.DataFrame(
        {
            "seconds": middle["seconds"],
            "fastest": groups["seconds"].min(),
            "slowest": groups["seconds"].max(),
        }
    )
    tools = frame.loc[frame["tool"] == "peer", "contender"].unique()
    for tool in tools:
        table[f"{tool} / this, time"] = middle.loc[tool, "seconds"] / middle["seconds"]
    table["peak MB"] = groups["peak_mb"].max()
    table["of it added MB"] = (
        (frame["peak_mb"] - frame["loaded_mb"]).groupby(frame["contender"], sort=False).max()
    )
    for tool in tools:
        table[f"{tool} / this, peak"] = middle.loc[tool, "peak_mb"] / middle["peak_mb"]
    for figure, title in (("auprc_ratio", "AUPRC ratio"), ("epr", "EPR")):
        if middle[figure].notna().any():
            table[title] = middle[figure]
    return table


def demands(table: pd.DataFrame, scene: Scene) -> Iterator[str]:
    """Yield what was asked of the scene and what was measured."""
    for tool, asked in scene.faster.items():
        column = f"{tool} / this, time"
        if column in table and "boost" in table.index:
            yield f"boost: {table.loc['boost', column]:.1f} x {tool} in time (asked: {asked:g})."
    for method, asked in scene.seconds.items():
        if method in table.index:
            yield f"{method}: {table.loc[method, 'seconds']:.2f} s (asked: under {asked:g})."
    if scene.peak_mb < float("inf"):
        worst = table["peak MB"].idxmax()
        highest = table.loc[worst, "peak MB"]
        yield f"highest peak: {highest:,.0f} MB, {worst} (asked: under {scene.peak_mb:,.0f})."


if __name__ == "__main__":
    typer.run(main)
