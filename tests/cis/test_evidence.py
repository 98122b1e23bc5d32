"""Bindings: which TF lies in which peak, by what evidence, under which name."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import grnet as gn

PEAKS = pd.DataFrame({"chrom": ["chr1", "chr1"], "start": [100, 500], "end": [200, 600]})


def chip(*rows, **columns):
    frame = pd.DataFrame(rows, columns=["chrom", "start", "end", "tf"])
    return frame.assign(**columns)


FOUR = chip(
    ("chr1", 110, 130, "A"),
    ("chr1", 180, 190, "A"),
    ("chr1", 590, 640, "A"),
    ("chr1", 900, 950, "A"),
    signal=[1.0, 4.0, 3.0, 2.0],
)


def test_the_strongest_summit_in_a_peak_counts():
    table = gn.cis.bind(PEAKS, evidence=FOUR)
    assert table.columns.tolist() == ["tf", "peak", "weight", "chip", "summit_distance"]
    assert table.to_numpy().tolist() == [["A", "chr1:100-200", 0.8, 1.0, 35]]
    wide = gn.cis.bind(PEAKS, evidence=FOUR, max_distance=16).set_index("peak")
    assert wide.loc["chr1:500-600", ["chip", "summit_distance"]].tolist() == [0.75, 65]
    assert wide.loc["chr1:500-600", "weight"] == pytest.approx(0.8 * 1.75 / 2)
    by_base = gn.cis.bind(PEAKS, evidence=FOUR, by="overlap")
    assert by_base["peak"].tolist() == ["chr1:100-200", "chr1:500-600"]


def test_peaks_without_a_score_are_equal_and_summits_are_taken_from_the_table():
    bare = FOUR.drop(columns="signal").assign(summit=[199, 200, 599, 950])
    table = gn.cis.bind(PEAKS, evidence=bare)
    assert table["chip"].tolist() == [1.0, 1.0]
    assert table["summit_distance"].tolist() == [49, 49]


@st.composite
def tables(draw):
    n = draw(st.integers(1, 12))
    start = draw(st.lists(st.integers(0, 900), min_size=n, max_size=n))
    width = draw(st.lists(st.integers(1, 150), min_size=n, max_size=n))
    chrom = draw(st.lists(st.sampled_from(["1", "2"]), min_size=n, max_size=n))
    tf = draw(st.lists(st.sampled_from(["A", "B"]), min_size=n, max_size=n))
    score = draw(st.lists(st.integers(1, 5), min_size=n, max_size=n))
    frame = pd.DataFrame({"chrom": chrom, "start": start, "tf": tf, "score": score})
    frame["end"] = frame["start"] + width
    return frame


@settings(max_examples=30)
@given(tables(), tables(), st.integers(0, 200))
def test_bindings_are_those_of_brute_force(peaks, sites, reach):
    peaks = peaks.drop_duplicates(["chrom", "start", "end"])[["chrom", "start", "end"]]
    best = {}
    for _, site in sites.iterrows():
        weaker = sites.loc[sites["tf"] == site["tf"], "score"] <= site["score"]
        summit = (site["start"] + site["end"]) // 2
        for _, peak in peaks.iterrows():
            inside = peak["start"] - reach <= summit < peak["end"] + reach
            if site["chrom"] == peak["chrom"] and inside:
                pair = site["tf"], "{}:{}-{}".format(*peak)
                best[pair] = max(best.get(pair, 0), weaker.mean())
    if not best:
        with pytest.raises(ValueError, match=r"No binding site lies in|No chromosome of the evid"):
            gn.cis.bind(peaks, evidence=sites, max_distance=reach)
        return
    table = gn.cis.bind(peaks, evidence=sites, max_distance=reach)
    assert dict(zip(zip(table["tf"], table["peak"], strict=True), table["chip"], strict=True)) == (
        pytest.approx(best)
    )
    shuffled = gn.cis.bind(peaks[::-1], evidence=sites[::-1], max_distance=reach)
    pd.testing.assert_frame_equal(shuffled, table)


def test_evidence_comes_in_every_form(tmp_path):
    file = tmp_path / "A_rep1.narrowPeak"
    FOUR.assign(name="x", score=0, strand=".", p=-1, q=-1, summit=-1)[
        ["chrom", "start", "end", "name", "score", "strand", "signal", "p", "q", "summit"]
    ].to_csv(file, sep="\t", header=False, index=False)
    expected = gn.cis.bind(PEAKS, evidence=FOUR)
    bare = FOUR.drop(columns="tf")
    for given_as in (tmp_path, {"A": file}, {"A": bare}, [FOUR], [{"A": bare}], [tmp_path]):
        pd.testing.assert_frame_equal(gn.cis.bind(PEAKS, evidence=given_as), expected)
    with pytest.raises(ValueError, match="does not say which protein"):
        gn.cis.bind(PEAKS, evidence=file)


def test_replicates_are_ranked_each_by_itself():
    loud = FOUR.assign(signal=FOUR["signal"] * 100)
    pd.testing.assert_frame_equal(
        gn.cis.bind(PEAKS, evidence=[FOUR, loud]), gn.cis.bind(PEAKS, evidence=FOUR)
    )


def test_peaks_come_as_anndata_names_or_links_and_keep_their_names():
    names = ["1-100-200", "1-500-600"]
    adata = ad.AnnData(np.ones((2, 2)), var=pd.DataFrame(index=names))
    links = pd.DataFrame({"peak": ["1-100-200", "1-100-200"], "gene": ["G", "H"]})
    for peaks in (adata, names, links):
        assert gn.cis.bind(peaks, evidence=FOUR)["peak"].tolist() == ["1-100-200"]


HITS = pd.DataFrame(
    {
        "chrom": "chr1",
        "start": [110, 150, 510, 700],
        "end": [118, 158, 518, 708],
        "tf": ["A", "A", "A", "B"],
        "pvalue": [1e-8, 1e-4, 1e-6, 1e-9],
        "peak": ["chr1:100-200", "chr1:100-200", "chr1:500-600", "chr1:690-710"],
    }
)


def test_hits_are_counted_and_the_best_is_held_against_chance():
    table = gn.cis.bind(PEAKS, hits=HITS)
    assert table["tf"].tolist() == ["A", "A"]
    # 100 bases on two strands: 200 p hits by chance, against a site in every tenth peak
    chance = np.array([200 * 1e-8, 200 * 1e-6])
    assert table["motif"].tolist() == pytest.approx(0.1 / (0.1 + chance))
    assert table["n_hits"].tolist() == [2, 1]
    assert table["weight"].tolist() == pytest.approx(0.3 * table["motif"])
    pd.testing.assert_frame_equal(gn.cis.bind(PEAKS, hits=HITS.drop(columns="peak")), table)
    pd.testing.assert_frame_equal(gn.cis.bind(PEAKS, hits=HITS.iloc[:3]), table)


def test_kinds_of_evidence_are_a_noisy_or():
    table = gn.cis.bind(PEAKS, evidence=FOUR, hits=HITS).set_index("peak")
    both, motif_only = table.loc["chr1:100-200"], table.loc["chr1:500-600"]
    assert both["weight"] == pytest.approx(1 - (1 - 0.8) * (1 - 0.3 * both["motif"]))
    assert np.isnan(motif_only["chip"])
    assert motif_only["weight"] == pytest.approx(0.3 * motif_only["motif"])
    certain = gn.cis.bind(PEAKS, evidence=FOUR, hits=HITS, reliability={"chip": 1, "motif": 0})
    assert certain["weight"].tolist() == [1.0]


def test_names_are_those_of_the_data_and_the_rest_is_told():
    evidence = pd.concat([FOUR.assign(tf="Abf1"), FOUR.assign(tf="Nobody")])
    aliases = pd.DataFrame({"id": ["YKL112W"], "name": ["ABF1"]})
    with pytest.warns(UserWarning, match="1 of 2 TFs are not among the names.*'Nobody'"):
        table = gn.cis.bind(PEAKS, evidence=evidence, names=["YKL112W", "X"], aliases=aliases)
    assert table["tf"].tolist() == ["YKL112W"]
    assert set(gn.cis.bind(PEAKS, evidence=evidence)["tf"]) == {"Abf1", "Nobody"}
    with pytest.raises(ValueError, match="None of the 2 TFs of the evidence is among the names"):
        gn.cis.bind(PEAKS, evidence=evidence, names=["YKL112W"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "nothing to go by"),
        ({"evidence": []}, "evidence is empty"),
        ({"evidence": FOUR, "by": "summits"}, "Did you mean 'summit'"),
        ({"evidence": FOUR, "max_distance": -1}, "max_distance=-1 is out of range"),
        ({"evidence": FOUR, "reliability": {"chipp": 1}}, "Did you mean 'chip'"),
        ({"evidence": FOUR, "reliability": {"chip": 2}}, "is out of range"),
        ({"evidence": FOUR.assign(tf=None)}, "4 of 4 rows of the evidence name no TF"),
        ({"evidence": FOUR.assign(chrom="chrZ")}, "No chromosome of the evidence is known"),
        ({"evidence": FOUR.assign(end=0)}, "end before they start"),
        ({"hits": HITS.drop(columns="pvalue")}, "lacks the column"),
    ],
)
def test_errors_say_what_to_do(options, message):
    with pytest.raises(ValueError, match=message):
        gn.cis.bind(PEAKS, **options)


def test_input_is_untouched():
    peaks, evidence, hits = PEAKS.copy(), FOUR.copy(), HITS.copy()
    gn.cis.bind(peaks, evidence=evidence, hits=hits)
    for frame, before in ((peaks, PEAKS), (evidence, FOUR), (hits, HITS)):
        pd.testing.assert_frame_equal(frame, before)


@pytest.mark.needs_data
def test_human_summits_lie_in_open_chromatin(real_data):
    folder = real_data / "grn" / "hesc_multiome"
    columns = ["chrom", "start", "end", "tf", "signal", "strand", "summit_offset"]
    peaks = gn.io.read_peaks(folder / "chip_h1_hg38.bed.gz", columns=columns)
    names = pd.read_csv(folder / "peaks_features.txt.gz", header=None)[0]
    table = gn.cis.bind(names, evidence=peaks)
    assert table["tf"].nunique() == 18
    assert not table.duplicated(["tf", "peak"]).any()
    inside = table.groupby("tf").size() / peaks.groupby("tf").size()
    assert inside.between(0.08, 0.8).all()
