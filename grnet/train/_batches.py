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


class RepeatedSampler(torch.utils.data.Sampler[int]):
    """So many examples an epoch, of one random order after another, by seed and epoch alone."""

    def __init__(self, n: int, *, n_drawn: int, seed: int) -> None:
        self._n, self._n_drawn, self._seed, self._epoch = n, n_drawn, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Lightning calls this, also after it has resumed."""
        self._epoch = epoch

    def __len__(self) -> int:
        return self._n_drawn

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng([self._seed, self._epoch])
        orders = [rng.permutation(self._n) for _ in range(-(-self._n_drawn // self._n))]
        return iter(np.concatenate(orders)[: self._n_drawn].tolist())
