"""Attributions of DNA models: whether they add up, find what is planted, depend on training.

``python -m benchmarks.attributions`` trains a small model of each class on simulated sequences,
half of which hold a site of one motif, and prints three tables: completeness (of the methods that
promise it, with seconds), precision at k beside saliency of untrained models, and the agreement
of a CNN with randomised models. It writes ``benchmarks/results/attributions_*.csv``.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, NamedTuple, get_args

import numpy as np
import pandas as pd
import torch
import typer
from torch import nn

import grnet as gn
from benchmarks._runs import RESULTS
from benchmarks._tables import choose, machine, markdown, warn_unless_idle
from grnet._progress import progress
from grnet.explain._job import Method

SITE = "TGACTCAGCA"
"""What is planted, with nine letters of ten as they stand here."""

LENGTH = 100
N_TRAINING = 2_000
FEW = 25
"""Sequences that are compared with controls, and that the transformer is asked about."""

PROMISED = ("integrated_gradients", "deeplift_shap", "gradient_shap")
OF_WORDS = (
    "saturation_mutagenesis",
    "integrated_gradients",
    "feature_ablation",
    "attention_rollout",
)
"""What takes a model of words."""


class Planted(NamedTuple):
    """Sequences, whether a site was planted, and where."""

    codes: np.ndarray
    labels: np.ndarray
    places: np.ndarray


def planted(n: int, *, seed: int) -> Planted:
    """Return random sequences, every other one with a site on either strand."""
    rng = np.random.default_rng([seed, n])
    codes = rng.integers(4, size=(n, LENGTH), dtype=np.uint8)
    labels = (np.arange(n) % 2 == 0).astype(np.float32)
    places = np.zeros(codes.shape, dtype=bool)
    site = gn.dna.to_codes([SITE])[0]
    for row in np.flatnonzero(labels):
        spoilt = rng.random(len(site)) < 0.1
        drawn = np.where(spoilt, rng.integers(4, size=len(site)), site).astype(np.uint8)
        start = rng.integers(LENGTH - len(site))
        where = slice(start, start + len(site))
        codes[row, where] = drawn if rng.random() < 0.5 else 3 - drawn[::-1]
        places[row, where] = True
    return Planted(codes, labels, places)


def cnn() -> nn.Module:
    return gn.models.SequenceCNN(gn.models.SequenceCNNConfig(n_filters=32, dropout=0.1))


def cnn_lstm() -> nn.Module:
    config = gn.models.SequenceCNNLSTMConfig(n_filters=32, n_units=16, dropout=0.1)
    return gn.models.SequenceCNNLSTM(config)


def dilated_cnn() -> nn.Module:
    return gn.models.DilatedCNN(gn.models.DilatedCNNConfig(n_filters=24, n_layers=4))


def motif_cnn() -> nn.Module:
    return gn.models.MotifCNN(gn.models.MotifCNNConfig(n_filters=64))


def transformer() -> nn.Module:
    config = gn.models.SequenceTransformerConfig(
        tokens=gn.models.KmerTokens(4), width=32, depth=1, heads=2
    )
    return gn.models.SequenceTransformer(config)


MODELS: dict[str, Callable[[], nn.Module]] = {
    made.__name__: made for made in (cnn, cnn_lstm, dilated_cnn, motif_cnn, transformer)
}


def untrained(name: str, *, seed: int) -> nn.Module:
    """Return a new model."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MODELS[name]().eval()


def trained(name: str, data: Planted, *, seed: int, epochs: int) -> gn.train.Fit:
    """Train a model for a moment."""
    whole = gn.train.SequenceData(data.codes, data.labels)
    n_held = len(whole) // 5
    settings = gn.train.FitSettings(max_epochs=epochs, batch_size=64, learning_rate=4e-3)
    return gn.train.fit(
        untrained(name, seed=seed),
        whole.take(np.arange(n_held, len(whole))),
        validation=whole.take(np.arange(n_held)),
        settings=settings,
        seed=seed,
    )


def methods_of(name: str) -> list[str]:
    """Return the methods that a class of models can be asked by."""
    if name == "transformer":
        return list(OF_WORDS)
    refused = {"attention_rollout", *(["deeplift_shap"] if name == "cnn_lstm" else [])}
    return [method for method in get_args(Method) if method not in refused]


def run_model(
    name: str, *, seed: int, n: int, epochs: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Train a model and ask it by every method; the transformer, which is slow, about few."""
    learnt = trained(name, planted(N_TRAINING, seed=seed), seed=seed, epochs=epochs)
    test = planted(2 * n, seed=seed + 1)
    is_site = test.labels > 0
    n_asked = min(n, FEW) if name == "transformer" else n
    codes, places = test.codes[is_site][:n_asked], test.places[is_site][:n_asked]
    auroc = gn.train.task_scores(test.labels, gn.models.predict(learnt.model, test.codes))["auroc"]
    facts = {"model": name, "seed": seed}
    complete, precise = [], []
    for method in methods_of(name):
        begin = time.perf_counter()
        found = gn.explain.attributions(learnt.model, codes, method=method)
        seconds = time.perf_counter() - begin
        precision = gn.explain.precision_at_k(found.contributions, places).mean()
        precise.append({**facts, "method": method, "precision": precision, "auroc": auroc.iloc[0]})
        if method in PROMISED:
            complete.append({**facts, "method": method, **off(found), "seconds": seconds})
        else:
            complete.append({**facts, "method": method, "seconds": seconds})
    control = "saliency" if "saliency" in methods_of(name) else "saturation_mutagenesis"
    found = gn.explain.attributions(untrained(name, seed=seed), codes, method=control)
    precision = gn.explain.precision_at_k(found.contributions, places).mean()
    precise.append({**facts, "method": f"untrained, {control}", "precision": precision})
    return complete, precise


def off(found: gn.explain.Attributions) -> dict[str, float]:
    """Return how far contributions are from output minus reference, in per cent of it."""
    per_cent = 100 * np.abs(found.residual) / np.abs(found.outputs - found.references)
    median, most, top = np.quantile(per_cent, [0.5, 0.99, 1.0])
    above = (per_cent > 1).mean()
    return {"median %": median, "99th percentile %": most, "max %": top, "share above 1 %": above}


def run_controls(*, seed: int, n: int, epochs: int) -> Iterator[dict[str, Any]]:
    """Compare the attributions of a CNN with those of models that did not learn."""
    data = planted(N_TRAINING, seed=seed)
    learnt = trained("cnn", data, seed=seed, epochs=epochs)
    mixed = data._replace(labels=np.random.default_rng(seed).permutation(data.labels))
    unlearnt = trained("cnn", mixed, seed=seed, epochs=epochs)
    test = planted(2 * n, seed=seed + 1)
    codes = test.codes[test.labels > 0]
    for method in methods_of("cnn"):
        found = gn.explain.sanity_check(
            learnt.model, codes[:FEW], method=method, shuffled_labels=unlearnt.model, seed=seed
        )
        means = found.groupby("control", sort=False)[["spearman", "spearman_absolute"]].mean()
        for control, row in means.iterrows():
            yield {"method": method, "control": control, "run": seed, **row}


def spread(values: pd.Series) -> str:
    """Return mean and standard deviation."""
    return f"{values.mean():.3f}" + ("" if len(values) < 2 else f" ± {values.std():.3f}")


def report(complete: pd.DataFrame, precise: pd.DataFrame, controls: pd.DataFrame) -> None:
    """Print the tables."""
    shown = {"median %": "mean", "99th percentile %": "max", "max %": "max"}
    worst = complete.groupby(["method", "model"], sort=False).agg(
        shown | {"share above 1 %": "mean", "seconds": "mean"}
    )
    print("Completeness (percentile and maximum: worst seed) and seconds\n")
    print(f"{markdown(worst, digits=3)}\n")
    print(f"Precision at k, mean over the seeds\n\n{wide(precise, 'model', 'precision')}\n")
    learnt = precise.groupby("model", sort=False)["auroc"].mean().to_frame("AUROC of the models")
    print(f"{markdown(learnt, digits=3)}\n")
    for figure in ("spearman", "spearman_absolute") if len(controls) else ():
        print(f"Agreement with controls, {figure}, CNN\n\n{wide(controls, 'control', figure)}\n")


def wide(frame: pd.DataFrame, across: str, figure: str) -> str:
    """Return methods x something else, mean and standard deviation over the seeds."""
    text = frame.groupby(["method", across], sort=False)[figure].apply(spread).reset_index()
    table = text.pivot_table(
        values=figure, index="method", columns=across, aggfunc="first", sort=False
    )
    return markdown(table.fillna(""))


def main(
    models: Annotated[str | None, typer.Option(help="Classes of models, with commas.")] = None,
    seeds: Annotated[int, typer.Option(help="Runs with seeds 0, 1, ...")] = 3,
    *,
    sequences: Annotated[int, typer.Option(help="Sequences that are explained.")] = 100,
    epochs: Annotated[int, typer.Option(help="Of training.")] = 8,
    out: Annotated[Path, typer.Option(help="Folder of the tables.")] = RESULTS,
) -> None:
    """Train, attribute, compare, and print the tables."""
    warn_unless_idle()
    print(f"{machine()}; {sequences} sequences of {LENGTH} bases\n")
    out.mkdir(parents=True, exist_ok=True)
    rows: dict[str, list[dict[str, Any]]] = {"complete": [], "precise": [], "controls": []}
    runs = [(seed, name) for seed in range(seeds) for name in choose(models, MODELS, "models")]
    for seed, name in progress(runs, "seeds x models"):
        complete, precise = run_model(name, seed=seed, n=sequences, epochs=epochs)
        rows["complete"] += complete
        rows["precise"] += precise
        if name == "cnn":
            rows["controls"] += run_controls(seed=seed, n=sequences, epochs=epochs)
        for table, found in rows.items():
            pd.DataFrame(found).to_csv(out / f"attributions_{table}.csv", index=False)
    frames = [pd.DataFrame(found) for found in rows.values()]
    report(*frames)


if __name__ == "__main__":
    typer.run(main)
