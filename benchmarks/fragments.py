"""Fragments a second and peak memory of ``gn.io.read_fragments``, on one core.

``python -m benchmarks.fragments`` repeats the yeast fragments, shifted and under new barcodes, into
a sorted, gzipped file as long as a real one, reads it in processes of their own that are held to
one core, and writes ``benchmarks/results/fragments.csv``.
"""

import gzip
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer

import grnet as gn
from benchmarks._cost import cost
from benchmarks._runs import FOLDER, RESULTS
from benchmarks._tables import choose, machine, markdown, warn_unless_idle
from benchmarks.datasets import data_folder

CASES = {
    "counts": "cells x peaks, FRiP, lengths",
    "quality": "the same, with TSS enrichment",
    "barcodes": "the same, of half of the cells",
}
LEAST = 1.0
"""Million fragments a second that were asked for."""


def main(
    *,
    rows: Annotated[int, typer.Option(help="Fragments in the file.")] = 20_000_000,
    cells: Annotated[int, typer.Option(help="Barcodes in the file.")] = 10_000,
    cases: Annotated[str | None, typer.Option(help=", ".join(CASES))] = None,
    repeats: Annotated[int, typer.Option(help="Rounds in which all cases take turns.")] = 3,
    worker: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    """Measure every case in turn, each run in a process of its own."""
    chosen = choose(cases, CASES, "case")
    path = RESULTS / "inputs" / f"fragments_{rows}x{cells}.tsv.gz"
    if worker is not None:
        print(json.dumps(measured(path, worker)))
        return
    warn_unless_idle()
    if not path.is_file():
        write_tiled(path, rows, cells)
    print(f"{machine()}; {path.stat().st_size / 1e6:,.0f} MB gzipped; {repeats} rounds\n")
    found = []
    for turn in range(repeats):
        for case in chosen:
            print(f"round {turn + 1}: {case} ...", flush=True)
            found.append({"case": case, "round": turn + 1, **started(case, rows, cells)})
    frame = pd.DataFrame(found)
    frame.to_csv(RESULTS / "fragments.csv", index=False)
    report(frame)


def write_tiled(path: Path, rows: int, cells: int) -> None:
    """Write the yeast fragments again and again, each time shifted and under other barcodes."""
    source = data_folder() / "yeast" / "atac" / "fragments_SRR1822137.tsv.gz"
    names = ["chrom", "start", "end", "barcode", "reads"]
    base = pd.read_csv(source, sep="\t", header=None, names=names)
    rng = np.random.default_rng(0)
    letters = rng.choice(list("ACGT"), (cells, 16))
    barcodes = np.array(["".join(row) + "-1" for row in letters])
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with gzip.open(part, "wt", compresslevel=6) as file:
        for _, chrom in base.groupby("chrom", sort=False):
            tiled = chrom.loc[chrom.index.repeat(-(-rows // len(base)))]
            shift = rng.integers(0, 50, len(tiled))
            tiled = tiled.assign(
                start=tiled["start"] + shift,
                end=tiled["end"] + shift,
                barcode=rng.choice(barcodes, len(tiled)),
            )
            tiled.sort_values("start").to_csv(file, sep="\t", header=False, index=False)
    part.replace(path)


def started(case: str, rows: int, cells: int) -> dict[str, Any]:
    """Run one case in a process of its own and return what it cost."""
    command = [sys.executable, "-m", "benchmarks.fragments", "--worker", case]
    command += ["--rows", str(rows), "--cells", str(cells)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=FOLDER.parent, env=environment, check=True, capture_output=True, text=True
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def measured(path: Path, case: str) -> dict[str, Any]:
    """Read the file on one core."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    yeast = data_folder() / "yeast"
    options: dict[str, Any] = {"min_fragments": 1}
    if case != "counts":
        options["annotation"] = gn.io.read_annotation(yeast / "genome" / "R64-1-1.96.gtf.gz")
    if case == "barcodes":
        options["barcodes"] = barcodes_of(path)[::2]
    peaks = gn.io.read_peaks(yeast / "atac" / "peaks_GSM1621339.bed.gz")
    cpu = time.process_time()
    made = cost(lambda: gn.io.read_fragments(path, peaks, **options))
    cpu = time.process_time() - cpu
    n = rows_in(path)
    return {
        "rows": n,
        "cells": made.result.n_obs,
        "seconds": made.seconds,
        "cpu_seconds": cpu,
        "million_per_s": n / made.seconds / 1e6,
        "million_per_cpu_s": n / cpu / 1e6,
        "peak_mb": made.peak_mb,
        "loaded_mb": made.loaded_mb,
        "matrix_mb": matrix_mb(made.result.X),
    }


def matrix_mb(x: Any) -> float:  # noqa: ANN401 - scipy has no types
    """Return what a CSR matrix holds."""
    return float(x.data.nbytes + x.indices.nbytes + x.indptr.nbytes) / 2**20


def rows_in(path: Path, *, block: int = 1 << 24) -> int:
    """Count the lines of the file."""
    with gzip.open(path) as file:
        return sum(part.count(b"\n") for part in iter(lambda: file.read(block), b""))


def barcodes_of(path: Path) -> list[str]:
    """Return the barcodes of the first fragments."""
    with gzip.open(path, "rt") as file:
        return sorted({line.split("\t")[3] for line, _ in zip(file, range(100_000), strict=False)})


def report(frame: pd.DataFrame) -> None:
    """Print the table, and what was asked."""
    middle = frame.groupby("case", sort=False).median(numeric_only=True)
    middle = middle.astype({"rows": int, "cells": int})
    middle.insert(0, "what", [CASES[case] for case in middle.index])
    print("\n" + markdown(middle.drop(columns="round")))
    slowest = middle["million_per_s"].min()
    print(
        f"\n- slowest case: {slowest:.2f} million fragments a second on one core "
        f"(asked: {LEAST:g})."
    )


if __name__ == "__main__":
    typer.run(main)
