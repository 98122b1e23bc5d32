"""From what a reader found in a file to a network, with errors that name the file and the fix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from grnet import _checks
from grnet._grn_tables import EDGE_COLUMNS
from grnet.grn import GRN
from grnet.io.networks import _style

if TYPE_CHECKING:
    from pathlib import Path

    from grnet.io.networks._records import Parts


def assembled(parts: Parts, path: Path, *, weight: float | None) -> GRN:
    """Return the network of what a reader found; every error names the file."""
    edges = parts.edges
    if weight is not None and "weight" not in edges:
        edges = edges.assign(weight=weight)
    if edges.empty:
        message = f"{path} holds no edge: write or download it again."
        raise ValueError(message)
    missing = [column for column in EDGE_COLUMNS if column not in edges]
    if missing:
        raise ValueError(_lacks(path, missing, edges))
    _numeric_weight(edges, path)
    nodes = parts.nodes if parts.nodes is not None else pd.DataFrame()
    try:
        edges = _style.without_effect(edges, parts.params)
        return GRN(edges, nodes=nodes, params=parts.params)
    except ValueError as error:
        message = f"{path}: {error}"
        raise ValueError(message) from error


def _lacks(path: Path, missing: list[str], edges: pd.DataFrame) -> str:
    found = f"{path} has the column(s) {_checks.examples(edges, 8)}, but no "
    if missing == ["weight"]:
        return (
            f"{found}'weight': name the column that holds it with "
            "columns={'<its name>': 'weight'}, or give every edge the same with weight=1.0."
        )
    return (
        f"{found}{_checks.examples(missing)}: rename with columns={{'<its name>': '{missing[0]}'}};"
        " for a table without a header pass columns=['source', 'target', 'weight']."
    )


def _numeric_weight(edges: pd.DataFrame, path: Path) -> None:
    numbers = pd.to_numeric(edges["weight"], errors="coerce")
    bad = numbers.isna().to_numpy().nonzero()[0]
    if len(bad):
        found = edges["weight"].iloc[bad[0]]
        message = (
            f"{path}, column 'weight': {len(bad)} value(s) are no numbers, the first "
            f"{str(found)!r} in edge {bad[0] + 1} ({edges['source'].iloc[bad[0]]} -> "
            f"{edges['target'].iloc[bad[0]]}). Correct the value or drop the edge."
        )
        raise ValueError(message)
