"""A picture of the surroundings of one node: TFs on the left, peaks in the middle, genes right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch
from matplotlib.patheffects import withStroke

from grnet import _checks
from grnet.graph._ego import HELD_OUT, ego
from grnet.graph.vocabulary import BINDS, COEXPRESSED, GENE, NEAR, PEAK, REGULATES, TF
from grnet.io.networks import _style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from torch_geometric.data import HeteroData

    from grnet.graph._ego import Ego

Array = np.ndarray[Any, Any]

_NODES = {TF: ("D", _style.TF_FILL), PEAK: ("s", "#009E73"), GENE: ("o", _style.GENE_FILL)}
_EDGES = {
    BINDS[1]: ("#E69F00", "-"),
    NEAR[1]: ("#009E73", "-"),
    REGULATES[1]: ("#0072B2", "-"),
    HELD_OUT: ("#D55E00", "--"),
    COEXPRESSED[1]: ("#9CA3AF", ":"),
}
_COLUMN = {TF: 0.0, PEAK: 1.0, GENE: 2.0}
_INCHES_PER_ROW, _WIDTH, _SHORTEST, _LONGEST = 0.26, 8.0, 3.0, 16.0


def draw(
    data: HeteroData, node: str, *, radius: int = 2, max_nodes: int = 40, ax: Axes | None = None
) -> Axes:
    """Draw the TFs, peaks and genes around a node.

    Parameters
    ----------
    data
        A graph made by :func:`build`.
    node
        Name of a TF, gene or peak; a TF that is also a gene is shown as both.
    radius
        1 shows direct neighbours, 2 also genes and TFs beyond the peaks.
    max_nodes
        Draw at most so many nodes, those on the strongest ways downstream and upstream; the title
        says how many there are.
    ax
        Where to draw; by default a new figure, high enough for its names.

    Returns
    -------
    The axes. Peaks stand in the order of the genome; lines are wider for larger weights, dashed for
    pairs held out and dotted for co-expression.

    Raises
    ------
    ValueError
        If the name is unknown or no edge touches it.

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    >>> data = gn.graph.build(adata, known=adata.uns["grnet_truth"], n_components=4)
    >>> ax = gn.graph.draw(data, "TF1", max_nodes=10)
    >>> ax.get_title().startswith("TF1: ")
    True
    """
    _checks.whole(radius, 1, 2, what="radius")
    _checks.whole(max_nodes, 3, 500, what="max_nodes")
    shown = ego(data, node, radius=radius, max_nodes=max_nodes)
    points = _placed(shown, data)
    rows = int(shown.nodes["kind"].value_counts().max())
    if ax is None:
        height = float(np.clip(rows * _INCHES_PER_ROW + 1.4, _SHORTEST, _LONGEST))
        _, ax = plt.subplots(figsize=(_WIDTH, height), layout="constrained")
    _draw_edges(ax, shown.edges, points)
    _draw_nodes(ax, shown.nodes, points, centre=node)
    _draw_legend(ax, shown)
    some = f"{len(shown.nodes)} of {shown.n_reached:,}"
    steps = "1 step" if radius == 1 else f"{radius} steps"
    ax.set_title(f"{node}: {some} nodes within {steps}")
    used = [_COLUMN[kind] for kind in shown.nodes["kind"].unique()]
    ax.set(xlim=(min(used) - 0.55, max(used) + 0.55), ylim=(1.08, -0.08))
    ax.set_axis_off()
    return ax


def _placed(shown: Ego, data: HeteroData) -> Array:
    """Return the place of each node: peaks by genome, the others near what they are joined to."""
    nodes = shown.nodes
    height = np.full(len(nodes), 0.5)
    is_peak = (nodes["kind"] == PEAK).to_numpy()
    if is_peak.any():
        at = nodes.loc[is_peak, "position"].to_numpy()
        chrom = np.array([data[PEAK].chrom[i] for i in at])
        # shorter names first, so that chr2 comes before chr10
        keys = (data[PEAK].start.cpu().numpy()[at], chrom, np.strings.str_len(chrom))
        order = np.lexsort(keys)
        height[np.flatnonzero(is_peak)[order]] = _spread(len(at))
    edges = shown.edges.loc[shown.edges["relation"] != COEXPRESSED[1]]
    ends = edges[["source", "target"]].to_numpy(np.int64)
    rows = int(nodes["kind"].value_counts().max())
    for kind in (GENE, TF):
        at = np.flatnonzero((nodes["kind"] == kind).to_numpy())
        wanted = _mean_of_neighbours(at, ends, height)
        order = np.lexsort((nodes["name"].to_numpy(dtype=str)[at], wanted))
        height[at[order]] = _apart(wanted[order], 1.0 / max(rows - 1, 1))
    return np.column_stack([nodes["kind"].map(_COLUMN), height])


def _spread(n: int) -> Array:
    return np.array([0.5]) if n == 1 else np.linspace(0.0, 1.0, n)


def _apart(wanted: Array, gap: float) -> Array:
    """Return places near those wanted, in their order, a gap apart and between 0 and 1."""
    steps = gap * np.arange(len(wanted))
    pushed = np.maximum.accumulate(wanted - steps)
    return np.asarray(np.minimum(pushed, 1.0 - gap * (len(wanted) - 1)) + steps)


def _mean_of_neighbours(rows: Array, ends: Array, height: Array) -> Array:
    both = np.concatenate([ends, ends[:, ::-1]])
    total = np.bincount(both[:, 0], weights=height[both[:, 1]], minlength=len(height))
    count = np.bincount(both[:, 0], minlength=len(height))
    return np.asarray((total / np.maximum(count, 1) + 0.5 * (count == 0))[rows])


def _draw_edges(ax: Axes, edges: pd.DataFrame, points: Array) -> None:
    """Draw the edges, co-expression below the others, regulation in an arc past the peaks."""
    layer = {relation: number for number, relation in enumerate(reversed(_EDGES))}
    crowded = 0.85 if len(edges) < 60 else 0.5
    for relation, group in edges.groupby("relation", sort=False):
        colour, line = _EDGES[str(relation)]
        largest = max(float(group["weight"].max()), 1e-12)
        strength = group["weight"].to_numpy(np.float64) / largest
        ends = group[["source", "target"]].to_numpy(np.int64)
        if relation == COEXPRESSED[1]:
            # from the higher to the lower, so that all are bent to the left, away from the names
            is_lower = points[ends[:, 0], 1] > points[ends[:, 1], 1]
            ends = np.where(is_lower[:, None], ends[:, ::-1], ends)
        for (source, target), width in zip(ends, 0.6 + 1.6 * strength, strict=True):
            arrow = FancyArrowPatch(
                tuple(points[source]),
                tuple(points[target]),
                arrowstyle="-" if relation == COEXPRESSED[1] else "-|>",
                connectionstyle=f"arc3,rad={_bend(str(relation))}",
                mutation_scale=8,
                shrinkA=5,
                shrinkB=6,
                color=colour,
                linestyle=line,
                linewidth=width,
                alpha=crowded,
                zorder=layer[str(relation)] / 10,
            )
            ax.add_patch(arrow)


def _bend(relation: str) -> float:
    """Return how much an edge is bent: those within a column have to leave it."""
    return {REGULATES[1]: 0.12, HELD_OUT: -0.12, COEXPRESSED[1]: 0.35}.get(relation, 0.0)


def _draw_nodes(ax: Axes, nodes: pd.DataFrame, points: Array, *, centre: str) -> None:
    aside: dict[str, Any] = {"xytext": (9, 0), "ha": "left", "va": "center", "fontsize": 9}
    above: dict[str, Any] = {"xytext": (0, 5), "ha": "center", "va": "bottom", "fontsize": 6.5}
    looks = {
        TF: aside | {"xytext": (-9, 0), "ha": "right"},
        PEAK: above if (nodes["kind"] == GENE).any() else aside,
        GENE: aside,
    }
    halo = [withStroke(linewidth=2.5, foreground="white")]
    for (x, y), kind, name in zip(points, nodes["kind"], nodes["name"], strict=True):
        marker, fill = _NODES[kind]
        is_centre = name == centre
        ax.plot(
            x,
            y,
            marker=marker,
            markersize=6 if kind == PEAK else 8,
            markerfacecolor=fill,
            markeredgecolor=_style.INK if is_centre else _style.BORDER,
            markeredgewidth=2.0 if is_centre else 0.8,
            zorder=2,
        )
        ax.annotate(
            name,
            (x, y),
            textcoords="offset points",
            **looks[kind],
            path_effects=halo,
            fontweight="bold" if is_centre else "normal",
            color=_style.INK,
            parse_math=False,
            zorder=3,
        )


def _draw_legend(ax: Axes, shown: Ego) -> None:
    kinds = [kind for kind in _NODES if (shown.nodes["kind"] == kind).any()]
    relations = [name for name in _EDGES if (shown.edges["relation"] == name).any()]
    marks = [
        Line2D(
            [],
            [],
            ls="",
            marker=_NODES[kind][0],
            ms=8,
            mfc=_NODES[kind][1],
            mec=_style.BORDER,
            label=kind,
        )
        for kind in kinds
    ]
    lines = [
        Line2D([], [], color=_EDGES[name][0], ls=_EDGES[name][1], lw=2, label=name)
        for name in relations
    ]
    ax.legend(
        handles=[*marks, *lines],
        loc="upper center",
        bbox_to_anchor=(0.5, 0.0),
        ncols=len(marks) + len(lines),
        frameon=False,
        fontsize=9,
    )
