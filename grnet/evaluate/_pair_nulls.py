"""Scores of labelled pairs that any trained model has to beat."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier

from grnet import _checks
from grnet.train import EdgeSplit
from grnet.train._edge_audit import rate

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

N_COMPONENTS = 20
_ROUNDING = 1e-9


class GeneTable(NamedTuple):
    """What expression says of each gene: unit columns, principal loadings, mean and spread."""

    names: pd.Index
    units: Floats
    loadings: Floats
    moments: Floats

    @classmethod
    def of(cls, adata: "AnnData", genes: pd.Index) -> "GeneTable":
        """Read the genes of the pairs; absent ones have zeros everywhere."""
        at = adata.var_names.get_indexer(genes)
        if not (at >= 0).any():
            message = (
                f"None of the {len(genes)} genes of the pairs is in adata.var_names: "
                f"{_checks.examples(genes)} against {_checks.examples(adata.var_names)}."
            )
            raise ValueError(message)
        part = adata.X[:, at[at >= 0]]
        values = np.zeros((adata.n_obs, len(genes)))
        values[:, at >= 0] = part.toarray() if hasattr(part, "toarray") else part
        _checks.finite(values, list(genes), "adata.X")
        centred = values - values.mean(axis=0)
        length = np.linalg.norm(centred, axis=0)
        units = centred / np.where(length > _ROUNDING, length, np.inf)
        cells = units @ units.T if adata.n_obs < len(genes) else units.T @ units
        power, vectors = np.linalg.eigh(cells)
        leading = vectors[:, ::-1][:, :N_COMPONENTS]
        if adata.n_obs < len(genes):
            size = np.sqrt(np.maximum(power[::-1][:N_COMPONENTS], _ROUNDING))
            leading = units.T @ leading / size
        # a sign of its own for each component: that of its largest loading
        leading = leading * np.sign(
            leading[np.abs(leading).argmax(axis=0), range(leading.shape[1])]
        )
        moments = np.stack([values.mean(axis=0), values.std(axis=0)], axis=1)
        return cls(genes, units, leading * np.sqrt(len(genes)), moments)

    def correlation(self, pairs: pd.DataFrame) -> Floats:
        """Return the Pearson correlation of each pair."""
        tf, gene = self._places(pairs)
        return np.asarray(np.einsum("ij,ij->j", self.units[:, tf], self.units[:, gene]))

    def features(self, pairs: pd.DataFrame, known: Floats | None) -> Floats:
        """Return what is seen of each pair: of TF, target, both together, and of the prior."""
        tf, gene = self._places(pairs)
        both = self.loadings[tf] * self.loadings[gene]
        parts = [self.loadings[tf], self.loadings[gene], both, self.moments[tf], self.moments[gene]]
        parts.append(self.correlation(pairs)[:, None])
        if known is not None:
            parts.append(known[:, None])
        return np.concatenate(parts, axis=1)

    def _places(self, pairs: pd.DataFrame) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        tf, gene = (self.names.get_indexer(pd.Index(pairs[end])) for end in ("source", "target"))
        return tf, gene


def null_pair_scores(
    split: EdgeSplit, genes: GeneTable, *, prior: "pd.Series[float] | None", seed: int
) -> Iterator[tuple[str, Floats]]:
    """Yield the nulls' names and their scores of the test pairs."""
    train, test = split.train, split.test
    tf, target = rate(train, test, "source"), rate(train, test, "target")
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
