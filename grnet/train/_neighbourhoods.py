"""What the known edges of similar TFs and similar genes say of a pair."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from grnet.graph._profiles import nearest_neighbours
from grnet.graph.pairs import products_at, profile_of, unit_rows
from grnet.graph.vocabulary import GENE, TF
from grnet.train.rates import smoothed_log_odds

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

N_NEIGHBOURS = {TF: 20, GENE: 60}
N_FOLDS = 5
_PRIOR_EDGES = 2.0
"""Edges of the average TF or target added to each: few known edges say little."""
_PRIOR_WEIGHT = 0.5

NEW_ENDS: dict[str, tuple[int, ...]] = {
    "edge": (),
    "genelink": (),
    "target": (1,),
    "chromosome": (1,),
    "tf": (0,),
    "both": (0, 1),
}
"""The ends (0 the TF, 1 the target) of the test pairs that do not train, by regime."""

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
RATES = NAMES[-2:]


class Neighbourhoods:
    """Which TFs are alike, and which genes are, by their profiles over the cells."""

    def __init__(self, data: "HeteroData") -> None:
        self.unit = {kind: unit_rows(profile_of(data, kind)) for kind in (TF, GENE)}
        self.near = {
            kind: _near(values, data[kind].name, n_neighbours=N_NEIGHBOURS[kind])
            for kind, values in self.unit.items()
        }

    def out_of_fold(self, pairs: Rows, labels: Floats, *, regime: str, seed: int) -> Floats:
        """Return the features of training pairs (2, B), each from pairs it is as new to.

        Names are divided as the regime divides them, so that a training pair looks like those that
        will be asked.
        """
        found = np.full((pairs.shape[1], len(NAMES)), np.nan)
        for heard, asked in _folds(pairs, NEW_ENDS[regime], seed=seed):
            known = KnownNeighbours(self, pairs[:, heard], labels[heard])
            found[asked] = known.features(pairs[:, asked])
        return found


class KnownNeighbours:
    """Features of pairs from the training labels of their TF, their target, and similar ones.

    For a new target they tell whether it looks like the known targets of the TF, as local models do
    (Mordelet and Vert 2008); for a new TF, whether the regulators of the target are like it; for
    both, whether pairs of such a TF and such a gene are known.
    """

    def __init__(self, alike: Neighbourhoods, pairs: Rows, labels: Floats) -> None:
        tfs, genes = alike.unit[TF], alike.unit[GENE]
        shape = len(tfs), len(genes)
        edges = pairs[:, labels == 1]
        known = sp.csr_array((np.ones(edges.shape[1]), tuple(edges)), shape=shape)
        counts = [
            np.bincount(ends, minlength=n).astype(np.float64)
            for ends, n in zip(pairs, shape, strict=True)
        ]
        n_targets, n_tfs = (np.asarray(known.sum(axis=axis)).ravel() for axis in (1, 0))
        total = max(known.sum(), 1.0)
        mean_target, mean_tf = n_tfs @ genes / total, n_targets @ tfs / total
        self._tfs, self._genes, self._near_gene, self._known = tfs, genes, alike.near[GENE], known
        self._of_tf = _excess(known @ genes, n_targets, mean_target)
        self._of_gene = _excess(known.T @ tfs, n_tfs, mean_tf)
        self._joint = tfs @ (tfs.T @ (known @ genes) / total - np.outer(mean_tf, mean_target))
        self._by_tf = sp.csr_array(alike.near[TF] @ known)
        self._weight_tf, self._weight_gene = (
            alike.near[kind] @ (count > 0) + _PRIOR_WEIGHT
            for kind, count in zip((TF, GENE), counts, strict=True)
        )
        self._any_target = (alike.near[GENE] @ n_tfs) / self._weight_gene
        self._any_tf = (alike.near[TF] @ n_targets) / self._weight_tf
        overall = float(np.clip(labels.mean(), 1e-9, 1 - 1e-9))
        self._rate_tf, self._rate_target = (
            smoothed_log_odds(positive, count, overall=overall)
            for positive, count in zip((n_targets, n_tfs), counts, strict=True)
        )

    def features(self, pairs: Rows) -> Floats:
        """Return the features of pairs (2, B) that do not train, (B, 10)."""
        tf, gene = pairs
        asked = tf, gene
        columns = [
            np.einsum("ij,ij->i", self._genes[gene], self._of_tf[tf]),
            np.einsum("ij,ij->i", self._tfs[tf], self._of_gene[gene]),
            np.einsum("ij,ij->i", self._joint[tf], self._genes[gene]),
            products_at(self._known, self._near_gene, asked) / self._weight_gene[gene],
            self._any_target[gene],
            np.asarray(self._by_tf[tf, gene]).ravel() / self._weight_tf[tf],
            self._any_tf[tf],
            products_at(self._by_tf, self._near_gene, asked)
            / (self._weight_tf[tf] * self._weight_gene[gene]),
            self._rate_tf[tf],
            self._rate_target[gene],
        ]
        return np.column_stack(columns)


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
    pairs: Rows, new: tuple[int, ...], *, seed: int
) -> "list[tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]]":
    """Return which pairs are heard and which are asked; together the latter are all."""
    rng = np.random.default_rng(seed)
    # of one name alone nothing can be heard about another
    new = tuple(end for end in new if len(np.unique(pairs[end])) > 1)
    if not new:
        fold = rng.permutation(pairs.shape[1]) % N_FOLDS
        return [(fold != i, fold == i) for i in range(N_FOLDS)]
    folds = [_fold_of_name(pairs[end], rng) for end in new]
    if len(new) == 1:
        return [(folds[0] != i, folds[0] == i) for i in range(N_FOLDS)]
    every = [
        ((folds[0] != i) & (folds[1] != j), (folds[0] == i) & (folds[1] == j))
        for i in range(N_FOLDS)
        for j in range(N_FOLDS)
    ]
    return [(heard, asked) for heard, asked in every if asked.any()]


def _fold_of_name(names: Rows, rng: np.random.Generator) -> Rows:
    unique, codes = np.unique(names, return_inverse=True)
    return np.asarray((rng.permutation(len(unique)) % N_FOLDS)[codes])
