"""One model of the binding of 54 TFs of yeast, beside known motifs, 6-mers and the share of GC.

``python -m benchmarks.yeast_binding`` cuts 120-base windows around the ChIP-exo peaks of every TF
that has a known motif and 100 peaks, holds whole chromosomes out, and writes
``benchmarks/results/yeast_binding.csv``. Then it asks the model for its motifs, and compares them
with the known ones: those of the TF itself, and as a control those of another TF, drawn by chance.
"""

import time
from typing import Annotated

import numpy as np
import pandas as pd
import torch
import typer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from torch.nn import functional

import grnet as gn
from benchmarks._runs import RESULTS
from benchmarks._tables import machine, markdown, warn_unless_idle
from benchmarks.datasets import data_folder
from grnet._progress import progress

VALIDATION, TEST = ("IV", "IX"), ("VII", "XII", "II")
WIDTH, MIN_PEAKS = 120, 100
MOTIFS = ("Scer.cisbp.meme.gz", "macisaac_yeast.v1.meme.gz")
PEAK_COLUMNS = ["chrom", "start", "end", "protein", "score", "strand"]
P_VALUE = 1e-3
N_CONTROLS = 200
N_SUREST = 200

Floats = np.ndarray


def sources() -> tuple[gn.io.Genome, pd.DataFrame, list[gn.io.Motif], list[str]]:
    """Return genome, peaks, known motifs, and the TFs that have both."""
    folder = data_folder() / "yeast"
    genome = gn.io.Genome(folder / "genome" / "R64-1-1.fa.gz")
    peaks = gn.io.read_peaks(
        folder / "chip" / "rossi2021_chipexo_peaks.bed.gz",
        columns=PEAK_COLUMNS,
        tf_column="protein",
    )
    known = gn.io.read_motifs([folder / "motifs" / name for name in MOTIFS])
    named = {tf.upper() for motif in known for tf in motif.tfs}
    counts = peaks["tf"].value_counts()
    tfs = sorted(tf for tf in counts.index[counts >= MIN_PEAKS] if tf.upper() in named)
    return genome, peaks, known, tfs


def best_site(motif: gn.io.Motif, hot: torch.Tensor, background: Floats) -> Floats:
    """Return the highest log odds of a motif in each window, on either strand."""
    odds = np.log2((motif.probabilities + 1e-3) / background[:, None])
    weight = torch.tensor(odds, dtype=torch.float32)[None]
    strands = [functional.conv1d(x, weight).amax((1, 2)) for x in (hot, hot.flip(1, 2))]
    return torch.maximum(*strands).numpy()


def baselines(done: gn.train.SequenceFit, known: list[gn.io.Motif]) -> pd.DataFrame:
    """Return, per TF, the AUROC of its best known motif and of 6-mers, on the same windows.

    The best of several known motifs is taken by its AUROC on these very windows, which favours it.
    """
    data, split = done.data, done.split
    own = own_windows(data)
    background = np.bincount(data.codes.ravel(), minlength=4)[:4] / data.codes.size
    counts = gn.dna.kmer_counts(data.codes, 6)
    rows = {}
    for task, tf in enumerate(progress(data.names, "baselines", total=len(data.names))):
        train = split.train[own[split.train, task]]
        test = split.test[own[split.test, task]]
        truth = data.labels[test, task] > 0
        floor = LogisticRegression(C=0.01, max_iter=500)
        floor.fit(counts[train], data.labels[train, task] > 0)
        hot = torch.from_numpy(gn.dna.one_hot(data.codes[test]))
        motifs = [motif for motif in known if tf.upper() in motif.tfs]
        scores = [roc_auc_score(truth, best_site(m, hot, background)) for m in motifs]
        bound = split.test[data.labels[split.test].any(axis=1)]
        among = data.labels[bound, task] > 0
        rows[tf] = {
            "motif": max(scores),
            "6-mers": roc_auc_score(truth, floor.predict_proba(counts[test])[:, 1]),
            "6-mers, bound": roc_auc_score(among, floor.predict_proba(counts[bound])[:, 1]),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def own_windows(data: gn.train.SequenceData) -> Floats:
    """Return which windows are a TF's own: those it binds, and their partners of equal GC."""
    own = np.array(data.labels > 0)
    partner = data.intervals["positive"].to_numpy()
    negative = np.flatnonzero(partner >= 0)
    own[negative] = own[partner[negative]]
    return own


def learnt_motifs(done: gn.train.SequenceFit) -> list[gn.io.Motif]:
    """Return up to two motifs per TF, from the surest bound windows that did not train it."""
    held = done.data.take(np.concatenate([done.split.validation, done.split.test]))
    guess = gn.models.predict(done.fit.model, held.codes, raw=True)
    found = []
    for task, tf in enumerate(progress(held.names, "motifs", total=len(held.names))):
        bound = np.flatnonzero(held.labels[:, task] > 0)
        surest = bound[np.argsort(-guess[bound, task])][:N_SUREST]
        found += gn.explain.task_motifs(
            done.fit.model, held.codes[surest], target=task, n_motifs=2, prefix=tf
        )
    return found


def recovered(
    learnt: list[gn.io.Motif], known: list[gn.io.Motif], tfs: list[str]
) -> tuple[pd.DataFrame, Floats]:
    """Return each TF's smallest p-value with its own motifs, and how many find another TF's."""
    table = gn.cis.compare_motifs(learnt, known, n_best=len(known))
    learner = table["query"].str.rsplit("_", n=1).str[0]
    smallest = table.groupby([learner, "tf"])["pvalue"].min().unstack()  # noqa: PD010
    names = [tf.upper() for tf in tfs]
    matrix = smallest.reindex(index=tfs, columns=names).fillna(1.0).to_numpy()
    rng = np.random.default_rng(0)
    controls = []
    for _ in range(N_CONTROLS):
        other = rng.permutation(len(tfs))
        moved = other != np.arange(len(tfs))
        controls.append(int((matrix[np.arange(len(tfs)), other][moved] < P_VALUE).sum()))
    p_values = pd.DataFrame({"motif_pvalue": np.diag(matrix)}, index=tfs)
    return p_values, np.array(controls)


def main(
    seeds: Annotated[int, typer.Option(help="Runs with seeds 0, 1, ...")] = 3,
) -> None:
    """Train with every seed, and print the tables."""
    warn_unless_idle()
    print(machine(), "\n")
    genome, peaks, known, tfs = sources()
    tables, notes = [], []
    for seed in range(seeds):
        windows = gn.train.binding_windows(
            genome, peaks, tfs=tfs, width=WIDTH, min_peaks=MIN_PEAKS, seed=seed
        )
        begin = time.perf_counter()
        done = gn.train.binding(genome, windows, validation=VALIDATION, test=TEST, seed=seed)
        seconds = time.perf_counter() - begin
        p_values, controls = recovered(learnt_motifs(done), known, tfs)
        table = done.scores.join(baselines(done, known)).join(p_values)
        tables.append(table.assign(seed=seed).reset_index(names="tf"))
        notes.append(
            {
                "seed": seed,
                "windows": len(windows),
                "seconds": round(seconds),
                "TFs above their motif": int((table["auroc"] > table["motif"]).sum()),
                "TFs above 6-mers": int((table["auroc"] > table["6-mers"]).sum()),
                "above 6-mers among bound": int(
                    (table["auroc_bound"] > table["6-mers, bound"]).sum()
                ),
                "largest AUROC of GC": f"{table['gc_auroc'].max():.3f}",
                "motifs recovered": int((table["motif_pvalue"] < P_VALUE).sum()),
                "of another TF, mean (largest)": f"{controls.mean():.1f} ({controls.max()})",
            }
        )
    results = pd.concat(tables)
    RESULTS.mkdir(parents=True, exist_ok=True)
    results.to_csv(RESULTS / "yeast_binding.csv", index=False)
    figures = ["auroc", "motif", "6-mers", "gc_auroc", "auroc_bound", "6-mers, bound"]
    figures += ["auprc", "calibration_error"]
    by_seed = results.groupby("seed")[figures]
    print(markdown(pd.DataFrame(notes).set_index("seed")), "\n")
    print("Medians over the TFs\n\n" + markdown(by_seed.median()), "\n")
    print("Means over the TFs\n\n" + markdown(by_seed.mean()), "\n")
    per_tf = results.groupby("tf")
    shown = per_tf[["n", *figures]].mean().join(per_tf["auroc"].std().rename("auroc SD"))
    shown["seeds that recover"] = per_tf["motif_pvalue"].agg(lambda p: int((p < P_VALUE).sum()))
    print("Means over the seeds\n\n" + markdown(shown.sort_values("auroc")))


if __name__ == "__main__":
    typer.run(main)
