"""Encodings: there and back, both strands, and what is no base."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import grnet as gn

ROWS = hnp.arrays(
    np.uint8,
    hnp.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=23),
    elements=st.integers(0, 4),
)
NAMED = "ACGTN"


@given(st.lists(st.text("ACGTNacgtn", max_size=20), max_size=5))
def test_texts_come_back_in_capitals_filled_with_n(texts):
    longest = max(map(len, texts), default=0)
    back = gn.dna.to_text(gn.dna.to_codes(texts))
    assert back == [text.upper().ljust(longest, "N") for text in texts]


def test_lower_case_reads_as_upper():
    lower, upper = gn.dna.to_codes("acgtn"), gn.dna.to_codes(b"ACGTN")
    np.testing.assert_array_equal(lower, upper)


@pytest.mark.parametrize("letters", ["RYSWKM", "BDHV", "-.", "rykm"])
def test_ambiguous_letters_are_unknown_or_refused(letters):
    assert set(gn.dna.to_codes(letters).tolist()) == {4}
    with pytest.raises(ValueError, match=r"ambiguous letter.*on_iupac='N'"):
        gn.dna.to_codes(["AC", letters], on_iupac="raise")


def test_n_is_not_ambiguous():
    assert gn.dna.to_codes("ANn", on_iupac="raise").tolist() == [0, 4, 4]


@pytest.mark.parametrize("text", ["MKLE", "AC GT", "A*", "ACé"])
def test_what_is_no_nucleotide_is_refused(text):
    with pytest.raises(ValueError, match="no nucleotides"):
        gn.dna.to_codes(text)


def test_rna_is_told_what_to_do():
    with pytest.raises(ValueError, match=r"'U'.*For RNA, write T for U"):
        gn.dna.to_codes("ACGU")


@given(ROWS)
def test_one_hot_is_the_definition_and_comes_back(codes):
    hot = gn.dna.one_hot(codes)
    assert hot.shape == (len(codes), 4, codes.shape[1])
    assert hot.dtype == np.float32
    for (row, base, place), value in np.ndenumerate(hot):
        assert value == (codes[row, place] == base)
    np.testing.assert_array_equal(gn.dna.from_one_hot(hot), codes)
    small = gn.dna.one_hot(codes, dtype="int8")
    assert small.dtype == np.int8
    np.testing.assert_array_equal(small, hot)
    assert gn.dna.one_hot(torch.from_numpy(codes), dtype="int8").dtype == torch.int8


@given(ROWS)
def test_tensors_are_encoded_like_arrays(codes):
    tensor = torch.from_numpy(codes)
    np.testing.assert_array_equal(gn.dna.one_hot(tensor).numpy(), gn.dna.one_hot(codes))
    np.testing.assert_array_equal(gn.dna.from_one_hot(gn.dna.one_hot(tensor)).numpy(), codes)
    flipped = gn.dna.reverse_complement(tensor).numpy()
    np.testing.assert_array_equal(flipped, gn.dna.reverse_complement(codes))


def test_an_unknown_base_is_a_column_of_zeros_and_never_an_a():
    hot = gn.dna.one_hot(gn.dna.to_codes("NAN"))
    assert hot.sum(axis=0).tolist() == [0.0, 1.0, 0.0]
    assert gn.dna.from_one_hot(hot).tolist() == [4, 0, 4]


def test_probabilities_are_no_bases():
    soft = np.full((1, 4, 3), 0.25)
    two = np.ones((4, 2))
    for wrong in (soft, two):
        with pytest.raises(ValueError, match="no one-hot bases"):
            gn.dna.from_one_hot(wrong)
    with pytest.raises(ValueError, match=r"Found the shape \(3, 2\).*\(\.\.\., 4, L\)"):
        gn.dna.from_one_hot(np.zeros((3, 2)))


def test_the_other_strand_of_aacg():
    codes = gn.dna.to_codes("AACG")
    assert gn.dna.to_text(gn.dna.reverse_complement(codes)) == "CGTT"
    hot = gn.dna.reverse_complement(gn.dna.one_hot(codes))
    assert gn.dna.to_text(gn.dna.from_one_hot(hot)) == "CGTT"


@given(ROWS)
def test_twice_the_other_strand_is_the_first_for_codes_and_one_hot(codes):
    flip = gn.dna.reverse_complement
    np.testing.assert_array_equal(flip(flip(codes)), codes)
    hot = gn.dna.one_hot(codes)
    np.testing.assert_array_equal(flip(flip(hot)), hot)
    np.testing.assert_array_equal(flip(hot), gn.dna.one_hot(flip(codes)))
    np.testing.assert_array_equal(flip(torch.from_numpy(hot)).numpy(), flip(hot))


def test_floats_need_four_channels():
    with pytest.raises(ValueError, match=r"float64 values of shape \(2, 5\).*\(\.\.\., 4, L\)"):
        gn.dna.reverse_complement(np.zeros((2, 5)))


@pytest.mark.parametrize("wrong", [np.zeros(3, dtype=np.int64), torch.zeros(2, 3)])
def test_codes_are_uint8(wrong):
    with pytest.raises(ValueError, match=r"Expected uint8 codes.*to_codes"):
        gn.dna.one_hot(wrong)


@given(ROWS)
def test_packed_codes_come_back(codes):
    packed = gn.dna.pack_2bit(codes)
    np.testing.assert_array_equal(gn.dna.unpack_2bit(packed), codes)
    if len(codes):
        np.testing.assert_array_equal(gn.dna.unpack_2bit(gn.dna.pack_2bit(codes[0])), codes[0])


def test_packed_codes_take_three_bits_a_base():
    codes = np.zeros((10, 800), dtype=np.uint8)
    packed = gn.dna.pack_2bit(codes)
    assert packed.bases.nbytes + packed.unknown.nbytes == codes.size * 3 // 8


def test_packed_letters_stand_from_left_to_right():
    assert gn.dna.pack_2bit(gn.dna.to_codes("CAAT")).bases.tolist() == [0b01000011]
