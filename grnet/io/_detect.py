"""Which format a file or folder of expression has."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args

import h5py

from grnet import _checks
from grnet.io import _text
from grnet.io.expression import _counts, _tenx

logger = logging.getLogger(__name__)

Format = Literal[
    "auto", "10x_h5", "10x_mtx", "h5ad", "loom", "table", "star", "htseq", "featurecounts"
]

BULK: dict[str, _counts.CountFormat] = {kind: kind for kind in get_args(_counts.CountFormat)}
TEXT_ENDINGS = frozenset([".csv", ".tsv", ".txt", ".tab", ".counts", ".count", ".out", ".htseq"])
FEW = 200
"""htseq-count writes at most so many columns: a wider table is not read through to its end."""

FORMATS = (
    "10x .h5, a folder with matrix.mtx, .h5ad, .loom, csv/tsv/txt (also .gz), STAR "
    "ReadsPerGene.out.tab, htseq-count and featureCounts output, or a folder of the last three"
)


def existing(path: str | Path) -> Path:
    """Return the path, or raise with what lies beside it."""
    found = Path(path).expanduser()
    if found.exists():
        return found
    parent = found.parent
    if not parent.is_dir():
        message = f"{path} does not exist, and neither does the folder {parent}."
        raise FileNotFoundError(message)
    names = sorted(item.name for item in parent.iterdir() if not item.name.startswith("."))
    message = f"{path} does not exist. {parent} holds {_checks.examples(names, 8)}."
    raise FileNotFoundError(message)


def format_of(path: Path) -> str:
    """Return the format of a file or folder, or raise with the list of formats."""
    if path.is_dir():
        return "10x_mtx" if _tenx.matrices_in(path) else _format_of_samples(path)
    if path.stat().st_size == 0:
        message = f"{path} is empty (0 bytes): copy or download it again."
        raise ValueError(message)
    ending = Path(path.name.removesuffix(".gz")).suffix.lower()
    if h5py.is_hdf5(path) or ending in {".h5", ".h5ad", ".loom", ".hdf5"}:
        return _hdf5_format(path, ending)
    if ending == ".mtx":
        return "10x_mtx"
    return _text_format(path)


def files_of(path: Path, kind: str) -> list[Path]:
    """Return the files of one format: the path itself, or those of a folder of samples.

    Where no file of a folder is recognised, its tables are: the format was asked for by name.
    """
    if path.is_file():
        return [path]
    found = _kinds_in(path)
    tables = found.pop("table", [])
    if kind not in found and not tables:
        message = f"{path} holds no file of format {kind!r}. Expected {FORMATS}."
        raise ValueError(message)
    if kind in found and tables:
        left_out = _checks.examples(file.name for file in tables)
        logger.warning("%s: %d files are no counts: %s left out", path, len(tables), left_out)
    return found.get(kind, tables)


def _hdf5_format(path: Path, ending: str) -> str:
    with _tenx.open_h5(path) as file:
        keys = set(file)
    if {"obs", "var"} <= keys:
        return "h5ad"
    if {"row_attrs", "col_attrs"} <= keys:
        return "loom"
    return ending[1:] if ending in {".h5ad", ".loom"} else "10x_h5"


def _text_format(path: Path) -> str:
    """Tell the counters' outputs from plain tables by their lines."""
    head = _text.first_lines(path, 5)
    if "ReadsPerGene.out.tab" in path.name or head[0].startswith("N_unmapped\t"):
        return "star"
    start = "\t".join(_counts.FEATURECOUNTS_HEADER)
    if "Program:featureCounts" in head[0] or any(line.startswith(start) for line in head[:2]):
        return "featurecounts"
    if 1 <= head[0].count("\t") <= FEW:
        with _text.open_text(path) as lines:
            if any(line.startswith("__no_feature\t") for line in lines):
                return "htseq"
    return "table"


def _candidates(folder: Path) -> Iterator[Path]:
    """Yield the text files of a folder; where it has none, those of its subfolders."""
    here = [item for item in sorted(folder.iterdir()) if not item.name.startswith(".")]
    files = [item for item in here if item.is_file() and _is_text_name(item)]
    if files:
        yield from files
        return
    for sub in here:
        if sub.is_dir():
            yield from (item for item in sorted(sub.iterdir()) if _is_text_name(item))


def _is_text_name(path: Path) -> bool:
    name = path.name.removesuffix(".gz")
    logs = name.endswith((".summary", "Log.out", "Log.final.out", "Log.progress.out", "SJ.out.tab"))
    return path.is_file() and Path(name).suffix.lower() in TEXT_ENDINGS and not logs


def _kinds_in(folder: Path) -> dict[str, list[Path]]:
    """Return the text files of a folder by format."""
    kinds: dict[str, list[Path]] = {}
    for path in _candidates(folder):
        kinds.setdefault(_text_format(path), []).append(path)
    return kinds


def _format_of_samples(folder: Path) -> str:
    """Return the one format of the samples in a folder, or raise with what it holds."""
    kinds = _kinds_in(folder)
    tables = [path.name for path in kinds.pop("table", [])]
    if len(kinds) == 1:
        return next(iter(kinds))
    if kinds:
        told = "; ".join(
            f"{kind}: {_checks.examples(p.name for p in kinds[kind])}" for kind in kinds
        )
        message = (
            f"{folder} holds counts of several formats ({told}). Say format={next(iter(kinds))!r} "
            "to read these only, or put the samples of one format into a folder of their own."
        )
        raise ValueError(message)
    matrices = [
        sub.name for sub in sorted(folder.iterdir()) if sub.is_dir() and _tenx.matrices_in(sub)
    ]
    hint = f" {_checks.examples(tables)} may be tables: give the file itself." if tables else ""
    hint += (
        f" 10x matrices lie in {_checks.examples(matrices)}: give that folder." if matrices else ""
    )
    message = f"{folder} holds nothing that can be read.{hint} Expected {FORMATS}."
    raise ValueError(message)
