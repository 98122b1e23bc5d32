"""Models that were trained on known edges, scored where nothing leaks, beside every null."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats
from sklearn.metrics import average_precision_score, roc_auc_score

from grnet import _checks
from grnet._progress import progress
from grnet.evaluate._pair_nulls import NULLS, GeneTable, null_pair_scores
from grnet.grn import GRN
from grnet.train import EdgeSplit, split_edges
from grnet.train.edges import Negatives, Regime

if TYPE_CHECKING:
    from anndata import AnnData

Scorer: TypeAlias = "Callable[[EdgeSplit, AnnData], npt.NDArray[Any]]"

FIGURES = ("auroc", "auprc", "auroc_within_tf")
_TEST = ["regime", "negatives"]


def supervised_benchmark(  # noqa: PLR0913 - every option is a stated choice of the protocol
    methods: Mapping[str, Scorer],
    adata: "AnnData",
    known: pd.DataFrame | GRN,
    *,
    tfs: Sequence[str],
    prior: pd.DataFrame | GRN | None = None,
    regimes: Sequence[Regime] = ("edge", "target", "tf", "both"),
    negatives: Sequence[Negatives] = ("uniform", "degree"),
    n_negatives: int = 5,
    seeds: int = 5,
    **options: Any,  # noqa: ANN401 - handed through to split_edges
) -> pd.DataFrame:
    """Train and score models of regulatory edges in every regime, beside what needs no biology.

    Parameters
    ----------
    methods
        By name: functions that train on ``split.train``, may stop by ``split.validation``, and
        return a score for each row of ``split.test``.
    adata
        Normalised expression, cells x genes; its genes are the candidates.
    known
        Known edges, as for :func:`grnet.train.split_edges`.
    tfs
        TFs that were assayed.
    prior
        Evidence that the methods see too, ``source, target`` and, optionally, ``weight``: a null
        by itself, and seen by the boosted pairs.
    regimes, negatives, n_negatives
        As for :func:`grnet.train.split_edges`; degree-matched negatives are one for each edge.
    seeds
        Splits with seeds 0, 1, ...
    **options
        Others of :func:`grnet.train.split_edges`, such as ``chromosomes``.

    Returns
    -------
    DataFrame
        One row per regime, kind of negatives, seed and ranking: ``is_null, auroc, auprc,
        prevalence, auroc_within_tf`` (mean over the TFs that have both labels) and ``seconds``.

    Raises
    ------
    ValueError
        If a method has the name of a null or returns other than one finite score per test pair,
        genes have the same name, weights of the prior are missing, or as ``split_edges``.

    Notes
    -----
    The nulls: label rates of TF, of target, their sum and product; ``|Pearson|``; the prior; and
    ``boosted pairs``, gradient boosting on what TF and target show of themselves.

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=80, n_genes=60, n_tfs=8)
    >>> gn.pp.normalize(adata)
    >>> tfs = adata.var_names[adata.var["is_tf"]]
    >>> table = gn.evaluate.supervised_benchmark(
    ...     {}, adata, adata.uns["grnet_truth"], tfs=tfs, regimes=["target"], seeds=1
    ... )
    >>> bool(table["is_null"].all())
    True
    """
    genes = adata.var_names
    _checks.unique(genes, "adata.var_names")
    _checks.whole(seeds, 1, 10_000, what="seeds")
    _checks.whole(n_negatives, 1, 1000, what="n_negatives")
    reserved = sorted({*methods} & NULLS)
    if reserved:
        message = f"{_checks.examples(reserved)}: nulls have these names; call your method another."
        raise ValueError(message)
    table = GeneTable(adata, pd.Index(sorted({*genes, *map(str, tfs)})))
    weights = None if prior is None else _weights(prior)
    tests = list(product(regimes, negatives, range(seeds)))
    rows = []
    for regime, kind, seed in progress(tests, "splits", total=len(tests)):
        split = split_edges(
            known,
            tfs=tfs,
            genes=list(genes),
            regime=regime,
            negatives=kind,
            n_negatives=1 if kind == "degree" else n_negatives,
            seed=seed,
            **options,
        )
        where = {"regime": regime, "negatives": kind, "seed": seed}
        for name, scores in null_pair_scores(split, table, prior=weights, seed=seed):
            rows.append({**where, "ranking": name, "is_null": True, **_figures(split, scores)})
        for name, scores, seconds in _scored(methods, split, adata):
            figures = _figures(split, scores) | {"seconds": seconds}
            rows.append({**where, "ranking": name, "is_null": False, **figures})
    return pd.DataFrame(rows)


def supervised_verdicts(table: pd.DataFrame, *, by: str = "auroc") -> pd.DataFrame:
    """Say of each regime whether the best method knows more than the best null.

    Parameters
    ----------
    table
        What :func:`supervised_benchmark` returned.
    by
        ``"auroc"``, ``"auprc"`` or ``"auroc_within_tf"``.

    Returns
    -------
    DataFrame
        One row per regime and kind of negatives: ``method, null``, the best of each by their means
        over the seeds, ``score, null_score``, the mean ``difference`` with its 95 % interval
        ``low, high`` (paired over the seeds, t distribution), and ``verdict``.

    Raises
    ------
    ValueError
        If the table has no method, or a test no figure of any method or null.

    Examples
    --------
    >>> import pandas as pd
    >>> import grnet as gn
    >>> rows = [
    ...     ("target", "uniform", seed, name, name == "prior", score + seed / 100)
    ...     for seed in range(3)
    ...     for name, score in (("prior", 0.6), ("gnn", 0.7))
    ... ]
    >>> columns = ["regime", "negatives", "seed", "ranking", "is_null", "auroc"]
    >>> table = pd.DataFrame(rows, columns=columns)
    >>> gn.evaluate.supervised_verdicts(table)["verdict"].item()
    'gnn knows more than prior'
    """
    _checks.one_of(by, FIGURES, "by")
    if table["is_null"].all():
        message = "The table holds nulls only: give supervised_benchmark a method."
        raise ValueError(message)
    rows = []
    for test, part in table.groupby(_TEST, sort=False):
        runs = part.pivot_table(by, "seed", "ranking")
        is_null = part.groupby("ranking")["is_null"].first().reindex(runs.columns)
        if is_null.all() or not is_null.any():
            message = (
                f"{' '.join(map(str, test))}: no {by} of a {'method' if is_null.all() else 'null'} "
                "to compare. A test with pairs of both labels has figures for all of them."
            )
            raise ValueError(message)
        method, null = (runs.mean()[names].idxmax() for names in (~is_null, is_null))
        gap = runs[method] - runs[null]
        low, high = interval(gap)
        knows = "more than" if low > 0 else "less than" if high < 0 else "no more, by chance, than"
        rows.append(
            dict(zip(_TEST, test, strict=True))
            | {"method": method, "null": null, "score": runs[method].mean()}
            | {"null_score": runs[null].mean(), "difference": gap.mean(), "low": low, "high": high}
            | {"verdict": f"{method} knows {knows} {null}"}
        )
    return pd.DataFrame(rows)


def interval(values: "pd.Series[float]") -> tuple[float, float]:
    """Return the 95 % interval of a mean; without end where there is one value only."""
    known = values.dropna()
    if len(known) < 2:
        return -np.inf, np.inf
    reach = stats.t.ppf(0.975, len(known) - 1) * known.std(ddof=1) / np.sqrt(len(known))
    return float(known.mean() - reach), float(known.mean() + reach)


def _scored(
    methods: Mapping[str, Scorer], split: EdgeSplit, adata: "AnnData"
) -> Iterator[tuple[str, npt.NDArray[np.float64], float]]:
    """Yield each method's scores of the test pairs, which it gets without their labels."""
    for name, method in methods.items():
        asked = EdgeSplit(
            train=split.train.copy(),
            validation=split.validation.copy(),
            test=split.test.drop(columns="label"),
            regime=split.regime,
            negatives=split.negatives,
            facts=split.facts,
        )
        begin = time.perf_counter()
        scores = np.asarray(method(asked, adata), dtype=np.float64)
        seconds = time.perf_counter() - begin
        if scores.shape != (len(split.test),) or not np.isfinite(scores).all():
            message = (
                f"{name} returned {int(np.isfinite(scores).sum())} finite scores of shape "
                f"{scores.shape}: expected one for each of the {len(split.test)} test pairs."
            )
            raise ValueError(message)
        yield name, scores, seconds


def _figures(split: EdgeSplit, scores: npt.NDArray[np.float64]) -> dict[str, float]:
    label = split.test["label"].to_numpy()
    if len(np.unique(label)) < 2:
        return dict.fromkeys((*FIGURES, "prevalence"), np.nan)
    within = [
        roc_auc_score(label[rows], scores[rows])
        for rows in split.test.groupby("source").indices.values()
        if 0 < label[rows].sum() < len(rows)
    ]
    return {
        "auroc": float(roc_auc_score(label, scores)),
        "auprc": float(average_precision_score(label, scores)),
        "prevalence": float(label.mean()),
        "auroc_within_tf": float(np.mean(within)) if within else np.nan,
    }


def _weights(prior: pd.DataFrame | GRN) -> "pd.Series[float]":
    """Return the weight of each pair; of a pair that is listed twice the largest."""
    edges = prior.edges if isinstance(prior, GRN) else prior
    _checks.has_columns(edges, ["source", "target"], "the prior")
    weight = edges["weight"].abs() if "weight" in edges else pd.Series(1.0, index=edges.index)
    _checks.finite(weight.to_numpy()[:, None], ["weight"], "the prior")
    names = [edges["source"].astype(str), edges["target"].astype(str)]
    return weight.groupby(names).max()
