"""Binarised marks: ChromHMM's files as they are, and as they go wrong."""

import gzip

import anndata as ad
import numpy as np
import pytest

import grnet as gn

MARKS = ["CTCF", "H3K4me3", "H3K27me3"]


def written(path, codes, *, cell="GM12878", chrom="chr1", marks=MARKS, end="\n"):
    lines = [f"{cell}\t{chrom}", "\t".join(marks), *("\t".join(map(str, row)) for row in codes)]
    text = end.join(lines) + end
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_bytes(text.encode())
    return path


@pytest.fixture
def codes():
    return np.random.default_rng(0).integers(0, 3, (50, 3)).astype(np.uint8)


@pytest.mark.parametrize("name", ["a_binary.txt", "a_binary.txt.gz"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_codes_come_back(tmp_path, codes, name, end):
    marks = gn.io.read_binarised_marks(written(tmp_path / name, codes, end=end), bin_size=500)
    np.testing.assert_array_equal(marks.X, codes)
    assert marks.X.dtype == np.uint8
    assert marks.var_names.tolist() == MARKS
    assert marks.obs["start"].tolist() == list(range(0, 25_000, 500))
    assert (marks.obs["end"] - marks.obs["start"] == 500).all()
    assert marks.uns["grnet_source"] == {"cell": "GM12878", "bin_size": 500}


def test_a_folder_holds_chromosomes(tmp_path, codes):
    written(tmp_path / "c_chr1_binary.txt", codes, chrom="chr1")
    written(tmp_path / "c_chr2_binary.txt", codes[:7], chrom="chr2")
    marks = gn.io.read_binarised_marks(tmp_path)
    assert marks.obs["chrom"].value_counts().to_dict() == {"chr1": 50, "chr2": 7}
    assert marks["chr2:0-200"].X.tolist() == codes[:1].tolist()


def test_survives_a_file(tmp_path, codes):
    marks = gn.io.read_binarised_marks(written(tmp_path / "a.txt", codes))
    marks.write_h5ad(tmp_path / "a.h5ad")
    again = ad.read_h5ad(tmp_path / "a.h5ad")
    np.testing.assert_array_equal(again.X, codes)
    assert again.uns["grnet_source"]["cell"] == "GM12878"


@pytest.mark.parametrize("bad", ["0\t1", "0\t1\t3", "0\t1\t0.5", "0 1 2", "", "0\t1\t2\t0"])
def test_names_file_and_line_of_a_damaged_bin(tmp_path, codes, bad):
    path = written(tmp_path / "a.txt", codes)
    lines = path.read_text().split("\n")
    lines[9] = bad
    path.write_text("\n".join(lines))
    with pytest.raises(ValueError, match=r"a\.txt, line 10: found .* expected 3 values"):
        gn.io.read_binarised_marks(path)


@pytest.mark.parametrize(
    "text", ["chr1\t100\t200\n", "x\n", "K562\tchr1\nCTCF\t\tH3K4me3\n0\t0\t0\n"]
)
def test_refuses_other_formats(tmp_path, text):
    (tmp_path / "a.txt").write_text(text)
    with pytest.raises(ValueError, match="no binarised file of ChromHMM: expected 'cell<TAB>"):
        gn.io.read_binarised_marks(tmp_path / "a.txt")


def test_refuses_a_file_without_bins(tmp_path):
    (tmp_path / "a.txt").write_text("K562\tchr1\nCTCF\n")
    with pytest.raises(ValueError, match="has no bins after its two head lines"):
        gn.io.read_binarised_marks(tmp_path / "a.txt")


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"cell": "K562", "chrom": "chr2"}, "of the cell type 'GM12878', .* of 'K562'"),
        ({"marks": MARKS[::-1], "chrom": "chr2"}, "has the marks CTCF, H3K4me3"),
        ({}, r"chromosomes among the files occur more than once"),
    ],
)
def test_files_must_belong_together(tmp_path, codes, other, message):
    written(tmp_path / "a.txt", codes)
    written(tmp_path / "b.txt", codes, **other)
    with pytest.raises(ValueError, match=message):
        gn.io.read_binarised_marks(tmp_path)


def test_real_files(real_data):
    path = real_data / "chromatin" / "K562_chr11_binary.txt.gz"
    marks = gn.io.read_binarised_marks(path)
    with gzip.open(path, "rt") as lines:
        plain = np.loadtxt(lines, dtype=np.uint8, skiprows=2, max_rows=20_000)
    assert marks.shape == (200_000, 10)
    np.testing.assert_array_equal(marks.X[:20_000], plain)
    assert marks.uns["grnet_source"]["cell"] == "K562"
