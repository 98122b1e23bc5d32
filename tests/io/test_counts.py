import gzip

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from grnet.io.expression import read_expression

GENES = [f"ENSG{n:011d}" for n in range(40)]
RNG = np.random.default_rng(7)
FORWARD = RNG.poisson(60, 40)
REVERSE = RNG.poisson(2, 40)


def write_star(path, first, second, genes=GENES):
    path.parent.mkdir(exist_ok=True)
    lines = [f"N_{name}\t{n}\t{n + 1}\t{n + 2}" for n, name in enumerate(["unmapped", "noFeature"])]
    rows = zip(genes, first, second, strict=True)
    lines += [f"{gene}\t{a + b}\t{a}\t{b}" for gene, a, b in rows]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_htseq(path, counts, genes=GENES, special=True):
    lines = [f"{gene}\t{count}" for gene, count in zip(genes, counts, strict=True)]
    lines += ["__no_feature\t11", "__ambiguous\t3"] if special else []
    path.write_text("\n".join(lines) + "\n")
    return path


def write_featurecounts(path, columns, attribute=None):
    header = ["Geneid", "Chr", "Start", "End", "Strand", "Length"]
    header += ["gene_name"] if attribute else []
    lines = ["# Program:featureCounts v2.0.1; Command:...", "\t".join([*header, *columns])]
    for n, gene in enumerate(GENES):
        fields = [gene, "chr1;chr1", "1;5", "3;9", "+;+", str(100 + n)]
        fields += [attribute[n]] if attribute else []
        lines.append("\t".join([*fields, *(str(values[n]) for values in columns.values())]))
    path.write_text("\n".join(lines) + "\n")
    return path


def dense(adata):
    return adata.to_df().to_numpy()


@pytest.mark.parametrize(
    ("first", "second", "strand", "expected"),
    [
        (FORWARD, REVERSE, "forward", FORWARD),
        (REVERSE, FORWARD, "reverse", FORWARD),
        (FORWARD, FORWARD, "unstranded", 2 * FORWARD),
        (REVERSE, REVERSE, "unstranded", 2 * REVERSE),
    ],
)
def test_star_takes_the_column_of_the_library(tmp_path, first, second, strand, expected):
    path = write_star(tmp_path / "liver.ReadsPerGene.out.tab", first, second)
    adata = read_expression(path)
    assert adata.uns["grnet_source"] == {"file": path.name, "format": "star", "strand": strand}
    np.testing.assert_array_equal(dense(adata)[0], expected)
    assert list(adata.obs_names) == ["liver"]
    assert list(adata.var_names) == GENES
    column = ["unstranded", "forward", "reverse"].index(strand)
    assert adata.obs.iloc[0].to_dict() == {"unmapped": column, "noFeature": 1 + column}


def test_star_column_can_be_told(tmp_path):
    path = write_star(tmp_path / "aReadsPerGene.out.tab", FORWARD, REVERSE)
    np.testing.assert_array_equal(dense(read_expression(path, strand="reverse"))[0], REVERSE)
    with pytest.raises(ValueError, match=r"Unknown strand 'revers'. Did you mean 'reverse'"):
        read_expression(path, strand="revers")


def test_star_folder_joins_on_names_not_on_order(tmp_path):
    write_star(tmp_path / "aReadsPerGene.out.tab", FORWARD, REVERSE)
    write_star(tmp_path / "bReadsPerGene.out.tab", FORWARD[::-1] + 1, REVERSE, GENES[::-1])
    (tmp_path / "aLog.final.out").write_text("a log of STAR\n")
    adata = read_expression(tmp_path)
    assert list(adata.obs_names) == ["a", "b"]
    assert list(adata.var_names) == GENES
    np.testing.assert_array_equal(dense(adata), [FORWARD, FORWARD + 1])


def test_samples_in_subfolders_are_named_by_them(tmp_path):
    for sample in ("s1", "s2"):
        write_star(tmp_path / sample / "ReadsPerGene.out.tab", FORWARD, REVERSE)
    assert list(read_expression(tmp_path).obs_names) == ["s1", "s2"]


def test_star_samples_of_both_strands_raise(tmp_path):
    write_star(tmp_path / "aReadsPerGene.out.tab", FORWARD, REVERSE)
    write_star(tmp_path / "bReadsPerGene.out.tab", REVERSE, FORWARD)
    with pytest.raises(ValueError, match=r"a\S+ looks forward, \S+b\S+ looks reverse.*strand="):
        read_expression(tmp_path)
    adata = read_expression(tmp_path, strand="unstranded")
    np.testing.assert_array_equal(dense(adata)[0], dense(adata)[1])


def test_different_genes_raise_with_both_files(tmp_path):
    write_htseq(tmp_path / "a.txt", FORWARD)
    write_htseq(tmp_path / "b.txt", FORWARD[1:], GENES[1:])
    with pytest.raises(ValueError, match=r"a\.txt and \S+b\.txt do not count the same genes: 40"):
        read_expression(tmp_path)
    write_htseq(tmp_path / "b.txt", FORWARD, ["other", *GENES[1:]])
    with pytest.raises(ValueError, match=f"only in the first: '{GENES[0]}'; only in .*'other'"):
        read_expression(tmp_path)


def test_htseq(tmp_path):
    adata = read_expression(write_htseq(tmp_path / "s1.htseq.counts.txt", FORWARD))
    np.testing.assert_array_equal(dense(adata)[0], FORWARD)
    assert adata.obs.iloc[0].to_dict() == {"no_feature": 11, "ambiguous": 3}
    assert list(adata.obs_names) == ["s1"]


def test_htseq_of_several_samples(tmp_path):
    header = "\ta.bam\tpath/b.sorted.bam\n"
    rows = "".join(f"{gene}\t{n}\t{2 * n}\n" for n, gene in enumerate(GENES))
    path = tmp_path / "all.tsv"
    for top, names in ((header, ["a", "b"]), ("", ["all_1", "all_2"])):
        path.write_text(top + rows + "__no_feature\t5\t6\n")
        adata = read_expression(path)
        assert list(adata.obs_names) == names
        np.testing.assert_array_equal(dense(adata), [np.arange(40), 2 * np.arange(40)])
        assert adata.obs["no_feature"].tolist() == [5, 6]


def test_htseq_stripped_of_its_last_rows_by_name_of_the_format(tmp_path):
    for sample in "ab":
        write_htseq(tmp_path / f"{sample}.txt", FORWARD, special=False)
    with pytest.raises(ValueError, match=r"format='htseq'"):
        read_expression(tmp_path / "a.txt")
    adata = read_expression(tmp_path, format="htseq")
    np.testing.assert_array_equal(dense(adata), [FORWARD, FORWARD])


def test_real_htseq_and_its_look_alike(real_data, caplog):
    folder = real_data / "tool_outputs/htseq"
    adata = read_expression(folder / "WTCHG_536273_229157.tsv.gz")
    assert adata.shape == (1, 3551)
    assert adata.obs["ambiguous"].iloc[0] == 1554748
    assert adata.var.loc["gene-PSHA_RS00005", "attribute_1"] == "dnaA"
    assert adata[:, "gene-PSHA_RS00005"].X[0, 0] == 4473
    table = read_expression(folder / "counts-false-positive.tsv.gz")
    assert table.uns["grnet_source"]["format"] == "table"
    assert table.shape == (1, 1087)
    with pytest.raises(ValueError, match=r"line 1, column 2 holds 'count'.*format='table'"):
        read_expression(folder / "counts-false-positive.tsv.gz", format="htseq")
    assert read_expression(folder).shape == adata.shape
    assert "'counts-false-positive.tsv.gz' left out" in caplog.text


def test_real_star_agrees_with_pandas(real_data):
    path = real_data / "tool_outputs/star_yeast_ReadsPerGene.out.tab.gz"
    adata = read_expression(path)
    frame = pd.read_csv(path, sep="\t", header=None, index_col=0)
    genes = frame[~frame.index.str.startswith("N_")]
    assert sp.isspmatrix_csr(adata.X)
    np.testing.assert_array_equal(dense(adata)[0], genes[2].to_numpy())
    assert list(adata.var_names) == list(genes.index)
    assert adata.obs["noFeature"].iloc[0] == frame.loc["N_noFeature", 2]


def test_featurecounts(tmp_path):
    columns = {"/data/a.sorted.bam": FORWARD, "/data/bAligned.sortedByCoord.out.bam": REVERSE}
    symbols = [f"NAME{n}" for n in range(40)]
    path = write_featurecounts(tmp_path / "fc.txt", columns, symbols)
    adata = read_expression(path)
    assert list(adata.obs_names) == ["a", "b"]
    assert list(adata.var_names) == symbols
    assert adata.var["gene_ids"].tolist() == GENES
    assert adata.var["length"].tolist() == list(range(100, 140))
    np.testing.assert_array_equal(dense(adata), [FORWARD, REVERSE])
    path.write_bytes(gzip.compress(path.read_bytes()))
    assert list(read_expression(path, gene_names="id").var_names) == GENES


def test_featurecounts_folder(tmp_path):
    for name, counts in (("a", FORWARD), ("b", REVERSE)):
        write_featurecounts(tmp_path / f"{name}.txt", {f"{name}.bam": counts})
        (tmp_path / f"{name}.txt.summary").write_text("Status\tx\nAssigned\t1\n")
    adata = read_expression(tmp_path)
    assert list(adata.obs_names) == ["a", "b"]
    np.testing.assert_array_equal(dense(adata), [FORWARD, REVERSE])


def test_real_summaries_are_refused(real_data):
    folder = real_data / "tool_outputs/featurecounts"
    for path in folder.glob("SRR*"):
        with pytest.raises(ValueError, match=r"is a summary of featureCounts"):
            read_expression(path)
    with pytest.raises(ValueError, match=r"line 3, column 2 .* holds 'this-is'"):
        read_expression(folder / "Not_featurecounts.summary.gz")


def test_several_formats_in_a_folder(tmp_path):
    write_htseq(tmp_path / "a.txt", FORWARD)
    write_star(tmp_path / "bReadsPerGene.out.tab", FORWARD, REVERSE)
    with pytest.raises(ValueError, match=r"several formats .*htseq: 'a.txt'.*star: 'bReads"):
        read_expression(tmp_path)
    assert list(read_expression(tmp_path, format="star").obs_names) == ["b"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("ENSG9\t1\t2", "line 4 has 3 fields where 4 are expected"),
        ("ENSG9\t1\tx\t3", "line 4, column 3 holds 'x' where a count"),
        ("ENSG9\t1\t-2\t3", "line 4, column 3 holds '-2' where a count"),
    ],
)
def test_damaged_counts(tmp_path, line, message):
    path = tmp_path / "aReadsPerGene.out.tab"
    path.write_text(f"N_unmapped\t1\t2\t3\n\nENSG1\t1\t2\t3\n{line}\n")
    with pytest.raises(ValueError, match=message):
        read_expression(path)


def test_no_genes(tmp_path):
    path = tmp_path / "aReadsPerGene.out.tab"
    path.write_text("N_unmapped\t1\t2\t3\n")
    with pytest.raises(ValueError, match=r"holds no gene"):
        read_expression(path)
    table = tmp_path / "t.csv"
    table.write_text("gene,a,b\nGATA1,1,2\n")
    with pytest.raises(ValueError, match=r"where featureCounts writes Geneid"):
        read_expression(table, format="featurecounts")


def test_duplicated_samples(tmp_path):
    for sub in ("x", "y"):
        (tmp_path / sub).mkdir()
        write_htseq(tmp_path / sub / "same.txt", FORWARD)
    with pytest.raises(ValueError, match=r"1 cells occur more than once .'same'"):
        read_expression(tmp_path)
    np.testing.assert_array_equal(dense(read_expression(tmp_path, duplicates="sum")), [2 * FORWARD])
