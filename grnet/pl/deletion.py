"""Pictures of what a model says as edges are taken out of its graph."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from grnet import _checks
from grnet.pl.scores import COLOURS, GREY

_COLUMNS = ("n_deleted", "change", "random", "low", "high", "area")


def faithfulness(
    table: pd.DataFrame | Mapping[str, pd.DataFrame], *, ax: Axes | None = None
) -> Axes:
    """Draw how the logit changes as edges are deleted, those that contribute most first.

    Parameters
    ----------
    table
        As ``gn.explain.faithfulness`` returns it, or several by name.
    ax
        Axes to draw into; new ones without.

    Returns
    -------
    The axes. Dashed lines are the mean of random orders of the same edges, with the band in which
    95 % of them lie; ``area`` is the mean height above it.

    Raises
    ------
    ValueError
        If there is no table, or one has no rows.

    Examples
    --------
    >>> import pandas as pd
    >>> import grnet as gn
    >>> table = pd.DataFrame({
    ...     "n_deleted": [0, 1, 8], "change": [0, 0.8, 1.2], "random": [0, 0.1, 0.3],
    ...     "low": [0, 0, 0.1], "high": [0, 0.3, 0.6], "area": [0, 0.7, 0.8],
    ... })
    >>> gn.pl.faithfulness(table).get_xlabel()
    'Edges deleted'
    """
    tables = {"": table} if isinstance(table, pd.DataFrame) else dict(table)
    if not tables:
        message = "There is no curve to draw: gn.explain.faithfulness makes one."
        raise ValueError(message)
    for name, curve in tables.items():
        _checks.has_columns(curve, _COLUMNS, f"the curve {name}".rstrip())
        if curve.empty:
            message = f"The curve {name!r} has no rows: there is nothing to draw."
            raise ValueError(message)
    ax = ax or plt.subplots(figsize=(5.2, 3.8), layout="constrained")[1]
    ax.axhline(0, color=GREY, linewidth=0.8, zorder=1)
    for i, (name, curve) in enumerate(tables.items()):
        colour = COLOURS[i % len(COLOURS)]
        x, area = curve["n_deleted"], float(curve["area"].iloc[-1])
        ax.fill_between(x, curve["low"], curve["high"], color=colour, alpha=0.15, linewidth=0)
        ax.plot(x, curve["random"], "--", color=colour, linewidth=1)
        label = f"{name}  area {area:.2g}".strip()
        ax.plot(x, curve["change"], "o-", color=colour, markersize=4, linewidth=1.5, label=label)
    ax.set_xscale("symlog", linthresh=1)
    ax.set_xlim(left=0)
    largest = max(int(curve["n_deleted"].max()) for curve in tables.values())
    ticks = [0, *(10**power for power in range(len(str(largest))))]
    ax.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    ax.set(xlabel="Edges deleted", ylabel="Change of the logit")
    ax.legend(frameon=False, loc="best")
    ax.spines[["top", "right"]].set_visible(False)
    return ax
