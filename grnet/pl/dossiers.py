"""The picture of one edge: expression, contributions, peaks, bases and neighbours."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt

from grnet.pl import _dossier_genome, _dossier_scores
from grnet.pl._dossier_panel import SMALL, Panel, wrapped

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

    from grnet.explain.record import Dossier

_MOST_STRETCH = 1.5
_NARROWEST = 8.0
_INDENT = 0.12
_BOLD = 0.86  # bold letters are wider


def dossier(record: Dossier) -> Figure:
    """Draw the dossier of one pair: why it is an edge, or why it is not.

    Parameters
    ----------
    record
        What :func:`grnet.explain.edge` returns, or a record with the same fields.

    Returns
    -------
    Figure
        Panels for which the record has data: expression of target against source by group of
        cells; the way from baseline to logit; neighbours; peaks, arcs to the start site, motif
        hits and genes; letters of the bases that contribute most. A pair without a score shows
        the steps that it passed and where it was lost. Blue raises the logit, vermilion lowers
        it. Panels bear the labels ``expression``, ``contributions``, ``steps``, ``neighbours``,
        ``arcs``, ``peaks``, ``motifs``, ``genes``, ``hits`` and ``bases``.

    Raises
    ------
    ValueError
        If a table lacks a column.

    Examples
    --------
    >>> import pandas as pd
    >>> import grnet as gn
    >>> ledger = pd.DataFrame({
    ...     "layer": ["expression", "dna"], "kind": ["pair features", "bases"],
    ...     "name": ["correlation", "chrIII:1-9"], "contribution": [1.0, 2.0],
    ... })
    >>> record = gn.explain.Dossier(
    ...     source="GCN4", target="HIS4", verdict="An edge.", logit=2.1, baseline=-1.0,
    ...     ledger=ledger,
    ... )
    >>> [ax.get_label() for ax in gn.pl.dossier(record).axes]
    ['contributions']
    """
    contributions = _dossier_scores.contribution_panel(record)
    steps = _dossier_scores.step_panel(record)
    top = [
        _dossier_scores.expression_panel(record),
        contributions or steps,
        _dossier_scores.neighbour_panel(record),
    ]
    below = [
        steps if contributions else None,
        _dossier_genome.locus_panel(record),
        _dossier_genome.letter_panel(record),
    ]
    rows = [[panel for panel in row if panel] for row in (top, *([panel] for panel in below))]
    return _drawn([row for row in rows if row], record)


def _drawn(rows: list[list[Panel]], record: Dossier) -> Figure:
    """Put rows of panels under each other, each panel under its sentence, all under the verdict."""
    width = max([_NARROWEST, *(sum(panel.width for panel in row) for row in rows)])
    within = "" if record.context is None else f" in {record.context}"
    headline = wrapped(
        f"{record.source} → {record.target}{within}: {record.verdict}", _BOLD * width, 12
    )
    heights = [max(panel.height for panel in row) for row in rows]
    top = 0.25 * (headline.count("\n") + 1) + 0.2
    figure = plt.figure(figsize=(width, sum(heights) + top), layout="constrained")
    figure.suptitle(
        headline, x=_INDENT / width, ha="left", fontsize=12, fontweight="bold", parse_math=False
    )
    parts = figure.subfigures(len(rows), 1, height_ratios=heights, squeeze=False)[:, 0]
    for place, row in zip(parts, rows, strict=True):
        _draw_row(place, row, width)
    return figure


def _draw_row(place: SubFigure, row: list[Panel], width: float) -> None:
    """Draw panels side by side, stretched to the width but not beyond what looks well."""
    used = sum(panel.width for panel in row)
    stretch = min(width / used, _MOST_STRETCH)
    widths = [panel.width * stretch for panel in row]
    rest = width - sum(widths)
    ratios = [*widths, rest] if rest > 0.01 * width else widths
    cells = place.subfigures(1, len(ratios), width_ratios=ratios, squeeze=False)[0]
    for cell, panel, room in zip(chain(cells), row, widths, strict=False):
        title = wrapped(panel.title, room, 10)
        cell.suptitle(title, x=_INDENT / room, ha="left", fontsize=10, parse_math=False)
        panel.draw(cell, room)
        for ax in cell.axes:
            ax.tick_params(labelsize=SMALL)
