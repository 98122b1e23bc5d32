"""Fragments become the counts that a plain loop gives, whatever the order and the spelling."""

import gzip

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from grnet.io.fragments import _blocks, _counts, read_fragments
from grnet.io.fragments._counts import Matrix
from grnet.io.fragments._lookup import Lookup, positions
from grnet.io.fragments._quality import enrichment

CELLS = ["AAAC-1", "CCCA-1", "GGGT-1"]
PEAKS = pd.DataFrame(
    {
        "chrom": ["chr1", "chr1", "chr1", "chr2", "chrX"],
        "start": [100, 150, 120, 50, 0],
        "end": [400, 500, 140, 90, 70],
    }
)
GENES = pd.DataFrame(
    {
        "chrom": ["chr1", "chr2", "chr2"],
        "start": [2_500, 4_000, 30],
        "end": [3_000, 5_001, 60],
        "strand": ["+", "-", "+"],
        "tss": [2_500, 5_000, 30],
        "gene": ["A", "B", "C"],
    }
)


def frame(n=3_000, seed=0, chroms=("chr1", "chr2", "chrX")):
    """Fragments of three cells along short chromosomes."""
    rng = np.random.default_rng(seed)
    start = rng.integers(0, 6_000, n)
    return pd.DataFrame(
        {
            "chrom": rng.choice(list(chroms), n),
            "start": start,
            "end": start + rng.integers(1, 700, n),
            "barcode": rng.choice(CELLS, n, p=[0.5, 0.3, 0.2]),
            "reads": rng.integers(1, 5, n),
        }
    ).sort_values(["chrom", "start"], ignore_index=True)


def written(table, path, *, header=""):
    data = (header + table.to_csv(sep="\t", header=False, index=False)).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.fixture
def file(tmp_path):
    return written(frame(), tmp_path / "fragments.tsv.gz", header="# id=x\n# primary_contig=chr1\n")


def overlapping(fragments, peaks):
    """Every fragment against every peak."""
    f = {name: fragments[name].to_numpy()[:, None] for name in ("chrom", "start", "end")}
    p = {name: peaks[name].to_numpy() for name in f}
    return (f["chrom"] == p["chrom"]) & (f["start"] < p["end"]) & (f["end"] > p["start"])


def counted(fragments, peaks, *, insertions=False):
    """Cells x peaks by comparing every fragment to every peak."""
    hits = overlapping(fragments, peaks).astype(int)
    if insertions:
        first = fragments.assign(end=fragments["start"] + 1)
        last = fragments.assign(start=fragments["end"] - 1)
        hits = overlapping(first, peaks).astype(int) + overlapping(last, peaks)
    return np.array([hits[(fragments["barcode"] == cell).to_numpy()].sum(axis=0) for cell in CELLS])


@pytest.mark.parametrize("count", ["fragments", "insertions"])
def test_counts_are_those_of_a_plain_loop_with_peaks_inside_peaks(file, count):
    adata = read_fragments(file, PEAKS, min_fragments=0, count=count)
    assert sp.issparse(adata.X)
    assert adata.X.dtype == np.int32
    assert list(adata.obs_names) == CELLS
    assert list(adata.var_names[:2]) == ["chr1:100-400", "chr1:150-500"]
    expected = counted(frame(), PEAKS, insertions=count == "insertions")
    np.testing.assert_array_equal(adata.X.toarray(), expected)


def test_figures_of_cells_are_those_of_pandas(file):
    table = frame()
    obs = read_fragments(file, PEAKS, min_fragments=0).obs
    by_cell = table.assign(length=table["end"] - table["start"]).groupby("barcode")
    assert obs["n_fragments"].tolist() == by_cell.size().tolist()
    assert obs["n_reads"].tolist() == by_cell["reads"].sum().tolist()
    np.testing.assert_allclose(obs["duplicate_rate"], 1 - by_cell.size() / by_cell["reads"].sum())
    one = by_cell["length"].apply(lambda x: x.between(147, 294).sum())
    free = by_cell["length"].apply(lambda x: (x < 147).sum())
    np.testing.assert_allclose(obs["nucleosome_signal"], one / free)
    inside = overlapping(table, PEAKS).any(axis=1)
    np.testing.assert_allclose(obs["frip"], table.assign(i=inside).groupby("barcode")["i"].mean())


def test_lengths_and_profile_count_every_fragment_once(file):
    table = frame()
    adata = read_fragments(file, PEAKS, annotation=GENES, min_fragments=0)
    kept = adata.uns["grnet_fragments"]
    lengths = np.bincount(table["end"] - table["start"], minlength=1001)
    np.testing.assert_array_equal(kept["lengths"], lengths)
    profile = np.zeros(4001, int)
    centre = dict.fromkeys(CELLS, 0)
    flank = dict.fromkeys(CELLS, 0)
    for gene in GENES.itertuples():
        for f in table.loc[table["chrom"] == gene.chrom].itertuples():
            for position in (f.start, f.end - 1):
                offset = (position - gene.tss) * (1 if gene.strand == "+" else -1)
                if abs(offset) <= 2000:
                    profile[offset + 2000] += 1
                    centre[f.barcode] += abs(offset) <= 50
                    flank[f.barcode] += abs(offset) > 1900
    np.testing.assert_array_equal(kept["tss_profile"], profile)
    found = enrichment(
        np.array(list(centre.values())),
        np.array(list(flank.values())),
        2.0 * adata.obs["n_fragments"].to_numpy(),
    )
    np.testing.assert_allclose(adata.obs["tss_enrichment"], found)


def test_enrichment_of_deep_cells_is_the_plain_ratio_and_that_of_small_ones_is_finite():
    centre, flank = np.array([505_000, 3]), np.array([100_000, 0])
    found = enrichment(centre, flank, np.array([1e7, 300.0]))
    assert found[0] == pytest.approx(10, rel=1e-3)
    assert 0 < found[1] < 10
    assert np.isnan(enrichment(np.array([1]), np.array([0]), np.array([5.0]))).all()


@given(st.integers(0, 10_000), st.integers(1, 60), st.integers(1, 80))
def test_overlaps_are_those_of_a_plain_loop(seed, n_regions, n_queries):
    rng = np.random.default_rng(seed)
    chrom, q_chrom = rng.integers(0, 3, n_regions), rng.integers(-1, 3, n_queries)
    start, q_start = rng.integers(0, 60, n_regions), rng.integers(0, 60, n_queries)
    end = start + rng.integers(1, 40, n_regions)
    q_end = q_start + rng.integers(1, 20, n_queries)
    rows, regions = Lookup(chrom, start, end).pairs(
        positions(q_chrom, q_start), positions(q_chrom, q_end)
    )
    hit = q_chrom[:, None] == chrom
    hit &= (q_start[:, None] < end) & (q_end[:, None] > start)
    expected = list(zip(*np.nonzero(hit), strict=True))
    assert sorted(zip(rows.tolist(), regions.tolist(), strict=True)) == expected


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 4)), max_size=60), st.integers(1, 20))
def test_matrix_is_the_same_however_often_it_is_added_up(entries, pending):
    before, _counts.PENDING = _counts.PENDING, pending
    try:
        matrix = Matrix(5)
        for cell, peak in entries:
            matrix.add(np.array([cell]), np.array([peak]))
        found = matrix.total(7).toarray()
    finally:
        _counts.PENDING = before
    expected = np.zeros((7, 5), int)
    np.add.at(expected, tuple(np.array(entries, int).reshape(-1, 2).T), 1)
    np.testing.assert_array_equal(found, expected)


def test_order_blocks_and_line_ends_change_nothing(file, tmp_path, monkeypatch):
    expected = read_fragments(file, PEAKS, annotation=GENES, min_fragments=0)
    shuffled = frame().sample(frac=1, random_state=1)
    path = tmp_path / "shuffled.tsv"
    lines = written(shuffled, path).read_text().splitlines()
    path.write_bytes("\r\n".join([*lines[:9], "# pasted", "", *lines[9:]]).encode())
    monkeypatch.setattr(_blocks, "BLOCK", 2_000)
    monkeypatch.setattr(_counts, "PENDING", 100)
    found = read_fragments(path, PEAKS.iloc[::-1], annotation=GENES[::-1], min_fragments=0)
    pd.testing.assert_frame_equal(found.obs, expected.obs)
    np.testing.assert_array_equal(found.X.toarray(), expected.X.toarray()[:, ::-1])
    for name, values in expected.uns["grnet_fragments"].items():
        np.testing.assert_array_equal(found.uns["grnet_fragments"][name], values)


ROMAN = {"chr1": "I", "chr2": "V", "chrX": "X"}


@pytest.mark.parametrize("first", ["X", "V", "I"])
def test_roman_numbers_are_understood_whatever_comes_first(tmp_path, monkeypatch, first):
    monkeypatch.setattr(_blocks, "BLOCK", 3_000)
    table = frame().assign(chrom=lambda t: t["chrom"].map(ROMAN))
    table = pd.concat([table.loc[table["chrom"] == first], table.loc[table["chrom"] != first]])
    path = written(table, tmp_path / "roman.tsv")
    arabic = PEAKS.assign(chrom=["chr1", "chr1", "chr1", "chr5", "chr10"])
    genes = GENES.assign(chrom=["1", "5", "5"])
    adata = read_fragments(path, arabic, annotation=genes, min_fragments=0)
    np.testing.assert_array_equal(adata.X.toarray(), counted(frame(), PEAKS))
    assert adata.obs["tss_enrichment"].notna().all()


def test_barcodes_choose_and_order_the_cells(file, tmp_path):
    chosen = read_fragments(file, PEAKS, barcodes=["GGGT-1", "TTTT-1", "AAAC-1"])
    assert list(chosen.obs_names) == ["GGGT-1", "TTTT-1", "AAAC-1"]
    expected = counted(frame(), PEAKS)
    np.testing.assert_array_equal(chosen.X.toarray(), [expected[2], [0] * 5, expected[0]])
    assert np.isnan(chosen.obs.loc["TTTT-1", "frip"])
    listed = tmp_path / "barcodes.tsv"
    listed.write_text("GGGT\nAAAC\n")
    bare = read_fragments(file, PEAKS, barcodes=listed)
    assert list(bare.obs_names) == ["GGGT", "AAAC"]
    np.testing.assert_array_equal(bare.X.toarray(), expected[[2, 0]])
    only = read_fragments(file, PEAKS, barcodes=CELLS, min_fragments=700)
    assert list(only.obs_names) == CELLS[:2]


def test_four_columns_are_enough_and_six_are_no_harm(tmp_path):
    four = written(frame().drop(columns="reads"), tmp_path / "four.tsv")
    six = written(frame().assign(strand="+"), tmp_path / "six.tsv")
    short, wide = (read_fragments(path, PEAKS, min_fragments=1) for path in (four, six))
    np.testing.assert_array_equal(short.X.toarray(), wide.X.toarray())
    assert "n_reads" not in short.obs
    assert "n_reads" in wide.obs


def test_repeated_peaks_count_once_and_the_input_stays_as_it_was(file):
    doubled = pd.concat([PEAKS.assign(name="a"), PEAKS.iloc[:2].assign(name="b")])
    before = doubled.copy()
    adata = read_fragments(file, doubled, min_fragments=0)
    pd.testing.assert_frame_equal(doubled, before)
    assert adata.n_vars == len(PEAKS)
    assert set(adata.var["name"]) == {"a"}


def test_only_protein_coding_genes_count_where_that_is_known(file):
    genes = GENES.assign(biotype=["protein_coding", "tRNA", "tRNA"])
    some = read_fragments(file, PEAKS, annotation=genes, min_fragments=0)
    first = read_fragments(file, PEAKS, annotation=GENES[:1], min_fragments=0)
    pd.testing.assert_frame_equal(some.obs, first.obs)


@pytest.mark.parametrize("indexed", [False, True])
def test_a_region_is_read_with_and_without_an_index(tmp_path, indexed):
    pysam = pytest.importorskip("pysam")
    path = written(frame(), tmp_path / "fragments.tsv")
    if indexed:
        path = tmp_path / "fragments.tsv.gz"
        pysam.tabix_compress(str(tmp_path / "fragments.tsv"), str(path))
        pysam.tabix_index(str(path), preset="bed")
    adata = read_fragments(path, PEAKS, min_fragments=0, region="1:130-600")
    table = frame().query("chrom == 'chr1' and start < 600 and end > 130")
    assert list(adata.var_names) == ["chr1:100-400", "chr1:150-500", "chr1:120-140"]
    np.testing.assert_array_equal(adata.X.toarray(), counted(table, PEAKS[:3]))
    assert adata.obs["n_fragments"].sum() == len(table)
    whole = read_fragments(path, PEAKS, min_fragments=0, region="2")
    np.testing.assert_array_equal(whole.X.toarray(), counted(frame(), PEAKS)[:, [3]])


GOOD = "chr1\t100\t200\tAAAC\t1\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("chr1\t5\t9\n", r"3 column\(s\) separated by tabs in line 1.*chrom, start, end, barcode"),
        ("chr1 5 9 AAAC 1\n", r"1 column\(s\)"),
        ("# only\n# comments\n", "holds no fragments, only 2 comment"),
        (GOOD + "chr1\tx\t9\tAAAC\t1\n", "is no fragment file.*invalid value 'x'"),
        (GOOD + "chr1\t1.5\t9\tAAAC\t1\n", r"invalid value '1\.5'"),
        (GOOD + "chr1\t\t9\tAAAC\t1\n", "invalid value ''"),
        (GOOD + "chr1\t5\t9\n", "Expected 5 columns, got 3"),
        (GOOD + "chr1\t9\t9\tAAAC\t1\n", r"1 of 2 fragments .* end at or before .*chr1\\t9\\t9"),
        (GOOD + "chr1\t-4\t9\tAAAC\t1\n", "start before 0"),
        (GOOD.replace("\t1\n", "\t+\n"), r"invalid value '\+'"),
        (GOOD.replace("chr1", "NC_1"), r"No chromosome .*'NC_1', the peaks 'chr1'"),
        (GOOD.replace("\t100\t200", "\t10\t20"), "No fragment of the 1 cells .* lies in any of 5"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, message):
    path = tmp_path / "bad.tsv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        read_fragments(path, PEAKS, min_fragments=1)
    assert "bad.tsv" in str(caught.value)


def test_too_few_fragments_show_how_many_there_are(file):
    with pytest.raises(ValueError, match=r"None of 3 barcodes .*min_fragments=5000.*most \d+"):
        read_fragments(file, PEAKS, min_fragments=5_000)


def test_unknown_barcodes_and_regions_raise(file):
    with pytest.raises(ValueError, match=r"None of the 1 barcodes.*'TTTT-1', it has"):
        read_fragments(file, PEAKS, barcodes=["TTTT-1"])
    with pytest.raises(ValueError, match="differ in their suffix alone"):
        read_fragments(
            written(frame().replace("-1", "", regex=True), file.with_name("bare.tsv")),
            PEAKS,
            barcodes=["AAAC-1", "AAAC-2"],
        )
    with pytest.raises(ValueError, match="No peak of 5 lies in the region chr1:1000-2000"):
        read_fragments(file, PEAKS, region="chr1:1000-2000")
    with pytest.raises(ValueError, match="No chromosome of region= is known"):
        read_fragments(file, PEAKS, region="chr9:1-2")
    with pytest.raises(ValueError, match="have no length"):
        read_fragments(file, PEAKS.assign(end=PEAKS["start"]))


def test_a_truncated_file_is_named_wherever_it_ends(file, tmp_path):
    whole = file.read_bytes()
    for n in (15, len(whole) // 2, len(whole) - 5):
        path = tmp_path / f"cut{n}.tsv.gz"
        path.write_bytes(whole[:n])
        with pytest.raises(ValueError, match=rf"cut{n}.tsv.gz is damaged or truncated"):
            read_fragments(path, PEAKS, min_fragments=0)


def mangled(data, rng):
    """Cut, flip, drop or shuffle something."""
    kind = rng.integers(4)
    if kind == 0:
        return data[: rng.integers(len(data))]
    if kind == 1:
        place = rng.integers(len(data))
        return data[:place] + bytes([rng.integers(256)]) + data[place + 1 :]
    lines = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).splitlines()
    if kind == 2:
        row = rng.integers(len(lines))
        fields = lines[row].split(b"\t")
        lines[row] = b"\t".join(np.delete(fields, rng.integers(len(fields))))
    return b"\n".join(lines[i] for i in rng.permutation(len(lines)))


@pytest.mark.parametrize("ending", ["tsv", "tsv.gz"])
def test_mangled_files_give_an_answer_or_an_error_that_names_them(tmp_path, ending):
    data = written(frame(200), tmp_path / f"good.{ending}").read_bytes()
    path = tmp_path / f"mangled.{ending}"
    rng = np.random.default_rng(0)
    answers, errors = 0, []
    for _ in range(80):
        path.write_bytes(mangled(data, rng))
        try:
            answers += read_fragments(path, PEAKS, min_fragments=1).n_obs > 0
        except ValueError as error:
            errors.append(str(error))
    assert [error for error in errors if path.name not in error] == []
    assert answers > 10
    assert len(errors) > 10


def test_the_result_survives_h5ad(file, tmp_path):
    import anndata as ad

    adata = read_fragments(file, PEAKS, annotation=GENES, min_fragments=0)
    adata.write_h5ad(tmp_path / "a.h5ad")
    again = ad.read_h5ad(tmp_path / "a.h5ad")
    pd.testing.assert_frame_equal(again.obs, adata.obs)
    lengths = adata.uns["grnet_fragments"]["lengths"]
    np.testing.assert_array_equal(again.uns["grnet_fragments"]["lengths"], lengths)


def test_yeast_is_enriched_in_its_peaks_and_upstream_of_its_genes(real_data):
    from grnet.io.genome.annotation import read_annotation

    folder = real_data / "yeast"
    peaks = folder / "atac" / "peaks_GSM1621339.bed.gz"
    adata = read_fragments(
        folder / "atac" / "fragments_SRR1822137.tsv.gz",
        peaks,
        annotation=read_annotation(folder / "genome" / "R64-1-1.96.gtf.gz"),
    )
    assert adata.n_obs == 2
    assert adata.obs["n_fragments"].tolist() == [207_484] * 2
    covered = (adata.var["end"] - adata.var["start"]).sum() / 12_157_105
    assert (adata.obs["frip"] > 4 * covered).all()
    assert adata.obs["tss_enrichment"].between(1.05, 3).all()
    profile = adata.uns["grnet_fragments"]["tss_profile"]
    # the region free of nucleosomes lies just upstream of the genes of yeast
    assert profile[1800:2000].mean() > 1.5 * profile[2050:2250].mean()
