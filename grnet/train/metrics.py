"""How good predictions are, task by task."""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.special
import scipy.stats
from sklearn.metrics import (
    average_precision_score,
    f1_score,
    log_loss,
    matthews_corrcoef,
    roc_auc_score,
)

from grnet import _checks

Floats = npt.NDArray[np.floating]
Kind = Literal["binary", "regression", "multiclass", "per_base"]

N_BINS = 10
"""Of the calibration error."""


def task_scores(
    labels: Floats,
    predictions: Floats,
    *,
    head: Kind = "binary",
    names: Sequence[str] | None = None,
    raw: bool = False,
) -> pd.DataFrame:
    """Score predictions, one row per task.

    Parameters
    ----------
    labels
        (N, T), or (N, T, L) per base; NaN where unknown. For classes their numbers, (N,) or (N, 1).
    predictions
        Of the same shape; for classes (N, K).
    head
        What was predicted.
    names
        Of the tasks.
    raw
        Predictions are logits, not probabilities.

    Returns
    -------
    DataFrame
        Binary: ``n, prevalence, auroc, auprc, mcc`` (at 0.5), ``calibration_error`` (expected, ten
        bins of equal size). Regression: ``n, pearson, spearman, rmse``. Classes: ``n, accuracy,
        macro_f1, mcc, log_loss``. NaN where a figure does not exist, as for a task without
        positives.

    Raises
    ------
    ValueError
        If shapes disagree.

    Examples
    --------
    >>> import grnet as gn
    >>> import numpy as np
    >>> labels = np.array([[0.0], [0.0], [1.0], [1.0]])
    >>> scores = gn.train.task_scores(labels, np.array([[0.1], [0.6], [0.4], [0.9]]))
    >>> scores.loc["task_0", ["auroc", "prevalence"]].tolist()
    [0.75, 0.5]
    """
    y = labels[:, None] if labels.ndim == 1 else labels
    p = predictions[:, None] if predictions.ndim == 1 else predictions
    if head == "multiclass":
        return _classes(y[:, 0], scipy.special.softmax(p, axis=1) if raw else p)
    if y.shape != p.shape:
        message = (
            f"Labels have the shape {y.shape}, predictions {p.shape}: expected the same "
            "(N, T). Were other sequences predicted?"
        )
        raise ValueError(message)
    known = [f"task_{i}" for i in range(y.shape[1])] if names is None else list(names)
    score: Callable[[Floats, Floats], dict[str, float]] = _levels
    if _checks.one_of(head, ("binary", "regression", "per_base"), "head") != "regression":
        p = scipy.special.expit(p) if raw else p
        score = _yes_or_no
    rows = {}
    for task, name in enumerate(known):
        truth, guess = y[:, task].ravel(), p[:, task].ravel()
        told = np.isfinite(truth)
        rows[name] = score(truth[told], guess[told])
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("task")


def calibration_error(labels: Floats, probabilities: Floats) -> float:
    """Return the expected calibration error over bins of equally many predictions.

    Parameters
    ----------
    labels
        0 or 1.
    probabilities
        Of 1.

    Returns
    -------
    float
        The mean distance of mean probability and share of positives: 0 is perfect.

    Notes
    -----
    Naeini et al. 2015, with bins of equal size instead of equal width.

    Examples
    --------
    >>> import grnet as gn
    >>> import numpy as np
    >>> gn.train.calibration_error(np.array([0.0, 1.0] * 50), np.full(100, 0.5))
    0.0
    """
    parts = equal_bins(probabilities, N_BINS)
    gaps = [len(part) * abs(probabilities[part].mean() - labels[part].mean()) for part in parts]
    return float(sum(gaps) / max(len(labels), 1))


def equal_bins(values: Floats, n_bins: int) -> list[npt.NDArray[np.intp]]:
    """Return the rows of bins of equally many values, the lowest first; none is empty."""
    order = np.argsort(values, kind="stable")
    return [part for part in np.array_split(order, n_bins) if len(part)]


def _yes_or_no(y: Floats, p: Floats) -> dict[str, float]:
    facts = {"n": len(y), "prevalence": float(y.mean()) if len(y) else np.nan}
    names = ("auroc", "auprc", "mcc", "calibration_error")
    if len(np.unique(y)) < 2:
        return facts | dict.fromkeys(names, np.nan)
    truth = y > 0.5
    return facts | dict(
        zip(
            names,
            (
                float(roc_auc_score(truth, p)),
                float(average_precision_score(truth, p)),
                float(matthews_corrcoef(truth, p > 0.5)),
                calibration_error(y, p),
            ),
            strict=True,
        )
    )


def _levels(y: Floats, p: Floats) -> dict[str, float]:
    facts = {"n": len(y), "pearson": np.nan, "spearman": np.nan, "rmse": np.nan}
    if len(y):
        facts["rmse"] = float(np.sqrt(np.mean((y - p) ** 2)))
    if len(y) > 2 and np.ptp(y) > 0 and np.ptp(p) > 0:
        facts["pearson"] = float(scipy.stats.pearsonr(y, p)[0])
        facts["spearman"] = float(scipy.stats.spearmanr(y, p)[0])
    return facts


def _classes(y: Floats, p: Floats) -> pd.DataFrame:
    truth, guess = y.astype(np.int64), p.argmax(axis=1)
    row = {
        "n": len(truth),
        "accuracy": float((truth == guess).mean()),
        "macro_f1": float(f1_score(truth, guess, average="macro", zero_division=0)),
        "mcc": float(matthews_corrcoef(truth, guess)),
        "log_loss": float(log_loss(truth, p, labels=np.arange(p.shape[1]))),
    }
    return pd.DataFrame([row], index=pd.Index(["classes"], name="task"))
