"""Truncated and mangled tracks and methylation calls: a clear error, or the right answer."""

import gzip

import numpy as np
import pandas as pd
import pytest

import grnet as gn

START = np.arange(2_500_000, 3_500_000, 20_000)
PEAKS = pd.DataFrame({"chrom": "X", "start": START, "end": START + 500})
TRACKS = ("bigwig2_X_2.5e6_3.5e6.bw", "bedgraph2_X_2.5e6_3.5e6.bdg")
CALLS = (
    "chr21.chr22.HG002.top1000.bed.gz",
    "ctr1.chr10.chr11.bed.gz",
    "test_data.cytosineReport.gz",
    "test_data.fastq_bismark.bismark.cov.gz",
)


def outcome(read, path):
    """Return what is read, or None after an error that names the file."""
    try:
        return read(path)
    except (ValueError, OSError) as error:
        text = str(error)
    assert path.name in text or "No chromosome" in text
    return None


def mangled(raw, rng):
    """Change, cut out, double or append some bytes."""
    data = bytearray(raw)
    place, length = int(rng.integers(len(data))), int(rng.integers(1, 200))
    kind = rng.integers(5)
    if kind == 0:
        data[place : place + length] = rng.bytes(length)
    elif kind == 1:
        del data[place : place + length]
    elif kind == 2:
        data[place:place] = data[place : place + length]
    elif kind == 3:
        data[place] ^= 1 << int(rng.integers(8))
    else:
        data[place : place + length] = bytes(length)
    return bytes(data)


@pytest.mark.parametrize("name", TRACKS)
def test_truncated_tracks(real_data, tmp_path, name):
    raw = (real_data / "chromatin" / "dm3_chrX" / name).read_bytes()
    whole = gn.io.read_signal(real_data / "chromatin" / "dm3_chrX" / name, PEAKS)
    for size in np.linspace(0, len(raw) - 1, 30).astype(int):
        path = tmp_path / name
        path.write_bytes(raw[:size])
        found = outcome(lambda file: gn.io.read_signal(file, PEAKS), path)
        if found is not None:
            # a text without its end has the pieces before the cut, a bigWig all or none
            same = np.isclose(found, whole, equal_nan=True)
            assert same.all() or name.endswith(".bdg")
            assert (~(same | found.isna())).sum() <= 1


@pytest.mark.parametrize("name", TRACKS)
def test_mangled_tracks(real_data, tmp_path, name):
    raw = (real_data / "chromatin" / "dm3_chrX" / name).read_bytes()
    whole = gn.io.read_signal(real_data / "chromatin" / "dm3_chrX" / name, PEAKS)
    path, errors = tmp_path / name, 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        path.write_bytes(mangled(raw, rng))
        found = outcome(lambda file: gn.io.read_signal(file, PEAKS), path)
        if found is None:
            errors += 1
        else:
            assert (np.isclose(found, whole, equal_nan=True)).mean() > 0.9
    assert errors > 5


@pytest.mark.parametrize("seed", range(25))
def test_a_mangled_header_never_ends_the_process(real_data, tmp_path, seed):
    raw = (real_data / "chromatin" / "dm3_chrX" / TRACKS[0]).read_bytes()
    rng, data = np.random.default_rng(seed), bytearray(raw)
    for place in rng.integers(4, 900, 3):
        data[place] = int(rng.integers(256))
    path = tmp_path / "x.bw"
    path.write_bytes(data)
    outcome(lambda file: gn.io.read_signal(file, PEAKS), path)


@pytest.mark.parametrize("name", CALLS)
def test_truncated_calls(real_data, tmp_path, name):
    packed = (real_data / "methylation" / "formats" / name).read_bytes()
    raw, path = gzip.decompress(packed), tmp_path / name
    whole = gn.io.read_methylation(real_data / "methylation" / "formats" / name)
    for size in np.linspace(0, len(packed) - 1, 15).astype(int):
        path.write_bytes(packed[:size])
        assert outcome(gn.io.read_methylation, path) is None
    for size in np.linspace(0, len(raw) - 1, 15).astype(int):
        path.write_bytes(raw[:size])
        found = outcome(gn.io.read_methylation, path)
        if found is not None:
            assert found.var_names.isin(whole.var_names).all()


@pytest.mark.parametrize("name", CALLS)
def test_mangled_calls(real_data, tmp_path, name):
    raw = gzip.decompress((real_data / "methylation" / "formats" / name).read_bytes())
    whole = gn.io.read_methylation(real_data / "methylation" / "formats" / name)
    path, errors = tmp_path / name, 0
    for seed in range(40):
        path.write_bytes(mangled(raw, np.random.default_rng(seed)))
        found = outcome(gn.io.read_methylation, path)
        errors += found is None
        if found is not None:
            # a digit changed in a position is no damage that can be seen
            assert (~found.var_names.isin(whole.var_names)).sum() <= 20
    assert errors > 5


@pytest.mark.parametrize("name", CALLS)
def test_shuffled_lines_are_no_damage(real_data, tmp_path, name):
    path = real_data / "methylation" / "formats" / name
    lines = gzip.decompress(path.read_bytes()).decode().splitlines(keepends=True)
    np.random.default_rng(0).shuffle(lines)
    (tmp_path / name).write_text("".join(lines))
    whole, again = gn.io.read_methylation(path), gn.io.read_methylation(tmp_path / name)
    assert again.var_names.equals(whole.var_names)
    assert (again.layers["methylated"] != whole.layers["methylated"]).nnz == 0


def test_the_wrong_kind_of_file(real_data):
    files = [
        real_data / "chromatin" / "dm3_chrX" / "test.narrowPeak",
        real_data / "methylation" / "imr90_chr22_hg18_150k.tsv.gz",
        real_data / "grn" / "mdc" / "tfs.txt",
    ]
    for path in files:
        assert outcome(lambda file: gn.io.read_signal(file, PEAKS), path) is None
    for path in (files[0], files[2], real_data / "chromatin" / "dm3_chrX" / TRACKS[0]):
        assert outcome(gn.io.read_methylation, path) is None
