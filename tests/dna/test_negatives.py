"""Negatives: what they share with the positives, and what they must not touch."""

import logging

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

import grnet as gn
from grnet.dna import _composition


def patchy(seed=0, n=300_000, size=1000):
    """Letters whose GC share changes from patch to patch."""
    rng = np.random.default_rng(seed)
    share = np.repeat(rng.uniform(0.25, 0.7, n // size), size)
    strong = rng.random(n) < share
    return "".join(np.where(strong, rng.choice(list("GC"), n), rng.choice(list("AT"), n)))


@pytest.fixture(scope="module")
def genome():
    return gn.io.Genome.from_sequences({"chr1": patchy(0), "chr2": patchy(1, n=200_000)})


@pytest.fixture(scope="module")
def peaks(genome):
    """The windows richest in GC among random ones."""
    rng = np.random.default_rng(2)
    chrom = rng.choice(["chr1", "chr2"], 900, p=[0.6, 0.4])
    start = rng.integers(0, genome.sizes[chrom].to_numpy() - 200)
    table = pd.DataFrame({"chrom": chrom, "start": start, "end": start + 200})
    return table.assign(gc=genome.gc(table)).nlargest(300, "gc").drop(columns="gc")


def overlapping(left, right):
    """Whether any two of them overlap, pair by pair."""
    same = left["chrom"].to_numpy()[:, None] == right["chrom"].to_numpy()
    return same & (
        (left["start"].to_numpy()[:, None] < right["end"].to_numpy())
        & (right["start"].to_numpy() < left["end"].to_numpy()[:, None])
    )


def gc_auroc(genome, positives, negatives):
    """AUROC of GC alone, in the better direction, and of a classifier on GC."""
    gc = np.concatenate([genome.gc(positives), genome.gc(negatives)])
    truth = np.arange(len(gc)) < len(positives)
    auroc = roc_auc_score(truth, gc)
    bins = np.digitize(gc, np.quantile(gc, np.linspace(0, 1, 11)[1:-1]))
    fitted = LogisticRegression().fit(np.eye(10)[bins], truth).predict_proba(np.eye(10)[bins])
    return max(auroc, 1 - auroc), roc_auc_score(truth, fitted[:, 1])


def test_gc_alone_tells_nothing(genome, peaks):
    negatives = gn.dna.matched_negatives(genome, peaks)
    matched = peaks.loc[negatives["positive"]].reset_index(drop=True)
    assert len(negatives) > 0.95 * len(peaks)
    assert max(gc_auroc(genome, matched, negatives)) <= 0.55
    rng = np.random.default_rng(0)
    start = rng.integers(0, 199_000, len(matched))
    drawn = matched.assign(start=start, end=start + 200)
    assert gc_auroc(genome, matched, drawn)[0] > 0.8


def test_each_negative_resembles_its_positive_on_the_same_chromosome(genome, peaks):
    negatives = gn.dna.matched_negatives(genome, peaks.head(80), n_per_positive=2, tolerance=0.03)
    positives = peaks.loc[negatives["positive"]].reset_index(drop=True)
    assert negatives["positive"].value_counts().max() == 2
    assert (negatives["chrom"] == positives["chrom"]).all()
    assert (negatives["end"] - negatives["start"] == 200).all()
    difference = abs(genome.gc(negatives) - genome.gc(positives))
    assert difference.max() <= 0.03 + 1e-9
    np.testing.assert_allclose(negatives["gc"], genome.gc(negatives))


def test_negatives_touch_nothing_and_not_each_other(genome, peaks):
    exclude = pd.DataFrame({"chrom": "2", "start": [0], "end": [150_000]})
    negatives = gn.dna.matched_negatives(genome, peaks, exclude=exclude, tolerance=0.1)
    harmonised = exclude.assign(chrom="chr2")
    assert not overlapping(negatives, peaks).any()
    assert not overlapping(negatives, harmonised).any()
    np.testing.assert_array_equal(overlapping(negatives, negatives), np.eye(len(negatives)))


def test_lengths_and_strands_are_those_of_the_positives(genome):
    rng = np.random.default_rng(4)
    start = rng.integers(0, 190_000, 60)
    length = rng.integers(50, 400, 60)
    strand = rng.choice(["+", "-"], 60)
    table = pd.DataFrame({"chrom": "1", "start": start, "end": start + length, "strand": strand})
    table.index = [f"peak{i}" for i in range(60)]
    negatives = gn.dna.matched_negatives(genome, table, tolerance=0.05)
    positives = table.loc[negatives["positive"]]
    assert len(negatives) > 50
    assert (
        (negatives["end"] - negatives["start"]).to_numpy()
        == (positives["end"] - positives["start"]).to_numpy()
    ).all()
    assert (negatives["strand"].to_numpy() == positives["strand"].to_numpy()).all()
    assert set(negatives["chrom"]) == {"chr1"}


def test_seeds_repeat_and_the_input_stays(genome, peaks):
    given = peaks.copy()
    one, other, third = (gn.dna.matched_negatives(genome, peaks, seed=seed) for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(peaks, given)
    pd.testing.assert_frame_equal(one, other)
    assert set(one["start"]) != set(third["start"])


def test_repeats_and_simple_sequence_are_matched():
    """Half of the chromosome is masked, a quarter of each half is a strict repeat of two bases."""
    rng = np.random.default_rng(0)
    letters = rng.choice(list("ACGT"), 100_000)
    for begin in range(0, 100_000, 2000):
        letters[begin : begin + 500] = np.tile(list("ACGT")[rng.integers(0, 2) :: 2], 250)
    genome = gn.io.Genome.from_sequences({"c": "".join(letters)})
    repeats = pd.DataFrame({"chrom": "c", "start": np.arange(0, 100_000, 10_000)})
    repeats["end"] = repeats["start"] + 5000
    start = np.sort(rng.choice(np.arange(0, 99_900, 100), 60, replace=False))
    table = pd.DataFrame({"chrom": "c", "start": start, "end": start + 100})
    negatives = gn.dna.matched_negatives(genome, table, repeats=repeats, tolerance=0.1)
    positives = table.loc[negatives["positive"]].reset_index(drop=True)
    cover = _composition.Cover(repeats)
    mine, theirs = (_composition.composition(genome, t, cover) for t in (negatives, positives))
    assert len(negatives) > 30
    assert np.ptp(theirs[:, 2]) > 0.5
    assert np.ptp(theirs[:, 3]) > 0.5
    assert abs(mine[:, 1:] - theirs[:, 1:]).max() <= 0.1 + 1e-9


def test_too_little_room_is_told_and_none_is_an_error(caplog):
    genome = gn.io.Genome.from_sequences({"c": patchy(0, n=3000, size=3000)})
    table = pd.DataFrame({"chrom": "c", "start": [0, 400, 800], "end": [300, 700, 1100]})
    with caplog.at_level(logging.WARNING, logger="grnet.dna.sample"):
        negatives = gn.dna.matched_negatives(genome, table, n_per_positive=5, tolerance=0.2)
    assert 3 <= len(negatives) <= 6
    assert f"{15 - len(negatives)} of 15 negatives were not found" in caplog.text
    with pytest.raises(ValueError, match=r"3 of 3 negatives.*Raise the tolerance"):
        gn.dna.matched_negatives(
            genome, table, exclude=pd.DataFrame({"chrom": ["c"], "start": [0], "end": [3000]})
        )


def test_unknown_chromosomes_and_other_assemblies_are_refused(genome):
    with pytest.raises(ValueError, match="chr9"):
        gn.dna.matched_negatives(genome, pd.DataFrame({"chrom": ["chr9"], "start": 0, "end": 9}))
    beyond = pd.DataFrame({"chrom": ["chr2"], "start": [0], "end": [10**6]})
    with pytest.raises(ValueError, match="end beyond their chromosome"):
        gn.dna.matched_negatives(genome, beyond)


def test_gaps_lie_between_what_is_blocked():
    cover = _composition.Cover(pd.DataFrame({"chrom": ["a"], "start": [10], "end": [20]}))
    begin, end = cover.free("a", 30)
    assert (begin.tolist(), end.tolist()) == ([0, 20], [10, 30])


@pytest.mark.parametrize(("text", "low"), [("A" * 80, 80), ("ACGT" * 20, 80), ("N" * 80, 0)])
def test_low_complexity(text, low):
    assert _composition.low_complexity(gn.dna.to_codes([text])).tolist() == [low]


def test_random_dna_is_of_high_complexity_and_a_repeat_in_it_is_found():
    codes = np.random.default_rng(0).integers(0, 4, (20, 300)).astype(np.uint8)
    assert _composition.low_complexity(codes).sum() < 60
    codes[:, 100:160] = np.tile([0, 1], 30)
    found = _composition.low_complexity(codes)
    assert (found >= 55).all()
    assert (found <= 60 + 2 * 45).all()  # a third of a window suffices


def test_covered_bases_are_counted():
    rng = np.random.default_rng(0)
    start = rng.integers(0, 900, 20)
    repeats = pd.DataFrame({"chrom": "a", "start": start, "end": start + rng.integers(1, 60, 20)})
    marked = np.zeros(1000)
    for begin, end in zip(repeats["start"], repeats["end"], strict=True):
        marked[begin:end] = 1
    start = rng.integers(0, 900, 50)
    table = pd.DataFrame({"chrom": "a", "start": start, "end": start + rng.integers(0, 100, 50)})
    expected = [marked[a:b].sum() for a, b in zip(table["start"], table["end"], strict=True)]
    np.testing.assert_array_equal(_composition.Cover(repeats).bases(table), expected)


def test_real_peaks_of_yeast(real_data, tmp_path):
    folder = real_data / "yeast"
    genome = gn.io.Genome(folder / "genome" / "R64-1-1.fa.gz", cache=tmp_path)
    names = ["chrom", "start", "end", "protein", "score", "strand"]
    file = folder / "chip" / "rossi2021_chipexo_peaks.bed.gz"
    table = pd.read_csv(file, sep="\t", header=None, names=names)
    for protein in ("Reb1", "Abf1", "Rap1"):
        mine = table.loc[table["protein"] == protein]
        mine = mine.assign(start=mine["start"] - 100, end=mine["start"] + 100)
        negatives = gn.dna.matched_negatives(genome, mine.loc[mine["start"] >= 0])
        positives = genome.harmonise(mine.loc[negatives["positive"]], what="peaks")
        assert len(negatives) > 0.9 * len(mine)
        assert max(gc_auroc(genome, positives, negatives)) <= 0.55
