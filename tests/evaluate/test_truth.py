"""Known edges are read from whatever holds them."""

import gzip

import numpy as np
import pandas as pd
import pytest

import grnet as gn
from grnet.evaluate._truth import labelled_pairs, true_edges

PAIRS = [("A", "B"), ("A", "C"), ("B", "C")]


def pairs_of(table):
    return sorted(true_edges(table).itertuples(index=False, name=None))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "source,target\nA,B\nA,C\nB,C\n"),
        ("a.tsv", "Gene1\tGene2\tType\nA\tB\t+\nA\tC\t-\nB\tC\t+\n"),
        ("a.csv", ",TF,Target,Label\n0,A,B,1\n1,A,C,1\n2,B,C,1\n3,C,A,0\n"),
        ("a.txt", "A\tB\t1\nA\tC\t1\nB\tC\t1\nC\tA\t0\n"),
        ("a.csv", "A,B\nA,C\nB,C\n"),
        ("a.csv", "source,target\nA,B\nA,B\nA,A\nA,C\nB,C\n"),
    ],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_files_of_many_shapes_hold_the_same_edges(tmp_path, *, name, text, zipped):
    path = tmp_path / (f"{name}.gz" if zipped else name)
    path.write_bytes(gzip.compress(text.encode()) if zipped else text.encode())
    assert pairs_of(path) == PAIRS
    assert pairs_of(str(path)) == PAIRS


def test_frames_and_networks_hold_the_same_edges():
    frame = pd.DataFrame(PAIRS, columns=["x", "y"])
    assert pairs_of(frame) == PAIRS
    named = pd.DataFrame(PAIRS, columns=["source", "target"]).assign(weight=1.0)
    assert pairs_of(named[["weight", "target", "source"]]) == PAIRS
    assert pairs_of(gn.GRN(named)) == PAIRS


def test_a_gene_called_na_is_a_gene(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("source,target\nNA,B\nnan,C\n")
    assert pairs_of(path) == [("NA", "B"), ("nan", "C")]


def test_signs_are_no_labels():
    frame = pd.DataFrame(PAIRS, columns=["source", "target"]).assign(sign=[1, -1, 1])
    assert pairs_of(frame) == PAIRS


def test_a_positive_listed_as_negative_too_is_positive():
    frame = pd.DataFrame({"source": "A", "target": "B", "label": [0, 1]})
    assert labelled_pairs(frame, "it")["label"].tolist() == [True]


def test_broken_tables_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file .*nowhere.csv"):
        true_edges(tmp_path / "nowhere.csv")
    empty = tmp_path / "empty.csv"
    empty.write_text("")
    with pytest.raises(ValueError, match="is empty"):
        true_edges(empty)
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(gzip.compress(b"source,target\n" + b"A,B\n" * 5000)[:-20])
    with pytest.raises(ValueError, match="truncated gzip"):
        true_edges(cut)
    false = tmp_path / "false.csv.gz"
    false.write_text("source,target\nA,B\n")
    with pytest.raises(ValueError, match="broken or truncated gzip"):
        true_edges(false)
    ragged = tmp_path / "ragged.csv"
    ragged.write_text("source,target\nA,B\nA,B,C,D\n")
    with pytest.raises(ValueError, match="no table of edges"):
        true_edges(ragged)
    with pytest.raises(ValueError, match="3 rows x 1 columns"):
        true_edges(pd.DataFrame({"source": list("ABC")}))
    with pytest.raises(ValueError, match="1 rows of the truth lack a name"):
        true_edges(pd.DataFrame({"source": ["A", np.nan], "target": ["B", "C"]}))
    with pytest.raises(ValueError, match="no edge between two different genes"):
        true_edges(pd.DataFrame({"source": ["A"], "target": ["A"]}))
    with pytest.raises(ValueError, match="must be 0 or 1, found '7'"):
        true_edges(pd.DataFrame({"source": ["A"], "target": ["B"], "label": [7]}))
