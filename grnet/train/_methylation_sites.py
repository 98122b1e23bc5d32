"""CpGs with reads: in order along the genome, hidden or seen, and their neighbours."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp
from anndata import AnnData

from grnet import _checks, _intervals
from grnet.io.genome import Genome

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

_CHROMOSOME = 32
"""A place is one number: the chromosome's times two to this power, and the position."""

_ONE_CPG = 1
"""Two cytosines so far apart are the two strands of one CpG."""


@dataclass(frozen=True, eq=False)
class Sites:
    """CpGs in order, and their reads in one sample."""

    frame: pd.DataFrame
    place: Ints
    methylated: Floats
    coverage: Floats

    @property
    def covered(self) -> Mask:
        """Whether a CpG has reads."""
        return self.coverage > 0

    @property
    def same_cpg(self) -> Ints:
        """The number of the CpG that each row belongs to: both strands have one."""
        return np.cumsum(np.diff(self.place, prepend=self.place[0]) > _ONE_CPG)


def sites_of(given: AnnData | pd.DataFrame, *, sample: str | None) -> Sites:
    """Return the sites of an AnnData or a frame, sorted along the genome.

    Raises
    ------
    ValueError
        If counts are missing, impossible, or all zero, or the sample is unknown.
    """
    frame, methylated, coverage = (
        _of_frame(given) if isinstance(given, pd.DataFrame) else _of_adata(given, sample)
    )
    wrong = (methylated < 0) | (methylated > coverage)
    if wrong.any():
        message = (
            f"{int(wrong.sum())} of {len(frame)} sites have more methylated reads than reads, or "
            f"fewer than none: {_checks.examples(_intervals.names(frame.loc[wrong]))}. Are the "
            "columns mixed up, or levels given in place of counts?"
        )
        raise ValueError(message)
    chrom, _ = pd.factorize(frame["chrom"], sort=True)
    place = (chrom.astype(np.int64) << _CHROMOSOME) + frame["start"].to_numpy(np.int64)
    order = np.argsort(place, kind="stable")
    place = place[order]
    doubled = np.flatnonzero(np.diff(place) == 0)
    if len(doubled):
        names = _intervals.names(frame.iloc[order[doubled]])
        message = (
            f"{len(doubled)} sites occur twice ({_checks.examples(names)}): add up their reads."
        )
        raise ValueError(message)
    return Sites(frame.iloc[order], place, methylated[order], coverage[order])


def _of_frame(given: pd.DataFrame) -> tuple[pd.DataFrame, Floats, Floats]:
    what = "the frame of CpGs"
    _checks.has_columns(given, ("chrom", "start", "methylated", "coverage"), what)
    frame = given if "end" in given else given.assign(end=given["start"] + 1)
    methylated, coverage = (given[name].to_numpy(np.float32) for name in ("methylated", "coverage"))
    return _intervals.checked(frame[list(_intervals.COLUMNS)], what=what), methylated, coverage


def _of_adata(given: AnnData, sample: str | None) -> tuple[pd.DataFrame, Floats, Floats]:
    missing = [name for name in ("methylated", "coverage") if name not in given.layers]
    if missing:
        message = (
            f"adata.layers lacks {_checks.examples(missing)}: expected counts of reads, as "
            "gn.io.read_methylation gives them."
        )
        raise ValueError(message)
    if sample is not None:
        _checks.one_of(sample, [str(name) for name in given.obs_names], "sample")
    rows = slice(None) if sample is None else given.obs_names.get_indexer([sample])
    methylated, coverage = (
        np.asarray(sp.csr_matrix(given.layers[name])[rows].sum(axis=0), np.float32).ravel()
        for name in ("methylated", "coverage")
    )
    return _intervals.of_variables(given.var, what="the CpGs"), methylated, coverage


def inside(sites: Sites, regions: pd.DataFrame) -> Mask:
    """Return which sites start in one of the regions."""
    wanted = _intervals.checked(regions, what="held_out")
    found = np.zeros(len(sites.place), dtype=bool)
    for chrom, rows in wanted.groupby("chrom"):
        own = (sites.frame["chrom"] == chrom).to_numpy()
        start = sites.frame["start"].to_numpy()[own]
        hit = np.zeros(len(start), dtype=bool)
        for low, high in zip(rows["start"], rows["end"], strict=True):
            hit[np.searchsorted(start, low) : np.searchsorted(start, high)] = True
        found[own] = hit
    return found


def drawn(sites: Sites, share: float, *, block: int, rng: np.random.Generator) -> Mask:
    """Return a random share of the CpGs: single ones, or all of blocks of so many bases."""
    chrom, start = sites.place >> _CHROMOSOME, sites.frame["start"].to_numpy(np.int64)
    group = (chrom << _CHROMOSOME) + start // block if block else sites.same_cpg
    groups, number = np.unique(group, return_inverse=True)
    # with blocks, both strands of a CpG at the seam of two blocks go with the first
    first = np.unique(sites.same_cpg, return_index=True)[1]
    number = number[first][sites.same_cpg]
    chosen = rng.permutation(len(groups))[: max(1, round(share * len(groups)))]
    return np.isin(number, chosen)


def neighbours(
    sites: Sites, seen: Ints, targets: Ints, *, n: int, gap: tuple[Ints, Ints] | None = None
) -> Floats:
    """Return the nearest seen sites on either side of targets: (N, 2n, 3).

    The last axis is methylated reads, reads and signed distance; an empty place is zero. ``seen``
    are the numbers of the sites that may be looked at, in order. The target and the other strand
    of its CpG are never among them, nor is what lies within ``gap``, bases to the left and right.
    """
    at = sites.place[targets]
    left, right = (_ONE_CPG, _ONE_CPG) if gap is None else gap
    places = sites.place[seen]
    step = np.arange(n)
    before = np.searchsorted(places, at - left, "left")[:, None] - 1 - step
    after = np.searchsorted(places, at + right, "right")[:, None] + step
    index = np.concatenate([before[:, ::-1], after], axis=1)
    there = (index >= 0) & (index < len(places))
    row = seen[np.where(there, index, 0)] if len(seen) else np.zeros_like(index)
    there &= sites.place[row] >> _CHROMOSOME == at[:, None] >> _CHROMOSOME
    out = np.empty((len(targets), 2 * n, 3), dtype=np.float32)
    out[..., 0] = sites.methylated[row]
    out[..., 1] = sites.coverage[row]
    out[..., 2] = sites.place[row] - at[:, None]
    out[~there] = 0
    return out


def windows(sites: Sites, genome: Genome) -> pd.DataFrame:
    """Return the CpG of each site as two bases of the genome.

    Raises
    ------
    ValueError
        If most sites are no CpGs of this genome.
    """
    frame = genome.harmonise(sites.frame.reset_index(drop=True), what="the CpGs")
    if len(frame) < len(sites.frame):
        message = (
            f"{len(sites.frame) - len(frame)} CpGs lie on chromosomes that the genome lacks: "
            "drop them first."
        )
        raise ValueError(message)
    base = genome.sequence(frame.assign(end=frame["start"] + 1))[:, 0]
    start = frame["start"].to_numpy() - (base == 2)
    size = frame["chrom"].map(genome.sizes).to_numpy()
    whole = (start >= 0) & (start + 2 <= size)
    found: pd.DataFrame = frame.assign(start=start, end=start + 2).loc[whole]
    share = float((genome.sequence(found) == [1, 2]).all(axis=1).mean()) if len(found) else 0.0
    if share < 0.5 or not whole.all():
        message = (
            f"Only {share:.0%} of the sites are a CG in the genome: they come from another "
            "assembly, or their positions are 1-based. Take the genome that the reads were "
            "mapped to."
        )
        raise ValueError(message)
    return found
