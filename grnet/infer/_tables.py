"""Edges that the user gives beside the cells: a table, a network, or a file of either."""

import csv
from pathlib import Path

import pandas as pd

from grnet import _checks
from grnet.grn import GRN
from grnet.io import read_network

Network = pd.DataFrame | GRN | str | Path

_OTHER_ENDINGS = (".parquet", ".cx2", ".cyjs", ".graphml")
_MISSING = ["", "NA", "NaN", "nan"]


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
    try:
        table = pd.read_csv(
            network, sep=None, engine="python", encoding="utf-8-sig", skipinitialspace=True,
            dtype=dict.fromkeys(("source", "target"), str), keep_default_na=False,
            na_values=dict.fromkeys(("weight", "label"), _MISSING),
        )  # fmt: skip
    except (csv.Error, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        message = (
            f"{what} {str(network)!r} is no table of edges ({error}): expected text with a header "
            "and the columns source and target, or a file that grnet writes."
        )
        raise ValueError(message) from error
    _checks.has_columns(table, ("source", "target"), f"{what} {str(network)!r}")
    return table
