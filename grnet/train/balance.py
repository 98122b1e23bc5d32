"""Classes of unlike size: weights, focal loss, and new points of the small ones."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from grnet import _checks
from grnet.train import _strata

if TYPE_CHECKING:
    import numpy.typing as npt

logger = logging.getLogger(__name__)

Labels = np.ndarray[Any, Any]


class Resampled(NamedTuple):
    """Embeddings with the new points of the small classes at the end.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.train.Resampled._fields
    ('embeddings', 'labels', 'synthetic')
    """

    embeddings: npt.NDArray[np.float32]
    labels: Labels
    synthetic: npt.NDArray[np.bool_]


def class_weights(
    labels: Labels, *, head: Literal["binary", "multiclass"] = "binary"
) -> npt.NDArray[np.float32]:
    """Weigh classes so that each counts as much as the others in the loss.

    Parameters
    ----------
    labels
        ``(N,)`` or ``(N, T)``, NaN where unknown; for ``"multiclass"`` class numbers from 0.
    head
        ``"binary"`` gives the weight of the positives of each task, negatives by positives:
        ``pos_weight`` of the cross entropy. ``"multiclass"`` gives one weight for each class,
        N / (classes x its number).

    Returns
    -------
    ndarray
        float32, one for each task or class; 1 where a task or class has no example.

    Raises
    ------
    ValueError
        If labels are other than 0, 1 and NaN, or other than class numbers.

    Examples
    --------
    >>> import grnet as gn
    >>> import numpy as np
    >>> gn.train.class_weights(np.array([[1, 0], [0, np.nan], [0, 0], [0, 1]]))
    array([3., 2.], dtype=float32)
    >>> gn.train.class_weights(np.array([0, 0, 0, 1]), head="multiclass")
    array([0.6666667, 2.       ], dtype=float32)
    """
    _checks.one_of(head, ("binary", "multiclass"), "head")
    known = _strata.as_columns(labels)
    if head == "binary":
        if not np.isin(known[np.isfinite(known)], (0.0, 1.0)).all():
            message = (
                f"Found labels {_checks.examples(np.unique(known), 5)}. Expected 0, 1 and NaN; for "
                "numbers of classes pass head='multiclass'."
            )
            raise ValueError(message)
        positive, negative = (known == 1).sum(axis=0), (known == 0).sum(axis=0)
        weights = np.where((positive > 0) & (negative > 0), negative / np.maximum(positive, 1), 1)
        return weights.astype(np.float32)
    numbers = _strata.class_numbers(known[np.isfinite(known)])
    counts = np.bincount(numbers)
    weights = np.where(counts > 0, len(numbers) / (len(counts) * np.maximum(counts, 1)), 1)
    return weights.astype(np.float32)


def focal_loss(
    logits: torch.Tensor,
    targets: torch.Tensor,
    *,
    gamma: float = 2.0,
    alpha: float | torch.Tensor | None = None,
    reduction: Literal["mean", "none"] = "mean",
) -> torch.Tensor:
    """Return the cross entropy in which examples that are already right count for little.

    Parameters
    ----------
    logits
        ``(N, T)`` or any shape, before the sigmoid.
    targets
        0 and 1 in the same shape; NaN where unknown, which counts for nothing.
    gamma
        How little the easy ones count: the loss is multiplied by ``(1 - p) ** gamma``, where ``p``
        is the probability of what is true. 0 gives the cross entropy.
    alpha
        Weight of the positives, from 0 to 1, against ``1 - alpha`` of the negatives; by default
        none.
    reduction
        ``"mean"`` over the known targets, or ``"none"``.

    Returns
    -------
    Tensor
        A number, or one loss per target (0 where unknown).

    Raises
    ------
    ValueError
        If the shapes differ.

    Notes
    -----
    Lin et al. (2017), https://arxiv.org/abs/1708.02002.

    Examples
    --------
    >>> import grnet as gn
    >>> import torch
    >>> logits = torch.tensor([4.0, 0.0])
    >>> gn.train.focal_loss(logits, torch.ones(2), reduction="none").round(decimals=3)
    tensor([0.0000, 0.1730])
    """
    _checks.one_of(reduction, ("mean", "none"), "reduction")
    if logits.shape != targets.shape:
        message = (
            f"The logits have the shape {tuple(logits.shape)}, the targets "
            f"{tuple(targets.shape)}. Expected the same."
        )
        raise ValueError(message)
    known = targets.isfinite()
    true = torch.where(known, targets, 0).to(logits.dtype)
    each = functional.binary_cross_entropy_with_logits(logits, true, reduction="none")
    # the power of a probability that is rounded to 0 would have no gradient
    each = each * torch.exp(gamma * functional.logsigmoid(torch.where(true > 0.5, -logits, logits)))
    if alpha is not None:
        each = each * (alpha * true + (1 - alpha) * (1 - true))
    each = torch.where(known, each, torch.zeros_like(each))
    return each if reduction == "none" else each.sum() / known.sum().clamp(min=1)


class FocalLoss(nn.Module):
    """The loss of :func:`focal_loss` as a module.

    Parameters
    ----------
    gamma, alpha
        As there.

    Examples
    --------
    >>> import grnet as gn
    >>> import torch
    >>> float(gn.train.FocalLoss(gamma=0.0)(torch.zeros(3, 1), torch.ones(3, 1)))
    0.693...
    """

    def __init__(self, *, gamma: float = 2.0, alpha: float | None = None) -> None:
        super().__init__()
        self.gamma, self.alpha = gamma, alpha

    def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the mean over the known targets."""
        return focal_loss(logits, targets, gamma=self.gamma, alpha=self.alpha)


def smote(
    embeddings: npt.NDArray[np.floating],
    labels: Labels,
    *,
    kind: Literal["smote", "borderline"] = "smote",
    n_neighbours: int = 5,
    seed: int = 0,
) -> Resampled:
    """Make new points of the small classes between neighbours, in the space of an embedding.

    Parameters
    ----------
    embeddings
        ``(N, d)`` floats, such as the last hidden layer of a model gives; of the training fold
        only.
    labels
        ``(N,)`` or ``(N, 1)`` class numbers, all known.
    kind
        ``"borderline"`` makes points only from those that lie among other classes.
    n_neighbours
        Between how many neighbours, fewer where a class is smaller.
    seed
        Of the random numbers.

    Returns
    -------
    Resampled
        ``embeddings``, ``labels`` and which rows are ``synthetic``; the given ones come first.

    Raises
    ------
    ImportError
        If imbalanced-learn is not installed.
    ValueError
        If these are sequences (codes or one-hot) and no embeddings, if a label is unknown, or a
        class has a single example.

    Notes
    -----
    A point between two sequences is no sequence: half an A and half a C. Hence only embeddings.
    Split first: points made from test examples would leak. By imbalanced-learn: Chawla et al.
    (2002), Han et al. (2005).

    Examples
    --------
    >>> import grnet as gn
    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    >>> made = gn.train.smote(x, np.arange(40) < 8)
    >>> float(made.labels.mean()), int(made.synthetic.sum())
    (0.5, 24)
    """
    _checks.one_of(kind, ("smote", "borderline"), "kind")
    _refuse_sequences(embeddings)
    numbers = _strata.class_numbers(_strata.one_column(labels))
    counts = np.bincount(numbers)
    smallest = int(counts[counts > 0].min(initial=len(numbers)))
    if len(numbers) != len(embeddings) or smallest < 2 or (counts > 0).sum() < 2:
        message = (
            f"Found {len(embeddings)} embeddings and {len(numbers)} labels of "
            f"{int((counts > 0).sum())} classes, the smallest with {smallest}. Expected one label "
            "for each, and two classes or more with at least two examples."
        )
        raise ValueError(message)
    over = _checks.optional("imblearn.over_sampling", "balance")
    maker = over.SMOTE if kind == "smote" else over.BorderlineSMOTE
    neighbours = min(n_neighbours, smallest - 1)
    x, y = maker(random_state=seed, k_neighbors=neighbours).fit_resample(embeddings, numbers)
    if len(x) == len(embeddings):
        logger.warning("%s made no points: classes are equal, or none lies at the border", kind)
    synthetic = np.arange(len(x)) >= len(embeddings)
    return Resampled(np.asarray(x, dtype=np.float32), y.astype(np.asarray(labels).dtype), synthetic)


def _refuse_sequences(embeddings: np.ndarray[Any, Any]) -> None:
    dense = np.asarray(embeddings)
    binary = dense.dtype != np.bool_ and bool(np.isin(dense, (0, 1)).all())
    if dense.ndim == 2 and np.issubdtype(dense.dtype, np.floating) and not binary:
        return
    found = "zeros and ones, such as one-hot sequences" if binary else f"{dense.dtype} values"
    message = (
        f"Found {found} of shape {dense.shape}. Expected embeddings: floats (N, d). Points between "
        "sequences are no sequences: take the last hidden layer of a trained model, "
        "grnet.dna.KmerEmbedding, or use class weights or a balanced sampler instead."
    )
    raise ValueError(message)
