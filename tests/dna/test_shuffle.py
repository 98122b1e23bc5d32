"""Shuffles: what they keep, and that every walk is as likely as every other."""

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import grnet as gn


def pairs(text):
    return Counter(a + b for a, b in itertools.pairwise(text))


@given(st.text("ACGT", min_size=1, max_size=50), st.integers(0, 9))
def test_pairs_and_both_ends_stay(text, seed):
    for shuffle in gn.dna.to_text(
        gn.dna.dinucleotide_shuffle(gn.dna.to_codes(text), n=3, seed=seed)
    ):
        assert pairs(shuffle) == pairs(text)
        assert (shuffle[0], shuffle[-1]) == (text[0], text[-1])


@given(st.text("ACGTN", max_size=50))
def test_unknown_bases_keep_their_places_and_part_the_stretches(text):
    (shuffle,) = gn.dna.to_text(gn.dna.dinucleotide_shuffle(gn.dna.to_codes(text)))
    for old, new in zip(text.split("N"), shuffle.split("N"), strict=True):
        assert len(old) == len(new)
        assert pairs(old) == pairs(new)


@pytest.mark.parametrize("text", ["ACAGATACA", "AACATCAGCA", "GATTACAGATT", "AAAACCAAC"])
def test_every_walk_is_equally_likely(text):
    """Against all words with the same pairs, enumerated; a chi-square test at 1e-6."""
    middles = set(itertools.permutations(text[1:-1]))
    words = {text[0] + "".join(middle) + text[-1] for middle in middles}
    possible = sorted(word for word in words if pairs(word) == pairs(text))
    n = 2000 * len(possible)
    codes = gn.dna.to_codes(text)
    seen = Counter(gn.dna.to_text(gn.dna.dinucleotide_shuffle(codes, n=n, seed=1)))
    assert sorted(seen) == possible
    chi2 = sum((seen[word] - 2000) ** 2 / 2000 for word in possible)
    freedom = len(possible) - 1
    assert chi2 < freedom + 7 * np.sqrt(2 * freedom) + 25


def test_a_sequence_of_one_walk_stays():
    codes = gn.dna.to_codes(["AAAAAAAA", "ACGTTTTT"])
    np.testing.assert_array_equal(gn.dna.dinucleotide_shuffle(codes)[:, 0], codes)


def test_shapes_and_seeds():
    codes = np.random.default_rng(0).integers(0, 4, (5, 60)).astype(np.uint8)
    given = codes.copy()
    once = gn.dna.dinucleotide_shuffle(codes, n=4, seed=3)
    assert once.shape == (5, 4, 60)
    assert gn.dna.dinucleotide_shuffle(codes[0], n=2).shape == (2, 60)
    np.testing.assert_array_equal(codes, given)
    np.testing.assert_array_equal(once, gn.dna.dinucleotide_shuffle(codes, n=4, seed=3))
    assert (once != gn.dna.dinucleotide_shuffle(codes, n=4, seed=4)).any()
    assert len({row.tobytes() for row in once[0]}) == 4


def test_shuffles_of_a_long_sequence_are_far_from_it():
    codes = np.random.default_rng(0).integers(0, 4, (1, 5000)).astype(np.uint8)
    same = (gn.dna.dinucleotide_shuffle(codes, n=20)[0] == codes).mean(axis=1)
    assert abs(same.mean() - 0.25) < 0.02


def test_texts_are_no_codes():
    with pytest.raises(ValueError, match="Expected uint8 codes"):
        gn.dna.dinucleotide_shuffle(np.array(["A"]))
