"""Methods x data sets x truths: one tidy frame with accuracy, time and memory."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import pandas as pd

from grnet import _checks, infer
from grnet._progress import progress
from grnet.evaluate._candidates import CandidateRule, Candidates, candidate_pairs, universe
from grnet.evaluate._cost import Measured, measure
from grnet.evaluate._rankings import null_rankings
from grnet.evaluate._truth import Truth
from grnet.evaluate.scoring import score, score_table
from grnet.grn import GRN

if TYPE_CHECKING:
    from anndata import AnnData

logger = logging.getLogger(__name__)

Inference: TypeAlias = "Callable[[AnnData, list[str]], GRN]"


@dataclass(frozen=True, eq=False)
class Dataset:
    """Expression, the names of the TFs, and what is known of the regulation among them.

    Parameters
    ----------
    adata
        Normalised expression; its genes are the candidates.
    tfs
        Candidate regulators; those that are not measured are left out.
    truths
        Known edges by name, each a frame, a network or a file as in ``score``.

    Raises
    ------
    ValueError
        If a gene occurs twice, no TF is measured, or there is no truth.

    Examples
    --------
    >>> import anndata as ad
    >>> import numpy as np
    >>> import pandas as pd
    >>> import grnet as gn
    >>> adata = ad.AnnData(np.eye(3), var=pd.DataFrame(index=["A", "B", "C"]))
    >>> truth = pd.DataFrame({"source": ["A"], "target": ["B"]})
    >>> gn.evaluate.Dataset(adata, ["A", "Z"], {"known": truth}).tfs
    ['A']
    """

    adata: "AnnData"
    tfs: Iterable[str]
    truths: Mapping[str, Truth]

    def __post_init__(self) -> None:
        names = self.adata.var_names
        _checks.unique(names, "genes")
        if isinstance(self.tfs, str):
            message = f"tfs={self.tfs!r} is one string: pass a list of names."
            raise TypeError(message)
        given = list(dict.fromkeys(map(str, self.tfs)))
        measured = [tf for tf in given if tf in names]
        if not measured:
            message = (
                f"None of the {len(given)} TFs is a gene of adata: {_checks.examples(given)} "
                f"against {_checks.examples(names)}. Bring both to one naming."
            )
            raise ValueError(message)
        if not self.truths:
            message = "A data set needs at least one truth: truths={'name': edges}."
            raise ValueError(message)
        object.__setattr__(self, "tfs", measured)


def benchmark(
    methods: Iterable[str] | Mapping[str, Inference],
    datasets: Mapping[str, Dataset],
    *,
    candidates: CandidateRule = "beeline",
    signed: bool = False,
    precision_at: Iterable[int] = (10, 100, 1000),
    nulls: bool = True,
    seed: int = 0,
    on_error: Literal["raise", "record"] = "raise",
) -> pd.DataFrame:
    """Run every method on every data set and score it against every truth, beside the nulls.

    Parameters
    ----------
    methods
        Names from ``gn.infer.methods``, or functions ``(adata, tfs) -> GRN`` by name: your own
        method, or another tool.
    datasets
        :class:`Dataset` by name.
    candidates, signed, precision_at, nulls, seed
        As in :func:`grnet.evaluate.score`; named methods get the seed too.
    on_error
        ``"record"`` goes on after a method fails: its rows hold the message in ``error``.

    Returns
    -------
    One row per data set, truth and ranking: ``dataset, truth``, the columns of ``score``,
    ``seconds``, ``peak_mb`` (resident memory added, child processes included) and ``error``.
    The cost of a null is NaN. Per method: :func:`grnet.evaluate.ranking_summary`.

    Raises
    ------
    ValueError
        If there is no method or data set, or the names of a truth do not match.

    Examples
    --------
    >>> import anndata as ad
    >>> import numpy as np
    >>> import pandas as pd
    >>> import grnet as gn
    >>> def constant(adata, tfs):
    ...     pairs = [(tf, gene, 1.0) for tf in tfs for gene in adata.var_names if tf != gene]
    ...     return gn.GRN(pd.DataFrame(pairs, columns=["source", "target", "weight"]))
    >>> adata = ad.AnnData(np.eye(3), var=pd.DataFrame(index=["A", "B", "C"]))
    >>> truth = pd.DataFrame({"source": ["A", "B"], "target": ["B", "C"]})
    >>> data = gn.evaluate.Dataset(adata, ["A", "B"], {"known": truth})
    >>> frame = gn.evaluate.benchmark({"constant": constant}, {"toy": data})
    >>> frame.loc[0, ["dataset", "truth", "ranking"]].tolist()
    ['toy', 'known', 'constant']
    """
    _checks.one_of(on_error, ("raise", "record"), "on_error")
    functions = _functions(methods, seed)
    if not functions or not datasets:
        message = f"Nothing to run: {len(functions)} methods on {len(datasets)} data sets."
        raise ValueError(message)
    k = tuple(precision_at)
    parts = []
    for title, data in datasets.items():
        # names that do not match are found here, before any method has run
        for truth, pairs in _asked(data, candidates).items():
            made = null_rankings(pairs, adata=data.adata, train=None, seed=seed)
            if nulls:
                table = score_table(made, pairs, precision_at=k)
                parts.append(table.assign(dataset=title, truth=truth))
    scorer = partial(score, candidates=candidates, signed=signed, precision_at=k, nulls=False)
    jobs = list(product(datasets.items(), functions.items()))
    for (title, data), (name, function) in progress(jobs, "benchmark"):
        run = partial(_scored, name, function, data, scorer=scorer)
        try:
            table = run() if on_error == "raise" else _recorded(run, name, data)
        except Exception as error:
            error.add_note(f"while running {name!r} on the data set {title!r}")
            raise
        parts.append(table.assign(dataset=title))
    return _in_order(pd.concat(parts, ignore_index=True), datasets)


def _functions(methods: Iterable[str] | Mapping[str, Inference], seed: int) -> dict[str, Inference]:
    """Return the methods as functions; names are those of the catalogue."""
    if isinstance(methods, Mapping):
        return dict(methods)
    names = [methods] if isinstance(methods, str) else list(methods)
    for name in names:
        _checks.one_of(name, tuple(infer.methods.index), "method")
    return {name: _named_method(name, seed) for name in names}


def _named_method(name: str, seed: int) -> Inference:
    def run(adata: "AnnData", tfs: list[str]) -> GRN:
        network: GRN = infer.network(adata, tfs=tfs, method=name, n_top=None, seed=seed)
        return network

    return run


def _asked(data: Dataset, rule: CandidateRule) -> dict[str, Candidates]:
    """Return the candidate pairs of each truth."""
    known = universe([], tfs=data.tfs, genes=data.adata.var_names)
    return {name: candidate_pairs(truth, known, rule=rule) for name, truth in data.truths.items()}


def _scored(
    name: str, function: Inference, data: Dataset, *, scorer: Callable[..., pd.DataFrame]
) -> pd.DataFrame:
    """Infer one network, and score it against every truth."""
    made: Measured[object] = measure(lambda: function(data.adata, list(data.tfs)))
    network = made.result
    if not isinstance(network, GRN):
        message = f"The method {name!r} returned {type(network).__name__}: expected a GRN."
        raise TypeError(message)
    tables = [
        scorer({name: network}, truth, tfs=data.tfs, adata=data.adata).assign(truth=title)
        for title, truth in data.truths.items()
    ]
    table = pd.concat(tables, ignore_index=True)
    return table.assign(seconds=made.seconds, peak_mb=made.peak_mb)


def _recorded(run: Callable[[], pd.DataFrame], name: str, data: Dataset) -> pd.DataFrame:
    """Return the table of a run, or, where it fails, one that says why."""
    try:
        return run()
    except Exception as error:  # noqa: BLE001 - whatever a foreign method raises is its result
        logger.warning("%s failed: %s", name, error)
        message = f"{type(error).__name__}: {error}"
        table = pd.DataFrame({"truth": list(data.truths), "error": message})
        return table.assign(ranking=name, is_null=False)


def _in_order(frame: pd.DataFrame, datasets: Mapping[str, Dataset]) -> pd.DataFrame:
    """Sort by data set and truth, methods before nulls, and put what names a row first."""
    places = {test: i for i, test in enumerate(_tests(datasets))}
    tests = zip(frame["dataset"], frame["truth"], strict=True)
    place = np.fromiter((places[test] for test in tests), dtype=np.int64)
    order = np.lexsort((frame["is_null"].to_numpy(), place))
    first = ["dataset", "truth", "ranking", "is_null"]
    last = ["seconds", "peak_mb", "error"]
    middle = [column for column in frame if column not in {*first, *last}]
    return frame.reindex(columns=[*first, *middle, *last]).iloc[order].reset_index(drop=True)


def _tests(datasets: Mapping[str, Dataset]) -> list[tuple[str, str]]:
    return [(title, truth) for title, data in datasets.items() for truth in data.truths]
