"""What to do about one positive in fifty: weights, focal loss, sampler and SMOTE beside nothing.

``python -m benchmarks.imbalance`` trains a small network on ChIP-exo peaks of yeast and fifty
negatives each, matched in GC, and writes ``benchmarks/results/imbalance.csv``. Chromosomes of the
test are never trained on; SMOTE sees embeddings of the training fold alone.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import gettempdir
from typing import Annotated, Any, NamedTuple

import numpy as np
import pandas as pd
import torch
import typer
from sklearn.linear_model import LogisticRegression

import grnet as gn
from benchmarks._runs import RESULTS
from benchmarks._tables import machine, markdown
from benchmarks.datasets import data_folder
from grnet._progress import progress

PROTEINS = ("Abf1", "Rap1")
STRONGEST = 300
"""Peaks of each protein that are used."""
PER_POSITIVE = 50
WIDTH, SHIFT = 60, 5
TEST = ("II", "V", "XII", "XVI")
VALIDATION = ("VII", "X")
PASSES = 24
CONFIG = gn.models.MotifCNNConfig(n_filters=64)
AUGMENT = gn.dna.Augmentation(max_shift=SHIFT)


class Parts(NamedTuple):
    """One protein's windows, by chromosome."""

    train: gn.train.SequenceData
    validation: gn.train.SequenceData
    test: gn.train.SequenceData


def load(protein: str) -> Parts:
    """Return windows around peaks and negatives that resemble them, 1 to 50."""
    folder = data_folder() / "yeast"
    cache = Path(gettempdir()) / "grnet_benchmarks"
    genome = gn.io.Genome(folder / "genome" / "R64-1-1.fa.gz", cache=cache)
    names = ["chrom", "start", "end", "protein", "score", "strand"]
    file = folder / "chip" / "rossi2021_chipexo_peaks.bed.gz"
    peaks = pd.read_csv(file, sep="\t", header=None, names=names)
    peaks = peaks.loc[peaks["protein"] == protein].nlargest(STRONGEST, "score")
    half = WIDTH // 2 + SHIFT
    peaks = genome.harmonise(
        peaks.assign(start=(peaks["start"] - half).clip(lower=0), end=peaks["start"] + half)[
            ["chrom", "start", "end"]
        ],
        what="the peaks",
    )
    negatives = gn.dna.matched_negatives(genome, peaks, n_per_positive=PER_POSITIVE, tolerance=0.05)
    windows = pd.concat([peaks, negatives], ignore_index=True)
    codes = genome.sequence(windows, width=2 * half)
    labels = (np.arange(len(windows)) < len(peaks)).astype(np.float32)
    whole = gn.train.SequenceData(codes, labels, intervals=windows[["chrom", "start", "end"]])
    test = windows["chrom"].isin(TEST).to_numpy()
    held = windows["chrom"].isin(VALIDATION).to_numpy()
    return Parts(*(whole.take(rows) for rows in (~test & ~held, held, test)))


def fitted(
    parts: Parts,
    train: gn.train.SequenceData,
    seed: int,
    *,
    weight: tuple[float, ...] | None = None,
    gamma: float = 0.0,
    balanced: bool = False,
) -> torch.nn.Module:
    """Train the network; the epoch with the best AUPRC of the validation chromosomes counts."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = gn.models.MotifCNN(CONFIG)
    # fewer examples get more passes: every method takes about as many steps
    rounds = min(round(PASSES * len(parts.train) / len(train)), 4 * PASSES)
    settings = gn.train.FitSettings(max_epochs=rounds, patience=rounds, learning_rate=3e-3)
    sampler = gn.train.BalancedSampler(train.labels, seed=seed) if balanced else None
    goal = gn.train.HeadObjective(
        "binary", positive_weight=weight, focal_gamma=gamma, monitor="auprc", mode="max"
    )
    done = gn.train.fit(
        model, train, validation=parts.validation, objective=goal, settings=settings,
        augment=AUGMENT, sampler=sampler, seed=seed,
    )  # fmt: skip
    return done.model


def embedded(model: torch.nn.Module, data: gn.train.SequenceData) -> np.ndarray:
    """Return what the last layer of the network sees."""
    seen: list[torch.Tensor] = []
    hook = model.head[-1].register_forward_hook(lambda _, given, __: seen.append(given[0]))
    try:
        gn.models.predict(model, centred(data))
    finally:
        hook.remove()
    return torch.cat(seen).numpy()


def centred(data: gn.train.SequenceData) -> np.ndarray:
    return AUGMENT.centre(torch.from_numpy(data.codes)).numpy()


def of_network(model: torch.nn.Module, parts: Parts) -> np.ndarray:
    return gn.models.predict(model, centred(parts.test))[:, 0]


def of_new_head(model: torch.nn.Module, parts: Parts, kind: str | None, *, seed: int) -> np.ndarray:
    """Fit the last layer anew, with points made by SMOTE or without, and return its answers."""
    x, y = embedded(model, parts.train), parts.train.labels[:, 0]
    if kind:
        x, y, _ = gn.train.smote(x, y, kind=kind, seed=seed)
    head = LogisticRegression(C=1.0, max_iter=500).fit(x, y)
    return head.predict_proba(embedded(model, parts.test))[:, 1]


def answers(parts: Parts, seed: int) -> Iterator[tuple[str, np.ndarray, float]]:
    """Yield method, predictions on the test chromosomes, and seconds of training."""
    labels = parts.train.labels
    few = gn.train.balanced_order(labels, n=2 * int(labels.sum()), seed=seed)
    weight = tuple(gn.train.class_weights(labels).tolist())
    ways: dict[str, Callable[[], torch.nn.Module]] = {
        "plain": lambda: fitted(parts, parts.train, seed),
        "class weights": lambda: fitted(parts, parts.train, seed, weight=weight),
        "focal loss": lambda: fitted(parts, parts.train, seed, gamma=2.0),
        "balanced sampler": lambda: fitted(parts, parts.train, seed, balanced=True),
        "1:1 subsample": lambda: fitted(parts, parts.train.take(few), seed),
    }
    models = {}
    for name, train in ways.items():
        begin = time.perf_counter()
        models[name] = train()
        yield name, of_network(models[name], parts), time.perf_counter() - begin
    heads = {"plain, new head": None, "SMOTE of embeddings": "smote", "borderline": "borderline"}
    for name, kind in heads.items():
        begin = time.perf_counter()
        yield (
            name,
            of_new_head(models["plain"], parts, kind, seed=seed),
            time.perf_counter() - begin,
        )


def main(
    proteins: Annotated[str, typer.Option(help="With commas.")] = ",".join(PROTEINS),
    seeds: Annotated[int, typer.Option(help="Runs with seeds 0, 1, ...")] = 3,
) -> None:
    """Train in every way with every seed, and print the tables."""
    print(machine(), "\n")
    rows: list[dict[str, Any]] = []
    RESULTS.mkdir(parents=True, exist_ok=True)
    for protein in proteins.split(","):
        parts = load(protein)
        sizes = [f"{int(part.labels.sum())} of {len(part)}" for part in parts]
        print(f"{protein}: positives in training, validation and test: {', '.join(sizes)}")
        for seed in progress(range(seeds), protein, total=seeds):
            for method, guess, seconds in answers(parts, seed):
                scores = gn.train.task_scores(parts.test.labels, guess[:, None]).iloc[0]
                rows.append({"protein": protein, "method": method, "seed": seed, **scores,
                             "mean answer": guess.mean(), "seconds": seconds})  # fmt: skip
                pd.DataFrame(rows).to_csv(RESULTS / "imbalance.csv", index=False)
    report(pd.DataFrame(rows))


def report(results: pd.DataFrame) -> None:
    """Print mean and spread over the seeds."""
    figures = ["auprc", "auroc", "mcc", "calibration_error", "mean answer", "seconds"]
    for protein, part in results.groupby("protein", sort=False):
        groups = part.groupby("method", sort=False)[figures]
        mean, spread = groups.mean(), groups.std()
        shown = mean.map("{:.3f}".format)
        shown["auprc"] += " ± " + spread["auprc"].map("{:.3f}".format)
        print(f"\n### {protein}, prevalence {part['prevalence'].iloc[0]:.3f}\n\n{markdown(shown)}")


if __name__ == "__main__":
    typer.run(main)
