"""What labels alone tell of a name: the share of its training pairs that are edges."""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import logit

from grnet import _checks

Floats = npt.NDArray[np.float64]

PSEUDO_LABELS = 2.0
"""Labels at the overall rate added to each name: rates of names with few labels are no 0 or 1."""

_LEAST = 1e-9


def label_log_odds(
    train: pd.DataFrame, pairs: pd.DataFrame, *, end: Literal["source", "target"]
) -> Floats:
    """Return the log odds that a TF's or a target's training pairs are edges, for pairs asked.

    Parameters
    ----------
    train
        ``source, target, label``.
    pairs
        ``source, target``.
    end
        Whose rate: ``"source"``, that of the TF, or ``"target"``.

    Returns
    -------
    ndarray
        One value for each row of ``pairs``; the overall log odds where a name does not train.

    Raises
    ------
    ValueError
        If a column is missing.

    Notes
    -----
    Each name has two more labels at the overall rate. No expression is read: a model that does not
    beat the sum over both ends knows degrees only.

    Examples
    --------
    >>> import pandas as pd
    >>> import grnet as gn
    >>> train = pd.DataFrame({"source": list("AABB"), "target": "X", "label": [1, 1, 0, 0]})
    >>> asked = pd.DataFrame({"source": ["A", "B", "C"], "target": "Z"})
    >>> gn.train.label_log_odds(train, asked, end="source").round(2).tolist()
    [1.1, -1.1, 0.0]
    """
    _checks.one_of(end, ("source", "target"), "end")
    _checks.has_columns(train, ["source", "target", "label"], "the training pairs")
    _checks.has_columns(pairs, ["source", "target"], "the pairs")
    overall = float(np.clip(train["label"].mean(), _LEAST, 1 - _LEAST))
    groups = train.groupby(end)["label"]
    odds = smoothed_log_odds(groups.sum(), groups.size(), overall=overall)
    found = pd.Series(odds, index=groups.size().index).reindex(pairs[end])
    return np.asarray(found.fillna(float(logit(overall))), dtype=np.float64)


def smoothed_log_odds(positive: Any, labels: Any, *, overall: float) -> Floats:  # noqa: ANN401 - array-like
    """Return log odds of label rates, drawn towards the overall one where labels are few."""
    rates = (np.asarray(positive, np.float64) + PSEUDO_LABELS * overall) / (
        np.asarray(labels, np.float64) + PSEUDO_LABELS
    )
    return np.asarray(logit(np.clip(rates, _LEAST, 1 - _LEAST)), dtype=np.float64)
