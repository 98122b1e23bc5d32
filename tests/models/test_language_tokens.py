"""Tokens: cut like an independent reading of the letters, and mapped back to bases."""

import importlib.util
import itertools
import json
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import grnet as gn
from grnet.models._transformer import tokens_from_dict

dna = st.text(alphabet="ACGTN", min_size=6, max_size=40)


def codes_of(*texts):
    return torch.tensor([["ACGTN".index(letter) for letter in text] for text in texts]).byte()


def word(tokens, number):
    """The letters of a k-mer token, by the order of the alphabet."""
    words = ["<pad>", "N", "<mask>", "<cls>"]
    words += map("".join, itertools.product("ACGT", repeat=tokens.k))
    return [*words, *"ACGT"][number]


@given(dna, st.integers(1, 4))
def test_overlapping_tokens_are_the_kmers(text, k):
    tokens = gn.models.KmerTokens(k)
    found = tokens.encode(codes_of(text))
    kmers = [text[i : i + k] for i in range(len(text) - k + 1)]
    assert [word(tokens, i) for i in found.ids[0]] == [w if "N" not in w else "N" for w in kmers]
    assert found.is_real is None


@given(st.lists(st.text(alphabet="ACGTN", min_size=9, max_size=9), min_size=1, max_size=4))
def test_tokens_in_turn_spell_the_sequence(texts):
    """Greedy from the left: a whole k-mer if it fits before the next N, else one letter."""
    k = 3
    tokens = gn.models.KmerTokens(k, overlapping=False)
    found = tokens.encode(codes_of(*texts))
    for row, text in enumerate(texts):
        expected, place = [], 0
        while place < len(text):
            step = k if len(text) - place >= k and "N" not in text[place : place + k] else 1
            expected.append(text[place : place + step])
            place += step
        real = slice(None) if found.is_real is None else found.is_real[row]
        assert [word(tokens, i) for i in found.ids[row][real]] == expected
        spans = zip(found.start[row][real], found.end[row][real], strict=True)
        assert [text[a:b] for a, b in spans] == expected


def learnt():
    rng = np.random.default_rng(0)
    return gn.models.BytePairTokens.learn(rng.integers(0, 4, (40, 100), dtype=np.uint8), size=64)


HAS_TOKENIZERS = importlib.util.find_spec("tokenizers") is not None
LEARNT = learnt() if HAS_TOKENIZERS else None
needs_tokenizers = pytest.mark.skipif(not HAS_TOKENIZERS, reason="needs grnet[lm]")
byte_pairs = pytest.param(LEARNT, id="byte pairs", marks=needs_tokenizers)


@needs_tokenizers
@given(st.lists(st.text(alphabet="ACGTN", min_size=20, max_size=20), min_size=1, max_size=4))
def test_byte_pair_tokens_spell_the_sequence(texts):
    found = LEARNT.encode(codes_of(*texts))
    names = {number: name for name, number in LEARNT._tokenizer.get_vocab().items()}
    for row, text in enumerate(texts):
        real = slice(None) if found.is_real is None else found.is_real[row]
        spans = zip(found.start[row][real], found.end[row][real], strict=True)
        spelled = [text[a:b] for a, b in spans]
        assert "".join(spelled) == text
        known = [names[int(i)].replace("[UNK]", "N") for i in found.ids[row][real]]
        assert known == spelled


@needs_tokenizers
def test_byte_pairs_learn_what_is_frequent_and_repeat():
    codes = np.tile(codes_of("GATTACA").numpy(), (20, 10))
    tokens = gn.models.BytePairTokens.learn(codes, size=20)
    found = tokens.encode(codes_of("GATTACAGATTACA"))
    assert found.ids.shape[1] <= 3
    assert tokens == gn.models.BytePairTokens.learn(codes, size=20)


@pytest.mark.parametrize(
    "tokens",
    [
        gn.models.KmerTokens(3),
        gn.models.KmerTokens(4, overlapping=False, begin=True),
        byte_pairs,
    ],
)
def test_values_of_tokens_are_shared_among_bases(tokens):
    codes = codes_of("ACGTNACGTTGACAACGTGT", "TTTTTTTTTTTTTTTTTTTT")
    found = tokens.encode(codes)
    values = torch.randn(found.ids.shape, generator=torch.Generator().manual_seed(0))
    covers = found.end > found.start
    bases = found.to_bases(values, 20)
    torch.testing.assert_close(bases.sum(1), (values * covers).sum(1), atol=1e-5, rtol=1e-5)
    # one token of one: only its bases get anything, all the same
    place = int(covers[0].nonzero()[3])
    single = torch.zeros_like(values)
    single[0, place] = 6.0
    start, end = int(found.start[0, place]), int(found.end[0, place])
    expected = torch.zeros(2, 20)
    expected[0, start:end] = 6.0 / (end - start)
    torch.testing.assert_close(found.to_bases(single, 20), expected)
    ones = found.to_bases(torch.ones(*values.shape, 2), 20, how="mean")
    torch.testing.assert_close(ones, torch.ones(2, 20, 2))


def test_an_inserted_base_changes_k_overlapping_tokens_but_all_in_turn():
    """TRAPS B16."""
    before = "ACGTTGCATGACCTGATGCA"
    after = f"{before[:10]}G{before[10:]}"
    overlapping = gn.models.KmerTokens(4)
    old, new = (overlapping.encode(codes_of(text)).ids[0] for text in (before, after))
    assert torch.equal(old[:7], new[:7])
    assert torch.equal(old[10:], new[11:])
    in_turn = gn.models.KmerTokens(4, overlapping=False)
    old, new = (in_turn.encode(codes_of(text)).ids[0] for text in (before, after))
    assert torch.equal(old[:2], new[:2])
    assert not (old[2:] == new[2:5]).any()


@pytest.mark.parametrize(
    "tokens",
    [gn.models.KmerTokens(5), gn.models.KmerTokens(6, overlapping=False), byte_pairs],
)
def test_tokens_go_through_json_and_are_values(tokens):
    back = tokens_from_dict(json.loads(json.dumps(tokens.to_dict())))
    assert back == tokens
    assert hash(back) == hash(tokens)
    assert tokens.mask_id < tokens.size


def test_wrong_inputs_are_refused():
    with pytest.raises(ValueError, match=r"k=9 is out of range: expected 1 to 8"):
        gn.models.KmerTokens(9)
    with pytest.raises(ValueError, match=r"int64 of shape \(1, 4\): expected uint8"):
        gn.models.KmerTokens(3).encode(torch.zeros(1, 4, dtype=torch.long))
    with pytest.raises(ValueError, match="at least 6 base"):
        gn.models.KmerTokens(6).encode(torch.zeros(1, 4, dtype=torch.uint8))
    with pytest.raises(ValueError, match="is no tokeniser"):
        gn.models.BytePairTokens("{}")
    with pytest.raises(ValueError, match="Unknown kind of tokens 'words'"):
        tokens_from_dict({"kind": "words"})


def test_missing_package_is_an_import_error_with_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(ImportError, match=r"pip install 'grnet\[lm\]'"):
        gn.models.BytePairTokens.learn(np.zeros((1, 9), dtype=np.uint8))
