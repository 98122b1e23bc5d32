"""What the DNA of the peaks near a gene says of each TF."""

import torch
from torch import nn
from torch.nn import functional

_NONE = -1e4
"""The log of no affinity at all: small, and still without an infinite gradient."""


class PooledSites(nn.Module):
    """Each TF's weights of the affinities that a gene's peaks have together.

    What a peak says levels off at a ceiling, where there is one: a site that is always bound
    cannot be bound more often. The affinities of several peaks add up, each counted as strongly as
    it is linked to the gene: in logs, as a sequence model answers, that is a log-sum-exp. Genes
    without a peak get the mean.

    Parameters
    ----------
    n_features
        Numbers per peak.
    n_tfs
        TFs.
    """

    ceiling: torch.Tensor
    mean: torch.Tensor
    scale: torch.Tensor
    peak_mean: torch.Tensor
    peak_scale: torch.Tensor

    def __init__(self, n_features: int, *, n_tfs: int) -> None:
        super().__init__()
        for name, start in (("mean", 0.0), ("scale", 1.0)):
            self.register_buffer(name, torch.full((n_features,), start))
            self.register_buffer(f"peak_{name}", torch.full((n_features,), start))
        self.register_buffer("ceiling", torch.full((n_features,), torch.inf))
        self.weight = nn.Parameter(torch.zeros(n_tfs, n_features))
        self.bias = nn.Parameter(torch.zeros(n_tfs))

    def forward(
        self,
        said: torch.Tensor,
        near: torch.Tensor,
        pairs: torch.Tensor,
        *,
        link: torch.Tensor | None,
        n_genes: int,
    ) -> torch.Tensor:
        """Return the term of each pair (2, B), from peaks (P, F) joined to genes by (2, E)."""
        genes, own = torch.unique(pairs[1], return_inverse=True)
        place = torch.full((n_genes,), -1, dtype=torch.long, device=near.device)
        place[genes] = torch.arange(len(genes), device=near.device)
        used = place[near[1]] >= 0
        pooled, has_peak = pooled_affinity(
            saturated(said[near[0, used]], self.ceiling),
            place[near[1, used]],
            link=None if link is None else link[used],
            n_genes=len(genes),
        )
        seen = torch.where(has_peak[:, None], (pooled - self.mean) / self.scale, 0.0)
        term: torch.Tensor = (self.weight[pairs[0]] * seen[own]).sum(1) + self.bias[pairs[0]]
        return term

    def scaled(self, said: torch.Tensor) -> torch.Tensor:
        """Return the numbers of peaks (P, F), levelled off, with mean 0 and variance 1."""
        return (saturated(said, self.ceiling) - self.peak_mean) / self.peak_scale


def one_per_peak(said: torch.Tensor) -> torch.Tensor:
    """Return numbers of peaks (P, F), the mean over positions of a model that answers at each."""
    return said if said.ndim == 2 else said.mean(-1)


def saturated(said: torch.Tensor, ceiling: torch.Tensor) -> torch.Tensor:
    """Return log affinities (..., F) that level off at their ceiling (F,).

    Of an affinity ``a`` and a ceiling ``c`` that is ``a c / (a + c)``: how often a site is bound.
    """
    return said - functional.softplus(said - ceiling)


def pooled_affinity(
    said: torch.Tensor, gene: torch.Tensor, *, link: torch.Tensor | None, n_genes: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the log affinities of genes (G, F) from those of linked peaks (E, F), and which have.

    ``link`` (E,) is how strongly each is linked; 1 where it is not given.
    """
    if link is not None:
        # a link of exactly 0 says nothing, which in logs has no number
        said = said + link.clamp(min=1e-12).log()[:, None]
    has_peak = torch.zeros(n_genes, dtype=torch.bool, device=said.device)
    has_peak[gene] = True
    index = gene[:, None].expand_as(said)
    start = torch.full((n_genes, said.shape[1]), _NONE, device=said.device, dtype=said.dtype)
    highest = start.scatter_reduce(0, index, said.detach(), "amax")
    above = (said - highest[gene]).exp()
    total = torch.zeros_like(start).index_add(0, gene, above)
    pooled = highest + total.clamp(min=1e-30).log()
    return pooled, has_peak
