"""Encoders of heterogeneous graphs, and a decoder from two nodes to an edge."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch import nn
from torch_geometric.nn import GATv2Conv, HeteroConv, HGTConv, SAGEConv

from grnet import _checks

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

EdgeType = tuple[str, str, str]
Nodes = Mapping[str, torch.Tensor]
Edges = Mapping[EdgeType, torch.Tensor]

KINDS = ("sage", "gatv2", "hgt", "none")
DECODERS = ("mlp", "dot", "distmult", "bilinear")


@dataclass(frozen=True, kw_only=True)
class EdgeModelConfig:
    """Settings of an :class:`EdgeModel`.

    Parameters
    ----------
    inputs
        Types of nodes and the numbers of their features.
    relations
        Types of edges that messages pass along.
    source, target
        Types of the nodes that an edge joins.
    kind
        Of the layers: ``"sage"`` (mean of the neighbours, with matrices for each type of edge: the
        relational network of Schlichtkrull et al. 2018), ``"gatv2"`` (attention), ``"hgt"``
        (heterogeneous graph transformer), or ``"none"``: features alone.
    decoder
        From two vectors to a logit: ``"mlp"``, ``"dot"``, ``"distmult"`` or ``"bilinear"``. All
        are directed: TF and target have networks of their own.
    width, depth, heads
        Of the vectors, the number of layers, and attention heads.
    dropout
        In layers and decoder.
    n_pair_features
        Features of the pair itself that the decoder reads beside both vectors.

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    >>> data = gn.graph.build(adata, known=adata.uns["grnet_truth"], n_components=4)
    >>> gn.models.EdgeModelConfig.of(data, kind="hgt").depth
    2
    """

    inputs: tuple[tuple[str, int], ...]
    relations: tuple[EdgeType, ...]
    source: str = "tf"
    target: str = "gene"
    kind: Literal["sage", "gatv2", "hgt", "none"] = "sage"
    decoder: Literal["mlp", "dot", "distmult", "bilinear"] = "mlp"
    width: int = 64
    depth: int = 2
    heads: int = 4
    dropout: float = 0.3
    n_pair_features: int = 0

    def __post_init__(self) -> None:
        # a file of JSON has lists
        object.__setattr__(self, "inputs", tuple((str(kind), int(n)) for kind, n in self.inputs))
        object.__setattr__(self, "relations", tuple((a, r, b) for a, r, b in self.relations))
        _checks.one_of(self.kind, KINDS, "kind")
        _checks.one_of(self.decoder, DECODERS, "decoder")
        _checks.in_range(self.dropout, 0, 0.99, what="dropout")
        if self.width % self.heads:
            message = (
                f"width={self.width} is no multiple of heads={self.heads}: every head has an equal "
                "part of a vector."
            )
            raise ValueError(message)

    @classmethod
    def of(cls, data: "HeteroData", **settings: object) -> "EdgeModelConfig":
        """Return the settings of a model for a graph.

        Parameters
        ----------
        data
            A graph whose nodes have features, as :func:`grnet.graph.build` makes it.
        **settings
            Others than ``inputs`` and ``relations``.

        Returns
        -------
        EdgeModelConfig

        Examples
        --------
        >>> import grnet as gn
        >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
        >>> data = gn.graph.build(adata, known=adata.uns["grnet_truth"], n_components=4)
        >>> [kind for kind, _ in gn.models.EdgeModelConfig.of(data).inputs]
        ['gene', 'tf']
        """
        inputs = tuple((kind, data[kind].x.shape[1]) for kind in data.node_types)
        return cls(inputs=inputs, relations=tuple(data.edge_types), **settings)  # type: ignore[arg-type]


class GraphEncoder(nn.Module):
    """Layers of messages over a heterogeneous graph: features in, one vector for each node out.

    Parameters
    ----------
    config
        Its settings.

    Notes
    -----
    By PyG. Every layer adds to the vectors of the one before, so that a node without neighbours
    keeps what its features say: targets and TFs that are new have no known edges.

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    >>> data = gn.graph.build(adata, known=adata.uns["grnet_truth"], n_components=4)
    >>> encoder = gn.models.GraphEncoder(gn.models.EdgeModelConfig.of(data)).eval()
    >>> encoder(data.x_dict, data.edge_index_dict)["gene"].shape
    torch.Size([30, 64])
    """

    def __init__(self, config: EdgeModelConfig) -> None:
        super().__init__()
        self.config = c = config
        kinds = [kind for kind, _ in c.inputs]
        self.inputs = nn.ModuleDict({kind: nn.Linear(n, c.width) for kind, n in c.inputs})
        depth = 0 if c.kind == "none" else c.depth
        self.layers = nn.ModuleList(_layer(c, kinds) for _ in range(depth))
        self.norms = nn.ModuleList(
            nn.ModuleDict({kind: nn.LayerNorm(c.width) for kind in kinds}) for _ in range(depth)
        )
        self.dropout = nn.Dropout(c.dropout)

    def forward(self, x: Nodes, edge_index: Edges) -> dict[str, torch.Tensor]:
        """Return vectors (n, width) by type of node."""
        h = self.embedded(x)
        for number in range(len(self.layers)):
            h = self.passed(h, edge_index, layer=number)
        return h

    def embedded(self, x: Nodes) -> dict[str, torch.Tensor]:
        """Return the vectors before any message: what features say."""
        return {kind: layer(x[kind]) for kind, layer in self.inputs.items()}

    def passed(self, h: Nodes, edge_index: Edges, *, layer: int) -> dict[str, torch.Tensor]:
        """Return the vectors after the messages of one layer."""
        edges = {relation: edge_index[relation] for relation in self.config.relations}
        active = {kind: torch.relu(vector) for kind, vector in h.items()}
        norms: nn.ModuleDict = self.norms[layer]  # type: ignore[assignment]
        after = dict(h)
        for kind, message in self.layers[layer](active, edges).items():
            if message is not None:
                after[kind] = h[kind] + self.dropout(norms[kind](message))
        return after


class EdgeModel(nn.Module):
    """How likely a TF regulates a gene, from the graph around both.

    Parameters
    ----------
    config
        Its settings.

    Examples
    --------
    >>> import grnet as gn
    >>> import torch
    >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    >>> data = gn.graph.build(adata, known=adata.uns["grnet_truth"], n_components=4)
    >>> model = gn.models.EdgeModel(gn.models.EdgeModelConfig.of(data)).eval()
    >>> pairs = torch.tensor([[0, 1, 2], [7, 8, 9]])
    >>> model(data.x_dict, data.edge_index_dict, pairs).shape
    torch.Size([3])
    """

    def __init__(self, config: EdgeModelConfig) -> None:
        super().__init__()
        self.config = c = config
        self.encoder = GraphEncoder(c)
        self.of_source, self.of_target = (_tower(c) for _ in range(2))
        self.bias_of_source, self.bias_of_target = (nn.Linear(c.width, 1) for _ in range(2))
        n = c.n_pair_features
        if n:
            of_pair = (nn.Linear(n, c.width), nn.ReLU(), nn.Dropout(c.dropout))
            ends = () if c.decoder == "mlp" else (nn.Linear(c.width, 1),)
            self.of_pair = nn.Sequential(*of_pair, *ends)
        if c.decoder == "mlp":
            self.together: nn.Module = nn.Sequential(
                nn.Linear((4 if n else 3) * c.width, c.width),
                nn.ReLU(),
                nn.Dropout(c.dropout),
                nn.Linear(c.width, 1),
            )
        elif c.decoder == "bilinear":
            self.together = nn.Linear(c.width, c.width, bias=False)
        elif c.decoder == "distmult":
            self.relation = nn.Parameter(torch.ones(c.width))

    def forward(
        self,
        x: Nodes,
        edge_index: Edges,
        pairs: torch.Tensor,
        *,
        features: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return logits (B,) of pairs (2, B), positions of sources and targets.

        ``features`` (B, n_pair_features) are those of the pairs, where the model reads some.
        """
        return self.decoded(self.encoder(x, edge_index), pairs, features=features)

    def decoded(
        self, h: Nodes, pairs: torch.Tensor, *, features: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return logits (B,) of pairs (2, B) from the vectors of the encoder."""
        own = () if features is None else (self.of_pair(features),)
        source = self.of_source(h[self.config.source])[pairs[0]]
        target = self.of_target(h[self.config.target])[pairs[1]]
        if self.config.decoder == "mlp":
            both = torch.cat([source, target, source * target, *own], dim=1)
            logits: torch.Tensor = self.together(both)[:, 0]
            return logits
        alone = (self.bias_of_source(source) + self.bias_of_target(target))[:, 0]
        if self.config.decoder == "bilinear":
            source = self.together(source)
        elif self.config.decoder == "distmult":
            source = source * self.relation
        alone = alone + own[0][:, 0] if own else alone
        joined: torch.Tensor = alone + (source * target).sum(1) / self.config.width**0.5
        return joined


def _layer(config: EdgeModelConfig, kinds: list[str]) -> nn.Module:
    width = config.width
    if config.kind == "hgt":
        metadata = (kinds, list(config.relations))
        layer: nn.Module = HGTConv(width, width, metadata, heads=config.heads)
        return layer
    made = {relation: _convolution(config) for relation in config.relations}
    layers: nn.Module = HeteroConv(made, aggr="sum")
    return layers


def _convolution(config: EdgeModelConfig) -> nn.Module:
    width, heads = config.width, config.heads
    layer: nn.Module
    if config.kind == "sage":
        layer = SAGEConv((width, width), width)
    else:
        layer = GATv2Conv((width, width), width // heads, heads=heads, add_self_loops=False)
    return layer


def _tower(config: EdgeModelConfig) -> nn.Module:
    return nn.Sequential(
        nn.ReLU(), nn.Dropout(config.dropout), nn.Linear(config.width, config.width)
    )
