"""How good predicted levels of methylation are."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import xlogy
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import average_precision_score, roc_auc_score

from grnet import _checks

Floats = npt.NDArray[np.floating]

_LEAST = 1e-3
"""No level is surer than this when reads are scored: one read would cost any amount."""


def methylation_scores(
    methylated: Floats, coverage: Floats, predicted: Floats, *, min_coverage: int = 5
) -> pd.Series:
    """Score predicted levels of methylation by the reads.

    Parameters
    ----------
    methylated, coverage
        Reads of each CpG; those without reads are left out.
    predicted
        Level of each CpG, 0 to 1.
    min_coverage
        Least reads of a CpG for its share of methylated reads to count as a level.

    Returns
    -------
    Series
        ``n``: CpGs with reads; ``deviance``: binomial, mean over these. Over those with
        ``min_coverage``: ``n_levels, pearson, spearman, rmse``, and for levels above one half
        ``prevalence, auroc, auprc``. NaN where a figure does not exist.

    Raises
    ------
    ValueError
        If sizes disagree, or a prediction is no level.

    Examples
    --------
    >>> import grnet as gn
    >>> import numpy as np
    >>> scores = gn.train.methylation_scores(
    ...     np.array([0, 5, 10]), np.array([10, 10, 10]), np.array([0.1, 0.5, 0.9])
    ... )
    >>> scores[["pearson", "auroc"]].round(3).tolist()
    [1.0, 1.0]
    """
    if not len(methylated) == len(coverage) == len(predicted):
        message = (
            f"Found {len(methylated)} and {len(coverage)} counts and {len(predicted)} predictions: "
            "give one of each per CpG."
        )
        raise ValueError(message)
    told = coverage > 0
    m, c, p = (np.asarray(x, dtype=np.float64)[told] for x in (methylated, coverage, predicted))
    if not ((p >= 0) & (p <= 1)).all():
        message = "Predicted levels must lie between 0 and 1: were logits or percentages given?"
        raise ValueError(message)
    _checks.whole(min_coverage, 1, 1 << 31, what="min_coverage")
    enough = c >= min_coverage
    scores = {"n": len(m), "deviance": _deviance(m, c, p), "n_levels": int(enough.sum())}
    return pd.Series(scores | _figures(m[enough] / c[enough], p[enough]), dtype=float)


def _deviance(m: Floats, c: Floats, p: Floats) -> float:
    if not len(m):
        return np.nan
    sure = np.clip(p, _LEAST, 1 - _LEAST)
    share = m / c
    each = xlogy(m, share) + xlogy(c - m, 1 - share) - m * np.log(sure) - (c - m) * np.log1p(-sure)
    return float(2 * each.mean())


def _figures(level: Floats, p: Floats) -> dict[str, float]:
    names = ("pearson", "spearman", "rmse", "prevalence", "auroc", "auprc")
    scores = dict.fromkeys(names, np.nan)
    if len(level) < 3:
        return scores
    scores["rmse"] = float(np.sqrt(np.mean((level - p) ** 2)))
    if np.ptp(level) > 0 and np.ptp(p) > 0:
        scores["pearson"] = float(pearsonr(level, p)[0])
        scores["spearman"] = float(spearmanr(level, p)[0])
    high = level > 0.5
    scores["prevalence"] = float(high.mean())
    if 0 < high.sum() < len(high):
        scores["auroc"] = float(roc_auc_score(high, p))
        scores["auprc"] = float(average_precision_score(high, p))
    return scores
