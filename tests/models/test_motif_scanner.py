"""Known motifs as a model: the summed odds of all sites on both strands."""

import numpy as np
import pytest
import torch

import grnet as gn

LENGTH = 12


@pytest.fixture(scope="module")
def motifs():
    rng = np.random.default_rng(0)
    found = [
        gn.io.Motif(f"m{width}", (f"TF{width}",), rng.dirichlet(np.full(4, 0.4), width).T)
        for width in (7, 3, 5)
    ]
    # a last position where every letter is as likely says nothing, and is one of its motif
    flat = np.column_stack([found[1].probabilities, np.full(4, 0.25)])
    return [*found, gn.io.Motif("flat", ("TF0",), flat)]


@pytest.fixture(scope="module")
def codes():
    rng = np.random.default_rng(1)
    found = rng.integers(0, 4, (5, LENGTH)).astype(np.uint8)
    found[1, 3:6] = 4  # N
    return found


def odds_of(motif):
    smooth = motif.probabilities + 0.01
    return smooth / smooth.sum(axis=0) * 4


def naive(codes, motif):
    """Add up the odds of every site that covers a letter, on either strand."""
    odds, total = odds_of(motif), 0.0
    for strand in (odds, odds[::-1, ::-1]):
        for start in range(-motif.width + 1, len(codes)):
            site = 1.0
            for column in range(motif.width):
                place = start + column
                if 0 <= place < len(codes) and codes[place] < 4:
                    site *= strand[codes[place], column]
            total += site
    return np.log(total)


def test_it_is_the_sum_over_all_sites_of_both_strands(motifs, codes):
    found = gn.models.predict(gn.models.MotifScanner.of(motifs), codes)
    expected = [[naive(sequence, motif) for motif in motifs] for sequence in codes]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_motif_answers_the_same_alone_and_beside_longer_ones(motifs, codes):
    together = gn.models.predict(gn.models.MotifScanner.of(motifs), codes)
    for column, motif in enumerate(motifs):
        alone = gn.models.predict(gn.models.MotifScanner.of([motif]), codes)
        np.testing.assert_allclose(together[:, [column]], alone, rtol=1e-5)


def test_a_reverse_complement_gets_the_same_and_a_reversal_does_not(motifs, codes):
    scanner = gn.models.MotifScanner.of(motifs)
    turned = np.where(codes < 4, 3 - codes, codes)[:, ::-1].copy()
    found = gn.models.predict(scanner, codes)
    np.testing.assert_allclose(found, gn.models.predict(scanner, turned), rtol=1e-5)
    reversed_only = gn.models.predict(scanner, codes[:, ::-1].copy())
    assert np.abs(found - reversed_only).max() > 0.1


def test_filters_that_were_trained_still_read_both_strands_alike(motifs, codes):
    scanner = gn.models.MotifScanner.of(motifs)
    with torch.no_grad():
        noise = torch.randn(scanner.filters.shape, generator=torch.Generator().manual_seed(0))
        scanner.filters += noise
    turned = np.where(codes < 4, 3 - codes, codes)[:, ::-1].copy()
    found = gn.models.predict(scanner, codes)
    np.testing.assert_allclose(found, gn.models.predict(scanner, turned), rtol=1e-5)


def test_letters_that_are_not_known_speak_for_no_motif(motifs):
    unknown = np.full((1, LENGTH), 4, dtype=np.uint8)
    found = gn.models.predict(gn.models.MotifScanner.of(motifs), unknown)
    n_sites = [2 * (LENGTH + motif.width - 1) for motif in motifs]
    np.testing.assert_allclose(found[0], np.log(n_sites), rtol=1e-5)


def test_every_base_and_every_column_of_a_motif_is_heard(motifs, codes):
    scanner = gn.models.MotifScanner.of(motifs)
    hot = gn.dna.one_hot(torch.from_numpy(codes)).requires_grad_()
    scanner(hot)[:, 0].sum().backward()
    assert (hot.grad.abs().sum(1) > 0).all()
    scanner.zero_grad()
    scanner(torch.from_numpy(codes)).sum().backward()
    for filters, motif in zip(scanner.filters.grad, motifs, strict=True):
        assert (filters[:, : motif.width].abs().sum(0) > 0).all()
        assert not filters[:, motif.width :].any()


def test_a_file_brings_it_back(motifs, codes, tmp_path):
    scanner = gn.models.MotifScanner.of(motifs)
    gn.models.save(scanner, tmp_path / "scanner.safetensors")
    back = gn.models.load(tmp_path / "scanner.safetensors")
    np.testing.assert_array_equal(gn.models.predict(scanner, codes), gn.models.predict(back, codes))


def test_no_motifs_are_refused():
    with pytest.raises(ValueError, match=r"There are no motifs: read some with gn\.io\.read_motif"):
        gn.models.MotifScanner.of([])
