"""Mangled files: every outcome is an error that names the file, or a sound table."""

import gzip
import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from grnet import _intervals
from grnet.io.genome import Genome
from grnet.io.genome.annotation import read_annotation
from grnet.io.genome.intervals import read_peaks

ROWS = range(1, 40)
LETTERS = random.Random(0).choices("ACGTN", k=900)
FILES = {
    "bed": "".join(f"chr{n % 3}\t{9 * n}\t{9 * n + 30}\tp{n}\t{n}\t+\n" for n in ROWS),
    "narrowPeak": "track name=a\n"
    + "".join(f"chr1\t{n}\t{n + 30}\tp{n}\t9\t.\t{n / 7:.3f}\t2.5\t-1\t{n % 30}\n" for n in ROWS),
    "gtf": "#!genome-build R64\n"
    + "".join(
        f"I\tsgd\t{kind}\t{50 * n}\t{50 * n + 40}\t.\t-\t.\t"
        f'gene_id "Y{n}"; transcript_id "T{n}"; gene_name "G{n}";\n'
        for n in ROWS
        for kind in ("gene", "transcript", "exon")
    ),
    "gff3": "##gff-version 3\n"
    + "".join(
        f"I\tx\tgene\t{50 * n}\t{50 * n + 40}\t.\t+\t.\tID=gene:Y{n};Name=G{n}\n"
        f"I\tx\tmRNA\t{50 * n}\t{50 * n + 40}\t.\t+\t.\tID=t{n};Parent=gene:Y{n}\n"
        f"I\tx\texon\t{50 * n}\t{50 * n + 9}\t.\t+\t.\tParent=t{n}\n###\n"
        for n in ROWS
    ),
    "tsv": "chrom\ttss\tgene\tstrand\n" + "".join(f"1\t{n}\tG{n}\t+\n" for n in ROWS),
    "fa": ">chrI first\n"
    + "\n".join("".join(LETTERS[at : at + 50]) for at in range(0, 500, 50))
    + "\n>chrII\n"
    + "\n".join("".join(LETTERS[at : at + 50]) for at in range(500, 900, 50))
    + "\n",
}


def cut(data, rng):
    return data[: rng.randrange(len(data))]


def flip(data, rng):
    mangled = bytearray(data)
    for _ in range(rng.randrange(1, 6)):
        mangled[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(mangled)


def swap_letters(data, rng):
    """Put characters that mean something where they do not belong."""
    mangled = bytearray(data)
    for _ in range(rng.randrange(1, 6)):
        mangled[rng.randrange(len(data))] = rng.choice(b'\t\n\r #;="-.09>,\x00')
    return bytes(mangled)


def shuffle(data, rng):
    lines = data.splitlines(keepends=True)
    rng.shuffle(lines)
    return b"".join(lines)


def drop_column(data, rng):
    place = rng.randrange(6)
    rows = [line.split(b"\t") for line in data.split(b"\n")]
    return b"\n".join(b"\t".join(row[:place] + row[place + 1 :]) for row in rows)


def repeat_a_piece(data, rng):
    start, stop = sorted(rng.randrange(len(data)) for _ in range(2))
    return data[:stop] + data[start:]


MANGLE = [cut, flip, swap_letters, shuffle, drop_column, repeat_a_piece]


def check_peaks(path):
    peaks = read_peaks(path)
    assert len(peaks) > 0
    assert (peaks["start"] >= 0).all()
    assert (peaks["end"] > peaks["start"]).all()
    assert peaks["summit"].between(peaks["start"], peaks["end"] - 1).all()
    assert peaks["chrom"].str.strip().ne("").all()


def check_annotation(path):
    genes = read_annotation(path)
    assert len(genes) > 0
    assert (genes["end"] >= genes["start"]).all()
    assert genes["strand"].isin(["+", "-", "."]).all()
    assert genes[["chrom", "gene", "gene_id", "tss"]].notna().all(axis=None)
    if "length" in genes:
        assert (genes["length"] >= 0).all()


def check_genome(path):
    genome = Genome(path, cache=path.parent)
    assert (genome.sizes >= 0).all()
    assert genome.sizes.sum() > 0
    whole = pd.DataFrame({"chrom": genome.sizes.index, "start": 0, "end": genome.sizes.to_numpy()})
    codes = genome.sequence(whole)
    assert codes.max() <= 4
    first = [genome.sequence(whole.iloc[[row]])[0] for row in range(len(whole))]
    for row, alone in enumerate(first):
        np.testing.assert_array_equal(codes[row, : len(alone)], alone)


CHECKS = {
    **dict.fromkeys(["bed", "narrowPeak"], check_peaks),
    **dict.fromkeys(["gtf", "gff3", "tsv"], check_annotation),
    "fa": check_genome,
}


def outcome(check, path: Path) -> str:
    """Return how a check ends; anything but an answer or a named error fails the test."""
    said = ""
    try:
        check(path)
    except (ValueError, OSError) as error:
        said = str(error)
    assert not said or str(path) in said, f"the error does not name the file: {said}"
    return "error" if said else "answer"


@pytest.mark.parametrize("mangle", MANGLE)
@pytest.mark.parametrize("kind", sorted(FILES))
def test_mangled_text(tmp_path, kind, mangle):
    rng = random.Random(f"{kind} {mangle.__name__}")
    for number in range(25):
        path = tmp_path / f"file{number}.{kind}"
        path.write_bytes(mangle(FILES[kind].encode(), rng))
        outcome(CHECKS[kind], path)


@pytest.mark.parametrize("mangle", [cut, flip])
@pytest.mark.parametrize("kind", sorted(FILES))
def test_mangled_gzip(tmp_path, kind, mangle):
    rng = random.Random(f"{kind} {mangle.__name__} gz")
    packed = gzip.compress(FILES[kind].encode(), mtime=0)
    seen = []
    for number in range(25):
        path = tmp_path / f"file{number}.{kind}.gz"
        path.write_bytes(mangle(packed, rng))
        seen.append(outcome(CHECKS[kind], path))
    if mangle is cut:
        assert set(seen) == {"error"}


@pytest.mark.parametrize("kind", sorted(FILES))
def test_random_bytes_are_an_error(tmp_path, kind):
    rng = random.Random(kind)
    for number in range(15):
        path = tmp_path / f"file{number}.{kind}"
        path.write_bytes(rng.randbytes(rng.randrange(1, 400)))
        assert outcome(CHECKS[kind], path) == "error"


@pytest.mark.parametrize("kind", sorted(FILES))
@pytest.mark.parametrize("packed", [False, True])
def test_the_files_themselves_are_read(tmp_path, kind, packed):
    path = tmp_path / (f"file.{kind}.gz" if packed else f"file.{kind}")
    data = FILES[kind].encode()
    path.write_bytes(gzip.compress(data) if packed else data)
    CHECKS[kind](path)


def test_shuffled_peaks_are_the_same_peaks(tmp_path):
    path = tmp_path / "a.bed"
    path.write_text(FILES["bed"])
    whole = read_peaks(path)
    path.write_bytes(shuffle(FILES["bed"].encode(), random.Random(1)))
    shuffled = read_peaks(path)
    assert set(_intervals.names(shuffled)) == set(_intervals.names(whole))
