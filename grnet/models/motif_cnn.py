"""One layer of filters, and a linear model of the best site of each on either strand."""

from dataclasses import dataclass

import torch
from torch import nn

from grnet import _checks
from grnet.models._heads import Head
from grnet.models._layers import at_the_door


@dataclass(frozen=True, kw_only=True)
class MotifCNNConfig:
    """Settings of a :class:`MotifCNN`.

    Parameters
    ----------
    n_outputs
        Number of tasks, or of classes for ``head="multiclass"``.
    head
        ``"binary"`` (several outputs: multi-label), ``"regression"`` or ``"multiclass"``.
    n_filters, filter_width
        Motifs that can be learnt, shared by all tasks, and their length in bases.
    dropout
        Of filters, before the linear layer.
    reverse_complement
        Read both strands; the better one counts.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.models.MotifCNNConfig(n_outputs=54).n_filters
    256
    """

    n_outputs: int = 1
    head: Head = "binary"
    n_filters: int = 256
    filter_width: int = 15
    dropout: float = 0.0
    reverse_complement: bool = True

    def __post_init__(self) -> None:
        _checks.one_of(self.head, ("binary", "regression", "multiclass"), "head")
        for name in ("n_outputs", "n_filters", "filter_width"):
            _checks.whole(getattr(self, name), 1, 1 << 20, what=name)
        _checks.in_range(self.dropout, 0, 0.99, what="dropout")


class MotifCNN(nn.Module):
    """Filters that scan both strands; outputs are linear in the best site of each filter.

    Parameters
    ----------
    config
        Its settings.

    Notes
    -----
    The class of DeepBind (Alipanahi et al. 2015), with as many outputs as there are TFs. Rare
    positives of many tasks teach it what deeper models with a hidden layer do not learn. A sequence
    and its reverse complement get exactly the same outputs. Sequences may have any length.

    Examples
    --------
    >>> import grnet as gn
    >>> import torch
    >>> model = gn.models.MotifCNN(gn.models.MotifCNNConfig(n_outputs=2)).eval()
    >>> model(torch.zeros(5, 60, dtype=torch.uint8)).shape
    torch.Size([5, 2])
    """

    def __init__(self, config: MotifCNNConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or MotifCNNConfig()
        self.filters = nn.Conv1d(4, c.n_filters, c.filter_width, padding="same")
        self.rectified = nn.ReLU()
        self.head = nn.Sequential(nn.Dropout(c.dropout), nn.Linear(c.n_filters, c.n_outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits (N, T) for codes (N, L) or floats (N, 4, L)."""
        hot = at_the_door(x)
        best = self._best_sites(hot)
        if self.config.reverse_complement:
            best = torch.maximum(best, self._best_sites(hot.flip(1, 2)))
        logits: torch.Tensor = self.head(self.rectified(best))
        return logits

    def _best_sites(self, hot: torch.Tensor) -> torch.Tensor:
        """Return the highest activation of each filter on one strand, (N, F)."""
        # max, not amax: its gradient goes to one place and costs half
        best: torch.Tensor = self.filters(hot).max(-1).values
        return best
