"""Presence of ten histone marks in yeast, from the sequence alone, beside k-mer counts.

``python -m benchmarks.histone`` trains one multi-label network on 500-base windows, whole
chromosomes held out, and writes ``benchmarks/results/histone.csv``. The windows are those of
Pokholok et al. 2005 as a published benchmark labels them: each was labelled for the marks that it
was drawn for, and labels are near balance.
"""

import time
from typing import Annotated

import numpy as np
import pandas as pd
import torch
import typer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

import grnet as gn
from benchmarks._runs import RESULTS
from benchmarks._tables import machine, markdown, warn_unless_idle
from benchmarks.datasets import data_folder

FILE = "histone/pokholok2005_marks_500bp.bed.gz"
VALIDATION, TEST = ("II", "XIV"), ("IV", "X", "XV")
K = 5
FLOOR = f"{K}-mer logistic"


def windows(folder_name: str = "yeast") -> tuple[gn.train.SequenceData, pd.DataFrame]:
    """Return one row per window, NaN for marks it was not labelled for, and the file's own rows."""
    folder = data_folder() / folder_name
    rows = pd.read_csv(folder / FILE, sep="\t").rename(columns={"#chrom": "chrom"})
    place = ["chrom", "start", "end"]
    table = rows.pivot_table(index=place, columns="mark", values="label", aggfunc="first")
    genome = gn.io.Genome(folder / "genome" / "R64-1-1.fa.gz")
    intervals = table.index.to_frame(index=False)
    codes = genome.sequence(intervals)
    labels = table.to_numpy(np.float32)
    data = gn.train.SequenceData(codes, labels, list(table.columns), intervals=intervals)
    return data, rows.drop_duplicates(place).sort_values(place).reset_index(drop=True)


def audits(data: gn.train.SequenceData, rows: pd.DataFrame, split: gn.train.Split) -> pd.DataFrame:
    """Look for leaks by chromosome and in the file's own split."""
    dev, test = (np.flatnonzero(rows["split"] == name) for name in ("dev", "test"))
    own = gn.train.Split(dev, test[:0], test)
    found = {
        "chromosomes held out": gn.train.audit_split(data, split, on_leak="warn"),
        "the file's dev against its test": gn.train.audit_split(data, own, on_leak="warn"),
    }
    return pd.concat({name: table.tail(1) for name, table in found.items()}, names=["split"])


def network(parts: list[gn.train.SequenceData], *, seed: int, epochs: int) -> np.ndarray:
    """Return the probabilities of the test windows."""
    train, held, test = parts
    config = gn.models.SequenceCNNConfig(
        n_outputs=len(train.names), n_filters=32, pool=8, dropout=0.1
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = gn.models.SequenceCNN(config)
    settings = gn.train.FitSettings(max_epochs=epochs, batch_size=64, patience=3)
    gn.train.fit(model, train, validation=held, settings=settings, seed=seed)
    return gn.models.predict(model, test.codes)


def floor(parts: list[gn.train.SequenceData]) -> np.ndarray:
    """Return the probabilities of a logistic regression per mark on k-mers of both strands."""
    train, _, test = parts
    known, asked = (gn.dna.kmer_counts(part.codes, K).astype(np.float32) for part in (train, test))
    columns = []
    for labels in train.labels.T:
        told = np.isfinite(labels)
        model = make_pipeline(MaxAbsScaler(), LogisticRegression(C=1.0, max_iter=300))
        columns.append(model.fit(known[told], labels[told]).predict_proba(asked)[:, 1])
    return np.stack(columns, 1)


def scored(
    test: gn.train.SequenceData, guess: np.ndarray, *, name: str, begin: float
) -> pd.DataFrame:
    """Return the figures of each mark."""
    table = gn.train.task_scores(test.labels, guess, names=test.names)
    return table.assign(model=name, seconds=time.perf_counter() - begin)


def by_mark(results: pd.DataFrame) -> pd.DataFrame:
    """Return marks x figures: means over the seeds, and the network's spread."""
    models = results.groupby("model", sort=False)
    kinds = {str(name): rows.groupby("task") for name, rows in models}
    table = kinds["network"][["n", "prevalence"]].first()
    for figure in ("auroc", "auprc", "mcc"):
        for name, groups in kinds.items():
            table[f"{figure} {name}"] = groups[figure].mean()
    table["spread"] = kinds["network"]["auroc"].std()
    return pd.concat([table, table.mean().to_frame("mean").T]).rename_axis("mark")


def main(
    *,
    seeds: Annotated[int, typer.Option(help="Runs of the network.")] = 3,
    epochs: Annotated[int, typer.Option(help="Passes over the training windows.")] = 6,
) -> None:
    """Predict histone marks from sequence."""
    warn_unless_idle()
    print(f"`python -m benchmarks.histone`, {machine()}; {seeds} seeds\n")
    data, rows = windows()
    split = gn.train.split_by_chromosome(data.intervals, validation=VALIDATION, test=TEST)
    parts = [data.take(part) for part in split]
    print(", ".join(f"{len(part):,} {name}" for name, part in split._asdict().items()), "windows\n")
    print(markdown(audits(data, rows, split)), flush=True)
    begin = time.perf_counter()
    counted = floor(parts)
    found = [scored(parts[2], counted, name=FLOOR, begin=begin)]
    for seed in range(seeds):
        begin = time.perf_counter()
        guess = network(parts, seed=seed, epochs=epochs)
        found.append(scored(parts[2], guess, name="network", begin=begin))
        found.append(scored(parts[2], (guess + counted) / 2, name="both", begin=begin))
    results = pd.concat(found).reset_index()
    RESULTS.mkdir(parents=True, exist_ok=True)
    results.to_csv(RESULTS / "histone.csv", index=False)
    print("\n" + markdown(by_mark(results), digits=3))
    seconds = results.groupby("model")["seconds"].max()
    print("\n- at most " + ", ".join(f"{value:.0f} s {name}" for name, value in seconds.items()))
    print(f"- spread: standard deviation of the network's AUROC over {seeds} seeds")


if __name__ == "__main__":
    typer.run(main)
