"""Comparison of motifs: the right ones are found, and p-values are what they claim."""

import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from grnet.cis import _tomtom
from grnet.cis.comparison import compare_motifs
from grnet.io.motifs import Motif, read_motifs

pytest.importorskip("memelite")


def random_motif(name, rng, *, width=9):
    return Motif(name, (name.upper(),), rng.dirichlet([0.3] * 4, size=width).T)


def flipped(motif):
    return replace(motif, name=f"{motif.name}_rc", probabilities=motif.probabilities[::-1, ::-1])


@pytest.fixture(scope="module")
def known():
    rng = np.random.default_rng(0)
    return [random_motif(f"m{i}", rng, width=int(rng.integers(6, 14))) for i in range(60)]


def test_a_motif_and_its_reverse_complement_match_itself_best(known):
    found = compare_motifs(known, known, n_best=1)
    assert found["query"].tolist() == found["target"].tolist() == [m.name for m in known]
    assert (found["strand"] == "+").all()
    assert (found["offset"] == 0).all()
    assert found["pvalue"].max() < 1e-6
    turned = compare_motifs([flipped(m) for m in known], known, n_best=1)
    assert turned["target"].tolist() == [m.name for m in known]
    assert (turned["strand"] == "-").all()
    np.testing.assert_array_equal(turned["overlap"], [m.width for m in known])
    np.testing.assert_allclose(turned["pvalue"], found["pvalue"])


def test_a_palindrome_is_on_the_plus_strand(known):
    palindrome = Motif("p", (), np.eye(4)[[0, 1, 2, 3, 0, 1, 2, 3]].T)
    found = compare_motifs(palindrome, [*known, palindrome], n_best=1)
    assert found.loc[0, ["target", "strand", "offset"]].tolist() == ["p", "+", 0]


@pytest.mark.parametrize("turn", [False, True])
@pytest.mark.parametrize(("cut", "offset", "overlap"), [((2, 9), 2, 7), ((0, 6), 0, 6)])
def test_offset_is_where_the_query_begins_in_the_target_as_it_is_turned(
    known, turn, cut, offset, overlap
):
    whole = random_motif("whole", np.random.default_rng(1))
    shown = flipped(whole) if turn else whole
    part = replace(whole, name="part", probabilities=whole.probabilities[:, slice(*cut)])
    best = compare_motifs(part, [*known, shown], n_best=1).loc[0]
    assert best["target"] == shown.name
    assert best["strand"] == ("-" if turn else "+")
    assert (best["offset"], best["overlap"]) == (offset, overlap)
    reversed_roles = compare_motifs(shown, [*known, part], n_best=1).loc[0]
    # on the strand of the query now, what lay before the part lies behind it
    assert reversed_roles["offset"] == (offset + overlap - whole.width if turn else -offset)


def brute_force(query, pool, *, width, n, rng):
    """Scores of n random targets: columns of the pool, best alignment, gaps at the median."""
    distance = -np.linalg.norm(query[:, :, None] - pool[:, None, :], axis=0)
    score = distance - np.median(distance, axis=1, keepdims=True)
    drawn = score[:, rng.integers(pool.shape[1], size=(n, width))]
    diagonals = [
        sum(drawn[i, :, i + start] for i in range(query.shape[1]) if 0 <= i + start < width)
        for start in range(1 - query.shape[1], width)
    ]
    return np.max(diagonals, axis=0)


def test_pvalues_agree_with_random_targets(known):
    rng = np.random.default_rng(2)
    query = known[3].probabilities
    matrices = [m.probabilities for m in known]
    pool = np.concatenate([m for t in matrices for m in (t, t[::-1, ::-1])], axis=1)
    found = _tomtom.aligned([query], matrices)
    distance = -np.linalg.norm(query[:, :, None] - pool[:, None, :], axis=0)
    median = np.median(distance, axis=1)
    checked = 0
    for i, target in enumerate(matrices):
        scores = []
        for one in (target, target[::-1, ::-1]):
            own = -np.linalg.norm(query[:, :, None] - one[:, None, :], axis=0) - median[:, None]
            scores.append(max(np.trace(own, k) for k in range(1 - own.shape[0], own.shape[1])))
        null = brute_force(query, pool, width=target.shape[1], n=20_000, rng=rng)
        p = (null >= max(scores)).mean()
        both = 1 - (1 - p) ** 2
        if both > 2e-3:
            checked += 1
            assert abs(np.log10(found.pvalue[0, i] / both)) < 0.3, (found.pvalue[0, i], both)
    assert checked > 40


def test_unrelated_motifs_are_not_called(known):
    rng = np.random.default_rng(3)
    queries = [random_motif(f"q{i}", rng) for i in range(100)]
    found = compare_motifs(queries, known, max_pvalue=1)
    assert len(found) == 100 * 60
    for level in (0.01, 0.1):
        assert (found["pvalue"] < level).mean() < 1.5 * level
    assert (found["fdr"] < 0.01).sum() <= 2
    assert (found["fdr"] >= found["pvalue"] - 1e-12).all()


def test_one_target_alone_is_judged_as_among_many(known):
    query = replace(known[0], name="query")
    alone = compare_motifs(query, known[:1], max_pvalue=1)
    among = compare_motifs(query, known, n_best=1)
    assert abs(np.log10(alone["pvalue"][0] / among["pvalue"][0])) < 4
    assert alone["pvalue"][0] < 1e-6
    other = compare_motifs(query, known[1:2], max_pvalue=1)
    assert other["pvalue"][0] > 0.01


def test_rows_are_ordered_limited_and_named(known):
    found = compare_motifs(known[:3], known, max_pvalue=1, n_best=4)
    assert found["query"].tolist() == [m.name for m in known[:3] for _ in range(4)]
    assert all(part["pvalue"].is_monotonic_increasing for _, part in found.groupby("query"))
    pair = [Motif("pair", ("FOS", "JUN"), known[0].probabilities), Motif("bare", (), np.eye(4))]
    assert set(compare_motifs(known[0], pair, max_pvalue=1)["tf"]) == {"FOS::JUN", "bare"}
    empty = compare_motifs(known[0], known[1:], max_pvalue=0)
    assert len(empty) == 0
    assert empty.columns.equals(found.columns)


def test_order_of_targets_does_not_matter(known):
    one = compare_motifs(known[:5], known, max_pvalue=1)
    other = compare_motifs(known[:5], known[::-1], max_pvalue=1)
    keys = ["query", "target"]
    pd.testing.assert_frame_equal(
        one.sort_values(keys, ignore_index=True), other.sort_values(keys, ignore_index=True)
    )


def test_errors_say_what_to_do(known, monkeypatch):
    with pytest.raises(ValueError, match="list of targets is empty"):
        compare_motifs(known[0], [])
    with pytest.raises(ValueError, match=r"1 names occur more than once among the queries \('m0'"):
        compare_motifs([known[0], known[0]], known)
    with pytest.raises(ValueError, match="max_pvalue=2"):
        compare_motifs(known, known, max_pvalue=2)
    monkeypatch.setitem(sys.modules, "memelite", None)
    with pytest.raises(ImportError, match=r"pip install 'grnet\[genomics\]'"):
        compare_motifs(known, known)


def test_yeast_motifs_of_one_tf_find_each_other(real_data):
    motifs = read_motifs(real_data / "yeast" / "motifs" / "Scer.cisbp.meme.gz")
    tf_of = pd.Series({m.name: "::".join(m.tfs) for m in motifs})
    several = set(tf_of[tf_of.duplicated()])
    found = compare_motifs(motifs, motifs)
    found = found[found["query"] != found["target"]]
    is_same = found["query"].map(tf_of) == found["tf"]
    # some motifs of one TF are of its partners or of half a site: not all can agree
    assert len(set(found.loc[is_same, "tf"]) & several) > 0.7 * len(several)
