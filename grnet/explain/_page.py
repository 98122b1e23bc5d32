"""A dossier as a page of its own and as a part of a notebook."""

from __future__ import annotations

import base64
import io
from html import escape
from importlib import resources
from string import Template
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np

from grnet.explain import _dossier_text, _page_tables
from grnet.pl.dossiers import dossier as picture

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.figure import Figure

    from grnet.explain.record import Dossier

_DIGITS = 4
"""Of places within a figure."""
_TABLES = ("peaks", "motifs", "bases", "nodes", "edges", "expression", "genes")


def whole(dossier: Dossier, *, numbers: str | None = None) -> str:
    """Return the page; ``numbers`` is the name of the JSON file beside it."""
    return _paged(_dossier_text.pair(dossier), _body(dossier, form="svg", numbers=numbers))


def fragment(dossier: Dossier) -> str:
    """Return the same for a notebook, style included."""
    return f"<style>{_part('dossier.css')}</style>{_body(dossier, form='png', numbers=None)}"


def index(dossiers: Sequence[Dossier], names: Mapping[tuple[str, ...], str]) -> str:
    """Return a page that lists dossiers and links them by the names of their files."""
    rows = [
        (
            _page_tables.Markup(f'<a href="{names[one.key]}">{escape(one.source)}</a>'),
            *(one.target, one.context or ""),
            f"{one.logit:.3g}" if one.is_scored else "",
            "" if one.probability is None else f"{one.probability:.3g}",
            one.verdict,
        )
        for one in dossiers
    ]
    columns = ("source", "target", "context", "logit", "probability", "verdict")
    table = _page_tables.grid(columns, rows, numeric={3, 4})
    return _paged("Dossiers", f'<div class="dossier"><h1>Dossiers</h1>{table}</div>')


def _paged(title: str, body: str) -> str:
    return Template(_part("dossier.html")).substitute(
        title=escape(title), style=_part("dossier.css"), body=body
    )


def _part(name: str) -> str:
    return resources.files("grnet.explain").joinpath("page", name).read_text(encoding="utf-8")


def _body(dossier: Dossier, *, form: str, numbers: str | None) -> str:
    title = escape(_dossier_text.pair(dossier, arrow="→"))
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in dossier.reasons)
    parts = [
        f"<h1>{title}</h1>",
        f'<p class="verdict">{escape(dossier.verdict)}</p>',
        f'<p class="warning">Lost at: {escape(dossier.lost_at)}</p>' if dossier.lost_at else "",
        f'<ul class="reasons">{reasons}</ul>' if reasons else "",
        _figures(dossier),
        _seen(dossier),
        _image(dossier, form) if _is_drawn(dossier) else "",
        _page_tables.of_record(dossier, "steps"),
        _page_tables.ledger(dossier) if dossier.is_scored else "",
        *(_page_tables.of_record(dossier, name) for name in _TABLES),
        _made(dossier, numbers),
    ]
    return f'<div class="dossier">{"".join(parts)}</div>'


def _figures(dossier: Dossier) -> str:
    cards = "".join(
        f'<div class="figure"><span class="soft">{escape(name)}</span><b>{escape(value)}</b>'
        f'<span class="soft">{escape(meaning)}</span></div>'
        for name, value, meaning in _dossier_text.headline(dossier)
    )
    return f'<div class="figures">{cards}</div>'


def _seen(dossier: Dossier) -> str:
    if not dossier.known:
        return ""
    return (
        '<p class="warning">The model was trained on this edge: its score repeats what it was '
        "told, and is no evidence of its own.</p>"
    )


def _is_drawn(dossier: Dossier) -> bool:
    """Tell whether a picture shows more than the words above it."""
    tables = ("peaks", "bases", "nodes", "edges", "expression", "cells")
    return dossier.is_scored or any(len(getattr(dossier, name)) for name in tables)


def _image(dossier: Dossier, form: str) -> str:
    """Return the picture as an image within the page, the same bytes for the same dossier."""
    kind = {"svg": "svg+xml", "png": "png"}[form]
    held = io.BytesIO()
    with plt.rc_context({"svg.hashsalt": "grnet", "svg.fonttype": "path"}):
        figure = picture(dossier)
        try:
            _settle(figure)
            figure.savefig(
                held, format=form, dpi=130, metadata={"Date": None} if form == "svg" else None
            )
            width = round(96 * figure.get_figwidth())
        finally:
            plt.close(figure)
    data = base64.b64encode(held.getvalue()).decode("ascii")
    told = escape(f"Picture of {_dossier_text.pair(dossier)}: {dossier.verdict}")
    return f'<img width="{width}" alt="{told}" src="data:image/{kind};base64,{data}">'


def _settle(figure: Figure) -> None:
    """Fix the places of all parts: the solver of the layout leaves their last digits to chance."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    parts = list(figure.subfigs)
    while parts:
        part = parts.pop()
        part.bbox_relative.set_points(part.bbox_relative.get_points().round(_DIGITS))
        parts += part.subfigs
    for axes in figure.axes:
        axes.set_position(np.round(axes.get_position().bounds, _DIGITS))


def _made(dossier: Dossier, numbers: str | None) -> str:
    entries = "".join(
        f"<dt>{escape(str(key))}</dt><dd>{escape(str(value))}</dd>"
        for key, value in dossier.params.items()
    )
    link = f'<p><a href="{escape(numbers)}">All numbers as JSON</a></p>' if numbers else ""
    if not entries and not link:
        return ""
    return _page_tables.section("How it was made", "", f"<dl>{entries}</dl>", link)
