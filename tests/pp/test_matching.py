"""The check finds what users suffer from (names, ids, case, orientation) and tells the fix."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
import scipy.sparse as sp

import grnet as gn

SYMBOLS = [f"{letter}{i}" for letter in ("GATA", "SOX", "ZNF", "KLF", "IRF") for i in range(1, 9)]
ENSEMBL = [f"ENSG{i:011d}" for i in range(len(SYMBOLS))]
TFS = SYMBOLS[:10]


def matrix(names=SYMBOLS, n_cells=50):
    counts = np.random.default_rng(0).poisson(2.0, (n_cells, len(names))).astype(np.float32)
    return ad.AnnData(
        sp.csr_matrix(counts),
        obs=pd.DataFrame(index=[f"cell{i}" for i in range(n_cells)]),
        var=pd.DataFrame(index=list(names)),
    )


def row(report, what):
    return report.set_index("what").loc[what]


def test_all_found():
    adata = matrix()
    gn.pp.normalize(adata)
    truth = pd.DataFrame({"source": TFS[:5], "target": SYMBOLS[-5:]})
    report = gn.pp.check(adata, tfs=TFS, prior=truth, truth=truth)
    assert (report["status"] == "ok").all()
    assert row(report, "tfs")[["given", "matched", "percent"]].tolist() == [10, 10, 100.0]
    assert row(report, "truth edges")["matched"] == 5


@pytest.mark.parametrize(
    ("genes", "given", "message"),
    [
        (
            [f"{name}.12" for name in ENSEMBL],
            ENSEMBL[:10],
            r"10 match if changed: the gene names carry a version suffix.*'ENSG00000000000.12'"
            r"|'ENSG00000000000.12'.*10 match if changed: the gene names carry a version suffix",
        ),
        (ENSEMBL, [f"{name}.3" for name in ENSEMBL[:10]], r"given names carry a version suffix"),
        ([name.title() for name in SYMBOLS], TFS, r"case differ \('GATA1', 'Gata1'\).*mouse"),
        ([f" {name}" for name in SYMBOLS], TFS, r"have spaces or quotes"),
        ([f"{name}|77" for name in SYMBOLS], TFS, r"carry a second name after '\|'"),
        ([f"GRCh38_{name}" for name in SYMBOLS], TFS, r"carry a prefix before '_'"),
        ([f"{a}_{b}" for a, b in zip(ENSEMBL, SYMBOLS, strict=True)], TFS, r"prefix before '_'"),
        (ENSEMBL, TFS, r"The given names are symbols, the genes Ensembl ids: translate"),
        ([f"LOC{i}" for i in range(40)], TFS, r"Both look like symbols, but of different genes"),
    ],
)
def test_names_that_do_not_match_raise_with_cause_and_fix(genes, given, message):
    with pytest.raises(ValueError, match=message) as caught:
        gn.pp.check(matrix(genes), tfs=given)
    text = str(caught.value)
    assert text.startswith("Only 0 of 10 tfs (0.0 %)")
    assert repr(given[0]) in text
    assert repr(genes[0]) in text


@pytest.mark.parametrize(
    "genes",
    [
        [f"{name}.12" for name in SYMBOLS],
        [f" {name}'" for name in SYMBOLS],
        [f"{name}|77" for name in SYMBOLS],
        [f"77|{name}" for name in SYMBOLS],
        [f"{name}_x" for name in SYMBOLS],
        [f"x_{name}" for name in SYMBOLS],
    ],
)
def test_the_line_of_the_fix_does_fix(genes):
    adata = matrix(genes)
    with pytest.raises(ValueError, match=r"Fix: adata.var_names = ") as caught:
        gn.pp.check(adata, tfs=TFS)
    line = str(caught.value).split("Fix: ")[1].removesuffix(".")
    names = {"adata": adata, "tfs": TFS}
    exec(line, names)  # what users are told to run
    assert row(gn.pp.check(adata, tfs=names["tfs"]), "tfs")["matched"] == len(TFS)


def test_the_fix_of_given_names_does_fix():
    adata, truth = matrix(), pd.DataFrame({"source": TFS, "target": SYMBOLS[-10:]})
    dotted = truth + ".1"
    with pytest.raises(ValueError, match=r"Fix: truth\['source'\] = ") as caught:
        gn.pp.check(adata, truth=dotted)
    names = {"pd": pd, "truth": dotted}
    for line in str(caught.value).splitlines():
        if "Fix: " in line:
            exec(line.split("Fix: ")[1].removesuffix("."), names)
    assert row(gn.pp.check(adata, truth=names["truth"]), "truth edges")["percent"] == 100


def test_a_column_of_symbols_is_found():
    adata = matrix(ENSEMBL)
    adata.var["gene_symbols"] = pd.Categorical(SYMBOLS)
    adata.var["biotype"] = "protein_coding"
    with pytest.raises(ValueError, match=r"adata.var_names = adata.var\['gene_symbols'\]"):
        gn.pp.check(adata, tfs=TFS)


def test_genes_in_raw_are_found():
    adata = matrix()
    adata.raw = adata.copy()
    adata = adata[:, SYMBOLS[-8:]].copy()
    with pytest.raises(ValueError, match=r"adata = adata.raw.to_adata\(\)"):
        gn.pp.check(adata, tfs=TFS)


def test_a_table_on_its_side_is_found_with_and_without_tfs():
    with pytest.raises(ValueError, match=r"genes are on the rows \(obs_names\).*adata = adata.T"):
        gn.pp.check(matrix().T, tfs=TFS)
    report = gn.pp.check(matrix(ENSEMBL).T)
    assert row(report, "genes on columns")["status"] == "error"
    assert "adata = adata.T" in row(report, "genes on columns")["note"]


def test_partly_matching_names_warn_with_the_better_way():
    mixed = [*SYMBOLS[:2], *(name.lower() for name in SYMBOLS[2:])]
    found = row(gn.pp.check(matrix(mixed), tfs=TFS), "tfs")
    assert (found["status"], found["matched"]) == ("warning", 2)
    assert "10 match if changed: upper and lower case differ" in found["note"]


def test_threshold():
    adata = matrix()
    given = [TFS[0], *(f"X{i}" for i in range(19))]
    with pytest.raises(ValueError, match=r"Only 0 of 19 tfs"):
        gn.pp.check(adata, tfs=given[1:])
    assert row(gn.pp.check(adata, tfs=given[1:], min_matched=0), "tfs")["status"] == "warning"
    assert row(gn.pp.check(adata, tfs=given), "tfs")["matched"] == 1
    with pytest.raises(ValueError, match=r"min_matched=2 is out of range"):
        gn.pp.check(adata, tfs=given, min_matched=2)


def test_a_small_panel_is_not_blamed_for_the_rest_of_the_genome():
    adata = gn.datasets.load("pbmc68k_reduced")
    found = row(gn.pp.check(adata, tfs="human"), "tfs")
    assert found["status"] == "ok"
    assert found["percent"] < 10
    with pytest.raises(ValueError, match="tfs"):
        gn.pp.check(adata, tfs="mouse")


@pytest.mark.filterwarnings("ignore:.* names are not unique")
def test_duplicates_nan_and_empty_genes_are_reported():
    adata = matrix(["A", "A", "B", "C"], n_cells=12)
    adata.obs_names = ["x"] * 2 + [f"c{i}" for i in range(10)]
    values = adata.X.toarray()
    values[0, 2] = np.nan
    values[:, 3] = 0
    for form in (np.asarray, sp.csr_matrix):
        adata.X = form(values)
        report = gn.pp.check(adata)
        assert row(report, "unique gene names")["examples_unmatched"] == "'A'"
        assert row(report, "finite genes")["examples_unmatched"] == "'B'"
        assert row(report, "expressed genes")["examples_unmatched"] == "'C'"
        assert "12 cells are few" in row(report, "cells")["note"]
        assert "obs_names_make_unique" in row(report, "cells")["note"]
        assert row(report, "log-normalised")["status"] == "warning"


def test_the_scale_of_the_values_is_reported():
    adata = matrix()
    assert "gn.pp.normalize" in row(gn.pp.check(adata), "log-normalised")["note"]
    gn.pp.normalize(adata, log=False, target_sum=1e4)
    assert "sc.pp.log1p" in row(gn.pp.check(adata), "log-normalised")["note"]
    sc.pp.log1p(adata)
    assert row(gn.pp.check(adata), "log-normalised")["status"] == "ok"
    assert row(gn.pp.check(adata, layer="counts"), "log-normalised")["status"] == "warning"


def test_edges_from_frames_networks_and_files(tmp_path):
    adata = matrix()
    edges = pd.DataFrame(
        {"source": [*TFS[:4], "X"], "target": [TFS[0], "Y", *SYMBOLS[-3:]], "weight": 1.0}
    )
    edges.to_csv(tmp_path / "a.csv.gz", index=False)
    edges.to_csv(tmp_path / "a.tsv", index=False, sep="\t")
    for given in (edges, gn.GRN(edges), tmp_path / "a.csv.gz", str(tmp_path / "a.tsv")):
        report = gn.pp.check(adata, prior=given)
        assert row(report, "prior edges")[["given", "matched"]].tolist() == [5, 3]
        assert row(report, "prior source")["examples_unmatched"] == "'X'"
        assert "1 self edges" in row(report, "prior edges")["note"]
    with pytest.raises(ValueError, match=r"given as truth lacks the column\(s\) 'target'"):
        gn.pp.check(adata, truth=edges.rename(columns={"target": "gene"}))
    with pytest.raises(FileNotFoundError, match="truth: no file"):
        gn.pp.check(adata, truth=tmp_path / "none.csv")


def test_an_edge_list_whose_ends_never_meet_raises():
    edges = pd.DataFrame({"source": [TFS[0], "X"], "target": ["Y", SYMBOLS[-1]]})
    with pytest.raises(ValueError, match=r"Only 0 of 2 truth edges.*both ends"):
        gn.pp.check(matrix(), truth=edges)


def test_all_mismatches_are_told_at_once_and_input_is_left_alone():
    adata = matrix()
    before = adata.copy()
    with pytest.raises(ValueError, match=r"(?s)tfs.*\n.*prior source.*\n.*prior target"):
        gn.pp.check(adata, tfs=["X"], prior=pd.DataFrame({"source": ["Y"], "target": ["Z"]}))
    assert adata.uns == before.uns
    assert (adata.X != before.X).nnz == 0


def test_real_data(real_data):
    expression = pd.read_csv(real_data / "grn/mdc/expression.csv.gz", index_col=0)
    adata = ad.AnnData(expression.T)
    tfs = real_data / "grn/mdc/tfs.txt"
    truth = next((real_data / "grn/mdc").glob("truth_*.csv.gz"))
    report = gn.pp.check(adata, tfs=tfs, truth=truth)
    assert (row(report, "tfs")["percent"], row(report, "truth edges")["percent"]) == (100, 100)
    with pytest.raises(ValueError, match=r"adata = adata\.T"):
        gn.pp.check(adata.T, tfs=tfs)
