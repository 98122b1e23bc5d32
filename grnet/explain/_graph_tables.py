"""Contributions to the logit of a pair as tables of names."""

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from grnet.explain._heard import Heard
from grnet.explain._links import links
from grnet.explain._question import MESSAGES, PAIR, Question
from grnet.graph.vocabulary import spelled

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

Values = Mapping[str, npt.NDArray[np.float64]]

SHOWN = 10


def of_nodes(data: "HeteroData", heard: Heard, given: Values) -> pd.DataFrame:
    """Return a row for each feature of each node that is heard, largest first."""
    columns: dict[str, list[Any]] = {key: [] for key in ("name", "value", "contribution")}
    kinds, codes = [kind for kind in heard.x if kind in given], []
    features: list[str] = []
    for number, kind in enumerate(kinds):
        store, at = data[kind], heard.nodes[kind].numpy()
        x = heard.x[kind].cpu().numpy().astype(np.float64)
        if "feature_scale" in store and "feature_mean" in store:
            scale, mean = (np.asarray(store[f"feature_{what}"]) for what in ("scale", "mean"))
            x = x * scale + mean
        n, width = x.shape
        names = store.feature_names if "feature_names" in store else range(1, width + 1)
        codes.append(
            np.stack([np.full(n * width, number), np.tile(np.arange(width) + len(features), n)])
        )
        features += [str(name) for name in names]
        columns["name"].append(np.asarray(store.name, dtype=object)[at].repeat(width))
        columns["value"].append(x.ravel())
        columns["contribution"].append(given[kind].ravel())
    if not kinds:
        return pd.DataFrame(columns=["type", "name", "feature", "value", "contribution"])
    known, number_of = np.unique(np.array(features, dtype=object), return_inverse=True)
    type_code, feature_code = np.concatenate(codes, axis=1)
    joined = {key: np.concatenate(parts) for key, parts in columns.items()}
    table = pd.DataFrame(
        {
            "type": pd.Categorical.from_codes(type_code, categories=pd.Index(kinds)),
            "name": joined["name"],
            "feature": pd.Categorical.from_codes(
                number_of[feature_code], categories=pd.Index(known)
            ),
            "value": joined["value"],
            "contribution": joined["contribution"],
        }
    )
    return _largest_first(table)


def of_edges(data: "HeteroData", heard: Heard, given: Values) -> pd.DataFrame:
    """Return a row for each edge that is heard, both directions together, largest first."""
    found = links(heard.edges)
    values = given.get(MESSAGES, np.zeros(0))
    along = found.sums(np.where(found.is_along, values, 0.0))
    against = found.sums(np.where(found.is_along, 0.0, values))
    named = edge_names(data, heard)
    return _largest_first(named.assign(contribution=along + against, along=along, against=against))


def edge_names(data: "HeteroData", heard: Heard) -> pd.DataFrame:
    """Return ``type, source, target`` of the edges that are heard, in the order of ``links``."""
    found = links(heard.edges)
    ends = np.empty((2, len(found)), dtype=object)
    for number, (first, _, second) in enumerate(found.types):
        own = found.kind == number
        for row, (kind, at) in enumerate(((first, found.source), (second, found.target))):
            names = np.asarray(data[kind].name, dtype=object)[heard.nodes[kind].numpy()]
            ends[row, own] = names[at[own]]
    types = pd.Index([spelled(kind) for kind in found.types])
    return pd.DataFrame(
        {
            "type": pd.Categorical.from_codes(found.kind, categories=types),
            "source": ends[0],
            "target": ends[1],
        }
    )


def of_pair(names: list[str], asked: Question, given: Values) -> pd.DataFrame:
    """Return a row for each feature of the pair itself, largest first."""
    if PAIR not in given or asked.features is None:
        return pd.DataFrame(columns=["feature", "value", "contribution"])
    value = asked.features[0].double().cpu().numpy()
    return _largest_first(
        pd.DataFrame({"feature": names, "value": value, "contribution": given[PAIR]})
    )


def contributions(nodes: pd.DataFrame, edges: pd.DataFrame) -> pd.Series:
    """Return the contribution of every edge and feature of a node, by what it is of."""
    parts = (
        nodes.set_index(["type", "name", "feature"])["contribution"],
        edges.set_index(["type", "source", "target"])["contribution"],
    )
    found: pd.Series = pd.concat(
        [part.set_axis(part.index.to_flat_index(), axis=0) for part in parts if len(part)]
    )
    return found


def as_html(headline: str, tables: Mapping[str, pd.DataFrame]) -> str:
    """Return a headline and the first rows of tables, as a notebook shows them."""
    shown = "".join(
        f"<p>{escape(name)}, {min(SHOWN, len(table)):,} of {len(table):,}</p>"
        + table.head(SHOWN).to_html(index=False, float_format=lambda value: f"{value:.4g}")
        for name, table in tables.items()
        if len(table)
    )
    return f"<div><p><b>{escape(headline)}</b></p>{shown}</div>"


def _largest_first(table: pd.DataFrame) -> pd.DataFrame:
    order = np.argsort(-table["contribution"].abs().to_numpy(np.float64), kind="stable")
    return table.iloc[order].reset_index(drop=True)
