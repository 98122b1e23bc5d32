"""Convolutional and recurrent models of DNA: codes or one-hot sequences in, logits out."""

from dataclasses import dataclass

import torch
from torch import nn

from grnet import _checks
from grnet.models._heads import Head, Outputs, ProfileCounts
from grnet.models._layers import Activation, GlobalPool, SequenceModel, activation, dense

_WHOLE = ("binary", "regression", "multiclass")
_PLACED = (*_WHOLE, "per_base")


@dataclass(frozen=True, kw_only=True)
class SequenceCNNConfig:
    """Settings of a :class:`SequenceCNN`.

    Parameters
    ----------
    n_outputs
        Number of tasks, or of classes for ``head="multiclass"``.
    head
        ``"binary"`` (several outputs: multi-label), ``"regression"`` or ``"multiclass"``.
    n_filters, filter_width
        Of the first layer; its filters are read as motifs, so they are at least as wide.
    n_layers, layer_width
        Convolutions behind the first, each after a pooling.
    pool
        Positions that are pooled into one before each of these.
    n_hidden
        Units of the hidden dense layer.
    activation, dropout
        Between the layers. Hundreds of sequences of one task want a dropout of .3; many tasks with
        few positives each learn nothing with it, and want none.
    reverse_complement
        Average over both strands, exactly, in evaluation; train on one drawn by chance.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.models.SequenceCNNConfig(n_outputs=3).head
    'binary'
    """

    n_outputs: int = 1
    head: Head = "binary"
    n_filters: int = 64
    filter_width: int = 15
    n_layers: int = 1
    layer_width: int = 5
    pool: int = 2
    n_hidden: int = 64
    activation: Activation = "relu"
    dropout: float = 0.3
    reverse_complement: bool = True

    def __post_init__(self) -> None:
        _checks.one_of(self.head, _WHOLE, "head")
        _checks.whole(self.n_outputs, 1, 1 << 20, what="n_outputs")
        _checks.in_range(self.dropout, 0, 0.99, what="dropout")


class SequenceCNN(SequenceModel):
    """Convolutions over DNA, pooled over all positions.

    Parameters
    ----------
    config
        Its settings.

    Notes
    -----
    The class of DeepBind (Alipanahi et al. 2015) and Basset (Kelley et al. 2016). Maximum and mean
    over positions stand side by side, so that one strong site and the composition of the whole both
    count. Sequences may have any length from ``filter_width`` on.

    Examples
    --------
    >>> import grnet as gn
    >>> import torch
    >>> model = gn.models.SequenceCNN(gn.models.SequenceCNNConfig(n_outputs=2)).eval()
    >>> model(torch.zeros(5, 60, dtype=torch.uint8)).shape
    torch.Size([5, 2])
    """

    def __init__(self, config: SequenceCNNConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or SequenceCNNConfig()
        self.body = nn.Sequential(
            *_convolution(4, c.n_filters, c.filter_width, act=c.activation),
            *[
                layer
                for _ in range(c.n_layers)
                for layer in (
                    nn.MaxPool1d(c.pool, ceil_mode=True),
                    nn.Dropout(c.dropout),
                    *_convolution(c.n_filters, c.n_filters, c.layer_width, act=c.activation),
                )
            ],
            GlobalPool(),
        )
        self.head = dense(
            2 * c.n_filters, c.n_hidden, c.n_outputs, dropout=c.dropout, act=c.activation
        )

    def strand(self, x: torch.Tensor) -> Outputs:
        """Return logits (N, T) of one strand."""
        logits: torch.Tensor = self.head(self.body(x))
        return logits


@dataclass(frozen=True, kw_only=True)
class SequenceCNNLSTMConfig:
    """Settings of a :class:`SequenceCNNLSTM`.

    Parameters
    ----------
    n_outputs
        Number of tasks, or of classes for ``head="multiclass"``.
    head
        ``"binary"``, ``"regression"``, ``"multiclass"``, or ``"per_base"``.
    n_filters, filter_width, pool
        Of the convolution; the LSTM reads one step per ``pool`` positions.
    n_units
        Units of the LSTM in each direction.
    n_hidden, activation, dropout, reverse_complement
        As for :class:`SequenceCNNConfig`.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.models.SequenceCNNLSTMConfig().n_units
    64
    """

    n_outputs: int = 1
    head: Head = "binary"
    n_filters: int = 96
    filter_width: int = 15
    pool: int = 8
    n_units: int = 64
    n_hidden: int = 64
    activation: Activation = "relu"
    dropout: float = 0.3
    reverse_complement: bool = True

    def __post_init__(self) -> None:
        _checks.one_of(self.head, _PLACED, "head")
        _checks.whole(self.n_outputs, 1, 1 << 20, what="n_outputs")
        _checks.in_range(self.dropout, 0, 0.99, what="dropout")


class SequenceCNNLSTM(SequenceModel):
    """Convolution, then a bidirectional LSTM over the pooled features.

    Parameters
    ----------
    config
        Its settings.

    Notes
    -----
    The class of DanQ (Quang and Xie 2016). For ``head="per_base"`` nothing is pooled, so that every
    base gets its own outputs, (N, T, L).

    Examples
    --------
    >>> import grnet as gn
    >>> import torch
    >>> model = gn.models.SequenceCNNLSTM().eval()
    >>> model(torch.zeros(2, 64, dtype=torch.uint8)).shape
    torch.Size([2, 1])
    """

    def __init__(self, config: SequenceCNNLSTMConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or SequenceCNNLSTMConfig()
        self.body = nn.Sequential(
            *_convolution(4, c.n_filters, c.filter_width, act=c.activation),
            nn.Identity() if c.head == "per_base" else nn.MaxPool1d(c.pool, ceil_mode=True),
            nn.Dropout(c.dropout),
        )
        self.lstm = nn.LSTM(c.n_filters, c.n_units, batch_first=True, bidirectional=True)
        self.pool = nn.Identity() if c.head == "per_base" else GlobalPool()
        width = 2 * c.n_units if c.head == "per_base" else 4 * c.n_units
        self.head = dense(width, c.n_hidden, c.n_outputs, dropout=c.dropout, act=c.activation)

    def strand(self, x: torch.Tensor) -> Outputs:
        """Return logits (N, T), or (N, T, L) per base."""
        read, _ = self.lstm(self.body(x).transpose(1, 2))
        if self.config.head == "per_base":
            per_base: torch.Tensor = self.head(read).transpose(1, 2)
            return per_base
        logits: torch.Tensor = self.head(self.pool(read.transpose(1, 2)))
        return logits


@dataclass(frozen=True, kw_only=True)
class DilatedCNNConfig:
    """Settings of a :class:`DilatedCNN`.

    Parameters
    ----------
    n_outputs
        Number of tasks (tracks), or of classes for ``head="multiclass"``.
    head
        Any: ``"profile"`` gives a profile over positions and its total.
    n_filters, filter_width
        Of the first layer.
    n_layers
        Residual layers with dilation 2, 4, 8, ...; each doubles the reach.
    profile_width
        Width of the last convolution of a profile.
    stranded
        Outputs come in pairs, plus and minus strand, which change places on the other strand.
    n_hidden, activation, dropout, reverse_complement
        As for :class:`SequenceCNNConfig`.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.models.DilatedCNNConfig(head="profile", n_outputs=2, stranded=True).n_layers
    6
    """

    n_outputs: int = 1
    head: Head = "binary"
    n_filters: int = 64
    filter_width: int = 21
    n_layers: int = 6
    profile_width: int = 25
    stranded: bool = False
    n_hidden: int = 64
    activation: Activation = "relu"
    dropout: float = 0.1
    reverse_complement: bool = True

    def __post_init__(self) -> None:
        _checks.one_of(self.head, (*_PLACED, "profile"), "head")
        _checks.whole(self.n_outputs, 1, 1 << 20, what="n_outputs")
        _checks.in_range(self.dropout, 0, 0.99, what="dropout")
        if self.stranded and self.n_outputs % 2:
            message = (
                f"stranded outputs come in pairs, but n_outputs={self.n_outputs} is odd: give two "
                "outputs (plus and minus strand) for each task."
            )
            raise ValueError(message)


class DilatedCNN(SequenceModel):
    """Residual convolutions whose reach doubles with every layer, at the resolution of one base.

    Parameters
    ----------
    config
        Its settings.

    Notes
    -----
    The class of BPNet (Avsec et al. 2021). Sequences are padded with zeros at both ends, so that
    profiles are as long as the input.

    Examples
    --------
    >>> import grnet as gn
    >>> import torch
    >>> config = gn.models.DilatedCNNConfig(n_outputs=2, head="profile", stranded=True)
    >>> profile, counts = gn.models.DilatedCNN(config)(torch.zeros(3, 200, dtype=torch.uint8))
    >>> profile.shape, counts.shape
    (torch.Size([3, 2, 200]), torch.Size([3, 2]))
    """

    def __init__(self, config: DilatedCNNConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or DilatedCNNConfig()
        self.first = nn.Sequential(
            nn.Conv1d(4, c.n_filters, c.filter_width, padding="same"), activation(c.activation)
        )
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.Dropout(c.dropout),
                nn.Conv1d(c.n_filters, c.n_filters, 3, padding="same", dilation=2**depth),
                activation(c.activation),
            )
            for depth in range(1, c.n_layers + 1)
        )
        if c.head in {"per_base", "profile"}:
            width = 1 if c.head == "per_base" else c.profile_width
            self.places = nn.Conv1d(c.n_filters, c.n_outputs, width, padding="same")
        if c.head == "profile":
            self.counts = nn.Linear(c.n_filters, c.n_outputs)
        elif c.head != "per_base":
            self.head = nn.Sequential(
                GlobalPool(),
                dense(
                    2 * c.n_filters, c.n_hidden, c.n_outputs, dropout=c.dropout, act=c.activation
                ),
            )

    def strand(self, x: torch.Tensor) -> Outputs:
        """Return logits (N, T), (N, T, L) per base, or profile and counts."""
        x = self.first(x)
        for layer in self.layers:
            x = x + layer(x)
        if self.config.head == "profile":
            return ProfileCounts(self.places(x), self.counts(x.mean(-1)))
        logits: torch.Tensor = self.places(x) if self.config.head == "per_base" else self.head(x)
        return logits


def _convolution(n_in: int, n_out: int, width: int, *, act: Activation) -> list[nn.Module]:
    return [nn.Conv1d(n_in, n_out, width, padding="same"), nn.BatchNorm1d(n_out), activation(act)]
