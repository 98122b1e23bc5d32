"""Kernel of the consensus: the ranks of several methods, averaged, and how far they agree."""

from typing import Literal, NamedTuple

import numpy as np
import torch

from grnet._progress import progress
from grnet._registry import Kernel
from grnet.infer._arrays import Matrix, rank_genes, scale_cells, varies
from grnet.infer._ranks import tail_shares
from grnet.infer._scored import Scored, run_kernel
from grnet.infer.boost import boosted_gain
from grnet.infer.linear import partial_correlation, ridge_context

Scaling = Literal["none", "cells", "ranks"]


class Member(NamedTuple):
    """A kernel of the consensus and how the expression is scaled first.

    ``cells``: each cell to its own range; ``ranks``: each gene to its ranks over the cells.
    """

    name: str
    kernel: Kernel
    scaling: Scaling


MEMBERS = (
    Member("partial_correlation_cells", partial_correlation, "cells"),
    Member("partial_correlation_ranks", partial_correlation, "ranks"),
    Member("ridge_context", ridge_context, "none"),
    Member("ridge_context_ranks", ridge_context, "ranks"),
    Member("boost_cells", boosted_gain, "cells"),
)
"""Chosen on all benchmark sets together, not on one; see benchmarks/README.md."""


Reference = dict[str, np.ndarray]
"""What each member tests of one data set, ascending."""


def combine(members: dict[str, Scored], reference: Reference | None = None) -> Scored:
    """Combine the members' scores by their ranks, whatever their units.

    Returns
    -------
    Scores: the mean over members of ``-log10`` of the share of pairs that a member ranks at least
    as strong, so that a pair at the very top of a few members stands above one in the upper half of
    all; the sign is that of the weighted majority. The column ``agreement`` is the share of members
    that rank the pair among their strongest hundredth. The facts hold the mean rank correlation
    of each member with the others, and the mean of these.

    Notes
    -----
    Fisher's combination of p-values, on ranks; Marbach et al. (2012) for crowds of methods.
    """
    shares = {name: tail_shares(np.abs(member.scores)) for name, member in members.items()}
    evidence = {name: -np.log10(share) for name, share in shares.items()}
    total = np.mean(list(evidence.values()), axis=0)
    votes = np.sum([np.sign(members[name].scores) * evidence[name] for name in members], axis=0)
    agreement = np.mean([share <= 0.01 for share in shares.values()], axis=0, dtype=np.float32)
    stacked = np.stack([share.ravel() for share in shares.values()])
    with np.errstate(invalid="ignore"):  # a member that scores nothing agrees with nobody
        others = np.nan_to_num(np.corrcoef(stacked, dtype=np.float32))
    np.fill_diagonal(others, 0.0)
    with_others = others.sum(axis=0) / max(len(shares) - 1, 1)
    facts = {
        "agreement": float(with_others.mean()),
        **{f"agreement_{name}": float(r) for name, r in zip(shares, with_others, strict=True)},
    }
    signed = np.asarray(np.where(votes < 0, -total, total), dtype=np.float32)
    if reference is None:
        reference = {name: np.sort(member.tested, axis=None) for name, member in members.items()}
    return Scored(
        signed,
        {"agreement": np.asarray(agreement)},
        facts,
        statistic=_joint_statistic(members, reference),
        reference=reference,
    )


def _joint_statistic(members: dict[str, Scored], reference: Reference) -> np.ndarray:
    """Return the mean evidence of what the members test, on the scale of the reference."""
    shares = [
        tail_shares(member.tested, ascending=reference[name]) for name, member in members.items()
    ]
    return np.asarray(-np.mean(np.log10(shares), axis=0))


def combined_ranks(
    x: np.ndarray,
    y: Matrix,
    own: np.ndarray,
    *,
    rng: np.random.Generator,
    device: torch.device,
    reference: Reference | None = None,
) -> Scored:
    """Rank combination of partial correlation, ridge against its background, and boosting."""
    inputs: dict[Scaling, tuple[np.ndarray, Matrix]] = {
        "none": (x, y),
        "cells": scale_cells(x, y),
        "ranks": rank_genes(x, y),
    }
    scored = {}
    for member in progress(MEMBERS, "consensus", total=len(MEMBERS)):
        scored[member.name] = run_kernel(
            member.kernel, *inputs[member.scaling], own, rng=rng, device=device
        )
    result = combine(scored, reference)
    # scaling the cells makes a constant gene vary: with nothing to explain it has no edges
    result.scores[~np.outer(varies(x), varies(y))] = 0.0
    return result
