"""What some methods learn from beside the cells: known edges, and a graph of evidence."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from grnet import _checks
from grnet.grn import GRN

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

    from grnet.infer._inputs import Inputs

Rows = npt.NDArray[np.int64]
Known = pd.DataFrame | GRN | str | Path

KNOWLEDGE = ("known", "graph")
"""What ``network`` hands to the methods that take it."""


@dataclass(frozen=True, eq=False)
class Knowledge:
    """What the user gave beside the cells; None for what was not given."""

    known: Known | None = None
    graph: "HeteroData | None" = None

    def __post_init__(self) -> None:
        if self.known is not None and not isinstance(self.known, pd.DataFrame | GRN):
            object.__setattr__(self, "known", _read(self.known))

    def given(self) -> list[str]:
        """Return the names of what is there."""
        return [name for name in KNOWLEDGE if getattr(self, name) is not None]

    def of(self, inputs: "Inputs") -> "dict[str, KnownPairs | GraphOfInputs]":
        """Return the keyword arguments of a kernel."""
        found: dict[str, KnownPairs | GraphOfInputs] = {}
        if self.known is not None:
            found["known"] = known_pairs(self.known, inputs)
        if self.graph is not None:
            found["graph"] = graph_of(self.graph, inputs)
        return found


@dataclass(frozen=True, eq=False)
class KnownPairs:
    """Labelled pairs by the positions of regulator and target.

    Attributes
    ----------
    regulators, targets
        Positions in ``x`` and ``y`` of the kernel.
    labels
        1 for a known edge, 0 for a pair that is known to be none.
    """

    regulators: Rows
    targets: Rows
    labels: Rows


@dataclass(frozen=True, eq=False)
class GraphOfInputs:
    """A graph of evidence, and where its TFs and genes are among regulators and targets.

    Attributes
    ----------
    data
        The graph as it was given.
    regulator_of_tf, target_of_gene
        Positions in ``x`` and ``y`` of the kernel, -1 for nodes that are not among them.
    """

    data: "HeteroData"
    regulator_of_tf: Rows
    target_of_gene: Rows


def known_pairs(known: Known, inputs: "Inputs") -> KnownPairs:
    """Return the labelled pairs that join a regulator and a gene of the data, sorted.

    Raises
    ------
    ValueError
        If no known edge joins a regulator and another gene, or a label is wrong.
    """
    table = _table(known)
    label = table["label"] if "label" in table else pd.Series(1, index=table.index)
    if not label.isin([0, 1]).all():
        odd = _checks.examples(label[~label.isin([0, 1])].unique())
        message = f"The known edges have labels {odd}: expected 1 (edge) or 0 (no edge)."
        raise ValueError(message)
    frame = pd.DataFrame(
        {
            "regulator": inputs.regulators.get_indexer(pd.Index(table["source"].astype(str))),
            "target": inputs.genes.get_indexer(pd.Index(table["target"].astype(str))),
            "label": label.to_numpy(dtype=np.int64),
        }
    )
    is_self = (table["source"].astype(str) == table["target"].astype(str)).to_numpy()
    frame = frame[(frame["regulator"] >= 0) & (frame["target"] >= 0) & ~is_self]
    frame = frame.drop_duplicates().sort_values(["regulator", "target"])
    n_edges = int(frame["label"].sum())
    n_both = int(frame.duplicated(["regulator", "target"]).sum())
    if not n_edges or n_both:
        message = (
            f"Of {len(table)} known pairs {n_edges} are edges from a regulator to another gene of "
            f"the data, and {n_both} are labelled both 0 and 1: expected at least one edge, and "
            f"one label for each pair. The pairs are {_checks.examples(table['source'].unique())} "
            f"-> {_checks.examples(table['target'].unique())}, the regulators "
            f"{_checks.examples(inputs.regulators)}, the genes {_checks.examples(inputs.genes)}."
        )
        raise ValueError(message)
    columns = (frame[name].to_numpy(dtype=np.int64) for name in ("regulator", "target", "label"))
    return KnownPairs(*columns)


def graph_of(data: "HeteroData", inputs: "Inputs") -> GraphOfInputs:
    """Return the graph with the positions of its nodes.

    Raises
    ------
    ValueError
        If no TF of the graph is a regulator, or none of its genes a gene of the data.
    """
    missing = [kind for kind in ("tf", "gene") if kind not in data.node_types]
    if missing:
        message = (
            f"The graph has no nodes {_checks.examples(missing)}: build it with gn.graph.build."
        )
        raise ValueError(message)
    tf = inputs.regulators.get_indexer(pd.Index(data["tf"].name))
    gene = inputs.genes.get_indexer(pd.Index(data["gene"].name))
    if not (tf >= 0).any() or not (gene >= 0).any():
        message = (
            f"The graph knows {int((tf >= 0).sum())} of {len(inputs.regulators)} regulators and "
            f"{int((gene >= 0).sum())} of {len(inputs.genes)} genes: it has "
            f"{_checks.examples(data['tf'].name)} and {_checks.examples(data['gene'].name)}, the "
            f"data {_checks.examples(inputs.regulators)} and {_checks.examples(inputs.genes)}. "
            "Build it from the same cells: gn.graph.build(adata, tfs=...)."
        )
        raise ValueError(message)
    return GraphOfInputs(data, np.asarray(tf, np.int64), np.asarray(gene, np.int64))


def _table(known: Known) -> pd.DataFrame:
    if isinstance(known, GRN):
        return known.edges
    table = known if isinstance(known, pd.DataFrame) else _read(known)
    _checks.has_columns(table, ("source", "target"), "the known edges")
    return table


def _read(path: str | Path) -> pd.DataFrame:
    table = pd.read_csv(path, sep=None, engine="python")
    _checks.has_columns(table, ("source", "target"), f"the known edges {str(path)!r}")
    return table
