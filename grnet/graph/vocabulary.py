"""The words of the graphs: types of nodes and edges, and the names of what belongs to them.

A graph is a ``torch_geometric.data.HeteroData``. Every type of node has ``name`` (texts, unique)
and, where there are features, ``x`` (standardised) with ``feature_names``, ``feature_mean`` and
``feature_scale``; every type of edge has ``edge_index`` (for message passing) and ``edge_attr``
with ``edge_attr_names``. ``edge_label_index`` and ``edge_label`` are pairs held out.
"""

EdgeType = tuple[str, str, str]

TF, GENE, PEAK, KMER = "tf", "gene", "peak", "kmer"

BINDS: EdgeType = (TF, "binds", PEAK)
NEAR: EdgeType = (PEAK, "near", GENE)
REGULATES: EdgeType = (TF, "regulates", GENE)
COEXPRESSED: EdgeType = (GENE, "coexpressed", GENE)
ADJACENT: EdgeType = (PEAK, "adjacent", PEAK)
COACCESSIBLE: EdgeType = (PEAK, "coaccessible", PEAK)
FOLLOWED_BY: EdgeType = (KMER, "followed_by", KMER)

REVERSED = "rev_"
"""What ``ToUndirected`` puts before the name of the opposite direction."""


def opposite(edge_type: EdgeType) -> EdgeType:
    """Return the type of the opposite direction; a type within one kind of node is its own.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.graph.opposite(gn.graph.BINDS)
    ('peak', 'rev_binds', 'tf')
    """
    source, relation, target = edge_type
    if source == target:
        return edge_type
    if relation.startswith(REVERSED):
        return target, relation.removeprefix(REVERSED), source
    return target, f"{REVERSED}{relation}", source


def is_opposite(edge_type: EdgeType) -> bool:
    """Tell whether a type repeats another one in the opposite direction."""
    return edge_type[1].startswith(REVERSED)


def spelled(kind: str | EdgeType) -> str:
    """Return how a type is written: ``tf``, ``tf binds peak``."""
    return kind if isinstance(kind, str) else " ".join(kind)
