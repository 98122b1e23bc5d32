import gzip
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grnet.io.genome import Genome, _gtf
from grnet.io.genome.annotation import as_genes, read_annotation


def row(place, feature, attributes):
    chrom, start, end, strand = place.split()
    return f"{chrom}\ttest\t{feature}\t{start}\t{end}\t.\t{strand}\t.\t{attributes}\n"


ABC = 'gene_id "ENSG1.5"; gene_type "lncRNA"; gene_name "ABC";'
FIRST, SECOND = (f'{ABC} transcript_id "ENST{name}";' for name in ("1.2", "3.1"))
GENCODE = "".join(
    [
        "##description: evidence-based annotation\n",
        row("chr1 101 900 -", "gene", f"{ABC} level 2;"),
        row("chr1 101 900 -", "transcript", f'{FIRST} transcript_type "retained_intron";'),
        row("chr1 801 900 -", "exon", FIRST),
        row("chr1 101 200 -", "exon", FIRST),
        row("chr1 151 900 -", "transcript", f'{SECOND} transcript_type "lncRNA";'),
        row("chr1 151 300 -", "exon", SECOND),
        row("chr2 5 9 +", "gene", 'gene_id "ENSG2.1"; gene_type "protein_coding";'),
    ]
)
DDX = 'gene_id "DDX"; gene "DDX"; transcript_id "NR_1.1"; db_xref "GeneID:1";'
REFSEQ_GTF = "".join(
    [
        "#gtf-version 2.2\n",
        row("NC_1 11 60 +", "gene", 'gene_id "DDX"; transcript_id ""; gene_biotype "misc";'),
        row("NC_1 11 60 +", "transcript", DDX),
        row("NC_1 11 20 +", "exon", f'{DDX} exon_number "1";'),
        row("NC_1 51 60 +", "exon", f'{DDX} exon_number "2";'),
    ]
)
REFSEQ_GFF3 = "".join(
    [
        "##gff-version 3\n",
        row("NC_1 1 900 +", "region", "ID=NC_1:1..900;Dbxref=taxon:9606"),
        row("NC_1 11 60 +", "gene", "ID=gene-DDX;Name=DDX;gene=DDX;gene_biotype=misc"),
        row("NC_1 11 60 +", "transcript", "ID=rna-1;Parent=gene-DDX;transcript_id=NR_1.1"),
        row("NC_1 11 20 +", "exon", "ID=exon-1;Parent=rna-1;gene=DDX"),
        row("NC_1 51 60 +", "exon", "ID=exon-2;Parent=rna-1;gene=DDX"),
        "###\n",
        row("NC_1 101 160 -", "pseudogene", "ID=gene-P1;Name=P1;gene=P1"),
        row("NC_1 101 130 -", "exon", "ID=id-P1;Parent=gene-P1;gene=P1"),
        "###\n",
    ]
)
SHARED_EXONS = """##gff-version 3
1\t.\tgene\t1\t90\t.\t+\t.\tID=g1;Name=a%2Cb
1\t.\tmRNA\t1\t90\t.\t+\t.\tID=t1;Parent=g1
1\t.\tmRNA\t1\t50\t.\t+\t.\tID=t2;Parent=g1
1\t.\texon\t1\t30\t.\t+\t.\tParent=t1,t2
1\t.\texon\t41\t50\t.\t+\t.\tParent=t2
1\t.\texon\t71\t90\t.\t+\t.\tParent=t1
##FASTA
>1
ACGTACGT
"""
EXONS_ONLY = "".join(
    [
        row("chr1 11 20 -", "exon", 'gene_id "A"; transcript_id "A.1";'),
        row("chr1 16 40 -", "exon", 'gene_id "A"; transcript_id "A.2";'),
        row("chr1 16 40 -", "CDS", 'gene_id "A"; transcript_id "A.2";'),
        row("chr2 11 20 +", "exon", 'gene_id "A"; transcript_id "A.3";'),
    ]
)


def write(tmp_path, text, name="genes.gtf"):
    path = tmp_path / name
    if name.endswith("gz"):
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize("name", ["genes.gtf", "genes.gtf.gz", "genes.txt"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_gencode(tmp_path, name, end):
    genes = read_annotation(write(tmp_path, GENCODE.replace("\n", end), name))
    assert genes.to_dict("list") == {
        "chrom": ["chr1", "chr2"],
        "start": [100, 4],
        "end": [900, 9],
        "strand": ["-", "+"],
        "tss": [899, 4],
        "gene": ["ABC", "ENSG2.1"],
        "gene_id": ["ENSG1.5", "ENSG2.1"],
        "biotype": ["lncRNA", "protein_coding"],
        "length": [300, 5],
    }
    assert genes[["start", "end", "tss", "length"]].dtypes.eq("int64").all()


def test_transcripts_of_gencode(tmp_path):
    rows = read_annotation(write(tmp_path, GENCODE), feature="transcript")
    assert rows["transcript"].tolist() == ["ENST1.2", "ENST3.1"]
    assert rows["biotype"].tolist() == ["retained_intron", "lncRNA"]
    assert rows["length"].tolist() == [200, 150]
    assert rows["tss"].tolist() == [899, 899]


def test_refseq_gtf_and_gff3_agree(tmp_path):
    gtf = read_annotation(write(tmp_path, REFSEQ_GTF))
    gff3 = read_annotation(write(tmp_path, REFSEQ_GFF3, "genes.gff3"))
    pd.testing.assert_frame_equal(gff3.iloc[:1], gtf)
    assert gtf[["gene", "gene_id", "biotype", "length", "tss"]].iloc[0].tolist() == [
        *("DDX", "DDX", "misc"),
        *(20, 10),
    ]
    assert gff3.iloc[1][["gene", "biotype", "length", "tss"]].tolist() == [
        "P1",
        "pseudogene",
        30,
        159,
    ]
    for name, text in (("genes.gtf", REFSEQ_GTF), ("genes.gff3", REFSEQ_GFF3)):
        rows = read_annotation(write(tmp_path, text, name), feature="transcript")
        assert rows["transcript"].tolist() == ["NR_1.1"]


def test_exons_of_two_transcripts_escapes_and_a_sequence_at_the_end(tmp_path):
    path = write(tmp_path, SHARED_EXONS, "genes.gff3")
    genes = read_annotation(path)
    assert genes[["gene", "gene_id", "length"]].iloc[0].tolist() == ["a,b", "g1", 60]
    rows = read_annotation(path, feature="transcript")
    assert rows[["transcript", "length"]].to_numpy().tolist() == [["t1", 50], ["t2", 40]]


def test_genes_are_pieced_together_from_exons(tmp_path):
    path = write(tmp_path, EXONS_ONLY)
    genes = read_annotation(path)
    columns = ["chrom", "start", "end", "tss", "length"]
    assert genes[columns].to_numpy().tolist() == [
        ["chr1", 10, 40, 39, 30],
        ["chr2", 10, 20, 10, 10],
    ]
    assert genes["gene"].tolist() == ["A", "A"]
    assert len(read_annotation(path, feature="transcript")) == 3


@given(
    st.lists(
        st.tuples(
            st.sampled_from("ABC"), st.sampled_from("12"), st.integers(1, 60), st.integers(0, 25)
        ),
        min_size=1,
        max_size=25,
    )
)
def test_length_is_the_number_of_bases_in_any_exon(tmp_path_factory, exons):
    lines = [
        row(f"{chrom} {start} {start + more} +", "exon", f'gene_id "{gene}";')
        for gene, chrom, start, more in exons
    ]
    genes = read_annotation(write(tmp_path_factory.mktemp("gtf"), "".join(lines)))
    bases: dict[tuple[str, str], set[int]] = {}
    for gene, chrom, start, more in exons:
        bases.setdefault((gene, chrom), set()).update(range(start, start + more + 1))
    found = genes.set_index(["gene", "chrom"])["length"].to_dict()
    assert found == {key: len(covered) for key, covered in bases.items()}


def test_small_blocks_change_nothing(tmp_path, monkeypatch):
    paths = [write(tmp_path, GENCODE), write(tmp_path, SHARED_EXONS, "genes.gff3")]
    whole = [read_annotation(path) for path in paths]
    for size in (150, 401):
        monkeypatch.setattr(_gtf, "_BLOCK", size)
        for path, expected in zip(paths, whole, strict=True):
            pd.testing.assert_frame_equal(read_annotation(path), expected)


def test_the_order_of_lines_does_not_matter_for_lengths(tmp_path):
    lines = GENCODE.splitlines(keepends=True)
    order = np.random.default_rng(3).permutation(len(lines))
    shuffled = read_annotation(write(tmp_path, "".join(lines[row] for row in order)))
    genes = read_annotation(write(tmp_path, GENCODE))
    left, right = (frame.sort_values("gene_id", ignore_index=True) for frame in (shuffled, genes))
    pd.testing.assert_frame_equal(left, right)


def test_yeast_equals_a_plain_reading(real_data):
    path = real_data / "yeast" / "genome" / "R64-1-1.96.gtf.gz"
    genes = read_annotation(path).set_index("gene_id")
    assert len(genes) == 7036
    bases: dict[str, set[int]] = {}
    with gzip.open(path, "rt") as lines:
        for line in lines:
            fields = line.split("\t")
            if len(fields) == 9 and fields[2] == "exon" and fields[0] in {"I", "XVI", "Mito"}:
                gene = re.search(r'gene_id "([^"]+)"', fields[8]).group(1)
                bases.setdefault(gene, set()).update(range(int(fields[3]), int(fields[4]) + 1))
    assert genes["length"].reindex(list(bases)).tolist() == [len(own) for own in bases.values()]
    assert genes.loc["YFL039C", ["gene", "chrom", "tss", "strand"]].tolist() == [
        *("ACT1", "VI", 54695, "-"),
    ]


def test_human_gff3_and_start_sites(real_data):
    genes = read_annotation(real_data / "variants/hg38_chr21_25Mb/annotation_test.gff.gz")
    app = genes.query("gene == 'APP'").iloc[0]
    assert app[["gene_id", "strand", "biotype"]].tolist() == [
        *("ENSG00000142192", "-", "protein_coding"),
    ]
    assert (genes["length"] <= genes["end"] - genes["start"]).all()
    sites = read_annotation(real_data / "grn/hesc_multiome/tss_hg38.tsv.gz")
    assert (sites["start"] == sites["tss"]).all()
    assert (sites["end"] == sites["tss"] + 1).all()
    assert sites.query("gene == 'OR4F5'")["tss"].tolist() == [69090]


@pytest.mark.parametrize("mark", ["\t", ","])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_tables(tmp_path, mark, end):
    rows = ["#chr gene_name strand start end", "1 A + 5 9", "1 B - 5 9"]
    text = "".join(row.replace(" ", mark) + end for row in rows)
    genes = read_annotation(write(tmp_path, text, "genes.tsv"))
    assert genes[["tss", "start", "end"]].to_numpy().tolist() == [[5, 5, 9], [8, 5, 9]]
    assert genes["gene_id"].tolist() == ["A", "B"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("# only\n# comments\n", "comments only"),
        (
            GENCODE.replace("chr1\ttest\tgene", "chr1 test gene"),
            r"lacks the column\(s\) 'chrom",
        ),
        (GENCODE + "chr3\ttest\tgene\t1", r"1 line\(s\) of .* have not the nine columns"),
        (GENCODE.replace("5\t9\t", "5\tx9\t"), "not a sound GTF or GFF3 file: .*x9"),
        (GENCODE.replace("5\t9\t", "5\t2\t"), "end before they start"),
        (GENCODE.replace("801\t900", "901\t900"), "1 exons of .* end before they start"),
        (GENCODE.replace("gene_id", "id"), "no row of a gene or an exon bears a gene_id"),
        (EXONS_ONLY.replace("exon", "CDS"), "no rows of genes, transcripts or exons, only 'CDS'"),
        ("chrom\ttss\tgene\tstrand\n", "has no rows"),
        ("chrom\ttss\tgene\tstrand\n1\tx\tA\t+\n", "1 start sites that are no positions: 'x'"),
        ("chrom\ttss\tgene\tstrand\n1\t5\tA\tW\n", "has the strands 'W'; expected"),
        ("chrom\ttss\tgene\tstrand\n1\t5\t\t+\n", "1 rows without a gene"),
        ("chrom\tgene\tstrand\n1\tA\t+\n", r"without a column 'tss' lacks the column\(s\) 'start'"),
        ("chr1\t5\t9\n", "neither GTF nor GFF3 but read as a table"),
    ],
)
def test_what_is_no_annotation_raises_with_its_path(tmp_path, text, message):
    path = write(tmp_path, text)
    with pytest.raises(ValueError, match=message) as error:
        read_annotation(path)
    assert str(path) in str(error.value)


def test_missing_file_and_feature(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"There is no file .*none\.gtf"):
        read_annotation(tmp_path / "none.gtf")
    with pytest.raises(ValueError, match=r"Unknown feature 'genes'\. Did you mean 'gene'"):
        read_annotation(write(tmp_path, GENCODE), feature="genes")


def test_an_annotation_may_be_a_path_a_frame_or_a_genome(tmp_path):
    path = write(tmp_path, GENCODE)
    genes = read_annotation(path)
    pd.testing.assert_frame_equal(as_genes(str(path)), genes)
    pd.testing.assert_frame_equal(as_genes(genes), genes)
    genome = Genome.from_sequences({"1": "A" * 1000, "2": "C" * 9}, annotation=path)
    found = as_genes(genome)
    assert found["chrom"].tolist() == ["1", "2"]
    pd.testing.assert_frame_equal(found.drop(columns="chrom"), genes.drop(columns="chrom"))
    with pytest.raises(TypeError, match="a Genome, a frame or a path, not int"):
        as_genes(5)


def test_a_frame_is_completed_and_left_untouched():
    frame = pd.DataFrame({"chrom": ["1"], "gene": ["A"], "strand": [-1], "start": 3, "end": 8})
    before = frame.copy()
    assert as_genes(frame)[["tss", "strand", "gene_id"]].iloc[0].tolist() == [7, "-", "A"]
    pd.testing.assert_frame_equal(frame, before)
    with pytest.raises(ValueError, match=r"The annotation lacks the column\(s\) 'gene'"):
        as_genes(frame.drop(columns="gene"))
