"""The term of the DNA of one pair, as a sum over the peaks near the gene."""

import torch
from torch import nn

from grnet._alphabet import Codes
from grnet.models._layers import at_the_door
from grnet.models._pooled_sites import one_per_peak, saturated
from grnet.models.joint import JointModel

_LEAST = 1e-9


class SitesOfPair(nn.Module):
    """The term of the DNA of one pair, from the DNA of all peaks near the gene in one row.

    The affinities of the peaks add up before their logarithm is taken. Each peak is given its share
    of what the term rises by between shuffles and the sequence: its own rise of affinity over that
    of all (the rescale rule of DeepLIFT, Shrikumar et al. 2017). A path through the logarithm would
    favour the peak that rises first, however weakly it is linked. The answer for the sequence
    itself is the term of the model, that for the shuffles in the mean the term of their mean log
    affinities.

    Attributes
    ----------
    share
        (P, F): what a unit of log affinity of a peak adds.
    here
        (P, F): log affinities of the sequence.
    term
        What the model says of the sequence.
    """

    share: torch.Tensor
    here: torch.Tensor
    term: torch.Tensor

    def __init__(self, model: JointModel, n_peaks: int) -> None:
        super().__init__()
        self.reader, self.sites, self._n_peaks = model.reader, model.sites, n_peaks

    @classmethod
    def of(
        cls,
        model: JointModel,
        tf: int,
        *,
        row: Codes,
        shuffles: Codes,
        n_peaks: int,
        link: torch.Tensor | None,
    ) -> "SitesOfPair":
        """Return the term of a TF for the row (1, P * L), compared with shuffles (n, P * L)."""
        asked, sites = cls(model, n_peaks), model.sites
        strength = torch.ones(n_peaks) if link is None else link.clamp(min=1e-12)
        with torch.no_grad():
            here, away = (asked._mean_levels(codes) for codes in (row, shuffles))
            of_layer = model.weight[model.config.layers.index("dna")]
            slope = (of_layer * sites.weight[tf] / sites.scale).double()
            share, pooled = _shares(here, away, strength.double().log()[:, None])
            term = slope @ (pooled - sites.mean) + of_layer * sites.bias[tf]
        for name, value in (("share", slope * share), ("here", here), ("term", term)):
            asked.register_buffer(name, value.float())
        return asked

    def _mean_levels(self, codes: Codes) -> torch.Tensor:
        """Return the mean log affinities (P, F) of rows (n, P * L)."""
        rows = [self.levels(torch.from_numpy(one[None])).double() for one in codes]
        return torch.cat(rows).mean(0)

    def levels(self, x: torch.Tensor) -> torch.Tensor:
        """Return log affinities (N, P, F) for codes (N, P * L) or floats (N, 4, P * L)."""
        hot = at_the_door(x)
        each = hot.reshape(len(hot), 4, self._n_peaks, -1).transpose(1, 2).flatten(0, 1)
        said = one_per_peak(self.reader(each))
        level: torch.Tensor = saturated(said, self.sites.ceiling)
        return level.reshape(len(hot), self._n_peaks, -1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the term (N, 1) for codes (N, P * L) or floats (N, 4, P * L)."""
        risen = (self.share * (self.levels(x) - self.here)).sum((1, 2))
        return (self.term + risen)[:, None]


def _shares(
    here: torch.Tensor, away: torch.Tensor, link: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return by how much the pooled log affinity rises with each level (P, F), and what it is here.

    ``link`` (P, 1) is a logarithm.
    """
    highest = (torch.maximum(here, away) + link).amax(0)
    of_here, of_away = ((level + link - highest).exp() for level in (here, away))
    per_level = _ratio(of_here - of_away, here - away, otherwise=of_here)
    total, before = of_here.sum(0), of_away.sum(0)
    risen = total.log() - before.log()
    return _ratio(risen, total - before, otherwise=1 / total) * per_level, total.log() + highest


def _ratio(above: torch.Tensor, below: torch.Tensor, *, otherwise: torch.Tensor) -> torch.Tensor:
    """Return a ratio of differences, and its limit where both vanish."""
    vanishes = below.abs() < _LEAST
    return torch.where(vanishes, otherwise, above / torch.where(vanishes, 1.0, below))
