import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grnet._chromosomes import renamed, translation

ROMAN = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X"]
ROMAN += ["XI", "XII", "XIII", "XIV", "XV", "XVI"]
ARABIC = [str(number) for number in range(1, 17)]
YEAST = {
    "ensembl": [*ROMAN, "Mito"],
    "ucsc": [*(f"chr{name}" for name in ROMAN), "chrM"],
    "plain": [*ARABIC, "MT"],
    "arabic": [*(f"chr{name}" for name in ARABIC), "chrmt"],
    "padded": [*(f"chr{int(name):02d}" for name in ARABIC), "mitochondrion"],
}
HUMAN = {
    "ensembl": [*(str(number) for number in range(1, 23)), "X", "Y", "MT"],
    "ucsc": [*(f"chr{number}" for number in range(1, 23)), "chrX", "chrY", "chrM"],
    "capitals": [*(f"CHR{number}" for number in range(1, 23)), "CHRX", "CHRY", "CHRM"],
    "words": [*(f"chromosome_{number}" for number in [*range(1, 23), "X", "Y", "M"])],
}
WORM = {
    "ensembl": ["I", "II", "III", "IV", "V", "X", "MtDNA"],
    "ucsc": ["chrI", "chrII", "chrIII", "chrIV", "chrV", "chrX", "chrM"],
}


@pytest.mark.parametrize("organism", [YEAST, HUMAN, WORM], ids=["yeast", "human", "worm"])
def test_every_spelling_is_every_other(organism):
    for given_names in organism.values():
        for reference in organism.values():
            expected = dict(zip(given_names, reference, strict=True))
            assert translation(given_names, reference) == expected


@given(
    st.lists(st.integers(0, 16), unique=True, min_size=1),
    st.sampled_from(sorted(YEAST)),
    st.sampled_from(sorted(YEAST)),
    st.randoms(use_true_random=False),
)
def test_a_part_in_any_order_keeps_its_meaning(places, ours, theirs, random):
    # X alone may be a letter; beside other roman numbers it is ten
    names = [YEAST[ours][place] for place in {*places, 0}]
    reference = list(YEAST[theirs])
    random.shuffle(reference)
    table = translation(names, reference)
    for place in {*places, 0}:
        assert table[YEAST[ours][place]] == YEAST[theirs][place]


@given(st.lists(st.text("chrIVX0123456789mito_", min_size=1, max_size=8), max_size=12))
def test_names_keep_themselves_and_never_share(names):
    assert translation(names, names) == {name: name for name in names}
    table = translation(names, ["chr1", "2", "III", "MT"])
    assert len(set(table.values())) == len(table)


def test_two_spellings_of_one_chromosome_do_not_merge():
    assert translation(["chr1", "1"], ["1"]) == {"1": "1"}
    assert translation(["chr1", "CHR1"], ["1"]) == {"chr1": "1"}


def test_contigs_without_counterpart_are_left_out():
    assert translation(["chr1", "chrUn_KI270302v1"], ["1", "2"]) == {"chr1": "1"}


def test_many_contigs_take_no_long():
    names = [f"scaffold_{number}" for number in range(50_000)]
    table = translation([f"chr_{name}" for name in names], names)
    assert len(table) == 50_000


def test_rows_are_renamed_and_dropped():
    frame = pd.DataFrame({"chrom": ["chr1", "chrUn", "chr2"], "start": 0}, index=[7, 8, 9])
    kept = renamed(frame, ["1", "2"], what="peaks")
    assert kept["chrom"].to_dict() == {7: "1", 9: "2"}
    assert list(frame["chrom"]) == ["chr1", "chrUn", "chr2"]
    assert renamed(kept, ["1", "2", "3"], what="peaks") is kept


def test_nothing_known_names_both_sides():
    frame = pd.DataFrame({"chrom": ["chr2L", "chr3R"], "start": np.arange(2)})
    message = r"No chromosome of the peaks is known: it has 'chr2L', 'chr3R', expected 'chr1', '2'"
    with pytest.raises(ValueError, match=message):
        renamed(frame, ["chr1", "2"], what="the peaks")


def test_an_empty_frame_stays_empty():
    frame = pd.DataFrame({"chrom": pd.Series(dtype=str), "start": [], "end": []})
    assert renamed(frame, ["1"], what="peaks").empty


def test_the_ten_of_one_organism_is_not_the_x_of_another():
    human = [f"chr{i}" for i in range(1, 23)] + ["chrX", "chrY", "chrM"]
    yeast = ["chrI", "chrII", "chrIV", "chrX", "chrM"]
    worm = ["I", "II", "III", "IV", "V", "X", "MtDNA"]
    assert translation(yeast, human) == translation(human, yeast) == translation(worm, human) == {}
    assert translation(["chr1", "chrX"], worm) == {"chr1": "I", "chrX": "X"}
