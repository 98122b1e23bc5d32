"""Methylation levels of regions, shrunken as far as their coverage asks for."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Literal, get_args

import anndata as ad
import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp
from scipy.optimize import minimize
from scipy.special import betaln, digamma, expit, logit

from grnet import _checks, _chromosomes, _intervals
from grnet._progress import progress
from grnet.pp._matrix import matrix_of, record

logger = logging.getLogger(__name__)

Shrinkage = Literal["beta-binomial", "none"]
Floats = npt.NDArray[np.float64]

_LEAST_REGIONS = 10
_LOG_STRENGTH = (-3.0, 12.0)
_LOGIT_LEVEL = (-9.0, 9.0)


@dataclass(frozen=True)
class _Prior:
    """What a sample's regions look like before their reads are seen: a beta distribution."""

    level: float
    strength: float
    source: str


_FLAT = _Prior(0.5, 2.0, "flat")


def methylation_levels(
    adata: ad.AnnData,
    regions: pd.DataFrame,
    *,
    shrinkage: Shrinkage = "beta-binomial",
    min_coverage: int = 1,
) -> ad.AnnData:
    """Add up the reads of the cytosines in each region and estimate its level of methylation.

    Parameters
    ----------
    adata
        Samples x cytosines, from ``gn.io.read_methylation``. It is left as it is.
    regions
        Columns ``chrom, start, end``; further columns and an index of names are kept. A cytosine
        belongs to a region if its C does.
    shrinkage
        ``"beta-binomial"`` pulls levels towards the sample's own distribution over the regions,
        the more the fewer reads they have; ``"none"`` takes the share of methylated reads.
    min_coverage
        Least reads for a region to have a raw level and to count when the prior is fitted.

    Returns
    -------
    AnnData, samples x regions
        ``X``: the level, 0 to 1. Layers: ``level`` (share of methylated reads, NaN below
        ``min_coverage``), ``methylated`` and ``coverage`` (reads), ``sd`` (posterior standard
        deviation; NaN without shrinkage). ``obs``: ``prior_level``, ``prior_strength`` (in reads)
        and ``prior_source``, with shrinkage; ``var``: ``n_sites``. An uncovered region has the
        level and the spread of the prior.

    Raises
    ------
    ValueError
        If no chromosome agrees, no cytosine lies in a region, or a layer of counts is missing.

    Notes
    -----
    Empirical Bayes: reads are binomial given the region's level, levels are beta-distributed over
    the regions of a sample, and this distribution is fitted by maximum likelihood. A sample with
    fewer than ten usable regions takes the fit of all samples together. ``sd`` knows of the number
    of reads, not of differences between the cytosines of a region or between replicates.

    Examples
    --------
    >>> import anndata as ad
    >>> import numpy as np
    >>> import pandas as pd
    >>> import grnet as gn
    >>> sites = pd.DataFrame({"chrom": "chr1", "start": [3, 5, 40]}, index=list("abc"))
    >>> counts = {"methylated": np.array([[3, 1, 0]]), "coverage": np.array([[4, 1, 2]])}
    >>> sites["end"] = sites["start"] + 1
    >>> reads = ad.AnnData(var=sites, layers=counts, shape=(1, 3))
    >>> promoters = pd.DataFrame({"chrom": "1", "start": [0, 30], "end": [10, 50]})
    >>> levels = gn.pp.methylation_levels(reads, promoters)
    >>> levels.layers["level"], levels.X.round(2)
    (array([[0.8, 0. ]], dtype=float32), array([[0.71, 0.25]], dtype=float32))
    """
    _checks.one_of(shrinkage, get_args(Shrinkage), "shrinkage")
    wanted = _intervals.checked(regions, what="the regions")
    inside = _membership(adata, wanted)
    methylated, coverage = (_summed(adata, name, inside) for name in ("methylated", "coverage"))
    with np.errstate(invalid="ignore"):
        raw = np.where(coverage >= max(min_coverage, 1), methylated / coverage, np.nan)
    priors = _priors(methylated, coverage, max(min_coverage, 1), shrinkage=shrinkage)
    level, spread = _posterior(methylated, coverage, priors) if priors else (raw, raw * np.nan)
    var = wanted.assign(n_sites=np.asarray(inside.sum(axis=0)).ravel().astype(np.int64))
    layers = {
        "level": raw.astype(np.float32),
        "methylated": methylated.astype(np.int32),
        "coverage": coverage.astype(np.int32),
        "sd": spread.astype(np.float32),
    }
    out = ad.AnnData(
        level.astype(np.float32), obs=_obs(adata, priors), var=_named(var), layers=layers
    )
    out.uns = {key: value for key, value in adata.uns.items() if key.startswith("grnet")}
    record(out, "methylation_levels", shrinkage=shrinkage, min_coverage=min_coverage)
    return out


def _membership(adata: ad.AnnData, regions: pd.DataFrame) -> sp.csc_matrix:
    """Return the matrix of cytosines x regions, 1 where the C lies inside."""
    sites = _intervals.checked(adata.var, what="adata.var").reset_index(drop=True)
    sites = sites.assign(end=sites["start"] + 1)[list(_intervals.COLUMNS)]
    known = _chromosomes.renamed(sites, regions["chrom"].unique(), what="adata.var")
    rows, columns = _intervals.overlaps(known, regions)
    if len(rows) == 0:
        message = (
            f"No cytosine of {adata.n_vars} lies in any of {len(regions)} regions: cytosines are "
            f"{_checks.examples(_intervals.names(sites.head(4)))}, regions "
            f"{_checks.examples(_intervals.names(regions.head(4)))}. Both must come from the same "
            "assembly."
        )
        raise ValueError(message)
    ones = np.ones(len(rows), dtype=np.int64)
    places = (known.index.to_numpy()[rows], columns)
    return sp.csc_matrix((ones, places), shape=(adata.n_vars, len(regions)))


def _summed(adata: ad.AnnData, layer: str, inside: sp.csc_matrix) -> Floats:
    counts = matrix_of(adata, layer)
    _checks.finite(counts, adata.var_names, f"adata.layers[{layer!r}]")
    total = sp.csr_matrix(counts) @ inside
    return np.asarray(total.toarray(), dtype=np.float64)


def _named(var: pd.DataFrame) -> pd.DataFrame:
    """Index the regions by their names: those given, else their places."""
    given = not pd.api.types.is_integer_dtype(var.index.dtype)
    var.index = var.index.astype(str) if given else _intervals.names(var)
    _checks.unique(var.index, "regions")
    return var


def _obs(adata: ad.AnnData, priors: list[_Prior]) -> pd.DataFrame:
    obs: pd.DataFrame = adata.obs.copy()
    if priors:
        obs["prior_level"] = [prior.level for prior in priors]
        obs["prior_strength"] = [prior.strength for prior in priors]
        obs["prior_source"] = [prior.source for prior in priors]
    return obs


def _priors(
    methylated: Floats, coverage: Floats, least: int, *, shrinkage: Shrinkage
) -> list[_Prior]:
    """Fit the prior of each sample; none without shrinkage."""
    if shrinkage == "none":
        return []
    # a single read tells the mean, never the spread of the levels
    usable = coverage >= max(least, 2)
    poor = usable.sum(axis=1) < _LEAST_REGIONS
    common = _FLAT
    if poor.any():
        if usable.sum() >= _LEAST_REGIONS:
            common = _fitted(methylated[usable], coverage[usable], "all samples")
        logger.warning(
            "%d of %d samples have fewer than %d regions with at least 2 reads: their prior is %s",
            *(int(poor.sum()), len(poor), _LEAST_REGIONS),
            "that of all samples" if common.source != "flat" else "flat",
        )
    rows = progress(range(len(coverage)), "samples", total=len(coverage))
    return [
        common
        if poor[row]
        else _fitted(methylated[row, usable[row]], coverage[row, usable[row]], "own")
        for row in rows
    ]


def _fitted(methylated: Floats, coverage: Floats, source: str) -> _Prior:
    """Fit a beta distribution of levels by the likelihood of its beta-binomial counts."""
    pairs, times = np.unique(np.stack([methylated, coverage]), axis=1, return_counts=True)
    hits, reads = pairs
    misses = reads - hits

    def loss(point: Floats) -> tuple[float, Floats]:
        level, strength = expit(point[0]), np.exp(point[1])
        a, b = level * strength, (1 - level) * strength
        value = times @ (betaln(hits + a, misses + b) - betaln(a, b))
        shared = digamma(a + b) - digamma(reads + a + b)
        by_a = times @ (digamma(hits + a) - digamma(a) + shared)
        by_b = times @ (digamma(misses + b) - digamma(b) + shared)
        slope = [(by_a - by_b) * strength * level * (1 - level), by_a * a + by_b * b]
        return -float(value) / times.sum(), -np.array(slope) / times.sum()

    middle = (times @ hits + 0.5) / (times @ reads + 1.0)
    start = np.array([logit(middle), 1.0])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[_LOGIT_LEVEL, _LOG_STRENGTH])
    return _Prior(float(expit(found.x[0])), float(np.exp(found.x[1])), source)


def _posterior(methylated: Floats, coverage: Floats, priors: list[_Prior]) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of each level, given its reads."""
    level = np.array([prior.level for prior in priors])[:, None]
    strength = np.array([prior.strength for prior in priors])[:, None]
    total = coverage + strength
    mean = (methylated + level * strength) / total
    return mean, np.sqrt(mean * (1 - mean) / (total + 1))
