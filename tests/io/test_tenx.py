import gzip
import shutil

import h5py
import numpy as np
import pytest
import scanpy as sc
import scipy.io
import scipy.sparse as sp

from grnet.io.expression import read_expression

N_CELLS, N_GENES = 30, 12
IDS = [f"ENSG{n:011d}" for n in range(N_GENES)]
SYMBOLS = ["GATA1", "SPI1", *(f"GENE{n}" for n in range(N_GENES - 2))]
BARCODES = [f"{'ACGT'[n % 4] * 15}{'ACGT'[n // 4 % 4]}-{n // 16 + 1}" for n in range(N_CELLS)]
COUNTS = sp.csr_matrix(np.random.default_rng(1).poisson(0.4, (N_CELLS, N_GENES)))
MULTIOME = ["Gene Expression"] * 8 + ["Peaks"] * 4


def text(values):
    return np.array([value.encode() for value in values])


def write_h5(path, *, types=None, symbols=SYMBOLS, genome="GRCh38"):
    csc = sp.csc_matrix(COUNTS.T)
    with h5py.File(path, "w") as file:
        group = file.create_group("matrix")
        group["data"], group["indices"], group["indptr"] = csc.data, csc.indices, csc.indptr
        group["shape"], group["barcodes"] = np.array(csc.shape), text(BARCODES)
        features = group.create_group("features")
        features["id"], features["name"] = text(IDS), text(symbols)
        features["feature_type"] = text(types or ["Gene Expression"] * N_GENES)
        features["genome"] = text([genome] * N_GENES if isinstance(genome, str) else genome)
    return path


def write_h5_v2(path, genomes=("hg19",)):
    csc = sp.csc_matrix(COUNTS.T)
    with h5py.File(path, "w") as file:
        for genome in genomes:
            group = file.create_group(genome)
            group["data"], group["indices"], group["indptr"] = csc.data, csc.indices, csc.indptr
            group["shape"], group["barcodes"] = np.array(csc.shape), text(BARCODES)
            group["genes"], group["gene_names"] = text(IDS), text(SYMBOLS)
    return path


def write_mtx(folder, *, version=3, types=None, prefix=""):
    folder.mkdir(exist_ok=True)
    types = types or ["Gene Expression"] * N_GENES
    rows = list(zip(IDS, SYMBOLS, types, strict=True))
    lines = ["\t".join(row[:2] if version == 2 else row) for row in rows]
    plain = {
        f"{prefix}{'genes' if version == 2 else 'features'}.tsv": "\n".join(lines) + "\n",
        f"{prefix}barcodes.tsv": "\n".join(BARCODES) + "\n",
    }
    scipy.io.mmwrite(folder / f"{prefix}matrix.mtx", sp.coo_matrix(COUNTS.T))
    for name, content in plain.items():
        (folder / name).write_text(content)
    if version == 3:
        for name in (*plain, f"{prefix}matrix.mtx"):
            (folder / f"{name}.gz").write_bytes(gzip.compress((folder / name).read_bytes()))
            (folder / name).unlink()
    return folder


def same(adata, n_genes=N_GENES):
    assert sp.isspmatrix_csr(adata.X)
    assert adata.X.dtype == np.float32
    np.testing.assert_array_equal(adata.X.toarray(), COUNTS.toarray()[:, :n_genes])
    assert list(adata.obs_names) == BARCODES
    assert list(adata.var_names) == SYMBOLS[:n_genes]
    assert adata.var["gene_ids"].tolist() == IDS[:n_genes]


def agrees(adata, other):
    np.testing.assert_array_equal(adata.X.toarray(), other.X.toarray())
    assert list(adata.obs_names) == list(other.obs_names)
    assert list(adata.var_names) == list(other.var_names)
    assert adata.var["gene_ids"].tolist() == other.var["gene_ids"].tolist()


def test_h5_of_each_version_agrees_with_scanpy(tmp_path):
    for path in (write_h5(tmp_path / "v3.h5"), write_h5_v2(tmp_path / "v2.h5")):
        adata = read_expression(path)
        same(adata)
        agrees(adata, sc.read_10x_h5(path))
    assert set(adata.var["genome"]) == {"hg19"}


def test_multiome_h5_keeps_rna_only(tmp_path):
    path = write_h5(tmp_path / "multiome.h5", types=MULTIOME)
    adata = read_expression(path)
    same(adata, 8)
    agrees(adata, sc.read_10x_h5(path, gex_only=True))


@pytest.mark.parametrize("prefix", ["", "GSM123_", "sample.one."])
@pytest.mark.parametrize("version", [2, 3])
def test_mtx_of_each_version_agrees_with_scanpy(tmp_path, version, prefix):
    folder = write_mtx(tmp_path / "mtx", version=version, prefix=prefix)
    adata = read_expression(folder)
    same(adata)
    agrees(adata, sc.read_10x_mtx(folder, prefix=prefix))


def test_multiome_mtx_keeps_rna_only(tmp_path):
    same(read_expression(write_mtx(tmp_path / "mtx", types=MULTIOME)), 8)


def test_one_matrix_among_several(tmp_path):
    write_mtx(tmp_path / "mtx", prefix="a_")
    folder = write_mtx(tmp_path / "mtx", prefix="b_", version=2)
    with pytest.raises(ValueError, match=r"holds 2 files \*matrix.mtx.*give the path of one"):
        read_expression(folder)
    same(read_expression(folder / "a_matrix.mtx.gz"))
    same(read_expression(folder / "b_matrix.mtx"))


def test_cells_by_genes_mtx_is_turned(tmp_path):
    folder = write_mtx(tmp_path / "mtx", version=2)
    scipy.io.mmwrite(folder / "matrix.mtx", sp.coo_matrix(COUNTS))
    same(read_expression(folder))


def test_gene_ids_as_names(tmp_path):
    adata = read_expression(write_h5(tmp_path / "v3.h5"), gene_names="id")
    assert list(adata.var_names) == IDS
    assert adata.var["gene_symbols"].tolist() == SYMBOLS


def test_shared_symbols(tmp_path, caplog):
    symbols = ["GATA1", "GATA1", *SYMBOLS[2:]]
    path = write_h5(tmp_path / "v3.h5", symbols=symbols)
    adata = read_expression(path)
    totals = COUNTS.toarray()[:, :2].sum(axis=0)
    strong, weak = np.argmax(totals), np.argmin(totals)
    assert totals[0] != totals[1]
    assert adata.var_names[strong] == "GATA1"
    assert adata.var_names[weak] == IDS[weak]
    assert "1 symbols belong to several genes ('GATA1')" in caplog.text
    np.testing.assert_array_equal(adata.X.toarray(), COUNTS.toarray())
    summed = read_expression(path, duplicates="sum")
    assert sp.isspmatrix_csr(summed.X)
    np.testing.assert_array_equal(
        summed[:, "GATA1"].X.toarray().ravel(), COUNTS.toarray()[:, :2].sum(axis=1)
    )
    first = read_expression(path, duplicates="first")
    assert first.n_vars == N_GENES - 1
    assert first.var["gene_ids"].iloc[0] == IDS[0]
    with pytest.raises(ValueError, match=r"1 genes occur more than once"):
        read_expression(path, duplicates="error")


def test_genomes(tmp_path):
    path = write_h5_v2(tmp_path / "two.h5", ("hg19", "mm10"))
    with pytest.raises(ValueError, match=r"holds the genomes hg19, mm10: choose by genome="):
        read_expression(path)
    same(read_expression(path, genome="mm10"))
    with pytest.raises(ValueError, match=r"Unknown genome .*'mm9'.*Choose one of: hg19, mm10"):
        read_expression(path, genome="mm9")
    mixed = write_h5(tmp_path / "mixed.h5", genome=["GRCh38"] * 5 + ["mm10"] * 7)
    same(read_expression(mixed, genome="GRCh38"), 5)
    with pytest.raises(ValueError, match=r"genome='mm10' chooses among the genomes of a 10x .h5"):
        read_expression(write_mtx(tmp_path / "mtx"), genome="mm10")


def test_no_rna(tmp_path):
    with pytest.raises(ValueError, match=r"holds no RNA: its features are 'Peaks'"):
        read_expression(write_h5(tmp_path / "atac.h5", types=["Peaks"] * N_GENES))


@pytest.mark.parametrize("name", ["barcodes.tsv.gz", "features.tsv.gz"])
def test_missing_file_of_names(tmp_path, name):
    folder = write_mtx(tmp_path / "mtx", prefix="GSM1_")
    (folder / f"GSM1_{name}").unlink()
    with pytest.raises(FileNotFoundError, match=f"file beside it: expected one of.*GSM1_{name}"):
        read_expression(folder)


def test_names_that_do_not_fit(tmp_path):
    folder = write_mtx(tmp_path / "mtx", version=2)
    (folder / "barcodes.tsv").write_text("barcode\n" + "\n".join(BARCODES) + "\n")
    message = f"matrix is {N_GENES} x {N_CELLS}, but {N_GENES} features and {N_CELLS + 1} barcodes"
    with pytest.raises(ValueError, match=message):
        read_expression(folder)
    path = write_h5(tmp_path / "v3.h5")
    with h5py.File(path, "a") as file:
        del file["matrix/barcodes"]
        file["matrix/barcodes"] = text(BARCODES[1:])
    with pytest.raises(ValueError, match=f"{N_CELLS - 1} barcodes are named"):
        read_expression(path)


def test_shape_that_does_not_fit(tmp_path):
    path = write_h5(tmp_path / "v3.h5")
    with h5py.File(path, "a") as file:
        file["matrix/shape"][:] = [N_GENES - 3, N_CELLS]
    with pytest.raises(ValueError, match=r"which the stored matrix .* does not fit"):
        read_expression(path)


def test_truncated_h5(tmp_path):
    path = write_h5(tmp_path / "v3.h5")
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ValueError, match=r"v3\.h5 cannot be read as HDF5.*download it again"):
        read_expression(path)


def test_h5_that_is_no_matrix(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["something"] = [1, 2]
    with pytest.raises(ValueError, match=r"no 10x matrix: it holds 'something'"):
        read_expression(tmp_path / "other.h5")
    path = write_h5(tmp_path / "v3.h5")
    with h5py.File(path, "a") as file:
        del file["matrix/indptr"]
    with pytest.raises(ValueError, match=r"/matrix lacks 'indptr'"):
        read_expression(path)


def test_damaged_matrix_market(tmp_path):
    folder = write_mtx(tmp_path / "mtx", version=2)
    path = folder / "matrix.mtx"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[: len(lines) // 2]) + "\n")
    with pytest.raises(ValueError, match=r"cannot be read as a Matrix Market file.*truncated"):
        read_expression(folder)
    path.write_text("\n".join([*lines[:5], "3 x 1", *lines[6:]]) + "\n")
    with pytest.raises(ValueError, match=r"Matrix Market file.*Line 6"):
        read_expression(folder)


def test_truncated_gzip_in_a_folder(tmp_path):
    for name in ("matrix.mtx.gz", "barcodes.tsv.gz"):
        folder = write_mtx(tmp_path / "mtx")
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole[:-20])
        with pytest.raises(ValueError, match=f"{name} is damaged or truncated"):
            read_expression(folder)
        shutil.rmtree(folder)


def test_folder_above_the_matrix_is_pointed_down(tmp_path):
    write_mtx(tmp_path / "filtered_feature_bc_matrix")
    with pytest.raises(ValueError, match=r"10x matrices lie in 'filtered_feature_bc_matrix'"):
        read_expression(tmp_path)
