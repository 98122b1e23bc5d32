"""Names of transcription factors: shipped lists, files, or the user's own."""

import csv
import difflib
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from grnet import _checks
from grnet._shipped import shipped
from grnet.io import _text

SPECIES = ("human", "mouse", "yeast")

NAME_COLUMNS = (
    *("tf", "tfs", "source", "symbol", "gene_symbol", "gene", "gene_name", "name", "regulator"),
)
"""Headers under which a table gives the names, the likeliest first."""


def read_tfs(tfs: str | Path | Iterable[str], *, column: str | None = None) -> list[str]:
    """Return the names of transcription factors.

    Parameters
    ----------
    tfs
        ``"human"``, ``"mouse"`` or ``"yeast"`` for a list that grnet ships; or a file: one name
        per line, or a csv/tsv table with a header (both may be gzipped, ``#`` lines are skipped);
        or the names themselves.
    column
        The column of a table that holds the names. By default the first that is called
        ``tf``, ``source``, ``symbol``, ``gene`` or the like.

    Returns
    -------
    list of str
        The names without duplicates: sorted for a species, else in the given order.

    Raises
    ------
    ValueError
        If there is no name, or the text is neither a species nor a file.
    FileNotFoundError
        If a file is named that does not exist.

    Notes
    -----
    The shipped lists come from JASPAR 2026, CC BY 4.0: factors with a measured binding profile.
    Their gaps are stated in ``data/tfs/README.md``; a list of your own always wins.

    Examples
    --------
    >>> import grnet as gn
    >>> "GATA1" in gn.io.read_tfs("human")
    True
    >>> gn.io.read_tfs(["SPI1", "GATA1", "SPI1"])
    ['SPI1', 'GATA1']
    """
    if isinstance(tfs, str) and tfs.strip().lower() in SPECIES:
        return sorted(_names_in(shipped("tfs", f"{tfs.strip().lower()}.txt"), column))
    if isinstance(tfs, str | Path):
        return _unique(_names_in(_existing(tfs), column), f"{tfs}")
    if isinstance(tfs, pd.DataFrame | dict) or not isinstance(tfs, Iterable):
        message = (
            f"tfs is a {type(tfs).__name__}: expected a species ({', '.join(SPECIES)}), a file or "
            "a list of names, such as frame['tf'] of a table."
        )
        raise TypeError(message)
    return _unique(_texts(tfs), "tfs")


def _texts(names: Iterable[object]) -> list[str]:
    """Return the names as plain text, or raise at the first that is none."""
    texts = []
    for name in names:
        if not isinstance(name, str):
            message = (
                f"tfs holds {name!r} ({type(name).__name__}): expected names of genes as text. "
                "Drop missing values first."
            )
            raise TypeError(message)
        texts.append(str(name))
    return texts


def _unique(names: Iterable[str], where: str) -> list[str]:
    kept = list(dict.fromkeys(text for name in names if (text := name.strip())))
    if not kept:
        message = f"{where} holds no name of a transcription factor: give at least one."
        raise ValueError(message)
    return kept


def _existing(tfs: str | Path) -> Path:
    """Return the path of a file of names, or raise with the choices."""
    path = Path(tfs).expanduser()
    if path.is_file():
        return path
    if isinstance(tfs, Path) or path.suffix or len(path.parts) > 1 or path.is_dir():
        message = f"{tfs} is no file: give a file with one name per line, or a list of names."
        raise FileNotFoundError(message)
    near = difflib.get_close_matches(tfs.lower(), SPECIES, n=1)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    message = (
        f"tfs={tfs!r} is neither a species nor a file. {hint}Lists are shipped for "
        f"{', '.join(SPECIES)}; for any other, give a file or a list of names, such as [{tfs!r}]."
    )
    raise ValueError(message)


def _names_in(path: Path, column: str | None) -> list[str]:
    """Read the names of a file: plain lines, or one column of a table."""
    with _text.open_text(path) as lines:
        text = [line for line in lines if line.strip() and not line.startswith("#")]
    if not text:
        message = f"{path} holds no name: expected one name per line."
        raise ValueError(message)
    separator = next((mark for mark in "\t,;" if mark in text[0]), None)
    if separator is None:
        names = [line.strip().strip('"') for line in text]
        if column is not None:
            _column(path, names[:1], column)
        headed = column is not None or names[0].lower() in NAME_COLUMNS
        return names[1:] if headed else names
    rows = list(csv.reader(text, delimiter=separator))
    at = _column(path, rows[0], column)
    short = next((number for number, row in enumerate(rows, start=1) if len(row) <= at), None)
    if short is not None:
        message = (
            f"{path}: row {short} has {len(rows[short - 1])} field(s), but the names are in column "
            f"{at + 1} ({rows[0][at]!r}). Complete the row."
        )
        raise ValueError(message)
    return [row[at] for row in rows[1:]]


def _column(path: Path, header: list[str], column: str | None) -> int:
    """Return the position of the column of names."""
    labels = [label.strip() for label in header]
    if column is not None:
        _checks.has_columns(pd.DataFrame(columns=labels), [column], f"{path}")
        return labels.index(column)
    lowered = [label.lower() for label in labels]
    at = next((lowered.index(name) for name in NAME_COLUMNS if name in lowered), None)
    if at is None:
        message = (
            f"{path} is a table, and none of its columns ({_checks.examples(labels, 8)}) is called "
            f"{', '.join(NAME_COLUMNS)}. Name the one that holds the names: column={labels[0]!r}."
        )
        raise ValueError(message)
    return at
