"""Marks that are there or not, bin by bin: the binarised files of ChromHMM."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

import anndata as ad
import numpy as np
import numpy.typing as npt
import pandas as pd

from grnet import _checks, _intervals, _keys
from grnet._progress import progress
from grnet.io import _text
from grnet.io.tracks import _sources

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

logger = logging.getLogger(__name__)

MISSING = 2
"""The code of a mark that was not measured in a bin; 0 is absent, 1 present."""


class _Table(NamedTuple):
    path: Path
    cell: str
    chrom: str
    marks: list[str]
    codes: npt.NDArray[np.uint8]


def read_binarised_marks(
    paths: str | Path | Sequence[str | Path], *, bin_size: int = 200
) -> ad.AnnData:
    r"""Read ChromHMM's binarised files of one cell type into an AnnData, bins x marks.

    Parameters
    ----------
    paths
        A file (``GM12878_chr11_binary.txt.gz``), several, one per chromosome, or a folder of them.
    bin_size
        Bases per bin; the files do not state it, ChromHMM's default is 200.

    Returns
    -------
    AnnData
        ``X``: uint8, 0 absent, 1 present, 2 not measured. ``obs``: ``chrom, start, end`` of each
        bin, 0-based; ``var_names``: the marks. ``uns["grnet_source"]``: cell type and bin size.

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If a file is damaged, with its name and line; if files are of several cell types, have
        other marks, or the same chromosome.

    Notes
    -----
    The first line holds cell type and chromosome, the second the marks, each further line one bin.
    Files without a line for marks measured in another cell type hold 2 instead (Ernst and Kellis,
    Nature Methods 2012). Several cell types are read one by one and stacked by ``ad.concat``.

    Examples
    --------
    >>> import grnet as gn
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "K562_chr1_binary.txt"
    ...     _ = file.write_text("K562\tchr1\nCTCF\tH3K4me3\n0\t1\n2\t0\n")
    ...     marks = gn.io.read_binarised_marks(file)
    >>> marks.obs_names.tolist(), marks.X.tolist()
    (['chr1:0-200', 'chr1:200-400'], [[0, 1], [2, 0]])
    """
    _checks.whole(bin_size, 1, 1 << 30, what="bin_size")
    files = _sources.named_files(paths, what="binarised marks")
    tables = [_read(path) for path in progress(files.values(), "marks", total=len(files))]
    _same(tables)
    obs = pd.concat([_bins(table, bin_size) for table in tables], ignore_index=True)
    obs["chrom"] = pd.Categorical(obs["chrom"], categories=[table.chrom for table in tables])
    marks = ad.AnnData(
        np.concatenate([table.codes for table in tables]),
        obs=obs.set_axis(_intervals.names(obs), axis=0),
        var=pd.DataFrame(index=pd.Index(tables[0].marks, dtype=object)),
    )
    marks.uns[_keys.SOURCE] = {"cell": tables[0].cell, "bin_size": bin_size}
    logger.info("%s: %d bins x %d marks", tables[0].cell, *marks.shape)
    return marks


def _read(path: Path) -> _Table:
    """Read one chromosome."""
    head = [line.split("\t") for line in _text.first_lines(path, 2)]
    if len(head) < 2 or len(head[0]) != 2 or not all(head[1]):
        message = (
            f"{path} is no binarised file of ChromHMM: expected 'cell<TAB>chromosome' in line 1 "
            f"and the marks in line 2, found {head}."
        )
        raise ValueError(message)
    (cell, chrom), marks = head
    _checks.unique(pd.Index(marks), f"marks of {path}")
    with _text.open_text(path) as lines:
        body = lines.read().split("\n")[2:]
    while body and not body[-1].strip():
        body.pop()
    return _Table(path, cell, chrom, marks, _values(body, path, len(marks)))


def _values(body: list[str], path: Path, n_marks: int) -> npt.NDArray[np.uint8]:
    """Return the codes of all bins; every line has the same number of characters."""
    if not body:
        message = f"{path} has no bins after its two head lines: it is truncated. Copy it again."
        raise ValueError(message)
    rows = [line.rstrip("\r") for line in body]
    width = 2 * n_marks - 1
    if all(len(row) == width for row in rows):
        text = np.frombuffer("".join(rows).encode("utf-32-le"), dtype="<u4").reshape(-1, width)
        codes = text[:, ::2] - ord("0")
        if codes.max() <= MISSING and (text[:, 1::2] == ord("\t")).all():
            return codes.astype(np.uint8)
    number, row = next(
        (number, row) for number, row in enumerate(rows, 3) if not _fits(row, n_marks)
    )
    message = (
        f"{path}, line {number}: found {row[:40]!r}, expected {n_marks} values of 0, 1 or 2 with "
        "tabs between them. The file is damaged, or not binarised: ChromHMM's BinarizeBam and "
        "BinarizeSignal write such files."
    )
    raise ValueError(message)


def _fits(row: str, n_marks: int) -> bool:
    fields = row.split("\t")
    return len(fields) == n_marks and all(field in {"0", "1", "2"} for field in fields)


def _bins(table: _Table, bin_size: int) -> pd.DataFrame:
    start = np.arange(len(table.codes), dtype=np.int64) * bin_size
    return pd.DataFrame({"chrom": table.chrom, "start": start, "end": start + bin_size})


def _same(tables: list[_Table]) -> None:
    """Raise unless the files belong together."""
    first = tables[0]
    for table in tables[1:]:
        if table.cell != first.cell:
            message = (
                f"{first.path} is of the cell type {first.cell!r}, {table.path} of {table.cell!r}: "
                "read each cell type by itself, then stack them with ad.concat."
            )
            raise ValueError(message)
        if table.marks != first.marks:
            message = (
                f"{first.path} has the marks {', '.join(first.marks)}, {table.path} has "
                f"{', '.join(table.marks)}: binarise all chromosomes with the same marks."
            )
            raise ValueError(message)
    _checks.unique(pd.Index([table.chrom for table in tables]), "chromosomes among the files")
