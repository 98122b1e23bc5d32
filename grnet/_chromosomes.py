"""Chromosomes have many names: ``1``, ``chr1``, ``I``, ``chrI``; ``MT``, ``chrM``, ``Mito``."""

import re
from collections.abc import Iterable

import pandas as pd

from grnet import _checks

MITOCHONDRION = frozenset({"m", "mt", "mito", "mtdna", "mitochondrion", "mitochondria", "mtgenome"})
ROMAN = re.compile(r"^(?=[IVXL])(XL|L?X{0,3})(IX|IV|V?I{0,3})$")
_DIGITS = {"I": 1, "V": 5, "X": 10, "L": 50}
_PREFIX = re.compile(r"^(chromosome|chrom|chr)[_.]?", re.IGNORECASE)


def translation(names: Iterable[str], reference: Iterable[str]) -> dict[str, str]:
    """Map each name to the same chromosome among the reference names.

    Prefixes, case, roman and arabic numbers and the names of the mitochondrion are seen through.
    ``X`` is ten only where the names beside it are roman numbers. Names without a counterpart, or
    with the same one as another name, are left out; so are all where one side counts I, II, III
    and the other has both 10 and X, for these are different organisms.

    >>> translation(["chr1", "chrX", "MT"], ["1", "X", "chrM"])
    {'chr1': '1', 'chrX': 'X', 'MT': 'chrM'}
    >>> translation(["chr10", "chr2"], ["I", "II", "III", "X"])
    {'chr10': 'X', 'chr2': 'II'}
    """
    given, known = list(dict.fromkeys(names)), dict.fromkeys(reference)
    roman_given, roman_known = _counts_in_roman(given), _counts_in_roman(list(known))
    if (roman_given and _has_ten_and_x(known)) or (roman_known and _has_ten_and_x(given)):
        return {}
    found = {name: name for name in given if name in known}
    taken = set(found)
    # first by what the names mean, then as they are spelt: the X of a worm is no number
    for roman in (True, False):
        table = _by_key(list(known), roman=roman and roman_known)
        counted = roman and roman_given
        for name in given:
            match = table.get(_key(name, roman=counted))
            if name not in found and match is not None and match not in taken:
                found[name] = match
                taken.add(match)
    return {name: found[name] for name in given if name in found}


def renamed(frame: pd.DataFrame, reference: Iterable[str], *, what: str) -> pd.DataFrame:
    """Return the rows on chromosomes of the reference, under the names that it uses.

    Rows on other chromosomes (unplaced contigs, another assembly) are dropped.

    Raises
    ------
    ValueError
        If no chromosome has a counterpart, with both sets of names.
    """
    known = list(dict.fromkeys(reference))
    given = list(dict.fromkeys(frame["chrom"].astype(str)))
    table = translation(given, known)
    if given and not table:
        message = (
            f"No chromosome of {what} is known: it has {_checks.examples(given, 5)}, expected "
            f"{_checks.examples(known, 5)}. Both must come from the same organism and assembly."
        )
        raise ValueError(message)
    if all(table.get(name) == name for name in given):
        return frame
    chrom = frame["chrom"].astype(str).map(table)
    return frame.assign(chrom=chrom).loc[chrom.notna()]


def _by_key(known: list[str], *, roman: bool) -> dict[str, str]:
    """Index the reference names by what they mean; the first of two spellings counts."""
    table: dict[str, str] = {}
    for name in known:
        table.setdefault(_key(name, roman=roman), name)
    return table


def _key(name: str, *, roman: bool) -> str:
    """Return what a name means: a number, ``mitochondrion``, or the bare name in lower case."""
    bare = _PREFIX.sub("", name)
    if bare.lower() in MITOCHONDRION:
        return "mitochondrion"
    if roman and ROMAN.match(bare.upper()):
        return str(_number(bare.upper()))
    return bare.lstrip("0").lower() if bare.isdigit() else bare.lower()


def _counts_in_roman(names: list[str]) -> bool:
    """Tell whether chromosomes are counted I, II, III: then X is ten."""
    bare = {_PREFIX.sub("", name).upper() for name in names}
    return bool(bare & {"I", "II", "III", "IV", "VI", "VII", "VIII", "IX"})


def _has_ten_and_x(names: Iterable[str]) -> bool:
    """Tell whether chromosomes are counted 1, 2, 3 beside a chromosome X."""
    return {"10", "X"} <= {_PREFIX.sub("", name).upper() for name in names}


def _number(roman: str) -> int:
    values = [_DIGITS[letter] for letter in roman]
    return sum(
        -value if value < after else value
        for value, after in zip(values, [*values[1:], 0], strict=True)
    )
