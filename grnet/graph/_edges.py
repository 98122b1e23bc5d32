"""From tables of links, bindings and known edges to indices and attributes of edges."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch

from grnet import _checks
from grnet.graph._profiles import nearest_neighbours
from grnet.grn import GRN

if TYPE_CHECKING:
    from collections.abc import Mapping

logger = logging.getLogger(__name__)

Array = np.ndarray[Any, Any]

_SIGNS = {"+": 1.0, "-": -1.0, "1": 1.0, "-1": -1.0, "1.0": 1.0, "-1.0": -1.0}
_BASES_PER_KB = 1_000.0


@dataclass(frozen=True, eq=False)
class Edges:
    """Edges of one type, sorted by source and target, each pair once.

    Attributes
    ----------
    source, target
        Positions of the nodes.
    attributes
        One named column per attribute; missing values are 0.
    """

    source: Array
    target: Array
    attributes: pd.DataFrame

    def write(self, store: Any) -> None:  # noqa: ANN401 - the store of an edge type
        """Write ``edge_index`` and ``edge_attr``; names follow when the reverse types are made."""
        ends = np.stack([self.source, self.target]).astype(np.int64)
        store.edge_index = torch.from_numpy(ends)
        values = self.attributes.to_numpy(dtype=np.float32, copy=True)
        store.edge_attr = torch.from_numpy(np.nan_to_num(values, nan=0.0))


def near(links: pd.DataFrame, peaks: pd.Index, genes: pd.Index) -> Edges:
    """Return peak-gene edges: signed distance in kb, its logarithm, correlation, weight."""
    _checks.has_columns(links, ("peak", "gene", "weight"), "links")
    columns = {}
    if "distance" in links:
        distance = links["distance"].to_numpy(np.float64)
        columns["distance_kb"] = distance / _BASES_PER_KB
        columns["log_distance"] = np.log1p(np.abs(distance))
    columns |= _numbers(links, ("correlation", "weight"))
    return _joined(links[["peak", "gene"]], columns, {"peak": peaks, "gene": genes}, what="links")


def binds(bindings: pd.DataFrame, tfs: pd.Index, peaks: pd.Index) -> Edges:
    """Return TF-peak edges: ChIP score, motif score, distance of the summit in kb, weight."""
    _checks.has_columns(bindings, ("tf", "peak", "weight"), "bindings")
    columns = _numbers(bindings, ("chip", "motif"))
    if "summit_distance" in bindings:
        summit = bindings["summit_distance"].to_numpy(np.float64)
        columns["summit_distance_kb"] = summit / _BASES_PER_KB
    columns |= _numbers(bindings, ("weight",))
    ends = {"tf": tfs, "peak": peaks}
    return _joined(bindings[["tf", "peak"]], columns, ends, what="bindings")


def regulates(known: pd.DataFrame, tfs: pd.Index, genes: pd.Index) -> Edges:
    """Return TF-gene edges: sign (0 if unknown) and weight (magnitude); self edges are left out."""
    ends = {"source": tfs, "target": genes}
    weight = np.ones(len(known))
    if "weight" in known:
        weight = known["weight"].to_numpy(np.float64)
    columns = {"sign": _signs(known, weight), "weight": np.abs(weight)}
    return _joined(known[["source", "target"]], columns, ends, what="known")


def coexpressed(values: Array, genes: pd.Index, *, n_neighbours: int) -> Edges:
    """Return gene-gene edges, each pair in one direction, with the correlation of the profiles."""
    names = genes.to_numpy(dtype=str)
    first, second, correlation = nearest_neighbours(values, names, n_neighbours=n_neighbours)
    return Edges(first, second, pd.DataFrame({"correlation": correlation}))


def pair_table(pairs: pd.DataFrame | GRN, *, what: str) -> pd.DataFrame:
    """Return the pairs ``source, target`` as text, without self edges.

    Raises
    ------
    ValueError
        If a column or a name is missing.
    """
    table = pairs.edges if isinstance(pairs, GRN) else pairs
    _checks.has_columns(table, ("source", "target"), what)
    if table[["source", "target"]].isna().to_numpy().any():
        message = f"{what} has pairs without a name: drop them, {what}.dropna()."
        raise ValueError(message)
    named = table.astype({"source": str, "target": str})
    return named.loc[named["source"] != named["target"]].reset_index(drop=True)


def _numbers(frame: pd.DataFrame, names: tuple[str, ...]) -> dict[str, Array]:
    return {name: frame[name].to_numpy(np.float64) for name in names if name in frame}


def _signs(known: pd.DataFrame, weight: Array) -> Array:
    """Return 1, -1 or 0: of the column ``sign``, else of weights of which one is negative."""
    if "sign" in known:
        return known["sign"].astype(str).map(_SIGNS).fillna(0.0).to_numpy(np.float64)
    return np.sign(weight) if (weight < 0).any() else np.zeros(len(weight))


def _joined(
    pairs: pd.DataFrame, columns: Mapping[str, Array], ends: Mapping[str, pd.Index], *, what: str
) -> Edges:
    """Turn names into positions; of a repeated pair the heaviest stays.

    Raises
    ------
    ValueError
        If no pair joins two nodes.
    """
    frame = pd.DataFrame(columns)
    (first, sources), (second, targets) = ends.items()
    at = [index.get_indexer(pd.Index(pairs[name].astype(str))) for name, index in ends.items()]
    known = (at[0] >= 0) & (at[1] >= 0)
    if not known.any():
        message = (
            f"None of the {len(pairs)} rows of {what} joins two nodes of the graph: {what} has "
            f"{first} {_checks.examples(pairs[first].unique())} and {second} "
            f"{_checks.examples(pairs[second].unique())}; the graph has "
            f"{_checks.examples(sources)} and {_checks.examples(targets)}. Use the same names."
        )
        raise ValueError(message)
    if not known.all():
        logger.info("%d of %d rows of %s join nodes of the graph", known.sum(), len(known), what)
    frame = frame.assign(_source=at[0], _target=at[1]).loc[known]
    others = [column for column in columns if column != "weight"]
    by = ["_source", "_target", "weight", *others]
    frame = frame.sort_values(by, ascending=[True, True, False, *[True] * len(others)])
    frame = frame.drop_duplicates(["_source", "_target"])
    source, target = frame["_source"].to_numpy(), frame["_target"].to_numpy()
    return Edges(source, target, frame[list(columns)])
