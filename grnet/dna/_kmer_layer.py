"""Vectors of k-mers as the first layer of a network."""

from __future__ import annotations

import torch
from torch import nn

from grnet._alphabet import UNKNOWN


class KmerLayer(nn.Module):
    """From codes (N, L) to the vectors of their k-mers (N, d, L - k + 1)."""

    def __init__(self, matrix: torch.Tensor, *, k: int, trainable: bool) -> None:
        super().__init__()
        self.k = k
        self.vectors = nn.Embedding(matrix.shape[0], matrix.shape[1], _weight=matrix)
        self.vectors.requires_grad_(trainable)

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        """Look the vectors up."""
        windows = codes.long().unfold(-1, self.k, 1)
        powers = 4 ** torch.arange(self.k - 1, -1, -1, device=codes.device)
        tokens = (windows * powers).sum(-1)
        tokens = torch.where((windows >= UNKNOWN).any(-1), 4**self.k, tokens)
        vectors: torch.Tensor = self.vectors(tokens).transpose(-1, -2)
        return vectors
