"""What a model may read of a pair itself, beside its TF and its gene."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import roc_auc_score

from grnet import _checks
from grnet.graph.pairs import PairFeatures
from grnet.train._edge_graph import positions
from grnet.train._neighbourhoods import NAMES, NEW_ENDS, RATES, KnownNeighbours, Neighbourhoods
from grnet.train.edges import EdgeSplit

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

Features = npt.NDArray[np.float32]

_LARGEST = 5.0


class PairEvidence:
    """Features of pairs from a graph and from the labels that train, standardised.

    Parameters
    ----------
    data
        A graph, as :func:`grnet.graph.build` makes it.
    split
        Labelled pairs; only those that train are read.
    seed
        Of the folds of the training pairs.

    Attributes
    ----------
    names
        Of the columns: those of :class:`grnet.graph.PairFeatures`, and what the training pairs of
        similar TFs and similar genes say.
    train
        The features of the training pairs, float32. What labels say of them comes from the other
        four of five folds, and folds are new to each other as the test is new to the training:
        whole targets, whole TFs, or both. Label rates that mislead out of fold are 0.

    Raises
    ------
    ValueError
        If the regime of the split is unknown, or a name is not in the graph.

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    >>> known = adata.uns["grnet_truth"]
    >>> data = gn.graph.build(adata, known=known, n_components=4)
    >>> split = gn.train.split_edges(known, tfs=data["tf"].name, genes=data["gene"].name)
    >>> evidence = gn.train.PairEvidence(data, split)
    >>> evidence.of(split.test).shape == (len(split.test), len(evidence.names))
    True
    """

    def __init__(self, data: "HeteroData", split: EdgeSplit, *, seed: int = 0) -> None:
        _checks.one_of(split.regime, tuple(NEW_ENDS), "regime")
        alike = Neighbourhoods(data)
        pairs, labels = positions(data, split.train), split.train["label"].to_numpy(np.float64)
        self._data, self._static = data, PairFeatures(data)
        self._known = KnownNeighbours(alike, pairs, labels)
        self.names = [*self._static.names, *NAMES]
        of_labels = alike.out_of_fold(pairs, labels, regime=split.regime, seed=seed)
        raw = np.concatenate([self._static(pairs), of_labels], axis=1)
        self._mean, spread = raw.mean(axis=0), raw.std(axis=0)
        self._scale = np.where(spread > 1e-9, spread, 1.0)
        self._scale[self._misleading(raw, labels)] = np.inf
        self.train = self._scaled(raw)

    def of(self, pairs: pd.DataFrame) -> Features:
        """Return the features of pairs that do not train.

        Parameters
        ----------
        pairs
            ``source, target``: TFs and genes of the graph.

        Returns
        -------
        ndarray
            float32, a row for each.

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
        >>> len(gn.train.PairEvidence(data, split).of(split.validation)) == len(split.validation)
        True
        """
        return self.at(positions(self._data, pairs))

    def at(self, pairs: npt.NDArray[np.int64]) -> Features:
        """Return the features of pairs by their positions in the graph, (2, B)."""
        return self._scaled(
            np.concatenate([self._static(pairs), self._known.features(pairs)], axis=1)
        )

    def _misleading(
        self, raw: npt.NDArray[np.float64], labels: npt.NDArray[np.float64]
    ) -> list[int]:
        """Return the columns of label rates that point away from the edges out of fold.

        Where negatives match in degree, a name whose edge is left out has a lower rate than its
        others: a model would learn the opposite, which pairs that are asked do not show.
        """
        rates = [self.names.index(name) for name in RATES]
        if len(np.unique(labels)) < 2:
            return rates
        return [column for column in rates if roc_auc_score(labels, raw[:, column]) < 0.5]

    def _scaled(self, raw: npt.NDArray[np.float64]) -> Features:
        scaled = (raw - self._mean) / self._scale
        return np.asarray(np.clip(scaled, -_LARGEST, _LARGEST), dtype=np.float32)
