"""Edges that the user gives beside the cells: a table, a network, or a file of either."""

from pathlib import Path

import pandas as pd

from grnet import _checks
from grnet.grn import GRN

Network = pd.DataFrame | GRN | str | Path


def edge_table(network: Network, *, what: str) -> pd.DataFrame:
    """Return the table of edges, with ``source`` and ``target`` at least.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If a column is missing.
    """
    if isinstance(network, GRN):
        return network.edges
    if isinstance(network, pd.DataFrame):
        _checks.has_columns(network, ("source", "target"), what)
        return network
    table = pd.read_csv(network, sep=None, engine="python")
    _checks.has_columns(table, ("source", "target"), f"{what} {str(network)!r}")
    return table
