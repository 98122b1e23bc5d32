import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grnet import _intervals

INTERVALS = st.lists(
    st.tuples(st.sampled_from(["chr1", "2", "HLA-A*01:01"]), st.integers(0, 40), st.integers(1, 9)),
    max_size=15,
)


def frame_of(rows):
    table = pd.DataFrame(rows, columns=["chrom", "start", "length"])
    table["start"] = table["start"].astype("int64")
    end = table["start"] + table.pop("length").astype("int64")
    return table.assign(chrom=table["chrom"].astype(str), end=end)


@given(INTERVALS)
def test_names_come_back(rows):
    frame = frame_of(rows)
    read = _intervals.from_names(_intervals.names(frame), what="peaks")
    pd.testing.assert_frame_equal(read, frame, check_dtype=False)


@given(INTERVALS, INTERVALS)
def test_overlaps_equal_those_of_all_pairs(left, right):
    first, second = (frame_of(rows) for rows in (left, right))
    pairs = [
        (i, j)
        for i, a in enumerate(first.itertuples())
        for j, b in enumerate(second.itertuples())
        if a.chrom == b.chrom and a.start < b.end and b.start < a.end
    ]
    found = _intervals.overlaps(first, second)
    assert list(zip(*(side.tolist() for side in found), strict=True)) == pairs


@pytest.mark.parametrize("name", ["chr1:100-200", "chr1-100-200", "chr1_100_200", "chr1:1,00-2,00"])
def test_spellings_of_a_name(name):
    read = _intervals.from_names([name], what="peaks")
    assert read.iloc[0].tolist() == ["chr1", 100, 200]


@pytest.mark.parametrize("name", ["chr1", "GATA1", "chr1:200", "chr1:,-5", "chr1:a-b"])
def test_other_names_raise(name):
    with pytest.raises(ValueError, match="1 of 2 names of the peaks are not intervals"):
        _intervals.from_names(["chr1:1-2", name], what="the peaks")


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("start", 1.5, "'start' of the peaks are not whole numbers"),
        ("start", -1, "end before they start or start before 0: 'chr1 -1 9'"),
        ("end", 2, "end before they start"),
        ("end", np.nan, "'end' of the peaks are not whole numbers"),
        ("end", "x", "'end' of the peaks are not whole numbers .*: 'x'"),
        ("end", np.inf, "not whole numbers or too large"),
        ("end", 2.0**63, "not whole numbers or too large"),
        ("chrom", None, "1 intervals of the peaks have no chromosome"),
    ],
)
def test_what_is_no_interval_raises(column, value, message):
    frame = pd.DataFrame({"chrom": ["chr1"], "start": [5], "end": [9]}, dtype=object)
    frame.loc[0, column] = value
    with pytest.raises(ValueError, match=message):
        _intervals.checked(frame, what="the peaks")


def test_missing_column_is_named():
    with pytest.raises(ValueError, match=r"peaks lacks the column\(s\) 'end'; it has 'chrom'"):
        _intervals.checked(pd.DataFrame({"chrom": ["a"], "start": [1]}), what="peaks")


def test_types_are_made_plain_and_the_input_is_left():
    frame = pd.DataFrame({"chrom": pd.Categorical(["1"]), "start": ["3"], "end": [4.0], "x": ["y"]})
    before = frame.copy()
    read = _intervals.checked(frame, what="peaks")
    assert [str(dtype) for dtype in read.dtypes[["start", "end"]]] == ["int64", "int64"]
    assert read["chrom"].tolist() == ["1"]
    pd.testing.assert_frame_equal(frame, before)


def test_no_intervals_no_pairs():
    one = frame_of([("1", 0, 5)])
    for pair in ((one, one.iloc[:0]), (one.iloc[:0], one)):
        assert [side.tolist() for side in _intervals.overlaps(*pair)] == [[], []]
