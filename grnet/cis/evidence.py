"""Which transcription factors bind which peaks, and how well that is supported."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np
import pandas as pd

from grnet import _checks, _chromosomes, _genes, _intervals
from grnet.cis import _inputs
from grnet.io.genome.intervals import read_peaks

if TYPE_CHECKING:
    from collections.abc import Sequence

    Table: TypeAlias = pd.DataFrame | str | Path
    Evidence: TypeAlias = Table | Mapping[str, Table] | Sequence[Table | Mapping[str, Table]]

logger = logging.getLogger(__name__)

By = Literal["summit", "overlap"]

RELIABILITY: Mapping[str, float] = {"chip": 0.8, "motif": 0.3}
"""How far the best of each kind is believed. In yeast a ChIP-exo peak in a promoter is a known
regulation ten times as often as chance has it, a motif three times."""

SITES_PER_PEAK = 0.1
"""What is expected before the sequence is looked at: a site of a TF in every tenth peak."""

_STRENGTHS = ("signal", "score", "qvalue", "pvalue")
"""Columns that rank the peaks of a TF; the first that has values is used."""


def bind(
    peaks: _inputs.Data,
    *,
    evidence: Evidence | None = None,
    hits: pd.DataFrame | None = None,
    names: Iterable[str] | None = None,
    aliases: pd.DataFrame | None = None,
    max_distance: int = 0,
    by: By = "summit",
    reliability: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Bring together what is known of transcription factors that bind peaks.

    Parameters
    ----------
    peaks
        MuData with ``atac``, AnnData of peaks, frame of intervals, or links: then their peaks.
    evidence
        Where proteins were found (ChIP, CUT&RUN): a frame of :func:`grnet.io.read_peaks` with
        ``tf``, a folder, a mapping of TF to file or frame, or a list of these.
    hits
        Motif hits of :func:`grnet.cis.scan_motifs`.
    names
        Names that TFs shall bear, e.g. ``rna.var_names``; TFs without one are left out.
    aliases
        Further names of genes, one gene a row, one kind of name a column.
    max_distance
        How far outside the peak a summit may lie.
    by
        What has to lie in the peak: the ``"summit"``, or any base (``"overlap"``).
    reliability
        How far the best of ``chip`` and ``motif`` are believed, 0 to 1; by default 0.8 and 0.3.

    Returns
    -------
    DataFrame
        One row per TF and peak: ``tf, peak, weight`` (0..1], with evidence ``chip`` (0..1]: share
        of the TF's peaks that are not stronger, of the strongest in the peak; ``summit_distance``:
        from the peak's centre to that summit; with hits ``motif`` (0..1]: how likely the best hit
        is no chance, and ``n_hits``. NaN, or no hits, where a kind is missing.

    Raises
    ------
    ValueError
        If there is neither evidence nor hits, no name matches, or none lies in a peak.

    Warns
    -----
    UserWarning
        If some TFs have no name among ``names``.

    Notes
    -----
    ``weight = 1 - (1 - r_chip * (1 + chip) / 2) * (1 - r_motif * motif)``, a noisy or: the weakest
    peak that was called counts half of the strongest. Items of a list are ranked each by itself;
    the stronger counts. ``motif = 1 / (1 + 10 n)`` with ``n = 2 p length``, the hits as good that
    chance puts into a peak of this length, against one site in ten peaks.

    Examples
    --------
    >>> import pandas as pd
    >>> import grnet as gn
    >>> chip = pd.DataFrame({"chrom": "1", "start": [120, 900], "end": [160, 950], "tf": "SPI1"})
    >>> gn.cis.bind(["chr1:100-200", "chr1:500-600"], evidence=chip)
         tf          peak  weight  chip  summit_distance
    0  SPI1  chr1:100-200     0.8   1.0              -10
    """
    _checks.one_of(by, get_args(By), "value of by")
    _checks.in_range(max_distance, 0, 1 << 31, what="max_distance")
    trust = _trust(reliability)
    if evidence is None and hits is None:
        message = "bind has nothing to go by: pass evidence= (ChIP peaks), hits= (motifs), or both."
        raise ValueError(message)
    regions = _inputs.regions_of(peaks)
    found = {}
    if evidence is not None:
        found["chip"] = _chip(evidence, regions, max_distance=max_distance, by=by)
    if hits is not None:
        found["motif"] = _motif(hits, regions)
    if names is not None:
        found = _named(found, list(names), aliases)
    merge = {"chip": _best_chip, "motif": _best_motif}
    best = [merge[kind](sites) for kind, sites in found.items()]
    bindings = best[0] if len(best) == 1 else best[0].join(best[1], how="outer")
    if bindings.empty:
        message = (
            f"No binding site lies in one of the {len(regions)} peaks "
            f"({_checks.examples(regions.index)}). Evidence and peaks must come from the same "
            "assembly; max_distance= widens the peaks."
        )
        raise ValueError(message)
    return _weighed(bindings, regions, trust)


def _trust(reliability: Mapping[str, float] | None) -> dict[str, float]:
    """Return the reliability of every kind."""
    given = dict(reliability or {})
    for kind, value in given.items():
        _checks.one_of(kind, list(RELIABILITY), "kind of evidence")
        _checks.in_range(value, 0.0, 1.0, what=f"reliability[{kind!r}]")
    return {**RELIABILITY, **given}


def _tables(evidence: Evidence) -> Iterator[pd.DataFrame]:
    """Yield a frame of peaks with ``tf`` for each item."""
    if isinstance(evidence, Mapping):
        for tf, item in evidence.items():
            own = item if isinstance(item, pd.DataFrame) else read_peaks(item)
            yield own.assign(tf=str(tf))
    elif isinstance(evidence, str | Path | pd.DataFrame):
        frame = evidence if isinstance(evidence, pd.DataFrame) else read_peaks(evidence)
        if "tf" not in frame:
            message = (
                f"The evidence does not say which protein was bound; it has the columns "
                f"{_checks.examples(frame.columns, 8)}. Pass a mapping, {{'SPI1': peaks}}, or read "
                "the file with gn.io.read_peaks(file, tf='SPI1') or tf_column=."
            )
            raise ValueError(message)
        yield frame
    else:
        for part in evidence:
            yield from _tables(part)


def _chip(evidence: Evidence, regions: pd.DataFrame, *, max_distance: int, by: By) -> pd.DataFrame:
    """Return ``tf, row, chip, summit_distance`` of every site in a peak."""
    reach = regions.assign(
        start=(regions["start"] - max_distance).clip(lower=0), end=regions["end"] + max_distance
    )
    centre = ((regions["start"] + regions["end"]) // 2).to_numpy()
    parts = []
    for table in _tables(evidence):
        known = _chromosomes.renamed(_ranked(table), regions["chrom"].unique(), what="the evidence")
        sites = known
        if by == "summit":
            sites = known.assign(start=known["summit"], end=known["summit"] + 1)
        site, row = _intervals.overlaps(sites, reach)
        inside = known.iloc[site][["tf", "chip"]]
        away = known["summit"].to_numpy()[site] - centre[row]
        parts.append(inside.assign(row=row, summit_distance=away))
        logger.info("%d of %d ChIP sites lie in %d peaks", len(set(site)), len(known), len(regions))
    if not parts:
        message = "evidence is empty: pass at least one table of peaks, or leave it out."
        raise ValueError(message)
    return pd.concat(parts, ignore_index=True)


def _ranked(table: pd.DataFrame) -> pd.DataFrame:
    """Return intervals with ``tf``, ``summit`` and the rank of each within its TF."""
    table = _intervals.checked(table, what="the evidence")
    if table["tf"].isna().any():
        message = (
            f"{int(table['tf'].isna().sum())} of {len(table)} rows of the evidence name no TF: "
            "drop them, peaks.dropna(subset=['tf'])."
        )
        raise ValueError(message)
    middle = (table["start"] + table["end"]) // 2
    summit = table["summit"].fillna(middle).astype("int64") if "summit" in table else middle
    strength = pd.Series(1.0, index=table.index)
    for column in reversed(_STRENGTHS):
        if column in table:
            strength = table[column].astype(np.float64).fillna(strength)
    tf = table["tf"].astype(str)
    rank = strength.groupby(tf).rank(method="max", pct=True)
    return table[list(_intervals.COLUMNS)].assign(tf=tf, summit=summit, chip=rank)


def _motif(hits: pd.DataFrame, regions: pd.DataFrame) -> pd.DataFrame:
    """Return ``tf, row, motif`` of every hit in a peak."""
    _checks.has_columns(hits, ("tf", "pvalue"), "the table of hits")
    row = np.full(len(hits), -1)
    if "peak" in hits:
        row = _intervals.names(regions).get_indexer(pd.Index(hits["peak"].astype(str)))
    kept = np.flatnonzero(row >= 0)
    if len(kept) < len(hits):
        placed = _chromosomes.renamed(
            _intervals.checked(hits.reset_index(drop=True), what="the hits"),
            regions["chrom"].unique(),
            what="the hits",
        )
        middle = (placed["start"] + placed["end"]) // 2
        site, row = _intervals.overlaps(placed.assign(start=middle, end=middle + 1), regions)
        kept = placed.index.to_numpy()[site]
    else:
        row = row[kept]
    length = (regions["end"] - regions["start"]).to_numpy()[row]
    by_chance = 2 * length * hits["pvalue"].to_numpy(np.float64)[kept]
    tf = hits["tf"].astype(str).to_numpy()[kept]
    return pd.DataFrame({"tf": tf, "row": row, "motif": 1 / (1 + by_chance / SITES_PER_PEAK)})


def _named(
    found: dict[str, pd.DataFrame], names: list[str], aliases: pd.DataFrame | None
) -> dict[str, pd.DataFrame]:
    """Give the TFs their names among those of the data; say which have none."""
    every = sorted({tf for sites in found.values() for tf in sites["tf"].unique()})
    table = _genes.resolved(every, names, aliases=aliases)
    missing = [tf for tf in every if tf not in table]
    if every and not table:
        message = (
            f"None of the {len(every)} TFs of the evidence is among the names: it has "
            f"{_checks.examples(every)}, the names are {_checks.examples(names)}. Pass aliases=, a "
            "table with both kinds of names, or names=None to keep the TFs as they are."
        )
        raise ValueError(message)
    if missing:
        message = (
            f"{len(missing)} of {len(every)} TFs are not among the names and are left out: "
            f"{_checks.examples(missing)}. Pass aliases=, or names=None to keep them."
        )
        warnings.warn(message, UserWarning, stacklevel=3)
    return {
        kind: sites.assign(tf=sites["tf"].map(table)).dropna(subset=["tf"])
        for kind, sites in found.items()
    }


def _best_chip(sites: pd.DataFrame) -> pd.DataFrame:
    """Keep the strongest site of each TF in each peak; of equals the nearest to the centre."""
    away = sites["summit_distance"].abs()
    ordered = sites.assign(away=away).sort_values(
        ["tf", "row", "chip", "away", "summit_distance"],
        ascending=[True, True, False, True, True],
    )
    first = ordered.drop_duplicates(["tf", "row"])
    return first.set_index(["tf", "row"])[["chip", "summit_distance"]]


def _best_motif(sites: pd.DataFrame) -> pd.DataFrame:
    """Keep the best hit of each TF in each peak, and count them."""
    groups = sites.groupby(["tf", "row"])["motif"]
    return pd.DataFrame({"motif": groups.max(), "n_hits": groups.size()})


def _weighed(
    bindings: pd.DataFrame, regions: pd.DataFrame, trust: Mapping[str, float]
) -> pd.DataFrame:
    """Name the peaks, combine the kinds of evidence, and sort."""
    doubt = np.ones(len(bindings))
    if "chip" in bindings:
        doubt *= 1 - trust["chip"] * ((1 + bindings["chip"]) / 2).fillna(0.0).to_numpy()
    if "motif" in bindings:
        doubt *= 1 - trust["motif"] * bindings["motif"].fillna(0.0).to_numpy()
    table = bindings.reset_index()
    peak = regions.index.to_numpy()[table.pop("row")]
    if "n_hits" in table:
        table["n_hits"] = table["n_hits"].fillna(0).astype("int64")
    table.insert(1, "peak", peak)
    table.insert(2, "weight", 1 - doubt)
    table = table.loc[table["weight"] > 0]
    return table.sort_values(["tf", "peak"], ignore_index=True)
