"""Parts that sequence models share."""

from abc import ABC, abstractmethod
from typing import Any, Literal

import torch
from torch import nn

from grnet import _checks
from grnet.dna import one_hot
from grnet.models._heads import Outputs, mean_of, turned

Activation = Literal["relu", "gelu", "elu", "softplus", "silu"]

_ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "elu": nn.ELU,
    "softplus": nn.Softplus,
    "silu": nn.SiLU,
}


def activation(name: Activation) -> nn.Module:
    """Return a new activation module: one for each use, as attribution methods need."""
    return _ACTIVATIONS[_checks.one_of(name, tuple(_ACTIVATIONS), "activation")]()


def at_the_door(x: torch.Tensor) -> torch.Tensor:
    """Return sequences as floats (N, 4, L), from codes (N, L) or as they are.

    Raises
    ------
    ValueError
        If they have another shape.
    """
    if x.dtype == torch.uint8 and x.ndim == 2:
        return one_hot(x)
    if x.ndim != 3 or x.shape[1] != 4 or not x.is_floating_point():
        message = (
            f"A sequence model was given {x.dtype} of shape {tuple(x.shape)}: expected uint8 codes "
            "(N, L) or floats (N, 4, L) with rows A, C, G, T. See gn.dna.one_hot."
        )
        raise ValueError(message)
    return x


class SequenceModel(nn.Module, ABC):
    """A model of DNA: sequences in, logits out, over one strand or both."""

    config: Any

    @abstractmethod
    def strand(self, x: torch.Tensor) -> Outputs:
        """Return the outputs for one strand, floats (N, 4, L)."""

    def forward(self, x: torch.Tensor) -> Outputs:
        """Return raw outputs for codes (N, L) or floats (N, 4, L).

        The other strand is the input with both axes flipped. In evaluation mode both strands are
        averaged, so that a sequence and its reverse complement get exactly the same outputs; in
        training each batch is read from a strand drawn by chance, at half the cost.
        """
        hot = at_the_door(x)
        if not self.config.reverse_complement:
            return self.strand(hot)
        if self.training:
            return self._other(hot) if torch.rand(()) < 0.5 else self.strand(hot)
        return mean_of(self.strand(hot), self._other(hot))

    def _other(self, hot: torch.Tensor) -> Outputs:
        stranded = bool(getattr(self.config, "stranded", False))
        outputs = self.strand(hot.flip(1, 2))
        return turned(outputs, head=self.config.head, stranded=stranded)


class GlobalPool(nn.Module):
    """Maximum and mean over positions, side by side."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (N, 2C) for (N, C, L)."""
        return torch.cat([x.amax(-1), x.mean(-1)], dim=1)


def dense(n_in: int, n_hidden: int, n_out: int, *, dropout: float, act: Activation) -> nn.Module:
    """Return a hidden layer and a linear one, with dropout before each."""
    return nn.Sequential(
        nn.Dropout(dropout),
        nn.Linear(n_in, n_hidden),
        activation(act),
        nn.Dropout(dropout),
        nn.Linear(n_hidden, n_out),
    )
