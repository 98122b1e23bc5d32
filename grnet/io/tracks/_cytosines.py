"""Cytosines of one sample: contexts known, strands merged, counts added up."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from grnet import _alphabet
from grnet.io.tracks import _columns
from grnet.io.tracks._cytosine_formats import (
    AMBIGUOUS,
    CONTEXTS,
    MERGED,
    MINUS,
    NOT_STATED,
    PLUS,
    UNSTATED,
    Layout,
)

if TYPE_CHECKING:
    from grnet.io.genome import Genome

logger = logging.getLogger(__name__)

KINDS = 3
KIND_BITS, POSITION_BITS = 2, 40
"""A place is one number: chromosome, position, kind."""

_CYTOSINE, _GUANINE = _alphabet.to_codes("CG")
_LEAST_PAIRED = 0.05
_LEAST_AT_CYTOSINES = 0.9

Codes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Wanted:
    """What to keep of a file, and what is known besides it."""

    context: str | None
    merge_strands: bool
    modification: str
    genome: "Genome | None"
    regions: pd.DataFrame | None

    def chromosomes(self) -> _columns.Chromosomes:
        """Return the numbering: the genome's, the regions', or as the file goes."""
        if self.genome is not None:
            return _columns.Chromosomes(self.genome.sizes.index)
        if self.regions is not None:
            return _columns.Chromosomes(self.regions["chrom"].unique())
        return _columns.Chromosomes()


@dataclass(frozen=True)
class Sample:
    """Sites of one sample: ``place`` (sorted), ``context``, ``methylated``, ``coverage``.

    A place packs chromosome (into ``chroms``), position and kind. ``assumed`` tells that the
    context is taken for granted: neither file nor genome states it.
    """

    path: Path
    format: str
    chroms: list[str]
    sites: pd.DataFrame
    assumed: bool

    @property
    def kinds(self) -> set[int]:
        """Which strands the sites are on."""
        return set(np.unique(self.sites["place"].to_numpy() & KINDS).tolist())


def read_sample(path: Path, layout: Layout, wanted: Wanted) -> Sample:
    """Read one sample.

    Raises
    ------
    ValueError
        If the file is damaged, no site is left, or the genome is not the file's.
    """
    chromosomes = wanted.chromosomes()
    kept, assumed = [], False
    for block in _columns.blocks(
        path, layout.columns, separator=layout.separator, header=layout.header
    ):
        sites = _sites(block, path, layout, wanted=wanted)
        sites["code"] = chromosomes.codes(sites.pop("chrom"))
        sites = sites.loc[(sites["code"] >= 0) & (sites["coverage"] > 0)]
        if wanted.genome is not None and len(sites):
            sites = _looked_up(sites, wanted.genome, path)
        sites = _of_context(sites, wanted, path)
        assumed = assumed or bool((sites["context"] == NOT_STATED).any())
        kept.append(_packed(_inside(_folded(sites, wanted), chromosomes.names, wanted.regions)))
    chromosomes.require_match(what=str(path))
    sites = pd.concat(kept, ignore_index=True)
    _some(sites, path, wanted)
    if assumed and wanted.merge_strands:
        _warn_unpaired(sites, path)
    return Sample(path, layout.name, chromosomes.names, _added_up(sites, path), assumed)


def _sites(block: pd.DataFrame, path: Path, layout: Layout, *, wanted: Wanted) -> pd.DataFrame:
    """Turn a block into sites and check its counts."""
    try:
        sites = layout.sites(block, wanted.modification)
    except ValueError as error:
        message = f"{path} was taken for {layout.name}, but {error}."
        raise ValueError(message) from error
    wrong = (sites["methylated"] < 0) | (sites["methylated"] > sites["coverage"])
    wrong |= (sites["start"] < 0) | (sites["start"] >= 1 << POSITION_BITS)
    wrong |= sites["coverage"] > np.iinfo(np.int32).max
    if wrong.any():
        row = sites.loc[wrong].iloc[0]
        message = (
            f"{path}: {int(wrong.sum())} of {len(sites)} rows cannot be, first "
            f"{row['chrom']}:{row['start']} with {row['methylated']} of {row['coverage']} reads "
            f"methylated. It was taken for {layout.name}: it is damaged, or of another format."
        )
        raise ValueError(message)
    return sites


def _looked_up(sites: pd.DataFrame, genome: "Genome", path: Path) -> pd.DataFrame:
    """Fill in strand and context from the bases around each site."""
    names = genome.sizes.index.to_numpy()[sites["code"].to_numpy()]
    start = sites["start"].to_numpy()
    places = pd.DataFrame({"chrom": names, "start": start, "end": start + 1})
    try:
        around = genome.sequence(places, width=5)
    except ValueError as error:
        message = f"{path} does not fit the genome: {error}"
        raise ValueError(message) from error
    kind = sites["kind"].to_numpy().copy()
    base = around[:, 2]
    unstated = kind == UNSTATED
    kind[unstated & (base == _CYTOSINE)] = PLUS
    kind[unstated & (base == _GUANINE)] = MINUS
    forward = (kind == PLUS) | (kind == MERGED)
    right = np.where(forward, base == _CYTOSINE, (kind == MINUS) & (base == _GUANINE))
    if right.mean() < _LEAST_AT_CYTOSINES:
        shown = f"{names[~right][0]}:{start[~right][0]}"
        message = (
            f"Only {right.mean():.0%} of the cytosines of {path} are cytosines in the genome "
            f"({shown} is {_alphabet.to_text(base[~right][:1])}): it is another assembly, or "
            "positions are counted from another base."
        )
        raise ValueError(message)
    oriented = np.where((kind == MINUS)[:, None], _alphabet.reverse_complement(around), around)
    stated = sites["context"] != NOT_STATED
    context = np.where(stated, sites["context"], _contexts(oriented))
    known: pd.DataFrame = sites.assign(kind=kind, context=context.astype(np.int8)).loc[right]
    return known


def _contexts(around: Codes) -> npt.NDArray[np.int8]:
    """Return the context of the cytosine in the middle of five bases."""
    next_one, after = around[:, 3], around[:, 4]
    context = np.where(after == _GUANINE, 1, 2)
    context[(next_one == _alphabet.UNKNOWN) | (after == _alphabet.UNKNOWN)] = AMBIGUOUS
    context[next_one == _GUANINE] = 0
    return context.astype(np.int8)


def _of_context(sites: pd.DataFrame, wanted: Wanted, path: Path) -> pd.DataFrame:
    """Keep the context asked for, and what may be of it for all that is known."""
    if wanted.context is None:
        return sites
    context = sites["context"].to_numpy()
    not_stated = context == NOT_STATED
    if wanted.context != "CG" and not_stated.any():
        message = (
            f"{path} does not state the context of its cytosines: pass genome= to find the "
            f"{wanted.context} sites."
        )
        raise ValueError(message)
    # without a genome, a file that states no context is one of CpGs, as tools write by default
    chosen: pd.DataFrame = sites.loc[(context == CONTEXTS.index(wanted.context)) | not_stated]
    return chosen


def _folded(sites: pd.DataFrame, wanted: Wanted) -> pd.DataFrame:
    """Bring both strands of a CpG to its C; ``strand`` remembers where the reads were."""
    sites = sites.assign(strand=sites["kind"])
    if not wanted.merge_strands:
        return sites
    context = sites["context"]
    in_cpg = (context == 0) | ((context == NOT_STATED) & (wanted.context == "CG"))
    in_cpg &= sites["kind"] != UNSTATED
    minus = in_cpg & (sites["kind"] == MINUS)
    return sites.assign(
        start=sites["start"] - minus, kind=sites["kind"].mask(in_cpg, np.int8(MERGED))
    )


def _inside(sites: pd.DataFrame, names: list[str], regions: pd.DataFrame | None) -> pd.DataFrame:
    """Keep the sites whose cytosine lies in a region."""
    if regions is None:
        return sites
    inside = np.zeros(len(sites), dtype=bool)
    code, start = sites["code"].to_numpy(), sites["start"].to_numpy()
    for number, own in _by_code(regions, names):
        rows = np.flatnonzero(code == number)
        begun = np.searchsorted(np.sort(own["start"]), start[rows], side="right")
        ended = np.searchsorted(np.sort(own["end"]), start[rows], side="right")
        inside[rows] = begun > ended
    return sites.loc[inside]


def _by_code(regions: pd.DataFrame, names: list[str]) -> Iterator[tuple[int, pd.DataFrame]]:
    place = {name: number for number, name in enumerate(names)}
    for chrom, own in regions.groupby("chrom"):
        yield place[str(chrom)], own


def _packed(sites: pd.DataFrame) -> pd.DataFrame:
    """Return place and counts in as few bytes as they need, which is what is kept of a block."""
    place = (sites["code"].to_numpy() << POSITION_BITS) | sites["start"].to_numpy()
    columns: dict[str, Any] = {
        "place": (place << KIND_BITS) | sites["kind"].to_numpy(),
        "strand": sites["strand"].to_numpy(dtype=np.int8),
        "context": sites["context"].to_numpy(dtype=np.int8),
        "methylated": sites["methylated"].to_numpy(dtype=np.int32),
        "coverage": sites["coverage"].to_numpy(dtype=np.int32),
    }
    return pd.DataFrame(columns)


def _some(sites: pd.DataFrame, path: Path, wanted: Wanted) -> None:
    if len(sites):
        return
    where = " inside the regions" if wanted.regions is not None else ""
    message = (
        f"{path} has no covered site of context {wanted.context or 'any'} and modification "
        f"{wanted.modification}{where}. context=None keeps every context; modification= chooses "
        "5mC or 5hmC."
    )
    raise ValueError(message)


def _warn_unpaired(sites: pd.DataFrame, path: Path) -> None:
    """Warn where hardly any site has its partner: the file may hold other contexts."""
    strand, place = sites["strand"].to_numpy(), sites["place"].to_numpy()
    minus = place[strand == MINUS]
    paired = np.isin(minus, place[strand == PLUS]).mean() if len(minus) else 0.0
    if len(minus) >= 1000 and paired < _LEAST_PAIRED:
        logger.warning(
            "%s: %.1f%% of the cytosines on the minus strand have the partner of a CpG. The file "
            "states no context and may hold others: pass genome=.",
            path,
            100 * paired,
        )


def _added_up(sites: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Sort the sites and add up the strands that were merged."""
    key = (sites["place"].to_numpy() << KIND_BITS) | sites["strand"].to_numpy()
    order = np.argsort(key, kind="stable")
    key, values = key[order], {name: sites[name].to_numpy()[order] for name in sites.columns}
    again = key[1:] == key[:-1]
    differ = np.zeros(len(again), dtype=bool)
    for name in ("methylated", "coverage"):
        differ |= again & (values[name][1:] != values[name][:-1])
    if differ.any():
        first = int(values["place"][1:][differ][0]) >> KIND_BITS & ((1 << POSITION_BITS) - 1)
        message = (
            f"{path} lists {int(differ.sum())} cytosines twice with different counts, first at "
            f"{first}: it may hold several samples. Split it, or add the counts up first."
        )
        raise ValueError(message)
    once = np.append(True, ~again)
    values = {name: value[once] for name, value in values.items()}
    place = values["place"]
    starts = np.flatnonzero(np.append(True, place[1:] != place[:-1]))
    out = {name: values[name][starts] for name in ("place", "context")}
    for name in ("methylated", "coverage"):
        out[name] = np.add.reduceat(values[name], starts)
    return pd.DataFrame(out)
