"""Known motifs as a sequence model: the affinity of a sequence to each of them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from grnet import _checks
from grnet.models._layers import at_the_door

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grnet.io.motifs import Motif

_PSEUDOCOUNT = 0.01
"""Added to the probability of every letter: one letter that never was seen rules nothing out."""


@dataclass(frozen=True, kw_only=True)
class MotifScannerConfig:
    """Settings of a :class:`MotifScanner`.

    Parameters
    ----------
    n_motifs
        Number of motifs, which is that of the outputs.
    width
        Positions of the longest.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.models.MotifScannerConfig(n_motifs=2, width=8).head
    'regression'
    """

    n_motifs: int = 1
    width: int = 1

    def __post_init__(self) -> None:
        for name in ("n_motifs", "width"):
            _checks.whole(getattr(self, name), 1, 1 << 20, what=name)

    @property
    def head(self) -> str:
        """What it answers: numbers."""
        return "regression"


class MotifScanner(nn.Module):
    """Log of the summed odds of all sites of each motif, on both strands.

    Parameters
    ----------
    config
        Its settings; :meth:`of` takes motifs.

    Notes
    -----
    The odds of a site are those of the motif against even letters; their sum over all sites is
    proportional to how often a TF is bound where it is rare (as in Foat et al. 2006). Unlike the
    best site alone it has a gradient at every site. A sequence and its reverse complement get the
    same outputs. The filters are weights: they can be trained further, each in its own width.

    Examples
    --------
    >>> import numpy as np
    >>> import grnet as gn
    >>> box = gn.io.Motif("box", ("TBP",), np.eye(4)[[3, 0, 3, 0]].T)
    >>> model = gn.models.MotifScanner.of([box])
    >>> with_site, without = model(torch.from_numpy(gn.dna.to_codes(["CCTATACC", "CCCCCCCC"])))
    >>> bool(with_site > without)
    True
    """

    widths: torch.Tensor

    def __init__(self, config: MotifScannerConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or MotifScannerConfig()
        self.filters = nn.Parameter(torch.zeros(c.n_motifs, 4, c.width))
        self.register_buffer("widths", torch.full((c.n_motifs,), c.width))

    @classmethod
    def of(cls, motifs: "Sequence[Motif]") -> "MotifScanner":
        """Return a scanner of motifs, an output for each in their order.

        Raises
        ------
        ValueError
            If there is none.
        """
        if not motifs:
            message = "There are no motifs: read some with gn.io.read_motifs."
            raise ValueError(message)
        width = max(motif.width for motif in motifs)
        model = cls(MotifScannerConfig(n_motifs=len(motifs), width=width))
        model.widths.copy_(torch.tensor([motif.width for motif in motifs]))
        with torch.no_grad():
            for row, motif in zip(model.filters, motifs, strict=True):
                smooth = np.asarray(motif.probabilities) + _PSEUDOCOUNT
                odds = np.log(smooth / smooth.sum(axis=0) * 4)
                row[:, : motif.width] = torch.from_numpy(odds.astype(np.float32))
        return model

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return log affinities (N, n_motifs) for codes (N, L) or floats (N, 4, L)."""
        beyond = self.config.width - 1  # a site may hang over either end
        hot = functional.pad(at_the_door(x), (beyond, beyond))
        columns = torch.arange(self.config.width, device=hot.device)
        ahead = self.filters * (columns < self.widths[:, None])[:, None]
        scores = functional.conv1d(hot, torch.cat([ahead, self._turned(ahead)]))
        # where a motif is shorter than the longest its first windows lie outside
        starts = torch.arange(scores.shape[-1], device=hot.device)
        outside = starts < (self.config.width - self.widths)[:, None]
        sites = scores.masked_fill(outside.repeat(2, 1), -torch.inf)
        of_strands = sites.logsumexp(-1).chunk(2, dim=1)
        return torch.logaddexp(*of_strands)

    def _turned(self, filters: torch.Tensor) -> torch.Tensor:
        """Return the filters of the other strand, each still at the left end of its columns."""
        columns = torch.arange(self.config.width, device=filters.device)
        shift = (columns - self.widths[:, None]) % self.config.width
        return filters.flip(1, 2).gather(2, shift[:, None].expand_as(filters))
