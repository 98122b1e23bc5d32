"""The tools that grnet is measured against, in a virtual environment of their own.

``python -m benchmarks.peers`` installs them into ``benchmarks/.peers``; the other scripts find them
there, or where ``--peers-python`` says.
"""

import subprocess
import sys
import venv
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

import grnet as gn
from benchmarks._matrices import load_network
from benchmarks._runs import RESULTS, Run, inputs_of, read_facts, write_inputs

FOLDER = Path(__file__).resolve().parent / ".peers"

PACKAGES = ("arboreto==0.1.6", "rustscenic==0.5.1", "psutil>=5.9")
"""What is always installed."""
TORCH_PACKAGES = ("torch==2.13.0", "regdiffusion==0.2.3", "tangermeme==1.6.0", "pyfaidx>=0.8")
"""What is installed on demand: gigabytes in some builds."""

TITLES = {
    "grnboost2": "GRNBoost2",
    "genie3": "GENIE3",
    "rustscenic": "rustscenic",
    "regdiffusion": "RegDiffusion",
}
"""The tools as they are called in tables."""


def create(*, with_torch: bool = False) -> Path:
    """Create the environment, or complete it, and return its Python."""
    python = FOLDER / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    if not python.exists():
        venv.create(FOLDER, with_pip=True)
    packages = PACKAGES + (TORCH_PACKAGES if with_torch else ())
    subprocess.run([str(python), "-m", "pip", "install", *packages], check=True)
    return python


def python_of(given: Path | None) -> Path:
    """Return the Python of the tools: the one that was named, else the one of this folder."""
    found = given or FOLDER / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    if not found.exists():
        message = (
            f"There is no {found}. Install the tools with `python -m benchmarks.peers`, name "
            "their Python with --peers-python, or leave them out with --no-peers."
        )
        raise typer.BadParameter(message)
    return found.absolute()


def cached(peer: str, name: str, data: gn.evaluate.Dataset) -> gn.GRN | None:
    """Return the network of an earlier run on the same data."""
    folder = RESULTS / "networks"
    facts = read_facts(folder / f"{peer}__{name}.json")
    if not facts or facts["fingerprint"] != inputs_of(data).fingerprint():
        return None
    return as_grn(folder / f"{peer}__{name}.npz", peer)


def infer(peer: str, name: str, data: gn.evaluate.Dataset, *, python: Path, processes: int) -> None:
    """Run a tool on a data set and keep its network."""
    folder = RESULTS / "networks"
    run = Run(
        "benchmarks._peer_worker",
        peer,
        write_inputs(name, data),
        python=python,
        network=folder / f"{peer}__{name}.npz",
        processes=processes,
    )
    run.start(folder / f"{peer}__{name}.json")


def as_grn(file: Path, name: str) -> gn.GRN:
    """Return the scores of a file as a network of all pairs that do not score 0."""
    scores, genes, tfs = load_network(file)
    scores[tfs[:, None] == genes] = 0.0
    rows, columns = scores.nonzero()
    edges = pd.DataFrame(
        {
            "source": pd.Categorical.from_codes(rows, tfs.astype(object)),
            "target": pd.Categorical.from_codes(columns, genes.astype(object)),
            "weight": scores[rows, columns].astype("float64"),
        }
    )
    return gn.GRN(edges, params={"method": name})


def main(
    *,
    with_torch: Annotated[
        bool, typer.Option("--with-torch", help="Install RegDiffusion and tangermeme too.")
    ] = False,
) -> None:
    """Install the tools that grnet is measured against into benchmarks/.peers."""
    python = create(with_torch=with_torch)
    print(f"The tools are installed; their Python is {python}")


if __name__ == "__main__":
    typer.run(main)
