"""Augmentation: sequences and targets change together, motifs stay."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import grnet as gn


def batch(n=200, length=30, seed=0):
    return torch.from_numpy(
        np.random.default_rng(seed).integers(0, 5, (n, length)).astype(np.uint8)
    )


def drawn(seed=0):
    return torch.Generator().manual_seed(seed)


def places(codes):
    """A per-base target that tells of every position which base and place it was."""
    at = torch.arange(codes.shape[1]).expand(codes.shape)
    return torch.stack([codes.float(), at.float()], dim=1)


def test_half_of_the_sequences_turn_and_labels_stay():
    codes = batch()
    labels = torch.arange(len(codes))[:, None].float()
    out, after = gn.dna.Augmentation()(codes, labels, drawn())
    same = (out == codes).all(1)
    turned = (out == gn.dna.reverse_complement(codes)).all(1)
    assert (same | turned).all()
    assert 60 < int(turned.sum()) < 140
    torch.testing.assert_close(after, labels)


def test_targets_per_base_turn_with_their_sequences():
    codes = batch()
    out, targets = gn.dna.Augmentation()(codes, places(codes), drawn())
    complement = torch.tensor([3.0, 2, 1, 0, 4])
    turned = targets[:, 1, 0] > 0
    read = torch.where(turned[:, None], complement[targets[:, 0].long()], targets[:, 0])
    torch.testing.assert_close(read, out.float())
    assert 60 < int(turned.sum()) < 140


def test_channels_of_the_strands_swap_where_a_sequence_turns():
    codes = batch()
    strands = torch.stack([torch.zeros(codes.shape), torch.ones(codes.shape)], dim=1)
    augment = gn.dna.Augmentation(strand_pairs=((0, 1),))
    out, targets = augment(codes, strands, drawn())
    turned = (out == gn.dna.reverse_complement(codes)).all(1)
    torch.testing.assert_close(targets[:, 0, 0], turned.float())
    torch.testing.assert_close(targets[:, 1], 1 - targets[:, 0])


@given(st.integers(0, 8), st.integers(0, 99))
def test_windows_move_and_are_never_padded_or_wrapped(shift, seed):
    codes = batch(n=50)
    augment = gn.dna.Augmentation(reverse_complement=False, max_shift=shift)
    out, targets = augment(codes, places(codes), drawn(seed))
    assert out.shape == (50, 30 - 2 * shift)
    torch.testing.assert_close(targets[:, 0], out.float())
    start = targets[:, 1, 0]
    assert (start >= 0).all()
    assert (start <= 2 * shift).all()
    assert (targets[:, 1].diff(dim=1) == 1).all()


def test_all_shifts_occur_and_the_centre_is_the_middle_one():
    codes = batch(n=400)
    augment = gn.dna.Augmentation(reverse_complement=False, max_shift=3)
    _, targets = augment(codes, places(codes), drawn())
    assert set(targets[:, 1, 0].tolist()) == set(map(float, range(7)))
    torch.testing.assert_close(augment.centre(codes), codes[:, 3:27])
    assert augment.centre(places(codes))[0, 1].tolist() == list(range(3, 27))


def test_shorter_targets_are_cut_at_the_same_shift():
    codes = batch(n=50)
    augment = gn.dna.Augmentation(reverse_complement=False, max_shift=4)
    inner = places(codes)[:, :, 5:25]
    out, targets = augment(codes, inner, drawn())
    torch.testing.assert_close(targets[:, 0], out[:, 5:17].float())


def test_a_shift_as_long_as_the_sequence_is_refused():
    with pytest.raises(ValueError, match=r"max_shift=15 leaves nothing of 30 .* 30 longer"):
        gn.dna.Augmentation(max_shift=15)(batch(), torch.zeros(200, 1), drawn())
    with pytest.raises(ValueError, match="mutation_rate=2"):
        gn.dna.Augmentation(mutation_rate=2)


def test_the_generator_decides_and_the_global_state_is_left_alone():
    codes, labels = batch(), torch.zeros(200, 1)
    augment = gn.dna.Augmentation(max_shift=2, mutation_rate=0.1)
    state = torch.random.get_rng_state()
    one, other, third = (augment(codes, labels, drawn(seed))[0] for seed in (0, 0, 1))
    assert (torch.random.get_rng_state() == state).all()
    assert (one == other).all()
    assert (one != third).any()


def test_mutations_are_as_frequent_as_asked_and_go_to_each_other_base():
    codes = np.random.default_rng(0).integers(0, 5, (300, 400)).astype(np.uint8)
    given = codes.copy()
    out = gn.dna.mutagenise(codes, 0.2, seed=1)
    np.testing.assert_array_equal(codes, given)
    np.testing.assert_array_equal(out == 4, codes == 4)
    known = codes < 4
    assert (out != codes)[known].mean() == pytest.approx(0.2, abs=0.01)
    moves = np.bincount(4 * codes[known] + out[known], minlength=16).reshape(4, 4)
    shares = moves[~np.eye(4, dtype=bool)] / moves.sum()
    np.testing.assert_allclose(shares, 0.2 / 12, rtol=0.1)
    np.testing.assert_array_equal(out, gn.dna.mutagenise(codes, 0.2, seed=1))


def test_protected_bases_stay_even_at_full_rate():
    codes = np.random.default_rng(0).integers(0, 4, (20, 50)).astype(np.uint8)
    protect = np.random.default_rng(1).random(codes.shape) < 0.3
    out = gn.dna.mutagenise(codes, 1.0, protect=protect)
    np.testing.assert_array_equal(out == codes, protect)
    with pytest.raises(ValueError, match=r"shape \(3,\), the codes \(20, 50\)"):
        gn.dna.mutagenise(codes, 1.0, protect=protect[0, :3])


@given(st.text("ACGTN", max_size=40), st.sampled_from(["TGASTCA", "CANNTG", "GGR", "A"]))
def test_sites_of_a_consensus_are_those_read_letter_by_letter(text, consensus):
    meaning = {"S": "CG", "R": "AG", "N": "ACGT"} | {base: base for base in "ACGT"}
    flipped = text[::-1].translate(str.maketrans("ACGT", "TGCA"))
    marked = np.zeros((2, len(text)), dtype=bool)
    for strand, letters in enumerate((text, flipped)):
        for at in range(len(letters) - len(consensus) + 1):
            word = letters[at : at + len(consensus)]
            if all(base in meaning[letter] for base, letter in zip(word, consensus, strict=True)):
                marked[strand, at : at + len(consensus)] = True
    expected = marked[0] | marked[1][::-1]
    np.testing.assert_array_equal(gn.dna.motif_mask(gn.dna.to_codes(text), [consensus]), expected)


def test_the_mask_of_a_matrix_finds_its_consensus_on_both_strands():
    matrix = np.full((4, 5), 0.04)
    matrix[[0, 2, 2, 1, 3], range(5)] = 0.88
    motif = gn.io.Motif("box", (), matrix)
    codes = gn.dna.to_codes("TTTTTAGGCTTTTTTTAGCCTTTTTNGGCTT")
    mask = gn.dna.motif_mask(codes, [motif], min_score=0.95)
    assert "".join("-X"[int(here)] for here in mask) == "-----XXXXX------XXXXX" + "-" * 10


def test_motifs_survive_the_augmentation():
    codes = np.random.default_rng(0).integers(0, 4, (60, 40)).astype(np.uint8)
    codes[:, 10:17] = gn.dna.to_codes("TGACTCA")
    augment = gn.dna.Augmentation(
        reverse_complement=False, mutation_rate=1.0, protected=("TGASTCA",)
    )
    out, _ = augment(torch.from_numpy(codes), torch.zeros(60, 1), drawn())
    protect = gn.dna.motif_mask(codes, ["TGASTCA"])
    np.testing.assert_array_equal(out.numpy() == codes, protect)
    assert protect[:, 10:17].all()


def test_a_consensus_of_other_letters_is_refused():
    with pytest.raises(ValueError, match=r"'TGX' is no consensus.*'X'"):
        gn.dna.motif_mask(gn.dna.to_codes("ACGT"), ["TGX"])
