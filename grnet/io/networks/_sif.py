"""SIF, the plainest file that Cytoscape imports, with the tables that hold the attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from grnet import _checks
from grnet.io._atomic import replacing
from grnet.io._text import naming, open_text
from grnet.io.networks import _style, _tables
from grnet.io.networks._records import Parts

if TYPE_CHECKING:
    from pathlib import Path

    from grnet.grn import GRN


def beside(path: Path, what: str) -> Path:
    """Return the name of a table that belongs to a file: ``net.sif`` -> ``net.edges.tsv``."""
    return path.with_name(f"{path.stem}.{what}.tsv")


def write_attributes(grn: GRN, path: Path) -> Path:
    """Write ``<stem>.edges.tsv`` and ``<stem>.nodes.tsv``, keyed by ``name`` as in Cytoscape."""
    edges = _style.with_effect(grn.edges, grn.params)
    source, kind, target = (
        edges[column].astype(str) for column in ("source", _style.EFFECT_COLUMN, "target")
    )
    names = (source + " (" + kind + ") " + target).rename("name")
    table = beside(path, "edges")
    _tables.write_text(pd.concat([names, edges], axis=1), table)
    _tables.write_text(grn.nodes.rename_axis("name").reset_index(), beside(path, "nodes"))
    return table


def write_sif(grn: GRN, path: Path) -> None:
    """Write ``source <tab> interaction <tab> target`` lines, and the attributes beside them."""
    if "context" in grn.edges:
        message = (
            "SIF cannot tell the edges of several contexts apart: write one file per context with "
            "grn.filter(context=...), or use .cx2, .graphml, .cyjs, .parquet or .tsv."
        )
        raise ValueError(message)
    unsafe = [name for name in grn.genes if any(mark in name for mark in "\t\r\n")]
    if unsafe:
        message = (
            f"SIF separates by tabs and lines, but {len(unsafe)} name(s) hold some "
            f"({_checks.examples(unsafe)}): rename them, or use .cx2 or .parquet."
        )
        raise ValueError(message)
    write_attributes(grn, path)
    edges = _style.with_effect(grn.edges, grn.params)
    lines = edges[["source", _style.EFFECT_COLUMN, "target"]].astype(str).agg("\t".join, axis=1)
    with replacing(path) as part:
        part.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def read_sif(path: Path) -> Parts:
    """Read a SIF file with its tables; without the table of edges it has no weights."""
    pairs = _pairs(path)
    table, nodes = beside(path, "edges"), beside(path, "nodes")
    annotations = _tables.read_text(nodes).set_index("name") if nodes.exists() else None
    if not table.exists():
        return Parts(pairs, annotations, {})
    edges = _tables.read_text(table).drop(columns="name", errors="ignore")
    _checks.has_columns(edges, ("source", "target"), str(table))
    if _pair_set(edges) != _pair_set(pairs):
        message = f"{path} and {table.name} beside it hold different edges: write both again."
        raise ValueError(message)
    return Parts(edges, annotations, {})


def _pairs(path: Path) -> pd.DataFrame:
    """Return one row per edge; a line may name several targets, and a lone node is no edge."""
    rows = []
    with naming(path), open_text(path) as lines:
        for number, line in enumerate(lines, start=1):
            cells = line.rstrip("\r\n").split("\t" if "\t" in line else None)
            if len(cells) == 2:
                message = (
                    f"{path}, line {number}: expected source, interaction and target, "
                    f"found {line.rstrip()!r}."
                )
                raise ValueError(message)
            rows += [(cells[0], cells[1], target) for target in cells[2:]]
    return pd.DataFrame(rows, columns=["source", _style.EFFECT_COLUMN, "target"])


def _pair_set(edges: pd.DataFrame) -> set[tuple[str, str]]:
    return set(zip(edges["source"].astype(str), edges["target"].astype(str), strict=True))
