"""Data in batches, and the order of their examples."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np
import torch

Batch = dict[str, torch.Tensor]


class Batched(Protocol):
    """Data that give whole batches."""

    def __len__(self) -> int:
        """Return the number of examples."""

    def __getitems__(self, indices: list[int]) -> Batch:
        """Return the batch of these examples."""


class EpochSampler(torch.utils.data.Sampler[int]):
    """Every example once, in an order that follows from seed and epoch alone."""

    def __init__(self, n: int, *, seed: int) -> None:
        self._n, self._seed, self._epoch = n, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Lightning calls this, also after it has resumed."""
        self._epoch = epoch

    def __len__(self) -> int:
        return self._n

    def __iter__(self) -> Iterator[int]:
        order = np.random.default_rng([self._seed, self._epoch]).permutation(self._n)
        return iter(order.tolist())
