"""Pictures of motifs: sequence logos."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.textpath import TextPath

from grnet._alphabet import LETTERS
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


def _given(axes: Axes | Sequence[Axes]) -> list[Axes]:
    return [axes] if isinstance(axes, Axes) else list(np.ravel(np.asarray(axes, dtype=object)))


def _axes(motifs: list[Motif], widest: int) -> list[Axes]:
    size = (max(3.0, _COLUMN * widest + 0.9), _ROW * len(motifs) + 0.5)
    _, axes = plt.subplots(
        len(motifs), squeeze=False, sharex=True, figsize=size, layout="constrained"
    )
    return list(axes[:, 0])


def _draw(motif: Motif, ax: Axes, *, widest: int) -> None:
    """Draw the stacks of one motif; all motifs have columns of the same width."""
    heights = motif.probabilities * motif.information
    order = np.argsort(heights, axis=0, kind="stable")
    sorted_heights = np.take_along_axis(heights, order, axis=0)
    tops = np.take_along_axis(
        np.cumsum(sorted_heights, axis=0), np.argsort(order, axis=0, kind="stable"), axis=0
    )
    for code, letter in enumerate(LETTERS):
        glyphs = [
            _glyph(letter, left=at + 0.5, bottom=top - height, height=height)
            for at, (top, height) in enumerate(zip(tops[code], heights[code], strict=True))
            if height > 1e-3
        ]
        ax.add_collection(PathCollection(glyphs, facecolor=COLOURS[letter], linewidth=0))
    tfs = "::".join(motif.tfs)
    title = motif.name if tfs in ("", motif.name) else f"{motif.name} ({tfs})"
    ax.set_title(title, loc="left", fontsize=9, parse_math=False)
    ax.set(xlim=(0.5, widest + 0.5), ylim=(0, 2), yticks=[0, 1, 2], ylabel="Bits")
    step = 1 if widest <= 30 else 5
    ax.set_xticks(np.arange(step, widest + 1, step))
    ax.tick_params(labelsize=8, length=2)
    ax.spines[["top", "right"]].set_visible(False)


def _glyph(letter: str, *, left: float, bottom: float, height: float) -> Path:
    """Return a letter that fills its box but for a small gap."""
    path = TextPath((0, 0), letter, size=1, prop=_FONT)
    box = path.get_extents()
    size = np.array([1 - 2 * _GAP, height * (1 - _GAP)])
    corner = np.array([left + _GAP, bottom + height * _GAP / 2])
    vertices = (np.asarray(path.vertices) - box.p0) / box.size * size + corner
    return Path(vertices, path.codes)
