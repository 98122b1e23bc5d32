"""Pictures of chromatin states: what they emit, and where they lie."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import PatchCollection
from matplotlib.colors import to_hex, to_rgb
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator

from grnet import _checks, _chromosomes, _intervals
from grnet.io.networks import _style
from grnet.pl import _tracks

if TYPE_CHECKING:
    from collections.abc import Sequence

    import anndata as ad
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {
    "every mark": "#3B3B3B",
    "bivalent promoter": "#CC79A7",
    "active promoter": "#D62728",
    "weak promoter": "#FF9896",
    "strong enhancer": "#E69F00",
    "genic enhancer": "#A8B820",
    "weak enhancer": "#F0D264",
    "acetylated": "#B8860B",
    "insulator": "#0072B2",
    "transcription": "#009E73",
    "H4K20me1 transcription": "#8FD3B6",
    "repressed": "#6B7280",
    "heterochromatin": "#8C6BB1",
    "high control": "#8B5A2B",
    "quiescent": "#FFFFFF",
}
"""Of states by their names; near the usual ones, moved apart for colour-blind readers."""

_OTHER = "#56B4E9"
_FAINT, _PALE = "faint ", 0.45
_WIDTH = 9.5


def state_colour(name: str) -> str:
    """Return the colour of a state: states of one name share it, faint ones have it paler."""
    bare = re.sub(r" \d+$", "", name)
    colour = COLOURS.get(bare.removeprefix(_FAINT), _OTHER)
    if not bare.startswith(_FAINT):
        return colour
    red, green, blue = (1 - _PALE * (1 - part) for part in to_rgb(colour))
    return str(to_hex((red, green, blue)))


def state_emissions(
    emissions: pd.DataFrame, *, shares: pd.Series | None = None, ax: Axes | None = None
) -> Axes:
    """Draw which marks each chromatin state has.

    Parameters
    ----------
    emissions
        Probability of each mark (columns) in each state (rows, by name), such as
        ``ChromatinStates.emissions``.
    shares
        Share of the genome in each state, by name, written beside it: for a frame of states,
        ``states["name"].value_counts(normalize=True)``.
    ax
        Where to draw; by default a new figure.

    Returns
    -------
    Axes
        A heat map; the square beside a name is its colour in :func:`state_track`.

    Raises
    ------
    ValueError
        If the emissions are no probabilities.

    Examples
    --------
    >>> import pandas as pd
    >>> import grnet as gn
    >>> emissions = pd.DataFrame({"CTCF": [0.9, 0.0]}, index=["insulator", "quiescent"])
    >>> ax = gn.pl.state_emissions(emissions)
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['insulator', 'quiescent']
    """
    values = emissions.to_numpy(np.float64)
    if values.size == 0 or not ((values >= 0) & (values <= 1)).all():
        message = (
            f"Emissions of shape {values.shape} are no probabilities between 0 and 1: pass states "
            "x marks, such as the emissions of gn.train.chromatin_states."
        )
        raise ValueError(message)
    n_states, n_marks = values.shape
    if ax is None:
        size = (2.9 + 0.42 * n_marks, 1.2 + 0.27 * n_states)
        _, ax = plt.subplots(figsize=size, layout="constrained")
    image = ax.imshow(values, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        if value >= 0.1:
            colour = "white" if value > 0.6 else _style.INK
            text = f"{value:.1f}".lstrip("0") if value < 0.95 else "1"
            ax.text(column, row, text, ha="center", va="center", fontsize=7, color=colour)
    names = [str(name) for name in emissions.index]
    labels = [_labelled(name, shares) for name in names]
    ax.set_yticks(range(n_states), labels, fontsize=8)
    marks = [_tracks.text(mark) for mark in emissions.columns]
    ax.set_xticks(range(n_marks), marks, rotation=45, ha="left", rotation_mode="anchor", fontsize=8)
    ax.tick_params(length=0, top=False, labeltop=True, bottom=False, labelbottom=False)
    ax.tick_params(axis="y", pad=14)
    for row, name in enumerate(names):
        box = Rectangle(
            (-0.022 - 0.25 / n_marks, row - 0.3), 0.25 / n_marks, 0.6, clip_on=False,
            transform=ax.get_yaxis_transform(), facecolor=state_colour(name),
            edgecolor=_style.BORDER, linewidth=0.5,
        )  # fmt: skip
        ax.add_patch(box)
    ax.spines[:].set_visible(False)
    ax.figure.colorbar(image, ax=ax, shrink=0.6, label="Probability of the mark")
    return ax


def state_track(
    states: pd.DataFrame,
    region: str,
    *,
    marks: ad.AnnData | None = None,
    tss: pd.DataFrame | None = None,
    others: dict[str, pd.DataFrame] | None = None,
) -> Figure:
    """Draw chromatin states along a stretch of the genome.

    Parameters
    ----------
    states
        ``chrom, start, end, name`` of bins, such as ``ChromatinStates.states``.
    region
        Such as ``"chr11:1,000,000-1,200,000"``.
    marks
        Bins x marks as :func:`grnet.io.read_binarised_marks` gives them: one row for each mark.
    tss
        ``chrom, start, end`` of start sites, drawn as ticks below.
    others
        States of other cell types over the same stretch, by the name of their row.

    Returns
    -------
    Figure
        Quiescent bins are white.

    Raises
    ------
    ValueError
        If the region has another form or holds no bin.

    Examples
    --------
    >>> import pandas as pd
    >>> import grnet as gn
    >>> states = pd.DataFrame({"chrom": "chr1", "start": [0, 200], "end": [200, 400]})
    >>> states["name"] = ["insulator", "quiescent"]
    >>> figure = gn.pl.state_track(states, "chr1:0-400")
    >>> [ax.get_label() for ax in figure.axes]
    ['states']
    """
    view = _view(region, states)
    rows: list[tuple[str, float, pd.DataFrame]] = []
    if marks is not None:
        bins = _within(marks.obs.assign(at=np.arange(marks.n_obs)), view)
        codes = np.asarray(marks.X[bins["at"].to_numpy()])
        for column, mark in enumerate(marks.var_names):
            on = bins.loc[codes[:, column] == 1]
            rows.append((str(mark), 0.19, on.assign(colour=_style.INK)))
    shown = [_within(table, view) for table in (states, *(others or {}).values())]
    for label, bins in zip(["states", *(others or {})], shown, strict=True):
        colours = [state_colour(str(name)) for name in bins["name"]]
        rows.append((label, 0.34, bins.assign(colour=colours)))
    if tss is not None:
        sites = _within(_chromosomes.renamed(tss, [view.chrom], what="the start sites"), view)
        rows.append(("TSS", 0.19, sites.assign(colour=_tracks.SITE)))
    names = list(dict.fromkeys(str(name) for bins in shown for name in bins["name"]))
    return _drawn(rows, view, names)


def _labelled(name: str, shares: pd.Series | None) -> str:
    if shares is None:
        return _tracks.text(name)
    return f"{_tracks.text(name)}  {100 * float(shares.get(name, 0.0)):.1f} %"


def _view(region: str, states: pd.DataFrame) -> _tracks.View:
    _checks.has_columns(states, ("chrom", "start", "end", "name"), "the frame of states")
    place = _intervals.from_names([region], what="region")
    chroms = states["chrom"].unique().astype(str)
    place = _chromosomes.renamed(place, chroms, what="region")
    chrom, start, end = place.iloc[0][list(_intervals.COLUMNS)]
    view = _tracks.View(str(chrom), int(start), int(end))
    if _within(states, view).empty:
        ends = states.loc[states["chrom"] == view.chrom, "end"]
        message = (
            f"No bin of the states lies in {view.title}: those of {view.chrom} reach from "
            f"{states.loc[states['chrom'] == view.chrom, 'start'].min():,} to {ends.max():,}."
        )
        raise ValueError(message)
    return view


def _within(table: pd.DataFrame, view: _tracks.View) -> pd.DataFrame:
    inside = (
        (table["chrom"].astype(str) == view.chrom)
        & (table["end"] > view.start)
        & (table["start"] < view.end)
    )
    return table.loc[inside]


def _drawn(
    rows: list[tuple[str, float, pd.DataFrame]], view: _tracks.View, names: Sequence[str]
) -> Figure:
    """Put the rows under each other, and a legend beside them."""
    heights = [height for _, height, _ in rows]
    figure, axes = plt.subplots(
        len(rows),
        squeeze=False,
        sharex=True,
        figsize=(_WIDTH, max(sum(heights) + 1.1, 1.0 + 0.13 * len(_legend(names)))),
        height_ratios=heights,
        layout="constrained",
    )
    for (label, _, table), ax in zip(rows, axes[:, 0], strict=True):
        boxes = [
            Rectangle((start, 0), end - start, 1)
            for start, end in zip(table["start"], table["end"], strict=True)
        ]
        colours = list(table["colour"])
        ax.add_collection(
            PatchCollection(boxes, facecolors=colours, edgecolors=colours, linewidths=0.7)
        )
        ax.set(ylim=(-0.05, 1.05), yticks=[])
        ax.set_label(label)
        written = _tracks.text(label)
        ax.set_ylabel(written, rotation=0, ha="right", va="center", fontsize=8)
        ax.spines[:].set_color(_tracks.FAINT)
        ax.tick_params(axis="x", length=0)
    last = axes[-1, 0]
    last.set_xlim(view.start, view.end)
    last.ticklabel_format(axis="x", style="plain", useOffset=False)
    last.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    last.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}")
    last.tick_params(axis="x", length=3, labelsize=8)
    last.set_xlabel(f"{view.chrom} (bases)", fontsize=9)
    figure.align_ylabels(axes[:, 0])
    figure.legend(handles=_legend(names), loc="outside right upper", fontsize=7.5, frameon=False)
    return figure


def _legend(names: Sequence[str]) -> list[Patch]:
    """Return one entry for each colour, in the order of the palette."""
    bare = {re.sub(r" \d+$", "", name) for name in names}
    known = [name for base in COLOURS for name in (base, _FAINT + base) if name in bare]
    entries = {name: state_colour(name) for name in known}
    if bare - set(known):
        entries["other"] = _OTHER
    return [
        Patch(facecolor=colour, edgecolor=_style.BORDER, linewidth=0.5, label=name)
        for name, colour in entries.items()
    ]
