"""What the panels of a dossier share: size, sentence, colours of contributions."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, NamedTuple

from matplotlib.colors import LinearSegmentedColormap, Normalize

from grnet.io.networks._style import ACTIVATES, EDGE_COLOUR, REPRESSES

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    from matplotlib.figure import SubFigure

SMALL = 8.0
RAISES, LOWERS, NEUTRAL = EDGE_COLOUR[ACTIVATES], EDGE_COLOUR[REPRESSES], "#9A9A9A"
_PALE = "#EBEBEB"
UNIT = "contribution (logits)"
SCALE = LinearSegmentedColormap.from_list("contribution", [LOWERS, _PALE, RAISES])
SCALE.set_bad(_PALE)
"""From what lowers the logit, through what leaves it, to what raises it."""

_LETTERS_PER_INCH = 128.0


class Panel(NamedTuple):
    """A part of the picture: its sentence, its size in inches, and what draws it into a width."""

    title: str
    width: float
    height: float
    draw: Callable[[SubFigure, float], None]


def wrapped(text: str, width: float, size: float) -> str:
    """Break a sentence into lines that fit a width in inches at a size of letters in points."""
    letters = max(int(width * _LETTERS_PER_INCH / size) - 2, 12)
    return "\n".join(textwrap.wrap(text, letters, break_on_hyphens=False)) or " "


def short(name: object, most: int = 24) -> str:
    """Return a name, its middle left out where it is too long for an axis."""
    text = str(name)
    if len(text) <= most:
        return text
    half = (most - 1) // 2
    return f"{text[: most - 1 - half]}…{text[-half:]}"


def colours(contributions: npt.NDArray[np.float64]) -> list[str]:
    """Return the colour of each contribution by its direction."""
    return [RAISES if value > 0 else LOWERS if value < 0 else NEUTRAL for value in contributions]


def symmetric(contributions: pd.Series[float]) -> Normalize:
    """Return the scale of colours that is neutral at zero."""
    most = float(contributions.abs().max())
    reach = most if most > 0 else 1.0
    return Normalize(-reach, reach)


def strongest(frame: pd.DataFrame, most: int | None = None) -> pd.DataFrame:
    """Return the rows with the largest contributions, the largest first."""
    order = frame["contribution"].abs().sort_values(ascending=False, kind="stable").index
    return frame.loc[order[:most]]


def listed(names: list[str]) -> str:
    """Return names as a sentence lists them."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
