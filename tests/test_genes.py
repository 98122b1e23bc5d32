import time
import warnings

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grnet._genes import located, resolved

ALIASES = pd.DataFrame(
    {
        "systematic": ["YKL112W", "YBR049C", "YEL009C", "YAL001C"],
        "standard": ["ABF1", "REB1", "GCN4", None],
        "aliases": ["BAF1|OBF1", "GRF2", "AAS3|GRF2", ""],
    }
)
GENES = pd.DataFrame(
    {
        "chrom": ["1", "1", "2", "2"],
        "tss": [10, 20, 30, 40],
        "gene": ["GATA1", "SPI1", "SPI1", "TP53"],
        "gene_id": ["ENSG01.3", "ENSG02.1", "ENSG02.1", "ENSG03"],
    }
)


def test_every_kind_of_name_finds_the_gene():
    names = ["Abf1", "BAF1", "obf1", "ykl112w", "YKL112W", "reb1"]
    found = resolved(names, ["YKL112W", "YBR049C"], aliases=ALIASES)
    assert found == {**dict.fromkeys(names[:5], "YKL112W"), "reb1": "YBR049C"}


def test_the_table_works_both_ways():
    assert resolved(["YKL112W"], ["ABF1"], aliases=ALIASES) == {"YKL112W": "ABF1"}
    assert resolved(["BAF1"], ["OBF1"], aliases=ALIASES) == {"BAF1": "OBF1"}


def test_an_alias_of_two_genes_is_not_used():
    assert resolved(["GRF2"], ["YBR049C", "YEL009C"], aliases=ALIASES) == {}
    assert resolved(["AAS3"], ["YBR049C", "YEL009C"], aliases=ALIASES) == {"AAS3": "YEL009C"}


def test_the_exact_name_comes_first_and_ambiguous_case_is_left_out():
    assert resolved(["Tbx5"], ["TBX5", "Tbx5"]) == {"Tbx5": "Tbx5"}
    assert resolved(["tbx5"], ["TBX5", "Tbx5"]) == {}


@given(st.lists(st.text("abcXYZ019.-", min_size=1, max_size=6), max_size=10))
def test_names_find_themselves(names):
    assert resolved(names, names) == {name: name for name in names}
    upper = [name.upper() for name in names]
    if len({*upper}) == len(upper):
        assert resolved([name.lower() for name in names], names) == {
            name.lower(): name for name in names
        }


def test_rows_are_kept_under_the_name_of_the_data():
    found = located(GENES, ["spi1", "ENSG01", "ENSG03"], min_matched=1.0)
    assert found["gene"].tolist() == ["ENSG01", "spi1", "spi1", "ENSG03"]
    assert found["tss"].tolist() == [10, 20, 30, 40]
    assert GENES["gene"].tolist() == ["GATA1", "SPI1", "SPI1", "TP53"]


def test_aliases_reach_the_annotation():
    genes = pd.DataFrame({"gene": ["YKL112W", "YBR049C"], "gene_id": ["YKL112W", "YBR049C"]})
    found = located(genes, ["ABF1", "REB1"], aliases=ALIASES)
    assert found["gene"].tolist() == ["ABF1", "REB1"]


def test_all_genes_without_names():
    assert located(GENES) is GENES


def test_another_organism_shows_both_sides():
    message = r"Only 0 of 2 genes are in the annotation: the data have 'YAL1', 'YAL2', the .*GATA1"
    with pytest.raises(ValueError, match=message):
        located(GENES, ["YAL1", "YAL2"])
    with pytest.raises(ValueError, match="Only 1 of 4 genes"):
        located(GENES, ["SPI1", "a", "b", "c"], min_matched=0.5)


def test_a_whole_genome_takes_no_long():
    names = [f"GENE{number}" for number in range(30_000)]
    start = time.perf_counter()
    with pytest.warns(UserWarning, match="without regard to case"):
        found = located(pd.DataFrame({"gene": names}), [name.lower() for name in names])
    assert len(found) == 30_000
    assert time.perf_counter() - start < 10


def test_genes_of_another_species_are_told_by_their_case():
    symbols, ids = [f"GENE{i}" for i in range(20)], [f"ENSG{i}.2" for i in range(20)]
    human = pd.DataFrame({"gene": symbols, "gene_id": ids})
    mouse = [name.capitalize() for name in symbols]
    with pytest.warns(UserWarning, match=r"20 of 20 genes .* regard to case \('Gene0', 'GENE0'"):
        assert len(located(human, mouse)) == 20
    for names in (symbols[:10] + mouse[10:], [name[:-2] for name in ids], mouse[:5]):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            located(human, names)
