"""Pictures of how many edges the genes of a network have."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter

from grnet.grn import GRN
from grnet.pl.scores import COLOURS

SIDES = {"source": "Targets of a regulator", "target": "Regulators of a target"}


def degree_distribution(grn: GRN | Mapping[str, GRN], *, ax: Axes | None = None) -> list[Axes]:
    """Draw how many targets regulators have, and how many regulators targets have.

    Parameters
    ----------
    grn
        A network, or several by name.
    ax
        Axes whose place the two panels take; a new figure without.

    Returns
    -------
    The axes of targets per regulator and of regulators per target: for each degree, the share of
    the genes that have at least as many edges, both axes logarithmic. A straight line is a few hubs
    among many genes with few edges; a drop at one place is a number that all genes share.

    Raises
    ------
    ValueError
        If a network has no edges.

    Examples
    --------
    >>> import grnet as gn
    >>> targets, regulators = gn.pl.degree_distribution(gn.datasets.example_network())
    >>> targets.get_xlabel()
    'Targets of a regulator'
    """
    networks = {"": grn} if isinstance(grn, GRN) else dict(grn)
    empty = [name for name, network in networks.items() if not len(network)]
    if empty or not networks:
        message = f"There are no edges to count{f' in {empty[0]!r}' if any(empty) else ''}."
        raise ValueError(message)
    panels = _panels(ax)
    for panel, (side, label) in zip(panels, SIDES.items(), strict=True):
        for i, (name, network) in enumerate(networks.items()):
            shares = at_least(network.edges[side].value_counts())
            colour = COLOURS[i % len(COLOURS)]
            panel.step(shares.index, shares, where="pre", color=colour, label=name)
            panel.plot(shares.index, shares, ".", color=colour, markersize=4)
        panel.set(xscale="log", yscale="log", xlabel=label, ylabel="Share with at least as many")
        for axis in (panel.xaxis, panel.yaxis):
            axis.set_major_formatter("{x:g}")
            axis.set_minor_formatter(NullFormatter())
        panel.spines[["top", "right"]].set_visible(False)
    if len(networks) > 1:
        panels[-1].legend(frameon=False)
    return panels


def at_least(degrees: "pd.Series[int]") -> "pd.Series[float]":
    """Return for each degree that occurs the share of genes that have at least as many edges."""
    values, counts = np.unique(degrees[degrees > 0], return_counts=True)
    return pd.Series(counts[::-1].cumsum()[::-1] / counts.sum(), index=values)


def _panels(ax: Axes | None) -> list[Axes]:
    if ax is None:
        _, axes = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
        return list(axes)
    ax.set_axis_off()
    return [ax.inset_axes((0.0, 0.0, 0.42, 1.0)), ax.inset_axes((0.58, 0.0, 0.42, 1.0))]
