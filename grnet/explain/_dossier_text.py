"""What a dossier says in words: lines of a terminal, headline figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from grnet.explain import _columns

if TYPE_CHECKING:
    from grnet.explain.record import Dossier


def pair(dossier: Dossier, *, arrow: str = "->") -> str:
    """Return the pair and its context."""
    within = "" if dossier.context is None else f" in {dossier.context}"
    return f"{dossier.source} {arrow} {dossier.target}{within}"


def as_text(dossier: Dossier) -> str:
    """Return the verdict, the sum, and which tables there are."""
    lines = [f"Dossier of {pair(dossier)}: {dossier.verdict}"]
    if dossier.lost_at is not None:
        lines.append(f"    lost at: {dossier.lost_at}")
    if dossier.is_scored:
        layers = [f"{layer} {value:+.4g}" for layer, value in dossier.layers.items()]
        parts = ", ".join([*layers, f"residual {residual(dossier)}"])
        lines.append(f"    logit {dossier.logit:.4g} from baseline {dossier.baseline:.4g}: {parts}")
    figures = [f"{name} {value}" for name, value, _ in headline(dossier)[1:]]
    if figures:
        lines.append(f"    {', '.join(figures)}")
    filled = [name for name in _columns.TABLES if len(getattr(dossier, name))]
    if filled:
        sizes = ", ".join(f"{name} {len(getattr(dossier, name)):,}" for name in filled)
        lines.append(f"    tables: {sizes}")
    return "\n".join(lines)


def residual(dossier: Dossier, digits: str = ".3g") -> str:
    """Return what the ledger leaves over, and its share of what is to be explained."""
    whole = abs(dossier.logit - dossier.baseline)
    share = f" ({100 * abs(dossier.residual) / whole:.2g} %)" if whole > 0 else ""
    return f"{dossier.residual:+{digits}}{share}"


def headline(dossier: Dossier) -> list[tuple[str, str, str]]:
    """Return the figures that there are: name, value, what it means. The logit comes first."""
    found = [("logit", "none", "the pair was not scored")]
    if dossier.is_scored:
        text = f"before calibration; {dossier.baseline:.3g} at the baseline"
        found = [("logit", f"{dossier.logit:.3g}", text)]
    if dossier.probability is not None:
        found.append(("probability", f"{dossier.probability:.3g}", "calibrated"))
    if dossier.rank is not None:
        total = "" if dossier.n_candidates is None else f" of {dossier.n_candidates:,}"
        found.append(("rank", f"{dossier.rank:,}{total}", f"among targets of {dossier.source}"))
    if dossier.stability is not None:
        found.append(("stability", f"{dossier.stability:.0%}", "of resamples find the edge"))
    if dossier.null_percentile is not None:
        # 99.97 must not read as 100
        shown = np.floor(dossier.null_percentile * 10) / 10
        found.append(("null percentile", f"{shown:.3g}", "of the logits of pairs that are none"))
    if dossier.known is not None:
        known = (
            ("yes", "the model was trained on it") if dossier.known else ("no", "not trained on")
        )
        found.append(("known edge", *known))
    return found
