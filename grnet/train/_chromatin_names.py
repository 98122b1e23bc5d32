"""Names of chromatin states, from the marks that they emit."""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

QUIESCENT, EVERY, FAINT = "quiescent", "every mark", "faint "

_Rule = tuple[str, tuple[tuple[str, ...], ...]]
_RULES: tuple[_Rule, ...] = (
    ("bivalent promoter", (("H3K4me3",), ("H3K27me3",))),
    ("active promoter", (("H3K4me3",), ("H3K27ac", "H3K9ac"))),
    ("weak promoter", (("H3K4me3",),)),
    ("strong enhancer", (("H3K4me1", "H3K4me2"), ("H3K27ac", "H3K9ac"))),
    ("genic enhancer", (("H3K4me1", "H3K4me2"), ("H3K36me3", "H3K79me2"))),
    ("weak enhancer", (("H3K4me1", "H3K4me2"),)),
    ("acetylated", (("H3K27ac", "H3K9ac"),)),
    ("insulator", (("CTCF",),)),
    ("transcription", (("H3K36me3", "H3K79me2"),)),
    ("H4K20me1 transcription", (("H4K20me1",),)),
    ("repressed", (("H3K27me3",),)),
    ("heterochromatin", (("H3K9me3",),)),
    ("high control", (("WCE", "Input", "Control", "IgG"),)),
)
"""Name, and groups of marks of which one each must be there; the first rule that holds counts."""

_PRESENT = 0.4
_LEAST = 0.1
_SHARE = 0.5
_MANY, _ALL_BUT_FEW = 6, 0.75


def name_states(emissions: npt.NDArray[np.floating], marks: Sequence[str]) -> list[str]:
    """Name chromatin states by their marks.

    Parameters
    ----------
    emissions
        Probability of each mark in each state, (states, marks).
    marks
        Names of the marks; letter case does not matter.

    Returns
    -------
    list of str
        One name per state: ``active promoter`` (H3K4me3 with H3K27ac or H3K9ac), ``strong
        enhancer`` (H3K4me1 with H3K27ac), ``transcription`` (H3K36me3), ``repressed`` (H3K27me3),
        ``insulator`` (CTCF), ``every mark`` (three quarters of at least six: mostly repeats and
        other artefacts), ``quiescent`` (no mark above 0.1), and so on. A state whose marks all
        stay below 0.4 is ``faint``; one that no rule knows is called after its strongest marks.
        The second state of a name is numbered 2.

    Raises
    ------
    ValueError
        If the emissions have another number of marks.

    Notes
    -----
    The names of Ernst et al., Nature 2011. A mark counts as there from a probability of 0.4 on, a
    convention: look at ``gn.pl.state_emissions`` before relying on a name.

    Examples
    --------
    >>> import grnet as gn
    >>> import numpy as np
    >>> emissions = np.array([[0.9, 0.8, 0.0], [0.0, 0.1, 0.9], [0.0, 0.0, 0.01], [0.2, 0.0, 0.0]])
    >>> gn.train.name_states(emissions, ["H3K4me3", "H3K27ac", "CTCF"])
    ['active promoter', 'insulator', 'quiescent', 'faint weak promoter']
    """
    if emissions.ndim != 2 or emissions.shape[1] != len(marks):
        message = (
            f"Emissions have the shape {emissions.shape}, but there are {len(marks)} marks: "
            "expected (states, marks)."
        )
        raise ValueError(message)
    names = [_name(dict(zip(marks, row, strict=True))) for row in emissions.tolist()]
    seen: Counter[str] = Counter()
    numbered = []
    for name in names:
        seen[name] += 1
        numbered.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return numbered


def rank(name: str) -> float:
    """Return where a name stands among the rules: states are listed from promoters down."""
    known = [EVERY, *(rule for rule, _ in _RULES)]
    bare = re.sub(r" \d+$", "", name).removeprefix(FAINT)
    if bare == QUIESCENT:
        return len(known) + 1
    place = known.index(bare) if bare in known else len(known)
    return place + 0.5 * name.startswith(FAINT)


def _name(row: dict[str, float]) -> str:
    strongest = max(row.values())
    if strongest < _LEAST:
        return QUIESCENT
    threshold = _PRESENT if strongest >= _PRESENT else _SHARE * strongest
    return f"{'' if strongest >= _PRESENT else FAINT}{_by_rule(row, threshold)}"


def _by_rule(row: dict[str, float], threshold: float) -> str:
    """Return the first rule that holds, else the strongest marks."""
    present = {mark.upper() for mark, value in row.items() if value >= threshold}
    if len(row) >= _MANY and len(present) >= _ALL_BUT_FEW * len(row):
        return EVERY
    for name, groups in _RULES:
        if all(any(mark.upper() in present for mark in group) for group in groups):
            return name
    order = sorted(row, key=lambda mark: -row[mark])[:2]
    return " + ".join(mark for mark in order if row[mark] >= _LEAST)
