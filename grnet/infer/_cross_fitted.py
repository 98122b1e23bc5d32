"""Models of known edges, each pair scored by those that did not train on it."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from sklearn.metrics import average_precision_score, roc_auc_score

from grnet._progress import progress
from grnet.graph import GENE, TF
from grnet.infer._expression_graph import ExpressionGraph
from grnet.infer._knowledge import PAIRS_AT_A_TIME, KnownPairs
from grnet.infer._scored import Scored
from grnet.models import EdgeModelConfig
from grnet.train import (
    EdgeSplit,
    FitSettings,
    PairEnsemble,
    edge_settings,
    fit_calibration,
    fit_edges,
    fit_pair_trees,
)
from grnet.train._edge_graph import with_training_edges
from grnet.train.pair_ensemble import ScoresPairs
from grnet.train.rates import smoothed_log_odds

logger = logging.getLogger(__name__)

Rows = npt.NDArray[np.int64]
Table = npt.NDArray[np.float32]
Members = Callable[[EdgeSplit, FitSettings, int], Sequence[ScoresPairs]]
"""Trains models on a split, with settings and a seed."""

MOST_CALIBRATION_PAIRS = 1_000_000


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Regulators x targets: which pairs are edges, which could teach, and the fold of each.

    A gene with itself is in no fold (-1).
    """

    edge: npt.NDArray[np.bool_]
    negative: npt.NDArray[np.bool_]
    fold: npt.NDArray[np.int8]
    n_folds: int

    @property
    def judged(self) -> npt.NDArray[np.bool_]:
        """Pairs with a label."""
        return np.asarray(self.edge | self.negative)

    def asked(self, fold: int) -> npt.NDArray[np.bool_]:
        """Pairs that a fold's models score: its own, and those of TFs that nothing teaches."""
        taught = self.judged.any(axis=1, keepdims=True)
        return np.asarray((self.fold == fold) | ~taught)

    def drawn(
        self, folds: Rows, *, n_negatives: int, rng: np.random.Generator
    ) -> tuple[Rows, Rows]:
        """Return the codes of the edges in some folds, and of pairs without an edge beside them."""
        inside = np.isin(self.fold, folds)
        edges = np.flatnonzero(self.edge & inside)
        others = np.flatnonzero(self.negative & inside)
        wanted = min(n_negatives * len(edges), len(others))
        return edges, np.sort(rng.choice(others, wanted, replace=False))


def cross_fitted(  # noqa: PLR0913 - the options of the method
    graph: ExpressionGraph,
    known: KnownPairs,
    own: Rows,
    *,
    members: Members,
    n_folds: int,
    n_negatives: int,
    max_epochs: int,
    rng: np.random.Generator,
    device: torch.device,
) -> Scored:
    """Return for every pair the calibrated probability that it is a known edge.

    All pairs are divided into folds; a pair and its reverse share one. The models of a fold train
    on the others, with pairs of the same TFs that no edge joins drawn beside the edges, and score
    the pairs of the fold: whether a pair is a known edge makes no difference to which models, nor
    to how many, it is scored by. TFs without any known edge are scored by those of every fold. The
    stability of a pair is the share of its models that have it among their strongest, of which
    there are as many as known edges.
    """
    shape = len(graph.tf), len(graph.gene)
    pairs = _pairs(known, shape, own, n_folds=n_folds, rng=rng)
    total, held, n_models = (np.zeros(pairs.edge.size, np.float32) for _ in range(3))
    for fold in progress(range(n_folds), "models of known edges", total=n_folds):
        split = _split(graph, pairs, fold, n_negatives=n_negatives, rng=rng)
        asked = np.flatnonzero(pairs.asked(fold))
        n_strongest = round(int(pairs.edge.sum()) * len(asked) / pairs.edge.size)
        settings = edge_settings(len(split.train), max_epochs=max_epochs, device=str(device))
        trained = members(split, settings, int(rng.integers(1 << 31)))
        for member in trained:
            scores = _scores(member, graph, asked, validation=split.validation)
            total[asked] += scores
            held[asked[np.argsort(-scores, kind="stable")[:n_strongest]]] += 1
        n_models[asked] += len(trained)
    n_models = np.maximum(n_models, 1)
    mean, stability = (
        (sums / n_models).astype(np.float32).reshape(shape) for sums in (total, held)
    )
    return Scored(
        _calibrated(mean, pairs, rng),
        {"known": pairs.edge, "stability": stability},
        _facts(mean, pairs),
    )


def trees_and_networks(
    graph: ExpressionGraph,
    *,
    kind: Literal["sage", "gatv2", "hgt"],
    n_members: int,
    class_prior: float | None,
) -> Members:
    """Return the training of trees that read the evidence of pairs, and networks the graph.

    A network hears the edges that train along the graph; together they find more of what is held
    out than either.
    """

    def trained(split: EdgeSplit, settings: FitSettings, seed: int) -> list[ScoresPairs]:
        heard = with_training_edges(graph.data, split)
        config = EdgeModelConfig.of(heard, kind=kind)
        networks = [
            fit_edges(
                heard, split, config=config, settings=settings, seed=seed + number,
                pair_features=False, class_prior=class_prior,
            )
            for number in range(n_members)
        ]  # fmt: skip
        return [fit_pair_trees(graph.data, split, seed=seed), *networks]

    return trained


def _pairs(
    known: KnownPairs, shape: tuple[int, int], own: Rows, *, n_folds: int, rng: np.random.Generator
) -> _Pairs:
    edge, negative = np.zeros(shape, np.bool_), np.zeros(shape, np.bool_)
    edge.ravel()[known.edges] = True
    negative.ravel()[known.no_edges] = True
    targets = np.flatnonzero(own >= 0)
    if not len(known.no_edges):
        negative[edge.any(axis=1)] = True
        negative &= ~edge
        negative[own[targets], targets] = False
    fold = rng.integers(n_folds, size=shape, dtype=np.int8)
    among = np.ix_(own[targets], targets)
    upper = np.triu(fold[among])
    fold[among] = upper + np.triu(upper, 1).T
    fold[own[targets], targets] = -1
    pairs = _Pairs(edge, negative, fold, n_folds)
    n_edges = np.bincount(fold[edge], minlength=n_folds)
    if n_edges.min() < 2:
        message = (
            f"{int(edge.sum())} known edges are too few for {n_folds} folds: the smallest would "
            "have less than two. Give more known edges, a smaller n_folds, or none at all: the "
            "method then learns from the cells alone."
        )
        raise ValueError(message)
    n_others = np.bincount(fold[negative & (fold >= 0)], minlength=n_folds)
    if not (n_others.sum() - n_others - np.roll(n_others, -1)).min():
        message = (
            f"{int(negative.sum())} pairs without an edge are too few for {n_folds} folds: some "
            "models would train without any. Give more rows with label 0, or edges alone: the "
            "other pairs of their TFs are then taken."
        )
        raise ValueError(message)
    return pairs


def _split(
    graph: ExpressionGraph, pairs: _Pairs, fold: int, *, n_negatives: int, rng: np.random.Generator
) -> EdgeSplit:
    """Return what the models of one fold learn from: the others, of which the next validates."""
    following = (fold + 1) % pairs.n_folds
    rest = np.setdiff1d(np.arange(pairs.n_folds), [fold, following])
    parts = []
    for folds in (rest, np.array([following])):
        edges, others = pairs.drawn(folds, n_negatives=n_negatives, rng=rng)
        label = np.repeat([1, 0], [len(edges), len(others)])
        parts.append(_named(graph, np.concatenate([edges, others])).assign(label=label))
    train, validation = parts
    return EdgeSplit(
        train=train, validation=validation, test=train.iloc[:0], regime="edge", negatives="uniform"
    )


def _scores(
    member: ScoresPairs, graph: ExpressionGraph, asked: Rows, *, validation: pd.DataFrame
) -> Table:
    """Return the log odds of pairs, standardised as those of the validation pairs."""
    alone = PairEnsemble.of({"member": member}, validation)
    parts = [
        alone.mean(_named(graph, asked[start : start + PAIRS_AT_A_TIME]))
        for start in range(0, len(asked), PAIRS_AT_A_TIME)
    ]
    return np.concatenate(parts).astype(np.float32)


def _named(graph: ExpressionGraph, codes: Rows) -> pd.DataFrame:
    """Return the names of pairs that are given as codes, regulator times targets plus target."""
    regulator, target = np.divmod(codes, len(graph.gene))
    return pd.DataFrame(
        {
            "source": np.asarray(graph.data[TF].name)[graph.tf[regulator]],
            "target": np.asarray(graph.data[GENE].name)[graph.gene[target]],
        }
    )


def _calibrated(logits: Table, pairs: _Pairs, rng: np.random.Generator) -> Table:
    """Turn log odds into probabilities at the rate of edges among the labelled pairs."""
    codes = np.flatnonzero(pairs.judged)
    if len(codes) > MOST_CALIBRATION_PAIRS:
        codes = rng.choice(codes, MOST_CALIBRATION_PAIRS, replace=False)
    raw = 1.0 / (1.0 + np.exp(-logits.astype(np.float64)))
    calibration = fit_calibration(raw.ravel()[codes], pairs.edge.ravel()[codes], kind="isotonic")
    return np.asarray(calibration.applied(raw.ravel()), np.float32).reshape(logits.shape)


def _facts(logits: Table, pairs: _Pairs) -> dict[str, float]:
    """Return how well edges are told that no model trained on, beside what label rates tell."""
    judged = pairs.judged
    labels = pairs.edge[judged]
    rates = _label_rates(pairs)[judged]
    facts = {
        "known_edges": float(pairs.edge.sum()),
        "held_out_density": float(labels.mean()),
        "held_out_auroc": float(roc_auc_score(labels, logits[judged])),
        "held_out_auprc": float(average_precision_score(labels, logits[judged])),
        "held_out_auroc_label_rates": float(roc_auc_score(labels, rates)),
        "held_out_auprc_label_rates": float(average_precision_score(labels, rates)),
    }
    # rates of other folds fall below chance where all names have as many edges
    null = max(facts["held_out_auprc_label_rates"], facts["held_out_density"])
    if facts["held_out_auprc"] <= null:
        logger.warning(
            "Of known edges held out the models find (AUPRC %.3f) no more than chance or the "
            "numbers of edges of TF and target (%.3f): they have learnt degrees at most, not "
            "regulation. A method without labels may serve better.",
            facts["held_out_auprc"],
            null,
        )
    return facts


def _label_rates(pairs: _Pairs) -> Table:
    """Return the log odds of TF's and target's known edges, those of the pair's own fold apart."""
    total = np.zeros(pairs.edge.shape, np.float32)
    for fold in range(pairs.n_folds):
        here = pairs.fold == fold
        others = pairs.judged & ~here
        edges = pairs.edge & others
        rate = edges.sum() / max(int(others.sum()), 1)
        for axis in (0, 1):
            n, n_edges = (part.sum(axis=axis, keepdims=True) for part in (others, edges))
            total += np.where(here, smoothed_log_odds(n_edges, n, overall=rate), 0.0)
    return total
