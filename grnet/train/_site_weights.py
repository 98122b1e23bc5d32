"""Each TF's weights of the sites near its targets: a penalised logistic regression of all TFs."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.metrics import average_precision_score

from grnet._progress import progress

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

PENALTIES = (300.0, 100.0, 30.0, 10.0, 3.0)
"""Of the squared weights, strong to weak; the validation pairs choose."""

CEILINGS = (2.0, 1.0)
"""Where what a peak says may level off, in standard deviations above the mean of all peaks."""
WORTH = 1.05
"""What levelling off must multiply the AUPRC by: less is chance in a few hundred edges."""

_STEPS = 100
_BIAS_PENALTY = 1.0
"""Of how far the bias of a TF is from that of all."""


@dataclass(frozen=True, eq=False)
class LabelledSites:
    """Pairs sorted by TF, the features of their genes, and labels."""

    tf: Rows
    features: npt.NDArray[np.float32]
    label: Floats

    @classmethod
    def of(
        cls, pairs: Rows, genes: npt.NDArray[np.float32], labels: npt.ArrayLike
    ) -> "LabelledSites":
        """Return the pairs (2, B), ``genes`` being the features of all genes."""
        order = np.argsort(pairs[0], kind="stable")
        return cls(pairs[0][order], genes[pairs[1][order]], np.asarray(labels, np.float64)[order])

    def blocks(self) -> list[tuple[int, slice]]:
        """Return each TF and its rows."""
        tfs, first = np.unique(self.tf, return_index=True)
        last = [*first[1:], len(self.tf)]
        return [(int(tf), slice(a, b)) for tf, a, b in zip(tfs, first, last, strict=True)]


def fitted_weights(
    train: LabelledSites, validation: LabelledSites, own: Floats
) -> tuple[Floats, Floats]:
    """Return weights (T, F) and biases (T,).

    The weights of a TF are one number, the same for all TFs, times ``own`` (T, F), which of the
    features are its own motifs, plus weights that are penalised: with few edges, or none at all, a
    TF falls back on its motif.
    """
    n_tfs, n_features = own.shape
    start = np.zeros(n_tfs * n_features + n_tfs + 2)
    rate = np.clip(train.label.mean(), 1e-6, 1 - 1e-6)
    start[-1] = np.log(rate / (1 - rate))
    best, found = -np.inf, (np.zeros_like(own), np.full(n_tfs, start[-1]))
    for penalty in progress(PENALTIES, "weights of the sites", total=len(PENALTIES)):
        start = minimize(
            partial(_loss, pairs=train, blocks=train.blocks(), own=own, penalty=penalty), start,
            jac=True, method="L-BFGS-B", options={"maxiter": _STEPS},
        ).x  # fmt: skip
        weight, bias = _parts(start, own)
        score = validated(validation, weight, bias)
        if score > best:
            best, found = score, (weight, bias)
    return found


def _parts(values: Floats, own: Floats) -> tuple[Floats, Floats]:
    """Return the weights and biases that the parameters stand for."""
    n_tfs = len(own)
    free = values[: own.size].reshape(own.shape)
    bias = values[own.size : own.size + n_tfs] + values[-1]
    return values[-2] * own + free, bias


def _loss(
    values: Floats,
    *,
    pairs: LabelledSites,
    blocks: list[tuple[int, slice]],
    own: Floats,
    penalty: float,
) -> tuple[float, Floats]:
    """Return the penalised loss of all pairs and its gradient."""
    weight, bias = _parts(values, own)
    logits = np.empty(len(pairs.label))
    for tf, rows in blocks:
        logits[rows] = pairs.features[rows] @ weight[tf] + bias[tf]
    error = expit(logits) - pairs.label
    of_weight, of_bias = np.zeros_like(own), np.zeros(len(own))
    for tf, rows in blocks:
        of_weight[tf] = error[rows] @ pairs.features[rows]
        of_bias[tf] = error[rows].sum()
    free, shift = values[: own.size], values[own.size : -2]
    loss = np.logaddexp(0, logits).sum() - pairs.label @ logits
    loss += (penalty * free @ free + _BIAS_PENALTY * shift @ shift) / 2
    gradient = np.concatenate(
        [
            of_weight.ravel() + penalty * free,
            of_bias + _BIAS_PENALTY * shift,
            [(of_weight * own).sum(), of_bias.sum()],
        ]
    )
    return float(loss), gradient


def validated(pairs: LabelledSites, weight: Floats, bias: Floats) -> float:
    """Return the AUPRC of pairs that did not train."""
    logits = np.einsum("bf,bf->b", pairs.features, weight[pairs.tf]) + bias[pairs.tf]
    return float(average_precision_score(pairs.label, logits))
