"""The grid of candidate pairs: which pairs a network is asked about, and which of them are true."""

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import pandas as pd

from grnet import _checks
from grnet.evaluate._ranking import Ranking
from grnet.evaluate._truth import Truth, true_edges
from grnet.grn import GRN

if TYPE_CHECKING:
    from anndata import AnnData

logger = logging.getLogger(__name__)

CandidateRule = Literal["beeline", "all"]
ENSEMBL = re.compile(r"^ENS[A-Z]*[GTP]\d{6,}")


class Universe(NamedTuple):
    """Names that can regulate and names that can be regulated, sorted."""

    tfs: pd.Index
    genes: pd.Index


class Scores(NamedTuple):
    """Scores of a ranking on the grid, and how many candidate pairs it knows."""

    matrix: np.ndarray
    n_scored: int


@dataclass(frozen=True, eq=False)
class Candidates:
    """Candidate pairs ``tfs x genes`` without self edges, and the truth on them."""

    rule: CandidateRule
    tfs: pd.Index
    genes: pd.Index
    is_true: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        """Number of TFs and of genes."""
        return len(self.tfs), len(self.genes)

    @property
    def own(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows and columns of the self edges."""
        column = self.genes.get_indexer(self.tfs)
        rows = np.flatnonzero(column >= 0)
        return rows, column[rows]

    @property
    def n_pairs(self) -> int:
        """Number of candidate pairs."""
        return len(self.tfs) * len(self.genes) - len(self.own[0])

    def scores(self, edges: pd.DataFrame, *, signed: bool) -> Scores:
        """Return the edges' scores; of a pair in several contexts the highest.

        Pairs that are not listed score 0 or, where signed weights reach below, the least weight.
        """
        rows = _positions(edges["source"], self.tfs)
        columns = _positions(edges["target"], self.genes)
        known = (rows >= 0) & (columns >= 0)
        weight = edges["weight"].to_numpy(np.float64)[known]
        matrix = np.full(self.shape, -np.inf if signed else 0.0)
        place = (rows[known], columns[known])
        np.maximum.at(matrix, place, weight if signed else np.abs(weight))
        missing = np.isneginf(matrix) if signed else matrix == 0
        zero = missing | (matrix == 0)
        zero[self.own] = True
        if signed:
            matrix[missing] = min(0.0, matrix[~missing].min(initial=0.0))
        return Scores(matrix, int(zero.size - np.count_nonzero(zero)))

    def ranking(self, matrix: np.ndarray) -> Ranking:
        """Return the ranking of the candidate pairs; the matrix is used up."""
        matrix[self.own] = np.nan
        ranking = Ranking.of(matrix.reshape(-1), self.is_true.reshape(-1))
        # NaN sorts last: the self edges fall off the end
        return Ranking(ranking.scores[: self.n_pairs], ranking.true_scores)

    def ranking_of(self, tf: int, scores: np.ndarray) -> Ranking:
        """Return the ranking of the targets of one TF, given by its row."""
        keep = self.genes != self.tfs[tf]
        return Ranking.of(scores[keep], self.is_true[tf][keep])


def universe(
    networks: Iterable[GRN],
    *,
    tfs: Iterable[str] | None = None,
    genes: Iterable[str] | None = None,
    adata: "AnnData | None" = None,
) -> Universe:
    """Return what was given; else the genes of the matrix; else the nodes of the networks."""
    networks = list(networks)
    if tfs is None:
        tfs = {tf for network in networks for tf in network.tfs}
    if genes is None and adata is not None:
        genes = adata.var_names
    if genes is None:
        genes = {gene for network in networks for gene in network.genes}
    return Universe(_names(tfs, "tfs"), _names(genes, "genes"))


def _names(names: Iterable[str], what: str) -> pd.Index:
    if isinstance(names, str):
        message = f"{what}={names!r} is one string: pass a list of names."
        raise TypeError(message)
    index = pd.Index(sorted({str(name) for name in names}), dtype=object)
    if index.empty:
        message = f"{what} is empty: pass at least one name, or None for those of the data."
        raise ValueError(message)
    return index


def candidate_pairs(truth: Truth, known: Universe, *, rule: CandidateRule) -> Candidates:
    """Restrict the truth to the universe and return the candidate pairs of the rule."""
    _checks.one_of(rule, ("beeline", "all"), "candidates")
    edges = true_edges(truth)
    inside = (
        edges["source"].isin(known.tfs)
        & edges["source"].isin(known.genes)
        & edges["target"].isin(known.genes)
    )
    if not inside.any():
        raise ValueError(_no_common_edge(edges, known))
    restricted = edges.loc[inside]
    logger.info("%d of %d true edges lie among the candidates", len(restricted), len(edges))
    tfs, genes = known
    if rule == "beeline":
        tfs = pd.Index(sorted(set(restricted["source"])), dtype=object)
        genes = pd.Index(sorted({*restricted["source"], *restricted["target"]}), dtype=object)
    is_true = np.zeros((len(tfs), len(genes)), dtype=bool)
    rows = tfs.get_indexer(pd.Index(restricted["source"]))
    is_true[rows, genes.get_indexer(pd.Index(restricted["target"]))] = True
    return Candidates(rule, tfs, genes, is_true)


def _positions(names: "pd.Series[str]", index: pd.Index) -> np.ndarray:
    """Return each name's position in the index or -1, looking every category up once."""
    category = names.astype("category").cat
    positions = index.get_indexer(category.categories).astype(np.int32)
    return positions[category.codes.to_numpy()]


def _no_common_edge(edges: pd.DataFrame, known: Universe) -> str:
    text = (
        f"None of the {len(edges)} true edges has its source among the {len(known.tfs)} TFs and "
        f"both ends among the {len(known.genes)} genes. The truth runs from "
        f"{_checks.examples(edges['source'].unique())} to "
        f"{_checks.examples(edges['target'].unique())}; the TFs are {_checks.examples(known.tfs)}, "
        f"the genes {_checks.examples(known.genes)}. "
    )
    if (edges["target"].isin(known.tfs) & edges["source"].isin(known.genes)).any():
        return text + "The truth seems to run from targets to regulators: swap its two columns."
    if (edges["source"].isin(known.tfs) & edges["target"].isin(known.genes)).any():
        return text + "Some of the TFs are not among the genes: add them, genes=[*genes, *tfs]."
    ends = pd.Index(edges["source"]).union(pd.Index(edges["target"]))
    return text + naming_hint(ends, known.genes)


def naming_hint(found: pd.Index, expected: pd.Index) -> str:
    """Say what makes two sets of names differ, as far as it can be told."""
    if found.str.upper().isin(expected.str.upper()).any():
        return "They match when case is ignored: bring both to one case (names.str.upper())."
    plain, others = (names.str.replace(r"\.\d+$", "", regex=True) for names in (found, expected))
    if plain.isin(others).any():
        return "They match without the version suffix: cut '.12' off the Ensembl ids."
    if found.str.match(ENSEMBL).any() != expected.str.match(ENSEMBL).any():
        return "One side holds Ensembl ids, the other symbols: map one to the other."
    return "Check that both are of the same species and naming scheme."
