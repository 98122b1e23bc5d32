"""The rankings of a question: those of the networks asked, and those of the nulls."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from grnet import _checks
from grnet.evaluate._candidates import (
    CandidateRule,
    Candidates,
    Scores,
    candidate_pairs,
    naming_hint,
    universe,
)
from grnet.evaluate._ranking import Ranking
from grnet.evaluate._truth import Truth
from grnet.evaluate.nulls import null_scores
from grnet.grn import GRN

if TYPE_CHECKING:
    from anndata import AnnData

logger = logging.getLogger(__name__)

UNION = "(union)"
"""``context`` of the row that takes each pair's highest score over the contexts."""


class Question(NamedTuple):
    """Networks by name, and the candidate pairs that they are asked about."""

    networks: dict[str, GRN]
    pairs: Candidates


class Ranked(NamedTuple):
    """A ranking of the candidates and what it is called."""

    name: str
    is_null: bool
    context: str | None
    ranking: Ranking
    scored: float


def question(
    grn: GRN | Mapping[str, GRN],
    truth: Truth,
    *,
    candidates: CandidateRule,
    tfs: Iterable[str] | None,
    genes: Iterable[str] | None,
    adata: "AnnData | None",
) -> Question:
    """Return the networks and the candidate pairs, checked against each other."""
    networks = _named(grn)
    known = universe(networks.values(), tfs=tfs, genes=genes, adata=adata)
    for name, network in networks.items():
        _check_ends(name, network, source=known.tfs, target=known.genes)
    return Question(networks, candidate_pairs(truth, known, rule=candidates))


def network_rankings(asked: Question, *, signed: bool) -> Iterator[Ranked]:
    """Yield the ranking of each network, of one with contexts those of each and of their union."""
    for name, network in asked.networks.items():
        for context, part in _contexts(network):
            matrix, n_scored = known_scores(name, part, asked.pairs, signed=signed)
            yield Ranked(
                name,
                is_null=False,
                context=context,
                ranking=asked.pairs.ranking(matrix),
                scored=n_scored / asked.pairs.n_pairs,
            )


def null_rankings(
    pairs: Candidates, *, adata: "AnnData | None", train: Truth | None, seed: int
) -> Iterator[Ranked]:
    """Yield the rankings that know nothing of regulation."""
    if adata is None:
        logger.info(
            "Nulls of expression (TF variance, mean-expression product, |Pearson|) are left out: "
            "pass adata= to see them"
        )
    for name, matrix in null_scores(pairs, adata=adata, train=train, seed=seed):
        matrix[pairs.own] = 0.0
        scored = np.count_nonzero(matrix) / pairs.n_pairs
        ranking = pairs.ranking(matrix)
        yield Ranked(name, is_null=True, context=None, ranking=ranking, scored=scored)


def known_scores(name: str, network: GRN, pairs: Candidates, *, signed: bool) -> Scores:
    """Return the scores of a network on the grid, and warn where it knows none of its pairs."""
    scores = pairs.scores(network.edges, signed=signed)
    if not scores.n_scored:
        logger.warning(
            "No edge of the network %r is a candidate pair: it scores as a random one", name
        )
    return scores


def _named(grn: GRN | Mapping[str, GRN]) -> dict[str, GRN]:
    """Return networks by name: that of their method where they have no other."""
    networks = (
        dict(grn) if isinstance(grn, Mapping) else {str(grn.params.get("method", "network")): grn}
    )
    if not networks:
        message = "There is no network to score: the mapping is empty."
        raise ValueError(message)
    for name, network in networks.items():
        if not len(network):
            message = f"The network {name!r} has no edges: lower its thresholds or raise n_top."
            raise ValueError(message)
    return networks


def _check_ends(name: str, network: GRN, **expected: pd.Index) -> None:
    """Raise unless the network has a source among the TFs and a target among the genes."""
    for column, names in expected.items():
        found = network.edges[column].cat.categories
        if not found.isin(names).any():
            message = (
                f"No {column} of the network {name!r} is a candidate {column}: the network has "
                f"{_checks.examples(found)}, the {len(names)} candidates are "
                f"{_checks.examples(names)}. {naming_hint(found, names)}"
            )
            raise ValueError(message)


def _contexts(network: GRN) -> Iterator[tuple[str | None, GRN]]:
    """Yield a network's contexts, then their union: pooling alone can turn a trend (Simpson)."""
    if "context" not in network.edges:
        yield None, network
        return
    for context in network.edges["context"].cat.categories:
        yield context, network.filter(context=context)
    yield UNION, network
