"""Rankings that know nothing of regulation: what any network has to beat."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import scipy.sparse as sp
from scipy.special import expit, logit

from grnet import _checks
from grnet.evaluate._candidates import Candidates
from grnet.evaluate._truth import Truth, labelled_pairs
from grnet.train.rates import smoothed_log_odds

if TYPE_CHECKING:
    from anndata import AnnData

RANDOM = "random"
TF_VARIANCE = "TF variance"
MEAN_PRODUCT = "mean-expression product"
PEARSON = "|Pearson|"
DEGREE_PRODUCT = "TF degree x target degree"
LABEL_RATES = "label rates of TF and target"

BLOCK_VALUES = 2**24
"""Values of a dense block of cells x genes: 128 MB."""

DECIMALS = 10
"""Correlations are rounded to these: r(a, b) and r(b, a) have to tie whatever BLAS does."""


class NullScores(NamedTuple):
    """A null ranking and its scores of the candidate pairs."""

    name: str
    matrix: np.ndarray


def null_scores(
    candidates: Candidates,
    *,
    adata: "AnnData | None" = None,
    train: Truth | None = None,
    seed: int = 0,
) -> Iterator[NullScores]:
    """Yield the null rankings one by one, so that only one matrix is held at a time.

    Parameters
    ----------
    candidates
        The grid of pairs.
    adata
        Expression for the nulls made of it; genes that it lacks score 0.
    train
        Training edges, with a column ``label`` where negatives are listed.
    seed
        Of the random ranking.

    Yields
    ------
    Names and matrices of TFs x genes.

    Examples
    --------
    >>> import pandas as pd
    >>> from grnet.evaluate._candidates import Universe, candidate_pairs
    >>> known = Universe(pd.Index(["A"]), pd.Index(["A", "B", "C"]))
    >>> truth = pd.DataFrame({"source": ["A"], "target": ["B"]})
    >>> pairs = candidate_pairs(truth, known, rule="all")
    >>> [null.name for null in null_scores(pairs, train=truth)]
    ['random', 'TF degree x target degree', 'label rates of TF and target']
    """
    yield NullScores(RANDOM, np.random.default_rng(seed).random(candidates.shape))
    if adata is not None:
        yield from _expression_nulls(candidates, adata)
    if train is not None:
        yield from _label_nulls(candidates, labelled_pairs(train, "the training table"))


def _expression_nulls(candidates: Candidates, adata: "AnnData") -> Iterator[NullScores]:
    _checks.unique(adata.var_names, "genes")
    tf_place, tfs = _measured(candidates.tfs, adata.var_names)
    gene_place, genes = _measured(candidates.genes, adata.var_names)
    used, inverse = np.unique(np.concatenate([tfs, genes]), return_inverse=True)
    if not used.size:
        message = (
            f"None of the {len(candidates.genes)} candidate genes is in adata.var_names: "
            f"{_checks.examples(candidates.genes)} against {_checks.examples(adata.var_names)}."
        )
        raise ValueError(message)
    if adata.X is None:
        message = "adata.X is empty: put the expression that the nulls are made of into adata.X."
        raise ValueError(message)
    x = adata.X[:, used]
    _checks.finite(x, list(adata.var_names[used]), "adata.X")
    x = sp.csr_array(x) if sp.issparse(x) else np.asarray(x)
    tfs, genes = inverse[: len(tfs)], inverse[len(tfs) :]
    mean = np.asarray(x.mean(axis=0, dtype=np.float64)).ravel()

    def on_grid(values: np.ndarray) -> np.ndarray:
        matrix = np.zeros(candidates.shape)
        matrix[np.ix_(tf_place, gene_place)] = values
        return matrix

    spread = variance(x, mean)
    yield NullScores(TF_VARIANCE, on_grid(spread[tfs][:, None]))
    yield NullScores(MEAN_PRODUCT, on_grid(np.abs(np.multiply.outer(mean[tfs], mean[genes]))))
    scale = np.sqrt(spread * x.shape[0])
    yield NullScores(PEARSON, on_grid(_abs_pearson(x, mean, scale, tfs=tfs, genes=genes)))


def _measured(names: pd.Index, var_names: pd.Index) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of the measured names, on the grid and in the expression matrix."""
    column = var_names.get_indexer(names)
    place = np.flatnonzero(column >= 0)
    return place, column[place]


def centred_blocks(x: np.ndarray | sp.csr_array, mean: np.ndarray) -> Iterator[np.ndarray]:
    """Yield centred dense blocks of cells."""
    step = max(1, BLOCK_VALUES // x.shape[1])
    for start in range(0, x.shape[0], step):
        block = x[start : start + step]
        dense = block.toarray() if isinstance(block, sp.csr_array) else block
        yield np.asarray(dense, dtype=np.float64) - mean


def variance(x: np.ndarray | sp.csr_array, mean: np.ndarray) -> np.ndarray:
    """Return the variance of each column, from blocks of cells."""
    squares: np.ndarray = np.zeros(x.shape[1])
    for block in centred_blocks(x, mean):
        squares += np.einsum("ij,ij->j", block, block)
    squares /= x.shape[0]
    return squares


def _abs_pearson(
    x: np.ndarray | sp.csr_array,
    mean: np.ndarray,
    scale: np.ndarray,
    *,
    tfs: np.ndarray,
    genes: np.ndarray,
) -> np.ndarray:
    """Return absolute correlations of TFs x genes; those of a constant gene are 0."""
    product = np.zeros((len(tfs), len(genes)))
    for block in centred_blocks(x, mean):
        product += block[:, tfs].T @ block[:, genes]
    # a variance within rounding of 0 is that of a constant gene
    constant = scale <= 1e-12 * np.sqrt(x.shape[0]) * np.maximum(np.abs(mean), 1e-300)
    inverse = np.divide(1.0, scale, out=np.zeros_like(scale), where=~constant)
    product *= inverse[tfs][:, None]
    product *= inverse[genes]
    np.abs(product, out=product)
    np.round(product, DECIMALS, out=product)
    return product


def _label_nulls(candidates: Candidates, train: pd.DataFrame) -> Iterator[NullScores]:
    """Yield what the training labels alone tell: the degrees, and the label rates."""
    positive = train.loc[train["label"]]
    if positive.empty:
        message = "The training table holds no positive edge: label rates need some."
        raise ValueError(message)
    out_degree = _counts(positive["source"], candidates.tfs)
    in_degree = _counts(positive["target"], candidates.genes)
    yield NullScores(DEGREE_PRODUCT, np.multiply.outer(out_degree, in_degree))
    if train["label"].all():
        tf_labels = np.full(len(candidates.tfs), float(len(candidates.genes)))
        target_labels = np.full(len(candidates.genes), float(len(candidates.tfs)))
        overall = len(positive) / candidates.n_pairs
    else:
        tf_labels = _counts(train["source"], candidates.tfs)
        target_labels = _counts(train["target"], candidates.genes)
        overall = len(positive) / len(train)
    overall = min(overall, 1 - 1e-9)
    matrix = np.add.outer(
        smoothed_log_odds(out_degree, tf_labels, overall=overall),
        smoothed_log_odds(in_degree, target_labels, overall=overall),
    )
    # as probabilities: a score of 0 or less would count as unknown
    yield NullScores(LABEL_RATES, expit(matrix - logit(overall)))


def _counts(names: "pd.Series[str]", index: pd.Index) -> np.ndarray:
    return names.value_counts().reindex(index, fill_value=0).to_numpy(np.float64)
