"""Training on a graph of 2,000 TFs, 20,000 genes and 100,000 peaks: seconds and memory.

``python -m benchmarks.scale`` draws a graph with a planted rule and some seven million edges in
both directions, trains in mini-batches with neighbours drawn, each kind of encoder in a process of
its own, and writes ``benchmarks/results/scale.csv``.
"""

import json
import subprocess
import sys
from typing import Annotated, Any

import pandas as pd
import typer

from benchmarks._runs import FOLDER, RESULTS
from benchmarks._tables import choose, machine, markdown, warn_unless_idle

KINDS = ("sage", "gatv2", "hgt")
MOST_GB = 10.0


def measured(kind: str, *, options: list[str]) -> dict[str, Any]:
    """Run one kind of encoder in a process of its own."""
    command = [sys.executable, "-m", "benchmarks._scale_worker", "--kind", kind, *options]
    done = subprocess.run(command, cwd=FOLDER.parent, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main(
    *,
    kinds: Annotated[str | None, typer.Option(help="With commas; default all.")] = None,
    epochs: Annotated[int, typer.Option(help="Passes over the training pairs.")] = 2,
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto.")] = "auto",
    shrink: Annotated[float, typer.Option(help="Try it on a graph so many times smaller.")] = 1.0,
    neighbours: Annotated[int | None, typer.Option(help="Heard along a type of edge.")] = None,
) -> None:
    """Train each kind of encoder, and print what it cost."""
    warn_unless_idle()
    print(machine(), "\n")
    options = ["--epochs", str(epochs), "--device", device, "--shrink", str(shrink)]
    if neighbours is not None:
        options += ["--neighbours", str(neighbours)]
    rows = []
    RESULTS.mkdir(parents=True, exist_ok=True)
    for kind in choose(kinds, KINDS, "kind"):
        rows.append(measured(kind, options=options))
        pd.DataFrame(rows).to_csv(RESULTS / "scale.csv", index=False)
    table = pd.DataFrame(rows).set_index("kind")
    print(markdown(table))
    over = table.index[table["peak GB"] > MOST_GB]
    print(f"\nWithin {MOST_GB:.0f} GB: " + ("all." if over.empty else f"not {', '.join(over)}."))


if __name__ == "__main__":
    typer.run(main)
