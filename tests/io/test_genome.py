import gzip
import logging
import multiprocessing
import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grnet._alphabet import reverse_complement, to_codes, to_text
from grnet.io.genome import Genome, _fasta

CHROMOSOMES = st.lists(st.text("ACGTNacgtnRYK", max_size=70), min_size=1, max_size=4).filter(any)
ENDS = st.tuples(st.integers(0, 3), st.integers(0, 70), st.integers(0, 70), st.sampled_from("+-."))
GENES = pd.DataFrame(
    {
        "chrom": ["1", "1", "2"],
        "tss": [2, 9, 5],
        "gene": ["A", "B", "C"],
        "strand": ["+", "-", "."],
    }
)


def named(sequences):
    return {f"chr{number}": text for number, text in enumerate(sequences, 1)}


def fasta_text(sequences, width=7, end="\n"):
    lines = []
    for name, text in sequences.items():
        lines += [
            f">{name} of a test",
            *(text[at : at + width] for at in range(0, len(text), width)),
        ]
    return end.join(lines) + end


def write(path, text):
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_bytes(text.encode())
    return path


def frame_of(rows, sequences):
    """Turn any four values into an interval inside of one of the chromosomes."""
    names = list(sequences)
    placed = []
    for chrom, first, second, strand in rows:
        name = names[chrom % len(names)]
        ends = sorted(position % (len(sequences[name]) + 1) for position in (first, second))
        placed.append((name, *ends, strand))
    return pd.DataFrame(placed, columns=["chrom", "start", "end", "strand"])


def plain(text):
    return "".join(letter if letter in "ACGT" else "N" for letter in text.upper())


def expected(row, sequences, width):
    """Cut a window with Python's own slices."""
    start, end = row.start, row.end
    if width is not None:
        start = (start + end) // 2 - width // 2
        end = start + width
    around = "N" * 200 + plain(sequences[row.chrom]) + "N" * 200
    cut = around[200 + start : 200 + end]
    return to_text(reverse_complement(to_codes(cut))) if row.strand == "-" else cut


@given(CHROMOSOMES, st.lists(ENDS, min_size=1, max_size=8), st.none() | st.integers(1, 90))
def test_windows_equal_slices_of_the_text(sequences, rows, width):
    sequences = named(sequences)
    frame = frame_of(rows, sequences)
    genome = Genome.from_sequences(sequences)
    codes = genome.sequence(frame, width=width, stranded=True)
    cut = [expected(row, sequences, width) for row in frame.itertuples()]
    longest = max(map(len, cut))
    assert [to_text(row) for row in codes] == [text.ljust(longest, "N") for text in cut]
    assert codes.dtype == np.uint8
    assert codes.flags.writeable


@given(CHROMOSOMES, st.integers(1, 80), st.sampled_from(["\n", "\r\n"]), st.data())
def test_a_file_equals_the_memory(tmp_path_factory, sequences, width, end, data):
    sequences = {name: text for name, text in named(sequences).items() if text}
    path = tmp_path_factory.mktemp("fasta") / "genome.fa"
    genome = Genome(write(path, fasta_text(sequences, width, end)))
    memory = Genome.from_sequences(sequences)
    pd.testing.assert_series_equal(genome.sizes, memory.sizes)
    frame = frame_of(data.draw(st.lists(ENDS, min_size=1, max_size=6)), sequences)
    np.testing.assert_array_equal(genome.sequence(frame), memory.sequence(frame))


@given(CHROMOSOMES, st.lists(ENDS, min_size=2, max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_rows_is_kept(sequences, rows, random):
    sequences = named(sequences)
    frame = frame_of(rows, sequences)
    order = list(range(len(frame)))
    random.shuffle(order)
    genome = Genome.from_sequences(sequences)
    codes = genome.sequence(frame, width=11)
    np.testing.assert_array_equal(genome.sequence(frame.iloc[order], width=11), codes[order])


def test_the_middle_base_comes_to_the_middle_column():
    genome = Genome.from_sequences({"1": "AAAAATAAAAA"})
    summit = pd.DataFrame({"chrom": ["1"], "start": [5], "end": [6]})
    for width in range(1, 30):
        row = to_text(genome.sequence(summit, width=width)[0])
        assert row.index("T") == width // 2


def test_small_blocks_change_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    genome = Genome.from_sequences({"1": "".join(rng.choice(list("ACGT"), 500))})
    start = rng.integers(0, 480, 50)
    frame = pd.DataFrame({"chrom": "1", "start": start, "end": start + 20})
    whole = genome.sequence(frame, width=60)
    monkeypatch.setattr("grnet.io.genome.handle._BLOCK", 130)
    np.testing.assert_array_equal(genome.sequence(frame, width=60), whole)


def test_no_intervals_no_rows():
    genome = Genome.from_sequences({"1": "ACGT"})
    frame = pd.DataFrame({"chrom": pd.Series(dtype=str), "start": [], "end": []})
    assert genome.sequence(frame).shape == (0, 0)
    assert genome.sequence(frame, width=8).shape == (0, 8)


@pytest.mark.parametrize("name", ["genome.fa", "genome.fa.gz", "genome.fasta.bgz"])
def test_plain_and_packed_files_are_alike(tmp_path, name):
    sequences = {"chr1": "ACGTTGCAAC", "chr2": "GGGNNN"}
    path = tmp_path / "data" / name
    path.parent.mkdir()
    text = fasta_text(sequences)
    path.write_bytes(gzip.compress(text.encode()) if "gz" in name else text.encode())
    genome = Genome(path, cache=tmp_path / "cache")
    frame = pd.DataFrame({"chrom": ["2", "chr1"], "start": [0, 1], "end": [6, 10]})
    assert [to_text(row) for row in genome.sequence(frame)] == ["GGGNNNNNN", "CGTTGCAAC"]
    beside = sorted(file.name for file in path.parent.iterdir())
    assert beside == ([name] if "gz" in name else [name, f"{name}.fai"])


def test_a_packed_file_is_unpacked_once_and_again_when_it_changes(tmp_path):
    path = write(tmp_path / "g.fa.gz", fasta_text({"1": "AAAA"}))
    cache = tmp_path / "cache"
    Genome(path, cache=cache)
    (first,) = (cache / "genomes").glob("*.fa")
    stamp = first.stat().st_mtime_ns
    Genome(path, cache=cache)
    assert first.stat().st_mtime_ns == stamp
    write(path, fasta_text({"1": "CCCCC"}))
    assert Genome(path, cache=cache).sizes["1"] == 5
    assert len(list((cache / "genomes").glob("*.fa"))) == 2


def test_the_index_goes_to_the_cache_where_the_folder_is_read_only(tmp_path, monkeypatch):
    path = write(tmp_path / "g.fa", fasta_text({"1": "ACGT"}))
    replacing = _fasta._atomic.replacing

    def refusing(target):
        if target.parent == tmp_path:
            raise PermissionError(target)
        return replacing(target)

    monkeypatch.setattr(_fasta._atomic, "replacing", refusing)
    for _ in range(2):
        assert Genome(path, cache=tmp_path / "cache").sizes["1"] == 4
    assert not path.with_name("g.fa.fai").exists()
    assert len(list((tmp_path / "cache" / "genomes").glob("*.fai"))) == 1


@pytest.mark.parametrize(
    "stale",
    [
        "",
        "nonsense\n",
        "1\t4\t14\t7\t8\n",
        "1\t4\t14\t7\t8\n3\t12\t33\t7\t8\n",
        "1\t9\t14\t7\t8\n2\t12\t33\t7\t8\n",
    ],
    ids=["empty", "nonsense", "cut off", "other name", "other length"],
)
def test_an_index_that_does_not_fit_is_made_anew(tmp_path, caplog, stale):
    path = write(tmp_path / "g.fa", fasta_text({"1": "ACGT", "2": "ACGTACGTACGT"}))
    index = tmp_path / "g.fa.fai"
    Genome(path)
    right = index.read_text()
    index.write_text(stale)
    later = path.stat().st_mtime + 100
    os.utime(index, (later, later))
    with caplog.at_level(logging.WARNING):
        assert Genome(path).sizes.to_dict() == {"1": 4, "2": 12}
    assert "does not fit" in caplog.text
    assert index.read_text() == right


def test_a_file_that_changes_below_an_open_genome_raises(tmp_path):
    path = write(tmp_path / "g.fa", fasta_text({"1": "ACGT"}))
    genome = Genome(path)
    unread = pickle.loads(pickle.dumps(genome))
    write(path, fasta_text({"1": "ACGTAA"}))
    with pytest.raises(ValueError, match="has changed since it was opened"):
        unread.sequence(pd.DataFrame({"chrom": ["1"], "start": [0], "end": [2]}))


def _worker(genome, start, queue):
    frame = pd.DataFrame({"chrom": "1", "start": start, "end": start + 5})
    queue.put((int(start[0]), genome.sequence(frame)))


def test_forked_workers_read_the_same(tmp_path):
    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("no fork here")
    text = "".join(np.random.default_rng(1).choice(list("ACGT"), 3000))
    genome = Genome(write(tmp_path / "g.fa", fasta_text({"chr1": text}, 60)))
    starts = [np.arange(at, at + 700) for at in (0, 1500)]
    whole = [
        genome.sequence(pd.DataFrame({"chrom": "1", "start": s, "end": s + 5})) for s in starts
    ]
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    workers = [context.Process(target=_worker, args=(genome, s, queue)) for s in starts]
    for worker in workers:
        worker.start()
    found = dict(queue.get(timeout=60) for _ in workers)
    for worker in workers:
        worker.join()
    for start, codes in zip(starts, whole, strict=True):
        np.testing.assert_array_equal(found[int(start[0])], codes)


def test_pickled_it_is_its_path(tmp_path):
    genome = Genome(write(tmp_path / "g.fa", fasta_text({"1": "ACGT" * 50_000})))
    genome.sequence(pd.DataFrame({"chrom": ["1"], "start": [0], "end": [9]}))
    text = pickle.dumps(genome)
    assert len(text) < 3000
    frame = pd.DataFrame({"chrom": ["chr1"], "start": [1], "end": [9]})
    np.testing.assert_array_equal(pickle.loads(text).sequence(frame), genome.sequence(frame))


def test_harmonise_renames_drops_and_keeps_the_index(caplog):
    genome = Genome.from_sequences({"chrI": "ACGTACGT", "chrII": "ACGT", "chrM": "AC"})
    peaks = pd.DataFrame(
        {"chrom": ["2", "MT", "7", "1"], "start": 0, "end": [4, 2, 9, 8]}, index=list("abcd")
    )
    before = peaks.copy()
    with caplog.at_level(logging.WARNING):
        kept = genome.harmonise(peaks, what="the peaks")
    assert kept["chrom"].to_dict() == {"a": "chrII", "b": "chrM", "d": "chrI"}
    assert "1 of 4 intervals lie on chromosomes that the genome lacks ('7')" in caplog.text
    pd.testing.assert_frame_equal(peaks, before)


def test_another_assembly_is_told_with_both_sets_of_names():
    genome = Genome.from_sequences({"chr1": "ACGT", "chr2": "ACGTACGT"})
    peaks = pd.DataFrame({"chrom": ["1", "2"], "start": [0, 3], "end": [5, 8]})
    message = (
        r"1 of 2 intervals of the peaks end beyond their chromosome: 'chr1:0-5', while 'chr1' has "
        r"4 bases. .* another assembly .*of the peaks: '1', '2'; of the genome: 'chr1', 'chr2'"
    )
    with pytest.raises(ValueError, match=message):
        genome.harmonise(peaks, what="the peaks")
    with pytest.raises(ValueError, match="1 of 2 intervals of the table end beyond"):
        genome.sequence(peaks)
    with pytest.raises(ValueError, match=r"lacks 1 chromosome\(s\) of the table: '9'; it has"):
        genome.sequence(peaks.assign(chrom=["1", "9"], end=4))


def test_start_sites_and_promoters():
    genome = Genome.from_sequences({"chr1": "A" * 12, "chr2": "C" * 8}, annotation=GENES)
    assert genome.tss()[["chrom", "start", "end", "gene"]].to_numpy().tolist() == [
        ["chr1", 2, 3, "A"],
        ["chr1", 9, 10, "B"],
        ["chr2", 5, 6, "C"],
    ]
    promoters = genome.promoters(upstream=4, downstream=2)
    assert promoters[["start", "end"]].to_numpy().tolist() == [[0, 4], [8, 12], [1, 7]]
    assert genome.promoters(0, 1)[["start", "end"]].equals(genome.tss()[["start", "end"]])
    genes = genome.genes
    genes["gene"] = "changed"
    assert genome.genes["gene"].tolist() == ["A", "B", "C"]


@given(st.integers(0, 30), st.integers(1, 30), st.integers(0, 59))
def test_promoters_of_a_mirrored_genome_are_mirrored(upstream, downstream, tss):
    def promoter(strand, site):
        genes = pd.DataFrame({"chrom": ["1"], "tss": site, "gene": "A", "strand": strand})
        genome = Genome.from_sequences({"1": "A" * 60}, annotation=genes)
        return genome.promoters(upstream, downstream)[["start", "end"]].to_numpy()[0]

    start, end = promoter("+", tss)
    assert promoter("-", 59 - tss).tolist() == [60 - end, 60 - start]


def test_without_annotation_the_fix_is_named():
    with pytest.raises(ValueError, match=r'Pass one: Genome\(fasta, annotation="genes.gtf.gz"\)'):
        Genome.from_sequences({"1": "ACGT"}).tss()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("ACGT\nACGT\n", "not a valid FASTA"),
        (">1\n", "no bases"),
        (">1\nACGT\n>1\nACGT\n", "2 sequences but 1 names"),
        (">1\nACGT\nAC\nACGT\n", "Line length"),
        (">1\nACGT\nACGTACGT\n", "lines differ in length"),
        (">1\nMKVLQE\n", "a file of proteins: it has the letter 'L'"),
        (">1\nACGTACG\nACGT\x00\n", "damaged in 1"),
        (">1\r\nACGT\r\nAC G\r\n", "damaged in 1"),
    ],
)
@pytest.mark.parametrize("name", ["bad.fa", "bad.fa.gz"])
def test_what_is_no_fasta_raises_with_its_path(tmp_path, name, text, message):
    path = write(tmp_path / name, text)
    if name.endswith("gz") and not text:
        path.write_bytes(b"")
    with pytest.raises(ValueError, match=message) as error:
        Genome(path, cache=tmp_path)
    assert str(path) in str(error.value)


def test_missing_misnamed_and_truncated_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no FASTA file .*missing\.fa: check the path"):
        Genome(tmp_path / "missing.fa")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        Genome(tmp_path)
    path = tmp_path / "g.fa.gz"
    path.write_bytes(b">1\nACGT\n")
    with pytest.raises(ValueError, match=r"not gzipped although its name ends in \.gz"):
        Genome(path)
    packed = gzip.compress(fasta_text({"1": "ACGT" * 900}).encode())
    path.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(ValueError, match="damaged or truncated"):
        Genome(path, cache=tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("*.fa"))
    with pytest.raises(ValueError, match="at least one sequence"):
        Genome.from_sequences({})


def test_the_yeast_genome(real_data, tmp_path):
    folder = real_data / "yeast" / "genome"
    genome = Genome(
        folder / "R64-1-1.fa.gz", annotation=folder / "R64-1-1.96.gtf.gz", cache=tmp_path
    )
    assert genome.sizes["XII"] == 1_078_177
    assert int(genome.sizes.sum()) == 12_157_105
    with gzip.open(folder / "R64-1-1.fa.gz", "rt") as file:
        first = file.read(240_000).split(">")[1].partition("\n")[2].replace("\n", "")
    whole = pd.DataFrame({"chrom": ["chr1"], "start": [0], "end": [230_218]})
    assert to_text(genome.sequence(whole)[0]) == first
    # the start codon of every gene, read on its own strand
    coding = genome.genes.query("biotype == 'protein_coding' and chrom != 'Mito'")
    codons = coding.assign(
        start=coding["tss"].where(coding["strand"] == "+", coding["tss"] - 2),
    )
    codons["end"] = codons["start"] + 3
    starts = (genome.sequence(codons, stranded=True) == to_codes("ATG")).all(axis=1)
    assert starts.mean() > 0.98


def test_the_index_survives_a_copy(tmp_path):
    path = write(tmp_path / "g.fa", fasta_text({"1": "ACGT", "2": "GG"}))
    Genome(path)
    moved = Path(shutil.copy(path, tmp_path / "h.fa"))
    shutil.copy(tmp_path / "g.fa.fai", tmp_path / "h.fa.fai")
    stamp = (tmp_path / "h.fa.fai").stat().st_mtime_ns
    os.utime(moved)  # younger than its index, but the index fits
    Genome(moved)
    assert (tmp_path / "h.fa.fai").stat().st_mtime_ns == stamp


def test_gc_is_the_share_of_known_bases_and_unknown_chromosomes_have_none():
    genome = Genome.from_sequences({"chr1": "GGCATNNNacgtgc", "chr2": "A" * 9})
    table = pd.DataFrame(
        {"chrom": ["2", "1", "1", "chrUn", "1"], "start": [0, 0, 5, 0, 3], "end": [9, 5, 8, 4, 14]},
        index=[7, 3, 5, 1, 2],
    )
    expected = [0.0, 3 / 5, np.nan, np.nan, 4 / 8]
    assert genome.gc(table) == pytest.approx(expected, nan_ok=True)
