"""Kernel of graph networks: from known edges where there are some, else from the cells alone."""

from typing import Literal

import numpy as np
import torch

from grnet import _checks
from grnet.infer._arrays import Matrix, leave_out_own, varies
from grnet.infer._knowledge import GraphOfInputs, KnownPairs
from grnet.infer._scored import Scored
from grnet.infer.linear import pearson

GraphKind = Literal["sage", "gatv2", "hgt"]


def graph_network(  # noqa: PLR0913 - every option of the method is a keyword
    x: np.ndarray,
    y: Matrix,
    own: np.ndarray,
    *,
    rng: np.random.Generator,
    device: torch.device,
    known: KnownPairs | None = None,
    graph: GraphOfInputs | None = None,
    kind: GraphKind = "sage",
    max_epochs: int | None = None,
    n_folds: int = 5,
    n_negatives: int = 5,
    n_members: int = 2,
    class_prior: float | None = None,
) -> Scored:
    """Probability of a known edge, signed by the correlation; without known edges a coefficient.

    With known edges each pair is scored by models that did not train on it, and weights are
    calibrated probabilities at the rate of known edges among the pairs of their TFs. Without,
    ridge whose penalties a graph network has learnt from the prediction of held-out cells.
    """
    _checks.one_of(kind, ("sage", "gatv2", "hgt"), "kind")
    _checks.whole(n_folds, 3, 100, what="n_folds")
    _checks.whole(1 if max_epochs is None else max_epochs, 1, 100_000, what="max_epochs")
    _checks.whole(n_negatives, 1, 1000, what="n_negatives")
    _checks.whole(n_members, 1, 1000, what="n_members")
    # the other methods do without what these import
    from grnet.infer._cross_fitted import cross_fitted, trees_and_networks  # noqa: PLC0415
    from grnet.infer._expression_graph import expression_graph  # noqa: PLC0415
    from grnet.infer._gated_ridge import graph_regression  # noqa: PLC0415

    if known is None:
        scored = graph_regression(
            x, y, own, evidence=graph, kind=kind, max_epochs=max_epochs or 12, rng=rng,
            device=device,
        )  # fmt: skip
    else:
        nodes = expression_graph(x, y, own, evidence=graph)
        members = trees_and_networks(nodes, kind=kind, n_members=n_members, class_prior=class_prior)
        scored = cross_fitted(
            nodes, known, own, members=members, n_folds=n_folds, n_negatives=n_negatives,
            max_epochs=max_epochs or 100, rng=rng, device=device,
        )  # fmt: skip
        correlation = pearson(x, y, own, rng=rng, device=device)
        scored = scored._replace(scores=scored.scores * np.sign(correlation))
    scored.scores[~np.outer(varies(x), varies(y))] = 0.0
    leave_out_own(scored.scores, own)
    return scored
