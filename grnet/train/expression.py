"""Masked pre-training on expression: a transformer learns to tell hidden genes from regulators."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import torch
from torch import nn
from torch.nn import functional

from grnet import _checks
from grnet.models.expression import ExpressionTransformer, ExpressionTransformerConfig
from grnet.train._batches import RepeatedSampler
from grnet.train.fitting import Fit, FitSettings, fit
from grnet.train.objectives import Batch

EXPRESSION_SETTINGS = FitSettings(
    max_epochs=32, batch_size=32, learning_rate=1e-2, patience=8, precision="float32"
)
_STEPS_PER_EPOCH = 25
"""An epoch is so many steps, whatever the number of cells: what training costs is what it says."""

_CLIP = 5.0
"""Largest standardised value: of a gene that is on in few cells, these would be all that counts."""

_MAX_ASKED = 512
_MAX_HELD_OUT = 256
_HELD_OUT = 0.1


class _Scale(NamedTuple):
    """Mean and reciprocal deviation of each column; the latter is 0 of a constant one."""

    mean: npt.NDArray[np.float64]
    factor: npt.NDArray[np.float64]

    @classmethod
    def of(cls, matrix: np.ndarray | sp.csr_matrix) -> "_Scale":
        """Measure the columns; what is sparse stays so."""
        if isinstance(matrix, np.ndarray):
            # einsum casts in small pieces, a deviation would copy the matrix
            squares = np.einsum("ij,ij->j", matrix, matrix, dtype=np.float64)
            sums = matrix.sum(axis=0, dtype=np.float64)
            largest = np.maximum(matrix.max(axis=0), -matrix.min(axis=0))
        else:
            doubles = matrix.astype(np.float64)
            sums, largest = doubles.sum(axis=0), abs(doubles).max(axis=0).toarray()
            doubles.data **= 2
            squares = doubles.sum(axis=0)
        mean, squares = (np.asarray(part).ravel() / matrix.shape[0] for part in (sums, squares))
        deviation = np.sqrt(np.maximum(squares - mean**2, 0.0))
        varies = deviation > 1e-6 * np.asarray(largest).ravel()
        return cls(mean, np.where(varies, 1.0 / np.where(varies, deviation, 1.0), 0.0))

    def applied(
        self, rows: np.ndarray | sp.csr_matrix, columns: npt.NDArray[np.int64] | slice
    ) -> npt.NDArray[np.float64]:
        """Return some columns of rows, dense, standardised and clipped."""
        values = rows[:, columns]
        dense = values if isinstance(values, np.ndarray) else values.toarray()
        return ((dense - self.mean[columns]) * self.factor[columns]).clip(-_CLIP, _CLIP)


@dataclass(frozen=True, eq=False)
class ExpressionData:
    """Cells with the expression of regulators and genes, standardised batch by batch.

    Parameters
    ----------
    regulators
        Cells x regulators, dense.
    genes
        Cells x genes, dense or sparse; only the batches become dense.
    own
        For each gene its place among the regulators, or -1.

    Raises
    ------
    ValueError
        If sizes disagree.

    Notes
    -----
    Batches hold ``x`` (B, regulators) and ``y`` (B, genes), float64: each gene less its mean over
    its deviation, both of all cells, clipped at 5.

    Examples
    --------
    >>> import grnet as gn
    >>> import numpy as np
    >>> matrix = np.random.default_rng(0).normal(size=(20, 3))
    >>> data = gn.train.ExpressionData(matrix[:, :2], matrix, np.array([0, 1, -1]))
    >>> data.__getitems__([0, 5])["y"].shape
    torch.Size([2, 3])
    """

    regulators: npt.NDArray[np.floating]
    genes: npt.NDArray[np.floating] | sp.spmatrix | sp.sparray
    own: npt.NDArray[np.integer]
    _scales: tuple[_Scale, _Scale] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        sizes = (len(self.regulators), self.genes.shape[0]), (len(self.own), self.genes.shape[1])
        if any(found != expected for found, expected in sizes):
            message = (
                f"regulators {self.regulators.shape}, genes {self.genes.shape} and own "
                f"{np.shape(self.own)} do not fit: expected (cells, regulators), (cells, genes) "
                "and (genes,)."
            )
            raise ValueError(message)
        genes: Any = self.genes
        genes = genes.tocsr() if sp.issparse(genes) else genes
        object.__setattr__(self, "genes", genes)
        object.__setattr__(self, "_scales", (_Scale.of(self.regulators), _Scale.of(genes)))

    def __len__(self) -> int:
        """Return the number of cells."""
        return len(self.regulators)

    def __getitems__(self, indices: list[int]) -> dict[str, torch.Tensor]:
        """Return a batch of cells."""
        return self.batch(np.asarray(indices))

    def batch(
        self, cells: npt.NDArray[np.int64], genes: npt.NDArray[np.int64] | None = None
    ) -> dict[str, torch.Tensor]:
        """Return ``x`` and ``y`` of some cells, and of some genes where these are given.

        Examples
        --------
        >>> import grnet as gn
        >>> import numpy as np
        >>> data = gn.train.ExpressionData(np.eye(4), np.eye(4), np.arange(4))
        >>> data.batch(np.array([0, 1]), np.array([3]))["y"].shape
        torch.Size([2, 1])
        """
        of_regulators, of_genes = self._scales
        columns = slice(None) if genes is None else genes
        return {
            "x": torch.from_numpy(of_regulators.applied(self.regulators[cells], slice(None))),
            "y": torch.from_numpy(of_genes.applied(self.genes[cells], columns)),
        }


@dataclass(frozen=True, eq=False)
class _Cells:
    """Some of the cells; those that are held out are asked the same genes every time."""

    data: ExpressionData
    cells: npt.NDArray[np.int64]
    asked: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.cells)

    def __getitems__(self, indices: list[int]) -> dict[str, torch.Tensor]:
        batch = self.data.batch(self.cells[indices], self.asked)
        return batch if self.asked is None else batch | {"asked": torch.from_numpy(self.asked)}


class _Answer(NamedTuple):
    predicted: torch.Tensor
    truth: torch.Tensor


@dataclass(frozen=True)
class MaskedExpressionObjective:
    """Predict the hidden genes of each cell from the regulators that are not hidden.

    Parameters
    ----------
    mask_rate
        Share of the genes whose value hides.

    Notes
    -----
    The cells of a training batch hide the same genes, drawn anew for each batch, and a regulator
    that hides is seen by no gene. Validation batches bring the genes they ask (``asked``), each of
    which is predicted from all regulators but itself: what the network is read from.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.train.MaskedExpressionObjective(mask_rate=0.2).monitor
    'loss'
    """

    mask_rate: float = 0.25

    @property
    def monitor(self) -> str:
        """The figure that chooses the best epoch."""
        return "loss"

    @property
    def mode(self) -> Literal["min", "max"]:
        """Whether it is better small or large."""
        return "min"

    def answer(self, model: nn.Module, batch: Batch) -> _Answer:
        """Return predictions of the asked genes, and their values."""
        if not isinstance(model, ExpressionTransformer):
            message = (
                f"{type(model).__name__} predicts no expression: give a "
                "gn.models.ExpressionTransformer."
            )
            raise TypeError(message)
        if "asked" in batch:
            return _Answer(model(batch["x"], batch["asked"]), batch["y"])
        asked, hidden = self._drawn(model)
        return _Answer(model(batch["x"], asked, hidden), batch["y"][:, asked])

    def loss(self, answer: _Answer, batch: Batch) -> torch.Tensor:
        """Return the mean squared error, in variances."""
        del batch
        return functional.mse_loss(answer.predicted, answer.truth)

    def outputs(self, answer: _Answer, batch: Batch) -> torch.Tensor:
        """Return of each cell the squared errors of the model and of the mean."""
        del batch
        errors = (answer.predicted - answer.truth).square().sum(1), answer.truth.square().sum(1)
        return torch.stack(errors, dim=1)

    def targets(self, batch: Batch) -> torch.Tensor:
        """Return nothing: the outputs are compared already."""
        return torch.zeros(0, device=batch["x"].device)

    def metrics(self, outputs: torch.Tensor, targets: torch.Tensor) -> dict[str, float]:
        """Return the share of the variance that is explained."""
        del targets
        of_model, of_mean = outputs.double().sum(dim=0).tolist()
        return {"r2": 1.0 - of_model / of_mean if of_mean else 0.0}

    def _drawn(self, model: ExpressionTransformer) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw the genes that are asked, and the regulators that hide."""
        # on the CPU, where the training loop has seeded it
        own, config = model.own.cpu(), model.config
        order = torch.randperm(config.n_genes)[: max(round(self.mask_rate * config.n_genes), 1)]
        hidden = torch.rand(config.n_regulators) < self.mask_rate
        # only a regulator that is no gene hides by a draw of its own
        hidden[own[own >= 0]] = False
        hidden[own[order][own[order] >= 0]] = True
        return order[:_MAX_ASKED].to(model.own.device), hidden.to(model.own.device)


def pretrain_expression(
    data: ExpressionData,
    model: ExpressionTransformerConfig | ExpressionTransformer | None = None,
    *,
    mask_rate: float = 0.25,
    settings: FitSettings | None = None,
    seed: int = 0,
    folder: str | Path | None = None,
) -> Fit:
    """Train a transformer to predict the hidden genes of a cell from its regulators.

    Parameters
    ----------
    data
        The cells.
    model
        Settings of a new model, or a model to go on with (it is trained in place, as float64).
    mask_rate
        Share of the genes of each cell whose value hides.
    settings
        See :class:`FitSettings`; an epoch is 25 steps, by default 32 of 32 cells at most.
    seed
        Of everything that is drawn.
    folder
        Where the state is kept, as for :func:`fit`.

    Returns
    -------
    Fit
        Chosen by a tenth of the cells, at most 256, that are held out. ``metrics`` holds their loss
        and ``r2``, the share of their variance that is explained: 0 is no better than the mean.

    Raises
    ------
    ValueError
        If there are fewer than 10 cells, ``mask_rate`` is out of range, or the model is of other
        genes.

    Notes
    -----
    It computes in float64: rounding, which differs with the number of threads, is too small then
    for training to amplify it to a difference that can be seen.

    Examples
    --------
    >>> import grnet as gn
    >>> import numpy as np
    >>> matrix = np.random.default_rng(0).normal(size=(60, 4))
    >>> matrix[:, 3] = matrix[:, 0] + 0.1 * matrix[:, 3]
    >>> data = gn.train.ExpressionData(matrix[:, :2], matrix, np.array([0, 1, -1, -1]))
    >>> settings = gn.train.FitSettings(max_epochs=2, precision="float32")
    >>> sorted(gn.train.pretrain_expression(data, settings=settings).metrics)
    ['loss', 'r2', 'train_loss']
    """
    _checks.in_range(mask_rate, 0.01, 0.9, what="mask_rate")
    made = _model_of(data, model, seed=seed)
    training, held_out = _parts(data, seed=seed)
    chosen = settings or EXPRESSION_SETTINGS
    n_drawn = _STEPS_PER_EPOCH * chosen.batch_size
    return fit(
        made,
        training,
        validation=held_out,
        objective=MaskedExpressionObjective(mask_rate),
        settings=replace(chosen, precision="float32"),
        sampler=RepeatedSampler(len(training), n_drawn=n_drawn, seed=seed),
        seed=seed,
        folder=folder,
    )


def _model_of(
    data: ExpressionData,
    model: ExpressionTransformerConfig | ExpressionTransformer | None,
    *,
    seed: int,
) -> ExpressionTransformer:
    own, n_regulators = tuple(data.own.tolist()), data.regulators.shape[1]
    if model is None:
        model = ExpressionTransformerConfig(own=own, n_regulators=n_regulators)
    config = model.config if isinstance(model, ExpressionTransformer) else model
    if (config.own, config.n_regulators) != (own, n_regulators):
        message = (
            f"The model is of {config.n_genes} genes and {config.n_regulators} regulators, the "
            f"data of {len(own)} and {n_regulators}, or other genes are regulators: take own and "
            "n_regulators from the data."
        )
        raise ValueError(message)
    if isinstance(model, ExpressionTransformer):
        return model.double()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ExpressionTransformer(config).double()


def _parts(data: ExpressionData, *, seed: int) -> tuple[_Cells, _Cells]:
    n_out = min(round(_HELD_OUT * len(data)), _MAX_HELD_OUT)
    if not n_out:
        message = f"{len(data)} cells are too few to hold a tenth out: give at least 10."
        raise ValueError(message)
    rng = np.random.default_rng([seed, 1])
    cells, genes = rng.permutation(len(data)), rng.permutation(data.genes.shape[1])
    asked = np.sort(genes[:_MAX_HELD_OUT])
    return _Cells(data, np.sort(cells[n_out:])), _Cells(data, np.sort(cells[:n_out]), asked)
