"""Gapped k-mers against an independent reading, and their training against scikit-learn."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from sklearn.metrics import roc_auc_score
from sklearn.svm import LinearSVC

import grnet as gn
from grnet.models.gapped import lengths, words

SMALL = gn.models.GappedKmersConfig(word=5, letters=3)


def codes(n=40, length=30, seed=0, *, letters=4):
    return np.random.default_rng(seed).integers(0, letters, (n, length)).astype(np.uint8)


def read_slowly(row, config):
    """Count gapped words of a sequence, letter by letter, each under the name of its strand."""
    text = gn.dna.to_text(row)
    pair = dict(zip("ACGT", "TGCA", strict=True))
    counts = Counter()
    for rest in combinations(range(1, config.word), config.letters - 1):
        pattern = (0, *rest)
        for at in range(len(text) - pattern[-1]):
            word = "".join(text[at + place] for place in pattern)
            if "N" in word:
                continue
            other = "".join(pair[letter] for letter in reversed(word))
            mirrored = tuple(pattern[-1] - place for place in reversed(pattern))
            counts[min((pattern, word), (mirrored, other))] += 1
    return counts


def test_words_are_counted_as_read_slowly():
    for row in codes(6, letters=5):
        ids = words(row[None], SMALL)[0]
        found = sorted(Counter(ids[ids >= 0].tolist()).values())
        expected = read_slowly(row, SMALL)
        assert found == sorted(expected.values())
        norm = np.sqrt(sum(count**2 for count in expected.values()))
        assert lengths(words(row[None], SMALL)) == pytest.approx([norm])


def test_both_strands_have_the_same_words():
    rows = codes(letters=5)
    ours = np.sort(words(rows, SMALL), axis=1)
    theirs = np.sort(words(gn.dna.reverse_complement(rows), SMALL), axis=1)
    assert (ours == theirs).all()


def planted(n=120, seed=0):
    rows = codes(n, 40, seed)
    rows[::2, 10:17] = gn.dna.to_codes("TGACTCA")
    return gn.train.SequenceData(rows, np.arange(n) % 2 == 0)


def test_training_agrees_with_an_independent_solver():
    data, test = planted(), planted(seed=5)
    model = gn.train.fit_gapped_kmers(data, config=SMALL, max_epochs=300)

    def counted(part):
        ids = words(part.codes, SMALL)
        rows = np.repeat(np.arange(len(ids)), ids.shape[1])
        shape = (len(ids), SMALL.n_features)
        table = sp.csr_matrix((np.ones(ids.size), (rows, ids.ravel())), shape)
        scaled = sp.csr_matrix(sp.diags(1 / lengths(ids).astype(float)) @ table)
        scaled.indices, scaled.indptr = (
            a.astype(np.int32) for a in (scaled.indices, scaled.indptr)
        )
        return scaled

    theirs = LinearSVC(C=1, loss="hinge", fit_intercept=False, max_iter=100_000)
    theirs.fit(counted(data), data.labels[:, 0])
    ours = gn.models.predict(model, test.codes, raw=True)[:, 0]
    assert np.corrcoef(ours, theirs.decision_function(counted(test)))[0, 1] > 0.99
    assert roc_auc_score(test.labels[:, 0], ours) > 0.95


def test_shuffled_labels_teach_nothing():
    data, test = planted(), planted(seed=5)
    wrong = np.random.default_rng(1).permutation(data.labels)
    model = gn.train.fit_gapped_kmers(gn.train.SequenceData(data.codes, wrong), config=SMALL)
    assert roc_auc_score(test.labels[:, 0], gn.models.predict(model, test.codes)[:, 0]) < 0.75


def test_one_hot_input_and_n_count_alike():
    model = gn.models.GappedKmers(SMALL)
    with torch.no_grad():
        model.weight.normal_(generator=torch.Generator().manual_seed(0))
    rows = torch.from_numpy(codes(letters=5))
    torch.testing.assert_close(model(rows), model(gn.dna.one_hot(rows)))


def test_one_label_only_is_told():
    with pytest.raises(ValueError, match=r"'task_0' has the labels \[1.0\]: expected 0 and 1"):
        gn.train.fit_gapped_kmers(gn.train.SequenceData(codes(), np.ones(40)), config=SMALL)


def test_short_sequences_are_told():
    with pytest.raises(ValueError, match="Sequences of 4 bases are shorter than a word of 5"):
        words(codes(3, 4), SMALL)
