"""The tables of a dossier as markup; every name in it is escaped."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from grnet.explain import _columns
from grnet.explain._dossier_text import residual

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from grnet.explain.record import Dossier

MOST_ROWS = 200
_LARGEST = 25
_SMALL = {"pvalue", "motif"}


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


def ledger(dossier: Dossier) -> str:
    """Return how the logit adds up, by layer and kind, and the largest entries."""
    table = dossier.ledger
    groups = table.groupby(["layer", "kind"], sort=False)["contribution"].agg(["sum", "size"])
    order = {layer: at for at, layer in enumerate(_columns.LAYERS)}
    groups = groups.sort_index(level=0, key=lambda level: level.map(order), sort_remaining=True)
    rows: list[Sequence[object]] = [("baseline", "", "", f"{dossier.baseline:.4f}")]
    rows += [
        (layer, kind, f"{size:,}", signed(total, ".4f"))
        for (layer, kind), total, size in groups.itertuples()
    ]
    rows += [
        ("residual", "what the ledger leaves over", "", residual(dossier, ".4f")),
        ("logit", "", "", f"{dossier.logit:.4f}"),
    ]
    whole = grid(("layer", "kind", "entries", "contribution"), rows, numeric={2, 3}, totals=True)
    meaning = (
        "Contributions are in logits (natural log-odds) and add up to the logit of the pair "
        "minus that of the baseline; the residual is what they miss."
    )
    return section("How the score adds up", meaning, f'<div class="sum">{whole}</div>') + (
        _largest(table)
    )


def _largest(table: pd.DataFrame) -> str:
    order = table["contribution"].abs().sort_values(ascending=False, kind="stable").index
    first, rest = table.loc[order[:_LARGEST]], table.loc[order[_LARGEST:]]
    rows: list[Sequence[object]] = [
        (*row[:-1], signed(row[-1]))
        for row in first[["layer", "kind", "name", "contribution"]].itertuples(index=False)
    ]
    if len(rest):
        rows.append(("", "", f"{len(rest):,} smaller ones", signed(rest["contribution"].sum())))
    names = ("layer", "kind", "name", "contribution")
    return section(
        f"Largest of {len(table):,} contributions",
        "",
        grid(names, rows, numeric={3}),
        dictionary("ledger", names),
    )


def of_record(dossier: Dossier, name: str) -> str:
    """Return one table of the record, the largest contributions first."""
    table: pd.DataFrame = getattr(dossier, name)
    if table.empty:
        return ""
    if "contribution" in table:
        order = table["contribution"].abs().sort_values(ascending=False, kind="stable").index
        table = table.loc[order]
    shown = table.head(MOST_ROWS)
    kinds = {column.name: column.kind for column in _columns.TABLES[name]}
    columns = [_cells(shown[c], kinds.get(str(c), "text")) for c in shown]
    numeric = {at for at, c in enumerate(shown) if _is_numeric(shown[c])}
    left = len(table) - len(shown)
    more = f"{left:,} smaller rows are left out here; Dossier.to_json writes all." if left else ""
    return section(
        f"{_columns.TITLES[name]} ({len(table):,})",
        more,
        grid(list(map(str, shown.columns)), zip(*columns, strict=True), numeric=numeric),
        dictionary(name, list(map(str, shown.columns))),
    )


def section(title: str, text: str, *parts: str) -> str:
    """Return a headline, a line of text and what follows."""
    told = f'<p class="soft">{escape(text)}</p>' if text else ""
    return f"<h2>{escape(title)}</h2>{told}{''.join(parts)}"


def grid(
    names: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    numeric: set[int],
    totals: bool = False,
) -> str:
    """Return a table; with ``totals``, its first and last rows stand out."""
    marks = ['class="number"' if at in numeric else "" for at in range(len(names))]
    head = "".join(
        f'<th scope="col" {mark}>{escape(name)}</th>'
        for name, mark in zip(names, marks, strict=True)
    )
    lines = [
        "".join(f"<td {mark}>{_text(v)}</td>" for v, mark in zip(row, marks, strict=True))
        for row in rows
    ]
    bold = {0, len(lines) - 1} if totals else set()
    body = "".join(
        f'<tr class="total">{line}</tr>' if at in bold else f"<tr>{line}</tr>"
        for at, line in enumerate(lines)
    )
    return (
        f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def dictionary(table: str, names: Sequence[str]) -> str:
    """Return what the columns mean, folded away."""
    known = _columns.MEANINGS[table]
    entries = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(known.get(name, 'given by the caller'))}</dd>"
        for name in names
    )
    return f"<details><summary>What the columns mean</summary><dl>{entries}</dl></details>"


def signed(value: float, digits: str = ".3g") -> Markup:
    """Return a contribution in the colour of its direction."""
    side = "up" if value > 0 else "down" if value < 0 else "none"
    return Markup(f'<span class="{side}">{value:+{digits}}</span>')


def _is_numeric(column: pd.Series[Any]) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _cells(column: pd.Series[Any], kind: _columns.Kind) -> list[object]:
    if pd.api.types.is_bool_dtype(column):
        return ["yes" if value else "no" for value in column]
    if not _is_numeric(column):
        return list(column)
    if column.name == "contribution" or str(column.name).startswith("hypothetical_"):
        return [signed(value) if np.isfinite(value) else "" for value in column]
    if kind == "whole" or column.name == "distance":
        sign = "+" if column.name == "distance" else ""
        return [format(value, f"{sign},.0f") if np.isfinite(value) else "" for value in column]
    digits = ".2g" if column.name in _SMALL else ".4g"
    return [format(value, digits) if np.isfinite(value) else "" for value in column]


def _text(value: object) -> str:
    return value if isinstance(value, Markup) else escape(str(value))
