"""Whether the edges that are said to matter do: they are deleted, and the logit is watched."""

from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from torch import nn

from grnet import _checks
from grnet.explain import _graph_tables
from grnet.explain._links import Links, links
from grnet.explain._question import PairValues, Question, asked
from grnet.explain.graph import GraphAttributions

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

Order = Literal["signed", "absolute"]
Control = Literal["uniform", "matched"]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def faithfulness(  # noqa: PLR0913 - the question, the order, and the control
    model: nn.Module,
    data: "HeteroData",
    attributions: GraphAttributions,
    *,
    features: PairValues | None = None,
    order: Order = "signed",
    control: Control = "uniform",
    n_steps: int = 10,
    n_random: int = 20,
    up_to: float = 0.5,
    seed: int = 0,
    device: str = "auto",
) -> pd.DataFrame:
    """Delete edges from the graph, those that contribute most first, and watch the logit.

    Parameters
    ----------
    model, data
        As for :func:`graph_attributions`.
    attributions
        Of the pair, with its edges.
    features
        Those of the pair, where the model reads some.
    order
        ``"signed"`` deletes what speaks for the edge first, so that the logit must fall;
        ``"absolute"`` what speaks for or against it, so that the logit must move.
    control
        Random deletion from all edges that are heard, or ``"matched"``: from those of the same type
        that are as far from the pair, which is harder to beat.
    n_steps, up_to
        Numbers of deleted edges, evenly spaced on a logarithmic scale from one to this share.
    n_random
        Random orders.
    seed, device
        Of the random orders; ``"auto"`` takes CUDA where there is one.

    Returns
    -------
    DataFrame
        ``n_deleted, logit, change`` (the fall of the logit, or its movement), ``random`` (the mean
        change by random deletion) with ``low`` and ``high``, between which 95 % of the random
        orders lie, and ``area``: the mean of ``change - random`` up to here. The area in the last
        row is above 0 where the edges matter more than others.

    Raises
    ------
    ValueError
        If no edge is heard, or the attributions are of another graph.

    Notes
    -----
    Both directions of an edge go. The edges are really deleted: means and attention are shared out
    among those that are left, which weights of 0 would not do.

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    >>> data = gn.graph.build(adata, known=adata.uns["grnet_truth"], n_components=4)
    >>> model = gn.models.EdgeModel(gn.models.EdgeModelConfig.of(data))
    >>> found = gn.explain.graph_attributions(model, data, source="TF1", target="G3")
    >>> curve = gn.explain.faithfulness(model, data, found, n_steps=4)
    >>> int(curve["n_deleted"].iloc[0])
    0
    """
    _checks.one_of(order, ("signed", "absolute"), "order")
    _checks.one_of(control, ("uniform", "matched"), "control")
    _checks.whole(n_steps, 1, 10_000, what="n_steps")
    _checks.whole(n_random, 1, 100_000, what="n_random")
    if not 0 < up_to <= 1:
        message = f"up_to={up_to!r} is out of range: expected a share of the edges above 0, to 1."
        raise ValueError(message)
    pair = (attributions.source, attributions.target)
    with asked(model, data, pair=pair, features=features, device=device) as question:
        edges = links(question.heard.edges)
        values = _values(data, question, attributions)
        ranked = np.argsort(-(np.abs(values) if order == "absolute" else values), kind="stable")
        largest = max(round(up_to * len(edges)), 1)
        steps = np.unique(np.geomspace(1, largest, n_steps).round().astype(np.int64))
        strata = _strata(question, edges) if control == "matched" else np.zeros(len(edges), int)
        rng = np.random.default_rng(seed)
        ours = _logits(question, edges, ranked, steps=steps)
        others = np.array(
            [
                _logits(question, edges, _drawn(rng, ranked, strata), steps=steps)
                for _ in range(n_random)
            ]
        )
    return _curve(steps, ours, others, is_signed=order == "signed")


def _values(data: "HeteroData", asked: Question, given: GraphAttributions) -> Floats:
    """Return the contributions of the edges in the order of ``links``."""
    named = _graph_tables.edge_names(data, asked.heard).astype(str)
    keys = ["type", "source", "target"]
    known = given.edges.astype(dict.fromkeys(keys, str)).set_index(keys)["contribution"]
    found = known.reindex(pd.MultiIndex.from_frame(named))
    if not len(found) or found.isna().any():
        what = "hears no edge" if not len(found) else f"hears {int(found.isna().sum())} others"
        message = (
            f"{given.source} -> {given.target} {what} in this graph, of {len(known):,} edges with "
            "contributions: expected the attributions of this pair in this graph and model."
        )
        raise ValueError(message)
    return found.to_numpy(np.float64)


def _strata(asked: Question, edges: Links) -> Ints:
    """Return a number for each edge, the same for those of a type as far from the pair."""
    hops = np.concatenate([hop.cpu().numpy() for hop in asked.heard.hops.values()])
    nearest = np.full(len(edges), asked.heard.depth)
    np.minimum.at(nearest, edges.of_message, hops)
    return np.asarray(edges.kind * (asked.heard.depth + 1) + nearest)


def _drawn(rng: np.random.Generator, ranked: Ints, strata: Ints) -> Ints:
    """Return a random order in which every place keeps the stratum that it has in the ranking."""
    drawn = np.empty_like(ranked)
    of_place = strata[ranked]
    for stratum in np.unique(of_place):
        places = np.flatnonzero(of_place == stratum)
        drawn[places] = rng.permutation(ranked[places])
    return drawn


def _logits(asked: Question, edges: Links, ranked: Ints, *, steps: Ints) -> Floats:
    """Return the logits of the whole graph, and without the first edges of a ranking."""
    place = np.empty(len(edges), dtype=np.int64)
    place[ranked] = np.arange(len(edges))
    of_message = place[edges.of_message]
    return np.array([asked.without(of_message < n) for n in (0, *steps)])


def _curve(steps: Ints, ours: Floats, others: Floats, *, is_signed: bool) -> pd.DataFrame:
    change, random = ours[0] - ours, others[:, :1] - others
    if not is_signed:
        change, random = np.abs(change), np.abs(random)
    low, high = np.quantile(random, [0.025, 0.975], axis=0)
    above = (change - random.mean(axis=0))[1:]
    area = np.append(0.0, np.cumsum(above) / np.arange(1, len(above) + 1))
    return pd.DataFrame(
        {
            "n_deleted": np.append(0, steps),
            "logit": ours,
            "change": change,
            "random": random.mean(axis=0),
            "low": low,
            "high": high,
            "area": area,
        }
    )
