"""Motif scan beside memelite: millions of bases x motifs per second, and memory.

``python -m benchmarks.motifs`` prints the tables and writes ``benchmarks/results/motifs.csv``.
Every run is a process of its own, the tools take turns, and each scans a few bases first, so that
no time goes into compilation. grnet reads the genome, counts its letters and names its hits within
the time taken; memelite begins with one-hot sequences in memory.
"""

import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from itertools import product
from pathlib import Path
from tempfile import gettempdir
from typing import Annotated, Any, NamedTuple

import memelite
import numpy as np
import pandas as pd
import typer

import grnet as gn
from benchmarks import datasets
from benchmarks._cost import Cost, cost
from benchmarks._runs import CORES, RESULTS
from benchmarks._tables import choose, machine, markdown, warn_unless_idle

MAX_PVALUE = 1e-4
WIDTH = 500
"""Bases of a peak; memelite takes sequences of one length."""

ASKED = 1.0
"""grnet shall be at least so many times as fast as memelite."""


class Task(NamedTuple):
    """What is scanned, and with what."""

    genome: gn.io.Genome
    peaks: pd.DataFrame
    motifs: list[gn.io.Motif]

    def few(self) -> "Task":
        """Return a small task, to warm up."""
        return Task(self.genome, self.peaks.head(10), self.motifs)


def yeast() -> Task:
    """Return all of the yeast genome in peaks, and its motifs in CIS-BP and from MacIsaac."""
    folder = datasets.data_folder() / "yeast"
    cache = Path(gettempdir()) / "grnet_benchmarks"
    genome = gn.io.Genome(folder / "genome" / "R64-1-1.fa.gz", cache=cache)
    return Task(genome, peaks_of(genome), gn.io.read_motifs(folder / "motifs"))


def simulated(n_motifs: int = 700, n_bases: int = 2_000_000, seed: int = 0) -> Task:
    """Return random DNA, and motifs of 6 to 22 columns with weak flanks around a sharp core."""
    rng = np.random.default_rng(seed)
    dna = rng.choice(list("ACGT"), size=n_bases, p=[0.3, 0.2, 0.2, 0.3])
    genome = gn.io.Genome.from_sequences({"chr1": "".join(dna)})
    return Task(genome, peaks_of(genome), [motif(rng, f"M{n}") for n in range(n_motifs)])


def motif(rng: np.random.Generator, name: str) -> gn.io.Motif:
    width = int(rng.integers(6, 23))
    place = np.abs(np.arange(width) - width / 2 + 0.5) / width
    columns = [rng.dirichlet([0.15 + 3 * off**2] * 4) * 0.98 + 0.005 for off in place]
    return gn.io.Motif(name, (), np.array(columns).T)


def peaks_of(genome: gn.io.Genome) -> pd.DataFrame:
    """Cut the chromosomes into peaks."""
    starts = {name: np.arange(0, size - WIDTH + 1, WIDTH) for name, size in genome.sizes.items()}
    start = np.concatenate(list(starts.values()))
    chrom = np.repeat(list(starts), [len(part) for part in starts.values()])
    return pd.DataFrame({"chrom": chrom, "start": start, "end": start + WIDTH})


SCENES: dict[str, Callable[[], Task]] = {"yeast": yeast, "simulated": simulated}


def with_grnet(task: Task) -> Callable[[], int]:
    return lambda: len(gn.cis.scan_motifs(*task, max_pvalue=MAX_PVALUE))


def with_memelite(task: Task) -> Callable[[], int]:
    codes = task.genome.sequence(task.peaks)
    one_hot = (codes[:, None, :] == np.arange(4)[:, None]).astype(np.int8)
    matrices = {f"{n} {motif.name}": motif.probabilities for n, motif in enumerate(task.motifs)}
    return lambda: sum(map(len, memelite.fimo(matrices, one_hot, threshold=MAX_PVALUE)))


TOOLS = {"grnet": with_grnet, "memelite": with_memelite}


def measured(tool: str, scene: str) -> dict[str, Any]:
    """Run a tool on a scene in this process and return what it took."""
    task = SCENES[scene]()
    TOOLS[tool](task.few())()
    spent: Cost[int] = cost(TOOLS[tool](task))
    bases = int((task.peaks["end"] - task.peaks["start"]).sum())
    return {
        "scene": scene,
        "tool": tool,
        "bases": bases,
        "motifs": len(task.motifs),
        "hits": spent.result,
        "seconds": spent.seconds,
        "Mbp x motifs / s": bases * len(task.motifs) / 1e6 / spent.seconds,
        "peak MB": spent.peak_mb,
        "of it added MB": spent.peak_mb - spent.loaded_mb,
    }


def runs(scenes: list[str], repeats: int, processes: int) -> Iterator[dict[str, Any]]:
    """Yield all runs, each in a fresh process that owns the cores."""
    os.environ |= {"OMP_NUM_THREADS": str(processes), "NUMBA_NUM_THREADS": str(processes)}
    context = multiprocessing.get_context("spawn")
    for scene, _, tool in product(scenes, range(repeats), TOOLS):
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            yield pool.submit(measured, tool, scene).result()


def main(
    *,
    only: Annotated[str | None, typer.Option("--scenes", help="yeast,simulated")] = None,
    repeats: Annotated[int, typer.Option(help="Rounds in which the tools take turns.")] = 3,
    processes: Annotated[int, typer.Option(help="Threads of each tool.")] = CORES,
) -> None:
    """Time grnet and memelite in turn on the same sequences and motifs."""
    warn_unless_idle()
    print(f"{machine()}, memelite {version('memelite')}; {repeats} rounds\n")
    rows: list[dict[str, Any]] = []
    RESULTS.mkdir(parents=True, exist_ok=True)
    for row in runs(choose(only, SCENES, "scene"), repeats, processes):
        rows.append(row)
        pd.DataFrame(rows).to_csv(RESULTS / "motifs.csv", index=False)
    report(pd.DataFrame(rows))


def report(frame: pd.DataFrame) -> None:
    """Print the medians, and what was asked."""
    table = frame.groupby(["scene", "tool"], sort=False).median(numeric_only=True)
    for scene in frame["scene"].unique():
        part = table.loc[scene]
        bases, motifs = part[["bases", "motifs"]].iloc[0]
        print(f"### {scene}: {bases / 1e6:.1f} Mbp x {motifs:.0f} motifs, p <= {MAX_PVALUE:g}\n")
        print(markdown(part.drop(columns=["bases", "motifs"])))
        speed = part["Mbp x motifs / s"]
        ratio = speed["grnet"] / speed["memelite"]
        print(f"\n- grnet: {ratio:.1f} x memelite in speed (asked: {ASKED:g}).\n")


if __name__ == "__main__":
    typer.run(main)
