"""Scores of labelled pairs that any trained model has to beat."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp
from sklearn.ensemble import HistGradientBoostingClassifier

from grnet import _checks
from grnet.evaluate.nulls import BLOCK_VALUES, centred_blocks, variance
from grnet.graph import profiles
from grnet.train import EdgeSplit, label_log_odds

if TYPE_CHECKING:
    from anndata import AnnData

Floats = npt.NDArray[np.float64]

TF_RATE = "label rate of TF"
TARGET_RATE = "label rate of target"
RATE_SUM = "label rates, sum"
RATE_PRODUCT = "label rates, product"
PEARSON = "|Pearson|"
PRIOR = "prior"
BOOSTED = "boosted pairs"
NULLS = frozenset({TF_RATE, TARGET_RATE, RATE_SUM, RATE_PRODUCT, PEARSON, PRIOR, BOOSTED})

N_COMPONENTS = 20
_ROUNDING = 1e-9


class GeneTable:
    """What expression says of genes and of pairs of them; cells are made dense a block at a time.

    Genes that are not measured have zeros everywhere.
    """

    def __init__(self, adata: "AnnData", genes: pd.Index) -> None:
        at = adata.var_names.get_indexer(genes)
        if not (at >= 0).any():
            message = (
                f"None of the {len(genes)} genes of the pairs is in adata.var_names: "
                f"{_checks.examples(genes)} against {_checks.examples(adata.var_names)}."
            )
            raise ValueError(message)
        n_components = min(N_COMPONENTS, min(adata.shape) - 1)
        found = profiles(adata, n_components=n_components, what="genes", seed=0)
        own = np.column_stack([found.components, found.mean, found.detected])
        self._own = np.where(at[:, None] >= 0, own[at], 0.0)
        self._n_components = found.components.shape[1]
        self._names, self._column = genes, at
        self._x = sp.csr_array(adata.X) if sp.issparse(adata.X) else np.asarray(adata.X)

    def correlation(self, pairs: pd.DataFrame) -> Floats:
        """Return the Pearson correlation of each pair, 0 where a gene does not vary."""
        places = [self._column[at] for at in self._places(pairs)]
        used, inverse = np.unique(np.concatenate(places), return_inverse=True)
        known = used >= 0
        x = self._x[:, used[known]]
        mean = np.asarray(x.mean(axis=0, dtype=np.float64)).ravel()
        scale = np.zeros(len(used))
        scale[known] = np.sqrt(variance(x, mean) * x.shape[0])
        first, second = inverse[: len(pairs)], inverse[len(pairs) :]
        product = np.zeros(len(pairs))
        for block in centred_blocks(x, mean):
            whole = np.zeros((len(block), len(used)))
            whole[:, known] = block
            step = max(1, BLOCK_VALUES // max(len(block), 1))
            for start in range(0, len(pairs), step):
                part = slice(start, start + step)
                both = whole[:, first[part]], whole[:, second[part]]
                product[part] += np.einsum("ij,ij->j", *both)
        length = scale[first] * scale[second]
        return np.divide(product, length, out=np.zeros_like(product), where=length > _ROUNDING)

    def features(self, pairs: pd.DataFrame, known: Floats | None) -> Floats:
        """Return what is seen of each pair: of TF, target, both together, and of the prior."""
        tf, gene = (self._own[at] for at in self._places(pairs))
        both = tf[:, : self._n_components] * gene[:, : self._n_components]
        parts = [tf, gene, both, self.correlation(pairs)[:, None]]
        if known is not None:
            parts.append(known[:, None])
        return np.concatenate(parts, axis=1)

    def _places(self, pairs: pd.DataFrame) -> list[npt.NDArray[np.intp]]:
        return [self._names.get_indexer(pd.Index(pairs[end])) for end in ("source", "target")]


def null_pair_scores(
    split: EdgeSplit, genes: GeneTable, *, prior: "pd.Series[float] | None", seed: int
) -> Iterator[tuple[str, Floats]]:
    """Yield the nulls' names and their scores of the test pairs."""
    train, test = split.train, split.test
    tf, target = (label_log_odds(train, test, end=end) for end in ("source", "target"))
    yield TF_RATE, tf
    yield TARGET_RATE, target
    yield RATE_SUM, tf + target
    # probabilities, where the sum adds log odds
    yield RATE_PRODUCT, -np.logaddexp(0, -tf) - np.logaddexp(0, -target)
    yield PEARSON, np.abs(genes.correlation(test))
    known = None if prior is None else [of_pairs(prior, pairs) for pairs in (train, test)]
    if known is not None:
        yield PRIOR, known[1]
    boosted = HistGradientBoostingClassifier(max_iter=200, learning_rate=0.05, random_state=seed)
    boosted.fit(genes.features(train, known[0] if known else None), train["label"])
    seen = genes.features(test, known[1] if known else None)
    yield BOOSTED, np.asarray(boosted.predict_proba(seen)[:, 1], dtype=np.float64)


def of_pairs(prior: "pd.Series[float]", pairs: pd.DataFrame) -> Floats:
    """Return the prior's weights of pairs, 0 where it lists none."""
    index = pd.MultiIndex.from_frame(pairs[["source", "target"]])
    return np.asarray(prior.reindex(index, fill_value=0.0), dtype=np.float64)
