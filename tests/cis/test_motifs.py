"""Motif scan: exact against all words, the same however the work is cut, right at the ends."""

import itertools
import logging

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from grnet._alphabet import reverse_complement, to_codes, to_text
from grnet.cis import _scan, _tiles
from grnet.cis._pwm import SCALE
from grnet.cis.motifs import scan_motifs
from grnet.io.genome import Genome
from grnet.io.motifs import Motif, read_motifs

PLACE = ["chrom", "start", "end", "strand", "motif"]


def motif_of(word, name="box", tfs=()):
    return Motif(name, tfs, np.eye(4)[to_codes(word)].T)


def random_motif(rng, width, name="random", sharpness=0.4):
    return Motif(name, (), rng.dirichlet([sharpness] * 4, size=width).T)


def whole(**sequences):
    """A genome in memory and one interval per chromosome."""
    lengths = {name: len(text) for name, text in sequences.items()}
    intervals = pd.DataFrame({"chrom": list(lengths), "start": 0, "end": list(lengths.values())})
    return Genome.from_sequences(sequences), intervals


def random_dna(rng, n, letters="ACGT", p=None):
    return "".join(rng.choice(list(letters), size=n, p=p))


def log_odds(motif, background):
    return np.log2(np.maximum(motif.probabilities, 1e-9) / np.asarray(background)[:, None])


def score(word, matrix):
    return sum(matrix[code, at] for at, code in enumerate(word))


def every_word(motif, background):
    """Whole-number scores and probabilities of all words."""
    whole_steps = np.rint(SCALE * log_odds(motif, background)).astype(int)
    words = np.array(list(itertools.product(range(4), repeat=motif.width)))
    scores = whole_steps[words, np.arange(motif.width)].sum(axis=1)
    return words, scores, np.prod(np.asarray(background)[words], axis=1)


def brute_force(text, motif, background, max_pvalue):
    """All hits by enumerating 4^w words and reading every window on both strands."""
    words, scores, chance = every_word(motif, background)
    levels, level = np.unique(scores, return_inverse=True)
    reach = np.bincount(level, weights=chance, minlength=len(levels))[::-1].cumsum()[::-1]
    pvalue = dict(zip(map(tuple, words), reach[level], strict=True))
    hits = []
    for start in range(len(text) - motif.width + 1):
        window = to_codes(text[start : start + motif.width])
        for strand, word in (("+", window), ("-", reverse_complement(window))):
            p = pvalue.get(tuple(word), 1.0)
            if p <= max_pvalue * (1 + 1e-9):
                hits.append((start, strand, p, score(word, log_odds(motif, background))))
    return pd.DataFrame(hits, columns=["start", "strand", "pvalue", "score"])


@pytest.mark.parametrize("width", [1, 2, 3, 5, 7, 8])
@pytest.mark.parametrize("share", [0.0, 9.0])  # look at every place, or look words up
def test_hits_and_pvalues_equal_those_of_all_words(monkeypatch, width, share):
    monkeypatch.setattr(_scan, "SHARE", share)
    rng = np.random.default_rng(width)
    background = [0.35, 0.15, 0.15, 0.35]
    text = random_dna(rng, 3000, "ACGTN", [0.3, 0.2, 0.19, 0.3, 0.01])
    for sharpness, max_pvalue in ((0.1, 0.1), (1.0, 0.01), (5.0, 0.001)):
        motif = random_motif(rng, width, sharpness=sharpness)
        expected = brute_force(text, motif, background, max_pvalue)
        if not len(expected):
            continue
        genome, intervals = whole(chr1=text)
        found = scan_motifs(
            genome, intervals, [motif], max_pvalue=max_pvalue, background=background
        )
        assert found["start"].tolist() == expected["start"].tolist()
        assert found["strand"].tolist() == expected["strand"].tolist()
        np.testing.assert_allclose(found["pvalue"], expected["pvalue"], rtol=1e-9)
        # rounding each column to 1/200 bit moves a score by at most half a step per column
        assert np.abs(found["score"] - expected["score"]).max() <= width / 2 / SCALE + 1e-9


@given(st.data())
def test_wide_motifs_are_found_where_a_plain_loop_finds_them(data):
    seed = data.draw(st.integers(0, 10_000))
    rng = np.random.default_rng(seed)
    motif = random_motif(rng, data.draw(st.integers(9, 26)), sharpness=data.draw(st.floats(0.1, 2)))
    text = random_dna(rng, data.draw(st.integers(0, 300)), "ACGTacgtN")
    genome, intervals = whole(chr1=f"ACGT{text}", chr2=random_dna(rng, 40))
    found = scan_motifs(genome, intervals, [motif], max_pvalue=0.01, background=[1, 1, 1, 1])
    steps = np.rint(SCALE * log_odds(motif, [0.25] * 4)).astype(int)
    lowest = round(found["score"].min() * SCALE) if len(found) else np.inf
    expected = []
    for chrom, codes in (("chr1", to_codes(f"ACGT{text}")), ("chr2", genome_codes(genome))):
        for start in range(len(codes) - motif.width + 1):
            window = codes[start : start + motif.width]
            if (window == 4).any():
                continue
            for strand, word in (("+", window), ("-", reverse_complement(window))):
                if score(word, steps) >= lowest:
                    expected.append((chrom, start, strand, score(word, steps) / SCALE))
    assert list(zip(found.chrom, found.start, found.strand, found.score.round(9), strict=True)) == [
        (*place, pytest.approx(bits)) for *place, bits in expected
    ]


def genome_codes(genome):
    return genome.sequence(pd.DataFrame({"chrom": ["chr2"], "start": [0], "end": [40]}))[0]


def test_pvalues_of_wide_motifs_are_the_share_of_hits_in_random_dna():
    rng = np.random.default_rng(3)
    background = np.array([0.3, 0.2, 0.2, 0.3])
    genome, intervals = whole(chr1=random_dna(rng, 400_000, p=background))
    motifs = [random_motif(rng, width, f"m{width}") for width in (10, 14, 18, 22, 26, 30)]
    found = scan_motifs(genome, intervals, motifs, max_pvalue=1e-3, background=background)
    expected = 400_000 * 2 * 1e-3
    counts = found["motif"].value_counts()
    assert ((counts - expected).abs() < 6 * np.sqrt(expected)).all()
    halves = (found["pvalue"] <= 5e-4).groupby(found["motif"]).mean()
    assert ((halves - 0.5).abs() < 0.1).all()


@pytest.mark.parametrize("text", ["AGTCCA", "TTTTTTAGTCCA", "AGTCCATTTTT", "agtcca", "TTagTCcaTT"])
def test_a_consensus_is_one_hit_wherever_it_lies(text):
    genome, intervals = whole(chr1=text)
    found = scan_motifs(genome, intervals, [motif_of("AGTCCA")], max_pvalue=1e-3)
    assert found["start"].tolist() == [text.upper().index("AGTCCA")]
    assert found["strand"].tolist() == ["+"]
    assert found["end"].tolist() == [text.upper().index("AGTCCA") + 6]


def test_the_other_strand_is_the_mirror():
    rng = np.random.default_rng(5)
    text = random_dna(rng, 5000)
    motifs = [random_motif(rng, 8, "short"), random_motif(rng, 21, "wide")]
    mirror = to_text(reverse_complement(to_codes(text)))
    there, back = (
        scan_motifs(*whole(chr1=dna), motifs, max_pvalue=1e-3, background=[0.3, 0.2, 0.2, 0.3])
        for dna in (text, mirror)
    )
    back = back.assign(
        start=5000 - back["end"],
        end=5000 - back["start"],
        strand=back["strand"].map({"+": "-", "-": "+"}),
    )
    columns = [*PLACE, "score", "pvalue"]
    order = ["start", "motif", "strand"]
    pd.testing.assert_frame_equal(
        there[columns].sort_values(order, ignore_index=True),
        back[columns].sort_values(order, ignore_index=True),
    )


def test_words_with_n_and_words_across_intervals_never_match():
    genome = Genome.from_sequences({"chr1": "AGTNCA", "chr2": "AGTCCA"})
    peaks = pd.DataFrame({"chrom": ["chr1", "chr2", "chr2"], "start": [0, 0, 3], "end": [6, 3, 6]})
    everywhere = Motif("any", (), np.full((4, 6), 0.25))
    sharp = motif_of("AGTCCA")
    found = scan_motifs(genome, peaks, [everywhere, sharp], max_pvalue=0.1, background=[1, 1, 1, 1])
    assert len(found) == 0


@pytest.fixture
def scene():
    rng = np.random.default_rng(11)
    sequences = {"chrI": random_dna(rng, 9000), "chrII": random_dna(rng, 5000, "ACGTN")}
    motifs = [random_motif(rng, w, f"m{w}", s) for w, s in ((7, 0.2), (11, 0.5), (24, 0.2))]
    starts = rng.integers(0, 4000, size=40)
    chroms = rng.choice(["chrI", "chrII"], size=40)
    peaks = pd.DataFrame({"chrom": chroms, "start": starts})
    peaks["end"] = starts + rng.integers(0, 900, size=40)
    return Genome.from_sequences(sequences), peaks.drop_duplicates(), motifs


def test_hits_do_not_depend_on_how_the_work_is_cut(monkeypatch, scene):
    whole_run = scan_motifs(*scene, max_pvalue=1e-3)
    monkeypatch.setattr(_tiles, "TILE", 37)
    monkeypatch.setattr(_tiles, "BLOCK", 2000)
    for share in (0.0, 9.0):
        monkeypatch.setattr(_scan, "SHARE", share)
        pd.testing.assert_frame_equal(scan_motifs(*scene, max_pvalue=1e-3), whole_run)


def test_many_hits_fit_the_buffer(monkeypatch):
    monkeypatch.setattr(_scan, "SHARE", 0.0)
    monkeypatch.setattr(_scan, "BUFFER", _scan.CHUNK)
    genome, intervals = whole(chr1="ACGG" * 5000)
    found = scan_motifs(genome, intervals, [motif_of("ACG")], max_pvalue=0.1)
    assert found.loc[found["strand"] == "+", "start"].tolist() == list(range(0, 20_000, 4))


def test_hits_do_not_depend_on_order_or_threads(scene):
    genome, peaks, motifs = scene
    expected = scan_motifs(genome, peaks, motifs, max_pvalue=1e-3)
    shuffled = peaks.sample(frac=1, random_state=0)
    n_threads = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        found = scan_motifs(genome, shuffled, motifs[::-1], max_pvalue=1e-3)
    finally:
        torch.set_num_threads(n_threads)
    by = ["peak", "start", "motif", "strand"]
    pd.testing.assert_frame_equal(
        found.sort_values(by, ignore_index=True), expected.sort_values(by, ignore_index=True)
    )


def test_the_hits_of_a_frame_keep_its_names_and_leave_it_untouched(scene):
    genome, peaks, motifs = scene
    renamed = peaks.assign(chrom=peaks["chrom"].map({"chrI": "1", "chrII": "2"}), score=1.0)
    before = renamed.copy()
    found = scan_motifs(genome, renamed, motifs, max_pvalue=1e-3)
    pd.testing.assert_frame_equal(renamed, before)
    names = renamed["chrom"] + ":" + renamed["start"].astype(str) + "-" + renamed["end"].astype(str)
    assert set(found["peak"]) <= set(names)
    assert set(found["chrom"]) == {"1", "2"}
    assert list(found) == [*PLACE, "tf", "score", "pvalue", "peak"]


def test_the_background_is_that_of_both_strands_of_the_intervals():
    genome = Genome.from_sequences({"chr1": "AAAAAAAACC" * 50 + "G" * 1000})
    peaks = pd.DataFrame({"chrom": ["chr1"], "start": [0], "end": [500]})
    motif = motif_of("CCA")
    found = scan_motifs(genome, peaks, [motif], max_pvalue=0.005)
    n = np.array([400, 100, 0, 0]) + 1
    a, c = (n + n[::-1])[:2] / (2 * n.sum())
    assert found["pvalue"].unique() == pytest.approx(c * c * a)
    given = scan_motifs(genome, peaks, [motif], max_pvalue=0.005, background=n)
    pd.testing.assert_frame_equal(found, given)


def test_best_only_keeps_one_hit_of_each_motif_and_interval(scene):
    genome, peaks, motifs = scene
    every = scan_motifs(genome, peaks, motifs, max_pvalue=0.01)
    best = scan_motifs(genome, peaks, motifs, max_pvalue=0.01, best_only=True)
    assert not best.duplicated(["peak", "motif"]).any()
    strongest = every.groupby(["peak", "motif"])["score"].max()
    pd.testing.assert_series_equal(
        best.set_index(["peak", "motif"])["score"].sort_index(), strongest.sort_index()
    )


def test_each_tf_of_a_motif_has_a_row():
    genome, intervals = whole(chr1="TTAGTCCATT")
    motifs = [motif_of("AGTCCA", "two", ("FOS", "JUN")), motif_of("AGTCCA", "none")]
    found = scan_motifs(genome, intervals, motifs, max_pvalue=1e-3)
    assert found[["motif", "tf"]].to_numpy().tolist() == [
        ["two", "FOS"],
        ["two", "JUN"],
        ["none", "none"],
    ]


def test_motifs_too_short_for_the_pvalue_are_named(caplog):
    genome, intervals = whole(chr1="TTAGTCCATT")
    motifs = [motif_of("AG", "tiny"), motif_of("AGTCCATT", "fine")]
    with caplog.at_level(logging.WARNING, logger="grnet"):
        scan_motifs(genome, intervals, motifs, max_pvalue=1e-3)
    assert "1 of 2 motifs cannot reach p <= 0.001" in caplog.text
    with pytest.raises(ValueError, match=r"No motif can reach p <= 1e-06.*'tiny'.*max_pvalue"):
        scan_motifs(genome, intervals, motifs[:1], max_pvalue=1e-6)


def test_no_hit_is_said(caplog):
    genome, intervals = whole(chr1="GGGGGGGGGG")
    with caplog.at_level(logging.WARNING, logger="grnet"):
        found = scan_motifs(genome, intervals, [motif_of("AAAAAAAA")], background=[1, 1, 1, 1])
    assert len(found) == 0
    assert list(found) == [*PLACE, "tf", "score", "pvalue", "peak"]
    assert "no motif has a hit with p <= 0.0001 in 1 intervals" in caplog.text


def test_errors_name_the_fix():
    genome, intervals = whole(chr1="ACGTNNNN")
    motif = motif_of("ACGT")
    with pytest.raises(ValueError, match="Found 1 intervals and 0 motifs"):
        scan_motifs(genome, intervals, [])
    with pytest.raises(ValueError, match="Found 0 intervals and 1 motifs"):
        scan_motifs(genome, intervals.iloc[:0], [motif])
    with pytest.raises(ValueError, match=r"no background.*four positive numbers"):
        scan_motifs(genome, intervals, [motif], background=[0.5, 0.5])
    with pytest.raises(ValueError, match="max_pvalue=0 is out of range"):
        scan_motifs(genome, intervals, [motif], max_pvalue=0)
    with pytest.raises(ValueError, match="hold no letter but N"):
        scan_motifs(genome, intervals.assign(start=4), [motif])
    with pytest.raises(ValueError, match="end beyond"):
        scan_motifs(genome, intervals.assign(end=100), [motif])


@pytest.fixture(scope="module")
def yeast(real_data, tmp_path_factory):
    """Chromosome I, the motifs of MacIsaac, and their hits by grnet and by memelite."""
    memelite = pytest.importorskip("memelite")
    folder = real_data / "yeast"
    motifs = read_motifs(folder / "motifs" / "macisaac_yeast.v1.meme.gz")
    fasta = folder / "genome" / "R64-1-1.fa.gz"
    genome = Genome(fasta, cache=tmp_path_factory.mktemp("genome"))
    chrom = pd.DataFrame({"chrom": ["I"], "start": [0], "end": [genome.sizes["I"]]})
    ours = scan_motifs(genome, chrom, motifs, max_pvalue=1e-3, background=[1, 1, 1, 1])
    codes = genome.sequence(chrom)[0]
    one_hot = (codes == np.arange(4)[:, None]).astype(np.int8)[None]
    matrices = {motif.name: motif.probabilities for motif in motifs}
    frames = memelite.fimo(matrices, one_hot, eps=1e-9, threshold=1e-3)
    theirs = pd.concat([frame for frame in frames if len(frame)])
    theirs = theirs.rename(columns={"motif_name": "motif", "p-value": "pvalue"})
    theirs["motif"] = theirs["motif"].str.removesuffix("-rc")
    columns = ["motif", "start", "strand", "score", "pvalue"]
    both = ours.merge(theirs[columns], on=columns[:3], how="outer", suffixes=("", "_memelite"))
    return {motif.name: motif for motif in motifs}, both


def test_memelite_finds_the_same_places_with_the_same_scores(yeast):
    motifs, both = yeast
    shared = both.dropna(subset=["score", "score_memelite"])
    steps = shared["motif"].map(lambda name: motifs[name].width) / 2 / SCALE
    assert ((shared["score"] - shared["score_memelite"]).abs() <= steps + 1e-3).all()
    # memelite counts in tenths of a bit, and shifts words by up to one of them per column
    ours = both["pvalue"].notna()
    assert both.loc[ours & (both["pvalue"] <= 4e-4), "score_memelite"].notna().all()
    ratio = np.log10(shared["pvalue_memelite"].clip(lower=1e-12) / shared["pvalue"])
    assert ratio.abs().median() < 0.05


def test_where_memelite_disagrees_all_words_side_with_grnet(yeast):
    motifs, both = yeast
    extra = both.loc[both["score"].isna()]
    narrow = [name for name in extra["motif"].unique() if motifs[name].width <= 8]
    assert len(narrow) > 10
    for name in narrow:
        _, scores, chance = every_word(motifs[name], [0.25] * 4)
        best = extra.loc[extra["motif"] == name, "score_memelite"].max()
        reach = scores >= np.floor(best * SCALE - motifs[name].width / 2)
        assert chance[reach].sum() > 1e-3
