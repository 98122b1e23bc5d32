"""Signal over intervals: agreement with base-wise brute force, and of the formats with another."""

import gzip
from itertools import pairwise

import numpy as np
import pandas as pd
import pybigtools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import grnet as gn

SIZE = 400
STATISTICS = ["mean", "sum", "max", "min", "coverage"]


@st.composite
def tracks(draw):
    """Pieces of one chromosome that do not overlap."""
    edges = sorted(draw(st.sets(st.integers(0, SIZE), min_size=2, max_size=40)))
    values = st.integers(-50, 50).map(lambda value: value / 4)
    pieces = [(start, end, draw(values)) for start, end in pairwise(edges) if draw(st.booleans())]
    return pieces or [(0, 10, 1.0)]


@st.composite
def places(draw):
    ends = st.tuples(st.integers(0, SIZE - 1), st.integers(0, SIZE)).map(sorted)
    pairs = draw(st.lists(ends, min_size=1, max_size=15))
    return pd.DataFrame(pairs, columns=["start", "end"]).assign(chrom="chr1")


def write(folder, pieces, *, kind, chrom="chr1"):
    if kind == "bigwig":
        path = folder / "track.bw"
        entries = ((chrom, start, end, value) for start, end, value in pieces)
        pybigtools.open(str(path), "w").write({chrom: SIZE}, entries)
        return path
    path = folder / "track.bedGraph.gz"
    with gzip.open(path, "wt") as file:
        file.write("track type=bedGraph\n#chrom start end value\n")
        file.writelines(f"{chrom}\t{start}\t{end}\t{value}\n" for start, end, value in pieces)
    return path


def brute_force(pieces, start, end, *, statistic, missing):
    bases = np.full(SIZE, np.nan)
    for left, right, value in pieces:
        bases[left:right] = value
    window = bases[start:end]
    if statistic == "coverage":
        return np.isfinite(window).mean() if len(window) else np.nan
    if missing is not None:
        window = np.where(np.isnan(window), missing, window)
    window = window[np.isfinite(window)]
    if len(window) == 0:
        return 0.0 if missing is not None and statistic == "sum" else np.nan
    return getattr(np, statistic)(window)


@pytest.mark.parametrize("kind", ["bigwig", "bedgraph"])
@settings(max_examples=40)
@given(
    pieces=tracks(),
    intervals=places(),
    statistic=st.sampled_from(STATISTICS),
    missing=st.sampled_from([None, 0.0, -3.0]),
)
def test_equals_the_bases_one_by_one(tmp_path_factory, kind, pieces, intervals, statistic, missing):
    path = write(tmp_path_factory.mktemp("track"), pieces, kind=kind)
    found = gn.io.read_signal(path, intervals, statistic=statistic, missing=missing)
    expected = [
        brute_force(pieces, start, end, statistic=statistic, missing=missing)
        for start, end in zip(intervals["start"], intervals["end"], strict=True)
    ]
    np.testing.assert_allclose(found, np.array(expected, dtype=float), atol=1e-9)


@pytest.mark.parametrize("kind", ["bigwig", "bedgraph"])
@settings(max_examples=20)
@given(pieces=tracks(), bins=st.integers(1, 7), start=st.integers(0, 300))
def test_bins_are_intervals_of_their_own(tmp_path_factory, kind, pieces, bins, start):
    path = write(tmp_path_factory.mktemp("track"), pieces, kind=kind)
    whole = pd.DataFrame(
        {"chrom": "1", "start": [start, 0], "end": [start + 59, 100]}, index=[7, 3]
    )
    found = gn.io.read_signal(path, whole, bins=bins, statistic="sum", missing=0)
    assert found.shape == (2, bins)
    assert found.index.tolist() == [7, 3]
    total = gn.io.read_signal(path, whole, statistic="sum", missing=0)
    np.testing.assert_allclose(found.sum(axis=1), total, atol=1e-9)
    edges = start + 59 * np.arange(bins + 1) // bins
    pieces_of_it = pd.DataFrame({"chrom": "chr1", "start": edges[:-1], "end": edges[1:]})
    each = gn.io.read_signal(path, pieces_of_it, statistic="sum", missing=0)
    np.testing.assert_allclose(found.loc[7], each, atol=1e-9)


@pytest.mark.parametrize("statistic", STATISTICS)
@pytest.mark.parametrize("missing", [None, 0])
def test_the_real_bigwig_and_bedgraph_agree(real_data, statistic, missing):
    folder = real_data / "chromatin" / "dm3_chrX"
    rng = np.random.default_rng(0)
    start = rng.integers(2_400_000, 3_600_000, 2_000)
    intervals = pd.DataFrame(
        {"chrom": "chrX", "start": start, "end": start + rng.integers(1, 3_000, 2_000)}
    )
    paths = {
        "bw": folder / "bigwig2_X_2.5e6_3.5e6.bw",
        "bdg": folder / "bedgraph2_X_2.5e6_3.5e6.bdg",
    }
    both = gn.io.read_signal(paths, intervals, statistic=statistic, missing=missing)
    assert both["bw"].notna().sum() > 1_000
    # a bigWig holds float32
    np.testing.assert_allclose(both["bw"], both["bdg"], rtol=1e-6, atol=1e-5)


def test_one_path_is_a_series_and_several_a_frame(tmp_path):
    path = write(tmp_path, [(0, 100, 2.0)], kind="bedgraph")
    other = write(tmp_path, [(0, 50, 4.0)], kind="bigwig", chrom="1")
    other = other.rename(tmp_path / "second.bigWig")
    peaks = pd.DataFrame({"chrom": "chr1", "start": 0, "end": [50, 100]}, index=["a", "b"])
    before = peaks.copy()
    series = gn.io.read_signal(path, peaks)
    assert series.name == "track"
    assert series.to_dict() == {"a": 2.0, "b": 2.0}
    frame = gn.io.read_signal([path, other], peaks, missing=0)
    assert frame.columns.tolist() == ["track", "second"]
    assert frame.loc["b", "second"] == 2.0
    bins = gn.io.read_signal({"x": path, "y": other}, peaks, bins=2)
    assert bins.columns.tolist() == [("x", 0), ("x", 1), ("y", 0), ("y", 1)]
    pd.testing.assert_frame_equal(peaks, before)


def test_order_of_intervals_and_of_lines_does_not_matter(tmp_path):
    pieces = [(10 * i, 10 * i + 7, float(i)) for i in range(30)]
    rng = np.random.default_rng(1)
    shuffled = [pieces[i] for i in rng.permutation(30)]
    start = rng.integers(0, 300, 20)
    peaks = pd.DataFrame({"chrom": "chr1", "start": start, "end": start + 40})
    first = gn.io.read_signal(write(tmp_path, pieces, kind="bedgraph"), peaks)
    again = gn.io.read_signal(write(tmp_path, shuffled, kind="bedgraph"), peaks.iloc[::-1])
    pd.testing.assert_series_equal(first, again.iloc[::-1])


def test_yeast_chromosomes_meet_under_any_name(tmp_path):
    path = tmp_path / "yeast.bdg"
    path.write_text("chr2 0 10 1\nchr10 0 10 3\n")
    peaks = pd.DataFrame({"chrom": ["I", "II", "X"], "start": 0, "end": 10})
    assert gn.io.read_signal(path, peaks, missing=0).tolist() == [0, 1, 3]


@pytest.mark.parametrize("kind", ["bigwig", "bedgraph"])
def test_chromosomes_that_do_not_agree_are_named(tmp_path, kind):
    path = write(tmp_path, [(0, 10, 1.0)], kind=kind)
    peaks = pd.DataFrame({"chrom": ["scaffold_7"], "start": 0, "end": 10})
    with pytest.raises(ValueError, match=r"No chromosome .*known.*(scaffold_7|chr1)"):
        gn.io.read_signal(path, peaks)


def test_another_assembly_is_told(tmp_path):
    path = write(tmp_path, [(0, 10, 1.0)], kind="bigwig")
    peaks = pd.DataFrame({"chrom": ["chr1"], "start": [5_000], "end": [6_000]})
    with pytest.raises(ValueError, match=r"chr1 has 400 bases.*different assemblies"):
        gn.io.read_signal(path, peaks)


def test_a_track_without_data_there_is_logged(tmp_path, caplog):
    path = write(tmp_path, [(0, 10, 1.0)], kind="bigwig")
    peaks = pd.DataFrame({"chrom": ["chr1"], "start": [100], "end": [200]})
    assert gn.io.read_signal(path, peaks).isna().all()
    assert "no data in any of the 1 intervals" in caplog.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("chr1 0 10 1\nchr1 5 15 2\n", r"two values to the same bases 1 times.*0-10 and 5-15"),
        ("chr1 0 10 1\nchr1 5 x 2\n", r"line 2: the column 'end' holds 'x', expected a whole"),
        ("chr1 0 10 1\nchr1 5\n", r"line 2: 'chr1 5' has 2 columns, expected at least 4"),
        ("chr1 0 10 peak_1\n", r"line 1: the column 'value' holds 'peak_1', expected a number"),
        ("chr1 10 5 1\n", r"end before they start.*10-5"),
        ("track\nfixedStep chrom=chr1 start=1 step=1\n1\n", "wiggle file.*wigToBigWig"),
        ("# nothing\n", "comments only"),
        ("", "is empty"),
    ],
)
def test_damaged_text_is_named_with_its_line(tmp_path, text, message):
    path = tmp_path / "x.bedGraph"
    path.write_text(text)
    peaks = pd.DataFrame({"chrom": ["chr1"], "start": [0], "end": [20]})
    with pytest.raises(ValueError, match=message):
        gn.io.read_signal(path, peaks)


def test_wrong_calls_say_what_to_do(tmp_path):
    path = write(tmp_path, [(0, 10, 1.0)], kind="bedgraph")
    peaks = pd.DataFrame({"chrom": ["chr1"], "start": [0], "end": [3]})
    with pytest.raises(ValueError, match="Did you mean 'mean'"):
        gn.io.read_signal(path, peaks, statistic="men")
    with pytest.raises(ValueError, match=r"bins=4 does not fit: expected 1 to 3"):
        gn.io.read_signal(path, peaks, bins=4)
    with pytest.raises(ValueError, match="frame of intervals is empty"):
        gn.io.read_signal(path, peaks.iloc[:0])
    with pytest.raises(FileNotFoundError, match="does not exist"):
        gn.io.read_signal(tmp_path / "none.bw", peaks)
    with pytest.raises(IsADirectoryError, match="is a folder"):
        gn.io.read_signal(tmp_path, peaks)
    with pytest.raises(ValueError, match=r"both be called 'track'.*mapping"):
        gn.io.read_signal([path, path], peaks)
    (tmp_path / "x.bb").write_bytes(bytes.fromhex("ebf28987") + bytes(60))
    with pytest.raises(ValueError, match="bigBed"):
        gn.io.read_signal(tmp_path / "x.bb", peaks)


def test_pieces_are_summarised_in_bounded_portions(tmp_path, monkeypatch):
    pieces = [(2 * i, 2 * i + 1, float(i)) for i in range(200)]
    path = write(tmp_path, pieces, kind="bedgraph")
    peaks = pd.DataFrame({"chrom": "chr1", "start": range(0, 300, 10), "end": range(100, 400, 10)})
    whole = gn.io.read_signal(path, peaks, statistic="sum")
    monkeypatch.setattr("grnet.io.tracks._bedgraph._PAIRS_AT_A_TIME", 7)
    monkeypatch.setattr("grnet.io.tracks._columns._ROWS", 11)
    monkeypatch.setattr("grnet.io.tracks._bigwig._AT_A_TIME", 7)
    pd.testing.assert_series_equal(gn.io.read_signal(path, peaks, statistic="sum"), whole)
    again = write(tmp_path, pieces, kind="bigwig")
    pd.testing.assert_series_equal(gn.io.read_signal(again, peaks, statistic="sum"), whole)
