"""Node-link pictures of a network, in the look of the Cytoscape export."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.legend_handler import HandlerPatch
from matplotlib.lines import Line2D
from matplotlib.patches import ArrowStyle, Ellipse, FancyArrowPatch, Polygon
from matplotlib.patheffects import withStroke

from grnet import _checks
from grnet.io.networks import _layout, _reduce, _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from grnet.grn import GRN

Array = np.ndarray[Any, Any]

_FONT = 12.0
_POINTS_PER_INCH = 72.0
_SMALLEST, _LARGEST = 4.5, 14.0


class _Drawing(NamedTuple):
    """Where to draw, the width of a node in units of the drawing, and the points per unit."""

    ax: Axes
    width: float
    scale: float


def neighbourhood(
    grn: GRN, node: str, *, radius: int = 1, max_edges: int = 60, ax: Axes | None = None
) -> Axes:
    """Draw the regulators and targets of a node.

    Parameters
    ----------
    grn
        The network.
    node
        The gene in the middle.
    radius
        How many steps away the picture goes.
    max_edges
        Draw at most so many edges, the nearest to the node first, then the strongest; the title
        says how many there are.
    ax
        Where to draw; by default a new figure, large enough for its names.

    Returns
    -------
    The axes: diamonds are regulators, ellipses other genes; blue arrows activate, vermilion T-bars
    repress, the width is ``|weight|``.

    Raises
    ------
    ValueError
        If the node is unknown or has no edge.

    Examples
    --------
    >>> import grnet as gn
    >>> ax = gn.pl.neighbourhood(gn.datasets.example_network(), "TF1")
    >>> ax.get_title().startswith("TF1")
    True
    """
    _checks.whole(radius, 1, 10, what="radius")
    _checks.whole(max_edges, 1, 2_000, what="max_edges")
    shown = _reduce.ego(grn, node, radius=radius, max_edges=max_edges)
    every = len(grn.neighbourhood(node, radius))
    steps = "1 step" if radius == 1 else f"{radius} steps"
    title = f"{node}: {_some(len(shown), every)} edges within {steps}"
    return _draw(shown, grn, title=title, ax=ax, centre=node)


def top_edges(grn: GRN, *, n: int = 60, ax: Axes | None = None) -> Axes:
    """Draw the strongest edges of a network.

    Parameters
    ----------
    grn
        The network.
    n
        How many edges.
    ax
        Where to draw; by default a new figure, large enough for its names.

    Returns
    -------
    The axes, drawn as in :func:`neighbourhood`.

    Raises
    ------
    ValueError
        If the network has no edges.

    Examples
    --------
    >>> import grnet as gn
    >>> ax = gn.pl.top_edges(gn.datasets.example_network(), n=5)
    >>> ax.get_title()
    '5 of 12 edges'
    """
    _checks.whole(n, 1, 2_000, what="n")
    if not len(grn):
        message = "The network has no edges: there is nothing to draw. Loosen the filter."
        raise ValueError(message)
    shown = grn.top(n).drop_isolated()
    return _draw(shown, grn, title=f"{_some(len(shown), len(grn))} edges", ax=ax)


def _some(shown: int, every: int) -> str:
    return f"{every:,}" if shown == every else f"{shown:,} of {every:,}"


def _draw(shown: GRN, grn: GRN, *, title: str, ax: Axes | None, centre: str | None = None) -> Axes:
    """Draw a network in units of points, so that boxes that do not meet hold names that do not."""
    width = _style.node_width(shown.nodes.index)
    points = _layout.node_positions(shown, width=width, height=_style.ROW_HEIGHT)
    margin = np.array([width, _style.ROW_HEIGHT])
    low, high = points.min(axis=0) - margin, points.max(axis=0) + margin
    if ax is None:
        inches = np.clip((high - low) * 0.8 / _POINTS_PER_INCH, _SMALLEST, _LARGEST)
        _, ax = plt.subplots(figsize=(inches[0], inches[1] + 0.9), layout="constrained")
    ax.set(xlim=(low[0], high[0]), ylim=(high[1], low[1]), title=title)
    ax.set_aspect("equal")
    ax.set_axis_off()
    signed = {"signed": bool((grn.edges["weight"] < 0).any()), **grn.params}
    kinds = _style.effects(shown.edges, signed).astype(str).to_numpy()
    _draw_legend(ax, sorted(set(kinds)))
    drawing = _Drawing(ax, width, _points_per_unit(ax, high - low))
    _draw_edges(drawing, shown, points, kinds=kinds)
    _draw_nodes(drawing, shown, points, centre=centre)
    return ax


def _points_per_unit(ax: Axes, extent: Array) -> float:
    """Return how many points on paper a unit of the drawing takes."""
    figure = ax.get_figure(root=True)
    if figure is None:
        message = "These axes belong to no figure: make them with plt.subplots()."
        raise ValueError(message)
    figure.draw_without_rendering()
    box = ax.get_window_extent()
    pixels = np.array([box.width, box.height]) / extent
    return float(pixels.min() * _POINTS_PER_INCH / figure.dpi)


def _draw_edges(drawing: _Drawing, shown: GRN, points: Array, *, kinds: Array) -> None:
    """Draw the edges, the strongest on top."""
    source, target = _layout.edge_codes(shown.edges, shown.nodes.index)
    is_tf = shown.nodes["is_tf"].to_numpy()
    lines, bends = _style.edge_widths(shown.edges), _bends(source, target)
    for edge in range(len(source) - 1, -1, -1):
        a, b = source[edge], target[edge]
        if a == b:
            start, end, bend = _loop(points[a])
        else:
            start = _rim(points[a], points[b], drawing.width, is_tf=is_tf[a])
            end = _rim(points[b], points[a], drawing.width, is_tf=is_tf[b])
            bend = bends[edge]
        look = _line(kinds[edge], lines[edge], drawing.scale)
        arrow = FancyArrowPatch(tuple(start), tuple(end), **look, zorder=1)
        arrow.set_connectionstyle("arc3", rad=bend)
        drawing.ax.add_patch(arrow)


def _line(kind: str, width: float, scale: float) -> dict[str, Any]:
    """Return the look of an edge: a T-bar for repression, an arrow otherwise."""
    tip: ArrowStyle
    if kind == _style.REPRESSES:
        tip = ArrowStyle.BarAB(widthA=0.0, widthB=6.0 * scale)
    else:
        tip = ArrowStyle.CurveFilledB(head_length=8.0 * scale, head_width=3.5 * scale)
    return {
        "arrowstyle": tip,
        "mutation_scale": 1.0,
        "color": _style.EDGE_COLOUR[kind],
        "linewidth": width * 0.7 * scale,
        "alpha": 0.9,
        "shrinkA": 0.0,
        "shrinkB": 1.5 * scale,
        "joinstyle": "miter",
    }


def _loop(centre: Array) -> tuple[Array, Array, float]:
    """Return the ends of an edge from a node to itself, an arc above it."""
    top = centre - [0.0, _style.NODE_HEIGHT * 0.3]
    aside = np.array([9.0, 0.0])
    return top - aside, top + aside, -2.2


def _bends(source: Array, target: Array) -> Array:
    """Return how much each edge is bent, so that edges between the same two nodes part."""
    low, high = np.minimum(source, target), np.maximum(source, target)
    pair = low * (int(high.max()) + 1) + high
    _, inverse, counts = np.unique(pair, return_inverse=True, return_counts=True)
    order = np.argsort(inverse, kind="stable")
    rank = np.empty(len(pair), dtype=np.intp)
    rank[order] = np.arange(len(pair)) - np.repeat(np.cumsum(counts) - counts, counts)
    side = np.where(source == low, 1.0, -1.0) * np.where(rank % 2 == 0, 1.0, -1.0)
    return np.where(counts[inverse] > 1, 0.15 * (1 + rank // 2) * side, 0.0)


def _rim(centre: Array, other: Array, width: float, *, is_tf: bool) -> Array:
    """Return where the line from the other node meets the outline of this one."""
    half = np.array([width, _style.NODE_HEIGHT if is_tf else _style.GENE_HEIGHT]) / 2
    way = (other - centre) / half
    length = np.abs(way).sum() if is_tf else np.linalg.norm(way)
    return np.asarray(centre + (other - centre) / max(float(length), 1e-9))


def _draw_nodes(drawing: _Drawing, shown: GRN, points: Array, *, centre: str | None) -> None:
    ax, width, scale = drawing
    halo = [withStroke(linewidth=2 * scale, foreground=_style.TF_FILL)]
    for name, is_tf, (x, y) in zip(shown.nodes.index, shown.nodes["is_tf"], points, strict=True):
        outline: dict[str, Any] = {
            "facecolor": _style.TF_FILL if is_tf else _style.GENE_FILL,
            "edgecolor": _style.INK if name == centre else _style.BORDER,
            "linewidth": (2.5 if name == centre else 0.9) * scale,
            "zorder": 2,
        }
        half = _style.NODE_HEIGHT / 2
        corners = [(x - width / 2, y), (x, y - half), (x + width / 2, y), (x, y + half)]
        ellipse = Ellipse((x, y), width, _style.GENE_HEIGHT, **outline)
        ax.add_patch(Polygon(corners, **outline) if is_tf else ellipse)
        fitting = min(1.0, width / (len(name) * _style.LETTER + 8.0))
        text = ax.text(x, y, name, ha="center", va="center", parse_math=False, zorder=3)
        text.set(fontsize=_FONT * scale * fitting, color=_style.INK)
        if is_tf:
            text.set(fontweight="bold", path_effects=halo)


def _draw_legend(ax: Axes, kinds: list[str]) -> None:
    fills = {"regulator": ("D", _style.TF_FILL), "gene": ("o", _style.GENE_FILL)}
    marks = [
        Line2D([], [], ls="", marker=marker, ms=9, mfc=fill, mec=_style.BORDER, label=label)
        for label, (marker, fill) in fills.items()
    ]
    arrows = [FancyArrowPatch((0, 0), (1, 0), **_line(k, 3.0, 1.0), label=k) for k in kinds]
    thick = Line2D([], [], color=_style.BORDER, lw=3.5, label="width: |weight|")
    ax.legend(
        handles=[*marks, *arrows, thick],
        handler_map={FancyArrowPatch: HandlerPatch(patch_func=_legend_arrow)},
        loc="upper center",
        bbox_to_anchor=(0.5, 0.0),
        ncols=3,
        frameon=False,
        fontsize=9,
    )


def _legend_arrow(
    *, orig_handle: FancyArrowPatch, width: float, height: float, **_: object
) -> FancyArrowPatch:
    arrow = FancyArrowPatch((0.0, height / 2), (width, height / 2), shrinkA=0, shrinkB=0)
    arrow.set_arrowstyle(orig_handle.get_arrowstyle())
    return arrow
