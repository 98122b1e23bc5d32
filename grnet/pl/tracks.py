"""A stretch of the genome: genes, peaks, links between them, signals and binding sites."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import matplotlib.pyplot as plt
import pandas as pd

from grnet import _checks, _chromosomes, _genes, _intervals
from grnet.io.genome.annotation import HasGenes, as_genes
from grnet.pl import _tracks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PLACE = re.compile(r"^.+:[\d,]+-[\d,]+$")
_WIDTH = 8.0
_LETTER = 0.075
_LEAST_FLANK = 500


class _Row(NamedTuple):
    """One row of the picture: its name, its height in inches, and what draws it."""

    label: str
    height: float
    draw: Callable[[Axes], None]


def locus(
    region: str,
    genes: HasGenes | pd.DataFrame | str | Path,
    *,
    links: pd.DataFrame | None = None,
    peaks: pd.DataFrame | None = None,
    signal: Mapping[str, pd.DataFrame] | None = None,
    sites: Mapping[str, pd.DataFrame] | None = None,
    flank: int | None = None,
    max_tfs: int = 12,
) -> Figure:
    """Draw a stretch of the genome: links as arcs over signals, peaks, binding sites and genes.

    Parameters
    ----------
    region
        ``chr1:1,000-2,000``, or the name of a gene: then its links stand out.
    genes
        Annotation: a Genome, a frame of :func:`grnet.io.read_annotation`, or a file.
    links
        ``peak, gene, weight`` of :func:`grnet.cis.link_peaks`. Lines are as wide as the weight;
        where there is a ``correlation``, blue is positive and vermilion negative.
    peaks
        ``chrom, start, end``, and the name in ``peak`` or in the index where links use another
        than ``chr1:100-200``. By default the peaks of the links.
    signal
        From the name of each track to ``chrom, start, end, value``.
    sites
        From the name of each kind (ChIP, motif) to ``chrom, start, end`` and, for a row of each
        TF, ``tf``.
    flank
        Bases shown on either side; by default a tenth of what is shown.
    max_tfs
        Show at most so many TFs of a kind, those with most sites in view; the label says so.

    Returns
    -------
    Figure
        Its axes bear the labels ``links``, the names of signals, ``peaks``, the kinds of sites and
        ``genes``.

    Raises
    ------
    ValueError
        If the region is neither a place nor a gene, or a column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> import grnet as gn
    >>> genes = pd.DataFrame({"chrom": "chr1", "tss": [500], "gene": "G", "strand": "+"})
    >>> links = pd.DataFrame({"peak": ["chr1:100-200"], "gene": ["G"], "weight": [0.7]})
    >>> figure = gn.pl.locus("G", genes, links=links)
    >>> [ax.get_label() for ax in figure.axes]
    ['links', 'peaks', 'genes']
    """
    _checks.whole(max_tfs, 1, 100, what="max_tfs")
    known = as_genes(genes)
    gene = None if _PLACE.match(region) else region
    arcs = None if links is None else _arcs(links, peaks, known)
    view = _view(region, known, arcs, flank=flank)
    if peaks is None and arcs is not None:
        peaks = arcs[["chrom", "start", "end"]].drop_duplicates()
    rows = [] if arcs is None else [_link_row(arcs, view, gene)]
    for name, table in (signal or {}).items():
        _checks.has_columns(table, ("chrom", "start", "end", "value"), f"the signal {name!r}")
        rows.append(_signal_row(name, _placed(table, known, view)))
    if peaks is not None:
        rows.append(_peak_row(_placed(peaks, known, view)))
    for kind, table in (sites or {}).items():
        rows.append(_site_row(kind, _placed(table, known, view), max_tfs))
    rows.append(_gene_row(_placed(known, known, view), view, gene))
    return _drawn(rows, view)


def _placed(table: pd.DataFrame, genes: pd.DataFrame, view: _tracks.View) -> pd.DataFrame:
    """Return the rows in view, chromosomes named as in the annotation."""
    checked = _intervals.checked(table, what="a track")
    renamed = _chromosomes.renamed(checked, genes["chrom"].unique(), what="a track")
    inside = (
        renamed["chrom"].eq(view.chrom)
        & (renamed["start"] < view.end)
        & (renamed["end"] > view.start)
    )
    return renamed.loc[inside]


def _arcs(links: pd.DataFrame, peaks: pd.DataFrame | None, genes: pd.DataFrame) -> pd.DataFrame:
    """Return the links with the place of their peaks and of the nearest start site."""
    _checks.has_columns(links, ("peak", "gene", "weight"), "the table of links")
    bare = links.drop(columns=list(_intervals.COLUMNS), errors="ignore")
    found = pd.concat([bare.reset_index(drop=True), _peak_places(links, peaks)], axis=1)
    found = _chromosomes.renamed(found, genes["chrom"].unique(), what="the links")
    sites = _genes.located(genes, found["gene"].unique())[["chrom", "gene", "tss"]]
    arcs = found.reset_index().merge(sites, on=["chrom", "gene"])
    arcs["from"] = (arcs["start"] + arcs["end"]) / 2
    arcs["away"] = (arcs["from"] - arcs["tss"]).abs()
    nearest = arcs.sort_values("away").drop_duplicates("index").sort_values("index")
    return nearest.rename(columns={"tss": "to"}).reset_index(drop=True)


def _peak_places(links: pd.DataFrame, peaks: pd.DataFrame | None) -> pd.DataFrame:
    """Return where the peaks of the links lie: by the table of peaks, or by their names."""
    names = pd.Index(links["peak"].astype(str))
    if peaks is not None:
        table = peaks.set_index("peak") if "peak" in peaks else peaks
        table = table.loc[~table.index.duplicated()]
        if names.isin(table.index.astype(str)).all():
            table = table.set_axis(table.index.astype(str)).loc[names]
            return table[list(_intervals.COLUMNS)].reset_index(drop=True)
    return _intervals.from_names(names, what="the links")


def _view(
    region: str, genes: pd.DataFrame, arcs: pd.DataFrame | None, *, flank: int | None
) -> _tracks.View:
    """Return the stretch to show: as asked, or around a gene and its links."""
    if _PLACE.match(region):
        place = _intervals.from_names([region], what="region")
        place = _chromosomes.renamed(place, genes["chrom"].unique(), what="region")
        chrom, low, high = place.iloc[0][list(_intervals.COLUMNS)]
        margin = flank or 0
    else:
        own = genes.loc[genes["gene"].astype(str) == region]
        if own.empty:
            message = (
                f"{region!r} is neither a place such as 'chr1:1,000-2,000' nor a gene of the "
                f"annotation. {_checks.nearest(region, genes['gene'])}"
            )
            raise ValueError(message)
        chrom = own["chrom"].iloc[0]
        parts = [own.loc[own["chrom"] == chrom, ["start", "end"]]]
        if arcs is not None:
            parts.append(arcs.loc[(arcs["gene"] == region) & (arcs["chrom"] == chrom)])
        low = min(part["start"].min() for part in parts if len(part))
        high = max(part["end"].max() for part in parts if len(part))
        margin = max((high - low) // 10, _LEAST_FLANK) if flank is None else flank
    return _tracks.View(str(chrom), max(int(low) - margin, 0), int(high) + margin)


def _link_row(arcs: pd.DataFrame, view: _tracks.View, gene: str | None) -> _Row:
    ends = arcs[["from", "to"]]
    inside = (
        arcs["chrom"].eq(view.chrom)
        & ends.min(axis=1).ge(view.start)
        & ends.max(axis=1).le(view.end)
    )
    return _Row("links", 1.4, lambda ax: _tracks.draw_arcs(ax, arcs.loc[inside], gene))


def _signal_row(name: str, table: pd.DataFrame) -> _Row:
    return _Row(name, 0.7, lambda ax: _tracks.draw_signal(ax, table))


def _peak_row(table: pd.DataFrame) -> _Row:
    return _Row("peaks", 0.25, lambda ax: _tracks.draw_boxes(ax, table))


def _site_row(kind: str, table: pd.DataFrame, max_tfs: int) -> _Row:
    """Return the sites of the TFs with most of them, one line each."""
    table = table if "tf" in table else table.assign(tf=kind)
    counts = table["tf"].astype(str).value_counts()
    order = counts.reset_index().sort_values(["count", "tf"], ascending=[False, True])["tf"]
    tfs = sorted(order.head(max_tfs))
    shown = table.loc[table["tf"].astype(str).isin(tfs)]
    label = kind if len(tfs) == len(order) else f"{kind}\n{len(tfs)} of {len(order)} TFs"
    height = 0.25 + 0.16 * max(len(tfs), 1)
    return _Row(label, height, lambda ax: _tracks.draw_sites(ax, shown, tfs))


def _gene_row(table: pd.DataFrame, view: _tracks.View, gene: str | None) -> _Row:
    """Return the genes, on as many lines as their names need."""
    letter = (view.end - view.start) * _LETTER / _WIDTH
    table = _tracks.placed_names(table, view, letter=letter)
    height = 0.1 + 0.3 * (int(table["lane"].to_numpy().max(initial=0)) + 1)
    return _Row("genes", height, lambda ax: _tracks.draw_genes(ax, table, view, gene=gene))


def _drawn(rows: list[_Row], view: _tracks.View) -> Figure:
    """Put the rows under each other."""
    heights = [row.height for row in rows]
    figure, axes = plt.subplots(
        len(rows),
        squeeze=False,
        sharex=True,
        figsize=(_WIDTH + 1.5, sum(heights) + 0.25 * len(rows) + 0.7),
        height_ratios=heights,
        layout="constrained",
    )
    for row, ax in zip(rows, axes[:, 0], strict=True):
        row.draw(ax)
        ax.set_label(row.label.split("\n")[0])
        _tracks.name_row(ax, row.label)
    _tracks.number_bases(axes[-1, 0], view)
    axes[0, 0].set_title(view.title, fontsize=10)
    figure.align_ylabels(axes[:, 0])
    return figure
