"""RNA and accessibility find each other, or are kept apart, from every kind of file."""

import gzip

import anndata as ad
import h5py
import mudata
import numpy as np
import pandas as pd
import pytest
import scipy.io
import scipy.sparse as sp

from grnet.io.fragments._barcodes import shared, spelt_alike
from grnet.io.multiome import read_multiome

BARCODES = ["AAACCCTGAACC-1", "CCCAGGTTACGT-1", "GGGTTTACCAGA-1", "TTTGACCATTTG-1"]
GENES = ["SPI1", "GATA1", "KLF1"]
PEAKS = ["chr1:100-200", "chr1:300-400", "chrX:5-90"]
RNG = np.random.default_rng(0)
COUNTS = RNG.integers(0, 5, (4, 3)) + np.eye(4, 3, dtype=int)
OPEN = RNG.integers(0, 3, (4, 3)) + np.eye(4, 3, dtype=int)


def rna(barcodes=BARCODES):
    return ad.AnnData(
        sp.csr_matrix(COUNTS, dtype=np.float32),
        obs=pd.DataFrame(index=list(barcodes)),
        var=pd.DataFrame(index=GENES),
    )


def atac(barcodes=BARCODES, peaks=PEAKS):
    return ad.AnnData(
        sp.csr_matrix(OPEN, dtype=np.float32),
        obs=pd.DataFrame(index=list(barcodes)),
        var=pd.DataFrame(index=list(peaks)),
    )


def write_10x(path, types=("Gene Expression", "Peaks")):
    """A feature-barcode matrix as CellRanger ARC writes it."""
    parts = {"Gene Expression": (GENES, COUNTS), "Peaks": (PEAKS, OPEN)}
    names = [name for kind in types for name in parts[kind][0]]
    x = sp.csr_matrix(np.hstack([parts[kind][1] for kind in types]))
    with h5py.File(path, "w") as file:
        group = file.create_group("matrix")
        group["barcodes"] = np.array(BARCODES, dtype="S")
        group["data"], group["indices"], group["indptr"] = x.data, x.indices, x.indptr
        group["shape"] = np.array(x.shape[::-1])
        features = group.create_group("features")
        features["id"] = np.array(names, dtype="S")
        features["name"] = np.array(names, dtype="S")
        features["genome"] = np.array(["hg38"] * len(names), dtype="S")
        kinds = [kind for kind in types for _ in parts[kind][0]]
        features["feature_type"] = np.array(kinds, dtype="S")
    return path


def write_folder(folder, names, values, **beside):
    folder.mkdir()
    with gzip.open(folder / "matrix.mtx.gz", "wb") as file:
        scipy.io.mmwrite(file, sp.coo_matrix(values.T))
    for name, lines in {**beside, "barcodes.tsv": BARCODES}.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    assert len(names) == values.shape[1]
    return folder


def check(mdata, barcodes=BARCODES):
    """Both sides hold the values that were written."""
    assert list(mdata.mod) == ["rna", "atac"]
    assert list(mdata["rna"].obs_names) == list(mdata["atac"].obs_names) == list(barcodes)
    assert list(mdata["rna"].var_names) == GENES
    assert list(mdata["atac"].var_names) == PEAKS
    assert mdata["atac"].var["start"].tolist() == [100, 300, 5]
    rows = [BARCODES.index(name) for name in barcodes]
    np.testing.assert_array_equal(mdata["rna"].X.toarray(), COUNTS[rows])
    np.testing.assert_array_equal(mdata["atac"].X.toarray(), OPEN[rows])


def test_one_10x_file_holds_both(tmp_path):
    path = write_10x(tmp_path / "multiome.h5")
    check(read_multiome(path))
    check(read_multiome(rna=path, atac=path))


def test_10x_folders_with_features_and_with_peaks_bed(tmp_path):
    features = [f"{g}\t{g}\tGene Expression" for g in GENES] + [f"{p}\t{p}\tPeaks" for p in PEAKS]
    both = np.hstack([COUNTS, OPEN])
    folder = write_folder(tmp_path / "arc", features, both, **{"features.tsv": features})
    check(read_multiome(folder))
    peaks = write_folder(tmp_path / "atac", PEAKS, OPEN)
    bed = [p.replace(":", "\t").replace("-", "\t") for p in PEAKS]
    (peaks / "peaks.bed").write_text("\n".join(bed))
    check(read_multiome(rna=rna(), atac=peaks))
    (peaks / "peaks.bed").write_text(bed[0])
    with pytest.raises(ValueError, match=r"is 3 x 4, but 1 peaks and 4 barcodes"):
        read_multiome(rna=rna(), atac=peaks)


def test_h5ad_and_h5mu_come_back(tmp_path):
    rna().write_h5ad(tmp_path / "rna.h5ad")
    atac().write_h5ad(tmp_path / "atac.h5ad")
    mdata = read_multiome(rna=tmp_path / "rna.h5ad", atac=tmp_path / "atac.h5ad")
    check(mdata)
    mdata.write_h5mu(tmp_path / "both.h5mu")
    check(read_multiome(tmp_path / "both.h5mu"))


def test_npz_has_its_names_beside_it(tmp_path):
    for name, features, values in (("RNA", GENES, COUNTS), ("peaks", PEAKS, OPEN)):
        sp.save_npz(tmp_path / f"{name}_features_x_cells.npz", sp.csr_matrix(values.T))
        (tmp_path / f"{name}_features.txt").write_text("\n".join(features))
        (tmp_path / f"{name}_barcodes.txt").write_text("\n".join(BARCODES))
    files = {"rna": "RNA", "atac": "peaks"}
    paths = {side: tmp_path / f"{name}_features_x_cells.npz" for side, name in files.items()}
    check(read_multiome(**paths))
    (tmp_path / "peaks_barcodes.txt").write_text("AAAC")
    with pytest.raises(ValueError, match="is 3 x 4, but 3 features and 1 barcodes"):
        read_multiome(**paths)
    (tmp_path / "peaks_barcodes.txt").unlink()
    with pytest.raises(FileNotFoundError, match=r"expected one of peaks_barcodes\.txt"):
        read_multiome(**paths)
    other = paths["rna"].rename(tmp_path / "rna.npz")
    with pytest.raises(ValueError, match=r"called NAME_features_x_cells\.npz"):
        read_multiome(rna=other, atac=atac())


@pytest.mark.parametrize("style", ["{}-{}-{}", "{}_{}_{}", "{}:{}-{}"])
def test_names_of_peaks_get_one_form(style):
    names = [style.format(*p.replace(":", "-").split("-")) for p in PEAKS]
    given = atac(peaks=names)
    check(read_multiome(rna=rna(), atac=given))
    assert list(given.var_names) == names
    assert given.var.empty


@pytest.mark.parametrize(
    "spelt",
    [
        lambda names: names,
        lambda names: [name[:-2] for name in names],
        lambda names: [f"{name[:-2]}-7" for name in names],
        lambda names: [f"sample#{name}" for name in names],
    ],
)
def test_pairing_sees_through_order_and_spelling(spelt):
    theirs = atac(spelt(BARCODES))[::-1][:3].copy()
    check(read_multiome(rna=rna(), atac=theirs), BARCODES[1:])


def test_other_cells_are_kept_apart(caplog):
    others = [*BARCODES[:1], "ACACACACACAC-1", "AGAGAGAGAGAG-1", "ATATATATATAT-1"]
    with caplog.at_level("INFO", "grnet"):
        mdata = read_multiome(rna=rna(), atac=atac(others), paired=False)
    assert "1 of 4 RNA and 4 ATAC cells are shared" in caplog.text
    assert mdata.n_obs == 8
    assert mdata["rna"].obs_names[0] == f"{BARCODES[0]}-rna"
    assert mdata["atac"].obs_names[0] == f"{BARCODES[0]}-atac"
    none = read_multiome(rna=rna(), atac=atac([f"c{i}" for i in range(4)]))
    assert none.n_obs == 8
    with pytest.raises(ValueError, match=r"share no barcode: RNA has 'AAACCC.*ATAC 'c0'"):
        read_multiome(rna=rna(), atac=atac([f"c{i}" for i in range(4)]), paired=True)


def test_a_spelling_that_merges_cells_is_not_used():
    first, second = ["AACC-1", "AACC-2"], ["AACC", "GGTT"]
    assert len(shared(first, second).first) == 0
    assert shared(["AACC-1"], ["AACC"]).second.tolist() == [0]
    with pytest.raises(ValueError, match="1 barcodes differ in their suffix alone"):
        spelt_alike(first, second)


def fragments(path):
    rows = [
        f"chr{c}\t{s}\t{s + 60}\t{b}\t1"
        for b, cell in zip(BARCODES, OPEN, strict=True)
        for (c, s), n in zip([("1", 110), ("1", 310), ("X", 8)], cell, strict=True)
        for _ in range(n)
    ]
    path.write_text("\n".join(rows))
    return path


def test_fragments_are_counted_or_give_quality(tmp_path):
    path = fragments(tmp_path / "fragments.tsv")
    peaks = atac().var_names.to_series().str.extract(r"(.+):(\d+)-(\d+)")
    peaks = peaks.set_axis(["chrom", "start", "end"], axis=1)
    for paired in ("auto", True):
        mdata = read_multiome(rna=rna(), fragments=path, peaks=peaks, paired=paired)
        check(mdata)
        assert mdata["atac"].obs["frip"].eq(1).all()
    given = atac()
    mdata = read_multiome(rna=rna(), atac=given, fragments=path)
    check(mdata)
    assert mdata["atac"].obs["n_fragments"].tolist() == OPEN.sum(axis=1).tolist()
    assert mdata["atac"].uns["grnet_fragments"]["lengths"][60] == OPEN.sum()
    assert given.obs.empty
    others = rna(["ACACACACACAC-1", "AGAGAGAGAGAG-1", "ATATATATATAT-1", "ACACACACACAG-1"])
    with pytest.raises(ValueError, match="min_fragments=1000"):
        read_multiome(rna=others, fragments=path, peaks=peaks)


def test_a_missing_side_is_named(tmp_path):
    with pytest.raises(ValueError, match="Both layers are needed, only 'rna' are given"):
        read_multiome(rna=rna())
    with pytest.raises(ValueError, match="only 'rna', 'fragments' are given"):
        read_multiome(rna=rna(), fragments="f.tsv")
    with pytest.raises(ValueError, match="Give path= of one file with both layers, or"):
        read_multiome("both.h5", rna=rna())
    with pytest.raises(ValueError, match=r"Unknown value of paired= 'yes'"):
        read_multiome(rna=rna(), atac=atac(), paired="yes")
    with pytest.raises(ValueError, match=r"holds no peaks: its features are 'Gene Expression'"):
        read_multiome(write_10x(tmp_path / "rna.h5", ["Gene Expression"]))
    with pytest.raises(ValueError, match="3 of 3 names of atac= are not intervals"):
        read_multiome(rna=rna(), atac=atac(peaks=GENES))
    mudata.MuData({"prot": rna()}).write_h5mu(tmp_path / "p.h5mu")
    with pytest.raises(ValueError, match=r"has the modalities 'prot', expected 'rna' and 'atac'"):
        read_multiome(tmp_path / "p.h5mu")


def test_the_human_multiome_is_paired(real_data):
    folder = real_data / "grn" / "hesc_multiome"
    mdata = read_multiome(
        rna=folder / "RNA_features_x_cells.npz", atac=folder / "peaks_features_x_cells.npz"
    )
    assert mdata["rna"].shape == (385, 8_595)
    assert mdata["atac"].shape == (385, 36_954)
    assert list(mdata["rna"].obs_names) == list(mdata["atac"].obs_names)
