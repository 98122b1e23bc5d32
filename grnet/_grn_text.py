"""How a GRN shows itself in a terminal and in a notebook."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from grnet.grn import GRN

SHOWN_PARAMS = 6
SHOWN_EDGES = 10


def _headline(grn: GRN) -> str:
    figures = grn.summary()
    text = (
        f"GRN of {figures['edges']:,} edges from {figures['regulators']:,} regulators "
        f"to {figures['targets']:,} targets"
    )
    if "candidates" in grn.params:
        text += f" (of {int(grn.params['candidates']):,} candidate pairs)"
    return text


def as_text(grn: GRN) -> str:
    """Return a few lines: how large, which columns, how made."""
    made = ", ".join(f"{key}={value}" for key, value in list(grn.params.items())[:SHOWN_PARAMS])
    lines = [_headline(grn), f"    edges: {', '.join(map(str, grn.edges))}"]
    if made:
        lines.append(f"    made with: {made}")
    if grn.evidence is not None:
        lines.append(f"    evidence: {len(grn.evidence):,} triplets")
    return "\n".join(lines)


def as_html(grn: GRN) -> str:
    """Return the same with a table of the strongest edges."""
    made = " · ".join(
        f"{escape(str(key))} <b>{escape(str(value))}</b>" for key, value in grn.params.items()
    )
    table = grn.edges.head(SHOWN_EDGES).to_html(
        index=False, float_format=lambda value: f"{value:.4g}"
    )
    n_more = len(grn) - SHOWN_EDGES
    more = f"<p>… and {n_more:,} weaker edges</p>" if n_more > 0 else ""
    return f"<div><p><b>{escape(_headline(grn))}</b></p><p>{made}</p>{table}{more}</div>"
