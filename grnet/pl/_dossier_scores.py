"""Panels of a dossier that are charts: expression, contributions, steps, neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from grnet.pl._dossier_panel import (
    LOWERS,
    NEUTRAL,
    RAISES,
    SMALL,
    UNIT,
    Panel,
    colours,
    listed,
    short,
    strongest,
    wrapped,
)
from grnet.pl.scores import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import SubFigure

    from grnet.explain.record import Dossier

_MOST_GROUPS = 6
_MOST_BARS, _LEAST_ROWS = 12, 9
_LINE = 13.0
_MANY_CELLS = 2_000
_LAYERS = {"expression": "Expression", "graph": "Graph", "dna": "DNA"}


class _Bar(NamedTuple):
    """A line of the waterfall: a sum reached (``is_sum``), a heading, or a step."""

    label: str
    value: float
    is_sum: bool = False
    is_heading: bool = False


# ---- expression


def expression_panel(record: Dossier) -> Panel | None:
    """Return target against source, cell by cell; without cells, the correlations alone."""
    if record.cells.empty and record.expression.empty:
        return None
    title = _correlation_sentence(record)
    if record.cells.empty:
        height = 1.3 + 0.22 * min(len(record.expression), _MOST_BARS)
        return Panel(title, 4.0, height, lambda part, _: _draw_correlations(part, record))
    return Panel(title, 4.9, 3.5, lambda part, _: _draw_cells(part, record))


def _correlation_sentence(record: Dossier) -> str:
    pair = f"{record.target} and {record.source}"
    found = record.expression["correlation"].dropna()
    if found.empty:
        return f"Expression of {pair}."
    if len(found) == 1:
        return f"{pair} correlate at {found.iloc[0]:.2f}."
    median = f"the median of {len(found)} groups is {found.median():.2f}"
    return f"{pair} correlate at {found.min():.2f} to {found.max():.2f}; {median}."


def _draw_cells(part: SubFigure, record: Dossier) -> None:
    """Draw the largest groups in colour, the others in grey, correlations in the legend."""
    ax = part.subplots()
    ax.set_label("expression")
    cells, known = record.cells, record.expression.drop_duplicates("group").set_index("group")
    sizes = cells["group"].value_counts().sort_index()
    order = sizes.sort_values(ascending=False, kind="stable").index
    large = order if len(order) <= _MOST_GROUPS + 1 else order[:_MOST_GROUPS]
    others = cells.loc[~cells["group"].isin(large)]
    many = len(cells) > _MANY_CELLS
    size = 9 if many else 16
    if len(others):
        label = f"{len(order) - len(large)} other groups"
        ax.scatter(others["source"], others["target"], s=size, c="#D1D5DB", lw=0, label=label)
    for group, colour in zip(large, COLOURS, strict=False):
        own = cells.loc[cells["group"] == group]
        label = short(group, 22) + _correlation(known, group)
        ax.scatter(own["source"], own["target"], s=size, c=colour, alpha=0.7, lw=0, label=label)
    for drawn in ax.collections:
        drawn.set_rasterized(many)
    unit = record.expression_unit
    ax.set_xlabel(f"{short(record.source)}\n({unit})", fontsize=9, parse_math=False)
    ax.set_ylabel(f"{short(record.target)}\n({unit})", fontsize=9, parse_math=False)
    _bare(ax)
    legend = ax.legend(
        loc="upper left",
        bbox_to_anchor=(1.0, 1.02),
        fontsize=SMALL,
        frameon=False,
        handletextpad=0.2,
        borderaxespad=0.2,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def _correlation(known: pd.DataFrame, group: str) -> str:
    if group not in known.index:
        return ""
    row = known.loc[group]
    value = "undefined" if np.isnan(row["correlation"]) else f"{row['correlation']:.2f}"
    return f"\nr {value}, n {row['n_cells']:,.0f}"


def _draw_correlations(part: SubFigure, record: Dossier) -> None:
    ax = part.subplots()
    ax.set_label("expression")
    groups = record.expression.sort_values("n_cells", ascending=False, kind="stable")
    groups = groups.head(_MOST_BARS)
    values = groups["correlation"].to_numpy()
    ax.barh(np.arange(len(groups)), np.nan_to_num(values), color=colours(values), height=0.7)
    labels = [
        f"{short(g)} (n {n:,})" for g, n in zip(groups["group"], groups["n_cells"], strict=True)
    ]
    ax.vlines(0, -0.6, len(groups) - 0.4, color="0.4", linewidth=0.6)
    _named_rows(ax, labels)
    ax.set_xlim(-1, 1)
    ax.set_xlabel("correlation of the two genes within the group", fontsize=9)


# ---- contributions


def contribution_panel(record: Dossier) -> Panel | None:
    """Return the way from the baseline to the logit, layer by layer."""
    if not record.is_scored:
        return None
    bars = _bars(record)
    height = max(3.5, 1.1 + 0.24 * len(bars))
    title = _sum_sentence(record)
    return Panel(title, 4.2, height, lambda part, _: _draw_waterfall(part, bars))


def _sum_sentence(record: Dossier) -> str:
    ends = f"from {record.baseline:.3g} at the baseline to {record.logit:.3g}"
    layers = record.layers
    if layers.empty:
        return f"The logit goes {ends}."
    most = str(layers.abs().idxmax())
    does = "raises" if layers[most] > 0 else "lowers"
    name = "DNA" if most == "dna" else f"the {most}"
    return f"The logit goes {ends}; {name} {does} it most."


def _bars(record: Dossier) -> list[_Bar]:
    """Return the lines of the waterfall: layers with several kinds have a heading."""
    bars = [_Bar("baseline", record.baseline, is_sum=True)]
    sums = record.ledger.groupby(["layer", "kind"], sort=False, as_index=False)[
        "contribution"
    ].sum()
    for layer, total in record.layers.items():
        kinds = strongest(sums.loc[sums["layer"] == layer])
        name = _LAYERS[str(layer)]
        if len(kinds) == 1:
            bars.append(_Bar(f"{name}: {short(kinds['kind'].iloc[0])}", total))
            continue
        bars.append(_Bar(f"{name} {total:+.3g}", total, is_heading=True))
        pairs = zip(kinds["kind"], kinds["contribution"], strict=True)
        bars += [_Bar(short(kind), value) for kind, value in pairs]
    return [*bars, _Bar("residual", record.residual), _Bar("logit", record.logit, is_sum=True)]


def _draw_waterfall(part: SubFigure, bars: list[_Bar]) -> None:
    ax = part.subplots()
    ax.set_label("contributions")
    reached, previous = bars[0].value, 0.0
    for at, bar in enumerate(bars):
        if bar.is_heading:
            continue
        start = bar.value if bar.is_sum else reached
        end = bar.value if bar.is_sum else reached + bar.value
        ax.plot([start, start], [previous, at], color="0.6", linewidth=0.8, zorder=1)
        if bar.is_sum:
            ax.plot(end, at, marker="D", color="black", markersize=6, zorder=3)
        else:
            _draw_step(ax, bar, at, start=start)
        text = f"{bar.value:.3g}" if bar.is_sum else f"{bar.value:+.3g}"
        ax.annotate(
            text,
            (max(start, end), at),
            (8 if bar.is_sum else 5, 0),
            textcoords="offset points",
            va="center",
            fontsize=SMALL,
            fontweight="bold" if bar.is_sum else "normal",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
        )
        reached, previous = end, at
    _named_rows(ax, [bar.label for bar in bars])
    for label, bar in zip(ax.get_yticklabels(), bars, strict=True):
        label.set_fontweight("bold" if bar.is_sum or bar.is_heading else "normal")
    ax.use_sticky_edges = False
    ax.margins(x=0.2)
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.set_xlabel("logit (natural log-odds)", fontsize=9)


def _draw_step(ax: Axes, bar: _Bar, at: int, *, start: float) -> None:
    is_residual = bar.label == "residual"
    colour = NEUTRAL if is_residual else RAISES if bar.value > 0 else LOWERS
    ax.barh(
        at,
        bar.value,
        left=start,
        height=0.66,
        color="white" if is_residual else colour,
        edgecolor=colour,
        hatch="////" if is_residual else None,
        linewidth=0.8,
        zorder=2,
    )


# ---- steps


def step_panel(record: Dossier) -> Panel | None:
    """Return the steps and where the pair was lost; of a scored pair, if one was not passed."""
    steps = record.steps
    if record.is_scored and (steps.empty or bool(steps["passed"].all())):
        return None
    if not len(steps) and not record.reasons:
        return None
    failed = int((~record.steps["passed"]).sum())
    lost = f"The pair did not pass {failed} of {len(record.steps)} steps."
    if record.lost_at:
        lost = f"The pair was lost at: {record.lost_at}."
    lines = _step_lines(record, 5.4)
    n_lines = sum(text.count("\n") + 1 for _, _, text in lines)
    height = 0.55 + (_LINE * n_lines + _LINE / 2 * len(lines)) / 72
    return Panel(lost, 5.4, height, lambda part, width: _draw_steps(part, record, width))


def _step_lines(record: Dossier, width: float) -> list[tuple[str, str, str]]:
    """Return mark, colour and wrapped text of each line."""
    told = [
        ("✓" if passed else "✗", RAISES if passed else LOWERS, f"{step}: {detail}".rstrip(": "))
        for step, passed, detail in record.steps[["step", "passed", "detail"]].itertuples(
            index=False
        )
    ]
    told += [("•", "black", reason) for reason in record.reasons] if not told else []
    return [(mark, colour, wrapped(text, width - 0.5, 9)) for mark, colour, text in told]


def _draw_steps(part: SubFigure, record: Dossier, width: float) -> None:
    ax = part.subplots()
    ax.set_label("steps")
    ax.set_axis_off()
    lines = _step_lines(record, width)
    down = 0.0
    for mark, colour, text in lines:
        for written, left, style in (
            (mark, 4, {"color": colour, "fontsize": 11, "fontweight": "bold"}),
            (text, 22, {"fontsize": 9, "parse_math": False}),
        ):
            ax.annotate(
                written,
                (0, 1),
                (left, -down),
                xycoords="axes fraction",
                textcoords="offset points",
                va="top",
                **style,
            )
        down += _LINE * (text.count("\n") + 1.5)


# ---- neighbours


def neighbour_panel(record: Dossier) -> Panel | None:
    """Return the nodes and edges near by that contribute most."""
    nodes = record.nodes.assign(
        label=[
            f"{name} ({kind})"
            for name, kind in zip(record.nodes["name"], record.nodes["type"], strict=True)
        ]
    )
    edges = record.edges.assign(
        label=[
            f"{short(a, 16)} → {short(b, 16)}"
            for a, b in zip(record.edges["source"], record.edges["target"], strict=True)
        ]
    )
    both = pd.concat([nodes[["label", "contribution"]], edges[["label", "contribution"]]])
    both = strongest(both.dropna().reset_index(drop=True), _MOST_BARS)
    if both.empty:
        return None
    counted = [
        f"{len(table):,} {what}{'s' if len(table) != 1 else ''}"
        for table, what in ((nodes, "node"), (edges, "edge"))
        if len(table)
    ]
    total = len(nodes) + len(edges)
    which = "All" if total <= _MOST_BARS else f"The {_MOST_BARS} largest"
    title = f"{which} contributions of {listed(counted)} near by in the graph."
    height = 1.1 + 0.2 * len(both)
    return Panel(title, 3.9, max(height, 2.0), lambda part, _: _draw_neighbours(part, both))


def _draw_neighbours(part: SubFigure, both: pd.DataFrame) -> None:
    ax = part.subplots()
    ax.set_label("neighbours")
    values = both["contribution"].to_numpy()
    ax.barh(np.arange(len(both)), values, color=colours(values), height=0.7)
    ax.vlines(0, -0.6, len(both) - 0.4, color="0.4", linewidth=0.6)
    _named_rows(ax, [short(label, 36) for label in both["label"]])
    ax.xaxis.set_major_locator(MaxNLocator(4))
    ax.set_xlabel(UNIT, fontsize=9)


def _named_rows(ax: Axes, labels: list[str]) -> None:
    """Name the rows of a bar chart, the first on top."""
    ax.set_yticks(np.arange(len(labels)), labels, fontsize=SMALL)
    for label in ax.get_yticklabels():
        label.set_parse_math(False)
    ax.set_ylim(max(len(labels), _LEAST_ROWS) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    _bare(ax)


def _bare(ax: Axes) -> None:
    ax.spines[["top", "right"]].set_visible(False)
