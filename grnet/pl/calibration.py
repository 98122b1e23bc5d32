"""Pictures of probabilities beside the shares that were observed."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from grnet import _checks
from grnet.pl.scores import COLOURS, GREY

_COLUMNS = ("mean_predicted", "observed", "low", "high", "n")


def reliability(
    table: pd.DataFrame | Mapping[str, pd.DataFrame], *, ax: Axes | None = None
) -> Axes:
    """Draw the observed share of positives against the predicted probability.

    Parameters
    ----------
    table
        Bins, as ``gn.train.reliability_table`` returns them, or several tables by name.
    ax
        Axes to draw into; new ones without.

    Returns
    -------
    The axes. On the diagonal probabilities mean what they say; below it a model is too sure of
    edges. Bars are 95 % intervals, and ``ECE`` is the expected calibration error: the mean distance
    from the diagonal.

    Raises
    ------
    ValueError
        If there is no table, or one has no bins.

    Examples
    --------
    >>> import pandas as pd
    >>> import grnet as gn
    >>> table = pd.DataFrame({
    ...     "mean_predicted": [0.2, 0.7], "observed": [0.1, 0.8], "low": [0.05, 0.7],
    ...     "high": [0.2, 0.9], "n": [50, 50],
    ... })
    >>> gn.pl.reliability(table).get_ylabel()
    'Observed share of edges'
    """
    tables = {"": table} if isinstance(table, pd.DataFrame) else dict(table)
    if not tables:
        message = "There is no table of reliability to draw: gn.train.reliability_table makes one."
        raise ValueError(message)
    for name, bins in tables.items():
        _checks.has_columns(bins, _COLUMNS, f"the table of reliability {name}".rstrip())
        if bins.empty:
            message = f"The table of reliability {name!r} has no bins: there is nothing to draw."
            raise ValueError(message)
    ax = ax or plt.subplots(figsize=(4.8, 4.6), layout="constrained")[1]
    ax.plot([0, 1], [0, 1], "--", color=GREY, linewidth=1, zorder=1)
    for i, (name, bins) in enumerate(tables.items()):
        error = float(
            np.average((bins["mean_predicted"] - bins["observed"]).abs(), weights=bins["n"])
        )
        bars = [bins["observed"] - bins["low"], bins["high"] - bins["observed"]]
        ax.errorbar(
            bins["mean_predicted"],
            bins["observed"],
            yerr=np.clip(bars, 0, None),
            fmt="o-",
            markersize=4,
            linewidth=1.5,
            elinewidth=0.9,
            color=COLOURS[i % len(COLOURS)],
            label=f"{name}  ECE {error:.3f}".strip(),
        )
    tops = [bins[["mean_predicted", "high"]].max().max() for bins in tables.values()]
    reach = min(1.0, 1.05 * max(tops))
    ax.set(xlim=(0, reach), ylim=(0, reach), box_aspect=1)
    ax.set(xlabel="Predicted probability", ylabel="Observed share of edges")
    ax.legend(frameon=False, loc="best")
    ax.spines[["top", "right"]].set_visible(False)
    return ax
