"""Seqlets: planted stretches are found, noise is not."""

import numpy as np
import pytest

from grnet.dna.encode import one_hot
from grnet.dna.sample import dinucleotide_shuffle
from grnet.explain.attribution import Attributions, attributions
from grnet.explain.calling import seqlets, window_sums

WIDTH = 10


def noise(seed, *, n=200, length=80):
    rng = np.random.default_rng(seed)
    codes = rng.integers(4, size=(n, length), dtype=np.uint8)
    return Attributions(rng.normal(size=(n, 4, length)), codes)


def both(outputs):
    return outputs.sum(1)


@pytest.fixture(scope="module")
def marked():
    """Noise, with thirty stretches that raise the output and twenty that lower it."""
    found = noise(0)
    values = found.hypothetical.copy()
    for row in range(50):
        values[row, :, row : row + WIDTH] += 4 if row < 30 else -4
    return Attributions(values, found.codes)


@pytest.mark.parametrize("null", [None, noise(9, n=2000)])
@pytest.mark.parametrize(
    ("sign", "rows"),
    [("positive", range(30)), ("negative", range(30, 50)), ("both", range(50))],
)
def test_marked_stretches_are_found(marked, null, sign, rows):
    found = seqlets(marked, null=null, width=WIDTH, sign=sign)
    assert set(rows) <= set(found["row"])
    # the rate is one of windows, and those of a true stretch overlap
    assert (~found["row"].isin(rows)).mean() < 0.3
    hits = found[found["row"].isin(rows)]
    assert ((hits["start"] - hits["row"]).abs() <= 3).mean() > 0.9
    assert (found["end"] - found["start"] == WIDTH).all()
    assert (found["fdr"] <= 0.05).all()
    assert found["score"].abs().is_monotonic_decreasing


def test_noise_has_none():
    calls = [len(seqlets(noise(seed), null=noise(seed + 50))) for seed in range(10)]
    assert sum(calls) <= 2
    laplace = [len(seqlets(noise(seed))) for seed in range(10)]
    assert sum(laplace) == 0  # normal noise has lighter tails than what is fitted


def test_seqlets_do_not_overlap(marked):
    found = seqlets(marked, width=WIDTH, fdr=0.9, sign="both")
    for _, one in found.groupby("row"):
        start = np.sort(one["start"])
        assert (np.diff(start) >= WIDTH).all()
    assert found.duplicated("row").any()


def test_sites_of_a_model_are_found_and_shuffles_have_none(scanner, planted):
    codes, start = planted[0][::2], planted[1][::2]
    shuffled = [dinucleotide_shuffle(codes, seed=seed)[:, 0].copy() for seed in (5, 6)]
    given, null, control = (
        attributions(scanner, x, target=both, n_shuffles=1) for x in (codes, *shuffled)
    )
    best = seqlets(given, null=null).drop_duplicates("row")
    assert len(best) > 0.6 * len(codes)
    assert (np.abs(best["start"] - start[best["row"]]) <= 4).mean() > 0.9
    assert len(seqlets(control, null=null)) < 0.03 * len(codes)


def test_sums_are_those_of_windows(marked):
    sums = window_sums(marked.contributions, 7)
    assert sums.shape == (200, 74)
    np.testing.assert_allclose(sums[3, 70], marked.contributions[3, 70:77].sum(), rtol=1e-5)


def test_nothing_and_almost_nothing_contribute(marked):
    silent = Attributions(np.zeros_like(marked.hypothetical), marked.codes)
    assert len(seqlets(silent)) == 0
    values = np.zeros_like(marked.hypothetical)
    values[:8, :, 30:40] = 1
    found = seqlets(Attributions(values, marked.codes))
    assert sorted(found.drop_duplicates("row")["row"]) == list(range(8))
    assert found.drop_duplicates("row")["start"].tolist() == [30] * 8


def test_errors_say_what_to_do(marked):
    with pytest.raises(ValueError, match="width=81 is out of range: expected 1 to 80"):
        seqlets(marked, width=81)
    with pytest.raises(ValueError, match="Unknown sign 'up'"):
        seqlets(marked, sign="up")
    with pytest.raises(ValueError, match="fdr=5"):
        seqlets(Attributions(one_hot(marked.codes), marked.codes), fdr=5)
