"""Run one tool on one data set in a process of its own, with the Python of the tools.

Not called by hand: ``benchmarks.peers`` and ``benchmarks.speed`` start it. It knows nothing of
grnet. What a tool prepares (its imports, worker processes) is not timed, what it computes is.
"""

import argparse
import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import scipy.sparse as sp

from benchmarks._cost import cost
from benchmarks._matrices import Inputs, Network, load_inputs, save_network

T = TypeVar("T")

SEED = 777
"""Arboreto's own demon seed, and rustscenic's."""

STEPS = 1000
"""Training steps of RegDiffusion by default."""


class Work(NamedTuple):
    """What is left to do, and which share of the whole work it is."""

    run: Callable[[], np.ndarray]
    share: float = 1.0
    packages: tuple[str, ...] = ()


class Request(NamedTuple):
    """What the command line asked for."""

    inputs: Inputs
    processes: int
    targets: int | None
    steps: int

    def sampled(self) -> np.ndarray:
        """Return the columns of the targets to compute: all, or a random sample."""
        n_genes = len(self.inputs.genes)
        if self.targets is None or self.targets >= n_genes:
            return np.arange(n_genes)
        return np.sort(np.random.default_rng(0).choice(n_genes, self.targets, replace=False))

    def empty(self) -> np.ndarray:
        """Return a matrix for the scores."""
        return np.zeros((len(self.inputs.tfs), len(self.inputs.genes)), np.float32)


# what the processes of a pool share, set once in each
_shared: dict[str, Any] = {}


def _share(values: dict[str, Any]) -> None:
    _shared.update(values)


def _fit_target(job: tuple[int, str, np.ndarray]) -> tuple[int, np.ndarray, np.ndarray]:
    """Return a target, its regulators and their importances, by arboreto's own core."""
    target, name, expression = job
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = _shared["infer"](
            _shared["regressor"],
            _shared["settings"],
            _shared["x"],
            _shared["tfs"],
            name,
            expression,
            include_meta=False,
            seed=SEED,
        )
    if not len(table):  # arboreto warns and goes on when it finds nothing for a target
        return target, np.empty(0, np.int64), np.empty(0)
    rows = np.array([_shared["places"][tf] for tf in table["TF"]])
    return target, rows, table["importance"].to_numpy()


def _reported(results: Iterator[T], total: int) -> Iterator[T]:
    """Say every minute how far the work is."""
    start = said = time.monotonic()
    for done, result in enumerate(results, start=1):
        now = time.monotonic()
        if now - said > 60:
            said = now
            left = (now - start) / done * (total - done) / 60
            print(f"{done:,} of {total:,} targets, {left:,.0f} min left", file=sys.stderr)
        yield result


def _arboreto(request: Request, *, regressor: str) -> Work:
    """Prepare GRNBoost2 or GENIE3: arboreto's loop over targets, on processes instead of dask."""
    from arboreto import core  # noqa: PLC0415 - installed in the environment of this method only

    inputs = request.inputs
    tfs = [str(tf) for tf in inputs.tfs]
    values = {
        "infer": core.infer_partial_network,
        "regressor": regressor,
        "settings": core.SGBM_KWARGS if regressor == "GBM" else core.RF_KWARGS,
        "x": inputs.dense(inputs.tf_places),
        "tfs": tfs,
        "places": {tf: row for row, tf in enumerate(tfs)},
    }
    targets = request.sampled()
    columns = sp.csc_matrix(inputs.x) if sp.issparse(inputs.x) else inputs.x
    pool = ProcessPoolExecutor(request.processes, initializer=_share, initargs=(values,))
    pool.submit(os.getpid).result()  # starts the processes

    def jobs() -> Iterator[tuple[int, str, np.ndarray]]:
        for target in targets:
            column = columns[:, target]
            expression = column.toarray().ravel() if sp.issparse(column) else column
            yield int(target), str(inputs.genes[target]), expression

    def run() -> np.ndarray:
        scores = request.empty()
        with pool:
            fitted = pool.map(_fit_target, jobs(), chunksize=4)
            for target, rows, importances in _reported(fitted, len(targets)):
                scores[rows, target] = importances
        return scores

    return Work(run, len(targets) / len(inputs.genes), ("arboreto", "scikit-learn", "numpy"))


def _grnboost2(request: Request) -> Work:
    return _arboreto(request, regressor="GBM")


def _genie3(request: Request) -> Work:
    return _arboreto(request, regressor="RF")


def _rustscenic(request: Request) -> Work:
    """Prepare rustscenic; every gene it is given is a target, so a sample keeps the TFs too."""
    from rustscenic import grn  # noqa: PLC0415 - installed in the environment of this method only

    inputs = request.inputs
    kept = np.union1d(inputs.tf_places, request.sampled())
    x, genes = inputs.x[:, kept], [str(gene) for gene in inputs.genes[kept]]
    tfs = [str(tf) for tf in inputs.tfs]

    def run() -> np.ndarray:
        scores = request.empty()
        table = grn.infer((x, genes), tfs, verbose=False)
        rows = {tf: row for row, tf in enumerate(tfs)}
        columns = dict(zip(genes, kept, strict=True))
        scores[table["TF"].map(rows), table["target"].map(columns)] = table["importance"]
        return scores

    return Work(run, len(kept) / len(inputs.genes), ("rustscenic", "numpy"))


def _regdiffusion(request: Request) -> Work:
    """Prepare RegDiffusion; its work is counted in training steps, not in targets."""
    import regdiffusion  # noqa: PLC0415 - installed in the environment of this method only

    inputs = request.inputs
    x = inputs.dense()
    varying = np.flatnonzero(x.std(axis=0) > 0)  # it refuses constant genes
    rows = np.flatnonzero(np.isin(inputs.tf_places, varying))
    places = np.searchsorted(varying, inputs.tf_places[rows])

    def run() -> np.ndarray:
        scores = request.empty()
        trainer = regdiffusion.RegDiffusionTrainer(
            x[:, varying], n_steps=request.steps, device="cpu", seed=SEED
        )
        trainer.train()
        scores[np.ix_(rows, varying)] = np.abs(trainer.get_adj()[places])
        return scores

    return Work(run, request.steps / STEPS, ("regdiffusion", "torch", "numpy"))


def _pearson(request: Request) -> Work:
    """Prepare absolute correlations, in numpy."""
    inputs = request.inputs

    def run() -> np.ndarray:
        x = inputs.dense().astype(np.float64)
        x -= x.mean(axis=0)
        spread = np.sqrt((x**2).sum(axis=0))
        x /= np.where(spread > 0, spread, 1.0)
        return np.abs(x[:, inputs.tf_places].T @ x).astype(np.float32)

    return Work(run, packages=("numpy",))


METHODS: dict[str, Callable[[Request], Work]] = {
    "grnboost2": _grnboost2,
    "genie3": _genie3,
    "rustscenic": _rustscenic,
    "regdiffusion": _regdiffusion,
    "pearson": _pearson,
}


def main() -> None:
    """Read, run, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", choices=METHODS, required=True)
    parser.add_argument("--input", type=Path, required=True, help="expression, as npz")
    parser.add_argument("--facts", type=Path, required=True, help="where the costs go, as JSON")
    parser.add_argument("--network", type=Path, help="where the scores go, as npz")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--targets", type=int, help="time a random sample of so many targets")
    parser.add_argument("--steps", type=int, default=STEPS, help="training steps of RegDiffusion")
    asked = parser.parse_args()
    inputs = load_inputs(asked.input)
    work = METHODS[asked.method](Request(inputs, asked.processes, asked.targets, asked.steps))
    made = cost(work.run)
    if not made.result.any():
        message = f"{asked.method} found no edge at all in {asked.input}."
        raise SystemExit(message)
    if asked.network:
        save_network(asked.network, Network(made.result, inputs.genes, inputs.tfs))
    facts = {
        "method": asked.method,
        "seconds": made.seconds / work.share,
        "measured_seconds": made.seconds,
        "share": work.share,
        "peak_mb": made.peak_mb,
        "loaded_mb": made.loaded_mb,
        "processes": asked.processes,
        "versions": {name: version(name) for name in work.packages},
        "fingerprint": inputs.fingerprint(),
    }
    asked.facts.write_text(json.dumps(facts, indent=1))


if __name__ == "__main__":
    main()
