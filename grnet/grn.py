"""GRN: the gene regulatory network that every stage returns or consumes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import networkx as nx
import numpy as np
import pandas as pd

from grnet import _checks, _keys
from grnet._grn_tables import (
    described_nodes,
    pair_columns,
    storable,
    validated_edges,
    validated_evidence,
)
from grnet._grn_text import as_html, as_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from anndata import AnnData


@dataclass(frozen=True, eq=False, repr=False)
class GRN:
    """A gene regulatory network: directed, weighted edges from regulators to targets.

    Parameters
    ----------
    edges
        Table ``source, target, weight`` and any of ``sign, score, pvalue, fdr, stability, context,
        n_regions``: unique pairs (per ``context``). They are stored sorted by ``|weight|``;
        ``weight`` is negative for repression where the method knows the sign. The same columns
        serve decoupler (``dc.mt.ulm(adata, grn.edges)``) and networkx
        (``nx.from_pandas_edgelist(grn.edges)``).
    evidence
        Table ``source, region, target`` and a column per kind of evidence, or None.
    nodes
        Table of annotations indexed by node; ``is_tf``, ``out_degree`` and ``in_degree`` are added.
    params
        How the network was made: method, arguments, seed, version. Scalars and strings only.

    Raises
    ------
    ValueError
        If a column is missing, a name or weight is missing, or a pair occurs twice.

    Examples
    --------
    >>> import pandas as pd
    >>> import grnet as gn
    >>> edges = pd.DataFrame(
    ...     {"source": ["A", "A", "B"], "target": ["B", "C", "C"], "weight": [0.9, -0.5, 0.2]}
    ... )
    >>> gn.GRN(edges).top(2).edges
      source target  weight
    0      A      B     0.9
    1      A      C    -0.5
    """

    edges: pd.DataFrame
    evidence: pd.DataFrame | None = None
    nodes: pd.DataFrame = None  # type: ignore[assignment]  # always a frame after construction
    params: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        edges = validated_edges(self.edges)
        object.__setattr__(self, "edges", edges)
        object.__setattr__(self, "nodes", described_nodes(edges, self.nodes))
        object.__setattr__(self, "params", _checks.scalar_params(dict(self.params)))
        if self.evidence is not None:
            object.__setattr__(self, "evidence", validated_evidence(self.evidence))

    def __len__(self) -> int:
        return len(self.edges)

    @property
    def tfs(self) -> list[str]:
        """Names of the regulators, sorted."""
        return sorted(self.nodes.index[self.nodes["is_tf"]])

    @property
    def genes(self) -> list[str]:
        """Names of all nodes, sorted."""
        return sorted(self.nodes.index)

    def _select(self, keep: np.ndarray) -> GRN:
        """Return the network of the chosen edges; ``nodes`` stay, they say what was a candidate."""
        edges = self.edges.loc[keep]
        evidence = self.evidence
        if evidence is not None:
            pairs = pd.MultiIndex.from_frame(edges[["source", "target"]].astype(str))
            asked = pd.MultiIndex.from_frame(evidence[["source", "target"]].astype(str))
            evidence = evidence.loc[asked.isin(pairs)]
        return replace(self, edges=edges, evidence=evidence)

    def drop_isolated(self) -> GRN:
        """Return the network without the nodes that no edge touches, as files and pictures want it.

        Examples
        --------
        >>> import grnet as gn
        >>> len(gn.datasets.example_network().top(1).drop_isolated().nodes)
        2
        """
        touched = (self.nodes["out_degree"] > 0) | (self.nodes["in_degree"] > 0)
        return replace(self, nodes=self.nodes.loc[touched])

    def top(self, n: int) -> GRN:
        """Return the network of the ``n`` strongest edges.

        Examples
        --------
        >>> import grnet as gn
        >>> len(gn.datasets.example_network().top(5))
        5
        """
        return self._select(np.arange(len(self.edges)) < n)

    def filter(
        self,
        *,
        sources: Iterable[str] | None = None,
        targets: Iterable[str] | None = None,
        min_weight: float | None = None,
        max_fdr: float | None = None,
        min_stability: float | None = None,
        sign: Literal["+", "-"] | None = None,
        context: str | None = None,
    ) -> GRN:
        """Return the network of the edges that meet every condition given.

        Parameters
        ----------
        sources, targets
            Names to keep.
        min_weight
            Least absolute weight.
        max_fdr, min_stability
            Bounds on the columns of these names.
        sign
            ``"+"`` keeps activation, ``"-"`` repression.
        context
            Keep the edges of one context, e.g. a cell group.

        Raises
        ------
        ValueError
            If a condition names a column that the network lacks.

        Examples
        --------
        >>> import grnet as gn
        >>> grn = gn.datasets.example_network()
        >>> set(grn.filter(sources=["TF1"]).edges["source"])
        {'TF1'}
        """
        edges = self.edges
        keep = np.ones(len(edges), dtype=bool)
        if sources is not None:
            keep &= edges["source"].isin(set(sources)).to_numpy()
        if targets is not None:
            keep &= edges["target"].isin(set(targets)).to_numpy()
        if min_weight is not None:
            keep &= (edges["weight"].abs() >= min_weight).to_numpy()
        if max_fdr is not None:
            keep &= (self._column("fdr") <= max_fdr).to_numpy()
        if min_stability is not None:
            keep &= (self._column("stability") >= min_stability).to_numpy()
        if sign is not None:
            _checks.one_of(sign, ("+", "-"), "sign")
            keep &= (edges["weight"] > 0 if sign == "+" else edges["weight"] < 0).to_numpy()
        if context is not None:
            contexts = self._column("context")
            _checks.one_of(context, list(contexts.cat.categories), "context")
            keep &= contexts.eq(context).to_numpy()
        return self._select(keep)

    def _column(self, name: str) -> pd.Series[Any]:
        if name not in self.edges:
            made_by = {
                "fdr": "infer the network with fdr=...",
                "stability": "infer the network with n_bootstrap=...",
                "context": "infer the network with groupby=... or pseudotime=...",
            }
            message = (
                f"This network has no column {name!r} (it has {', '.join(map(str, self.edges))}): "
                f"{made_by[name]}"
            )
            raise ValueError(message)
        return self.edges[name]

    def _known(self, node: str) -> str:
        if node not in self.nodes.index:
            message = (
                f"{node!r} is not a node of this network of {len(self.nodes)} nodes. "
                + _checks.nearest(node, self.nodes.index)
            )
            raise ValueError(message)
        return node

    def regulon(self, tf: str) -> pd.DataFrame:
        """Return the edges of one regulator, strongest first.

        Raises
        ------
        ValueError
            If the name is no node of the network.

        Examples
        --------
        >>> import grnet as gn
        >>> gn.datasets.example_network().regulon("TF1").columns[:3].tolist()
        ['source', 'target', 'weight']
        """
        return self.edges.loc[self.edges["source"] == self._known(tf)].reset_index(drop=True)

    def regulons(self, *, min_targets: int = 1) -> dict[str, list[str]]:
        """Return the targets of each regulator, strongest first.

        Examples
        --------
        >>> import grnet as gn
        >>> sorted(gn.datasets.example_network().regulons())[:2]
        ['TF1', 'TF2']
        """
        unique = self.edges.drop_duplicates(["source", "target"])
        groups = unique.groupby("source", observed=True)["target"]
        return {
            str(tf): [str(target) for target in targets]
            for tf, targets in groups
            if len(targets) >= min_targets
        }

    def neighbourhood(self, node: str, radius: int = 1) -> GRN:
        """Return the network among the nodes within ``radius`` steps of a node, either direction.

        Raises
        ------
        ValueError
            If the name is no node of the network.

        Examples
        --------
        >>> import grnet as gn
        >>> "TF1" in gn.datasets.example_network().neighbourhood("TF1").genes
        True
        """
        reached = {self._known(node)}
        for _ in range(radius):
            touches = self.edges["source"].isin(reached) | self.edges["target"].isin(reached)
            near = self.edges.loc[touches]
            reached |= set(near["source"]) | set(near["target"])
        inside = self.edges["source"].isin(reached) & self.edges["target"].isin(reached)
        chosen = self._select(inside.to_numpy())
        return replace(chosen, nodes=self.nodes.loc[self.nodes.index.isin(reached)])

    def to_networkx(self) -> nx.DiGraph | nx.MultiDiGraph:
        """Return a networkx graph with all edge and node attributes.

        Returns
        -------
        ``networkx.DiGraph``, or ``MultiDiGraph`` keyed by context where the network has contexts.
        ``graph.graph`` holds the parameters.

        Examples
        --------
        >>> import grnet as gn
        >>> gn.datasets.example_network().to_networkx().has_edge("TF1", "TF2")
        True
        """
        has_context = "context" in self.edges
        edges = self.edges.astype(dict.fromkeys(pair_columns(self.edges), str))
        graph = nx.from_pandas_edgelist(
            edges,
            edge_attr=True,
            create_using=nx.MultiDiGraph if has_context else nx.DiGraph,
            edge_key="context" if has_context else None,
        )
        graph.add_nodes_from((str(n), row) for n, row in self.nodes.to_dict("index").items())
        graph.graph.update(self.params)
        return graph

    @classmethod
    def from_networkx(cls, graph: nx.DiGraph | nx.MultiDiGraph) -> GRN:
        """Return the network of a directed networkx graph with edge attribute ``weight``.

        Raises
        ------
        ValueError
            If the graph is undirected or an edge has no weight.

        Examples
        --------
        >>> import networkx as nx
        >>> import grnet as gn
        >>> gn.GRN.from_networkx(nx.DiGraph([("A", "B", {"weight": 1.0})])).genes
        ['A', 'B']
        """
        if not graph.is_directed():
            message = "The graph is undirected: pass a DiGraph, edges from regulator to target."
            raise ValueError(message)
        edges = nx.to_pandas_edgelist(graph, edge_key="context" if graph.is_multigraph() else None)
        if edges.empty:
            edges = edges.assign(weight=0.0)
        nodes = pd.DataFrame(list(dict(graph.nodes(data=True)).values()), index=list(graph))
        return cls(edges, nodes=nodes, params=graph.graph)

    def to_adata(self, adata: AnnData, *, key_added: str = _keys.NETWORK) -> None:
        """Store the network in ``adata.uns[key_added]``, so that it travels in h5ad and zarr files.

        Examples
        --------
        >>> import grnet as gn
        >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
        >>> gn.datasets.example_network().to_adata(adata)
        >>> gn.GRN.from_adata(adata).genes == gn.datasets.example_network().genes
        True
        """
        stored: dict[str, Any] = {
            "edges": storable(self.edges),
            "nodes": storable(self.nodes),
            "params": json.dumps(dict(self.params)),
        }
        if self.evidence is not None:
            stored["evidence"] = storable(self.evidence)
        adata.uns[key_added] = stored

    @classmethod
    def from_adata(cls, adata: AnnData, *, key: str = _keys.NETWORK) -> GRN:
        """Return the network that :meth:`to_adata` stored.

        Raises
        ------
        ValueError
            If ``adata.uns`` has no such key.

        Examples
        --------
        >>> import grnet as gn
        >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
        >>> gn.datasets.example_network().to_adata(adata, key_added="mine")
        >>> len(gn.GRN.from_adata(adata, key="mine"))
        12
        """
        if key not in adata.uns:
            message = (
                f"adata.uns has no {key!r}; it has {_checks.examples(adata.uns, 8)}. "
                "Store a network there with grn.to_adata(adata)."
            )
            raise ValueError(message)
        stored = adata.uns[key]
        return cls(
            stored["edges"],
            evidence=stored.get("evidence"),
            nodes=stored["nodes"],
            params=json.loads(str(stored["params"])),
        )

    def summary(self) -> pd.Series[Any]:
        """Return the figures of the network: sizes, signs, and how many candidates were cut.

        Examples
        --------
        >>> import grnet as gn
        >>> int(gn.datasets.example_network().summary()["edges"])
        12
        """
        targets_per_tf = self.nodes.loc[self.nodes["out_degree"] > 0, "out_degree"]
        figures: dict[str, Any] = {
            "edges": len(self.edges),
            "regulators": len(targets_per_tf),
            "targets": int((self.nodes["in_degree"] > 0).sum()),
            "median targets per regulator": float(targets_per_tf.median()) if len(self) else 0.0,
            "activating": int((self.edges["weight"] > 0).sum()),
            "repressing": int((self.edges["weight"] < 0).sum()),
        }
        if "context" in self.edges:
            figures["contexts"] = int(self.edges["context"].nunique())
        figures.update(self.params)
        return pd.Series(figures, name="GRN", dtype=object)

    def __repr__(self) -> str:
        return as_text(self)

    def _repr_html_(self) -> str:
        return as_html(self)
