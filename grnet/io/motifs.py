"""Motifs: what a transcription factor likes to bind, as probabilities of letters."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from grnet import _checks
from grnet._alphabet import LETTERS
from grnet.io import _detect, _motif_formats
from grnet.io._atomic import replacing

TOLERANCE = 0.02
"""How far from one the probabilities of a position may add up: files round."""


@dataclass(frozen=True, eq=False)
class Motif:
    """The letters that a transcription factor prefers at each position.

    Parameters
    ----------
    name
        Name of the motif, such as ``"MA0139.1"``.
    tfs
        The transcription factors that bind it; empty where unknown.
    probabilities
        4 x width, rows A, C, G, T; each column adds up to one.
    n_sites
        Of how many binding sites it was made, where known.

    Raises
    ------
    ValueError
        If the matrix has another shape or holds no probabilities.

    Examples
    --------
    >>> import numpy as np
    >>> import grnet as gn
    >>> motif = gn.io.Motif("box", ("TBP",), np.eye(4)[[3, 0, 3, 0]].T)
    >>> motif.width, motif.consensus, motif.information.round(1).tolist()
    (4, 'TATA', [2.0, 2.0, 2.0, 2.0])
    """

    name: str
    tfs: tuple[str, ...]
    probabilities: npt.NDArray[np.float64]
    n_sites: float | None = None

    def __post_init__(self) -> None:
        matrix = np.array(self.probabilities, dtype=np.float64)
        if matrix.ndim != 2 or matrix.shape[0] != 4 or matrix.shape[1] == 0:
            message = (
                f"The matrix of motif {self.name!r} has the shape {matrix.shape}. "
                "Expected (4, width): rows A, C, G, T."
            )
            raise ValueError(message)
        sums = matrix.sum(axis=0)
        if not (matrix >= 0).all() or not (np.abs(sums - 1) <= TOLERANCE).all():
            message = (
                f"The columns of motif {self.name!r} are no probabilities: they add up to "
                f"{sums.min():g} to {sums.max():g}, expected 1. Divide counts by their sums."
            )
            raise ValueError(message)
        matrix /= sums
        matrix.flags.writeable = False
        object.__setattr__(self, "probabilities", matrix)
        object.__setattr__(self, "tfs", tuple(self.tfs))

    def __repr__(self) -> str:
        """Return the name, the TFs and the consensus."""
        return f"Motif({self.name!r}, tfs={self.tfs!r}, consensus={self.consensus!r})"

    @property
    def width(self) -> int:
        """Number of positions."""
        return int(self.probabilities.shape[1])

    @property
    def consensus(self) -> str:
        """The likeliest letter of each position."""
        return "".join(LETTERS[code] for code in self.probabilities.argmax(axis=0))

    @property
    def information(self) -> npt.NDArray[np.float64]:
        """Bits per position: 2 where one letter is certain, 0 where all are as likely."""
        p = self.probabilities
        logs = np.log2(p, where=p > 0, out=np.zeros_like(p))
        return np.asarray(2 + (p * logs).sum(axis=0))


def read_motifs(
    paths: str | Path | Iterable[str | Path], *, pseudocount: float = 0.1
) -> list[Motif]:
    r"""Read motifs from MEME, JASPAR, HOMER, HOCOMOCO or TRANSFAC files, or a plain matrix.

    Parameters
    ----------
    paths
        A file (also ``.gz``), a folder of such files, or a list of files.
    pseudocount
        Sites shared out over the letters where a matrix holds zeros, as FIMO does: a letter that
        was never seen is rare, not impossible. A matrix without zeros is left as it is.

    Returns
    -------
    list of Motif
        In the order of the files. ``tfs`` comes from the second name of a motif (else the first),
        taken apart at ``::`` and ``/`` and cut at ``_``, ``(`` and HOCOMOCO's ``.H11MO``.

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If a file holds no motif, is damaged, or is not of DNA; the message names file and line.

    Notes
    -----
    A matrix of four rows is read as A, C, G, T, one of four columns as one row per position; four
    by four, the way that adds up. Matrices that do not add up to one are counts; without the
    number of sites, 20 are assumed for the pseudocount (the MEME suite's default).

    Examples
    --------
    >>> import grnet as gn
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "motifs.jaspar"
    ...     _ = file.write_text(">MA1.1 FOS::JUN\nA [0 9 1]\nC [0 1 0]\nG [1 0 9]\nT [9 0 0]\n")
    ...     gn.io.read_motifs(file)
    [Motif('MA1.1', tfs=('FOS', 'JUN'), consensus='TAG')]
    """
    _checks.in_range(pseudocount, 0, 100, what="pseudocount")
    given = [paths] if isinstance(paths, str | Path) else list(paths)
    files = [file for path in given for file in _files(path)]
    if not files:
        message = "paths names no file: give a file of motifs, a folder or a list of files."
        raise ValueError(message)
    return [
        _motif(record, file, pseudocount=pseudocount)
        for file in files
        for record in _motif_formats.records(file)
    ]


def write_motifs(motifs: Sequence[Motif], path: str | Path) -> None:
    """Write motifs in MEME's minimal format, version 4.

    Parameters
    ----------
    motifs
        The motifs; the TFs become the second name, joined by ``::``.
    path
        The file to write.

    Raises
    ------
    ValueError
        If there is no motif.

    Examples
    --------
    >>> import numpy as np
    >>> import grnet as gn
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> motif = gn.io.Motif("box", ("TBP",), np.eye(4)[[3, 0, 3, 0]].T)
    >>> with TemporaryDirectory() as folder:
    ...     gn.io.write_motifs([motif], Path(folder) / "motifs.meme")
    ...     gn.io.read_motifs(Path(folder) / "motifs.meme")
    [Motif('box', tfs=('TBP',), consensus='TATA')]
    """
    if not motifs:
        message = "There is no motif to write: the list is empty."
        raise ValueError(message)
    blocks = ["MEME version 4", "ALPHABET= ACGT", "strands: + -"]
    for motif in motifs:
        sites = "" if motif.n_sites is None else f" nsites= {motif.n_sites:g}"
        names = " ".join(filter(None, [motif.name.replace(" ", "_"), "::".join(motif.tfs)]))
        rows = [" ".join(f"{p:.9f}" for p in column) for column in motif.probabilities.T]
        head = f"letter-probability matrix: alength= 4 w= {motif.width}{sites}"
        blocks.append("\n".join([f"MOTIF {names}", head, *rows]))
    with replacing(Path(path)) as part:
        part.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")


def _files(path: str | Path) -> list[Path]:
    """Return a file, or the files of a folder."""
    found = _detect.existing(path)
    if not found.is_dir():
        return [found]
    return sorted(f for f in found.iterdir() if f.is_file() and not f.name.startswith("."))


def _motif(record: _motif_formats.Record, file: Path, *, pseudocount: float) -> Motif:
    """Turn counts or rounded probabilities into probabilities."""
    sums = record.rows.sum(axis=1, keepdims=True)
    is_counts = not (np.abs(sums - 1) <= TOLERANCE).all()
    where = f"{file}, line {record.line}: motif {record.name!r}"
    if (sums == 0).any():
        message = f"{where} has a position without any count. Remove the position or the motif."
        raise ValueError(message)
    if is_counts and sums.max() < 1.5:
        message = (
            f"{where} has probabilities that add up to {sums.min():g} to {sums.max():g}, expected "
            "1 at each position. Copy or export the file again."
        )
        raise ValueError(message)
    sites = float(sums.max()) if is_counts else record.sites
    rows = record.rows / sums
    if (rows == 0).any():
        weight = sums if is_counts else (sites or 20.0)
        rows = (rows * weight + pseudocount / 4) / (weight + pseudocount)
    return Motif(record.name, _motif_formats.tfs_of(record.label), rows.T, sites)
