"""What a trained transformer says of edges, by each of its read-outs, beside linear methods.

``python -m benchmarks.readouts`` prints a table; each read-out trains the same model anew.
"""

from functools import partial
from typing import TYPE_CHECKING, Annotated, get_args

import numpy as np
import pandas as pd
import typer

import grnet as gn
from benchmarks._tables import choose, machine, markdown
from benchmarks.accuracy import FIGURES, averaged
from benchmarks.datasets import SETS, load, pair
from grnet.infer.transformer import ReadOut

if TYPE_CHECKING:
    from anndata import AnnData

LINEAR = ("pearson", "ridge")


def main(
    *,
    sets: Annotated[str | None, typer.Option(help="Data sets, with commas; default all.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Of the training, to try the script.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the methods.")] = 0,
) -> None:
    """Score every read-out of the transformer on all sets and truths."""
    print(f"{machine()}; seed {seed}\n")
    frames = []
    for name in choose(sets, SETS, "data set"):
        frames.append(scored(name, epochs=epochs, seed=seed))
        print(f"{name}: done", flush=True)
    frame = pd.concat(frames, ignore_index=True)
    means = averaged(frame)
    for figure in ("auprc_ratio", "epr"):
        table = means.tables[figure].assign(mean=means.inside(figure).mean(axis=1, skipna=False))
        print(f"\n### {FIGURES[figure]}\n\n{markdown(table, digits=3)}")
    print("\n" + "\n".join(f"- {line}" for line in verdicts(means.inside("auprc_ratio"))))
    print(f"\n{markdown(frame.pivot_table('seconds', 'ranking', 'dataset'), digits=1)}")


def scored(name: str, *, epochs: int | None, seed: int) -> pd.DataFrame:
    """Return the benchmark of one data set."""
    more = {} if epochs is None else {"n_epochs": epochs}
    infer = partial(infer_all, seed=seed)
    functions = {method: partial(infer, method=method) for method in LINEAR}
    functions |= {
        readout: partial(infer, method="transformer", readout=readout, **more)
        for readout in get_args(ReadOut)
    }
    frame = gn.evaluate.benchmark(functions, {name: load(name)}, nulls=False, seed=seed)
    pairs = [pair(name, truth) for truth in frame["truth"]]
    return frame.assign(pair=[p.name for p in pairs], counted=[p.counted for p in pairs])


def infer_all(adata: "AnnData", tfs: list[str], **options: object) -> gn.GRN:
    """Infer a network of all pairs."""
    return gn.infer.network(adata, tfs=tfs, n_top=None, **options)


def verdicts(ratio: pd.DataFrame) -> list[str]:
    """Say for each read-out on how many pairs it beats the correlation."""
    correlation = ratio.loc["pearson"]
    lines = []
    for readout in get_args(ReadOut):
        wins = int((ratio.loc[readout] > correlation).sum())
        worse = ratio.columns[np.asarray(ratio.loc[readout] <= correlation)]
        lost = f"; not on {', '.join(worse)}" if len(worse) else ""
        lines.append(f"{readout} beats the correlation on {wins} of {len(correlation)} pairs{lost}")
    return lines


if __name__ == "__main__":
    typer.run(main)
