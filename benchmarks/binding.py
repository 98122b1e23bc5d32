"""TF binding and promoters from sequence: grnet's models beside published figures and a floor.

``python -m benchmarks.binding`` trains on the sets of FastSK and GUE and writes
``benchmarks/results/binding.csv``.
"""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import numpy as np
import pandas as pd
import typer
from sklearn.linear_model import LogisticRegression
from torch import nn

import grnet as gn
from benchmarks._runs import RESULTS
from benchmarks._tables import choose, machine, markdown
from benchmarks.datasets import data_folder
from grnet._progress import progress

if TYPE_CHECKING:
    from grnet.train.classification import Method

PUBLISHED = pd.DataFrame.from_dict(
    {
        "CTCF": (0.970, 0.971, 0.945, 0.747),
        "JUND": (0.969, 0.968, 0.932, 0.881),
        "RAD21": (0.974, 0.976, 0.971, 0.799),
        "KAT2B": (0.922, 0.921, 0.871, 0.862),
        "EP300_47848": (0.953, 0.952, 0.924, 0.896),
        "ZZZ3": (0.963, 0.962, 0.937, 0.841),
    },
    orient="index",
    columns=["FastSK", "gkm-SVM", "charCNN", "LSTM"],
)
"""AUROC on the same test sequences, from the article on FastSK (Blakely et al. 2020)."""

GUE = {"tf_0": "tf_0", "tf_2": "tf_2", "prom_300_tata": "prom_prom_300_tata"}
SETS = (*PUBLISHED.index, *GUE)
EPOCHS = {"tf_0": 8, "tf_2": 10, "ZZZ3": 18, "KAT2B": 20, "EP300_47848": 20}
"""Passes over the larger sets; the others get 30."""

Parts = tuple[gn.train.SequenceData, gn.train.SequenceData, gn.train.SequenceData]


def load_set(name: str, *, seed: int) -> Parts:
    """Return training, validation and test sequences; a tenth of the training where none is set."""
    folder = data_folder() / "seq"
    if name in GUE:
        parts = (pd.read_csv(folder / "gue" / GUE[name] / f"{k}.csv.gz") for k in _GUE_PARTS)
        train, held, test = (_data(part["sequence"], part["label"]) for part in parts)
        return train, held, test
    whole, test = (_fasta(folder / "fastsk" / f"{name}.{kind}.fasta.gz") for kind in _FASTSK_PARTS)
    order = np.random.default_rng(seed).permutation(len(whole))
    n_held = len(whole) // 10
    return whole.take(order[n_held:]), whole.take(order[:n_held]), test


_GUE_PARTS = ("train", "dev", "test")
_FASTSK_PARTS = ("train", "test")


def _fasta(path: Path) -> gn.train.SequenceData:
    lines = pd.read_csv(path, header=None)[0].str.strip()
    return _data(lines[1::2], lines[::2].str[1:].astype(int))


def _data(texts: pd.Series, labels: pd.Series) -> gn.train.SequenceData:
    return gn.train.SequenceData(gn.dna.to_codes(texts.tolist()), labels.to_numpy())


def _floor(train: gn.train.SequenceData, test: gn.train.SequenceData) -> np.ndarray:
    """Return the predictions of a logistic regression on counts of 6-mers of both strands."""
    counts = [gn.dna.kmer_counts(data.codes, 6) for data in (train, test)]
    fitted = LogisticRegression(C=0.01, max_iter=500).fit(counts[0], train.labels[:, 0])
    return np.asarray(fitted.predict_proba(counts[1])[:, 1])


def _settings(name: str) -> gn.train.FitSettings:
    return gn.train.FitSettings(max_epochs=EPOCHS.get(name, 30), patience=10)


def _scored(row: str, parts: Parts, guess: np.ndarray, *, begin: float) -> dict[str, object]:
    """Return a model's figures on the test sequences."""
    seconds = time.perf_counter() - begin
    scores = gn.train.task_scores(parts[2].labels, guess.reshape(len(parts[2]), -1)).iloc[0]
    return {"model": row, **scores.drop("n"), "seconds": seconds}


class Outcome(NamedTuple):
    """The figures of a run, and the model that the next seeds use again."""

    table: pd.DataFrame
    gapped: nn.Module


def run_set(name: str, *, seed: int, gapped: nn.Module | None, lstm: bool) -> Outcome:
    """Train the models on a set and score them on the test sequences.

    Nothing of gapped k-mers is random but which tenth calibrates them: they are fitted once.
    """
    parts = load_set(name, seed=seed)
    train, held, test = parts
    rows = []
    if gapped is None:
        begin = time.perf_counter()
        rows.append(_scored("6-mer logistic floor", parts, _floor(train, test), begin=begin))
    models: dict[str, nn.Module] = {} if gapped is None else {"gapped_kmers": gapped}
    methods: list[Method] = ["gapped_kmers", "motif_cnn", "cnn", *(["cnn_lstm"] if lstm else [])]
    for method in methods:
        if method in models:
            continue
        begin = time.perf_counter()
        done = gn.train.classify(
            train,
            validation=held,
            method=method,
            settings=_settings(name),
            on_leak="warn",
            seed=seed,
        )
        models[method] = done.model
        rows.append(_scored(method, parts, gn.models.predict(done.model, test.codes), begin=begin))
    for row, network in (("ensemble", "motif_cnn"), ("cnn + gapped_kmers", "cnn")):
        both = gn.models.Ensemble.of([models[network], models["gapped_kmers"]])
        begin = time.perf_counter()
        rows.append(_scored(row, parts, gn.models.predict(both, test.codes), begin=begin))
    table = pd.DataFrame(rows).assign(set=name, seed=seed, n_train=len(train))
    return Outcome(table, models["gapped_kmers"])


def table(results: pd.DataFrame, figure: str) -> pd.DataFrame:
    """Return sets x models, mean and standard deviation over the seeds."""
    groups = results.groupby(["set", "model"], sort=False)[figure]
    mean, spread, n = groups.mean(), groups.std(), groups.size()
    text = mean.map("{:.3f}".format)
    several = n > 1
    text[several] += " ± " + spread[several].map("{:.3f}".format)
    shown = text.rename("text").reset_index()
    return shown.pivot_table("text", "set", "model", aggfunc="first", sort=False).fillna("")


def main(
    sets: Annotated[str | None, typer.Option(help="Sets, with commas.")] = None,
    seeds: Annotated[int, typer.Option(help="Runs with seeds 0, 1, ...")] = 3,
    out: Annotated[Path, typer.Option(help="Table of all runs.")] = RESULTS / "binding.csv",
    *,
    lstm: Annotated[bool, typer.Option(help="Train the CNN-LSTM too.")] = False,
) -> None:
    """Train on every set with every seed, and print the tables."""
    print(machine(), "\n")
    tables: list[pd.DataFrame] = []
    out.parent.mkdir(parents=True, exist_ok=True)
    for name in choose(sets, SETS, "sets"):
        gapped = None
        for seed in progress(range(seeds), name, total=seeds):
            done = run_set(name, seed=seed, gapped=gapped, lstm=lstm)
            gapped = done.gapped
            tables.append(done.table)
            pd.concat(tables).to_csv(out, index=False)
    results = pd.concat(tables)
    for figure in ("auroc", "auprc", "mcc", "seconds"):
        shown = table(results, figure)
        if figure == "auroc":
            shown = shown.join(PUBLISHED.map("{:.3f}".format)).fillna("")
        print(f"{figure}\n\n{markdown(shown.rename_axis('set'))}\n")


if __name__ == "__main__":
    typer.run(main)
