"""Panels of a dossier that lie on the genome: peaks around the target, letters of one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PatchCollection
from matplotlib.patches import Rectangle

from grnet.dna import to_codes
from grnet.pl import _tracks
from grnet.pl._dossier_panel import SCALE, SMALL, UNIT, Panel, short, strongest, symmetric
from grnet.pl.motifs import contribution_logo

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import SubFigure

    from grnet.explain.record import Dossier

_WIDTH = 13.0
_STRETCH = 60
_LEAST_FLANK = 400
_MOST_LABELS, _MOST_TFS, _MOST_HITS = 5, 4, 5
_LETTER_SHARE = 0.0062
"""Width of a small letter, as a share of the width of the picture."""


class _Locus(NamedTuple):
    """What the rows of the locus share; ``tss`` is None where the target is not placed."""

    view: _tracks.View
    tss: int | None
    peaks: pd.DataFrame
    target: str


_Row = tuple[str, float, "Callable[[Axes], None]"]

# ---- locus


def locus_panel(record: Dossier) -> Panel | None:
    """Return peaks coloured by contribution, arcs to the start site, motif hits and genes."""
    if record.peaks.empty:
        return None
    locus = _locus(record)
    rows = _locus_rows(record, locus)
    height = sum(height for _, height, _ in rows) + 0.06 * len(rows) + 0.95
    return Panel(
        _locus_sentence(locus), _WIDTH, height, lambda part, _: _draw_locus(part, rows, locus)
    )


def _locus(record: Dossier) -> _Locus:
    """Place the view on the chromosome of the target, else on that of the strongest peak."""
    own = record.genes.loc[record.genes["gene"] == record.target]
    chrom = (own if len(own) else strongest(record.peaks))["chrom"].iloc[0]
    peaks = record.peaks.loc[record.peaks["chrom"] == chrom]
    tss = int(own["tss"].iloc[0]) if len(own) else None
    ends = [*peaks["start"], *peaks["end"], *([] if tss is None else [tss])]
    low, high = int(min(ends)), int(max(ends))
    margin = max((high - low) // 10, _LEAST_FLANK)
    view = _tracks.View(str(chrom), max(low - margin, 0), high + margin)
    return _Locus(view, tss, peaks, record.target)


def _locus_sentence(locus: _Locus) -> str:
    count = len(locus.peaks)
    if not count:
        return f"No peak lies on the chromosome of {locus.target}."
    first = strongest(locus.peaks).iloc[0]
    many = f"{count} peaks are" if count > 1 else "One peak is"
    which = "the strongest" if count > 1 else "it"
    if np.isnan(first["contribution"]) or first["contribution"] == 0:
        return f"{many} within reach of {locus.target}."
    does = "lowers" if first["contribution"] < 0 else "raises"
    away = ""
    if np.isfinite(first["distance"]):
        away = f", {_where(float(first['distance']))},"
    change = f"{does} the logit by {abs(first['contribution']):.2g}"
    return f"{many} within reach of {locus.target}; {which}{away} {change}."


def _where(distance: float) -> str:
    """Return how far a peak is from the start site."""
    if round(distance) == 0:
        return "at its start site"
    return f"{abs(distance):,.0f} bases {'upstream' if distance < 0 else 'downstream'}"


def _locus_rows(record: Dossier, locus: _Locus) -> list[_Row]:
    rows: list[_Row] = []
    if locus.tss is not None and len(locus.peaks):
        rows.append(("arcs", 1.15, lambda ax: _draw_arcs(ax, locus)))
    rows.append(("peaks", 0.42, lambda ax: _draw_peaks(ax, locus)))
    bound = locus.peaks.loc[locus.peaks["chip"] > 0]
    if len(bound):
        rows.append(("ChIP", 0.2, lambda ax: _tracks.draw_boxes(ax, bound)))
    hits = record.motifs.loc[record.motifs["peak"].isin(locus.peaks["peak"])]
    if len(hits):
        tfs = _shown_tfs(hits, record.source)
        own = hits.loc[hits["tf"].isin(tfs)]
        rows.append(("motifs", 0.1 + 0.17 * len(tfs), lambda ax: _tracks.draw_sites(ax, own, tfs)))
    genes = _genes_in_view(record, locus.view)
    if len(genes):
        height = 0.1 + 0.28 * (int(genes["lane"].max()) + 1)
        rows.append(
            (
                "genes",
                height,
                lambda ax: _tracks.draw_genes(ax, genes, locus.view, gene=locus.target),
            )
        )
    return rows


def _genes_in_view(record: Dossier, view: _tracks.View) -> pd.DataFrame:
    genes = record.genes
    inside = (
        genes["chrom"].eq(view.chrom) & genes["start"].lt(view.end) & genes["end"].gt(view.start)
    )
    letter = _LETTER_SHARE * (view.end - view.start)
    return _tracks.placed_names(genes.loc[inside], view, letter=letter)


def _shown_tfs(hits: pd.DataFrame, source: str) -> list[str]:
    """Return the source, where it has a hit, and the factors whose hits contribute most."""
    sums = hits["contribution"].abs().groupby(hits["tf"]).sum().sort_index()
    order = list(sums.sort_values(ascending=False, kind="stable").index)
    order.sort(key=lambda tf: tf != source)
    return order[:_MOST_TFS]


def _draw_locus(part: SubFigure, rows: list[_Row], locus: _Locus) -> None:
    axes = part.subplots(
        len(rows), 1, sharex=True, squeeze=False, height_ratios=[row[1] for row in rows]
    )[:, 0]
    for ax, (label, _, draw) in zip(axes, rows, strict=True):
        draw(ax)
        ax.set_label(label)
        _tracks.name_row(ax, label)
    _tracks.number_bases(axes[-1], locus.view)
    axes[-1].xaxis.label.set_size(9)
    part.align_ylabels(axes)
    if not (locus.peaks["contribution"].abs() > 0).any():
        return
    shades = ScalarMappable(symmetric(locus.peaks["contribution"]), SCALE)
    bar = part.colorbar(shades, ax=list(axes), location="right", shrink=0.9, aspect=14, pad=0.01)
    bar.ax.set_label("scale")
    bar.set_label(UNIT.replace(" (", "\n("), fontsize=SMALL)
    bar.outline.set_visible(False)


def _draw_arcs(ax: Axes, locus: _Locus) -> None:
    peaks = locus.peaks
    arcs = pd.DataFrame(
        {
            "from": (peaks["start"] + peaks["end"]) / 2,
            "to": float(locus.tss or 0),
            "weight": peaks["contribution"].abs().fillna(0),
            "correlation": np.sign(peaks["contribution"].fillna(0)),
        }
    )
    _tracks.draw_arcs(ax, arcs, None)


def _draw_peaks(ax: Axes, locus: _Locus) -> None:
    """Draw boxes no thinner than the eye sees, the strongest on top, with their contributions."""
    peaks = strongest(locus.peaks).iloc[::-1]
    least = 0.003 * (locus.view.end - locus.view.start)
    middle = (peaks["start"] + peaks["end"]).to_numpy(np.float64) / 2
    width = np.maximum((peaks["end"] - peaks["start"]).to_numpy(np.float64), least)
    places = zip(middle - width / 2, width, strict=True)
    boxes = [Rectangle((left, 0.04), across, 0.42) for left, across in places]
    shades = SCALE(symmetric(peaks["contribution"])(peaks["contribution"].to_numpy()))
    ax.add_collection(PatchCollection(boxes, facecolor=shades, edgecolor="0.35", linewidth=0.5))
    room = 6 * _LETTER_SHARE * (locus.view.end - locus.view.start)
    taken: list[float] = []
    for at, value in zip(middle[::-1], peaks["contribution"].iloc[::-1], strict=True):
        if (
            value
            and np.isfinite(value)
            and len(taken) < _MOST_LABELS
            and all(abs(at - other) > room for other in taken)
        ):
            ax.text(at, 0.56, f"{value:+.2g}", ha="center", va="bottom", fontsize=SMALL - 0.5)
            taken.append(at)
    ax.set_ylim(0, 1.05)
    ax.set_yticks([])


# ---- letters


class _Stretch(NamedTuple):
    """The letters to show: where they start, their codes and contributions, hits in them."""

    chrom: str
    start: int
    letters: str
    contributions: npt.NDArray[np.float64]
    hits: pd.DataFrame
    source: str


def letter_panel(record: Dossier) -> Panel | None:
    """Return the stretch of the strongest peak whose letters contribute most, with motif hits."""
    if record.bases.empty:
        return None
    stretch, whole = _stretch(record)
    lanes = _hit_lanes(stretch)
    n_lanes = int(lanes.max(initial=-1)) + 1
    height = 2.35 + 0.22 * n_lanes
    width = min(_WIDTH, max(6.0, 0.19 * len(stretch.letters) + 1.5))
    title = _letter_sentence(record, stretch, whole)
    return Panel(title, width, height, lambda part, _: _draw_letters(part, stretch, lanes))


def _stretch(record: Dossier) -> tuple[_Stretch, float]:
    """Return the stretch and what all bases of its peak contribute."""
    sums = record.bases.groupby("peak", sort=False)["contribution"].agg(lambda x: x.abs().sum())
    peak = str(sums.idxmax())
    bases = record.bases.loc[record.bases["peak"] == peak].sort_values("position")
    first = int(bases["position"].iloc[0])
    length = int(bases["position"].iloc[-1]) - first + 1
    at = bases["position"].to_numpy() - first
    values, letters = np.zeros(length), np.full(length, "N", dtype="<U1")
    values[at], letters[at] = bases["contribution"].fillna(0), bases["base"].str.upper()
    width = min(_STRETCH, length)
    running = np.concatenate([[0.0], np.cumsum(np.abs(values))])
    left = int(np.argmax(running[width:] - running[:-width]))
    left = _centred(np.abs(values), left, width)
    start, end = first + left, first + left + width
    hits = record.motifs
    inside = hits["peak"].eq(peak) & hits["start"].lt(end) & hits["end"].gt(start)
    hits = hits.loc[inside].sort_values(["pvalue", "start", "motif"])
    own = hits["tf"].ne(record.source).sort_values(kind="stable").index
    hits = hits.loc[own].head(_MOST_HITS)
    places = record.peaks.drop_duplicates("peak").set_index("peak")["chrom"]
    part = slice(left, left + width)
    found = _Stretch(
        places.get(peak, peak), start, "".join(letters[part]), values[part], hits, record.source
    )
    return found, float(values.sum())


def _centred(weights: npt.NDArray[np.float64], left: int, width: int) -> int:
    """Shift a stretch so that the letters which stand out in it lie in its middle."""
    inside = weights[left : left + width]
    tall = np.flatnonzero(inside >= inside.max() / 3)
    middle = left + (int(tall[0]) + int(tall[-1]) + 1) // 2
    return int(np.clip(middle - width // 2, 0, len(weights) - width))


def _letter_sentence(record: Dossier, stretch: _Stretch, whole: float) -> str:
    total = float(stretch.contributions.sum())
    text = (
        f"{len(stretch.letters)} bases of the peak add {total:+.2g} to the logit, all of its bases "
        f"{whole:+.2g}"
    )
    if record.motifs.empty:
        return f"{text}."
    if stretch.hits.empty:
        return f"{text}; no motif hit lies in them."
    own = stretch.hits.loc[stretch.hits["tf"] == record.source]
    if own.empty:
        return f"{text}; no hit of {record.source} lies in them."
    return f"{text}; they hold a motif of {record.source} (p = {own['pvalue'].iloc[0]:.1g})."


def _hit_lanes(stretch: _Stretch) -> npt.NDArray[np.int64]:
    """Return a line for each hit and its name, on which none meets another."""
    hits = stretch.hits
    low = np.maximum(hits["start"].to_numpy(np.float64), stretch.start)
    high = np.minimum(hits["end"].to_numpy(np.float64), stretch.start + len(stretch.letters))
    half, middle = _half_widths(stretch), _middles(stretch)
    return _tracks.lanes(
        np.minimum(low, middle - half) - 0.5, np.maximum(high, middle + half) + 0.5
    )


def _half_widths(stretch: _Stretch) -> npt.NDArray[np.float64]:
    """Return half of the width of each name of a hit, in bases."""
    letter = max(_LETTER_SHARE * 1.15 * len(stretch.letters), 0.4)
    return np.array([len(name) for name in _hit_names(stretch.hits)], dtype=np.float64) * letter / 2


def _middles(stretch: _Stretch) -> npt.NDArray[np.float64]:
    """Return where the name of each hit is centred: over the hit, but inside the picture."""
    first, last = stretch.start, stretch.start + len(stretch.letters)
    low = stretch.hits["start"].clip(lower=first).to_numpy(np.float64)
    high = stretch.hits["end"].clip(upper=last).to_numpy(np.float64)
    half = _half_widths(stretch)
    inside = np.clip((low + high) / 2 - 0.5, first + half, np.maximum(last - half, first + half))
    return np.asarray(inside)


def _hit_names(hits: pd.DataFrame) -> list[str]:
    """Return what is written over each hit: factor, motif where it has another name, strand, p."""
    columns = (hits[name] for name in ("tf", "motif", "strand", "pvalue"))
    names = []
    for tf, motif, strand, p in zip(*columns, strict=True):
        name = short(tf or motif, 14) + ("" if motif == tf or not tf else f" {short(motif, 12)}")
        names.append(f"{name} {strand}" + ("" if np.isnan(p) else f" p {p:.1g}"))
    return names


def _draw_letters(
    part: SubFigure,
    stretch: _Stretch,
    lanes: npt.NDArray[np.int64],
) -> None:
    n_lanes = int(lanes.max(initial=-1)) + 1
    if n_lanes:
        above, ax = part.subplots(
            2, 1, sharex=True, height_ratios=[0.22 * n_lanes, 1.4], gridspec_kw={"hspace": 0.02}
        )
        _draw_hits(above, stretch, lanes)
    else:
        ax = part.subplots()
    contribution_logo(stretch.contributions, to_codes(stretch.letters), start=stretch.start, ax=ax)
    ax.set_label("bases")
    ax.set_xlabel(f"{stretch.chrom} (bases, plus strand)", fontsize=9)
    ax.set_ylabel(UNIT.replace(" (", "\n("), fontsize=9)
    ax.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}")


def _draw_hits(
    ax: Axes,
    stretch: _Stretch,
    lanes: npt.NDArray[np.int64],
) -> None:
    """Draw each hit as a bar with its name, that of the source in colour."""
    ax.set_label("hits")
    ax.set_axis_off()
    ax.set_ylim(-0.1, int(lanes.max()) + 1)
    low = stretch.hits["start"].clip(lower=stretch.start) - 0.5
    high = stretch.hits["end"].clip(upper=stretch.start + len(stretch.letters)) - 0.5
    is_own = stretch.hits["tf"] == stretch.source
    columns = (low, high, _middles(stretch), is_own, _hit_names(stretch.hits))
    for lane, left, right, middle, own, name in zip(lanes, *columns, strict=True):
        ax.plot(
            [left, right],
            [lane + 0.08] * 2,
            color=_tracks.SITE if own else "0.45",
            linewidth=2.5,
            solid_capstyle="butt",
        )
        ax.text(
            middle,
            lane + 0.2,
            name,
            color=_tracks.SITE if own else "0.25",
            fontsize=SMALL,
            ha="center",
            va="bottom",
            parse_math=False,
        )
