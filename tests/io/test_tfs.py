import gzip
import importlib.util
import sqlite3
from contextlib import closing

import numpy as np
import pandas as pd
import pytest

from grnet._shipped import shipped
from grnet.io.tfs import read_tfs


@pytest.mark.parametrize(
    ("species", "n", "inside", "outside"),
    [
        ("human", 1085, ["GATA1", "SPI1", "TP53", "TBXT", "NKX2-5", "WT1"], ["Gata1", "ZFP809"]),
        ("mouse", 1387, ["Gata1", "Spi1", "Trp53", "Nkx2-5", "Zfp148", "Dux"], ["GATA1", "Tp53"]),
        ("yeast", 181, ["GAL4", "SWI6", "MBP1", "KAR4"], ["Kar4", "MBP1::SWI6"]),
    ],
)
def test_shipped_lists(species, n, inside, outside):
    names = read_tfs(species)
    assert len(names) == n
    assert set(inside) <= set(names)
    assert not set(outside) & set(names)
    assert names == sorted(set(names))
    assert not [name for name in names if "::" in name or "(" in name or name.startswith("#")]
    assert read_tfs(species.upper()) == names


def test_shipped_lists_state_source_and_licence():
    readme = shipped("tfs", "README.md").read_text(encoding="utf-8")
    for species in ("human", "mouse", "yeast"):
        head = shipped("tfs", f"{species}.txt").read_text(encoding="utf-8").splitlines()[:4]
        assert all(line.startswith("#") for line in head)
        assert "JASPAR 2026" in head[1]
        assert "CC BY 4.0" in head[2]
        assert f"| {len(read_tfs(species)):,} |" in readme


def test_coverage_that_the_readme_states(real_data):
    readme = shipped("tfs", "README.md").read_text(encoding="utf-8")
    for species, file in (("human", "human_lambert2018"), ("mouse", "mouse_animaltfdb4")):
        known = set(read_tfs(real_data / f"priors/tfs_{file}.txt"))
        ours = set(read_tfs(species))
        assert f"{len(known & ours) / len(known):.0%}".replace("%", " %") in readme
        if species == "human":
            assert ours - known == {"BANP", "SCAND3", "SMAD2", "TBXT", "ZFTA"}


def test_yeast_names_are_names_of_genes(real_data):
    genes = pd.read_csv(real_data / "yeast/genome/sgd_gene_names.tsv.gz", sep="\t")
    known = set(genes["standard"].dropna()) | set(genes["systematic"].dropna())
    known |= {name for names in genes["aliases"].dropna() for name in str(names).split("|")}
    assert len(set(read_tfs("yeast")) & known) >= 0.95 * 181


def test_names_keep_their_order_and_lose_duplicates():
    assert read_tfs(["B", " A ", "B", "", "C"]) == ["B", "A", "C"]
    assert read_tfs(np.array(["B", "A"])) == ["B", "A"]
    assert read_tfs(pd.Index(["B", "A"])) == ["B", "A"]
    assert read_tfs(name for name in "ab") == ["a", "b"]
    assert all(type(name) is str for name in read_tfs(np.array(["B", "A"])))


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("B\nA\nB\n", {}),
        ("# mine\ntf\nB\n\nA\n", {}),
        ("B\r\nA\r\n", {}),
        ("tf,class\nB,x\nA,y\nB,z\n", {}),
        ("target\tsource\nX\tB\nY\tA\n", {}),
        ('"tf";"n"\n"B";1\n"A";2\n', {}),
        ("Family\tMember\nX\tB\nY\tA\n", {"column": "Member"}),
        ("Member\nB\nA\n", {"column": "Member"}),
    ],
)
@pytest.mark.parametrize("zipped", [True, False])
def test_files(tmp_path, text, options, zipped):
    path = tmp_path / "tfs.txt"
    path.write_bytes(gzip.compress(text.encode()) if zipped else text.encode())
    assert read_tfs(path, **options) == ["B", "A"]
    assert read_tfs(str(path), **options) == ["B", "A"]


def test_real_files(real_data):
    assert len(read_tfs(real_data / "grn/mdc/tfs.txt")) > 100
    assert "MYC" in read_tfs(real_data / "priors/collectri_human.csv.gz")


def test_what_is_neither_species_nor_file(tmp_path):
    with pytest.raises(ValueError, match=r"'humen' is neither.*Did you mean 'human'.*mouse, yeast"):
        read_tfs("humen")
    with pytest.raises(ValueError, match=r"a list of names, such as \['GATA1'\]"):
        read_tfs("GATA1")
    for missing in ("tfs.txt", tmp_path / "none", str(tmp_path)):
        with pytest.raises(FileNotFoundError, match=r"is no file"):
            read_tfs(missing)


@pytest.mark.parametrize("text", ["# only a comment\n", "tf\n", "\n"])
def test_empty_files(tmp_path, text):
    path = tmp_path / "tfs.txt"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"holds no name"):
        read_tfs(path)


def test_empty_and_wrong_lists():
    with pytest.raises(ValueError, match=r"tfs holds no name"):
        read_tfs([])
    with pytest.raises(TypeError, match=r"tfs holds nan \(float\)"):
        read_tfs(["GATA1", float("nan")])
    with pytest.raises(TypeError, match=r"tfs is a DataFrame"):
        read_tfs(pd.DataFrame({"tf": ["A"]}))
    with pytest.raises(TypeError, match=r"tfs is a int"):
        read_tfs(3)


def test_tables_without_a_column_of_names(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("who,what\nA,1\n")
    with pytest.raises(ValueError, match=r"none of its columns \('who', 'what'\).*column='who'"):
        read_tfs(path)
    with pytest.raises(ValueError, match=r"lacks the column\(s\) 'tf'; it has 'who', 'what'"):
        read_tfs(path, column="tf")
    path.write_text("class,tf\nx,A\ny\n")
    with pytest.raises(ValueError, match=r"row 3 has 1 field\(s\), but the names are in column 2"):
        read_tfs(path)


def test_export_cleans_the_names_of_jaspar(tmp_path):
    path = shipped("tfs", "export_tfs.py")
    spec = importlib.util.spec_from_file_location("export_tfs", path)
    export = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(export)
    rows = [
        ("ARNT::HIF1A", "vertebrates", "9606"),
        ("JUN(var.2)", "vertebrates", "9606"),
        ("EWSR1-FLI1", "vertebrates", "9606"),
        ("Zfp809", "vertebrates", "10090"),
        ("Sox17", "vertebrates", "10090"),
        ("TP53", "vertebrates", "9606"),
        ("ZNF148", "vertebrates", "9606"),
        ("Kar4", "fungi", "4932"),
        ("ABI3", "plants", "3702"),
    ]
    with closing(sqlite3.connect(tmp_path / "j.sqlite")) as database, database:
        database.execute("CREATE TABLE matrix (id, name)")
        database.execute("CREATE TABLE matrix_annotation (id, tag, val)")
        database.execute("CREATE TABLE matrix_species (id, tax_id)")
        for at, (name, group, tax) in enumerate(rows):
            database.execute("INSERT INTO matrix VALUES (?, ?)", (at, name))
            database.execute(
                "INSERT INTO matrix_annotation VALUES (?, 'tax_group', ?)", (at, group)
            )
            database.execute("INSERT INTO matrix_species VALUES (?, ?)", (at, tax))
    assert export.lists(tmp_path / "j.sqlite") == {
        "human": {"ARNT", "HIF1A", "JUN", "SOX17", "TP53", "ZNF148"},
        "mouse": {"Arnt", "Hif1a", "Jun", "Zfp809", "Sox17", "Trp53", "Znf148", "Zfp148"},
        "yeast": {"KAR4"},
    }
