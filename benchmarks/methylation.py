"""Methylation of held-out CpGs, beside means of their neighbours and the other replicate.

``python -m benchmarks.methylation`` prints tables and writes ``results/methylation.csv``. The real
data are IMR90, 150,000 CpGs of chromosome 22 (hg18), one of two replicates. There is no sequence of
that assembly at hand, so what the sequence adds is shown on simulated data alone.
"""

from typing import Annotated, Any

import anndata as ad
import numpy as np
import pandas as pd
import typer
from scipy.stats import betabinom

import grnet as gn
from benchmarks._runs import CORES, RESULTS
from benchmarks._tables import machine, markdown, warn_unless_idle
from benchmarks.datasets import data_folder

FILE = "methylation/imr90_chr22_hg18_150k.tsv.gz"
BLOCK = 2_000
SETTINGS = {"single CpGs": 0, f"blocks of {BLOCK:,} bases": BLOCK}
FIGURES = ["pearson", "spearman", "rmse", "deviance", "auroc", "auprc"]
MOTIF = "TGACGTCA"
PLANTED = {"island": 0.08, "motif": 0.3, "elsewhere": 0.85}


def real(adata: ad.AnnData, sample: str, *, block: int, seed: int) -> pd.DataFrame:
    """Train on one replicate, and score it, the baselines and the other replicate."""
    fit = gn.train.methylation_levels(adata, sample=sample, block=block, seed=seed)
    held_out = fit.predictions["role"].eq("held_out").to_numpy()
    own = fit.predictions.loc[held_out]
    other = adata[[name for name in adata.obs_names if name != sample]]
    m, c = (np.asarray(other.layers[n].sum(axis=0)).ravel() for n in ("methylated", "coverage"))
    # two reads of the overall level, so that a CpG with one read is not taken to be sure of it
    level = ((m + 2 * m.sum() / c.sum()) / (c + 2))[held_out]
    scores = gn.train.methylation_scores(own["methylated"], own["coverage"], level)
    table = pd.concat([fit.metrics, scores.to_frame("other replicate").T])
    return table.assign(seconds=fit.seconds, within=within(own.loc[own["coverage"] >= 20]))


def within(own: pd.DataFrame) -> float:
    """Return the share of counts of reads that lie in nine tenths of the expected distribution."""
    yes, strength = own["predicted"] * own["strength"], own["strength"]
    low, high = (betabinom.ppf(q, own["coverage"], yes, strength - yes) for q in (0.05, 0.95))
    return float(own["methylated"].between(low, high).mean())


def simulated(seed: int, *, length: int) -> tuple[gn.io.Genome, pd.DataFrame]:
    """Return a genome with unmethylated islands and motifs, and the reads of its CpGs."""
    rng = np.random.default_rng(seed)
    bases = rng.choice(4, length, p=[0.31, 0.19, 0.19, 0.31])
    at = rng.choice(length // 4_000, length // 8_000, replace=False) * 4_000 + 500
    for start in at:
        bases[start : start + 1_000] = rng.choice(4, 1_000, p=[0.16, 0.34, 0.34, 0.16])
    motif = np.array(["ACGT".index(letter) for letter in MOTIF])
    places = rng.choice(length - 8, length // 1_000, replace=False)
    for place in places:
        bases[place : place + 8] = motif
    cpg = np.flatnonzero((bases[:-1] == 1) & (bases[1:] == 2))
    kind = np.full(len(cpg), "elsewhere", dtype=object)
    near = np.abs(cpg[:, None] - np.sort(places)[_nearest(cpg, np.sort(places))]).min(1) < 60
    kind[near] = "motif"
    island = np.zeros(length, dtype=bool)
    for start in at:
        island[start : start + 1_000] = True
    kind[island[cpg]] = "island"
    mean = pd.Series(kind).map(PLANTED).to_numpy(float)
    level = rng.beta(mean * 15, (1 - mean) * 15)
    coverage = rng.poisson(8, len(cpg)) * (rng.random(len(cpg)) < 0.5)
    sites = pd.DataFrame({"chrom": "chr1", "start": cpg, "end": cpg + 2, "coverage": coverage})
    sites["methylated"] = rng.binomial(coverage, level)
    letters = "".join(np.array(list("ACGT"))[bases])
    return gn.io.Genome.from_sequences({"chr1": letters}), sites


def _nearest(values: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Return the places on both sides of each value."""
    right = np.searchsorted(among, values).clip(1, len(among) - 1)
    return np.stack([right - 1, right], 1)


def with_sequence(seed: int, *, length: int) -> pd.DataFrame:
    """Compare neighbours, sequence and both on the simulated genome."""
    genome, sites = simulated(seed, length=length)
    rows: dict[str, Any] = {}
    for name, config in {
        "neighbours": gn.models.MethylationModelConfig(),
        "sequence": gn.models.MethylationModelConfig(n_neighbours=0, window=160, n_filters=32),
        "both": gn.models.MethylationModelConfig(window=160, n_filters=32),
    }.items():
        fit = gn.train.methylation_levels(
            sites,
            genome=genome if config.window else None,
            config=config,
            seed=seed,
        )
        rows[name] = fit.metrics.assign(seconds=fit.seconds).loc["model"]
    rows["kernel mean"] = fit.metrics.loc["kernel mean"]
    return pd.DataFrame(rows).T


def spread(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Return mean and spread over the seeds as text."""
    stacked = pd.concat(tables, keys=range(len(tables)), names=["seed", "predictor"])
    groups = stacked[FIGURES].groupby("predictor", sort=False)
    mean, sd = groups.mean(), groups.std(ddof=1)
    text = mean.map("{:.3f}".format) + " ± " + sd.map("{:.3f}".format)
    return text.where(mean.notna(), "")


def show(name: str, tables: list[pd.DataFrame]) -> None:
    """Print what was found in one setting."""
    n, levels = tables[0].loc["model", ["n", "n_levels"]].astype(int)
    print(f"##### Held out: {name} ({n:,} CpGs with reads, {levels:,} with five or more)\n")
    print(markdown(spread(tables)))
    seconds = [table.loc["model", "seconds"] for table in tables]
    share = np.mean([table.loc["model", "within"] for table in tables])
    print(
        f"\n- {min(seconds):.0f} to {max(seconds):.0f} s of training and prediction, {CORES} cores."
        f"\n- {share:.0%} of the CpGs with 20 reads or more have as many methylated ones as the "
        "model expects of at least 90 %.\n"
    )


def main(
    *,
    seeds: Annotated[int, typer.Option(help="Runs of each.")] = 3,
    cpgs: Annotated[int, typer.Option(help="Real CpGs, from the first on.")] = 150_000,
    length: Annotated[int, typer.Option(help="Bases of the simulated genome.")] = 600_000,
) -> None:
    """Compare predictors of methylation."""
    warn_unless_idle()
    print(f"`python -m benchmarks.methylation`, {machine()}; {seeds} seeds\n")
    adata = gn.io.read_methylation(data_folder() / FILE)[:, :cpgs].copy()
    sample = str(adata.obs_names[0])
    kept = []
    for name, block in SETTINGS.items():
        tables = [real(adata, sample, block=block, seed=seed) for seed in range(seeds)]
        show(name, tables)
        kept += [table.assign(held_out=name, seed=seed) for seed, table in enumerate(tables)]
    tables = [with_sequence(seed, length=length) for seed in range(seeds)]
    print(
        "##### Simulated sequence: islands and a motif lower the level, half of the CpGs "
        "have reads\n"
    )
    print(markdown(spread(tables)))
    kept += [table.assign(held_out="simulated", seed=seed) for seed, table in enumerate(tables)]
    RESULTS.mkdir(parents=True, exist_ok=True)
    pd.concat(kept).to_csv(RESULTS / "methylation.csv", index_label="predictor")


if __name__ == "__main__":
    typer.run(main)
