"""The order in which examples of classes of unlike size come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from grnet import _checks
from grnet.train import _strata

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

Labels = np.ndarray[Any, Any]


def balanced_order(
    labels: Labels, *, n: int | None = None, seed: int = 0, epoch: int = 0
) -> npt.NDArray[np.int64]:
    """Draw examples so that all classes come equally often.

    Parameters
    ----------
    labels
        ``(N,)`` or ``(N, T)``: 0 and 1 or class numbers, NaN where unknown.
    n
        How many to draw; by default as many as there are examples.
    seed, epoch
        The order follows from these two alone.

    Returns
    -------
    ndarray
        Row numbers, in a random order. Every class of every task has the same share. A small class
        is gone through again and again, in a new order each time; of a large one as many rows are
        drawn as there is room for, none of them twice.

    Raises
    ------
    ValueError
        If labels are no whole numbers, or none is known.

    Examples
    --------
    >>> import grnet as gn
    >>> import numpy as np
    >>> labels = np.array([1] + [0] * 9)
    >>> int(labels[gn.train.balanced_order(labels)].sum())
    5
    """
    strata = _strata.of_tasks(labels)
    size = len(labels) if n is None else _checks.whole(n, 0, 1 << 40, what="n")
    rng = np.random.default_rng([seed, epoch])
    quota = np.full(len(strata), size // len(strata))
    quota[rng.permutation(len(strata))[: size % len(strata)]] += 1
    drawn = [_strata.cycled(rows, k, rng) for rows, k in zip(strata, quota.tolist(), strict=True)]
    return rng.permutation(np.concatenate(drawn))


class BalancedSampler(torch.utils.data.Sampler[int]):
    """The order of :func:`balanced_order` for a DataLoader, another one in each epoch.

    Parameters
    ----------
    labels, n, seed
        As there.

    Examples
    --------
    >>> import grnet as gn
    >>> import numpy as np
    >>> sampler = gn.train.BalancedSampler(np.array([1, 0, 0, 0]), seed=1)
    >>> sampler.set_epoch(3)
    >>> len(list(sampler))
    4
    """

    def __init__(self, labels: Labels, *, n: int | None = None, seed: int = 0) -> None:
        self._labels, self._seed, self._epoch = labels, seed, 0
        self._n = len(labels) if n is None else n
        _strata.of_tasks(labels)

    def set_epoch(self, epoch: int) -> None:
        """Go on with another epoch; Lightning calls this by itself."""
        self._epoch = epoch

    def __len__(self) -> int:
        """Return how many are drawn in an epoch."""
        return self._n

    def __iter__(self) -> Iterator[int]:
        """Yield row numbers."""
        order = balanced_order(self._labels, n=self._n, seed=self._seed, epoch=self._epoch)
        return iter(order.tolist())


def stratified_batches(
    labels: Labels, batch_size: int, *, seed: int = 0, epoch: int = 0
) -> list[npt.NDArray[np.int64]]:
    """Cut the examples into batches that all have the classes in the same proportions.

    Parameters
    ----------
    labels
        ``(N,)`` or ``(N, T)``; rows with the same labels make a class.
    batch_size
        Examples in a batch; the last one may be smaller.
    seed, epoch
        The batches follow from these two alone.

    Returns
    -------
    list
        Row numbers of each batch; every example comes once.

    Raises
    ------
    ValueError
        If labels are no whole numbers, or ``batch_size`` is less than 1.

    Examples
    --------
    >>> import grnet as gn
    >>> import numpy as np
    >>> labels = np.array([0, 0, 0, 0, 0, 0, 1, 1])
    >>> [int(labels[batch].sum()) for batch in gn.train.stratified_batches(labels, 4)]
    [1, 1]
    """
    _checks.whole(batch_size, 1, 1 << 31, what="batch_size")
    rng = np.random.default_rng([seed, epoch])
    order = _strata.interleaved(_strata.of_rows(labels), rng)
    pieces = np.split(order, np.arange(batch_size, len(order), batch_size))
    return [rng.permutation(piece) for piece in pieces]
