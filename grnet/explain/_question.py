"""The logit of one pair as a function of features of nodes, weights of messages, and its own."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import nn

from grnet import _checks
from grnet.explain._heard import Heard, k_hop
from grnet.explain._weighted import (
    edges_by_layer,
    message_layers,
    relations,
    weighted_messages,
)
from grnet.graph.vocabulary import GENE, TF
from grnet.models.prediction import evaluating

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

EdgeType = tuple[str, str, str]
PairValues = pd.Series | npt.ArrayLike | torch.Tensor
Tensors = tuple[torch.Tensor, ...]

MESSAGES, PAIR = "messages", "pair"


@dataclass(eq=False)
class Question:
    """One pair, the model that scores it, and what it is scored from.

    Its inputs are a tuple of tensors, in the order of ``parts``: the features of each type of node
    that is heard, the weights of all messages one after the other, the features of the pair;
    those that are empty are left out.
    """

    model: nn.Module
    heard: Heard
    features: torch.Tensor | None
    parts: list[str] = field(init=False)
    inputs: Tensors = field(init=False)

    def __post_init__(self) -> None:
        some = self.heard.pair.new_ones(0, dtype=torch.float32)
        n_messages = sum(index.shape[1] for index in self.heard.edges.values())
        every = {
            **{kind: x.float() for kind, x in self.heard.x.items()},
            MESSAGES: some.new_ones(n_messages),
            PAIR: some if self.features is None else self.features[0],
        }
        given = {name: value for name, value in every.items() if value.numel()}
        self.parts, self.inputs = list(given), tuple(given.values())
        self._layers = {r: self.heard.layers_of(r) for r in self.heard.edges}
        self._sizes = [index.shape[1] for index in self.heard.edges.values()]
        self._edges = self._by_layer(torch.ones(n_messages, dtype=torch.bool))

    def __call__(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Return the logit, differentiable."""
        given = dict(zip(self.parts, inputs, strict=True))
        x = {kind: given.get(kind, own) for kind, own in self.heard.x.items()}
        weights = {}
        if MESSAGES in given:
            split = torch.split(given[MESSAGES], self._sizes)
            for (relation, masks), own in zip(self._layers.items(), split, strict=True):
                weights[relation] = [own[mask] for mask in masks]
        features = given[PAIR][None] if PAIR in given else self.features
        with edges_by_layer(self.model, self._edges), weighted_messages(self.model, weights):
            return self._asked(x, features)

    def without(self, is_gone: npt.NDArray[np.bool_]) -> float:
        """Return the logit after messages were deleted from the graph itself."""
        by_layer = self._by_layer(torch.from_numpy(~is_gone))
        with torch.no_grad(), edges_by_layer(self.model, by_layer):
            return float(self._asked(self.heard.x, self.features))

    def _by_layer(self, is_kept: torch.Tensor) -> list[dict[EdgeType, torch.Tensor]]:
        """Return the edges of each layer: those that are kept and still reach the pair."""
        split = torch.split(is_kept.to(self.heard.pair.device), self._sizes)
        kept = dict(zip(self.heard.edges, split, strict=True))
        return [
            {r: index[:, kept[r] & self._layers[r][layer]] for r, index in self.heard.edges.items()}
            for layer in range(self.heard.depth)
        ]

    def _asked(self, x: Mapping[str, torch.Tensor], features: torch.Tensor | None) -> torch.Tensor:
        own = {} if features is None else {"features": features}
        logits: torch.Tensor = self.model(x, self.heard.edges, self.heard.pair, **own)
        return logits.reshape(())

    def baselines(self, given: Mapping[str, npt.ArrayLike] | None) -> Tensors:
        """Return the inputs of nothing: features 0 or as given, and silent edges.

        Raises
        ------
        ValueError
            If something else is given.
        """
        known = dict(given or {})
        unknown = set(known) - {*self.heard.x, PAIR}
        if unknown or MESSAGES in known:
            message = (
                f"baselines has {_checks.examples(sorted(unknown))}: expected types of nodes, "
                f"{_checks.examples(self.heard.x, 9)}, or {PAIR!r}. Edges are silent in any case."
            )
            raise ValueError(message)
        made = []
        for name, value in zip(self.parts, self.inputs, strict=True):
            row = torch.zeros_like(value)
            if name in known:
                own = torch.as_tensor(np.array(known[name], dtype=np.float32)).to(value.device)
                if own.shape != value.shape[-1:]:
                    message = (
                        f"baselines[{name!r}] has the shape {tuple(own.shape)}: expected one value "
                        f"for each of {value.shape[-1]} features, on the scale of the model."
                    )
                    raise ValueError(message)
                row = own.expand_as(value).clone()
            made.append(row)
        return tuple(made)


@contextmanager
def asked(
    model: nn.Module,
    data: "HeteroData",
    *,
    pair: tuple[str, str],
    features: PairValues | None = None,
    device: str = "auto",
) -> Iterator[Question]:
    """Ask a model for one pair of names; it is in evaluation mode and may be differentiated.

    Raises
    ------
    ValueError
        If a name is unknown, or the features of the pair are not what the model reads.
    """
    config = getattr(model, "config", None)
    kinds = getattr(config, "source", TF), getattr(config, "target", GENE)
    source, target = (_position(data, kind, name) for kind, name in zip(kinds, pair, strict=True))
    own = _pair_features(features, getattr(config, "n_pair_features", None))
    layers = message_layers(model)
    with (
        evaluating(model, device=device) as where,
        torch.inference_mode(mode=False),
        torch.enable_grad(),
    ):
        heard = k_hop(
            data,
            ((kinds[0], source), (kinds[1], target)),
            depth=len(layers),
            relations=relations(layers),
            device=where,
        )
        yield Question(model, heard, None if own is None else own.to(where))


def pair_names(features: PairValues | None) -> list[str]:
    """Return the names of the features of a pair, or numbers where there are none."""
    if features is None:
        return []
    if isinstance(features, pd.Series):
        return [str(name) for name in features.index]
    return [f"pair_{i}" for i in range(1, np.size(np.asarray(features)) + 1)]


def _position(data: "HeteroData", kind: str, name: str) -> int:
    if kind not in data.node_types:
        message = f"The graph has no nodes {kind!r}: it has {_checks.examples(data.node_types, 9)}."
        raise ValueError(message)
    names = pd.Index(data[kind].name)
    if name not in names:
        message = f"{name!r} is no {kind} of the graph. {_checks.nearest(name, names)}"
        raise ValueError(message)
    return int(names.get_loc(name))


def _pair_features(features: PairValues | None, expected: int | None) -> torch.Tensor | None:
    """Return the features of the pair as one row.

    Raises
    ------
    ValueError
        If the model reads others.
    """
    values: Any = [] if features is None else features
    row = np.array(values, dtype=np.float32).reshape(-1)
    if expected is not None and len(row) != expected:
        found = f"features has {len(row)} values" if len(row) else "none are given"
        message = (
            f"The model reads {expected} features of the pair, but {found}: pass features=, such "
            "as a row of fit.evidence.of(pairs)."
        )
        raise ValueError(message)
    return torch.from_numpy(row)[None] if len(row) else None
