"""Workers started one at a time, each in a fresh process, and the files they share."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

import grnet as gn
from benchmarks._matrices import Inputs, load_inputs, save_inputs

FOLDER = Path(__file__).resolve().parent
RESULTS = FOLDER / "results"
"""Everything that the scripts write, not kept under version control."""

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class RunError(RuntimeError):
    """A worker ended without a result."""


class Run(NamedTuple):
    """One method on one data set.

    ``module`` is the worker; ``targets`` and ``steps`` ask for a part of the work of a tool, from
    which its time is extrapolated.
    """

    module: str
    method: str
    inputs: Path
    python: Path = Path(sys.executable)
    network: Path | None = None
    processes: int | None = None
    targets: int | None = None
    steps: int | None = None

    def start(self, facts: Path) -> dict[str, Any]:
        """Run it to its end and return what it cost, which is kept in the file ``facts``."""
        facts.parent.mkdir(parents=True, exist_ok=True)
        facts.unlink(missing_ok=True)
        command = [str(self.python), "-m", self.module, "--method", self.method]
        command += ["--input", str(self.inputs), "--facts", str(facts)]
        for option in ("network", "processes", "targets", "steps"):
            value = getattr(self, option)
            if value is not None:
                command += [f"--{option}", str(value)]
        ended = subprocess.run(command, cwd=FOLDER.parent, env=self._environment(), check=False)
        if ended.returncode:
            why = " (killed; out of memory?)" if ended.returncode in (-9, 137) else ""
            message = f"{self.method} ended with status {ended.returncode}{why}."
            raise RunError(message)
        return read_facts(facts)

    def _environment(self) -> dict[str, str]:
        """Give each tool the same cores: its processes, its threads, or both in one."""
        threads = str(self.processes or CORES)
        one_each = self.method in ("grnboost2", "genie3")
        return {
            **os.environ,
            "OMP_NUM_THREADS": "1" if one_each else threads,
            "OPENBLAS_NUM_THREADS": "1" if one_each else threads,
            "RAYON_NUM_THREADS": threads,
            "TQDM_DISABLE": "1",
        }


def read_facts(path: Path) -> dict[str, Any]:
    """Return what a worker wrote; nothing where there is no such run."""
    return dict(json.loads(path.read_text())) if path.is_file() else {}


def inputs_of(data: gn.evaluate.Dataset) -> Inputs:
    """Return expression and names as workers read them."""
    x = data.adata.X
    matrix = sp.csr_matrix(x, dtype=np.float32) if sp.issparse(x) else np.asarray(x, np.float32)
    return Inputs(matrix, np.array(data.adata.var_names, str), np.array(list(data.tfs), str))


def write_inputs(name: str, data: gn.evaluate.Dataset) -> Path:
    """Write expression and names for the workers, unless the same are there."""
    path = RESULTS / "inputs" / f"{name}.npz"
    inputs = inputs_of(data)
    if not path.is_file() or load_inputs(path).fingerprint() != inputs.fingerprint():
        save_inputs(path, inputs)
    return path
