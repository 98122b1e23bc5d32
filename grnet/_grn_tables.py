"""The tables of a GRN: checked, sorted, described."""

from typing import Any

import numpy as np
import pandas as pd

from grnet import _checks

EDGE_COLUMNS = ("source", "target", "weight")
EVIDENCE_COLUMNS = ("source", "region", "target")


def pair_columns(edges: pd.DataFrame) -> list[str]:
    """Return the columns that identify an edge."""
    return ["source", "target", *(["context"] if "context" in edges.columns else [])]


def validated_edges(edges: pd.DataFrame) -> pd.DataFrame:
    """Check the contract of ``GRN.edges``; return them sorted by strength, names as categories."""
    _checks.has_columns(edges, EDGE_COLUMNS, "the table of edges")
    rest = [column for column in edges.columns if column not in EDGE_COLUMNS]
    edges = edges[[*EDGE_COLUMNS, *rest]].copy()
    names = pair_columns(edges)
    for column in names:
        _check_no_name_missing(edges, column)
        edges[column] = _as_sorted_category(edges[column])
    edges["weight"] = _numeric_weights(edges)
    _check_pairs_unique(edges)
    codes = [edges[column].cat.codes for column in reversed(names)]
    order = np.lexsort((*codes, -edges["weight"].abs()))
    return edges.iloc[order].reset_index(drop=True)


def _check_no_name_missing(edges: pd.DataFrame, column: str) -> None:
    missing = int(edges[column].isna().sum())
    if missing:
        message = f"{missing} of {len(edges)} edges have no {column}: drop these rows or name them."
        raise ValueError(message)


def _numeric_weights(edges: pd.DataFrame) -> "pd.Series[float]":
    try:
        weights = edges["weight"].astype(np.float64)
    except (TypeError, ValueError) as error:
        message = f"The weights must be numbers; the column holds {edges['weight'].dtype}: {error}."
        raise ValueError(message) from error
    bad = edges.loc[~np.isfinite(weights), ["source", "target"]]
    if len(bad):
        message = (
            f"{len(bad)} edges have a NaN or infinite weight, the first {bad.iloc[0, 0]!r} -> "
            f"{bad.iloc[0, 1]!r}. Drop them: an edge that was not found is no row."
        )
        raise ValueError(message)
    return weights


def _check_pairs_unique(edges: pd.DataFrame) -> None:
    doubled = edges[edges.duplicated(pair_columns(edges))]
    if len(doubled):
        first = doubled.iloc[0]
        message = (
            f"{len(doubled)} pairs occur more than once, the first {first['source']!r} -> "
            f"{first['target']!r}. Keep one row per pair, e.g. edges.sort_values('weight')"
            ".drop_duplicates(['source', 'target'], keep='last'), or name the condition of each "
            "row in a column 'context'."
        )
        raise ValueError(message)


def _as_sorted_category(names: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return the names as a category whose order is that of the names, used ones only."""
    category = names if names.dtype == "category" else names.astype(str).astype("category")
    used = category.cat.remove_unused_categories().cat.rename_categories(str)
    return used.cat.reorder_categories(sorted(used.cat.categories))


def validated_evidence(evidence: pd.DataFrame) -> pd.DataFrame:
    """Check the contract of ``GRN.evidence``."""
    _checks.has_columns(evidence, EVIDENCE_COLUMNS, "the table of evidence")
    return evidence.reset_index(drop=True)


def described_nodes(edges: pd.DataFrame, nodes: pd.DataFrame | None) -> pd.DataFrame:
    """Return one row per node with its degrees; annotations given by the caller are kept."""
    pairs = edges[["source", "target"]].drop_duplicates().astype(str)
    out_degree, in_degree = pairs["source"].value_counts(), pairs["target"].value_counts()
    names = out_degree.index.union(in_degree.index)
    described = pd.DataFrame(index=names) if nodes is None else nodes.copy()
    described.index = described.index.astype(str)
    _checks.unique(described.index, "nodes")
    described = described.reindex(names.union(described.index)).rename_axis("node")
    regulates = described.index.isin(out_degree.index)
    if "is_tf" in described:
        regulates = regulates | described["is_tf"].eq(True).to_numpy(dtype=bool)  # noqa: FBT003 - pandas' own signature
    described["is_tf"] = regulates
    described["out_degree"] = out_degree.reindex(described.index, fill_value=0).astype(np.int64)
    described["in_degree"] = in_degree.reindex(described.index, fill_value=0).astype(np.int64)
    return described


def storable(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table as h5ad and zarr take it: text with gaps as categories, flags as nullable.

    Anything else keeps its type. The index becomes text without a name, which a column may bear.
    """
    gaps = table.columns[(table.dtypes == "object") & table.isna().any()]
    awkward = gaps.union(table.columns[table.dtypes == "string"], sort=False)
    better = table[awkward].convert_dtypes(convert_string=False)
    text = better.select_dtypes(["object", "string"]).columns
    stored = table.rename(index=str).rename_axis(None)
    stored[awkward] = better.astype(dict.fromkeys(text, "category")).set_axis(stored.index)
    return stored
