import gzip
import re

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grnet.io.expression import read_expression
from grnet.io.tfs import read_tfs

GENES = ["GATA1", "SPI1", "ACTB", "TP53", "CEBPA"]
CELLS = ["AAACCTGAGAAACCAT-1", "AAACCTGAGAAACCGC-1", "AAACCTGAGAAACCTA-1", "AAACCTGAGAAACGAG-1"]
VALUES = np.array(
    [[1, 0.5, 2, 7, 1], [3, -1.25, 2, 0, 4], [5, 6, 7, 8, 9], [0, 1, 2, 3, 4]], dtype=np.float32
)
FRAME = pd.DataFrame(VALUES, index=CELLS, columns=GENES)


def write(folder, text, name="table.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def same(adata):
    x = adata.X.toarray() if sp.issparse(adata.X) else adata.X
    np.testing.assert_array_equal(x, VALUES)
    assert list(adata.obs_names) == CELLS
    assert list(adata.var_names) == GENES
    assert x.dtype == np.float32


@pytest.mark.parametrize("separator", [",", "\t", ";", " "])
@pytest.mark.parametrize("genes_in_rows", [True, False])
@pytest.mark.parametrize("zipped", [True, False])
def test_separator_orientation_and_gzip_are_detected(tmp_path, separator, genes_in_rows, zipped):
    path = tmp_path / ("table.txt.gz" if zipped else "table.txt")
    frame = FRAME.T if genes_in_rows else FRAME
    frame.to_csv(path, sep=separator, index_label="x")
    adata = read_expression(path)
    same(adata)
    expected = "genes_by_cells" if genes_in_rows else "cells_by_genes"
    assert adata.uns["grnet_source"]["orientation"] == expected


def test_gzip_is_told_by_content_not_by_name(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(gzip.compress(FRAME.to_csv().encode()))
    same(read_expression(path))


def test_quotes_decimal_commas_windows_lines_byte_order_mark(tmp_path):
    quoted = FRAME.T.to_csv(sep=";", decimal=",", quoting=1, lineterminator="\r\n")
    path = tmp_path / "excel.csv"
    path.write_text(quoted, encoding="utf-8-sig", newline="")
    same(read_expression(path))


def test_header_of_r_without_corner(tmp_path):
    text = FRAME.T.to_csv(sep="\t").removeprefix("\t")
    same(read_expression(write(tmp_path, text)))


def test_comments_and_blank_lines_are_skipped(tmp_path):
    header, *rows = FRAME.to_csv().splitlines()
    text = "\n".join(["# made by me", "", header, "", *rows, ""])
    same(read_expression(write(tmp_path, text)))


def test_agrees_with_pandas_and_anndata(real_data):
    for name in ("grn/mdc/expression.csv.gz", "yeast/scrna_gasch2017/raw_counts.csv.gz"):
        adata = read_expression(real_data / name)
        expected = pd.read_csv(real_data / name, index_col=0).T.astype(np.float32)
        pd.testing.assert_frame_equal(
            adata.to_df(), expected, check_names=False, check_index_type=False
        )
    assert sp.isspmatrix_csr(adata.X)
    assert adata.X.nnz == np.count_nonzero(expected)


@pytest.mark.parametrize(
    ("name", "shape", "gene", "cell"),
    [
        ("grn/mdc/expression.csv.gz", (383, 821), "IL1B", "LPS_1h_S10"),
        ("grn/bsubtilis/expression.tsv.gz", (266, 4218), "BSU00370", "S0_1"),
        ("grn/dream4/net1/multifactorial.tsv.gz", (100, 100), "G1", "sample_1"),
        ("grn/dream4/net1/timeseries.tsv.gz", (210, 100), "G1", "sample_1"),
        ("grn/boolode/GSD_2000_0/ExpressionData.csv.gz", (2000, 19), "DMRT1", "E123_7_77"),
        ("grn/boolode/VSC_2000_0/ExpressionData.csv.gz", (2000, 8), "Nkx62", "E44_1_202"),
        ("grn/boolode/dyn-LI_500_0/ExpressionData.csv.gz", (500, 7), "g1", "E16_3_507"),
        ("yeast/expression/brem2005_segregants_6216x112.tsv.gz", (112, 6216), "YAL069W", "S001"),
    ],
)
def test_real_tables(real_data, name, shape, gene, cell):
    adata = read_expression(real_data / name)
    assert adata.shape == shape
    assert (adata.var_names[0], adata.obs_names[0]) == (gene, cell)
    assert np.isfinite(adata.X.sum())


def test_all_boolode_sets_have_genes_in_rows(real_data):
    for path in sorted((real_data / "grn/boolode").glob("*/ExpressionData.csv.gz")):
        adata = read_expression(path)
        assert adata.n_obs > adata.n_vars


def test_time_and_text_columns_become_annotation(real_data, tmp_path):
    adata = read_expression(real_data / "grn/dream4/net1/timeseries.tsv.gz")
    assert list(adata.obs.columns) == ["Time"]
    assert adata.obs["Time"].iloc[:3].tolist() == [0.0, 50.0, 100.0]
    labelled = FRAME.assign(cell_type=["B", "T", "B", "NK"])
    adata = read_expression(write(tmp_path, labelled.to_csv()))
    same(adata)
    assert adata.obs["cell_type"].tolist() == ["B", "T", "B", "NK"]


def test_ids_and_symbols_of_a_gene_table(tmp_path):
    ids = [f"ENSG0000000000{n}" for n in range(5)]
    table = FRAME.T.rename_axis("gene_name").reset_index()
    table.insert(0, "gene_id", ids)
    table.insert(2, "Length", [100, 200, 300, 400, 500])
    path = write(tmp_path, table.to_csv(index=False, sep="\t"))
    adata = read_expression(path)
    same(adata)
    assert adata.var["gene_ids"].tolist() == ids
    assert adata.var["length"].tolist() == [100, 200, 300, 400, 500]
    assert list(read_expression(path, gene_names="id").var_names) == ids


def test_ids_asked_of_symbols_raise(tmp_path):
    with pytest.raises(ValueError, match=r"has only the names 'GATA1'.*gene_names='symbol'"):
        read_expression(write(tmp_path, FRAME.to_csv()), gene_names="id")


@settings(max_examples=40, deadline=None)
@given(
    values=hnp.arrays(
        np.float32,
        hnp.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=7),
        elements=st.floats(-1e6, 1e6, width=32),
    ),
    genes_in_rows=st.booleans(),
)
def test_round_trip_of_any_values(tmp_path_factory, values, genes_in_rows):
    genes = read_tfs("human")[: values.shape[1]]
    cells = [f"cell_{n}" for n in range(values.shape[0])]
    frame = pd.DataFrame(values.astype(np.float64), index=cells, columns=genes)
    path = tmp_path_factory.mktemp("t") / "t.csv"
    (frame.T if genes_in_rows else frame).to_csv(path)
    adata = read_expression(path)
    assert list(adata.var_names) == genes
    np.testing.assert_array_equal(adata.to_df().to_numpy(), values)
    assert sp.issparse(adata.X) == (2 * np.count_nonzero(values) < values.size)


def test_many_blocks_give_the_same_as_one(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    values = rng.poisson(0.3, (50, 23)).astype(np.float32)
    values[:10] += 1  # dense blocks beside sparse ones
    genes = [f"ENSG{n:011d}" for n in range(23)]
    frame = pd.DataFrame(values, index=[f"c{n}" for n in range(50)], columns=genes)
    path = write(tmp_path, frame.T.to_csv())
    monkeypatch.setattr("grnet.io.expression._expression_table.BLOCK", 300)
    for scale in (0, 1):
        path = write(tmp_path, (frame.T + scale).to_csv())
        adata = read_expression(path)
        assert sp.issparse(adata.X) == (scale == 0)
        np.testing.assert_array_equal(adata.to_df().to_numpy(), values + scale)


@pytest.mark.parametrize(
    ("rows", "columns", "expected"),
    [
        (["Sox2", "Foo1", "Bar2"], ["s1", "s2", "s3"], "genes_by_cells"),
        (["ENSMUSG00000000001.4", "ENSMUSG00000000003.2"], ["x", "y"], "genes_by_cells"),
        (["liver", "brain"], ["ENSG00000000003", "ENSG00000000005"], "cells_by_genes"),
        (["GSM1234567", "GSM1234568"], ["qqa", "wwb", "eec"], "cells_by_genes"),
        (["abc", "bcd", "cde", "def", "xyz"], [f"S{n}" for n in range(20)], "genes_by_cells"),
        ([f"S{n}" for n in range(20)], ["ab-c", "bc-d", "cd-e", "de-f", "xy-z"], "cells_by_genes"),
    ],
)
def test_orientation_by_names(tmp_path, rows, columns, expected):
    frame = pd.DataFrame(1.5, index=rows, columns=columns)
    adata = read_expression(write(tmp_path, frame.to_csv()))
    assert adata.uns["grnet_source"]["orientation"] == expected
    assert list(adata.var_names) == (rows if expected == "genes_by_cells" else columns)


def test_knocked_out_genes_as_samples_are_not_guessed(tmp_path):
    genes = [f"ENSG{n:011d}" for n in range(30)]
    knocked_out = read_tfs("human")[::50]
    frame = pd.DataFrame(1.0, index=genes, columns=knocked_out)
    path = write(tmp_path, frame.to_csv())
    with pytest.raises(ValueError, match=r"cannot tell genes from cells.*orientation='genes_by"):
        read_expression(path)
    adata = read_expression(path, orientation="genes_by_cells")
    assert list(adata.obs_names) == knocked_out


def test_undecidable_orientation_shows_both_sides(tmp_path):
    frame = pd.DataFrame(1.0, index=["a1", "a2"], columns=["b1", "b2"])
    path = write(tmp_path, frame.to_csv())
    with pytest.raises(ValueError, match=r"rows are called 'a1', 'a2'.*columns 'b1', 'b2'"):
        read_expression(path)
    assert list(read_expression(path, orientation="cells_by_genes").var_names) == ["b1", "b2"]


def test_table_without_gene_names_raises(real_data, tmp_path):
    with pytest.raises(ValueError, match=r"has no column of row names"):
        read_expression(real_data / "yeast/expression/brem2005_markers.tsv.gz")
    path = write(tmp_path, "G1,G2\n1,2\n3,4\n")
    with pytest.raises(ValueError, match=r"no column names the genes"):
        read_expression(path, orientation="genes_by_cells")


HEAD = "gene,c1,c2,c3\n"
FAULTS = {
    "text": ("GATA1,1,2,3\nSPI1,4,oops,6\n", r"line 3, column 3 \('c2'\) holds 'oops'"),
    "empty": ("GATA1,1,2,3\nSPI1,4,,6\n", r"line 3, column 3 \('c2'\) has no value \(''\)"),
    "NA": ("GATA1,1,2,3\n\nSPI1,4,5,NA\n", r"line 4, column 4 \('c3'\) has no value \('NA'\)"),
    "nan": ("GATA1,1,2,nan\nSPI1,4,5,6\n", r"line 2, column 4 \('c3'\) has no value"),
    "infinite": ("GATA1,1,inf,3\nSPI1,4,5,6\n", r"line 2, column 3 .*infinite"),
    "short": ("GATA1,1,2,3\nSPI1,4,5\n", "line 3 has 3 fields where the header has 4"),
    "long": ("GATA1,1,2,3\nSPI1,4,5,6,7\n", "line 3 has 5 fields where the header has 4"),
    "no name": ("GATA1,1,2,3\n,4,5,6\n", "1 of 2 rows or columns have no name.*number 2"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_named_by_file_line_and_column(tmp_path, fault):
    text, message = FAULTS[fault]
    path = write(tmp_path, HEAD + text)
    with pytest.raises(ValueError, match=message) as caught:
        read_expression(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gene,c1,c2\n", "has a header but no data"),
        ("justoneword\nanother\n", "no separator found in line 1, 'justoneword'"),
        ("\n \n\n", "holds no text"),
        ("source,target\nGATA1,SPI1\n", "none of its columns holds numbers"),
        ("ENSG00000000003,5,0.5\nENSG00000000005,1,2\n", "line 1 should name the columns"),
        ("!Series_title\tx\n!Series\ty\n", "GEO series matrix"),
        ("<html>\n<body>\n", "web page"),
        ("PK\x03\x04 and so on\n", "Excel"),
    ],
)
def test_files_that_are_no_tables(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read_expression(write(tmp_path, text))


def test_truncated_gzip(tmp_path, real_data):
    whole = (real_data / "grn/mdc/expression.csv.gz").read_bytes()
    path = tmp_path / "cut.csv.gz"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(
        ValueError, match=r"cut\.csv\.gz is damaged or truncated.*download it again"
    ):
        read_expression(path)


def test_not_utf8(tmp_path):
    path = tmp_path / "latin.csv"
    path.write_bytes("gene,Zähler\nGATA1,1\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"not text in UTF-8"):
        read_expression(path)


def test_duplicated_genes(tmp_path):
    path = write(tmp_path, HEAD + "GATA1,1,2,3\nSPI1,4,5,6\nGATA1,10,20,30\n")
    with pytest.raises(ValueError, match=r"1 genes occur more than once \('GATA1'\).*'sum'"):
        read_expression(path)
    summed = read_expression(path, duplicates="sum").to_df()
    assert summed["GATA1"].tolist() == [11, 22, 33]
    assert summed["SPI1"].tolist() == [4, 5, 6]
    first = read_expression(path, duplicates="first").to_df()
    assert first["GATA1"].tolist() == [1, 2, 3]


def test_duplicated_cells(tmp_path):
    path = write(tmp_path, "gene,c1,c2,c1\nGATA1,1,2,3\nSPI1,4,5,6\n")
    with pytest.raises(ValueError, match=r"1 cells occur more than once \('c1'\)"):
        read_expression(path)
    summed = read_expression(path, duplicates="sum").to_df()
    assert summed.loc["c1"].tolist() == [4, 10]
    assert read_expression(path, duplicates="first").to_df().loc["c1"].tolist() == [1, 4]


def test_names_turned_into_dates_are_reported(tmp_path, caplog):
    read_expression(write(tmp_path, HEAD + "GATA1,1,2,3\n1-Mar,4,5,6\n"))
    assert "1 genes are named like dates ('1-Mar')" in caplog.text


def test_result_survives_h5ad(tmp_path):
    adata = read_expression(write(tmp_path, FRAME.to_csv()))
    adata.write_h5ad(tmp_path / "x.h5ad")
    again = anndata.read_h5ad(tmp_path / "x.h5ad")
    same(again)
    assert re.fullmatch("table", again.uns["grnet_source"]["format"])
