"""Regions as a graph: neighbours along the chromosome, and regions open in the same cells."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch
from torch_geometric.data import HeteroData

from grnet import _checks, _intervals
from grnet._progress import progress
from grnet.graph._inputs import regions_of
from grnet.graph._peaks import add_peaks
from grnet.graph._profiles import comparable, moments, sorted_matrix
from grnet.graph.vocabulary import ADJACENT, COACCESSIBLE, PEAK

if TYPE_CHECKING:
    from anndata import AnnData

    from grnet.io.genome import Genome

logger = logging.getLogger(__name__)

Array = np.ndarray[Any, Any]

_REGIONS_AT_A_TIME = 500


def region_graph(
    regions: pd.DataFrame | AnnData,
    genome: Genome | None = None,
    *,
    max_distance: int = 10_000,
    window: int = 250_000,
    min_correlation: float = 0.2,
    n_components: int = 32,
    seed: int = 0,
) -> HeteroData:
    """Join regions to their neighbours and, given cells, to regions open in the same cells.

    Parameters
    ----------
    regions
        Intervals ``chrom, start, end``, or AnnData of cells x peaks.
    genome
        Gives GC as a feature.
    max_distance
        Largest gap in bases between neighbours along the chromosome.
    window
        Largest distance between the centres of co-accessible regions.
    min_correlation
        Least correlation over the cells of co-accessible regions, from 0 to 1.
    n_components
        Dimensions of the accessibility profile.
    seed
        Of the decomposition.

    Returns
    -------
    HeteroData with ``peak`` nodes, named and described as those of :func:`build`, and the edges
    ``peak adjacent peak`` (``gap_kb``, ``closeness``) and ``peak coaccessible peak``
    (``correlation``, ``distance_kb``), both in both directions.

    Raises
    ------
    ValueError
        If there are no regions, one occurs twice, or a setting is out of range.

    Notes
    -----
    Correlations are Pearson's, of logged depth-normalised counts, between all regions within the
    window, as in Cicero without its penalty on distance; aggregate sparse cells first.

    Examples
    --------
    >>> import pandas as pd
    >>> import grnet as gn
    >>> starts = [0, 500, 90_000]
    >>> peaks = pd.DataFrame({"chrom": "1", "start": starts, "end": [s + 300 for s in starts]})
    >>> data = gn.graph.region_graph(peaks)
    >>> data["peak", "adjacent", "peak"].edge_index.tolist()
    [[0, 1], [1, 0]]
    """
    _checks.in_range(max_distance, 0, 1 << 40, what="max_distance")
    _checks.in_range(window, 0, 1 << 40, what="window")
    _checks.in_range(min_correlation, 0.0, 1.0, what="min_correlation")
    adata = None if isinstance(regions, pd.DataFrame) else regions
    frame = _bare(regions) if adata is None else regions_of(adata)
    if frame.empty:
        message = "There are no regions: pass a frame chrom, start, end with at least one row."
        raise ValueError(message)
    _checks.unique(frame.index, "regions")
    data = HeteroData()
    add_peaks(
        data[PEAK],
        frame,
        atac=adata,
        genome=genome,
        tracks={},
        n_components=n_components,
        seed=seed,
    )
    places = _Places.of(frame)
    _write(data[ADJACENT], _adjacent(places, max_distance))
    if adata is not None:
        _write(
            data[COACCESSIBLE],
            _coaccessible(places, adata, window=window, min_correlation=min_correlation),
        )
    return data


@dataclass(frozen=True, eq=False)
class _Places:
    """Regions along the genome; ``order`` leads to their positions in the data."""

    order: Array
    chromosome: Array
    start: Array
    end: Array

    @classmethod
    def of(cls, frame: pd.DataFrame) -> _Places:
        chromosome = pd.factorize(frame["chrom"], sort=True)[0]
        start, end = (frame[column].to_numpy(np.int64) for column in ("start", "end"))
        order = np.lexsort((end, start, chromosome))
        return cls(order, chromosome[order], start[order], end[order])

    @property
    def centre(self) -> Array:
        return np.asarray((self.start + self.end) // 2)


def _bare(frame: pd.DataFrame) -> pd.DataFrame:
    checked = _intervals.checked(frame, what="the regions")[list(_intervals.COLUMNS)]
    return checked.set_axis(pd.Index(_intervals.names(checked)))


def _adjacent(places: _Places, max_distance: int) -> pd.DataFrame:
    """Return neighbours along the chromosome; regions that overlap have a gap of 0."""
    gap = np.maximum(places.start[1:] - places.end[:-1], 0)
    near = (places.chromosome[1:] == places.chromosome[:-1]) & (gap <= max_distance)
    first = np.flatnonzero(near)
    closeness = 1.0 - gap[near] / (max_distance + 1.0)
    attributes = {"gap_kb": gap[near] / 1_000.0, "closeness": closeness}
    return _pairs(places, (first, first + 1), attributes)


def _coaccessible(
    places: _Places, adata: AnnData, *, window: int, min_correlation: float
) -> pd.DataFrame:
    """Return pairs of regions within the window that are open in the same cells."""
    matrix = comparable(sorted_matrix(adata, places.order))
    mean, spread = moments(matrix)
    columns = sp.csc_matrix(matrix)
    varies = spread > 1e-9 * np.maximum(np.abs(mean), 1e-12)
    scale = np.where(varies, 1.0 / np.where(varies, spread, 1.0), 0.0)
    n_cells, n_regions = columns.shape
    # no centre lies before its start, so starts, which are sorted, bound the partners
    origin = places.chromosome * (1 << 40)
    starts, centres = origin + places.start, origin + places.centre
    parts = []
    for start in progress(range(0, n_regions, _REGIONS_AT_A_TIME), "co-accessible regions"):
        stop = min(start + _REGIONS_AT_A_TIME, n_regions)
        last = int(np.searchsorted(starts, centres[start:stop].max() + window, "right"))
        products = (columns[:, start:stop].T @ columns[:, start:last]).toarray() / n_cells
        products -= np.outer(mean[start:stop], mean[start:last])
        products *= np.outer(scale[start:stop], scale[start:last])
        first, second = np.nonzero(np.triu(products >= min_correlation, 1))
        found = products[first, second]
        parts.append((first + start, second + start, found))
    first, second, correlation = (np.concatenate(part) for part in zip(*parts, strict=True))
    distance = np.abs(places.centre[second] - places.centre[first])
    near = (places.chromosome[first] == places.chromosome[second]) & (distance <= window)
    if not near.any():
        logger.warning("no two regions within %d bases correlate by %g", window, min_correlation)
    attributes = {
        "correlation": np.minimum(correlation[near], 1.0),
        "distance_kb": distance[near] / 1_000.0,
    }
    return _pairs(places, (first[near], second[near]), attributes)


def _pairs(
    places: _Places, ends: tuple[Array, Array], attributes: dict[str, Array]
) -> pd.DataFrame:
    """Return pairs in both directions, by position in the data."""
    one, other = (places.order[end] for end in ends)
    ahead = pd.DataFrame({"source": one, "target": other, **attributes})
    back = ahead.rename(columns={"source": "target", "target": "source"})
    return pd.concat([ahead, back]).sort_values(["source", "target"], ignore_index=True)


def _write(store: Any, edges: pd.DataFrame) -> None:  # noqa: ANN401 - a store of edges
    ends = edges[["source", "target"]].to_numpy(np.int64).T.copy()
    attributes = edges.drop(columns=["source", "target"])
    store.edge_index = torch.from_numpy(ends)
    store.edge_attr = torch.from_numpy(attributes.to_numpy(np.float32).copy())
    store.edge_attr_names = [str(column) for column in attributes]
