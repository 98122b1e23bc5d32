"""Coordinates of a network drawing: force-directed, deterministic, no two nodes overlapping."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    import pandas as pd

    from grnet.grn import GRN

Points = np.ndarray[Any, np.dtype[np.float64]]
Codes = np.ndarray[Any, np.dtype[np.intp]]

_EXACT_BELOW = 1000
_CELLS = 24
_NEAREST = 8
_STEPS = 120
_LARGE = 5_000


def node_positions(grn: GRN, *, width: float, height: float, seed: int = 0) -> Points:
    """Return ``x, y`` of every node of ``grn.nodes``, each the centre of a free box.

    Repulsion between all nodes is exact in small networks; in large ones far nodes act through
    the centres of a coarse grid (Fruchterman and Reingold, Software 21, 1991), so that the time
    grows linearly: 2,000 nodes take about three seconds. ``y`` grows downwards, as on a screen.
    """
    source, target = edge_codes(grn.edges, grn.nodes.index)
    n = len(grn.nodes)
    apart = source != target
    pairs = np.unique(np.sort(np.column_stack([source[apart], target[apart]]), axis=1), axis=0)
    points = _force_directed(n, pairs, np.random.default_rng(seed))
    return np.round(_without_overlap(points, np.array([width, height])), 1)


def edge_codes(edges: pd.DataFrame, nodes: pd.Index) -> tuple[Codes, Codes]:
    """Return the positions of sources and targets among the nodes."""
    codes = []
    for column in ("source", "target"):
        of_category = nodes.get_indexer(edges[column].cat.categories.astype(str))
        codes.append(of_category[edges[column].cat.codes.to_numpy()])
    return codes[0], codes[1]


def _force_directed(n: int, pairs: Codes, rng: np.random.Generator) -> Points:
    """Return positions at which springs of length about 1 along the pairs are at rest."""
    side = np.sqrt(n)
    points = rng.uniform(-0.5, 0.5, (n, 2)) * side
    degree = np.bincount(pairs.ravel(), minlength=n).astype(np.float64)
    stiffness = 1.0 / np.sqrt(np.maximum(np.minimum(degree[pairs[:, 0]], degree[pairs[:, 1]]), 1))
    gravity = _gravity(n, pairs)
    steps = _STEPS if n < _LARGE else _STEPS // 3
    for step in range(steps):
        force = _repulsion(points, rng) - gravity * points
        along = points[pairs[:, 0]] - points[pairs[:, 1]]
        pull = along * (np.linalg.norm(along, axis=1) * stiffness)[:, None]
        for axis in range(2):
            force[:, axis] -= np.bincount(pairs[:, 0], pull[:, axis], minlength=n)
            force[:, axis] += np.bincount(pairs[:, 1], pull[:, axis], minlength=n)
        size = np.maximum(np.linalg.norm(force, axis=1), 1e-9)
        heat = 0.15 * side * (1.0 - step / steps) ** 2 + 0.01
        points += force * (np.minimum(size, heat) / size)[:, None]
    return np.asarray(points - points.mean(axis=0))


def _gravity(n: int, pairs: Codes) -> Points:
    """Return the pull to the centre: weak where most nodes hang together, else strong."""
    links = sp.coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    _, component = connected_components(links, directed=False)
    share = np.bincount(component)[component] / n
    return np.asarray(0.05 + 0.55 * (1.0 - share))[:, None]


def _repulsion(points: Points, rng: np.random.Generator) -> Points:
    if len(points) <= _EXACT_BELOW:
        return _push(points, points, np.ones(len(points)))
    place = (points - points.min(axis=0)) / (np.ptp(points, axis=0) + 1e-9)
    shifted = place * (_CELLS - 1) + rng.uniform(0.0, 1.0, 2)  # no seam stays where it is
    column, row = np.minimum(shifted, _CELLS - 1).astype(np.intp).T
    cell = column * _CELLS + row
    mass = np.bincount(cell, minlength=_CELLS**2).astype(np.float64)
    used = mass > 0
    centres = np.column_stack(
        [np.bincount(cell, points[:, axis], minlength=_CELLS**2) for axis in range(2)]
    )
    far = _push(points, centres[used] / mass[used, None], mass[used], soft=0.5)
    _, near = cKDTree(points).query(points, k=_NEAREST + 1)
    away = points[:, None, :] - points[near[:, 1:]]
    closeness = 1.0 / np.maximum((away**2).sum(axis=2), 1e-3)
    return np.asarray(
        far + (away * np.where(closeness > 1.0, closeness, 0.0)[:, :, None]).sum(axis=1)
    )


def _push(points: Points, centres: Points, mass: Points, *, soft: float = 1e-3) -> Points:
    """Return the sum of ``mass * d / |d|^2`` over the centres, as three matrix products."""
    distance = (points**2).sum(axis=1)[:, None] + (centres**2).sum(axis=1)
    distance -= 2.0 * points @ centres.T
    closeness = mass / np.maximum(distance, soft)
    return np.asarray(points * closeness.sum(axis=1)[:, None] - closeness @ centres)


def _without_overlap(points: Points, box: Points) -> Points:
    """Scale to the size of the boxes and push overlapping boxes apart."""
    if len(points) < 2:
        return points
    room = 1.1
    nearest = cKDTree(points).query(points, k=2)[0][:, 1]
    scale = 1.1 * np.sqrt(box.prod()) / max(float(np.quantile(nearest, 0.75)), 1e-9)
    unit = points * scale / box
    for _ in range(400):
        pairs = cKDTree(unit).query_pairs(room, p=np.inf, output_type="ndarray")
        if not len(pairs):
            break
        unit = _parted(unit, pairs, room)
        unit *= 1.002
    return np.asarray(unit * box)


def _parted(unit: Points, pairs: Codes, room: float) -> Points:
    """Move the two boxes of each pair apart, along the axis on which they overlap less."""
    apart = unit[pairs[:, 0]] - unit[pairs[:, 1]]
    lacking = room - np.abs(apart)
    axis = np.argmin(lacking, axis=1)
    rows = np.arange(len(pairs))
    direction = np.where(apart[rows, axis] >= 0, 1.0, -1.0)
    shift = 0.55 * np.minimum(lacking[rows, axis], 0.5) * direction
    moved = unit.copy()
    n = len(unit)
    for which in range(2):
        step = np.where(axis == which, shift, 0.0)
        moved[:, which] += np.bincount(pairs[:, 0], step, minlength=n)
        moved[:, which] -= np.bincount(pairs[:, 1], step, minlength=n)
    return moved
