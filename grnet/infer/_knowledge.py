"""What some methods learn from beside the cells: known edges, and a graph of evidence."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from grnet import _checks
from grnet._progress import progress
from grnet.grn import GRN
from grnet.infer._tables import Network, edge_table

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

    from grnet.infer._inputs import Inputs
    from grnet.train import JointFit

Rows = npt.NDArray[np.int64]
Table = npt.NDArray[np.float32]

PAIRS_AT_A_TIME = 2_000_000
"""That a model scores: it reads the whole graph each time."""

KNOWLEDGE = ("known", "graph", "model")
"""What ``network`` hands to the methods that take it."""


@dataclass(frozen=True, eq=False)
class Knowledge:
    """What the user gave beside the cells; None for what was not given."""

    known: Network | None = None
    graph: "HeteroData | None" = None
    model: "JointFit | None" = None

    def __post_init__(self) -> None:
        if self.known is not None and not isinstance(self.known, GRN):
            object.__setattr__(self, "known", edge_table(self.known, what="the known edges"))

    def given(self) -> list[str]:
        """Return the names of what is there."""
        return [name for name in KNOWLEDGE if getattr(self, name) is not None]

    def of(self, inputs: "Inputs") -> "dict[str, KnownPairs | GraphOfInputs | Table]":
        """Return the keyword arguments of a kernel."""
        found: dict[str, KnownPairs | GraphOfInputs | Table] = {}
        if isinstance(self.known, pd.DataFrame | GRN):
            found["known"] = known_pairs(self.known, inputs)
        if self.graph is not None:
            found["graph"] = graph_of(self.graph, inputs)
        if self.model is not None:
            found["model"] = scores_of(self.model, inputs)
        return found

    @property
    def regions(self) -> "HeteroData | None":
        """The graph whose peaks stand behind the edges."""
        return self.model.graph if self.graph is None and self.model is not None else self.graph


@dataclass(frozen=True, eq=False)
class KnownPairs:
    """Labelled pairs as codes of the positions of regulator and target.

    Attributes
    ----------
    edges, no_edges
        Known edges, and pairs that are known to be none: regulator times the number of targets
        plus target, sorted.
    """

    edges: Rows
    no_edges: Rows


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


def known_pairs(known: pd.DataFrame | GRN, inputs: "Inputs") -> KnownPairs:
    """Return the labelled pairs that join a regulator and a gene of the data.

    Raises
    ------
    ValueError
        If no known edge joins a regulator and another gene, or a label is wrong.
    """
    # the other methods do without what training imports
    from grnet.train.edge_table import EdgeTable  # noqa: PLC0415

    # its names are sorted, as those of the inputs are
    table = EdgeTable.of(known, list(inputs.regulators), list(inputs.genes))
    return KnownPairs(edges=table.positive, no_edges=table.negative)


def scores_of(model: "JointFit", inputs: "Inputs") -> Table:
    """Return what a trained model says of each regulator and gene; 0 for those it does not know.

    Raises
    ------
    ValueError
        If it knows no regulator, or no gene.
    """
    found = np.zeros((len(inputs.regulators), len(inputs.genes)), dtype=np.float32)
    rows, columns = (
        np.flatnonzero(names.isin(model.graph[kind].name))
        for names, kind in ((inputs.regulators, "tf"), (inputs.genes, "gene"))
    )
    if not len(rows) or not len(columns):
        message = (
            f"The model knows {len(rows)} of {len(inputs.regulators)} regulators and "
            f"{len(columns)} of {len(inputs.genes)} genes: its graph has "
            f"{_checks.examples(model.graph['tf'].name)} and "
            f"{_checks.examples(model.graph['gene'].name)}. Train it on a graph of these cells."
        )
        raise ValueError(message)
    regulators, genes = inputs.regulators[rows].astype(str), inputs.genes[columns]
    n_rows = max(1, PAIRS_AT_A_TIME // len(columns))
    for start in progress(range(0, len(rows), n_rows), "scoring pairs"):
        block = regulators[start : start + n_rows]
        pairs = pd.DataFrame(
            {"source": block.repeat(len(genes)), "target": np.tile(genes, len(block))}
        )
        scores = model.scores(pairs).reshape(len(block), len(genes))
        found[np.ix_(rows[start : start + n_rows], columns)] = scores
    return found


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
    if "peak" not in data.node_types:
        message = (
            "The graph has no peaks, and nothing else of it is read: expression comes from the "
            "cells, known edges from known=. Build it with links=, or leave graph= away."
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
