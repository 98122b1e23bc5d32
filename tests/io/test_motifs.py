"""Motif files: every format says the same, and damaged ones say where."""

import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grnet.io._motif_formats import tfs_of
from grnet.io.motifs import Motif, read_motifs, write_motifs

COUNTS = np.array([[1, 8, 1, 2, 3], [2, 1, 1, 7, 3], [6, 1, 1, 1, 3], [1, 1, 9, 1, 3]])
"""Rows A, C, G, T."""

P = COUNTS / COUNTS.sum(axis=0)


def rows(matrix, sep=" "):
    return "\n".join(sep.join(f"{value:g}" for value in row) for row in matrix)


def meme(body, alphabet="ALPHABET= ACGT"):
    return f"MEME version 4\n\n{alphabet}\n\nstrands: + -\n\n{body}\n"


HEAD = "letter-probability matrix: alength= 4 w= 5 nsites= 12 E= 0"
NUMBERED = "\n".join(f"{n:02d} {row}" for n, row in enumerate(rows(COUNTS.T).split("\n"), start=1))
FORMATS = {
    "minimal.meme": meme(f"MOTIF MA1.1 SPI1\n\n{HEAD}\n{rows(P.T)}\n\nURL http://x"),
    "no_width.meme": meme(f"MOTIF MA1.1 SPI1\nletter-probability matrix:\n{rows(P.T)}\nURL x"),
    "log_odds.meme": meme(
        f"MOTIF MA1.1 SPI1\nlog-odds matrix: alength= 4 w= 5\n{rows(-COUNTS.T)}\n{HEAD}\n"
        f"{rows(P.T, sep=chr(9))}\n"
    ),
    "jaspar_meme.meme": meme(f"MOTIF MA1.1 MA1.1.SPI1\n{HEAD}\n{rows(P.T)}"),
    "custom_alphabet.meme": meme(
        f"MOTIF MA1.1 SPI1\n{HEAD}\n{rows(P.T)}", 'ALPHABET "DNA" DNA-LIKE\nA "Adenine" ~ T'
    ),
    "brackets.jaspar": ">MA1.1\tSPI1\n"
    + "\n".join(
        f"{letter}  [ {row} ]" for letter, row in zip("ACGT", rows(COUNTS).split("\n"), strict=True)
    ),
    "plain.jaspar": f">MA1.1 SPI1\n{rows(COUNTS)}\n",
    "probabilities.pfm": f">MA1.1 SPI1\n{rows(P)}\n",
    "tall.pcm": f">MA1.1 SPI1\n{rows(COUNTS.T)}\n",
    "homer.motif": f">MA1.1\tSPI1(ETS)/Cell-SPI1-ChIP-Seq/Homer\t6.5\n{rows(P.T)}\n",
    "transfac.dat": f"AC MA1.1\nXX\nID X\nNA SPI1\nP0 A C G T\n{NUMBERED}\nXX\n//\n",
    "two_per_folder.jaspar": f">MA1.1 SPI1\n{rows(COUNTS)}\n\n>MA2.1 SPI1\n{rows(COUNTS)}\n",
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("packed", [False, True])
def test_every_format_gives_the_same_motif(tmp_path, name, packed):
    file = tmp_path / (f"{name}.gz" if packed else name)
    text = FORMATS[name].encode()
    file.write_bytes(gzip.compress(text) if packed else text)
    motif = read_motifs(file)[0]
    assert motif.name == "MA1.1"
    assert motif.tfs == ("SPI1",)
    np.testing.assert_allclose(motif.probabilities, P, atol=1e-5)
    assert motif.consensus == "GATCA"


@pytest.mark.parametrize("header", ["", "Pos A C G T\n", "A C G T\n"])
def test_a_plain_matrix_is_named_by_its_file(tmp_path, header):
    file = tmp_path / "SPI1.pfm"
    body = rows(COUNTS)
    if header:
        body = NUMBERED if "Pos" in header else rows(COUNTS.T)
    file.write_text(header + body)
    (motif,) = read_motifs(file)
    assert (motif.name, motif.tfs) == ("SPI1", ("SPI1",))
    np.testing.assert_allclose(motif.probabilities, P)


def test_four_by_four_is_read_the_way_that_adds_up(tmp_path):
    square = COUNTS[:, :4].copy()
    square[3] = 12 - square[:3].sum(axis=0)
    for matrix in (square, square.T):
        file = tmp_path / "m.pfm"
        file.write_text(f">m X\n{rows(matrix)}\n")
        np.testing.assert_allclose(read_motifs(file)[0].probabilities, square / 12)


def test_the_full_text_of_meme_is_read(tmp_path):
    file = tmp_path / "meme.txt"
    file.write_text(
        "*****\nMEME - Motif discovery tool\n*****\nMEME version 5.5.2 (Release date)\n"
        "ALPHABET= ACGT\n\nMOTIF GATCA MEME-1\twidth =   5  sites =  12  llr = 100\n"
        "\tMotif GATCA MEME-1 position-specific scoring matrix\nlog-odds matrix: alength= 4 w= 5\n"
        f"{rows(-COUNTS.T)}\n{HEAD}\n{rows(P.T)}\n-----\nMOTIF CCCCC MEME-2\twidth = 5 sites = 2\n"
        f"{HEAD}\n{rows(P.T)}\nSUMMARY OF MOTIFS\n"
    )
    first, second = read_motifs(file)
    assert (first.name, first.tfs, first.n_sites) == ("GATCA", (), 12)
    assert second.name == "CCCCC"


@pytest.mark.parametrize(
    ("label", "tfs"),
    [
        ("Ahr::Arnt", ("Ahr", "Arnt")),
        ("JUN(var.2)", ("JUN",)),
        ("GATA1_HUMAN.H11MO.0.A", ("GATA1",)),
        ("GATA1.H12CORE.0.P.B", ("GATA1",)),
        ("Abf1_CX", ("Abf1",)),
        ("(ABF1)_(Saccharomyces_cerevisiae)_(DBD_1.00)", ("ABF1",)),
        ("MSN2/MSN4", ("MSN2", "MSN4")),
        ("NKX2-1", ("NKX2-1",)),
        ("F23F12.9", ("F23F12.9",)),
        ("YML081W", ("YML081W",)),
        ("MA0139.1", ()),
        ("M00001_2.00", ()),
        ("12", ()),
        ("", ()),
    ],
)
def test_names_of_tfs(label, tfs):
    assert tfs_of(label) == tfs


def test_the_pseudocount_fills_zeros_only(tmp_path):
    zeros = np.array([[10, 0], [0, 5], [0, 5], [0, 0]])
    file = tmp_path / "m.jaspar"
    file.write_text(f">a A\n{rows(zeros)}\n>b B\n{rows(COUNTS)}\n")
    a, b = read_motifs(file, pseudocount=0.4)
    np.testing.assert_allclose(a.probabilities, (zeros + 0.1) / 10.4)
    np.testing.assert_allclose(b.probabilities, P)
    assert a.n_sites == 10
    exact = read_motifs(file, pseudocount=0)[0]
    assert (exact.probabilities == zeros / 10).all()


def test_probabilities_without_sites_are_of_twenty(tmp_path):
    file = tmp_path / "m.meme"
    file.write_text(meme("MOTIF a\nletter-probability matrix: w= 1\n1 0 0 0\n"))
    (motif,) = read_motifs(file, pseudocount=1)
    np.testing.assert_allclose(motif.probabilities[:, 0], np.array([20.25, 0.25, 0.25, 0.25]) / 21)


matrices = hnp.arrays(
    np.float64, st.tuples(st.just(4), st.integers(1, 30)), elements=st.floats(0.001, 1)
)


@given(matrix=matrices, sites=st.none() | st.integers(1, 10_000), n_tfs=st.integers(0, 3))
def test_motifs_survive_being_written(tmp_path_factory, matrix, sites, n_tfs):
    tfs = tuple(f"TF{n}" for n in range(n_tfs))
    motif = Motif("MA1.1", tfs, matrix / matrix.sum(axis=0), sites)
    file = tmp_path_factory.mktemp("motifs") / "m.meme"
    write_motifs([motif, motif], file)
    for back in read_motifs(file):
        assert (back.name, back.tfs, back.n_sites) == (motif.name, motif.tfs, motif.n_sites)
        np.testing.assert_allclose(back.probabilities, motif.probabilities, atol=1e-8)


def test_lists_and_folders_keep_their_order(tmp_path):
    for name in ("b", "a"):
        (tmp_path / f"{name}.jaspar").write_text(f">{name} TF\n{rows(COUNTS)}\n")
    (tmp_path / ".hidden").write_text("no motif")
    files = [tmp_path / "b.jaspar", tmp_path / "a.jaspar"]
    assert [motif.name for motif in read_motifs(files)] == ["b", "a"]
    assert [motif.name for motif in read_motifs(tmp_path)] == ["a", "b"]


def test_information_is_two_bits_where_one_letter_is_certain():
    motif = Motif("m", [], np.array([[1, 0.5, 0.25], [0, 0.5, 0.25], [0, 0, 0.25], [0, 0, 0.25]]))
    np.testing.assert_allclose(motif.information, [2, 1, 0])
    assert motif.width == 3
    with pytest.raises(ValueError, match="read-only"):
        motif.probabilities[0, 0] = 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello\nworld\n", r"holds no motif. Expected MEME"),
        ("MEME version 4\nALPHABET= ACGT\n", r"holds no motif"),
        (meme("MOTIF a\nlog-odds matrix: w= 1\n1 2 3 4"), r"line 7: 'MOTIF a' has no 'letter-prob"),
        (meme(f"{HEAD}\n{rows(P.T)}\nMOTIF a"), r"line 7: a matrix without a line 'MOTIF name'"),
        (
            meme(f"MOTIF a\n{HEAD}\n{rows(P.T[:3])}"),
            r"line 8: w= 5, but the file ends after 3 ",
        ),
        (meme(f"MOTIF a\n{HEAD}\n{rows(P.T[:3])}\nURL x"), r"line 12: expected numbers, found 'UR"),
        (meme(f"MOTIF a\n{HEAD}\n1 2 x 4"), r"line 9: expected numbers, found '1 2 x 4'"),
        (meme(f"MOTIF a\n{HEAD}\n1 2 4"), r"line 8: the rows of its matrix have 3 numbers, exp"),
        (meme(f"MOTIF a\n{HEAD}\n0 -1 1 1"), r"line 9: '0 -1 1 1' holds a number that is no count"),
        (meme("MOTIF a\nletter-probability matrix: alength= 20 w= 5"), r"alphabet of 20 letters"),
        (meme("MOTIF a", "ALPHABET= ACGU"), r"line 3: found the alphabet 'ACGU', expected DNA"),
        (meme("MOTIF a", "ALPHABET= ACDEFGHIKLMNPQRSTVWY"), r"line 3: found the alphabet"),
        (meme(f"MOTIF a\n{HEAD}\n{rows(P.T * 0.9)}"), r"line 7: motif 'a' has probabilities that"),
        (">a A\n1 2 3\n1 2 3\n", r"line 1: the matrix has 2 rows. Expected four rows"),
        (">a A\n1 2\n1 2\n1 2\n1 2 3\n", r"line 1: the rows of its matrix have 2, 3 numbers"),
        (">a A\nA 1 2\nC 1 2\nG 1 2\nU 1 2\n", r"line 1: found rows for the letters A, C, G, U"),
        (">a A\n0 2\n0 2\n0 2\n0 3\n", r"motif 'a' has a position without any count"),
        (">a A\n>b B\n", r"line 1"),
        ("1 2 3 4\n>b B\n1 2 3 4\n", r"line 1: expected a line '>name'"),
        ("ID x\nP0 A C G U\n01 1 2 3 4\n//\n", r"line 2: found the letters 'A C G U'"),
    ],
)
def test_errors_name_file_and_line(tmp_path, text, message):
    file = tmp_path / "broken.txt"
    file.write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        read_motifs(file)
    assert str(file) in str(caught.value)


def test_missing_and_empty_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.meme does not exist"):
        read_motifs(tmp_path / "nothing.meme")
    (tmp_path / "empty.meme").write_text("")
    with pytest.raises(ValueError, match="is empty"):
        read_motifs(tmp_path / "empty.meme")
    with pytest.raises(ValueError, match="paths names no file"):
        read_motifs([])
    with pytest.raises(ValueError, match="no motif to write"):
        write_motifs([], tmp_path / "m.meme")


def test_matrices_that_are_none():
    with pytest.raises(ValueError, match=r"shape \(5, 4\).*rows A, C, G, T"):
        Motif("m", (), P.T)
    with pytest.raises(ValueError, match="add up to 10 to 10, expected 1"):
        Motif("m", (), COUNTS[:, :1])


@given(st.data())
def test_mangled_files_end_in_a_clear_error_or_motifs(tmp_path_factory, data):
    text = FORMATS[data.draw(st.sampled_from(sorted(FORMATS)))]
    cut = data.draw(st.integers(0, len(text)))
    junk = data.draw(st.text(max_size=8))
    lines = f"{text[:cut]}{junk}{text[cut + data.draw(st.integers(0, 30)) :]}".split("\n")
    if data.draw(st.booleans()):
        lines = data.draw(st.permutations(lines))
    file = tmp_path_factory.mktemp("mangled") / "m.txt"
    file.write_text("\n".join(lines), encoding="utf-8", errors="replace")
    try:
        motifs = read_motifs(file)
    except ValueError as error:
        outcome = str(error)
    else:
        outcome = f"{file}: {min(motif.width for motif in motifs)} columns or more"
    assert str(file) in outcome


def test_the_motifs_of_yeast(real_data):
    folder = real_data / "yeast" / "motifs"
    cisbp = read_motifs(folder / "Scer.cisbp.meme.gz")
    macisaac = read_motifs(folder / "macisaac_yeast.v1.meme.gz")
    assert (len(cisbp), len(macisaac)) == (282, 124)
    assert cisbp[1].name == "M00002_2.00"
    assert cisbp[1].tfs == ("AFT2",)
    assert macisaac[0].tfs == ("ABF1",)
    assert macisaac[0].n_sites == 20
    assert all(motif.tfs for motif in [*cisbp, *macisaac])
    assert min(motif.probabilities.min() for motif in macisaac) > 0
