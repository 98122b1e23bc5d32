"""Kernel of the joint model: expression, graph and DNA weigh in on every pair."""

from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from grnet import _checks
from grnet.infer._arrays import Matrix, leave_out_own, varies
from grnet.infer._knowledge import GraphOfInputs, KnownPairs
from grnet.infer._scored import Scored
from grnet.infer.linear import pearson

if TYPE_CHECKING:
    from grnet.infer._cross_fitted import Members
    from grnet.infer._expression_graph import ExpressionGraph

Kind = Literal["sage", "gatv2", "hgt"]


def joint_layers(  # noqa: PLR0913 - every option of the method is a keyword
    x: np.ndarray,
    y: Matrix,
    own: np.ndarray,
    *,
    rng: np.random.Generator,
    device: torch.device,
    known: KnownPairs | None = None,
    graph: GraphOfInputs | None = None,
    model: np.ndarray | None = None,
    kind: Kind = "sage",
    max_epochs: int | None = None,
    n_folds: int = 5,
    n_negatives: int = 5,
) -> Scored:
    """Probability of a known edge, signed by the correlation; without known edges a mean of layers.

    With known edges as :func:`graph_network`, by one joint model a fold, which reads the DNA that
    the graph keeps. Without, nothing tells how far a layer can be trusted: the standardised ranks
    of ridge with learnt penalties, of the evidence between TF and gene, and of the affinity of the
    gene's peaks to the TF's motifs count alike. ``model`` are the scores of a model trained before.
    """
    _checks.one_of(kind, ("sage", "gatv2", "hgt"), "kind")
    _checks.whole(n_folds, 3, 100, what="n_folds")
    _checks.whole(1 if max_epochs is None else max_epochs, 1, 100_000, what="max_epochs")
    _checks.whole(n_negatives, 1, 1000, what="n_negatives")
    # the other methods do without what these import
    from grnet.infer._cross_fitted import cross_fitted  # noqa: PLC0415
    from grnet.infer._even_layers import even_layers  # noqa: PLC0415
    from grnet.infer._expression_graph import expression_graph  # noqa: PLC0415
    from grnet.infer._gated_ridge import graph_regression  # noqa: PLC0415

    correlation = pearson(x, y, own, rng=rng, device=device)
    if model is not None:
        scored = Scored(model.copy(), {}, {})
    elif known is None:
        nodes = expression_graph(x, y, own, evidence=graph)
        ridge = graph_regression(
            x, y, own, evidence=graph, kind=kind, max_epochs=max_epochs or 12, rng=rng,
            device=device,
        )  # fmt: skip
        scored = even_layers(ridge, nodes, device=device)
    else:
        nodes = expression_graph(x, y, own, evidence=graph)
        scored = cross_fitted(
            nodes, known, own, members=_joint(nodes, kind=kind, device=device), n_folds=n_folds,
            n_negatives=n_negatives, max_epochs=max_epochs or 100, rng=rng, device=device,
        )  # fmt: skip
    scored = scored._replace(scores=scored.scores * np.sign(correlation))
    scored.scores[~np.outer(varies(x), varies(y))] = 0.0
    leave_out_own(scored.scores, own)
    return scored


def _joint(nodes: "ExpressionGraph", *, kind: Kind, device: torch.device) -> "Members":
    """Return the training of one joint model."""
    from grnet.train import EdgeSplit, FitSettings, fit_joint  # noqa: PLC0415 - as above
    from grnet.train.pair_ensemble import ScoresPairs  # noqa: PLC0415

    def trained(split: EdgeSplit, settings: FitSettings, seed: int) -> list[ScoresPairs]:
        done = fit_joint(
            nodes.data, split, kind=kind, settings=settings, device=str(device), seed=seed
        )
        return [done]

    return trained
