"""One-hot encoding of the yeast genome: grnet beside tangermeme and a plain loop.

``python -m benchmarks.encoding --peers-python PYTHON`` prints the tables, where ``PYTHON`` has
tangermeme installed (by default that of ``python -m benchmarks.peers --with-torch``). Every run is
a process of its own on one thread; the best of seven rounds counts (of the loop, the only one). Of
whole chromosomes tangermeme gives transposed views; the second row has them in the order of the
others.
"""

import gzip
import json
import os
import shutil
import subprocess
import sys
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import pandas as pd
import typer

from benchmarks import peers
from benchmarks._runs import FOLDER, RESULTS
from benchmarks._tables import machine, markdown, warn_unless_idle
from benchmarks.datasets import data_folder

SCENES = ("chromosomes", "windows", "windows from the file")
TOOLS = ("grnet", "tangermeme", "tangermeme, contiguous", "plain loop")
TYPES = ("int8", "float32")


def measured(tool: str, python: Path, fasta: Path, *, scene: str, dtype: str) -> dict[str, Any]:
    """Run one tool on one scene."""
    command = [str(python), "-m", "benchmarks._encoding_worker", "--tool", tool]
    command += ["--fasta", str(fasta), "--scene", scene, "--dtype", dtype]
    one = dict.fromkeys(("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    done = subprocess.run(
        command, cwd=FOLDER.parent, capture_output=True, text=True, check=True, env=os.environ | one
    )
    return {"scene": scene, "type": dtype, "tool": tool, **json.loads(done.stdout.splitlines()[-1])}


def report(frame: pd.DataFrame, bases: int) -> None:
    """Print seconds and speed, and stop if the tools disagree."""
    checks = frame.groupby("scene")["check"].agg(lambda column: len(set(map(tuple, column))))
    if (checks > 1).any():
        message = f"The encoders disagree: {checks.to_dict()} different results."
        raise SystemExit(message)
    frame["million bases / s"] = bases / 1e6 / frame["seconds"]
    other = frame["tool"] != "grnet"
    mine = frame.loc[~other].set_index(["scene", "type"])["seconds"]
    keys = pd.MultiIndex.from_frame(frame[["scene", "type"]])
    frame["grnet is faster by"] = (frame["seconds"] / mine.reindex(keys).to_numpy()).where(other)
    columns = ["type", "tool", "seconds", "million bases / s", "grnet is faster by"]
    for scene in SCENES:
        print(f"### {scene}\n")
        part = frame.loc[frame["scene"] == scene, columns].set_index("type")
        print(markdown(part, digits=3), "\n")


def main(
    *,
    peers_python: Annotated[
        Path | None, typer.Option(help="Python of an environment that has tangermeme.")
    ] = None,
    no_peers: Annotated[bool, typer.Option("--no-peers", help="Leave tangermeme out.")] = False,
) -> None:
    """Time the encoders in turn on the same letters."""
    warn_unless_idle()
    print(f"{machine()}\n")
    tools = {tool: Path(sys.executable) for tool in TOOLS if not (no_peers and tool in _PEERS)}
    if not no_peers:
        tools |= dict.fromkeys(_PEERS, peers.python_of(peers_python))
    with TemporaryDirectory() as folder:
        fasta = Path(folder) / "yeast.fa"
        source = data_folder() / "yeast" / "genome" / "R64-1-1.fa.gz"
        with gzip.open(source) as packed, fasta.open("wb") as plain:
            shutil.copyfileobj(packed, plain)
        rows = [
            measured(tool, python, fasta, scene=scene, dtype=dtype)
            for scene, dtype, (tool, python) in product(SCENES, TYPES, tools.items())
            if scene == "chromosomes" or tool != "tangermeme, contiguous"
        ]
        lines = fasta.read_text().splitlines()
    RESULTS.mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame(rows)
    frame.drop(columns=["check", "versions"]).to_csv(RESULTS / "encoding.csv", index=False)
    report(frame, sum(len(line) for line in lines if not line.startswith(">")))


_PEERS = ("tangermeme", "tangermeme, contiguous")


if __name__ == "__main__":
    typer.run(main)
