"""Methylation calls: every format tells the same, strands and contexts as the genome has them."""

import gzip

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import grnet as gn

BASES = "TTCGACCGTCAGCCGGATCTCGNCTACGCAGTCCATCGTTACGGCTAGCAACGT"
GENOME = gn.io.Genome.from_sequences({"chr1": BASES, "chr2": "GATTACACGTGACGCA"})
COMPLEMENT = str.maketrans("ACGT", "TGCA")


def cytosines():
    """Every cytosine of both strands with its context, by brute force."""
    rows = []
    for chrom, text in (("chr1", BASES), ("chr2", "GATTACACGTGACGCA")):
        for place, base in enumerate(text):
            if base == "C":
                rows.append((chrom, place, "+", text[place : place + 3]))
            if base == "G":
                before = text[max(place - 2, 0) : place + 1]
                rows.append((chrom, place, "-", before.translate(COMPLEMENT)[::-1]))
    frame = pd.DataFrame(rows, columns=["chrom", "start", "strand", "bases"])
    kind = frame["bases"].str.replace("C[ACT]G", "CHG", regex=True)
    kind = kind.str.replace("C[ACT][ACT]", "CHH", regex=True).str.replace("CG.*", "CG", regex=True)
    frame["context"] = kind.where(kind.isin(["CG", "CHG", "CHH"]), "CN")
    return frame


@pytest.fixture
def calls():
    rng = np.random.default_rng(3)
    frame = cytosines()
    frame["coverage"] = rng.integers(0, 9, len(frame))
    frame["methylated"] = rng.binomial(frame["coverage"], 0.6)
    return frame


def lines(*columns):
    return "".join("\t".join(map(str, row)) + "\n" for row in zip(*columns, strict=True))


def report(frame):
    left = frame["coverage"] - frame["methylated"]
    columns = (frame["methylated"], left, frame["context"], frame["bases"])
    return lines(frame["chrom"], frame["start"] + 1, frame["strand"], *columns)


def allc(frame):
    columns = (frame["bases"], frame["methylated"], frame["coverage"], [1] * len(frame))
    return lines(frame["chrom"], frame["start"] + 1, frame["strand"], *columns)


def coverage(frame, zero_based=False):
    frame = frame.loc[frame["coverage"] > 0]
    start, left = frame["start"] + (not zero_based), frame["coverage"] - frame["methylated"]
    level = 100 * frame["methylated"] / frame["coverage"]
    columns = (frame["start"] + 1, level, frame["methylated"], left)
    return lines(frame["chrom"], start, *columns)


def bedmethyl(frame, label="m", separator="\t"):
    """Write modkit's 18 columns; older versions separated the last ones by spaces."""
    rows = []
    for row in frame.loc[frame["coverage"] > 0].itertuples():
        left, end = row.coverage - row.methylated, row.start + 1
        head = f"{row.chrom}\t{row.start}\t{end}\t{label}\t{row.coverage}\t{row.strand}\t"
        level = f"{100 * row.methylated / row.coverage:.2f}"
        tail = [row.coverage, level, row.methylated, left, 0, 0, 0, 0, 0]
        rows.append(f"{head}{row.start}\t{end}\t255,0,0\t" + separator.join(map(str, tail)) + "\n")
    return "".join(rows)


FORMATS = {
    "Bismark cytosine report": report,
    "allc": allc,
    "Bismark coverage": coverage,
    "bedMethyl (modkit)": bedmethyl,
}


def read(folder, text, name="liver.txt.gz", **settings):
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return gn.io.read_methylation(path, **settings)


def table(adata, sample=0):
    counts = {
        name: np.asarray(adata.layers[name].todense())[sample]
        for name in ("methylated", "coverage")
    }
    frame = adata.var[["chrom", "start", "strand"]].assign(**counts).reset_index(drop=True)
    return frame.astype({"strand": str, "methylated": int, "coverage": int})


def expected(calls, context, *, merged):
    frame = calls.loc[calls["context"] == context].copy()
    if merged:
        frame["start"] -= frame["strand"] == "-"
        frame["strand"] = "."
    frame = frame.groupby(["chrom", "start", "strand"], as_index=False)[
        ["methylated", "coverage"]
    ].sum()
    return frame.loc[frame["coverage"] > 0].reset_index(drop=True)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("context", ["CG", "CHG", "CHH"])
@pytest.mark.parametrize("merge", [True, False])
def test_every_format_with_the_genome_tells_the_same(tmp_path, calls, kind, context, merge):
    text = FORMATS[kind](calls)
    adata = read(tmp_path, text, genome=GENOME, context=context, merge_strands=merge)
    truth = expected(calls, context, merged=merge and context == "CG")
    pd.testing.assert_frame_equal(table(adata), truth, check_dtype=False)
    assert (adata.var["context"] == context).all()
    width = 2 if merge and context == "CG" else 1
    assert (adata.var["end"] - adata.var["start"] == width).all()
    assert adata.obs["format"].tolist() == [kind]


@pytest.mark.parametrize("kind", ["Bismark cytosine report", "allc"])
def test_formats_that_state_the_context_need_no_genome(tmp_path, calls, kind):
    for context in ("CG", "CHH"):
        adata = read(tmp_path, FORMATS[kind](calls), context=context)
        truth = expected(calls, context, merged=context == "CG")
        pd.testing.assert_frame_equal(table(adata), truth, check_dtype=False)
        assert adata.uns["grnet_source"]["context"] == context


def test_without_a_genome_strands_of_bedmethyl_merge_and_those_of_coverage_do_not(tmp_path, calls):
    cpg = calls.loc[calls["context"] == "CG"]
    merged = read(tmp_path, bedmethyl(cpg))
    pd.testing.assert_frame_equal(
        table(merged), expected(calls, "CG", merged=True), check_dtype=False
    )
    assert "taken to be CG" in merged.uns["grnet_source"]["context"]
    apart = read(tmp_path, coverage(cpg))
    assert apart.n_vars == (cpg["coverage"] > 0).sum()
    assert apart.layers["coverage"].sum() == merged.layers["coverage"].sum()
    assert "not merged: pass genome=" in apart.uns["grnet_source"]["strands"]
    with pytest.raises(ValueError, match=r"does not state the context.*pass genome="):
        read(tmp_path, coverage(cpg), context="CHG")


def test_both_countings_of_bismark_coverage(tmp_path, calls):
    one = read(tmp_path, coverage(calls), genome=GENOME)
    zero = read(tmp_path, coverage(calls, zero_based=True), genome=GENOME)
    pd.testing.assert_frame_equal(table(one), table(zero))


def test_modkit_with_spaces_motifs_and_other_modifications(tmp_path, calls):
    cpg = calls.loc[calls["context"] == "CG"]
    plain = table(read(tmp_path, bedmethyl(cpg)))
    assert table(read(tmp_path, bedmethyl(cpg, separator=" "))).equals(plain)
    assert table(read(tmp_path, bedmethyl(cpg, label="C"))).equals(plain)
    motifs = bedmethyl(cpg, label="m,CG,0") + bedmethyl(
        calls.loc[calls["context"] == "CHG"], label="m,CHG,0"
    )
    adata = read(tmp_path, motifs)
    assert table(adata).equals(plain)
    assert adata.uns["grnet_source"]["context"] == "CG"
    both = bedmethyl(cpg) + bedmethyl(cpg.assign(methylated=0), label="h")
    assert table(read(tmp_path, both)).equals(plain)
    hydroxy = read(tmp_path, both, modification="5hmC")
    assert hydroxy.layers["methylated"].sum() == 0
    with pytest.raises(ValueError, match=r"no covered site .*modification 5mC"):
        read(tmp_path, bedmethyl(cpg, label="a"))


def test_the_real_formats(real_data):
    folder = real_data / "methylation" / "formats"
    modkit = gn.io.read_methylation(folder / "chr21.chr22.HG002.top1000.bed.gz")
    assert modkit.var_names[0] == "chr21:5216643-5216645"
    assert modkit.layers["coverage"][0, 0] == 92
    assert modkit.layers["methylated"][0, 1] == 47
    old = gn.io.read_methylation(folder / "ctr1.chr10.chr11.bed.gz")
    assert old.var_names[0] == "chr10:3100021-3100023"
    assert [old.layers[name][0, 0] for name in ("methylated", "coverage")] == [4, 11]
    paths = {
        "coverage": folder / "test_data.fastq_bismark.bismark.cov.gz",
        "report": folder / "test_data.cytosineReport.gz",
    }
    for path in paths.values():
        adata = gn.io.read_methylation(path, merge_strands=False)
        assert adata.var["start"].iloc[0] == 910_855
        assert adata.layers["methylated"][0, 0] == 1


def test_eleven_columns_of_modbam2bed_tell_as_much_as_fourteen(real_data, tmp_path):
    path = real_data / "methylation" / "formats" / "ctr1.chr10.chr11.bed.gz"
    full = gn.io.read_methylation(path)
    rows = gzip.decompress(path.read_bytes()).decode().splitlines()
    short = read(tmp_path, "".join("\t".join(row.split("\t")[:11]) + "\n" for row in rows))
    assert short.obs["format"].tolist() == ["bedMethyl"]
    pd.testing.assert_frame_equal(table(short), table(full))


def test_the_real_table_of_two_replicates(real_data):
    adata = gn.io.read_methylation(real_data / "methylation" / "imr90_chr22_hg18_150k.tsv.gz")
    raw = pd.read_csv(real_data / "methylation" / "imr90_chr22_hg18_150k.tsv.gz", sep="\t")
    assert adata.obs_names.str.endswith(("_r1", "_r2")).all()
    for row, name in enumerate(("r1", "r2")):
        assert adata.layers["coverage"][row].sum() == raw[f"Cov_{name}"].sum()
        assert adata.layers["methylated"][row].sum() == raw[f"M_{name}"].sum()
    assert adata.var["start"].min() == raw["pos"].min() - 1


def test_samples_meet_on_common_sites_whatever_their_format_and_order(tmp_path, calls):
    other = calls.assign(coverage=calls["coverage"].to_numpy()[::-1])
    other["methylated"] = other["coverage"] // 2
    (tmp_path / "a.cov").write_text(coverage(calls))
    (tmp_path / "b.bed").write_text(bedmethyl(other.assign(chrom=other["chrom"].str[3:])))
    paths = {"x": tmp_path / "a.cov", "y": tmp_path / "b.bed"}
    adata = gn.io.read_methylation(paths, genome=GENOME)
    assert adata.obs_names.tolist() == ["x", "y"]
    for row, frame in enumerate((calls, other)):
        truth = expected(frame, "CG", merged=True)
        found = table(adata, row)
        found = found.loc[found["coverage"] > 0].reset_index(drop=True)
        pd.testing.assert_frame_equal(found, truth, check_dtype=False)
    swapped = gn.io.read_methylation(dict(reversed(paths.items())), genome=GENOME)
    assert table(swapped, 1).equals(table(adata, 0))
    assert gn.io.read_methylation(tmp_path, genome=GENOME).obs_names.tolist() == ["a", "b"]
    with pytest.raises(ValueError, match=r"1 of 2 samples state no strand \('x'\).*pass genome="):
        gn.io.read_methylation(paths)


def test_min_coverage_counts_after_merging(tmp_path):
    text = "chr1\t3\t+\t2\t1\tCG\tCGA\nchr1\t4\t-\t0\t2\tCG\tCGA\nchr1\t8\t+\t4\t0\tCG\tCGT\n"
    assert read(tmp_path, text, min_coverage=5).var_names.tolist() == ["chr1:2-4"]
    with pytest.raises(ValueError, match=r"min_coverage=9 reads in any sample: the largest is 5"):
        read(tmp_path, text, min_coverage=9)


def test_regions_keep_their_sites_only(tmp_path, calls):
    regions = pd.DataFrame({"chrom": ["1", "1", "1"], "start": [0, 5, 40], "end": [4, 8, 54]})
    whole, part = read(tmp_path, report(calls)), read(tmp_path, report(calls), regions=regions)
    start = whole.var["start"].to_numpy()[:, None]
    inside = (start >= regions["start"].to_numpy()) & (start < regions["end"].to_numpy())
    inside = inside.any(axis=1) & (whole.var["chrom"] == "chr1").to_numpy()
    assert part.n_vars == inside.sum() > 2
    assert (part.layers["coverage"] != whole[:, inside].layers["coverage"]).nnz == 0
    with_genome = read(tmp_path, report(calls), regions=regions, genome=GENOME)
    assert with_genome.var["start"].tolist() == part.var["start"].tolist()


def test_blocks_and_order_of_lines_do_not_matter(tmp_path, calls, monkeypatch):
    whole = read(tmp_path, report(calls), context=None)
    monkeypatch.setattr("grnet.io.tracks._columns._ROWS", 7)
    shuffled = read(tmp_path, report(calls.sample(frac=1, random_state=0)), context=None)
    assert table(shuffled).equals(table(whole))
    assert shuffled.var["context"].astype(str).equals(whole.var["context"].astype(str))
    assert shuffled.uns["grnet_source"]["strands"] == "merged in CpGs, separate elsewhere"


def test_another_assembly_is_told(tmp_path, calls):
    moved = calls.assign(start=(calls["start"] - 1).clip(lower=0)).drop_duplicates(
        ["chrom", "start", "strand"]
    )
    with pytest.raises(ValueError, match=r"Only \d+% of the cytosines .* another assembly"):
        read(tmp_path, coverage(moved), genome=GENOME)
    with pytest.raises(ValueError, match="does not fit the genome"):
        read(tmp_path, report(calls.assign(start=calls["start"] + 1000)), genome=GENOME)
    with pytest.raises(ValueError, match=r"No chromosome .*'scaffold'.*'chr1'"):
        read(tmp_path, report(calls.assign(chrom="scaffold")), genome=GENOME)


def test_files_of_all_contexts_that_state_none_are_suspected(tmp_path, caplog):
    start = np.arange(0, 60_000, 20)
    frame = pd.DataFrame({"chrom": "chr1", "start": start, "strand": np.tile(["+", "-"], 1500)})
    read(tmp_path, bedmethyl(frame.assign(coverage=2, methylated=1)))
    assert "may hold others: pass genome=" in caplog.text


def test_it_travels_in_h5ad(tmp_path, calls):
    adata = read(tmp_path, report(calls))
    adata.write_h5ad(tmp_path / "x.h5ad")
    back = ad.read_h5ad(tmp_path / "x.h5ad")
    assert table(back).equals(table(adata))
    assert back.uns["grnet_source"] == adata.uns["grnet_source"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("chr1\t1\t1\t50\t1\n", r"no known format of methylation calls. Expected: Bismark"),
        ("chr1\t5\t5\t50\t1\t1\nchr1\t9\t9\t50\tx\t1\n", r"line 2: the column 'methylated' holds"),
        (
            "chr1\t5\t5\t50\t1\t1\nchr1\t9\t9\t50\n",
            r"line 2: .* has 4 columns, expected at least 6",
        ),
        ("chr1\t5\t5\t50\t1\t1\nchr1\t9\t10\t50\t1\t1\n", r"differ by 0 to 1 bases"),
        ("chr1\t0\t0\t50\t1\t1\n", r"1 of 1 rows cannot be, first chr1:-1"),
        ("chr1\t99999999999999\t99999999999999\t50\t1\t1\n", r"1 of 1 rows cannot be"),
        ("chrom\tpos\tM\tCov\nchr1\t5\t7\t4\n", r"cannot be, first chr1:4 with 7 of 4 reads"),
        ("chrom\tpos\tlevel\nchr1\t5\t0.4\n", r"no counts: name them M and Cov"),
        ("chr1\t5\t5\t50\t1\t1\nchr1\t5\t5\t50\t2\t1\n", r"lists 1 cytosines twice .* first at 4"),
        ("chr1\t5\t+\t0\t0\tCG\tCGA\n", r"no covered site of context CG"),
        ("", "is empty"),
    ],
)
def test_damaged_files_are_named(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, text, name="x.txt")


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 9)), min_size=1, max_size=20))
def test_tables_come_back_as_written(tmp_path_factory, rows):
    frame = pd.DataFrame(rows, columns=["start", "coverage"]).drop_duplicates("start")
    frame["methylated"] = frame["coverage"] // 2
    text = "chrom,start,strand,M_a,Cov_a\n" + "".join(
        f"chr1,{row.start},+,{row.methylated},{row.coverage}\n" for row in frame.itertuples()
    )
    adata = read(tmp_path_factory.mktemp("table"), text, name="t.csv", merge_strands=False)
    assert adata.obs_names.tolist() == ["t_a"]
    truth = frame.sort_values("start")
    assert table(adata)[["start", "methylated", "coverage"]].to_numpy().tolist() == (
        truth[["start", "methylated", "coverage"]].to_numpy().tolist()
    )
