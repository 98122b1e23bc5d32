"""The rows of a picture of a locus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from grnet.io.networks import _style

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd
    from matplotlib.axes import Axes

    Values = npt.NDArray[np.float64] | float

OPEN, SITE, SIGNAL = "#56B4E9", "#009E73", "#CC79A7"
FAINT = "#D1D5DB"
_STEPS = 40
_WIDEST = 3.5
_SMALL = 8.0


class View(NamedTuple):
    """What is shown."""

    chrom: str
    start: int
    end: int

    @property
    def title(self) -> str:
        """The place as people write it."""
        return f"{self.chrom}:{self.start:,}-{self.end:,}"


def draw_arcs(ax: Axes, arcs: pd.DataFrame, gene: str | None) -> None:
    """Draw a half ellipse from each peak to its start site, the strongest on top."""
    arcs = arcs.sort_values("weight", kind="stable")
    angle = np.linspace(0.0, np.pi, _STEPS)
    middle = (arcs["from"] + arcs["to"]).to_numpy(np.float64)[:, None] / 2
    reach = (arcs["to"] - arcs["from"]).to_numpy(np.float64)[:, None] / 2
    height = np.abs(reach) / max(float(np.abs(reach).max(initial=0.0)), 1.0)
    curves = np.stack([middle + reach * np.cos(angle), np.sqrt(height) * np.sin(angle)], axis=-1)
    weight = arcs["weight"].to_numpy(np.float64)
    share = weight / max(float(weight.max(initial=0.0)), 1e-300)
    lines = LineCollection(
        list(curves), colors=_arc_colours(arcs, gene), linewidths=0.4 + _WIDEST * share, alpha=0.85
    )
    ax.add_collection(lines)
    ax.set_ylim(0, 1.08)
    ax.set_yticks([])


def _arc_colours(arcs: pd.DataFrame, gene: str | None) -> npt.NDArray[np.object_]:
    known = arcs["correlation"].to_numpy() if "correlation" in arcs else np.zeros(len(arcs))
    colours = np.array(
        [_style.EDGE_COLOUR[effect] for effect in ("regulates", "activates", "represses")]
    )[np.sign(known).astype(np.intp)]
    own = np.ones(len(arcs), dtype=bool) if gene is None else arcs["gene"].eq(gene).to_numpy()
    return np.where(own, colours, FAINT)


def draw_signal(ax: Axes, table: pd.DataFrame) -> None:
    """Fill the values of intervals from zero up, or down."""
    table = table.sort_values("start")
    values = table["value"].to_numpy(np.float64)
    _rectangles(ax, table, bottom=np.minimum(values, 0), height=np.abs(values), colour=SIGNAL)
    finite = values[np.isfinite(values)]
    low, high = min(float(finite.min(initial=0.0)), 0.0), float(finite.max(initial=0.0))
    ax.set_ylim(low, high * 1.05 if high > low else low + 1)
    ticks = [tick for tick in (low, high) if tick]
    ax.set_yticks(ticks, [f"{tick:.3g}" for tick in ticks])
    ax.tick_params(axis="y", labelsize=_SMALL)


def draw_boxes(ax: Axes, table: pd.DataFrame) -> None:
    """Draw a box for each interval."""
    _rectangles(ax, table, bottom=0.2, height=0.6, colour=OPEN)
    ax.set_ylim(0, 1)
    ax.set_yticks([])


def draw_sites(ax: Axes, table: pd.DataFrame, tfs: list[str]) -> None:
    """Draw the sites of each TF on a line of its own, the first on top."""
    row = table["tf"].map({tf: len(tfs) - 1 - at for at, tf in enumerate(tfs)})
    middle = (table["start"] + table["end"]).to_numpy(np.float64) / 2
    ax.scatter(middle, row.to_numpy(np.float64), s=50, marker="|", color=SITE, linewidths=1.6)
    ax.set_ylim(-0.7, max(len(tfs), 1) - 0.3)
    ax.set_yticks(range(len(tfs)), [text(tf) for tf in reversed(tfs)], fontsize=_SMALL)
    ax.tick_params(axis="y", length=0)


def draw_genes(ax: Axes, table: pd.DataFrame, view: View, *, gene: str | None) -> None:
    """Draw bodies, start sites with their direction, and names, each gene on a free line."""
    lane = table["lane"].to_numpy(np.float64)
    body = table.assign(
        start=table["start"].clip(lower=view.start), end=table["end"].clip(upper=view.end)
    )
    _rectangles(ax, body, bottom=lane + 0.42, height=0.16, colour=_style.BORDER)
    span = view.end - view.start
    columns = (table[name] for name in ("gene", "strand", "tss", "label"))
    for at, name, strand, tss, label in zip(lane, *columns, strict=True):
        if view.start <= tss < view.end:
            tip = (tss + (-0.012 if strand == "-" else 0.012) * span, at + 0.5)
            ax.annotate("", tip, (tss, at + 0.5), arrowprops=_arrow(), annotation_clip=True)
            ax.plot([tss, tss], [at + 0.3, at + 0.7], color=_style.INK, linewidth=1.2)
        bold = "bold" if name == gene else "normal"
        written = ax.text(label, at + 0.74, text(name), ha="center", va="bottom", clip_on=True)
        written.set(color=_style.INK, fontsize=_SMALL, fontweight=bold)
    ax.set_ylim(-0.1, float(lane.max(initial=0.0)) + 1.25)
    ax.set_yticks([])


def placed_names(table: pd.DataFrame, view: View, *, letter: float) -> pd.DataFrame:
    """Return genes with the line and the middle of their name, so that no two names meet.

    ``letter`` is the width of a letter in bases.
    """
    table = table.sort_values(["start", "end", "gene"])
    low = table["start"].clip(lower=view.start).to_numpy(np.float64)
    high = table["end"].clip(upper=view.end).to_numpy(np.float64)
    half = table["gene"].astype(str).str.len().to_numpy(np.float64) * letter / 2 + letter
    label = np.clip((low + high) / 2, view.start + half, np.maximum(view.end - half, view.start))
    lane = lanes(np.minimum(low, label - half), np.maximum(high, label + half))
    return table.assign(lane=lane, label=label)


def lanes(left: npt.NDArray[np.float64], right: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Return the first line on which each stretch meets no other."""
    lane = np.zeros(len(left), dtype=np.int64)
    ends: list[float] = []
    for at in np.argsort(left, kind="stable"):
        free = (number for number, end in enumerate(ends) if end <= left[at])
        lane[at] = next(free, len(ends))
        if lane[at] == len(ends):
            ends.append(0.0)
        ends[lane[at]] = float(right[at])
    return lane


def name_row(ax: Axes, label: str) -> None:
    """Write the name of a row to its left, and leave a faint line under it."""
    ax.set_ylabel(text(label), rotation=0, ha="right", va="center", fontsize=9)
    ax.yaxis.labelpad = 10
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.spines["bottom"].set_color(FAINT)
    ax.tick_params(axis="x", length=0)


def number_bases(ax: Axes, view: View) -> None:
    """Write the positions under the lowest row."""
    ax.set_xlim(view.start, view.end)
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    ax.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}")
    ax.tick_params(axis="x", length=3)
    ax.set_xlabel(f"{view.chrom} (bases)")


def text(name: object) -> str:
    """Return a name as it is, no mathematics in it."""
    return str(name).replace("$", r"\$")


def _rectangles(
    ax: Axes, table: pd.DataFrame, *, bottom: Values, height: Values, colour: str
) -> None:
    """Draw a rectangle over each interval, none thinner than a hair."""
    low = np.broadcast_to(bottom, len(table))
    high = np.broadcast_to(height, len(table))
    places = zip(table["start"], table["end"], low, high, strict=True)
    boxes = [Rectangle((start, y), end - start, up) for start, end, y, up in places]
    ax.add_collection(PatchCollection(boxes, facecolor=colour, edgecolor=colour, linewidth=0.5))


def _arrow() -> dict[str, Any]:
    return {"arrowstyle": "-|>", "color": _style.INK, "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0}
