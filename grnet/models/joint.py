"""The joint model: expression, graph and DNA say together how likely a TF regulates a gene."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from grnet import _checks
from grnet.models import _catalogue
from grnet.models._pooled_sites import PooledSites
from grnet.models.encoders import EdgeModel, EdgeModelConfig, EdgeType

Nodes = Mapping[str, torch.Tensor]
Edges = Mapping[EdgeType, torch.Tensor]
Columns = Mapping[str, tuple[int, ...]]

LAYERS = ("expression", "graph", "dna")
PAIR = "pair"
"""Stands beside types of nodes where columns of features are named: those of the pair itself."""
GENE, PEAK = "gene", "peak"
NEAR = (PEAK, "near", GENE)


@dataclass(frozen=True, kw_only=True)
class JointModelConfig:
    """Settings of a :class:`JointModel`.

    Parameters
    ----------
    expression, graph
        Of the two towers, None for one that is not there. Their inputs are the columns that they
        read, and ``graph`` reads those of the DNA after its own of the peaks.
    columns
        By tower: which columns it reads of the features of each type of node, and of ``"pair"``.
    sequence_model
        Class of the model that reads DNA, such as ``"MotifScanner"``; None for none.
    sequence_config
        Its settings.
    n_sequence_features
        Numbers that it answers.
    n_tfs
        TFs, each of which weighs these numbers in its own way.
    dna_joins_graph
        The tower of the graph hears what the DNA of each peak says.

    Examples
    --------
    >>> import grnet as gn
    >>> tower = gn.models.EdgeModelConfig(
    ...     inputs=(("tf", 2), ("gene", 3)), relations=(), kind="none"
    ... )
    >>> columns = {"expression": {"tf": (0, 1), "gene": (0, 1, 2)}}
    >>> gn.models.JointModelConfig(expression=tower, columns=columns).layers
    ('expression',)
    """

    expression: EdgeModelConfig | None = None
    graph: EdgeModelConfig | None = None
    columns: Mapping[str, Columns] = field(default_factory=dict)
    sequence_model: str | None = None
    sequence_config: Mapping[str, Any] = field(default_factory=dict)
    n_sequence_features: int = 0
    n_tfs: int = 0
    dna_joins_graph: bool = False

    def __post_init__(self) -> None:
        # a file of JSON has dicts and lists
        for name in ("expression", "graph"):
            given = getattr(self, name)
            if isinstance(given, Mapping):
                object.__setattr__(self, name, EdgeModelConfig(**given))
        columns = {
            tower: {kind: tuple(int(i) for i in places) for kind, places in read.items()}
            for tower, read in self.columns.items()
        }
        object.__setattr__(self, "columns", columns)
        if not self.layers:
            message = f"A joint model needs a layer: expected some of {', '.join(LAYERS)}."
            raise ValueError(message)
        missing = [name for name in self.towers if name not in columns]
        if missing:
            message = f"columns= says nothing of {_checks.examples(missing)}: which are read?"
            raise ValueError(message)

    @property
    def towers(self) -> dict[str, EdgeModelConfig]:
        """The towers that are there, by name."""
        both = {"expression": self.expression, "graph": self.graph}
        return {name: config for name, config in both.items() if config is not None}

    @property
    def layers(self) -> tuple[str, ...]:
        """What the model reads, of ``LAYERS``."""
        return (*self.towers, *(() if self.sequence_model is None else ("dna",)))


class JointModel(nn.Module):
    """Three layers of evidence, each with its own say in the logit of an edge.

    Parameters
    ----------
    config
        Its settings.

    Notes
    -----
    The logit is a sum: a bias, the term of the expression (TF and gene and what is known of such
    pairs), the term of the graph, whose messages carry expression, evidence and what the DNA of
    each peak says, and the term of the DNA: how the TF weighs the sites in the peaks near the gene.
    A sum of log odds is what independent evidence adds up to; each layer can be trained, frozen and
    looked at alone, and the contributions of all inputs add up to the logit.

    Examples
    --------
    >>> import grnet as gn
    >>> multiome = gn.datasets.simulate_multiome(n_cells=60, n_genes=30, n_tfs=4)
    >>> data = gn.graph.build(
    ...     multiome.mdata, multiome.genome, motifs=multiome.motifs, sequence_width=200
    ... )
    >>> split = gn.train.split_edges(
    ...     multiome.edges, tfs=data["tf"].name, genes=data["gene"].name
    ... )
    >>> quick = gn.train.FitSettings(max_epochs=1)
    >>> gn.train.fit_joint(data, split, settings=quick).model.config.layers
    ('expression', 'graph', 'dna')
    """

    def __init__(self, config: JointModelConfig) -> None:
        super().__init__()
        self.config = c = config
        self.towers = nn.ModuleDict({name: EdgeModel(tower) for name, tower in c.towers.items()})
        if c.sequence_model is not None:
            self.reader = _catalogue.built(c.sequence_model, dict(c.sequence_config))
            self.sites = PooledSites(c.n_sequence_features, n_tfs=c.n_tfs)
        self.weight = nn.Parameter(torch.ones(len(c.layers)))
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(
        self,
        x: Nodes,
        edge_index: Edges,
        pairs: torch.Tensor,
        *,
        features: torch.Tensor | None = None,
        said: torch.Tensor | None = None,
        link: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return logits (B,) of pairs (2, B), positions of TFs and genes.

        ``features`` (B, n) are those of the pairs, ``said`` (P, F) what :attr:`reader` answers to
        the DNA of the peaks, and ``link`` (E,) how strongly each edge from a peak to a gene joins
        them.
        """
        own = self.terms(x, edge_index, pairs, features=features, said=said, link=link)
        return self.bias + torch.stack(tuple(own.values())).sum(0)

    def terms(
        self,
        x: Nodes,
        edge_index: Edges,
        pairs: torch.Tensor,
        *,
        features: torch.Tensor | None = None,
        said: torch.Tensor | None = None,
        link: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        """Return what each layer adds to the logits, (B,) each; arguments as for ``forward``."""
        if "dna" in self.config.layers and said is None:
            message = "The model reads DNA: pass said=model.reader(codes), of every peak."
            raise ValueError(message)
        found = {}
        for name, tower in self.towers.items():
            read = self.read_by(name, x, said)
            own = None if features is None else features[:, list(self.config.columns[name][PAIR])]
            found[name] = tower(read, edge_index, pairs, features=own)
        if said is not None and "dna" in self.config.layers:
            n_genes = len(x[GENE])
            found["dna"] = self.sites(said, edge_index[NEAR], pairs, link=link, n_genes=n_genes)
        return {
            name: weight * term
            for weight, (name, term) in zip(self.weight, found.items(), strict=True)
        }

    def read_by(self, tower: str, x: Nodes, said: torch.Tensor | None) -> dict[str, torch.Tensor]:
        """Return the features that a tower reads of each type of node."""
        columns = self.config.columns[tower]
        kinds = [kind for kind, _ in self.config.towers[tower].inputs]
        read = {kind: x[kind][:, list(columns[kind])] for kind in kinds}
        if tower == "graph" and self.config.dna_joins_graph and said is not None:
            read[PEAK] = torch.cat([read[PEAK], self.sites.scaled(said)], dim=1)
        return read
