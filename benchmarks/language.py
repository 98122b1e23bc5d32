"""Does masked pre-training help? A transformer from scratch beside the same one pre-trained.

``python -m benchmarks.language`` hides the labels of most training sequences of GUE tasks: the
language model reads all sequences, the task only the labelled ones. It writes
``benchmarks/results/language.csv`` and ``benchmarks/results/language_models.csv``.
"""

import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import torch
import typer
from sklearn.linear_model import LogisticRegression

import grnet as gn
from benchmarks._runs import RESULTS
from benchmarks._tables import choose, machine, markdown, warn_unless_idle
from benchmarks.datasets import data_folder
from grnet._progress import progress

TASKS = {"tf_0": "tf_0", "tf_2": "tf_2", "prom_300_tata": "prom_prom_300_tata"}
STEPS = 150
"""Optimiser steps of a task at least: few labels are read more often."""

Data = gn.train.SequenceData


def load_task(name: str, part: str) -> Data:
    """Return the sequences of a task with their labels."""
    table = pd.read_csv(data_folder() / "seq" / "gue" / TASKS[name] / f"{part}.csv.gz")
    codes = gn.dna.to_codes(table["sequence"].tolist())
    return Data(codes, table["label"].to_numpy(dtype=np.float32))


def pretrained(codes: np.ndarray, *, epochs: int, seed: int) -> gn.train.Fit:
    """Return a small language model of these sequences."""
    config = gn.models.DNALanguageModelConfig(
        tokens=gn.models.KmerTokens(3), width=64, depth=1, heads=4
    )
    settings = gn.train.FitSettings(max_epochs=epochs, batch_size=32, learning_rate=6e-3)
    return gn.train.pretrain_language_model(codes, config, settings=settings, seed=seed)


def scratch(like: gn.models.DNALanguageModel, *, seed: int) -> gn.models.DNALanguageModel:
    """Return the same model, untrained."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return gn.models.DNALanguageModel(like.config)


def transformer(
    language: gn.models.DNALanguageModel, train: Data, held: Data, *, freeze: bool, seed: int
) -> gn.train.Fit:
    """Train a task on top of a language model."""
    model = gn.models.SequenceTransformer.from_language_model(
        language, freeze=freeze, reverse_complement=False, seed=seed
    )
    per_epoch = -(-len(train) // 64)
    settings = gn.train.FitSettings(
        max_epochs=max(4, STEPS // per_epoch), batch_size=64, learning_rate=2e-3, patience=4
    )
    return gn.train.fit(model, train, validation=held, settings=settings, seed=seed)


def floor(train: Data, test: Data) -> np.ndarray:
    """Return the predictions of a logistic regression on counts of 6-mers of both strands."""
    counts = [gn.dna.kmer_counts(data.codes, 6) for data in (train, test)]
    fitted = LogisticRegression(C=0.01, max_iter=500).fit(counts[0], train.labels[:, 0])
    return np.asarray(fitted.predict_proba(counts[1])[:, 1:])


def scored(test: Data, guess: np.ndarray) -> dict[str, float]:
    """Return the figures on the test sequences."""
    row = gn.train.task_scores(test.labels, guess).iloc[0]
    return {key: float(row[key]) for key in ("auroc", "auprc", "mcc")}


def run_task(
    name: str, labels: list[int], *, seed: int, epochs: int, unlabelled: int
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Pre-train on all sequences of a task, then train on some labels in four ways."""
    whole, held, test = (load_task(name, part) for part in ("train", "dev", "test"))
    order = np.random.default_rng(seed).permutation(len(whole))
    before = pretrained(whole.codes[order[:unlabelled]], epochs=epochs, seed=seed)
    fresh = scratch(before.model, seed=seed)
    rows = []
    for n in sorted({min(n, len(whole)) for n in labels}):
        train = whole.take(order[:n])
        few = held.take(np.arange(min(n, len(held))))
        facts = {"task": name, "labels": n, "seed": seed}
        begin = time.perf_counter()
        guess = floor(train, test)
        rows.append(
            {**facts, "model": "6-mer logistic floor"}
            | scored(test, guess)
            | {"seconds": time.perf_counter() - begin}
        )
        for model, start, freeze in (
            ("from scratch", fresh, False),
            ("pre-trained, fine-tuned", before.model, False),
            ("pre-trained, frozen", before.model, True),
        ):
            done = transformer(start, train, few, freeze=freeze, seed=seed)
            figures = scored(test, gn.models.predict(done.model, test.codes))
            rows.append({**facts, "model": model} | figures | {"seconds": done.seconds})
    facts = {"task": name, "sequences": min(unlabelled, len(whole)), "seed": seed}
    return rows, {**facts, **before.metrics, "seconds": before.seconds}


def table(results: pd.DataFrame, figure: str) -> pd.DataFrame:
    """Return tasks and labels x models, mean and standard deviation over the seeds."""
    groups = results.groupby(["task", "labels", "model"], sort=False)[figure]
    mean, spread = groups.mean(), groups.std()
    text = mean.map("{:.3f}".format) + spread.map(lambda s: "" if pd.isna(s) else f" ± {s:.3f}")
    wide = text.reset_index().pivot_table(
        values=figure, index=["task", "labels"], columns="model", aggfunc="first", sort=False
    )
    return wide.reset_index("labels")


def main(
    tasks: Annotated[str | None, typer.Option(help="Tasks, with commas.")] = None,
    labels: Annotated[str, typer.Option(help="Labelled sequences, with commas.")] = "500,4000",
    seeds: Annotated[int, typer.Option(help="Runs with seeds 0, 1, ...")] = 3,
    *,
    epochs: Annotated[int, typer.Option(help="Of pre-training.")] = 8,
    unlabelled: Annotated[int, typer.Option(help="Sequences of pre-training.")] = 8_000,
    out: Annotated[Path, typer.Option(help="Folder of the tables.")] = RESULTS,
) -> None:
    """Run every task with every seed, and print the tables."""
    warn_unless_idle()
    print(f"{machine()}\n")
    sizes = [int(n) for n in labels.split(",")]
    out.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    models: list[dict[str, Any]] = []
    runs = [(name, seed) for seed in range(seeds) for name in choose(tasks, TASKS, "tasks")]
    for name, seed in progress(runs, "tasks x seeds"):
        more, model = run_task(name, sizes, seed=seed, epochs=epochs, unlabelled=unlabelled)
        rows += more
        models.append(model)
        pd.DataFrame(rows).to_csv(out / "language.csv", index=False)
        pd.DataFrame(models).to_csv(out / "language_models.csv", index=False)
    results = pd.DataFrame(rows)
    for figure in ("auroc", "auprc", "mcc", "seconds"):
        print(f"{figure}\n\n{markdown(table(results, figure))}\n")
    shown = pd.DataFrame(models).groupby("task", sort=False).mean().drop(columns="seed")
    print(f"Language models, means over the seeds\n\n{markdown(shown)}\n")


if __name__ == "__main__":
    typer.run(main)
