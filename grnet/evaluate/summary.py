"""A benchmark in one line per method."""

from typing import Any

import numpy as np
import pandas as pd

from grnet import _checks
from grnet.evaluate._rankings import UNION

TEST = ("dataset", "truth")


def ranking_summary(frame: pd.DataFrame, *, by: str = "auprc_ratio") -> pd.DataFrame:
    """Return mean accuracies, wins and costs of each method of a benchmark.

    Parameters
    ----------
    frame
        What :func:`grnet.evaluate.benchmark` returned.
    by
        Column that decides wins: ``auprc_ratio``, ``epr``, ``auroc`` or any other of the scores.

    Returns
    -------
    One row per method and null, best first: ``ranking, is_null, n_tests`` (data sets x truths),
    ``failed``, the means ``auroc, auprc_ratio, epr, mean_rank`` (among methods, 1 is best),
    ``wins`` (tests where no other method is better), ``beats_nulls`` (tests where it is above
    every null of theirs) and mean ``seconds`` and ``peak_mb``. A failed test is lost, but is in
    no mean of accuracies: look at ``failed`` first.

    Raises
    ------
    ValueError
        If the frame is no benchmark.

    Examples
    --------
    >>> import pandas as pd
    >>> import grnet as gn
    >>> frame = pd.DataFrame({
    ...     "dataset": "a", "truth": "t", "ranking": ["x", "y", "random"],
    ...     "is_null": [False, False, True], "auroc": [0.7, 0.6, 0.5],
    ...     "auprc_ratio": [2.0, 0.9, 1.0], "epr": [3.0, 1.0, 1.0],
    ...     "seconds": [1.0, 2.0, None], "peak_mb": [10.0, 10.0, None],
    ... })
    >>> gn.evaluate.ranking_summary(frame)[["ranking", "wins", "beats_nulls"]]
      ranking  wins  beats_nulls
    0       x     1            1
    1  random     0            0
    2       y     0            0
    """
    means = list(dict.fromkeys(["auroc", "auprc_ratio", "epr", by]))
    costs = ["seconds", "peak_mb"]
    _checks.has_columns(frame, [*TEST, "ranking", "is_null", *means, *costs], "the benchmark")
    if "context" in frame:
        frame = frame.loc[frame["context"].isna() | frame["context"].eq(UNION)]
    table = frame.assign(**_standing(frame, by))
    groups = table.groupby(["ranking", "is_null"], sort=False)
    counts = groups[["failed", "wins", "beats_nulls"]].sum()
    averages = groups[[*means, "mean_rank", *costs]].mean()
    summary = averages.join(counts).assign(n_tests=groups.size())
    columns = ["n_tests", "failed", *means, "mean_rank", "wins", "beats_nulls", *costs]
    return summary[columns].sort_values(by, ascending=False, kind="stable").reset_index()


def _standing(frame: pd.DataFrame, by: str) -> dict[str, Any]:
    """Return how each row stands among the methods and against the nulls of its test."""
    tests = [frame[column] for column in TEST]
    methods = frame[by].where(~frame["is_null"])
    best_null = frame[by].where(frame["is_null"]).groupby(tests).transform("max")
    ranks = methods.fillna(-np.inf).groupby(tests).rank(ascending=False, method="min")
    return {
        "failed": frame[by].isna().astype(int),
        "mean_rank": ranks.where(~frame["is_null"]),
        "wins": (methods == methods.groupby(tests).transform("max")).astype(int),
        "beats_nulls": (methods > best_null).astype(int),
    }
