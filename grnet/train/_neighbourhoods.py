"""What the known edges of similar TFs and similar genes say of a pair."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from grnet.graph._profiles import nearest_neighbours
from grnet.graph.pairs import products_at, profile_of, unit_rows
from grnet.graph.vocabulary import GENE, TF
from grnet.train._positions import positions
from grnet.train.rates import label_log_odds

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

N_NEIGHBOURS = {TF: 20, GENE: 60}
N_FOLDS = 5
_PRIOR_EDGES = 2.0
"""Edges of the average TF or target added to each: few known edges say little."""
_PRIOR_WEIGHT = 0.5

NEW_ENDS: dict[str, tuple[str, ...]] = {
    "edge": (),
    "genelink": (),
    "target": ("target",),
    "chromosome": ("target",),
    "tf": ("source",),
    "both": ("source", "target"),
}
"""The ends of the test pairs that do not train, by regime."""

NAMES = [
    "like_targets_of_tf",
    "like_tfs_of_target",
    "like_known_pairs",
    "near_targets_of_tf",
    "near_any_target",
    "near_tfs_of_target",
    "near_any_tf",
    "near_known_pairs",
    "rate_of_tf",
    "rate_of_target",
]


class Neighbourhoods:
    """Features of pairs from the training labels of their TF, their target, and similar ones.

    Similar are those with similar profiles over the cells. For a new target it tells whether it
    looks like the known targets of the TF, as local models do (Mordelet and Vert 2008); for a new
    TF, whether the regulators of the target are like it; for both, whether pairs of such a TF and
    such a gene are known.
    """

    def __init__(self, data: "HeteroData") -> None:
        self._data = data
        self._unit = {kind: unit_rows(profile_of(data, kind)) for kind in (TF, GENE)}
        self._near = {
            kind: _near(values, data[kind].name, n_neighbours=N_NEIGHBOURS[kind])
            for kind, values in self._unit.items()
        }

    def features(self, train: pd.DataFrame, pairs: pd.DataFrame) -> Floats:
        """Return the features of pairs that do not train themselves, (B, 10)."""
        tf, gene = positions(self._data, pairs)
        tfs, genes = self._unit[TF], self._unit[GENE]
        ends = positions(self._data, train)
        is_edge = train["label"].to_numpy() == 1
        shape = len(tfs), len(genes)
        known = sp.csr_array((np.ones(is_edge.sum()), tuple(ends[:, is_edge])), shape=shape)
        seen = [
            np.isin(np.arange(n), own).astype(np.float64)
            for n, own in zip(shape, ends, strict=True)
        ]
        n_targets, n_tfs = (np.asarray(known.sum(axis=axis)).ravel() for axis in (1, 0))
        total = max(known.sum(), 1.0)
        mean_target, mean_tf = n_tfs @ genes / total, n_targets @ tfs / total
        of_tf = _excess(known @ genes, n_targets, mean_target)
        of_gene = _excess(known.T @ tfs, n_tfs, mean_tf)
        joint = tfs.T @ (known @ genes) / total - np.outer(mean_tf, mean_target)
        near_tf, near_gene = self._near[TF], self._near[GENE]
        weight_tf, weight_gene = (
            (near @ own + _PRIOR_WEIGHT)
            for near, own in zip((near_tf, near_gene), seen, strict=True)
        )
        by_tf = sp.csr_array(near_tf @ known)
        asked = tf, gene
        columns = [
            np.einsum("ij,ij->i", genes[gene], of_tf[tf]),
            np.einsum("ij,ij->i", tfs[tf], of_gene[gene]),
            np.einsum("ij,ij->i", tfs[tf] @ joint, genes[gene]),
            products_at(known, near_gene, asked) / weight_gene[gene],
            (near_gene @ n_tfs)[gene] / weight_gene[gene],
            np.asarray(by_tf[tf, gene]).ravel() / weight_tf[tf],
            (near_tf @ n_targets)[tf] / weight_tf[tf],
            products_at(by_tf, near_gene, asked) / (weight_tf[tf] * weight_gene[gene]),
            label_log_odds(train, pairs, end="source"),
            label_log_odds(train, pairs, end="target"),
        ]
        return np.column_stack(columns)

    def out_of_fold(self, train: pd.DataFrame, *, regime: str, seed: int) -> Floats:
        """Return the features of the training pairs, each from pairs it will be as new to.

        Names are divided as the regime divides them, so that a training pair looks like those that
        will be asked.
        """
        found = np.full((len(train), len(NAMES)), np.nan)
        for heard, asked in _folds(train, NEW_ENDS[regime], seed=seed):
            found[asked] = self.features(train[heard], train[asked])
        return found


def _near(values: Floats, names: Any, *, n_neighbours: int) -> sp.csr_array:  # noqa: ANN401
    """Return symmetric weights of the nearest, squared correlations where these are positive."""
    n = len(values)
    if n < 2 or not values.shape[1]:
        return sp.csr_array((n, n))
    first, second, correlation = nearest_neighbours(
        values, np.asarray(names, dtype=str), n_neighbours=min(n_neighbours, n - 1)
    )
    weight = np.maximum(correlation, 0.0) ** 2
    ends = np.concatenate([first, second]), np.concatenate([second, first])
    return sp.csr_array((np.tile(weight, 2), ends), shape=(n, n))


def _excess(total: Floats, count: Floats, mean: Floats) -> Floats:
    """Return the mean of each beyond that of all, drawn to 0 where it has few."""
    return np.asarray((total - np.outer(count, mean)) / (count + _PRIOR_EDGES)[:, None])


def _folds(
    train: pd.DataFrame, new: tuple[str, ...], *, seed: int
) -> "list[tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]]":
    """Return which pairs are heard and which are asked; together the latter are all."""
    rng = np.random.default_rng(seed)
    if not new:
        fold = rng.permutation(len(train)) % N_FOLDS
        return [(fold != i, fold == i) for i in range(N_FOLDS)]
    folds = [_fold_of_name(train[end], rng) for end in new]
    if len(new) == 1:
        return [(folds[0] != i, folds[0] == i) for i in range(N_FOLDS)]
    return [
        ((folds[0] != i) & (folds[1] != j), (folds[0] == i) & (folds[1] == j))
        for i in range(N_FOLDS)
        for j in range(N_FOLDS)
        if ((folds[0] == i) & (folds[1] == j)).any()
    ]


def _fold_of_name(names: "pd.Series[str]", rng: np.random.Generator) -> Rows:
    codes, unique = pd.factorize(names, sort=True)
    return np.asarray((rng.permutation(len(unique)) % N_FOLDS)[codes])
