"""Weights on the messages of a graph network: one number for each edge, in every layer."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from torch import nn
from torch_geometric.nn import HeteroConv, HGTConv, MessagePassing

EdgeType = tuple[str, str, str]
Weights = Mapping[EdgeType, torch.Tensor | Sequence[torch.Tensor]]
Edges = Mapping[EdgeType, torch.Tensor]


def message_layers(model: nn.Module) -> list[nn.Module]:
    """Return the layers that pass messages along all types of edges, in their order.

    Raises
    ------
    ValueError
        If messages pass anywhere else, where they could not be weighted.
    """
    layers = [m for m in model.modules() if isinstance(m, HeteroConv | HGTConv)]
    inside = {id(part) for layer in layers for part in layer.modules()}
    others = [m for m in model.modules() if isinstance(m, MessagePassing) and id(m) not in inside]
    if others:
        message = (
            f"{type(model).__name__} passes messages by {type(others[0]).__name__} outside of "
            "HeteroConv and HGTConv: put it into torch_geometric.nn.HeteroConv, so that the "
            "messages of every type of edge are known."
        )
        raise ValueError(message)
    return layers


def relations(layers: Sequence[nn.Module]) -> list[EdgeType]:
    """Return the types of edges that layers pass messages along."""
    found: dict[EdgeType, None] = {}
    for layer in layers:
        own = layer.convs.keys() if isinstance(layer, HeteroConv) else layer.edge_types
        found |= dict.fromkeys(own)  # type: ignore[arg-type]
    return list(found)


@contextmanager
def weighted_messages(model: nn.Module, weights: Weights) -> Iterator[None]:
    """Multiply every message by the weight of its edge while the context is open.

    Parameters
    ----------
    model
        With layers ``HeteroConv`` (of SAGE, GATv2 and the like) or ``HGTConv``.
    weights
        By type of edge a tensor (E,), for all layers, or a sequence of one tensor per layer. Types
        that are not there keep their messages as they are. Gradients flow into the weights.

    Notes
    -----
    A weight of 1 changes nothing. At 0 an edge is silent, but still there: it counts in the mean of
    SAGE, and attention has been shared out (softmax) before. All weights at 0 are the same as a
    graph without edges; one at 0 is in general not the same as an edge deleted.

    ``HGTConv`` joins the messages of all types in the order of the edges that it is given, so
    their weights are joined in that order.
    """
    with ExitStack() as hooks:
        for number, layer in enumerate(message_layers(model)):
            own = {
                relation: weight if isinstance(weight, torch.Tensor) else weight[number]
                for relation, weight in weights.items()
            }
            for handle in _scaled(layer, own):
                hooks.callback(handle.remove)
        yield


@contextmanager
def edges_by_layer(model: nn.Module, edges: Sequence[Edges]) -> Iterator[None]:
    """Give each layer edges of its own, whatever the model hands on."""
    with ExitStack() as hooks:
        for layer, own in zip(message_layers(model), edges, strict=True):
            hook = partial(_replaced, own=own)
            handle = layer.register_forward_pre_hook(hook, prepend=True, with_kwargs=True)
            hooks.callback(handle.remove)
        yield


def _scaled(layer: nn.Module, weights: Mapping[EdgeType, torch.Tensor]) -> Iterator[Any]:
    """Yield the handles of the hooks that scale the messages of one layer."""
    if isinstance(layer, HeteroConv):
        for relation, convolution in layer.convs.items():
            if relation in weights:
                hook = partial(_times, weight=weights[relation], relation=relation)
                yield convolution.register_message_forward_hook(hook)
        return
    joined: list[torch.Tensor] = []
    yield layer.register_forward_pre_hook(
        partial(_join, weights=weights, joined=joined), with_kwargs=True
    )
    yield layer.register_message_forward_hook(  # type: ignore[operator]
        lambda *hooked: _times(*hooked, weight=joined[0], relation=None)
    )


def _times(
    _: nn.Module,
    __: Any,  # noqa: ANN401 - the arguments of the message
    message: torch.Tensor,
    *,
    weight: torch.Tensor,
    relation: EdgeType | None,
) -> torch.Tensor:
    if len(weight) != len(message):
        of = "the layer" if relation is None else " ".join(relation)
        text = (
            f"{len(weight)} weights for the {len(message)} messages of {of}: expected one for each "
            "edge, in layers without self loops of their own (add_self_loops=False)."
        )
        raise ValueError(text)
    return message * weight.view(-1, *[1] * (message.ndim - 1))


def _join(
    _: nn.Module,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    *,
    weights: Mapping[EdgeType, torch.Tensor],
    joined: list[torch.Tensor],
) -> None:
    edges: Edges = kwargs["edge_index_dict"] if "edge_index_dict" in kwargs else args[1]
    some = next(iter(weights.values()), torch.ones(0))
    joined[:] = [
        torch.cat([weights.get(r, some.new_ones(index.shape[1])) for r, index in edges.items()])
    ]


def _replaced(
    _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], *, own: Edges
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if "edge_index_dict" in kwargs:
        return args, {**kwargs, "edge_index_dict": own}
    return (args[0], own, *args[2:]), kwargs
