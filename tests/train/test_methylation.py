"""Methylation: nothing leaks, planted truth is found, reads count."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from scipy.stats import betabinom, binom

import grnet as gn
from grnet.train import _methylation_baselines as baselines
from grnet.train._methylation_batches import CpGs, beta_binomial_loss
from grnet.train._methylation_sites import drawn, inside, neighbours, sites_of, windows

SMALL = gn.models.MethylationModelConfig(n_neighbours=4, width=16, n_layers=1)
QUICK = gn.train.FitSettings(max_epochs=2, batch_size=128, learning_rate=5e-3)


def planted(n=1500, *, seed=0, stretch=25, reads=12):
    """Stretches of CpGs with one level each, on two chromosomes."""
    rng = np.random.default_rng(seed)
    level = np.repeat(rng.beta(0.6, 0.6, n // stretch + 1), stretch)[:n]
    coverage = rng.poisson(reads, n)
    half = n // 2
    return pd.DataFrame(
        {
            "chrom": np.where(np.arange(n) < half, "chr1", "chr2"),
            "start": np.concatenate(
                [np.cumsum(rng.integers(2, 60, size)) for size in (half, n - half)]
            ),
            "coverage": coverage,
            "methylated": rng.binomial(coverage, level),
            "truth": level,
        }
    )


def fitted(frame, **options):
    options = {"config": SMALL, "settings": QUICK} | options
    return gn.train.methylation_levels(frame, **options)


@pytest.fixture(scope="module")
def fit():
    return fitted(planted(), settings=gn.train.FitSettings(max_epochs=8, learning_rate=5e-3))


def test_planted_levels_are_found(fit):
    truth = planted()["truth"].to_numpy()
    out = fit.predictions["role"].eq("held_out").to_numpy()
    error = {
        "predicted": fit.predictions["predicted"][out] - truth[out],
        "measured": fit.predictions["level"][out] - truth[out],
    }
    assert np.corrcoef(fit.predictions["predicted"][out], truth[out])[0, 1] > 0.8
    assert error["predicted"].abs().mean() < 0.15
    assert fit.metrics.loc["model", "deviance"] < fit.metrics.loc["overall level", "deviance"] / 2


def test_every_site_has_one_row_and_one_role(fit):
    given = planted()
    table = fit.predictions
    pd.testing.assert_series_equal(table["start"], given["start"])
    assert (table["role"].eq("uncovered") == given["coverage"].eq(0)).all()
    assert table["level"].isna().eq(given["coverage"].eq(0)).all()
    assert table["role"].notna().all()
    assert table["predicted"].between(table["low"], table["high"]).mean() > 0.95
    share = table["role"].eq("held_out").sum() / given["coverage"].gt(0).sum()
    assert share == pytest.approx(0.1, abs=0.02)


def test_metrics_are_those_of_the_table(fit):
    out = fit.predictions.query("role == 'held_out'")
    again = gn.train.methylation_scores(out["methylated"], out["coverage"], out["predicted"])
    pd.testing.assert_series_equal(fit.metrics.loc["model"], again, check_names=False)


def test_a_model_from_a_file_says_the_same_of_reads_that_were_held_out(fit, tmp_path):
    frame = planted()
    out = fit.predictions["role"].eq("held_out").to_numpy()
    frame.loc[out, ["methylated", "coverage"]] = 0
    model = gn.models.load(gn.models.save(fit.model, tmp_path / "model.safetensors"))
    again = gn.train.predict_methylation(model, frame)
    columns = ["chrom", "start", "predicted", "low", "high"]
    pd.testing.assert_frame_equal(again[columns], fit.predictions[columns])
    assert again["level"].isna().sum() == (frame["coverage"] == 0).sum()


def test_uncovered_cpgs_get_the_level_of_their_stretch():
    frame = planted(4000, seed=3, reads=2)
    sparse = fitted(frame, settings=gn.train.FitSettings(max_epochs=3, learning_rate=5e-3))
    empty = sparse.predictions["role"].eq("uncovered").to_numpy()
    assert empty.sum() > 300
    found = np.corrcoef(sparse.predictions["predicted"][empty], frame["truth"][empty])[0, 1]
    assert found > 0.6


@pytest.mark.parametrize("block", [0, 2000])
def test_reads_of_held_out_cpgs_change_no_prediction(block):
    frame = planted(600)
    first = fitted(frame, block=block)
    out = first.predictions["role"].eq("held_out").to_numpy()
    changed = frame.copy()
    changed.loc[out, "methylated"] = frame["coverage"][out] - frame["methylated"][out]
    changed.loc[out, ["methylated", "coverage"]] += [1, 3]
    second = fitted(changed, block=block)
    columns = ["predicted", "low", "high", "role"]
    pd.testing.assert_frame_equal(first.predictions[columns], second.predictions[columns])
    pd.testing.assert_frame_equal(first.history, second.history)


def test_no_prediction_knows_of_its_own_reads():
    """Of a trained model: other reads at a seen CpG move its neighbours, never itself."""
    frame = planted(300)
    sites = sites_of(frame, sample=None)
    seen = np.flatnonzero(sites.covered)
    at = int(seen[100])
    other = frame.copy()
    other.loc[at, ["methylated", "coverage"]] = [40, 40]
    changed = sites_of(other, sample=None)
    everyone = np.arange(len(frame))
    before, after = (neighbours(s, seen, everyone, n=4) for s in (sites, changed))
    moved = (before != after).any(axis=(1, 2))
    assert not moved[at]
    assert moved[[at - 1, at + 1]].all()


def test_the_other_strand_of_a_cpg_is_no_neighbour_and_is_held_out_with_it():
    cpgs = planted(400)
    other = cpgs.assign(start=cpgs["start"] + 1)
    both = pd.concat([cpgs, other]).drop_duplicates(["chrom", "start"])
    sites = sites_of(both, sample=None)
    everyone = np.arange(len(sites.place))
    around = neighbours(sites, everyone, everyone, n=3)
    there = around[..., 1] > 0
    assert np.abs(around[..., 2][there]).min() >= 2
    hidden = drawn(sites, 0.2, block=0, rng=np.random.default_rng(0))
    for group in np.unique(sites.same_cpg):
        assert len(set(hidden[sites.same_cpg == group])) == 1


def test_neighbours_are_the_nearest_seen_on_either_side():
    sites = sites_of(planted(200), sample=None)
    seen = np.flatnonzero(sites.covered & (np.arange(200) % 3 > 0))
    around = neighbours(sites, seen, np.arange(200), n=3)
    chrom = sites.frame["chrom"].to_numpy()
    start = sites.frame["start"].to_numpy()
    for target in range(0, 200, 7):
        usable = [
            i for i in seen if chrom[i] == chrom[target] and abs(start[i] - start[target]) > 1
        ]
        left = [start[i] - start[target] for i in usable if start[i] < start[target]][-3:]
        right = [start[i] - start[target] for i in usable if start[i] > start[target]][:3]
        expected = [0] * (3 - len(left)) + left + right + [0] * (3 - len(right))
        assert around[target, :, 2].tolist() == expected


def test_gap_hides_what_is_near():
    sites = sites_of(planted(600), sample=None)
    rows = np.flatnonzero(sites.covered)
    left = np.full(len(rows), 300)
    around = neighbours(sites, rows, rows, n=5, gap=(left, left * 2))
    distance = around[..., 2][around[..., 1] > 0]
    assert ((distance < -300) | (distance > 600)).all()


def test_training_with_blocks_sees_gaps_and_near_neighbours():
    sites = sites_of(planted(600), sample=None)
    rows = np.flatnonzero(sites.covered)
    batch = CpGs(sites, rows, seen=rows, config=SMALL, gap=2000).__getitems__(list(range(400)))
    nearest = batch["neighbours"][..., 2].abs()
    nearest = torch.where(nearest > 0, nearest, torch.inf).amin(1)
    assert 0.3 < (nearest < 70).float().mean() < 0.8
    assert (nearest > 300).float().mean() > 0.1


def test_blocks_are_held_out_whole():
    sites = sites_of(planted(2000), sample=None)
    hidden = drawn(sites, 0.2, block=1000, rng=np.random.default_rng(0))
    block = sites.frame["chrom"] + "_" + (sites.frame["start"] // 1000).astype(str)
    # only a CpG whose two strands lie on both sides of a seam may leave its block
    share = pd.Series(hidden).groupby(block.to_numpy()).mean()
    assert share.isin([0, 1]).mean() > 0.98
    assert hidden.mean() == pytest.approx(0.2, abs=0.05)


def test_regions_are_held_out():
    frame = planted()
    regions = pd.DataFrame({"chrom": ["chr2", "chr2"], "start": [500, 5000], "end": [900, 9000]})
    out = fitted(frame, held_out=regions).predictions.query("role == 'held_out'")
    assert (out["chrom"] == "chr2").all()
    asked = frame.query("chrom == 'chr2' and coverage > 0")["start"]
    asked = asked[asked.between(500, 899) | asked.between(5000, 8999)]
    assert out["start"].tolist() == asked.tolist()
    assert inside(sites_of(frame, sample=None), regions).sum() >= len(out)


def test_loss_is_the_beta_binomial_likelihood():
    rng = np.random.default_rng(0)
    raw = torch.tensor(rng.normal(size=(50, 2)))
    coverage = rng.integers(0, 40, 50)
    methylated = rng.binomial(coverage, 0.4)
    level, strength = raw[:, 0].sigmoid().numpy(), raw[:, 1].exp().numpy()
    whole = betabinom.logpmf(methylated, coverage, level * strength, (1 - level) * strength)
    coefficient = binom.logpmf(methylated, coverage, 0.5) - coverage * np.log(0.5)
    ours = beta_binomial_loss(raw, torch.tensor(methylated), torch.tensor(coverage))
    assert float(ours) == pytest.approx(-(whole - coefficient).mean(), rel=1e-6)


def test_a_seed_repeats_and_the_callers_chance_is_left_alone():
    frame = planted(400)
    torch.manual_seed(5)
    state = torch.get_rng_state()
    first, second, other = (fitted(frame, seed=seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first.predictions, second.predictions)
    assert not first.predictions["role"].equals(other.predictions["role"])
    assert torch.equal(state, torch.get_rng_state())


def test_order_of_the_rows_does_not_matter_and_the_input_is_left():
    frame = planted(400)
    mixed = frame.sample(frac=1, random_state=0)
    kept = mixed.copy()
    pd.testing.assert_frame_equal(fitted(frame).predictions, fitted(mixed).predictions)
    pd.testing.assert_frame_equal(mixed, kept)


def test_an_anndata_gives_the_sum_of_its_samples_or_one_of_them():
    first, second = planted(400), planted(400)
    second[["coverage", "methylated"]] = planted(400, seed=1)[["coverage", "methylated"]]
    layers = {
        name: sp.csr_matrix(np.stack([first[name], second[name]]))
        for name in ("coverage", "methylated")
    }
    names = [f"{c}:{s}-{s + 1}" for c, s in zip(first["chrom"], first["start"], strict=True)]
    adata = ad.AnnData(
        layers=layers,
        obs=pd.DataFrame(index=["a", "b"]),
        var=pd.DataFrame(index=names),
        shape=(2, 400),
    )
    whole, one = sites_of(adata, sample=None), sites_of(adata, sample="b")
    assert whole.coverage.tolist() == (first["coverage"] + second["coverage"]).tolist()
    assert one.methylated.tolist() == second["methylated"].tolist()
    with pytest.raises(ValueError, match="Unknown sample 'c'"):
        sites_of(adata, sample="c")
    del adata.layers["coverage"]
    with pytest.raises(ValueError, match="lacks 'coverage': expected counts of reads"):
        sites_of(adata, sample=None)


def islands(*, seed=0, n=40_000):
    """A genome whose CpG-rich islands are unmethylated, and its CpGs."""
    rng = np.random.default_rng(seed)
    bases = rng.choice(4, n, p=[0.32, 0.18, 0.18, 0.32])
    for start in range(2_000, n - 800, 3_000):
        bases[start : start + 800] = rng.choice(4, 800, p=[0.15, 0.35, 0.35, 0.15])
    text = "".join(np.array(list("ACGT"))[bases])
    at = np.flatnonzero((bases[:-1] == 1) & (bases[1:] == 2))
    low = (at % 3_000 >= 2_000) & (at % 3_000 < 2_800) & (at < n - 800)
    coverage = rng.poisson(10, len(at))
    frame = pd.DataFrame({"chrom": "chr1", "start": at, "end": at + 2, "coverage": coverage})
    frame["methylated"] = rng.binomial(coverage, np.where(low, 0.1, 0.85))
    return gn.io.Genome.from_sequences({"chr1": text}), frame


def test_sequence_alone_finds_planted_islands():
    genome, frame = islands()
    config = gn.models.MethylationModelConfig(n_neighbours=0, window=120, n_filters=16, width=16)
    settings = gn.train.FitSettings(max_epochs=3, learning_rate=5e-3)
    fit = fitted(frame, genome=genome, config=config, settings=settings)
    assert fit.metrics.loc["model", "auroc"] > 0.8


def test_windows_have_the_cpg_in_their_middle_whichever_strand_is_named():
    genome, frame = islands(n=8_000)
    named = pd.concat([frame, frame.assign(start=frame["start"] + 1)]).drop_duplicates("start")
    named["end"] = named["start"] + 1
    sites = sites_of(named, sample=None)
    codes = genome.sequence(windows(sites, genome), width=20)
    assert (codes[:, 9:11] == [1, 2]).mean() > 0.95


def test_another_assembly_is_refused():
    genome, frame = islands(n=8_000)
    frame[["start", "end"]] += 7
    with pytest.raises(ValueError, match="are a CG in the genome"):
        fitted(frame.iloc[:-3], genome=genome, config=None)


def test_genome_and_config_go_together():
    genome, frame = islands(n=8_000)
    with pytest.raises(ValueError, match=r"config\.window=0, but a genome was given"):
        fitted(frame, genome=genome)
    reads_sequence = gn.models.MethylationModelConfig(window=40)
    with pytest.raises(ValueError, match=r"config\.window=40, but no genome was given"):
        fitted(frame, config=reads_sequence)
    with pytest.raises(ValueError, match=r"config\.window=40, but no genome was given"):
        gn.train.predict_methylation(gn.models.MethylationModel(reads_sequence), frame)


def test_kernel_is_a_weighted_share_and_its_width_fits_the_planted_one():
    frame = planted(3000, stretch=50)
    sites = sites_of(frame, sample=None)
    seen = np.flatnonzero(sites.covered)
    width, prior = baselines.tuned_kernel(sites, seen, seen, rng=np.random.default_rng(0))
    assert 50 < width < 5_000
    by_hand = []
    share = frame["methylated"].sum() / frame["coverage"].sum()
    for at in seen[:20]:
        near = frame["chrom"].eq(frame["chrom"][at]) & (
            frame["start"] - frame["start"][at]
        ).abs().gt(1)
        near &= np.arange(len(frame)) <= seen[np.searchsorted(seen, at) + 48]
        weight = np.exp(-(frame["start"] - frame["start"][at]).abs() / width) * near
        by_hand.append(
            ((weight * frame["methylated"]).sum() + prior * share)
            / ((weight * frame["coverage"]).sum() + prior)
        )
    ours = baselines.kernel_mean(sites, seen, seen[:20], width=width, prior=prior)
    np.testing.assert_allclose(ours, by_hand, rtol=1e-4)


def test_neighbour_mean_of_equal_levels_is_that_level():
    frame = planted(200).assign(coverage=10, methylated=3)
    sites = sites_of(frame, sample=None)
    everyone = np.arange(200)
    np.testing.assert_allclose(baselines.neighbour_mean(sites, everyone, everyone, n=2), 0.3)


def test_scores_of_the_truth_are_perfect_and_of_its_opposite_the_worst():
    rng = np.random.default_rng(0)
    coverage = rng.integers(5, 30, 200)
    methylated = rng.binomial(coverage, rng.random(200))
    level = methylated / coverage
    best = gn.train.methylation_scores(methylated, coverage, level)
    worst = gn.train.methylation_scores(methylated, coverage, 1 - level)
    assert best[["pearson", "spearman", "auroc", "auprc"]].tolist() == pytest.approx([1, 1, 1, 1])
    assert best["rmse"] == 0
    assert best["deviance"] < 0.1
    assert worst["auroc"] == pytest.approx(0, abs=1e-9)
    assert worst["pearson"] == pytest.approx(-1)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda f: f.drop(columns="coverage"), "lacks the column"),
        (lambda f: f.assign(methylated=f["coverage"] + 1), "more methylated reads than reads"),
        (lambda f: pd.concat([f, f]), "sites occur twice"),
        (lambda f: f.assign(coverage=0, methylated=0), "0 CpGs with reads are held out"),
        (lambda f: f.iloc[:40], "left to train on"),
    ],
)
def test_what_cannot_be_learnt_from_is_refused(change, text):
    with pytest.raises(ValueError, match=text):
        fitted(change(planted(300)))


def test_levels_beyond_zero_and_one_are_refused():
    ones = np.ones(3)
    with pytest.raises(ValueError, match="between 0 and 1"):
        gn.train.methylation_scores(ones, ones, ones * 80)
    with pytest.raises(ValueError, match="one of each per CpG"):
        gn.train.methylation_scores(ones, ones, np.ones(2))


def test_real_cpgs_are_predicted_better_than_by_their_neighbours(real_data):
    file = real_data / "methylation" / "imr90_chr22_hg18_150k.tsv.gz"
    table = pd.read_csv(file, sep="\t", nrows=8_000)
    frame = pd.DataFrame(
        {
            "chrom": table["chrom"],
            "start": table["pos"] - 1,
            "methylated": table["M_r1"],
            "coverage": table["Cov_r1"],
        }
    )
    fit = fitted(
        frame,
        config=gn.models.MethylationModelConfig(n_neighbours=8, width=16),
        settings=gn.train.FitSettings(max_epochs=2, batch_size=128, learning_rate=5e-3),
    )
    scores = fit.metrics
    assert scores.loc["model", "deviance"] < scores.loc["kernel mean", "deviance"]
    assert scores.loc["model", "pearson"] > scores.loc["neighbour mean", "pearson"] + 0.02
