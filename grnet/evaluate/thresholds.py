"""Receiver-operating and precision-recall curves, ready to draw."""

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from grnet.evaluate._candidates import CandidateRule
from grnet.evaluate._ranking import Ranking
from grnet.evaluate._rankings import Ranked, network_rankings, null_rankings, question
from grnet.evaluate._truth import Truth
from grnet.grn import GRN

if TYPE_CHECKING:
    from anndata import AnnData

MAX_POINTS = 1000


def curves(  # noqa: PLR0913 - the options of `score`
    grn: GRN | Mapping[str, GRN],
    truth: Truth,
    *,
    candidates: CandidateRule = "beeline",
    tfs: Iterable[str] | None = None,
    genes: Iterable[str] | None = None,
    adata: "AnnData | None" = None,
    signed: bool = False,
    nulls: bool = True,
    seed: int = 0,
) -> pd.DataFrame:
    """Return the ROC and precision-recall curves of networks and nulls.

    Parameters
    ----------
    grn
        A network, or several by name.
    truth, candidates, tfs, genes, adata, signed, nulls, seed
        As in :func:`grnet.evaluate.score`.

    Returns
    -------
    One row per point, at most 1,000 per curve: ``ranking`` (with its context, if any), ``is_null``,
    ``curve`` (``"roc"`` or ``"pr"``), ``x`` (false positive rate, or recall), ``y`` (true positive
    rate, or precision) and ``density``, the precision of a random ranking.

    Raises
    ------
    ValueError
        If the truth or a network has no name in common with the candidates.

    Notes
    -----
    Points are the corners of the exact curve, at the scores of true pairs. Where there are more
    than 1,000, half of those kept lie evenly along the curve and half at equal ratios of rank, so
    that the shape stays, that of the top edges on a logarithmic axis too.

    Examples
    --------
    >>> import pandas as pd
    >>> import grnet as gn
    >>> edges = pd.DataFrame(
    ...     {"source": ["A", "A", "B"], "target": ["C", "B", "C"], "weight": [0.9, 0.5, 0.2]}
    ... )
    >>> truth = pd.DataFrame({"source": ["A", "B"], "target": ["C", "A"]})
    >>> points = gn.evaluate.curves(gn.GRN(edges), truth, nulls=False)
    >>> points.loc[points["curve"] == "roc", ["x", "y"]].to_numpy().tolist()
    [[0.0, 0.0], [0.0, 0.5], [1.0, 0.5], [1.0, 1.0]]
    """
    asked = question(grn, truth, candidates=candidates, tfs=tfs, genes=genes, adata=adata)
    rankings = network_rankings(asked, signed=signed)
    if nulls:
        made = null_rankings(asked.pairs, adata=adata, train=None, seed=seed)
        rankings = chain(rankings, made)
    return pd.concat([_points(ranked) for ranked in rankings], ignore_index=True)


def _points(ranked: Ranked) -> pd.DataFrame:
    """Return both curves of a ranking as one table."""
    corners = {"roc": _roc_corners(ranked.ranking), "pr": _pr_corners(ranked.ranking)}
    parts = {curve: pd.DataFrame(_thinned(xy), columns=["x", "y"]) for curve, xy in corners.items()}
    table = pd.concat(parts, names=["curve"]).reset_index("curve")
    name = f"{ranked.name} {ranked.context}" if ranked.context else ranked.name
    table.insert(0, "ranking", name)
    table.insert(1, "is_null", ranked.is_null)
    return table.assign(density=ranked.ranking.density)


def _corner_counts(ranking: Ranking) -> tuple[np.ndarray, np.ndarray]:
    """Return numbers of pairs and of true pairs at the corners: before and after each tie."""
    above, true_above, through, true_through = ranking.steps
    n = np.append(np.column_stack([above, through]).ravel(), ranking.n)
    true = np.append(np.column_stack([true_above, true_through]).ravel(), ranking.n_true)
    return n, true


def _roc_corners(ranking: Ranking) -> np.ndarray:
    n, true = _corner_counts(ranking)
    false = (n - true) / max(ranking.n - ranking.n_true, 1)
    return _without_repeats(np.column_stack([np.r_[0.0, false], np.r_[0.0, true / ranking.n_true]]))


def _pr_corners(ranking: Ranking) -> np.ndarray:
    """Return (recall, precision); the curve starts at the precision of the first score."""
    n, true = _corner_counts(ranking)
    recall, precision = true[n > 0] / ranking.n_true, true[n > 0] / n[n > 0]
    return _without_repeats(
        np.column_stack([np.r_[0.0, recall], np.r_[precision[0], precision]]),
    )


def _without_repeats(points: np.ndarray) -> np.ndarray:
    keep = np.ones(len(points), dtype=bool)
    keep[1:] = (np.diff(points, axis=0) != 0).any(axis=1)
    corners: np.ndarray = points[keep]
    return corners


def _thinned(points: np.ndarray) -> np.ndarray:
    """Keep half of the points at equal steps along the curve, half at equal ratios of rank."""
    if len(points) <= MAX_POINTS:
        return points
    length = np.r_[0.0, np.cumsum(np.abs(np.diff(points, axis=0)).sum(axis=1))]
    last = len(points) - 1
    along = np.searchsorted(length, np.linspace(0.0, length[-1], MAX_POINTS // 2))
    early = np.geomspace(1, last, MAX_POINTS // 2).round().astype(np.int64)
    kept: np.ndarray = points[np.unique(np.r_[along.clip(max=last), early])]
    return kept
