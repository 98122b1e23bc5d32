"""What fragments are counted in: peaks, a region, start sites and barcodes, checked."""

import logging
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from grnet import _checks, _intervals
from grnet._chromosomes import renamed, translation
from grnet.io import _detect, _text
from grnet.io.fragments._counts import Sites
from grnet.io.fragments._lookup import Lookup
from grnet.io.genome.intervals import read_peaks

logger = logging.getLogger(__name__)


def peak_table(peaks: pd.DataFrame | str | Path) -> pd.DataFrame:
    """Return the peaks, each once, under their names."""
    table = read_peaks(peaks) if isinstance(peaks, str | Path) else peaks
    table = _intervals.checked(table, what="the peaks")
    if table.empty or (table["start"] == table["end"]).any():
        message = (
            f"{int((table['start'] == table['end']).sum())} of {len(table)} peaks have no length: "
            "nothing can be counted in them. Give peaks with start < end."
        )
        raise ValueError(message)
    table.index = _intervals.names(table)
    if not table.index.is_unique:
        repeated = table.index.duplicated()
        logger.info("%d of %d peaks are repeated and count once", repeated.sum(), len(table))
        table = table.loc[~repeated]
    return table


def region_of(text: str, peaks: pd.DataFrame) -> tuple[str, int, int]:
    """Return the region in the peaks' names of chromosomes."""
    known = list(dict.fromkeys(peaks["chrom"]))
    table = translation([text], known)
    if text in table:
        return table[text], 0, np.iinfo(np.int32).max
    place = renamed(_intervals.from_names([text], what="region="), known, what="region=")
    return str(place["chrom"].iloc[0]), int(place["start"].iloc[0]), int(place["end"].iloc[0])


def within(peaks: pd.DataFrame, place: tuple[str, int, int]) -> pd.DataFrame:
    chrom, start, end = place
    here = (peaks["chrom"] == chrom) & (peaks["start"] < end) & (peaks["end"] > start)
    if not here.any():
        message = f"No peak of {len(peaks)} lies in the region {chrom}:{start}-{end}."
        raise ValueError(message)
    return peaks.loc[here]


def lookup_of(peaks: pd.DataFrame) -> Lookup:
    codes = pd.factorize(peaks["chrom"])[0]
    return Lookup(codes, peaks["start"].to_numpy(), peaks["end"].to_numpy())


def sites_of(genes: pd.DataFrame, peaks: pd.DataFrame) -> Sites:
    """Return the start sites on the chromosomes of the peaks, each once."""
    known = list(dict.fromkeys(peaks["chrom"]))
    coding = genes["biotype"] == "protein_coding" if "biotype" in genes else None
    if coding is not None and coding.any():
        genes = genes.loc[coding]
    genes = renamed(genes, known, what="the annotation")
    genes = genes[["chrom", "tss", "strand"]].drop_duplicates()
    codes = pd.Index(known).get_indexer(pd.Index(genes["chrom"]))
    minus = (genes["strand"] == "-").to_numpy()
    return Sites(codes, genes["tss"].to_numpy(np.int64), minus=minus)


def barcodes_of(barcodes: Iterable[str] | str | Path) -> list[str]:
    if isinstance(barcodes, str | Path):
        with _text.open_text(_detect.existing(barcodes)) as lines:
            barcodes = [line.split("\t")[0].strip() for line in lines if line.strip()]
    names = [str(name) for name in barcodes]
    _checks.unique(pd.Index(names), "barcodes")
    return names
