"""Which edges the layers attend to: a second opinion beside contributions."""

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch_geometric.nn import GATv2Conv, HeteroConv, HGTConv
from torch_geometric.utils import softmax

from grnet.explain._question import PairValues, Question, asked
from grnet.explain._weighted import message_layers
from grnet.graph.vocabulary import spelled

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

EdgeType = tuple[str, str, str]
Recorded = list[dict[EdgeType, torch.Tensor]]


def attention_scores(
    model: nn.Module,
    data: "HeteroData",
    *,
    source: str,
    target: str,
    features: PairValues | None = None,
    device: str = "auto",
) -> pd.DataFrame:
    """Return how much attention every message gets that one pair hears.

    Parameters
    ----------
    model
        With attention: a :class:`grnet.models.EdgeModel` of kind ``"gatv2"`` or ``"hgt"``.
    data
        The graph that it reads. The known edge of the pair itself is heard by nobody.
    source, target
        Names of a TF and a gene.
    features
        Those of the pair, where the model reads some.
    device
        ``"auto"`` takes CUDA where there is one.

    Returns
    -------
    DataFrame
        ``type, source, target, layer, attention``, a row for each message from source to target in
        each layer (from 1) in which it can still reach the pair, and ``head_1`` and on, of which
        ``attention`` is the mean. Largest first within the last layer, then the one before.

    Raises
    ------
    ValueError
        If the model has no attention, no edge is heard, or a name is unknown.

    Notes
    -----
    Attention is shared out among the messages that a node hears: of one type in GATv2 (Brody et al.
    2022), of all types in HGT (Hu et al. 2020). It says where a layer looks, not what it makes of
    it, and has no sign: see :func:`graph_attributions` for contributions.

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    >>> data = gn.graph.build(adata, known=adata.uns["grnet_truth"], n_components=4)
    >>> config = gn.models.EdgeModelConfig.of(data, kind="hgt", depth=1)
    >>> found = gn.explain.attention_scores(
    ...     gn.models.EdgeModel(config), data, source="TF1", target="G3"
    ... )
    >>> float(found.groupby(found["target"] == "G3")["attention"].sum()[True].round(3))
    1.0
    """
    _attends(model)
    with (
        asked(model, data, pair=(source, target), features=features, device=device) as question,
        recorded_attention(model) as recorded,
        torch.no_grad(),
    ):
        question(*question.inputs)
        tables = [
            _table(data, question, relation=relation, layer=layer, attention=attention)
            for layer, of_types in enumerate(recorded)
            for relation, attention in of_types.items()
            if len(attention)
        ]
    if not tables:
        message = f"Neither {source!r} nor {target!r} hears anyone: there is nothing to attend to."
        raise ValueError(message)
    found = pd.concat(tables, ignore_index=True)
    order = np.lexsort((-found["attention"].to_numpy(), -found["layer"].to_numpy()))
    return found.iloc[order].reset_index(drop=True)


@contextmanager
def recorded_attention(model: nn.Module) -> Iterator[Recorded]:
    """Keep the attention of every layer, by type of edge (E, heads), while the model is called."""
    layers = message_layers(model)
    kept: Recorded = [{} for _ in layers]
    with ExitStack() as hooks:
        for layer, own in zip(layers, kept, strict=True):
            for handle in _listening(layer, own):
                hooks.callback(handle.remove)
        yield kept


def _listening(layer: nn.Module, kept: dict[EdgeType, torch.Tensor]) -> Iterator[Any]:
    if isinstance(layer, HeteroConv):
        for relation, convolution in layer.convs.items():
            if isinstance(convolution, GATv2Conv):
                hook = partial(_keep, relation=relation, kept=kept)
                yield convolution.register_message_forward_hook(hook)
        return
    sizes: dict[EdgeType, int] = {}
    yield layer.register_forward_pre_hook(partial(_count, sizes=sizes), with_kwargs=True)
    yield layer.register_message_forward_hook(  # type: ignore[operator]
        partial(_keep_joined, sizes=sizes, kept=kept)
    )


def _keep(
    _: nn.Module,
    given: tuple[dict[str, torch.Tensor]],
    __: torch.Tensor,
    *,
    relation: EdgeType,
    kept: dict[EdgeType, torch.Tensor],
) -> None:
    kept[relation] = given[0]["alpha"].detach()


def _count(
    _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], *, sizes: dict[EdgeType, int]
) -> None:
    edges = kwargs["edge_index_dict"] if "edge_index_dict" in kwargs else args[1]
    sizes.clear()
    sizes.update({relation: index.shape[1] for relation, index in edges.items()})


def _keep_joined(
    _: nn.Module,
    given: tuple[dict[str, Any]],
    __: torch.Tensor,
    *,
    sizes: dict[EdgeType, int],
    kept: dict[EdgeType, torch.Tensor],
) -> None:
    """Compute the attention as HGTConv.message does, which keeps it to itself."""
    of = given[0]
    alpha = (of["q_i"] * of["k_j"]).sum(-1) * of["edge_attr"] / math.sqrt(of["q_i"].shape[-1])
    alpha = softmax(alpha, of["index"], of["ptr"], of["size_i"]).detach()
    kept.update(zip(sizes, alpha.split(list(sizes.values())), strict=True))


def _attends(model: nn.Module) -> None:
    """Raise unless every layer has attention."""
    layers = message_layers(model)
    without = [
        type(part).__name__
        for layer in layers
        if isinstance(layer, HeteroConv)
        for part in layer.convs.values()
        if not isinstance(part, GATv2Conv)
    ]
    if layers and not without:
        return
    what = f"its messages pass by {without[0]}" if without else "it passes no messages"
    message = (
        f"{type(model).__name__} has no attention: {what}. Attention is a part of "
        f"{GATv2Conv.__name__} and {HGTConv.__name__} (kind='gatv2' or 'hgt'); "
        "gn.explain.graph_attributions works for all kinds."
    )
    raise ValueError(message)


def _table(
    data: "HeteroData", asked: Question, *, relation: EdgeType, layer: int, attention: torch.Tensor
) -> pd.DataFrame:
    heard = asked.heard
    ends = heard.edges[relation][:, heard.layers_of(relation)[layer]].cpu().numpy()
    first, second = (
        np.asarray(data[kind].name, dtype=object)[heard.nodes[kind].numpy()]
        for kind in (relation[0], relation[2])
    )
    values = attention.double().cpu().numpy()
    table = pd.DataFrame(
        {
            "type": spelled(relation),
            "source": first[ends[0]],
            "target": second[ends[1]],
            "layer": layer + 1,
            "attention": values.mean(axis=1),
        }
    )
    heads = {f"head_{i}": column for i, column in enumerate(values.T, start=1)}
    return table.assign(**heads)
