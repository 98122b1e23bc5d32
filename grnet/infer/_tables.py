"""Edges that the user gives beside the cells: a table, a network, or a file of either."""

from pathlib import Path

import pandas as pd

from grnet import _checks
from grnet.grn import GRN
from grnet.io import read_network
from grnet.io.networks._tables import read_text

Network = pd.DataFrame | GRN | str | Path

_OTHER_ENDINGS = (".parquet", ".cx2", ".cyjs", ".graphml")


def edge_table(network: Network, *, what: str) -> pd.DataFrame:
    """Return the table of edges, with ``source`` and ``target`` at least.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If a column is missing, or the file is no table.
    """
    if isinstance(network, GRN):
        return network.edges
    if isinstance(network, pd.DataFrame):
        _checks.has_columns(network, ("source", "target"), what)
        return network
    if Path(network).suffix.lower() in _OTHER_ENDINGS:
        return read_network(network, weight=1.0).edges
    table = read_text(Path(network))
    _checks.has_columns(table, ("source", "target"), f"{what} {str(network)!r}")
    return table
