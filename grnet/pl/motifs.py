"""Pictures of motifs: sequence logos."""

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.textpath import TextPath

from grnet import _checks
from grnet._alphabet import LETTERS, Codes, reverse_complement
from grnet.io.motifs import Motif

COLOURS = {"A": "#009E73", "C": "#0072B2", "G": "#E69F00", "T": "#D55E00"}
"""Near the usual green, blue, orange and red, and apart for colour-blind readers too."""

_FONT = FontProperties(family="DejaVu Sans", weight="bold")
_GAP = 0.04
_COLUMN, _ROW = 0.32, 1.15


def motif_logo(
    motifs: Motif | Sequence[Motif], *, axes: Axes | Sequence[Axes] | None = None
) -> list[Axes]:
    """Draw motifs as sequence logos, one below the other.

    Parameters
    ----------
    motifs
        A motif, or several.
    axes
        Where to draw, one for each motif; by default a new figure.

    Returns
    -------
    list of Axes
        One for each motif. A stack is as high as its position is informative, in bits; the
        letters share it by their probabilities, the likeliest on top.

    Raises
    ------
    ValueError
        If there is no motif, or another number of axes.

    Notes
    -----
    Schneider and Stephens, Nucleic Acids Research 1990; without their correction for few sites,
    which matrices seldom state.

    Examples
    --------
    >>> import numpy as np
    >>> import grnet as gn
    >>> motif = gn.io.Motif("box", ("TBP",), np.eye(4)[[3, 0, 3, 0]].T)
    >>> (ax,) = gn.pl.motif_logo(motif)
    >>> ax.get_title(loc="left"), ax.get_ylabel()
    ('box (TBP)', 'Bits')
    """
    shown = [motifs] if isinstance(motifs, Motif) else list(motifs)
    if not shown:
        message = "There is no motif to draw: the list is empty."
        raise ValueError(message)
    widest = max(motif.width for motif in shown)
    rows = _axes(shown, widest) if axes is None else _given(axes)
    if len(rows) != len(shown):
        message = f"Found {len(rows)} axes for {len(shown)} motifs: pass one for each."
        raise ValueError(message)
    for motif, ax in zip(shown, rows, strict=True):
        _draw(motif, ax, widest=widest)
    return rows


def motif_logos(
    queries: Motif | Iterable[Motif], targets: Iterable[Motif], *, matches: pd.DataFrame
) -> list[Axes]:
    """Draw motifs above what they look like, lined up.

    Parameters
    ----------
    queries
        A motif, or several, for example those that a model learnt; each is drawn as it is.
    targets
        Known motifs, turned and shifted to fit.
    matches
        Of :func:`grnet.cis.compare_motifs`: the first row of each query is shown. A query without
        a row stands alone.

    Returns
    -------
    list of Axes
        Two for each query, one where nothing matches.

    Raises
    ------
    ValueError
        If there is no query, a column is missing, or a target is not among the motifs.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> import grnet as gn
    >>> box = gn.io.Motif("box", ("TBP",), np.eye(4)[[3, 0, 3, 0]].T)
    >>> learnt = gn.io.Motif("filter", (), np.eye(4)[[1, 3, 0, 3, 0]].T)
    >>> row = {"query": ["filter"], "target": ["box"], "pvalue": [1e-5], "offset": [-1]}
    >>> axes = gn.pl.motif_logos(learnt, [box], matches=pd.DataFrame({**row, "strand": ["+"]}))
    >>> [ax.get_title(loc="left") for ax in axes]
    ['filter', 'box (TBP)   p = 1e-05']
    """
    columns = ("query", "target", "pvalue", "offset", "strand")
    _checks.has_columns(matches, columns, "the table of matches")
    asked = [queries] if isinstance(queries, Motif) else list(queries)
    if not asked:
        message = "There is no motif to draw: the list of queries is empty."
        raise ValueError(message)
    known = {motif.name: motif for motif in targets}
    best = matches.drop_duplicates("query").set_index("query").to_dict("index")
    pairs = [_pair(q, best.get(q.name), known) for q in asked]
    shown = [one for pair in pairs for one in pair]
    low = min(first for _, first, _ in shown)
    widest = max(motif.width + first for motif, first, _ in shown) - low
    axes = _axes([motif for motif, _, _ in shown], widest)
    for (motif, first, note), ax in zip(shown, axes, strict=True):
        _draw(motif, ax, widest=widest, first=first - low)
        ax.set_title(f"{ax.get_title(loc='left')}{note}", loc="left", fontsize=9, parse_math=False)
    return axes


def _pair(
    query: Motif, match: dict[Hashable, Any] | None, known: dict[str, Motif]
) -> list[tuple[Motif, int, str]]:
    """Return what to draw for a query: motif, first column relative to the query, remark."""
    alone = [(query, 0, "")]
    if match is None:
        return alone
    if match["target"] not in known:
        message = (
            f"The target {match['target']!r} is not among the motifs "
            f"({_checks.examples(known)}): pass those that were compared."
        )
        raise ValueError(message)
    target, note = known[match["target"]], f"   p = {match['pvalue']:.2g}"
    if match["strand"] == "-":
        turned = target.probabilities[::-1, ::-1]
        target = Motif(target.name, target.tfs, turned, target.n_sites)
        note = f", other strand{note}"
    return [*alone, (target, -int(match["offset"]), note)]


def contribution_logo(
    contributions: npt.NDArray[np.floating],
    codes: Codes,
    *,
    start: int = 0,
    highlight: pd.DataFrame | None = None,
    minus: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw the letters of a sequence, each as high as it contributes; below zero if it lowers.

    Parameters
    ----------
    contributions
        (L,), a row of ``gn.explain.attributions(...).contributions``.
    codes
        (L,): the letters.
    start
        Position of the first letter, for the axis.
    highlight
        ``start, end`` of stretches to mark, in letters from the beginning, such as seqlets.
    minus
        Draw the other strand instead, read in its own direction.
    ax
        Where to draw; by default a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If there are not as many letters as contributions.

    Examples
    --------
    >>> import numpy as np
    >>> import grnet as gn
    >>> ax = gn.pl.contribution_logo(np.array([0.1, 2.0, -1.0]), gn.dna.to_codes("ACG"))
    >>> ax.get_ylabel()
    'Contribution'
    """
    values, letters = np.asarray(contributions, dtype=np.float64), np.asarray(codes)
    if values.ndim != 1 or values.shape != letters.shape:
        message = (
            f"Found contributions of shape {values.shape} and codes of shape {letters.shape}: "
            "expected one row of each, as long as the other."
        )
        raise ValueError(message)
    if minus:
        values, letters = values[::-1], reverse_complement(letters)
    length = len(values)
    if ax is None:
        size = (min(max(4.0, 0.12 * length + 0.9), 14.0), 1.7)
        _, ax = plt.subplots(figsize=size, layout="constrained")
    for first, last in _stretches(highlight, length, minus=minus):
        ax.axvspan(start + first - 0.5, start + last - 0.5, color="0.93", zorder=0)
    heights = np.zeros((4, length))
    known = np.flatnonzero(letters < len(LETTERS))
    heights[letters[known], known] = values[known]
    # one letter a position: those below zero hang upside down
    least = 1e-3 * max(float(np.abs(heights).max(initial=0)), 1e-30)
    _stack(np.maximum(heights, 0), ax, left=start - 0.5, least=least)
    _hang(np.minimum(heights, 0), ax, left=start - 0.5, least=least)
    ax.axhline(0, color="0.4", linewidth=0.6, zorder=1)
    span = max(values.max(initial=0) - values.min(initial=0), 1e-12)
    low, high = min(values.min(initial=0), 0), max(values.max(initial=0), 0)
    ax.set(xlim=(start - 1, start + length), ylim=(low - 0.06 * span, high + 0.06 * span))
    ax.set(ylabel="Contribution", xlabel="Position" + (" (other strand)" if minus else ""))
    ax.tick_params(labelsize=8, length=2)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _stretches(
    highlight: pd.DataFrame | None, length: int, *, minus: bool
) -> list[tuple[int, int]]:
    """Return the stretches to mark, turned round for the other strand."""
    if highlight is None:
        return []
    _checks.has_columns(highlight, ("start", "end"), "highlight")
    pairs = zip(highlight["start"].astype(int), highlight["end"].astype(int), strict=True)
    return [(length - end, length - first) if minus else (first, end) for first, end in pairs]


def _hang(heights: npt.NDArray[np.floating], ax: Axes, *, left: float, least: float) -> None:
    """Hang letters of heights below zero upside down from the axis."""
    for code, letter in enumerate(LETTERS):
        glyphs = [
            _glyph(letter, left=left + at, bottom=0.0, height=float(height))
            for at, height in enumerate(heights[code])
            if height < -least
        ]
        ax.add_collection(PathCollection(glyphs, facecolor=COLOURS[letter], linewidth=0, alpha=0.6))


def _given(axes: Axes | Sequence[Axes]) -> list[Axes]:
    return [axes] if isinstance(axes, Axes) else list(np.ravel(np.asarray(axes, dtype=object)))


def _axes(motifs: list[Motif], widest: int) -> list[Axes]:
    size = (max(3.0, _COLUMN * widest + 0.9), _ROW * len(motifs) + 0.5)
    _, axes = plt.subplots(
        len(motifs), squeeze=False, sharex=True, figsize=size, layout="constrained"
    )
    return list(axes[:, 0])


def _draw(motif: Motif, ax: Axes, *, widest: int, first: int = 0) -> None:
    """Draw the stacks of one motif; all motifs have columns of the same width."""
    _stack(motif.probabilities * motif.information, ax, left=first + 0.5, least=1e-3)
    tfs = "::".join(motif.tfs)
    title = motif.name if tfs in ("", motif.name) else f"{motif.name} ({tfs})"
    ax.set_title(title, loc="left", fontsize=9, parse_math=False)
    ax.set(xlim=(0.5, widest + 0.5), ylim=(0, 2), yticks=[0, 1, 2], ylabel="Bits")
    step = 1 if widest <= 30 else 5
    ax.set_xticks(np.arange(step, widest + 1, step))
    ax.tick_params(labelsize=8, length=2)
    ax.spines[["top", "right"]].set_visible(False)


def _stack(heights: npt.NDArray[np.floating], ax: Axes, *, left: float, least: float) -> None:
    """Stack letters of heights (4, width), the highest on top; those below ``least`` are dust."""
    order = np.argsort(heights, axis=0, kind="stable")
    sorted_heights = np.take_along_axis(heights, order, axis=0)
    tops = np.take_along_axis(
        np.cumsum(sorted_heights, axis=0), np.argsort(order, axis=0, kind="stable"), axis=0
    )
    for code, letter in enumerate(LETTERS):
        glyphs = [
            _glyph(letter, left=left + at, bottom=top - height, height=height)
            for at, (top, height) in enumerate(zip(tops[code], heights[code], strict=True))
            if height > least
        ]
        ax.add_collection(PathCollection(glyphs, facecolor=COLOURS[letter], linewidth=0))


def _glyph(letter: str, *, left: float, bottom: float, height: float) -> Path:
    """Return a letter that fills its box but for a small gap."""
    path = TextPath((0, 0), letter, size=1, prop=_FONT)
    box = path.get_extents()
    size = np.array([1 - 2 * _GAP, height * (1 - _GAP)])
    corner = np.array([left + _GAP, bottom + height * _GAP / 2])
    vertices = (np.asarray(path.vertices) - box.p0) / box.size * size + corner
    return Path(vertices, path.codes)
