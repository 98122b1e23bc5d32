"""Scores of a network against known edges, beside the rankings that it has to beat."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from grnet.evaluate._candidates import CandidateRule, Candidates
from grnet.evaluate._ranking import Ranking
from grnet.evaluate._rankings import (
    Ranked,
    known_scores,
    network_rankings,
    null_rankings,
    question,
)
from grnet.evaluate._truth import Truth, true_edges
from grnet.grn import GRN

if TYPE_CHECKING:
    from anndata import AnnData

logger = logging.getLogger(__name__)


def score(  # noqa: PLR0913 - every option is a stated choice of the protocol
    grn: GRN | Mapping[str, GRN],
    truth: Truth,
    *,
    candidates: CandidateRule = "beeline",
    tfs: Iterable[str] | None = None,
    genes: Iterable[str] | None = None,
    adata: "AnnData | None" = None,
    train: Truth | None = None,
    signed: bool = False,
    precision_at: Sequence[int] = (10, 100, 1000),
    nulls: bool = True,
    seed: int = 0,
) -> pd.DataFrame:
    """Score networks against known edges, beside rankings that know nothing of regulation.

    Parameters
    ----------
    grn
        A network, or several by name. One with contexts gets a row for each, and one ``(union)``
        of each pair's highest score.
    truth
        Known edges: a frame (source and target, by name or first), a network, a csv or tsv file.
        A column ``label`` of 0 and 1 marks negatives.
    candidates
        ``"beeline"``: TFs with a true edge x genes that are an end of one; ``"all"``: TFs x genes.
    tfs, genes
        Names the truth is restricted to; default: the TFs of the networks, and the genes of
        ``adata`` or else the nodes of the networks.
    adata
        Normalised expression, for the nulls TF variance, product of means and ``|Pearson|``.
    train
        Training edges, disjoint from the truth, for the nulls made of labels alone.
    signed
        Rank by signed weights: the strongest repression comes last.
    precision_at
        Numbers of top pairs, one column ``precision_at_k`` each.
    nulls, seed
        Whether to add the nulls, and the seed of the random one.

    Returns
    -------
    One row per ranking: ``ranking, is_null, auroc, auprc, density`` (share of true pairs: AUPRC of
    a random ranking), ``auprc_ratio`` (to it), ``early_precision`` (of the top ``n_true`` pairs),
    ``epr`` (its ratio to density), ``n_top`` (pairs in it), the sizes, and ``scored``, the share
    of candidates to which the ranking gives a score other than 0.

    Raises
    ------
    ValueError
        If the truth or a network has no name in common with the candidates.

    Notes
    -----
    Self edges are left out; pairs that are not listed rank last. Early precision takes all pairs
    tied with the last one and never one that scores 0 (BEELINE, Pratapa et al. 2020). Precision
    at k is the one expected over random orders within ties, zeros included; NaN beyond all pairs.

    Examples
    --------
    >>> import pandas as pd
    >>> import grnet as gn
    >>> edges = pd.DataFrame(
    ...     {"source": ["A", "A", "B"], "target": ["C", "B", "C"], "weight": [0.9, 0.5, 0.2]}
    ... )
    >>> truth = pd.DataFrame({"source": ["A", "B"], "target": ["C", "A"]})
    >>> scores = gn.evaluate.score(gn.GRN(edges), truth, precision_at=[1])
    >>> scores[["ranking", "auroc", "auprc_ratio", "epr", "precision_at_1"]].head(1)
       ranking  auroc  auprc_ratio  epr  precision_at_1
    0  network    0.5          1.5  1.0             1.0
    """
    _check_precision_at(precision_at)
    asked = question(grn, truth, candidates=candidates, tfs=tfs, genes=genes, adata=adata)
    rankings = network_rankings(asked, signed=signed)
    if nulls:
        if train is not None:
            _warn_of_overlap(train, truth)
        made = null_rankings(asked.pairs, adata=adata, train=train, seed=seed)
        rankings = chain(rankings, made)
    return score_table(rankings, asked.pairs, precision_at=precision_at)


def score_per_tf(
    grn: GRN,
    truth: Truth,
    *,
    candidates: CandidateRule = "beeline",
    tfs: Iterable[str] | None = None,
    genes: Iterable[str] | None = None,
    adata: "AnnData | None" = None,
    signed: bool = False,
) -> pd.DataFrame:
    """Score the ranking of targets of each TF that has a true edge.

    Parameters
    ----------
    grn
        A network; of one with contexts, each pair's highest score is taken.
    truth, candidates, tfs, genes, adata, signed
        As in :func:`score`.

    Returns
    -------
    One row per TF, most true targets first: ``tf, n_true, n_candidates, auroc, auprc, density,
    auprc_ratio``. ``auroc`` is NaN for a TF of which every candidate is a true target.

    Raises
    ------
    ValueError
        If the truth or the network has no name in common with the candidates.

    Examples
    --------
    >>> import pandas as pd
    >>> import grnet as gn
    >>> edges = pd.DataFrame(
    ...     {"source": ["A", "A", "B"], "target": ["C", "B", "C"], "weight": [0.9, 0.5, 0.2]}
    ... )
    >>> truth = pd.DataFrame({"source": ["A", "B"], "target": ["C", "A"]})
    >>> gn.evaluate.score_per_tf(gn.GRN(edges), truth)[["tf", "n_true", "auprc_ratio"]]
      tf  n_true  auprc_ratio
    0  A       1          2.0
    1  B       1          1.0
    """
    networks, pairs = question(grn, truth, candidates=candidates, tfs=tfs, genes=genes, adata=adata)
    ((name, network),) = networks.items()
    matrix = known_scores(name, network, pairs, signed=signed).matrix
    rows = []
    for row in map(int, np.flatnonzero(pairs.is_true.any(axis=1))):
        ranking = pairs.ranking_of(row, matrix[row])
        figures = {"tf": pairs.tfs[row], "n_true": ranking.n_true, "n_candidates": ranking.n}
        rows.append(figures | _areas(ranking))
    frame = pd.DataFrame(rows)
    return frame.sort_values("n_true", ascending=False, kind="stable", ignore_index=True)


def score_table(
    rankings: Iterable[Ranked], pairs: Candidates, *, precision_at: Sequence[int]
) -> pd.DataFrame:
    """Return one row of figures per ranking."""
    frame = pd.DataFrame([_row(ranked, pairs, precision_at) for ranked in rankings])
    return frame if frame["context"].notna().any() else frame.drop(columns="context")


def _row(ranked: Ranked, pairs: Candidates, precision_at: Sequence[int]) -> dict[str, Any]:
    ranking = ranked.ranking
    precision, n_top = ranking.early_precision()
    return {
        "ranking": ranked.name,
        "is_null": ranked.is_null,
        "context": ranked.context,
        **_areas(ranking),
        "early_precision": precision,
        "epr": precision / ranking.density,
        "n_top": n_top,
        **{f"precision_at_{k}": ranking.precision_at(k) for k in precision_at},
        "n_true": ranking.n_true,
        "n_candidates": ranking.n,
        "n_tfs": len(pairs.tfs),
        "n_genes": len(pairs.genes),
        "candidates": pairs.rule,
        "scored": ranked.scored,
    }


def _areas(ranking: Ranking) -> dict[str, float]:
    auprc = ranking.auprc()
    return {
        "auroc": ranking.auroc(),
        "auprc": auprc,
        "density": ranking.density,
        "auprc_ratio": auprc / ranking.density,
    }


def _check_precision_at(precision_at: Sequence[int]) -> None:
    wrong = [k for k in precision_at if k < 1]
    if wrong:
        message = f"precision_at holds {wrong[0]}: numbers of top pairs start at 1."
        raise ValueError(message)


def _warn_of_overlap(train: Truth, truth: Truth) -> None:
    seen = true_edges(train, "the training table").merge(true_edges(truth))
    if len(seen):
        logger.warning(
            "%d training edges are true edges too: score on held-out edges, or the label nulls "
            "and every trained network look better than they are",
            len(seen),
        )
