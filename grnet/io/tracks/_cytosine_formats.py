"""Formats of methylation calls: which one a file has, and its rows as counts of cytosines."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from grnet import _checks
from grnet.io import _text
from grnet.io.tracks import _columns
from grnet.io.tracks._columns import Column

CONTEXTS = ("CG", "CHG", "CHH")
NOT_STATED, AMBIGUOUS = -1, -2
"""Contexts of cytosines of which the file says nothing, and of those with an N beside them."""
MERGED, PLUS, MINUS, UNSTATED = range(4)
STRAND_OF = pd.Series({"+": PLUS, "-": MINUS})

CODES = {"5mC": ("m", "5mC", "27551"), "5hmC": ("h", "5hmC", "76792")}
"""How modkit, modbam2bed and ChEBI call a modification."""

# any cytosine modification: modkit --combine-mods
_COMBINED = "C"
# one letter, a ChEBI number, or a name such as 6mA: one modification among several
_A_MODIFICATION = re.compile(r"^([A-Za-z]|\d+|\d\w+[ACGTU])$")

_CHROM = {"chrom", "chr", "chromosome", "seqnames"}
_POSITION = {"pos": 1, "position": 1, "start": 0}
_METHYLATED = re.compile(r"^(?:m|meth|methylated)(?:[_.](.+))?$", re.IGNORECASE)
_COVERAGE = re.compile(r"^(?:cov|coverage|total|depth)(?:[_.](.+))?$", re.IGNORECASE)

Bytes = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Layout:
    """Where a format keeps its columns, and how a block becomes sites.

    Sites have ``chrom, start, kind, context, methylated, coverage``: ``start`` is 0-based, ``kind``
    the strand, ``context`` the place in ``CONTEXTS`` or what is not known of it.
    """

    name: str
    columns: dict[str, Column]
    sites: Callable[[pd.DataFrame, str], pd.DataFrame]
    separator: str = r"\s+"
    header: bool = False


def layouts_of(path: Path) -> dict[str, Layout]:
    """Return the layout of each sample in a file, by the sample's name in the file or ``""``.

    Raises
    ------
    ValueError
        If the format is none of those known.
    """
    fields = _columns.first_fields(path)
    table = _table(path)
    if table:
        return table
    for fits, layout in _FORMATS:
        if fits(fields):
            return {"": layout}
    message = (
        f"{path} has {len(fields)} columns and starts with {' '.join(fields)[:60]!r}, which is no "
        "known format of methylation calls. Expected: Bismark coverage (6 columns) or cytosine "
        "report (7), allc (7), bedMethyl (11 to 18), or a table with a header chrom, pos, M, Cov."
    )
    raise ValueError(message)


def _code(column: "pd.Series[Any]", table: "pd.Series[int]", otherwise: int) -> Bytes:
    """Translate a column of categories."""
    places = table.reindex(column.cat.categories).fillna(otherwise).to_numpy(dtype=np.int8)
    return np.asarray(places[column.cat.codes.to_numpy()])


def _context_codes(column: "pd.Series[Any]") -> Bytes:
    """Translate CG, CHG, CHH, or bases such as CGT and CAG; CN and the like are not known."""
    classes = {name: _context_of(str(name).upper()) for name in column.cat.categories}
    return _code(column, pd.Series(classes, dtype=np.int8), AMBIGUOUS)


def _context_of(text: str) -> int:
    if text.startswith("CG"):
        return 0
    if len(text) < 3 or text[0] != "C" or text[1] not in "ACTH":
        return AMBIGUOUS
    return {"G": 1, "A": 2, "C": 2, "T": 2, "H": 2}.get(text[2], AMBIGUOUS)


def _frame(
    block: pd.DataFrame, *, start: "pd.Series[Any]", kind: "Bytes | int", context: "Bytes | int"
) -> pd.DataFrame:
    counts = block[["chrom", "methylated", "coverage"]]
    return counts.assign(start=start, kind=np.int8(kind), context=np.int8(context))


def _from_report(block: pd.DataFrame, modification: str) -> pd.DataFrame:
    del modification
    kind = _code(block["strand"], STRAND_OF, UNSTATED)
    block = block.assign(coverage=block["methylated"] + block["unmethylated"])
    context = _context_codes(block["context"])
    return _frame(block, start=block["position"] - 1, kind=kind, context=context)


def _from_allc(block: pd.DataFrame, modification: str) -> pd.DataFrame:
    del modification
    kind = _code(block["strand"], STRAND_OF, UNSTATED)
    context = _context_codes(block["context"])
    return _frame(block, start=block["position"] - 1, kind=kind, context=context)


def _from_coverage(block: pd.DataFrame, modification: str) -> pd.DataFrame:
    """Read Bismark's coverage: 1-based with start = end, or 0-based with end = start + 1."""
    del modification
    width = (block["end"] - block["start"]).to_numpy()
    if width.min() != width.max() or width[0] not in {0, 1}:
        message = (
            "start and end differ by "
            f"{width.min()} to {width.max()} bases; Bismark's coverage has single cytosines"
        )
        raise ValueError(message)
    block = block.assign(coverage=block["methylated"] + block["unmethylated"])
    start = block["start"] - (width[0] == 0)
    return _frame(block, start=start, kind=UNSTATED, context=NOT_STATED)


def _from_bedmethyl(block: pd.DataFrame, modification: str) -> pd.DataFrame:
    """Keep the rows of the modification; a row without a strand is a CpG with both merged."""
    parts = {str(name): str(name).split(",") for name in block["label"].cat.categories}
    wanted = [name for name, part in parts.items() if _is_wanted(part[0], modification)]
    block = block.loc[block["label"].isin(wanted)]
    kind = _code(block["strand"], STRAND_OF, MERGED)
    motifs = {name: _context_of(part[1]) for name, part in parts.items() if len(part) > 1}
    stated = _code(block["label"], pd.Series(motifs, dtype=np.int8), NOT_STATED)
    context = np.where(kind == MERGED, 0, stated)
    return _frame(_counted(block), start=block["start"], kind=kind, context=context)


def _counted(block: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with methylated and coverage from what the tool writes."""
    if "valid" in block:
        return block.assign(coverage=block["valid"])
    if "canonical" in block:
        return block.assign(coverage=block["methylated"] + block["canonical"])
    coverage = block["depth"].to_numpy(dtype=np.float64)
    of_modbam2bed = block["label"].astype(str).str.fullmatch(r"\d\w+[ACGT]").to_numpy(dtype=bool)
    # modbam2bed's depth counts reads without a call; its score is the share with one, in 1/1000
    # and rounded down
    informative = np.ceil(coverage * block["score"].to_numpy() / 1000)
    coverage = np.where(of_modbam2bed, informative, coverage).astype(np.int64)
    methylated = np.rint(coverage * np.nan_to_num(block["percent"].to_numpy()) / 100)
    return block.assign(coverage=coverage, methylated=methylated.astype(np.int64))


def _is_wanted(code: str, modification: str) -> bool:
    if code in CODES[modification]:
        return True
    return modification == "5mC" and (code == _COMBINED or not _A_MODIFICATION.match(code))


def _from_table(block: pd.DataFrame, modification: str) -> pd.DataFrame:
    del modification
    kind = _code(block["strand"], STRAND_OF, UNSTATED) if "strand" in block else UNSTATED
    one_based = "position" in block
    start = block["position"] - 1 if one_based else block["start"]
    return _frame(block, start=start, kind=kind, context=NOT_STATED)


def _table(path: Path) -> dict[str, Layout]:
    """Return the layouts of a table with a header, empty if there is none."""
    line = next(line for line in _text.first_lines(path, 100) if line.strip(" #\t"))
    separator = "," if "," in line and "\t" not in line else r"\s+"
    fields = line.strip().split("," if separator == "," else None)
    lower = [field.strip().lower() for field in fields]
    if lower[0] not in _CHROM or not set(lower) & set(_POSITION):
        return {}
    place = next(name for name in _POSITION if name in lower)
    columns = {"chrom": Column(0, "category")}
    columns["position" if _POSITION[place] else "start"] = Column(lower.index(place), "int64")
    if "strand" in lower:
        columns["strand"] = Column(lower.index("strand"), "category")
    found = {
        kind: {
            (match[1] or ""): at for at, text in enumerate(fields) if (match := shape.match(text))
        }
        for kind, shape in (("methylated", _METHYLATED), ("coverage", _COVERAGE))
    }
    samples = [name for name in found["methylated"] if name in found["coverage"]]
    if not samples:
        message = (
            f"{path} has the columns {_checks.examples(fields, 8)}, but no counts: name them M and "
            "Cov (reads methylated and all reads), or M_a, Cov_a, M_b, Cov_b for several samples."
        )
        raise ValueError(message)
    return {
        name: Layout(
            "table",
            columns | {kind: Column(at[name], "int64") for kind, at in found.items()},
            _from_table,
            separator=separator,
            header=True,
        )
        for name in samples
    }


def _all_digits(fields: list[str]) -> bool:
    return all(field.isdigit() for field in fields)


def _columns_at(**places: str) -> dict[str, Column]:
    """Read ``name="3i"``: the place of a column and its kind."""
    kinds = {"i": "int64", "f": "float64", "c": "category"}
    return {name: Column(int(text[:-1]), kinds[text[-1]]) for name, text in places.items()}


_BED = _columns_at(chrom="0c", start="1i", label="3c", strand="5c")
_FORMATS: list[tuple[Callable[[list[str]], bool], Layout]] = [
    (
        lambda f: len(f) in {6, 7} and f[2] in {"+", "-"} and _all_digits([f[1], *f[3:5]]),
        Layout(
            "Bismark cytosine report",
            _columns_at(
                chrom="0c", position="1i", strand="2c", methylated="3i", unmethylated="4i",
                context="5c",
            ),
            _from_report,
        ),
    ),
    (
        lambda f: len(f) == 7 and f[2] in {"+", "-"} and _all_digits([f[1], *f[4:7]]),
        Layout(
            "allc",
            _columns_at(
                chrom="0c", position="1i", strand="2c", context="3c", methylated="4i",
                coverage="5i",
            ),
            _from_allc,
        ),
    ),
    (
        lambda f: len(f) == 6 and _all_digits([f[1], f[2], f[4], f[5]]),
        Layout(
            "Bismark coverage",
            _columns_at(chrom="0c", start="1i", end="2i", methylated="4i", unmethylated="5i"),
            _from_coverage,
        ),
    ),
    (
        lambda f: len(f) == 18 and f[5] in {"+", "-", "."} and _all_digits([f[9], *f[11:18]]),
        Layout("bedMethyl (modkit)", _BED | _columns_at(valid="9i", methylated="11i"),
               _from_bedmethyl),
    ),
    (
        lambda f: 14 <= len(f) <= 16 and f[5] in {"+", "-", "."} and _all_digits(f[11:14]),
        Layout(
            "bedMethyl (modbam2bed)",
            _BED | _columns_at(canonical="11i", methylated="12i"),
            _from_bedmethyl,
        ),
    ),
    (
        lambda f: 11 <= len(f) <= 17 and f[5] in {"+", "-", "."} and _all_digits([f[1], f[9]]),
        Layout(
            "bedMethyl",
            _BED | _columns_at(score="4f", depth="9i", percent="10f"),
            _from_bedmethyl,
        ),
    ),
]  # fmt: skip
