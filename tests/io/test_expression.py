import importlib

import anndata
import loompy
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from anndata import AnnData

from grnet.io.expression import read_expression

COUNTS = np.random.default_rng(3).poisson(0.5, (20, 9))
CELLS = [f"cell_{n}" for n in range(20)]
GENES = ["GATA1", "SPI1", *(f"G{n}" for n in range(7))]
IDS = [f"ENSG{n:011d}" for n in range(9)]


def example(x, names=GENES, **columns):
    var = pd.DataFrame(columns, index=names)
    return AnnData(x, obs=pd.DataFrame({"batch": ["a", "b"] * 10}, index=CELLS), var=var)


@pytest.mark.parametrize("stored", [np.int64, np.float64, sp.csr_matrix, sp.csc_matrix])
def test_h5ad_becomes_float32_and_keeps_its_annotation(tmp_path, stored):
    x = COUNTS.astype(stored) if stored in {np.int64, np.float64} else stored(COUNTS.astype(float))
    adata = example(x)
    adata.layers["raw"] = COUNTS.copy()
    adata.obsm["X_pca"] = np.arange(40.0).reshape(20, 2)
    adata.uns["made"] = "here"
    adata.write_h5ad(tmp_path / "x.h5ad")
    read = read_expression(tmp_path / "x.h5ad")
    assert sp.isspmatrix_csr(read.X)
    assert read.X.dtype == np.float32
    np.testing.assert_array_equal(read.X.toarray(), COUNTS)
    np.testing.assert_array_equal(read.layers["raw"], COUNTS)
    assert read.obs["batch"].tolist() == ["a", "b"] * 10
    assert read.obsm["X_pca"].shape == (20, 2)
    assert read.uns["made"] == "here"
    assert read.uns["grnet_source"]["format"] == "h5ad"


def test_dense_h5ad_stays_dense(tmp_path):
    example(COUNTS + 1.5).write_h5ad(tmp_path / "x.h5ad")
    read = read_expression(tmp_path / "x.h5ad")
    assert isinstance(read.X, np.ndarray)
    np.testing.assert_array_equal(read.X, COUNTS + 1.5)


def test_h5ad_of_cellxgene_gets_symbols(tmp_path):
    example(COUNTS, IDS, feature_name=GENES).write_h5ad(tmp_path / "x.h5ad")
    read = read_expression(tmp_path / "x.h5ad")
    assert list(read.var_names) == GENES
    assert read.var["gene_ids"].tolist() == IDS
    assert list(read_expression(tmp_path / "x.h5ad", gene_names="id").var_names) == IDS


def test_h5ad_multiome_duplicates_and_transposition(tmp_path):
    types = ["Gene Expression"] * 6 + ["Peaks"] * 3
    example(COUNTS, feature_types=types).write_h5ad(tmp_path / "m.h5ad")
    assert list(read_expression(tmp_path / "m.h5ad").var_names) == GENES[:6]
    with pytest.warns(UserWarning, match=r"not unique"):
        doubled = example(COUNTS, ["GATA1", "GATA1", *GENES[2:]])
    doubled.write_h5ad(tmp_path / "d.h5ad")
    with pytest.raises(ValueError, match=r"d\.h5ad: 1 genes occur more than once"):
        read_expression(tmp_path / "d.h5ad")
    summed = read_expression(tmp_path / "d.h5ad", duplicates="sum")
    np.testing.assert_array_equal(summed.to_df()["GATA1"], COUNTS[:, :2].sum(axis=1))
    example(COUNTS).T.write_h5ad(tmp_path / "t.h5ad")
    turned = read_expression(tmp_path / "t.h5ad", orientation="genes_by_cells")
    assert list(turned.var_names) == GENES
    np.testing.assert_array_equal(turned.to_df().to_numpy(), COUNTS)


def test_h5ad_with_missing_values_or_without_matrix(tmp_path):
    x = COUNTS.astype(np.float32)
    x[3, 1] = np.nan
    example(x).write_h5ad(tmp_path / "nan.h5ad")
    with pytest.raises(ValueError, match=r"nan\.h5ad holds NaN .* in 1 column\(s\): 'SPI1'"):
        read_expression(tmp_path / "nan.h5ad")
    empty = AnnData(obs=pd.DataFrame(index=CELLS), var=pd.DataFrame(index=GENES))
    empty.layers["counts"] = COUNTS
    empty.write_h5ad(tmp_path / "none.h5ad")
    with pytest.raises(ValueError, match=r"no matrix X, only the layers 'counts'"):
        read_expression(tmp_path / "none.h5ad")


def write_loom(path, row="Gene", column="CellID", names=GENES):
    rows = {row: np.array(names), "Accession": np.array(IDS)}
    columns = {column: np.array(CELLS), "stage": np.array(["x", "y"] * 10)}
    loompy.create(str(path), COUNTS.T.astype(float), rows, columns)
    return path


@pytest.mark.parametrize(("row", "column"), [("Gene", "CellID"), ("var_names", "obs_names")])
def test_loom(tmp_path, row, column):
    read = read_expression(write_loom(tmp_path / "x.loom", row, column))
    assert sp.isspmatrix_csr(read.X)
    np.testing.assert_array_equal(read.X.toarray(), COUNTS)
    assert list(read.obs_names) == CELLS
    assert list(read.var_names) == GENES
    assert read.var["gene_ids"].tolist() == IDS
    assert read.obs["stage"].tolist() == ["x", "y"] * 10


def test_loom_agrees_with_anndata(tmp_path):
    path = write_loom(tmp_path / "x.loom")
    ours, theirs = read_expression(path), anndata.io.read_loom(path)
    pd.testing.assert_frame_equal(
        ours.to_df(), theirs.to_df(), check_names=False, check_index_type=False
    )


def test_loom_without_names_and_without_loompy(tmp_path, monkeypatch):
    path = write_loom(tmp_path / "x.loom", column="who")
    with pytest.raises(ValueError, match=r"does not name its cells: expected the attribute CellID"):
        read_expression(path)

    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ImportError, match=r"pip install 'grnet\[loom\]'"):
        read_expression(path)


def test_hdf5_is_told_by_content(tmp_path):
    example(COUNTS).write_h5ad(tmp_path / "x.h5ad")
    (tmp_path / "x.h5ad").rename(tmp_path / "x.h5")
    assert read_expression(tmp_path / "x.h5").uns["grnet_source"]["format"] == "h5ad"
    with pytest.raises(ValueError, match=r"no 10x matrix.*format='h5ad'"):
        read_expression(tmp_path / "x.h5", format="10x_h5")
    with pytest.raises(ValueError, match=r"but no loom"):
        read_expression(tmp_path / "x.h5", format="loom")
    write_loom(tmp_path / "y.loom")
    with pytest.raises(ValueError, match=r"but no AnnData"):
        read_expression(tmp_path / "y.loom", format="h5ad")


@pytest.mark.parametrize("name", ["x.h5ad", "x.loom", "x.h5"])
def test_files_that_only_bear_the_name(tmp_path, name):
    path = tmp_path / name
    path.write_text("not HDF5 at all, " * 10)
    with pytest.raises(ValueError, match=f"{name} cannot be read as HDF5.*another format"):
        read_expression(path)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"is empty \(0 bytes\)"):
        read_expression(path)


def test_missing_files_and_folders(tmp_path):
    (tmp_path / "counts.csv").write_text("x")
    with pytest.raises(FileNotFoundError, match=r"count\.csv does not exist.*holds 'counts.csv'"):
        read_expression(tmp_path / "count.csv")
    with pytest.raises(FileNotFoundError, match=r"neither does the folder"):
        read_expression(tmp_path / "no" / "x.csv")
    with pytest.raises(ValueError, match=r"'counts.csv' may be tables: give the file itself"):
        read_expression(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"holds nothing that can be read.*ReadsPerGene\.out\.tab"):
        read_expression(tmp_path / "empty")
    with pytest.raises(ValueError, match=r"is a folder; format='table' is read from a file"):
        read_expression(tmp_path, format="table")
    with pytest.raises(ValueError, match=r"is a folder; format='h5ad' is read from a file"):
        read_expression(tmp_path, format="h5ad")
    with pytest.raises(ValueError, match=r"holds 0 files"):
        read_expression(tmp_path, format="10x_mtx")
    with pytest.raises(ValueError, match=r"no file of format 'star'"):
        read_expression(tmp_path / "empty", format="star")


@pytest.mark.parametrize(
    ("option", "value", "near"),
    [
        ("format", "h5add", "h5ad"),
        ("orientation", "genes_by_cell", "genes_by_cells"),
        ("gene_names", "symbols", "symbol"),
        ("duplicates", "summ", "sum"),
    ],
)
def test_unknown_options(tmp_path, option, value, near):
    with pytest.raises(ValueError, match=f"Unknown {option} '{value}'. Did you mean '{near}'"):
        read_expression(tmp_path, **{option: value})
