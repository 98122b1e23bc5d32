import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grnet._alphabet import LETTERS, UNKNOWN, reverse_complement, to_codes, to_text

DNA = st.text("ACGTNacgtn", max_size=60)


@given(DNA)
def test_text_comes_back_in_capitals(text):
    assert to_text(to_codes(text)) == text.upper()
    np.testing.assert_array_equal(to_codes(text), to_codes(text.encode()))


@given(DNA)
def test_the_other_strand_of_the_other_strand_is_the_first(text):
    codes = to_codes(text)
    np.testing.assert_array_equal(reverse_complement(reverse_complement(codes)), codes)


@given(DNA, DNA)
def test_the_other_strand_of_two_pieces_swaps_them(left, right):
    whole = reverse_complement(to_codes(left + right))
    parts = [reverse_complement(to_codes(piece)) for piece in (right, left)]
    np.testing.assert_array_equal(whole, np.concatenate(parts))


@given(st.text(max_size=30))
def test_what_is_no_base_is_unknown_and_keeps_its_place(text):
    codes = to_codes(text)
    expected = [LETTERS.find(letter.upper()) if letter in "ACGTacgt" else -1 for letter in text]
    assert codes.tolist() == [UNKNOWN if code < 0 else code for code in expected]


def test_rows_are_turned_one_by_one():
    rows = np.stack([to_codes("AACG"), to_codes("NNTT")])
    assert [to_text(row) for row in reverse_complement(rows)] == ["CGTT", "AANN"]


@pytest.mark.parametrize("letters", ["RYSWKM", "-*.", "uU"])
def test_iupac_codes_are_unknown(letters):
    assert set(to_codes(letters).tolist()) == {UNKNOWN}
