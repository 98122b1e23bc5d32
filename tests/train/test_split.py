"""Splits keep apart what belongs together, and the audit finds what does not."""

import numpy as np
import pandas as pd
import pytest

import grnet as gn
from grnet.train.audit import related_rows


def random_codes(n=60, length=80, seed=0):
    return np.random.default_rng(seed).integers(0, 4, (n, length)).astype(np.uint8)


def where(n=60, chroms=("chr1", "chr2", "chr3")):
    start = np.arange(n) * 1000
    return pd.DataFrame({"chrom": np.resize(chroms, n), "start": start, "end": start + 80})


def parts_cover_everything_once(split, n):
    return sorted(np.concatenate(split)) == list(range(n))


def test_chromosomes_stay_on_one_side_whatever_their_spelling():
    frame = where()
    split = gn.train.split_by_chromosome(frame, validation=["2"], test=["CHR3"])
    assert parts_cover_everything_once(split, 60)
    for rows, chrom in zip(split, ("chr1", "chr2", "chr3"), strict=True):
        assert set(frame["chrom"].iloc[rows]) == {chrom}


@pytest.mark.parametrize(("validation", "test"), [(["chr9"], ["chr2"]), (["chr2"], ["chr2"])])
def test_unknown_or_repeated_chromosomes_are_told(validation, test):
    with pytest.raises(ValueError, match="Name each chromosome once"):
        gn.train.split_by_chromosome(where(), validation=validation, test=test)


def test_nothing_left_for_training_is_told():
    with pytest.raises(ValueError, match="Nothing is left for 'train'"):
        gn.train.split_by_chromosome(where(), validation=["1"], test=["2", "3"])


def test_groups_stay_together_and_shares_are_met():
    groups = np.random.default_rng(0).integers(0, 40, 1000)
    split = gn.train.split_by_group(groups, shares=(0.7, 0.2, 0.1), seed=3)
    assert parts_cover_everything_once(split, 1000)
    assert not set(groups[split.train]) & set(groups[split.test])
    assert len(split.train) == pytest.approx(700, abs=40)
    again = gn.train.split_by_group(groups[::-1], shares=(0.7, 0.2, 0.1), seed=3)
    assert set(groups[split.test]) == set(groups[::-1][again.test])


def test_shares_must_add_up():
    with pytest.raises(ValueError, match="do not add up to one"):
        gn.train.split_by_group(range(9), shares=(0.5, 0.1, 0.1))


def test_relatives_on_either_strand_stay_together():
    codes = random_codes()
    mutated = codes.copy()
    mutated[:, ::20] = (mutated[:, ::20] + 1) % 4
    family = np.concatenate([codes, gn.dna.reverse_complement(mutated)])
    split = gn.train.split_by_similarity(family, seed=1)
    assert parts_cover_everything_once(split, 120)
    assert not set(split.train % 60) & set(split.test % 60)


def test_strangers_are_no_relatives():
    first, second = random_codes(seed=1), random_codes(seed=2)
    assert not related_rows(first, second, min_shared=0.3).any()
    assert related_rows(first, gn.dna.reverse_complement(first), min_shared=0.99).all()


def audited(data, **how):
    split = gn.train.Split(np.arange(40), np.arange(40, 50), np.arange(50, 60))
    return gn.train.audit_split(data, split, **how)


def test_audit_passes_a_clean_split():
    data = gn.train.SequenceData(random_codes(), np.arange(60) % 2, intervals=where())
    assert not audited(data)[["overlapping", "identical", "related"]].to_numpy().any()


def test_audit_blocks_overlapping_intervals():
    frame = where(chroms=("chr1",))
    frame.loc[55, ["start", "end"]] = frame.loc[3, ["start", "end"]].to_numpy() + 40
    data = gn.train.SequenceData(random_codes(), np.arange(60) % 2, intervals=frame)
    with pytest.raises(ValueError, match="1 overlap training intervals and 0 are identical"):
        audited(data)
    assert audited(data, on_leak="warn").loc["test", "overlapping"] == 1


def test_audit_blocks_a_reverse_complement():
    codes = random_codes()
    codes[45] = gn.dna.reverse_complement(codes[2])
    data = gn.train.SequenceData(codes, np.arange(60) % 2)
    with pytest.raises(ValueError, match=r"of the validation data.*1 are identical"):
        audited(data)


def test_training_is_blocked_where_validation_leaks():
    data = gn.train.SequenceData(random_codes(), np.arange(60) % 2)
    twin = gn.train.SequenceData(gn.dna.reverse_complement(data.codes[:5]), np.arange(5) % 2)
    with pytest.raises(ValueError, match="identical to a training sequence"):
        gn.train.classify(data, validation=twin, method="cnn")
