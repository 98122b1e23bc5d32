"""K-mers: numbers and counts against the text read letter by letter."""

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import grnet as gn

TEXT = st.text("ACGTN", max_size=30)


def read(text, k, stride=1):
    """The k-mers of a text, None where an N is inside."""
    starts = range(0, len(text) - k + 1, stride)
    words = [text[at : at + k] for at in starts]
    return [None if "N" in word else word for word in words]


def other_strand(word):
    return word[::-1].translate(str.maketrans("ACGT", "TGCA"))


@given(TEXT, st.integers(1, 5), st.integers(1, 6))
def test_tokens_number_the_words_of_the_text(text, k, stride):
    order = {"".join(word): n for n, word in enumerate(itertools.product("ACGT", repeat=k))}
    expected = [order.get(word, -1) for word in read(text, k, stride)]
    assert gn.dna.kmer_tokens(gn.dna.to_codes(text), k, stride=stride).tolist() == expected


def test_words_without_overlap_cover_each_base_once():
    codes = gn.dna.to_codes("ACGTACGTA")
    assert len(gn.dna.kmer_tokens(codes, 3, stride=3)) == 3
    assert len(gn.dna.kmer_tokens(codes, 3)) == 7


def test_the_token_of_the_unknown_can_be_chosen():
    tokens = gn.dna.kmer_tokens(gn.dna.to_codes(["ANA", "AAA"]), 2, unknown=16)
    assert tokens.tolist() == [[16, 16], [0, 0]]


def test_long_words_do_not_overflow():
    tokens = gn.dna.kmer_tokens(gn.dna.to_codes("T" * 31), 31)
    assert tokens.tolist() == [4**31 - 1]
    with pytest.raises(ValueError, match="k=32 is out of range: expected 1 to 31"):
        gn.dna.kmer_tokens(gn.dna.to_codes("T" * 40), 32)


@given(st.lists(TEXT, min_size=1, max_size=4), st.integers(1, 4), st.booleans())
def test_counts_are_those_of_the_text(texts, k, canonical):
    counts = gn.dna.kmer_counts(gn.dna.to_codes(texts), k, canonical=canonical)
    names = gn.dna.kmer_names(k, canonical=canonical)
    assert names == sorted(set(names))
    assert counts.shape == (len(texts), len(names))
    for text, row in zip(texts, counts.toarray(), strict=True):
        words = [word for word in read(text, k) if word]
        if canonical:
            words = [min(word, other_strand(word)) for word in words]
        assert {name: n for name, n in zip(names, row, strict=True) if n} == Counter(words)


@given(TEXT, st.integers(1, 4))
def test_both_strands_have_the_same_canonical_counts(text, k):
    codes = gn.dna.to_codes(text)
    one, other = (
        gn.dna.kmer_counts(strand, k).toarray()
        for strand in (codes, gn.dna.reverse_complement(codes))
    )
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("k", range(1, 7))
def test_number_of_canonical_words(k):
    palindromes = 4 ** (k // 2) if k % 2 == 0 else 0
    assert len(gn.dna.kmer_names(k)) == (4**k + palindromes) // 2


def test_counts_stay_sparse():
    codes = np.random.default_rng(0).integers(0, 4, (3, 50)).astype(np.uint8)
    counts = gn.dna.kmer_counts(codes, 12)
    assert counts.nnz <= 3 * 39
    assert counts.sum() == 3 * 39


@given(st.lists(st.text("ACGTN", min_size=12, max_size=40), min_size=1, max_size=3))
def test_figures_of_the_graph_are_those_of_its_edges(texts):
    table = gn.dna.kmer_graph_features(gn.dna.to_codes(texts), k=2)
    for text, (_, row) in zip(texts, table.iterrows(), strict=True):
        edges = Counter(word for word in read(text, 3) if word)
        nodes = {word for word in read(text, 2) if word}
        out = Counter(word[:2] for word in edges)
        assert (row["n_nodes"], row["n_edges"]) == (len(nodes), len(edges))
        assert row["max_degree"] == max(out.values(), default=0)
        assert row["n_branching"] == sum(n > 1 for n in out.values())
        assert row["n_loops"] == sum(base * 3 in edges for base in "ACGT")
        leaving = Counter()
        for word, n in edges.items():
            leaving[word[:2]] += n
        for word, n in edges.items():
            assert row[f"{word[:2]}>{word[2]}"] == pytest.approx(n / leaving[word[:2]])


def test_a_strict_repeat_has_no_choice_and_random_dna_has_two_bits():
    rng = np.random.default_rng(0)
    rows = np.stack([np.tile([0, 1, 2, 3], 2500), rng.integers(0, 4, 10_000)]).astype(np.uint8)
    table = gn.dna.kmer_graph_features(rows, k=2, transitions=False)
    assert table["next_entropy"].tolist() == pytest.approx([0.0, 2.0], abs=0.01)
    assert table["n_branching"].tolist() == [0, 16]
    assert table.shape[1] == 8


def test_the_graph_agrees_with_that_of_the_package_graph():
    text = "ACGTTGCAACGGTACCNAGTT"
    data = gn.graph.kmer_graph([text], k=3)
    row = gn.dna.kmer_graph_features(gn.dna.to_codes(text), k=3).iloc[0]
    assert row["n_nodes"] == data["kmer"].num_nodes
    assert row["n_edges"] == data["kmer", "followed_by", "kmer"].num_edges
