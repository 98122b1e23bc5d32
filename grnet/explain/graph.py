"""What the score of one TF and one gene comes from: nodes, edges, and the pair itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from captum.attr import Saliency
from scipy.stats import spearmanr
from torch import nn

from grnet import _checks
from grnet.explain import _graph_tables, _players
from grnet.explain._links import links
from grnet.explain._path import batch_of_one, integrated
from grnet.explain._question import PairValues, Question, asked, pair_names

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

Method = Literal["integrated_gradients", "saliency", "shap_sampling", "occlusion"]
Tensors = tuple[torch.Tensor, ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class GraphAttributions:
    """What everything that a pair is scored from contributes to its logit, largest first.

    Parameters
    ----------
    source, target
        The pair.
    nodes
        ``type, name, feature, value, contribution``: features of all nodes that are heard; values
        are in the features' own units where the graph knows them.
    edges
        ``type, source, target, contribution, along, against``: the contribution is the sum over the
        messages along the edge, from source to target, and against it.
    pair
        ``feature, value, contribution`` of what the model reads of the pair itself.
    logit, baseline
        The model's output, and that for the baselines: mean features and no edges.
    residual
        ``logit - baseline`` minus all contributions; missing for saliency, which does not add up.
    method
        How they were computed.

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    >>> data = gn.graph.build(adata, known=adata.uns["grnet_truth"], n_components=4)
    >>> model = gn.models.EdgeModel(gn.models.EdgeModelConfig.of(data))
    >>> found = gn.explain.graph_attributions(model, data, source="TF1", target="G3")
    >>> list(found.edges)
    ['type', 'source', 'target', 'contribution', 'along', 'against']
    """

    source: str
    target: str
    nodes: pd.DataFrame
    edges: pd.DataFrame
    pair: pd.DataFrame
    logit: float
    baseline: float
    residual: float
    method: str

    def agreement(self, other: "GraphAttributions", *, signed: bool = True) -> float:
        """Return how alike two attributions of one pair rank what is heard.

        Parameters
        ----------
        other
            Of the same pair and graph, such as those of a model with :func:`randomised` weights.
        signed
            Compare contributions; otherwise their magnitudes, which weights without any meaning
            share in part, as what is near the pair is heard most.

        Returns
        -------
        float
            Spearman correlation over edges and features of nodes together.

        Raises
        ------
        ValueError
            If they have nothing in common.
        """
        ours, theirs = (
            _graph_tables.contributions(found.nodes, found.edges) for found in (self, other)
        )
        both = pd.concat([ours, theirs], axis=1, join="inner")
        if len(both) < 3:
            message = (
                f"Attributions of {self.source} -> {self.target} and {other.source} -> "
                f"{other.target} share {len(both)} inputs: compare those of one pair."
            )
            raise ValueError(message)
        both = both if signed else both.abs()
        return float(spearmanr(both.iloc[:, 0], both.iloc[:, 1]).statistic)

    def __repr__(self) -> str:
        """Return the pair, the logit, and how much is left unexplained."""
        return (
            f"GraphAttributions({self.source} -> {self.target}, {self.method!r}, "
            f"{len(self.edges):,} edges, {len(self.nodes):,} features of nodes, logit "
            f"{self.logit:.3g}, baseline {self.baseline:.3g}, residual {self.residual:.2g})"
        )

    def _repr_html_(self) -> str:
        tables = {"edges": self.edges, "features of nodes": self.nodes, "the pair": self.pair}
        return _graph_tables.as_html(repr(self), tables)


def graph_attributions(  # noqa: PLR0913 - the pair, and what each method may be told
    model: nn.Module,
    data: "HeteroData",
    *,
    source: str,
    target: str,
    features: PairValues | None = None,
    method: Method = "integrated_gradients",
    baselines: Mapping[str, npt.ArrayLike] | None = None,
    tolerance: float | None = 0.01,
    max_steps: int = 2000,
    n_single: int = 50,
    n_samples: int = 25,
    seed: int = 0,
    device: str = "auto",
) -> GraphAttributions:
    """Compute what features of nodes and edges of a graph contribute to the logit of one pair.

    Parameters
    ----------
    model
        A :class:`grnet.models.EdgeModel`, or any module that is called like one and passes messages
        by ``HeteroConv`` or ``HGTConv``. Its mode and device are left as they are found.
    data
        The graph that it reads. The known edge of the pair itself is heard by nobody.
    source, target
        Names of a TF and a gene.
    features
        Those of the pair, where the model reads some: ``fit.evidence.of(pair)[0]``; named as a
        Series.
    method
        ``"integrated_gradients"`` is complete; ``"saliency"`` is the gradient at the graph itself;
        ``"shap_sampling"`` and ``"occlusion"`` take groups of inputs away, and need no gradient
        but to choose them.
    baselines
        Features of nothing by type of node (and ``"pair"``), on the scale of the model; by default
        0, the mean. Edges are silent.
    tolerance
        Largest residual as a share of |logit - baseline| (or of 0.01, where this is less); None
        aims at 0.01, and takes any.
    max_steps
        Gradients along the path of integrated gradients at most.
    n_single, n_samples
        Inputs that are a group of their own, the strongest by gradient x input (others share the
        value of their kind equally), and random orders of the groups, for SHAP.
    seed, device
        Of the orders; ``"auto"`` takes CUDA where there is one.

    Returns
    -------
    GraphAttributions

    Raises
    ------
    ValueError
        If a name is unknown, or the model reads other features.
    RuntimeError
        If integrated gradients do not reach the tolerance.

    Notes
    -----
    All that the layers bring to the pair is cut out of the graph, so that distant parts cost
    nothing. A weight on each message in all layers stands for the edge (Sundararajan et al. 2017;
    Castro et al. 2009 for SHAP; by Captum); steps are added where the path bends.

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    >>> data = gn.graph.build(adata, known=adata.uns["grnet_truth"], n_components=4)
    >>> model = gn.models.EdgeModel(gn.models.EdgeModelConfig.of(data))
    >>> found = gn.explain.graph_attributions(model, data, source="TF1", target="G3")
    >>> abs(found.residual) <= 0.01 * max(abs(found.logit - found.baseline), 0.01)
    True
    """
    _checks.one_of(method, tuple(_METHODS), "method")
    _checks.whole(max_steps, 1, 1_000_000, what="max_steps")
    _checks.whole(n_single, 0, 1_000_000, what="n_single")
    _checks.whole(n_samples, 1, 1_000_000, what="n_samples")
    compute = _METHODS[method]
    options = _Options(tolerance, max_steps, n_single, n_samples, seed)
    with asked(model, data, pair=(source, target), features=features, device=device) as question:
        start = question.baselines(baselines)
        parts = compute(question, start, options)
        with torch.no_grad():
            logit, baseline = (float(question(*at).double()) for at in (question.inputs, start))
        total = sum(float(part.double().sum()) for part in parts)
        given = {
            name: part.double().cpu().numpy()
            for name, part in zip(question.parts, parts, strict=True)
        }
        return GraphAttributions(
            source=source,
            target=target,
            nodes=_graph_tables.of_nodes(data, question.heard, given),
            edges=_graph_tables.of_edges(data, question.heard, given),
            pair=_graph_tables.of_pair(pair_names(features), question, given),
            logit=logit,
            baseline=baseline,
            residual=np.nan if method == "saliency" else logit - baseline - total,
            method=method,
        )


@dataclass(frozen=True)
class _Options:
    tolerance: float | None
    max_steps: int
    n_single: int
    n_samples: int
    seed: int


def _integrated(question: Question, start: Tensors, options: _Options) -> Tensors:
    return integrated(
        question,
        question.inputs,
        baselines=start,
        tolerance=options.tolerance,
        max_steps=options.max_steps,
    ).contributions


def _saliency(question: Question, _: Tensors, __: _Options) -> Tensors:
    batch = tuple(part[None].clone().requires_grad_() for part in question.inputs)
    gradients = Saliency(partial(batch_of_one, question)).attribute(batch, abs=False)
    return tuple(part[0].detach() for part in gradients)


def _occlusion(question: Question, start: Tensors, options: _Options) -> Tensors:
    return _players.occlusion(question, start, _groups(question, start, options))


def _shap_sampling(question: Question, start: Tensors, options: _Options) -> Tensors:
    masks = _groups(question, start, options)
    return _players.shapley(question, start, masks, n_samples=options.n_samples, seed=options.seed)


def _groups(question: Question, start: Tensors, options: _Options) -> Tensors:
    gradients = _saliency(question, start, options)
    strength = tuple(
        gradient * (value - nothing)
        for gradient, value, nothing in zip(gradients, question.inputs, start, strict=True)
    )
    edges = links(question.heard.edges)
    return _players.groups(question, edges, strength=strength, n_single=options.n_single)


_METHODS: dict[str, Callable[[Question, Tensors, _Options], Tensors]] = {
    "integrated_gradients": _integrated,
    "saliency": _saliency,
    "shap_sampling": _shap_sampling,
    "occlusion": _occlusion,
}
