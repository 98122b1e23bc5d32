"""Trees on the features of pairs: what graph networks are compared with, and joined by."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from sklearn.ensemble import ExtraTreesClassifier

from grnet import _checks
from grnet.graph._order import sorted_by_name
from grnet.graph.vocabulary import GENE, TF
from grnet.train._edge_graph import positions
from grnet.train.edges import EdgeSplit
from grnet.train.pair_evidence import PairEvidence

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

Features = npt.NDArray[np.float32]

_LEAST_PER_LEAF = 3
_SHARE_OF_FEATURES = 0.3
_PAIRS_PER_BLOCK = 1 << 16


@dataclass(frozen=True, eq=False, kw_only=True)
class PairTrees:
    """Extremely randomised trees that read TF, gene and the evidence of the pair.

    Parameters
    ----------
    forest
        The trees.
    graph
        The graph whose features they read.
    evidence
        Of pairs.

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    >>> known = adata.uns["grnet_truth"]
    >>> data = gn.graph.build(adata, known=known, n_components=4)
    >>> split = gn.train.split_edges(known, tfs=data["tf"].name, genes=data["gene"].name)
    >>> gn.train.fit_pair_trees(data, split, n_trees=10)
    PairTrees(10 trees, 30 features)
    """

    forest: ExtraTreesClassifier
    graph: "HeteroData"
    evidence: PairEvidence

    def scores(self, pairs: pd.DataFrame) -> npt.NDArray[np.float32]:
        """Return the share of edges among the training pairs in the leaves of each pair.

        Parameters
        ----------
        pairs
            ``source, target``: TFs and genes of the graph, no training pairs.

        Returns
        -------
        ndarray
            float32, one for each row.

        Raises
        ------
        ValueError
            If a name is not in the graph.

        Examples
        --------
        >>> import grnet as gn
        >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
        >>> known = adata.uns["grnet_truth"]
        >>> data = gn.graph.build(adata, known=known, n_components=4)
        >>> split = gn.train.split_edges(known, tfs=data["tf"].name, genes=data["gene"].name)
        >>> scores = gn.train.fit_pair_trees(data, split, n_trees=10).scores(split.test)
        >>> bool(((scores >= 0) & (scores <= 1)).all())
        True
        """
        at = positions(self.graph, pairs)
        found = np.empty(len(pairs), dtype=np.float32)
        for start in range(0, len(pairs), _PAIRS_PER_BLOCK):
            block = at[:, start : start + _PAIRS_PER_BLOCK]
            features = _features(self.graph, block, self.evidence.at(block))
            found[start : start + _PAIRS_PER_BLOCK] = self.forest.predict_proba(features)[:, 1]
        return found

    def __repr__(self) -> str:
        """Return the sizes."""
        return f"PairTrees({len(self.forest)} trees, {self.forest.n_features_in_} features)"


def fit_pair_trees(
    data: "HeteroData", split: EdgeSplit, *, n_trees: int = 300, seed: int = 0
) -> PairTrees:
    """Train trees to tell known edges from pairs that are none.

    Parameters
    ----------
    data
        A graph with features, as :func:`grnet.graph.build` makes it; its known edges are not read.
    split
        Labelled pairs.
    n_trees
        Their number; time grows with it.
    seed
        Of the trees and of the folds of the evidence.

    Returns
    -------
    PairTrees

    Raises
    ------
    ValueError
        If a TF or gene of the split is not in the graph, or the training pairs have one label.

    Notes
    -----
    Trees of Geurts, Ernst and Wehenkel (2006). Where a pair is new, what they know beyond
    correlation is mostly whether similar genes are known targets, see :class:`PairEvidence`.

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    >>> known = adata.uns["grnet_truth"]
    >>> data = gn.graph.build(adata, known=known, n_components=4)
    >>> split = gn.train.split_edges(known, tfs=data["tf"].name, genes=data["gene"].name)
    >>> len(gn.train.fit_pair_trees(data, split, n_trees=5).scores(split.test)) == len(split.test)
    True
    """
    _checks.whole(n_trees, 1, 100_000, what="n_trees")
    if split.train["label"].nunique() < 2:
        message = (
            f"The {len(split.train)} training pairs have the label "
            f"{split.train['label'].unique().tolist()} alone: expected edges (1) and pairs without "
            "one (0). Draw negatives with split_edges."
        )
        raise ValueError(message)
    graph = sorted_by_name(data)
    evidence = PairEvidence(graph, split, seed=seed)
    forest = ExtraTreesClassifier(
        n_trees,
        min_samples_leaf=_LEAST_PER_LEAF,
        max_features=_SHARE_OF_FEATURES,
        random_state=seed,
        n_jobs=torch.get_num_threads(),
    )
    features = _features(graph, positions(graph, split.train), evidence.train)
    forest.fit(features, split.train["label"])
    # threads would add up the trees in any order, and rounding would tell them apart
    forest.set_params(n_jobs=1)
    return PairTrees(forest=forest, graph=graph, evidence=evidence)


def _features(data: "HeteroData", pairs: npt.NDArray[np.int64], own: Features) -> Features:
    """Return features of TF, gene and pair side by side."""
    ends = [data[kind].x.cpu().numpy()[at] for kind, at in zip((TF, GENE), pairs, strict=True)]
    return np.concatenate([*ends, own], axis=1)
