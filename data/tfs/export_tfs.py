"""Export the lists of transcription factors of JASPAR 2026 from an installed pyjaspar.

Run with ``python export_tfs.py [JASPAR2026.sqlite]``: without an argument, the database of the
installed pyjaspar is taken. Writes ``human.txt``, ``mouse.txt`` and ``yeast.txt`` beside itself.
"""

import datetime as dt
import importlib.util
import re
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).resolve().parent
RELEASE = "JASPAR 2026 (pyjaspar 4.0.0), collections CORE and UNVALIDATED"
LICENCE = (
    "CC BY 4.0, https://creativecommons.org/licenses/by/4.0/, JASPAR, https://jaspar.elixir.no"
)
MOUSE, YEAST = "10090", "4932"

NOT_GENES = {"EWSR1-FLI1", "ISK"}
"""A fusion protein, and a name that no gene of man bears (in ``ELK1::ISK``)."""

NOT_HUMAN = {
    *("DUX", "DUXBL1", "MIX-A", "MSX3", "RHOX11", "ZFP58", "ZFP319", "ZFP335", "ZFP456"),
    *("ZFP617", "ZFP683", "ZFP809", "ZFP961", "ZFP985"),
}
"""Genes of rodents or frogs without a human gene of the same name."""

MOUSE_NAMES = {"Tp53": "Trp53", "Tp63": "Trp63", "Tp73": "Trp73"}
"""Where the mouse gene is not the human name in mouse spelling."""

BY_GROUP = """
    SELECT matrix.name FROM matrix JOIN matrix_annotation USING (id)
    WHERE tag = 'tax_group' AND val = ?
"""
BY_SPECIES = "SELECT matrix.name FROM matrix JOIN matrix_species USING (id) WHERE tax_id = ?"


def installed_database() -> Path:
    """Return the newest database of the installed pyjaspar."""
    found = importlib.util.find_spec("pyjaspar")
    folders = found.submodule_search_locations if found else None
    files = sorted(path for folder in folders or () for path in Path(folder).rglob("*.sqlite"))
    if not files:
        sys.exit("No JASPAR database found: run `pip install pyjaspar==4.0.0`, or name the file.")
    return files[-1]


def single_names(rows: list[tuple[str]]) -> set[str]:
    """Split dimers (``NFIC::TLX1``), drop variants (``(var.2)``) and what is no gene."""
    names = (re.sub(r"\(var\.\d+\)", "", row[0]).split("::") for row in rows)
    return {name.strip() for parts in names for name in parts} - NOT_GENES


def mouse_spelling(names: set[str]) -> set[str]:
    """Return the names in mouse spelling, zinc fingers as both ``Znf`` and ``Zfp``."""
    spelled = {name.capitalize() for name in names}
    spelled = {MOUSE_NAMES.get(name, name) for name in spelled}
    return spelled | {re.sub(r"^Znf", "Zfp", name) for name in spelled}


def lists(database: Path) -> dict[str, set[str]]:
    """Return the names of the transcription factors of each species."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        vertebrate = single_names(connection.execute(BY_GROUP, ("vertebrates",)).fetchall())
        mouse = single_names(connection.execute(BY_SPECIES, (MOUSE,)).fetchall())
        yeast = single_names(connection.execute(BY_SPECIES, (YEAST,)).fetchall())
    human = {name.upper() for name in vertebrate} - NOT_HUMAN
    return {
        "human": human,
        "mouse": mouse_spelling(mouse | human),
        "yeast": {name.upper() for name in yeast},
    }


def main() -> None:
    """Write the three files."""
    database = Path(sys.argv[1]) if len(sys.argv) > 1 else installed_database()
    today = dt.datetime.now(tz=dt.UTC).date()
    for species, names in lists(database).items():
        head = [
            f"# Transcription factors: {species}, {len(names)} names",
            f"# Source: {RELEASE}",
            f"# Licence: {LICENCE}",
            f"# Exported {today} by export_tfs.py; how and with which gaps: README.md",
        ]
        text = "\n".join([*head, *sorted(names)]) + "\n"
        HERE.joinpath(f"{species}.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
