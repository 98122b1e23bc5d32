"""Methylation of a CpG, from the CpGs around it and from the sequence."""

from dataclasses import dataclass

import torch
from torch import nn

from grnet import _checks
from grnet.models.sequence import SequenceCNN, SequenceCNNConfig

COUNTS = 3
"""What is told of a neighbour: methylated reads, reads, signed distance in bases."""

_CENTRES = 12
_LOG_STRENGTH = (-2.0, 6.0)


@dataclass(frozen=True, kw_only=True)
class MethylationModelConfig:
    """Settings of a :class:`MethylationModel`.

    Parameters
    ----------
    n_neighbours
        CpGs with reads that are looked at on either side; 0 for none.
    window
        Bases of sequence around the CpG; 0 for none.
    width, n_layers, n_heads
        Of the attention to the neighbours. With one layer, the CpG attends to its neighbours; with
        more, these attend to each other first, which takes several times as long.
    n_filters, filter_width
        Of the convolution over the sequence.
    dropout
        Between the layers.

    Raises
    ------
    ValueError
        If there are neither neighbours nor sequence, or sizes do not fit.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.models.MethylationModelConfig(window=200).n_neighbours
    24
    """

    n_neighbours: int = 24
    window: int = 0
    width: int = 32
    n_layers: int = 1
    n_heads: int = 4
    n_filters: int = 64
    filter_width: int = 11
    dropout: float = 0.1

    def __post_init__(self) -> None:
        _checks.in_range(self.dropout, 0, 0.99, what="dropout")
        _checks.whole(self.n_neighbours, 0, 1 << 12, what="n_neighbours")
        _checks.whole(self.n_layers, 1, 64, what="n_layers")
        if not self.n_neighbours and not self.window:
            message = "n_neighbours=0 and window=0 leave nothing to predict from: set one above 0."
            raise ValueError(message)
        if self.window and self.window < self.filter_width:
            message = (
                f"window={self.window} is narrower than filter_width={self.filter_width}: take a "
                "wider window, or 0 for none."
            )
            raise ValueError(message)
        if self.width % self.n_heads:
            message = f"width={self.width} is no multiple of n_heads={self.n_heads}."
            raise ValueError(message)


class MethylationModel(nn.Module):
    """Attention to the nearest CpGs, and a convolution over the sequence.

    Parameters
    ----------
    config
        Its settings.

    Notes
    -----
    The two parts of DeepCpG (Angermueller et al. 2017), with attention in place of its recurrent
    layer. The CpG itself is a token without a level, which attends to its neighbours: what was
    measured there never enters. The answer is a beta distribution, so that the likelihood of the
    reads knows how many there are and how far levels of alike CpGs scatter.

    Examples
    --------
    >>> import grnet as gn
    >>> import torch
    >>> model = gn.models.MethylationModel(gn.models.MethylationModelConfig(n_neighbours=2)).eval()
    >>> nothing, left, right = [0, 0, 0], [9, 10, -5], [1, 9, 90]
    >>> model(torch.tensor([[nothing, left, right, nothing]], dtype=torch.float32)).shape
    torch.Size([1, 2])
    """

    def __init__(self, config: MethylationModelConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or MethylationModelConfig()
        self.itself = nn.Parameter(torch.zeros(c.width))
        if c.n_neighbours:
            self.door = nn.Sequential(
                nn.Linear(4 + 2 * _CENTRES, c.width), nn.GELU(), nn.Linear(c.width, c.width)
            )
            self.layers = nn.ModuleList(_Layer(c) for _ in range(c.n_layers))
        if c.window:
            self.sequence = SequenceCNN(_convolutions(c))
        self.head = nn.Sequential(
            nn.LayerNorm(c.width), nn.Linear(c.width, c.width), nn.GELU(), nn.Linear(c.width, 2)
        )

    def forward(
        self, neighbours: torch.Tensor | None = None, codes: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return (N, 2): the logit of the level, and the log of its strength in reads.

        ``neighbours`` is (N, 2 n_neighbours, 3): methylated reads, reads, signed distance in bases;
        rows without reads are empty places. ``codes`` is uint8 (N, window).
        """
        own: torch.Tensor = self.itself
        if self.config.window:
            own = own + self.sequence(_given(codes, "codes"))
        if self.config.n_neighbours:
            own = self._heard(own, _given(neighbours, "neighbours"))
        raw: torch.Tensor = self.head(own)
        low, high = _LOG_STRENGTH
        return torch.stack([raw[:, 0], 2 + raw[:, 1]], 1).clamp(
            raw.new_tensor([-12.0, low]), raw.new_tensor([12.0, high])
        )

    def _heard(self, own: torch.Tensor, neighbours: torch.Tensor) -> torch.Tensor:
        """Return the token of the CpG itself after it has attended to its neighbours."""
        own = own.expand(len(neighbours), 1, -1) if own.ndim == 1 else own[:, None]
        x = torch.cat([own, self.door(_features(neighbours))], 1)
        empty = nn.functional.pad(neighbours[..., 1] <= 0, (1, 0), value=False)
        for layer in self.layers[:-1]:
            x = layer(x, x, empty)
        # of the last layer only the CpG's own token is read
        heard: torch.Tensor = self.layers[-1](x[:, :1], x, empty)
        return heard[:, 0]


class _Layer(nn.Module):
    """Attention of some tokens to all tokens, and a small network for each."""

    def __init__(self, c: MethylationModelConfig) -> None:
        super().__init__()
        self.before, self.between = nn.LayerNorm(c.width), nn.LayerNorm(c.width)
        self.attention = nn.MultiheadAttention(
            c.width, c.n_heads, dropout=c.dropout, batch_first=True
        )
        self.each = nn.Sequential(
            nn.Linear(c.width, 2 * c.width),
            nn.GELU(),
            nn.Dropout(c.dropout),
            nn.Linear(2 * c.width, c.width),
            nn.Dropout(c.dropout),
        )

    def forward(self, some: torch.Tensor, x: torch.Tensor, empty: torch.Tensor) -> torch.Tensor:
        """Return the tokens ``some`` after attending to ``x`` where it is not empty."""
        told = self.before(x)
        heard, _ = self.attention(
            self.before(some), told, told, key_padding_mask=empty, need_weights=False
        )
        some = some + heard
        out: torch.Tensor = some + self.each(self.between(some))
        return out


def _convolutions(c: MethylationModelConfig) -> SequenceCNNConfig:
    return SequenceCNNConfig(
        n_outputs=c.width,
        head="regression",
        n_filters=c.n_filters,
        filter_width=c.filter_width,
        dropout=c.dropout,
    )


def _features(neighbours: torch.Tensor) -> torch.Tensor:
    """Return level, amount of reads and place of each neighbour, all about as large as one."""
    methylated, reads, distance = neighbours.unbind(-1)
    level = 2 * (methylated + 0.5) / (reads + 1) - 1
    apart = torch.log1p(distance.abs())
    centres = torch.arange(_CENTRES, device=apart.device, dtype=apart.dtype)
    near = torch.exp(-((apart[..., None] - centres) ** 2))
    side = distance.sign()
    amount = torch.log1p(reads)
    plain = torch.stack([level, level * amount / 3, amount / 3, side], -1)
    return torch.cat([plain, near, near * level[..., None]], -1)


def _given(x: torch.Tensor | None, what: str) -> torch.Tensor:
    if x is None:
        message = f"The config of this MethylationModel asks for {what}, but none were given."
        raise ValueError(message)
    return x
