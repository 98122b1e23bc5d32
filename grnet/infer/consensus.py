"""Kernel of the consensus: the ranks of several methods, averaged, and how far they agree."""

from collections.abc import Callable
from itertools import combinations
from typing import NamedTuple

import numpy as np
import torch
from scipy.stats import rankdata

from grnet._progress import progress
from grnet.infer._arrays import Matrix, scale_cells
from grnet.infer.boost import boosted_gain
from grnet.infer.linear import clr, partial_correlation, ridge_context

Kernel = Callable[..., np.ndarray]


class Scored(NamedTuple):
    """Scores of a kernel that has more to tell.

    ``columns`` are regulators x targets matrices that become columns of the edges; ``facts`` are
    numbers that become parameters of the network.
    """

    scores: np.ndarray
    columns: dict[str, np.ndarray]
    facts: dict[str, float]


class Member(NamedTuple):
    """A kernel of the consensus and whether cells are scaled to their own range first."""

    name: str
    kernel: Kernel
    cells_scaled: bool


MEMBERS = (
    Member("partial_correlation", partial_correlation, cells_scaled=True),
    Member("ridge_context", ridge_context, cells_scaled=False),
    Member("clr", clr, cells_scaled=False),
    Member("boost", boosted_gain, cells_scaled=False),
)
"""Chosen on all benchmark sets together; see benchmarks/README.md."""


def _ranks(scores: np.ndarray) -> np.ndarray:
    """Return ranks of the absolute scores in (0, 1]; a score of zero has rank zero."""
    strength = np.abs(scores).ravel()
    ranks = rankdata(strength).astype(np.float32) / max(len(strength), 1)
    ranks[strength == 0] = 0.0
    return ranks.reshape(scores.shape)


def combine(members: dict[str, np.ndarray]) -> Scored:
    """Average the ranks of the members' absolute scores; the sign is that of the majority.

    Returns
    -------
    Scores in [-1, 1]; the column ``agreement``, the share of members that rank the pair among the
    strongest tenth; and the mean rank correlation of pairs of members.
    """
    ranks = {name: _ranks(scores) for name, scores in members.items()}
    mean = np.mean(list(ranks.values()), axis=0)
    votes = np.sum([np.sign(members[name]) * ranks[name] for name in members], axis=0)
    agreement = np.mean([rank > 0.9 for rank in ranks.values()], axis=0, dtype=np.float32)
    correlations = {
        f"agreement_{a}_{b}": float(np.corrcoef(ranks[a].ravel(), ranks[b].ravel())[0, 1])
        for a, b in combinations(ranks, 2)
    }
    facts = {"agreement": float(np.mean(list(correlations.values()))), **correlations}
    signed = mean * np.where(votes < 0, -1.0, 1.0).astype(np.float32)
    return Scored(signed, {"agreement": agreement}, facts)


def consensus(
    x: np.ndarray,
    y: Matrix,
    own: np.ndarray,
    *,
    rng: np.random.Generator,
    device: torch.device,
) -> Scored:
    """Rank combination of partial correlation, ridge, context likelihood and boosting."""
    scaled = scale_cells(x, y)
    scores = {}
    for member in progress(MEMBERS, "consensus"):
        inputs = scaled if member.cells_scaled else (x, y)
        scores[member.name] = member.kernel(*inputs, own, rng=rng, device=device)
    return combine(scores)
