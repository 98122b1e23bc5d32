"""Kernel of a ridge regression that contexts share: cell groups, or windows of pseudotime.

A context ``g`` weighs the cells, by 0 and 1 or softly, and its coefficients are what all contexts
have in common and its own deviation, ``W_g = W_0 + D_g``. Minimised is the sum over contexts of
``|Y - X W_g|^2`` under these weights, plus ``a_0 |W_0|^2 + a_1 sum |D_g|^2``. With ``S_g`` and
``C_g`` the weighted products ``X'X`` and ``X'Y`` and ``P_g = (S_g + a_1 I)^-1``, the minimum is, in
closed form, ``W_g = P_g (C_g + a_1 W_0)`` with ``W_0 = K^-1 a_1 sum P_g C_g`` and
``K = a_0 I + a_1 sum S_g P_g``. A context of few cells has a small ``S_g`` and keeps close to
``W_0``.

Where each cell is of one context, as of one group, genes are centred and scaled within contexts:
neither a shift of the mean between groups nor more noise is regulation. Where contexts overlap, as
windows of a continuum do, they are over all cells: there a gene's change from window to window is
what its regulators do.
"""

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import numpy as np
import torch

from grnet import _checks
from grnet.infer._arrays import (
    Matrix,
    column_blocks,
    dense_columns,
    leave_out_own,
    unit_columns,
)
from grnet.infer._scored import Scored
from grnet.infer.linear import ridge

N_JUDGES = 500
"""Targets, evenly spaced, whose evidence chooses the penalties."""

CHOICES = (10**-0.5, 1.0, 10**0.5, 10.0)
"""Of penalties. With less, data without noise would be taken at their word: regulators that vary
together get large coefficients of either sign. With more, the few edges that deviate would be
flattened where most do not."""


def shared_ridge(  # noqa: PLR0913 - the arguments of every kernel, contexts and two penalties
    x: np.ndarray,
    y: Matrix,
    own: np.ndarray,
    *,
    rng: np.random.Generator,
    device: torch.device,
    contexts: np.ndarray | None = None,
    alpha: float | None = None,
    deviation: float | None = None,
    reference: tuple[float, float] | None = None,
) -> Scored:
    """Coefficients of ridge regressions that contexts (cells x contexts, weights) share.

    Scores are contexts x regulators x targets. Without contexts, or with one, nothing deviates:
    they are the coefficients of :func:`~grnet.infer.linear.ridge` at ``alpha``, by default 1. Else
    a penalty that is not given (``alpha`` of what is common, ``deviation`` of what is not) is, of
    0.32, 1, 3.2 and 10, the one under which the data are most probable.
    """
    for value, name in ((alpha, "alpha"), (deviation, "deviation")):
        if value is not None:
            _checks.in_range(value, 1e-6, 1e6, what=name)
    if contexts is None and deviation is not None:
        message = (
            f"deviation={deviation!r} holds contexts together, and there are none: name them by "
            "groupby= or pseudotime=, or leave deviation= out."
        )
        raise ValueError(message)
    if contexts is None or contexts.shape[1] == 1:
        alpha = 1.0 if alpha is None else alpha
        scores = ridge(x, y, own, rng=rng, device=device, alpha=alpha)
        return Scored(scores if contexts is None else scores[None], {}, {"alpha": alpha})
    cells = _Cells.of(x, contexts, device)
    given = (alpha, deviation)
    penalties = reference or _most_probable(cells, y, own, given=given)
    facts = dict(zip(("alpha", "deviation"), penalties, strict=True))
    solver = _Solver.of(cells.grams, **facts)
    scores = np.empty((contexts.shape[1], x.shape[1], y.shape[1]), dtype=np.float32)
    for columns, block in column_blocks(y, device):
        among = torch.from_numpy(own[columns]).to(device)
        fitted = solver.coefficients(cells.products(block), among)
        scores[:, :, columns] = fitted.float().cpu().numpy()
    for of_context in scores:
        leave_out_own(of_context, own)
    # permuted data would choose others: compared are scores under the same
    return Scored(scores, {}, facts, reference=penalties if None in given else None)


class _Context(NamedTuple):
    """The cells with a weight, their weights as a column, and their share of all cells."""

    rows: torch.Tensor
    weights: torch.Tensor
    share: torch.Tensor

    def standardised(self, block: torch.Tensor) -> torch.Tensor:
        """Return the columns of these cells, centred, their weighted squares summing to the share.

        A column that is constant here becomes zero.
        """
        part = block[self.rows]
        centred = part - (self.weights * part).sum(dim=0) / self.weights.sum().clamp_min(1e-30)
        length = (self.weights * centred.square()).sum(dim=0).sqrt()
        rounding = 1e-6 * block.abs().amax(dim=0) * len(block) ** 0.5
        scale = torch.where(length > rounding, self.share.sqrt() / length.clamp_min(1e-30), 0.0)
        return centred * scale


class _Cells(NamedTuple):
    """The contexts, and the regulators in each: standardised, and their products with another."""

    contexts: list[_Context]
    overlap: bool
    regulators: list[torch.Tensor]
    grams: torch.Tensor

    @classmethod
    def of(cls, x: np.ndarray, weights: np.ndarray, device: torch.device) -> "_Cells":
        values = torch.from_numpy(x).to(device)
        columns = torch.from_numpy(weights.astype(np.float32)).to(device)
        contexts = list(_contexts(columns))
        overlap = bool(((columns > 0).sum(dim=1) > 1).any())
        regulators = _standardised(values, contexts, overlap=overlap)
        grams = [
            (part.T @ (context.weights * part)).double()
            for context, part in zip(contexts, regulators, strict=True)
        ]
        return cls(contexts, overlap, regulators, torch.stack(grams))

    @property
    def n_free(self) -> float:
        """How many cells there are beyond the means that were taken off."""
        n_cells = float(torch.stack([context.weights.sum() for context in self.contexts]).sum())
        return n_cells - (1 if self.overlap else len(self.contexts))

    def products(self, block: torch.Tensor) -> torch.Tensor:
        """Return contexts x regulators x targets."""
        targets = _standardised(block, self.contexts, overlap=self.overlap)
        products = [
            (of_regulators.T @ (context.weights * of_targets)).double()
            for context, of_regulators, of_targets in zip(
                self.contexts, self.regulators, targets, strict=True
            )
        ]
        return torch.stack(products)

    def squares(self, block: torch.Tensor) -> torch.Tensor:
        """Return the weighted squares of the targets, summed over contexts."""
        targets = _standardised(block, self.contexts, overlap=self.overlap)
        squares = [
            (context.weights * part.square()).sum(dim=0)
            for context, part in zip(self.contexts, targets, strict=True)
        ]
        return torch.stack(squares).sum(dim=0).double()


def _contexts(columns: torch.Tensor) -> Iterator[_Context]:
    for column in columns.T:
        rows = torch.nonzero(column > 0).squeeze(1)
        yield _Context(rows, column[rows, None], column.sum() / columns.sum())


def _standardised(
    block: torch.Tensor, contexts: list[_Context], *, overlap: bool
) -> list[torch.Tensor]:
    """Return the columns in each context; their weighted squares sum to 1 over the contexts."""
    if not overlap:
        return [context.standardised(block) for context in contexts]
    whole = unit_columns(block)
    return [whole[context.rows] for context in contexts]


class _Solver(NamedTuple):
    """What all targets have in common, once the penalties are known.

    ``inverses`` are the ``P_g``, ``common`` is ``K^-1``, and ``log_volume`` the logarithm of how
    much more the data constrain the coefficients than the penalties do, as a determinant.
    """

    inverses: torch.Tensor
    common: torch.Tensor
    deviation: float
    log_volume: float

    @classmethod
    def of(cls, grams: torch.Tensor, *, alpha: float, deviation: float) -> "_Solver":
        n_contexts, n_regulators, _ = grams.shape
        factors = torch.linalg.cholesky(_penalised(grams, deviation))
        inverses = torch.cholesky_inverse(factors)
        # S P = I - a P
        inner = _penalised(-(deviation**2) * inverses.sum(dim=0), alpha + deviation * n_contexts)
        factor = torch.linalg.cholesky(inner)
        diagonals = torch.cat([factors.diagonal(dim1=1, dim2=2).flatten(), factor.diagonal()])
        of_penalties = n_regulators * (np.log(alpha) + n_contexts * np.log(deviation))
        log_volume = 2.0 * float(diagonals.log().sum()) - of_penalties
        return cls(inverses, torch.cholesky_inverse(factor), deviation, log_volume)

    def coefficients(self, products: torch.Tensor, own: torch.Tensor) -> torch.Tensor:
        """Return contexts x regulators x targets; no target is among its own predictors."""
        alone = self.inverses @ products
        shared = self.common @ (self.deviation * alone.sum(dim=0))
        fitted = alone + self.deviation * (self.inverses @ shared)
        targets = torch.nonzero(own >= 0).squeeze(1)
        if len(targets):
            fitted[:, :, targets] = self._without(own[targets], alone[:, :, targets])
        return fitted

    def _without(self, left_out: torch.Tensor, alone: torch.Tensor) -> torch.Tensor:
        """Return the coefficients of targets whose own regulator is left out, exactly.

        Without regulator ``i`` each ``P`` loses ``u u'`` with ``u = P[:, i] / sqrt(P[i, i])``, and
        ``K`` gains ``a_1^2`` times their sum, of rank as many as contexts: Woodbury.
        """
        each = torch.arange(len(left_out), device=left_out.device)
        lost = self.inverses[:, :, left_out]
        lost = lost / lost[:, left_out, each].sqrt()[:, None]

        def reduced(values: torch.Tensor) -> torch.Tensor:
            return values - lost * (values[:, left_out, each] / lost[:, left_out, each])[:, None]

        alone = reduced(alone)
        shared = self.common @ (self.deviation * alone.sum(dim=0))
        spread = self.common @ lost
        inner = torch.einsum("grt,hrt->tgh", lost, spread)
        inner.diagonal(dim1=1, dim2=2).add_(self.deviation**-2)
        share = torch.linalg.solve(inner, torch.einsum("grt,rt->tg", lost, shared))
        shared = shared - torch.einsum("grt,tg->rt", spread, share)
        return alone + self.deviation * reduced(self.inverses @ shared)


def _penalised(matrices: torch.Tensor, penalty: float) -> torch.Tensor:
    penalised = matrices.clone()
    penalised.diagonal(dim1=-2, dim2=-1).add_(penalty)
    return penalised


class _Evidence:
    """The logarithm of how probable some targets are under two penalties, up to a constant.

    Coefficients are taken for Gaussian with the precisions that the penalties say, the variance of
    each target as its best (type II maximum likelihood; MacKay 1992, Neural Comput 4:415).
    """

    def __init__(self, cells: _Cells, y: Matrix, own: np.ndarray) -> None:
        chosen = np.unique(np.linspace(0, y.shape[1] - 1, N_JUDGES).astype(np.int64))
        device = cells.grams.device
        block = dense_columns(y[:, chosen], slice(None), device)
        squares = cells.squares(block)
        varies = squares > 0
        self.squares = squares[varies]
        self._cells, self._products = cells, cells.products(block)[:, :, varies]
        self._own = torch.from_numpy(own[chosen]).to(device)[varies]
        # a target that is a regulator has one predictor less
        self._share = 1.0 - float((self._own >= 0).double().mean()) / cells.grams.shape[1]

    def __call__(self, alpha: float, deviation: float) -> float:
        solver = _Solver.of(self._cells.grams, alpha=alpha, deviation=deviation)
        fitted = solver.coefficients(self._products, self._own)
        left = self.squares - (fitted * self._products).sum(dim=(0, 1))
        error = float((left / self.squares).clamp_min(1e-12).log().mean())
        return -0.5 * (self._cells.n_free * error + self._share * solver.log_volume)


def _most_probable(
    cells: _Cells, y: Matrix, own: np.ndarray, *, given: tuple[float | None, float | None]
) -> tuple[float, float]:
    """Return the penalties; what is not given, as the evidence says, or 1 without any."""
    evidence = _Evidence(cells, y, own) if None in given else None
    if evidence is not None and len(evidence.squares):
        choices = product(*(CHOICES if value is None else (value,) for value in given))
        alpha, deviation = max(choices, key=lambda penalties: evidence(*penalties))
    else:
        alpha, deviation = (1.0 if value is None else value for value in given)
    return alpha, deviation
