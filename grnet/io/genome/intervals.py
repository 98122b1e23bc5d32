"""Peaks from files: where proteins bind and where chromatin is open."""

import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from grnet import _checks, _chromosomes, _intervals
from grnet.io.genome import _bed

logger = logging.getLogger(__name__)

Source = str | Path | Sequence[str | Path] | Mapping[str, str | Path]

_COLUMNS = [*_bed.BED, *_bed.PEAK, "summit", "tf"]
_ENDINGS = ("narrowpeak", "broadpeak", "gappedpeak", "xls", "bed")
"""Of files of peaks in a folder; where one TF has several kinds, the first is read."""
_PACKED = re.compile(r"\.b?gz$")


def read_peaks(
    source: Source,
    *,
    tf: str | None = None,
    tf_column: str | None = None,
    columns: Sequence[str] | None = None,
) -> pd.DataFrame:
    r"""Read peaks of ChIP-seq, CUT&RUN or ATAC-seq.

    Parameters
    ----------
    source
        A file (BED of 3 to 12 columns, narrowPeak, broadPeak, ``_peaks.xls`` of MACS, or a table
        with a header; plain or gzipped), a folder, a list of files, or a mapping of TF to file.
        For folders and lists the name of a file up to the first ``_`` or ``.`` is the TF.
    tf
        The protein of a single file.
    tf_column
        The column that holds the protein, if one does.
    columns
        Names of the columns of another layout. ``summit_offset`` counts from the start.

    Returns
    -------
    DataFrame
        ``chrom``, ``start``, ``end`` (0-based, half-open) and, where known, ``name``, ``score``,
        ``strand``, ``signal``, ``pvalue`` and ``qvalue`` (as in the file, mostly -log10);
        ``summit``, the position of the summit (the middle where the file has none); ``tf``.

    Raises
    ------
    FileNotFoundError
        If a file is missing or a folder holds no peaks.
    ValueError
        If a file is empty, damaged or of another format.

    Notes
    -----
    Tables with a column ``width`` or ``length`` tell by it whether they count from one, as those
    of MACS and R do; they are turned to count from zero.

    Examples
    --------
    >>> import grnet as gn
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "SPI1.narrowPeak"
    ...     _ = file.write_text("chr1\t10\t30\tpeak_1\t50\t.\t4.2\t3.1\t2.5\t7\n")
    ...     peaks = gn.io.read_peaks(file, tf="SPI1")
    >>> peaks[["chrom", "start", "end", "signal", "summit", "tf"]]
      chrom  start  end  signal  summit    tf
    0  chr1     10   30     4.2      17  SPI1
    """
    files = _files(source, named=tf_column is None)
    if tf is not None:
        if not isinstance(source, str | Path) or Path(source).is_dir() or tf_column is not None:
            message = (
                f"tf={tf!r} names the protein of one file. Pass a mapping of TF to file for "
                "several, or tf_column= alone."
            )
            raise ValueError(message)
        files = [(tf, files[0][1])]
    tables: list[pd.DataFrame] = []
    for name, path in files:
        peaks = _peaks(path, columns=columns, tf_column=tf_column)
        if name is not None:
            peaks["tf"] = name
        tables.append(_alike(peaks, tables))
    return pd.concat(tables, ignore_index=True)


def _files(source: Source, *, named: bool) -> list[tuple[str | None, Path]]:
    """Return the files with the TF that their names or the keys of the mapping tell."""
    files: list[tuple[str | None, Path]]
    if isinstance(source, Mapping):
        files = [(str(tf), Path(path)) for tf, path in source.items()]
    elif not isinstance(source, str | Path):
        files = [(_tf_of(Path(path)) if named else None, Path(path)) for path in source]
    elif Path(source).is_dir():
        files = [(_tf_of(path) if named else None, path) for path in _in_folder(Path(source))]
    else:
        files = [(None, Path(source))]
    if not files:
        message = "read_peaks got an empty collection of files: give at least one."
        raise ValueError(message)
    for _, path in files:
        if not path.is_file():
            message = f"There is no file of peaks {path}: check the path."
            raise FileNotFoundError(message)
    return files


def _tf_of(path: Path) -> str:
    return re.split(r"[_.]", path.name, maxsplit=1)[0]


def _in_folder(folder: Path) -> list[Path]:
    """Return the files of peaks of a folder, one kind of file per TF."""
    kinds: dict[str, dict[str, list[Path]]] = {}
    for path in sorted(folder.iterdir()):
        kind = _PACKED.sub("", path.name.lower()).rpartition(".")[2]
        if path.is_file() and kind in _ENDINGS and not path.name.startswith("."):
            kinds.setdefault(_tf_of(path), {}).setdefault(kind, []).append(path)
    files = []
    for tf, by_kind in kinds.items():
        best = min(by_kind, key=_ENDINGS.index)
        files += by_kind.pop(best)
        if by_kind:
            logger.info("%s: read as %s, left out: %s", tf, best, _checks.examples(by_kind))
    if not files:
        message = (
            f"{folder} holds no files of peaks. Expected names that end in .narrowPeak, "
            ".broadPeak, .bed or _peaks.xls, plain or with .gz; pass a list of files otherwise."
        )
        raise FileNotFoundError(message)
    return files


def _alike(peaks: pd.DataFrame, before: list[pd.DataFrame]) -> pd.DataFrame:
    """Name the chromosomes as the files before do."""
    if not before:
        return peaks
    known = pd.concat([table["chrom"] for table in before]).unique()
    table = _chromosomes.translation(peaks["chrom"].unique(), known)
    return peaks.assign(chrom=peaks["chrom"].map(table).fillna(peaks["chrom"]))


def _peaks(path: Path, *, columns: Sequence[str] | None, tf_column: str | None) -> pd.DataFrame:
    """Read one file into the columns of a table of peaks."""
    what = str(path)
    frame = _bed.read_bed(path, columns=columns, tf_column=tf_column)
    if any(not name.strip() for name in frame["chrom"].unique()):
        message = f"{path} has rows without a chromosome: it is damaged or of another layout."
        raise ValueError(message)
    frame = _counted_from_zero(_intervals.checked(frame, what=what), path)
    _refuse_no_length(frame, path)
    for name in _bed.SCORES & set(frame):
        frame[name] = frame[name].astype("float64")
    for name in {"pvalue", "qvalue"} & set(frame):
        frame[name] = frame[name].where(frame[name] >= 0)
    frame = _with_strand(frame, path)
    frame["summit"] = _summits(frame, path)
    known = [name for name in _COLUMNS if name in frame and not _is_unknown(frame[name])]
    usual = {*_COLUMNS, *_bed.NUMBERS, tf_column}
    return frame[[*known, *(name for name in columns or () if name not in usual)]]


def _counted_from_zero(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Let the width tell whether positions count from one."""
    if "width" not in frame:
        return frame
    excess = frame["width"] - (frame["end"] - frame["start"])
    if (excess == 0).all():
        return frame
    if not (excess == 1).all():
        message = (
            f"{path}: the column of lengths fits neither positions counted from 0 nor from 1 in "
            f"{int((~excess.isin([0, 1])).sum())} of {len(frame)} rows. The file is damaged."
        )
        raise ValueError(message)
    frame["start"] -= 1
    if "summit" in frame:
        frame["summit"] -= 1
    return _intervals.checked(frame, what=str(path))


def _refuse_no_length(frame: pd.DataFrame, path: Path) -> None:
    empty = frame["start"] == frame["end"]
    if empty.any():
        message = (
            f"{path}: {int(empty.sum())} of {len(frame)} peaks have no length: "
            f"{_checks.examples(_intervals.names(frame.loc[empty]))}. Positions seem to count "
            "from 1; BED counts from 0, its end is the base after the last. Subtract 1 from start."
        )
        raise ValueError(message)


def _with_strand(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    if "strand" not in frame:
        return frame
    strand = frame["strand"].replace({"*": ".", "": "."})
    wrong = ~strand.isin(["+", "-", "."])
    if wrong.any():
        message = (
            f"{path}: the column 'strand' holds {_checks.examples(strand[wrong].unique())}, "
            "expected '+', '-' or '.'. Name the columns of another layout with "
            'columns=["chrom", "start", "end", ...].'
        )
        raise ValueError(message)
    return frame.assign(strand=strand)


def _summits(frame: pd.DataFrame, path: Path) -> pd.Series:
    """Return the position of each summit, the middle where it is unknown."""
    start, length = frame["start"], frame["end"] - frame["start"]
    middle = start + length // 2
    if "summit_offset" in frame:
        offset = frame["summit_offset"].where(frame["summit_offset"] >= 0)
    elif "summit" in frame:
        offset = frame["summit"] - start
        if not offset.between(0, length).all() and frame["summit"].between(0, length).all():
            offset = frame["summit"]  # of MACS 1.4, which counts it from the start
    else:
        return middle
    wrong = offset.notna() & ((offset < 0) | (offset > length) | (offset % 1 != 0))
    if wrong.any():
        message = (
            f"{path}: {int(wrong.sum())} of {len(frame)} summits lie outside of their peaks: "
            f"{_checks.examples(_intervals.names(frame.loc[wrong]))}. The file is damaged, or its "
            "columns are others: name them with columns=."
        )
        raise ValueError(message)
    # an offset of the length itself would be the base after the peak
    summit = (start + offset).where(offset < length, frame["end"] - 1)
    return summit.where(offset.notna(), middle).astype("int64")


def _is_unknown(column: pd.Series) -> bool:
    """Tell whether a column says nothing: all values are missing or a dot."""
    unknown = {".", ""}
    return bool((column.isna() | column.isin(unknown)).all())
