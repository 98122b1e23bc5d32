"""Boosting of stumps on all cells, in the space of features instead of cells.

The residual enters a stump's fit only through its products with the indicators. With ``h`` the
standardised indicators, ``C = h'y`` and ``G = h'h``, a round that takes feature ``k`` with step
``learning_rate * C[k]`` changes every product by ``G[:, k]``: after two matrix products, a round
costs one gather per target, whatever the number of cells.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch

from grnet._progress import progress
from grnet._torch import workers
from grnet.infer._arrays import Matrix, column_blocks, unit_columns
from grnet.infer._boost_settings import BoostSettings, Draws, EarlyStopping, Importance
from grnet.infer._stumps import Stumps

CELLS_AT_ONCE = 2048
TARGETS_AT_ONCE = 64
TARGETS_AT_ONCE_ON_GPU = 4096


class _Features:
    """The standardised indicators: their means, lengths and Gram matrix."""

    def __init__(self, stumps: Stumps, device: torch.device) -> None:
        self.stumps = stumps
        self.all = torch.arange(len(stumps), device=device)
        n_cells = len(stumps.bins)
        counts = torch.zeros(len(stumps), len(stumps), device=device)
        for cells in self._chunks():
            part = stumps.indicators(cells, self.all).float()
            counts += part.T @ part  # exact: sums of ones below 2^24
        self.mean = counts.diagonal().double() / n_cells
        self.length = (n_cells * self.mean * (1 - self.mean)).sqrt()
        outer = torch.outer((self.mean * n_cells).float(), self.mean.float())
        counts -= outer
        counts /= self.length.float()[:, None]
        self.gram = counts.div_(self.length.float())

    def _chunks(self) -> list[slice]:
        n_cells = len(self.stumps.bins)
        return [slice(s, s + CELLS_AT_ONCE) for s in range(0, n_cells, CELLS_AT_ONCE)]

    def products(self, units: torch.Tensor) -> torch.Tensor:
        """Return targets x features products with centred targets (cells x targets).

        In double precision, so that equal features have equal products however the sum is split
        over threads, and ties are broken by name, not by rounding.
        """
        total = torch.zeros(units.shape[1], len(self.all), dtype=torch.float64, device=units.device)
        for cells in self._chunks():
            part = self.stumps.indicators(cells, self.all).double()
            total += units[cells].double().T @ part
        return (total / self.length).float()

    def standardised(self, stumps: Stumps) -> torch.Tensor:
        """Return features x cells of other cells, on the scale of these."""
        part = stumps.indicators(slice(None), self.all).double()
        return ((part - self.mean) / self.length).float().T.contiguous()


def _own_features(stumps: Stumps, own: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return (target, feature) of the indicators that belong to the target itself."""
    pairs = torch.nonzero(own[:, None] == stumps.regulator[None, :])
    return pairs[:, 0], pairs[:, 1]


class _Block(NamedTuple):
    """Some targets: where they stand, their products with the features, their held-out cells."""

    columns: slice
    products: torch.Tensor
    unseen: torch.Tensor | None

    def split(self, width: int) -> list["_Block"]:
        """Return blocks of ``width`` targets, few enough for a processor's cache."""
        return [
            _Block(
                slice(self.columns.start + start, self.columns.start + start + len(products)),
                products,
                None if self.unseen is None else self.unseen[start : start + width],
            )
            for start, products in zip(
                range(0, len(self.products), width), torch.split(self.products, width), strict=True
            )
        ]


def _blocks(
    features: _Features, y: Matrix, *, settings: BoostSettings, draws: Draws
) -> Iterator[_Block]:
    """Yield blocks of targets as wide as memory allows."""
    for columns, block in column_blocks(y, features.all.device):
        training = block[draws.training]
        products, unseen = features.products(unit_columns(training)), None
        if settings.early_stopping:
            unseen = unit_columns(block[draws.validation], training).T.contiguous()
        yield _Block(columns, products, unseen)


def _boost_block(
    block: _Block,
    features: _Features,
    own: torch.Tensor,
    *,
    settings: BoostSettings,
    draws: Draws,
    held_out: torch.Tensor | None,
) -> np.ndarray:
    """Boost one block of targets, using its products up."""
    stumps, rate, products = features.stumps, settings.learning_rate, block.products
    importance = Importance(len(products), int(stumps.bins.shape[1]), products.device)
    stopping = None
    if block.unseen is not None:
        stopping = EarlyStopping(settings.early_stopping, block.unseen)
    own_pairs = _own_features(stumps, own)
    targets = torch.arange(len(products), device=products.device)
    strength = torch.empty_like(products)
    for turn in range(settings.n_rounds):
        torch.abs(products, out=strength)
        strength[own_pairs] = -1.0
        if draws.regulators is not None:
            strength.masked_fill_(~draws.regulators[turn][stumps.regulator], -1.0)
        best, chosen = strength.max(dim=1)
        step = products[targets, chosen] * (best > 0)
        if stopping is not None and held_out is not None:
            step *= stopping.active
            stopping.update((rate * step)[:, None] * held_out[chosen])
        products.addcmul_(features.gram[chosen], step[:, None], value=-rate)
        importance.add(stumps.regulator[chosen], step.square(), step)
        if stopping is not None and stopping.finished:
            break
    return importance.scores()


def boost_stumps(
    stumps: Stumps, y: Matrix, own: np.ndarray, *, settings: BoostSettings, draws: Draws
) -> np.ndarray:
    """Return regulators x targets gains of stumps grown on all training cells."""
    device = stumps.bins.device
    features = _Features(stumps.of_cells(draws.training), device)
    held_out = None
    if settings.early_stopping:
        held_out = features.standardised(stumps.of_cells(draws.validation))
    scores = np.zeros((stumps.bins.shape[1], y.shape[1]), dtype=np.float32)
    owners = torch.from_numpy(own).to(device)

    def run(block: _Block) -> None:
        scores[:, block.columns] = _boost_block(
            block,
            features,
            owners[block.columns],
            settings=settings,
            draws=draws,
            held_out=held_out,
        )

    width = TARGETS_AT_ONCE if device.type == "cpu" else TARGETS_AT_ONCE_ON_GPU
    for wide in _blocks(features, y, settings=settings, draws=draws):
        parts = wide.split(width)
        with workers(device) as pool:
            for _ in progress(pool.map(run, parts), "boosting", total=len(parts)):
                pass
    return scores
