"""Chromatin states from several marks, in one call."""

import logging
import time
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnet import _checks
from grnet.models._marks import MISSING, Integers, Values
from grnet.models._marks import checked as checked_marks
from grnet.models.chromatin import ChromatinTransformer
from grnet.models.hmm import MarkHMM
from grnet.train import _chromatin_hmm, _chromatin_names, _chromatin_transformer
from grnet.train.fitting import FitSettings

logger = logging.getLogger(__name__)

Method = Literal["transformer", "hmm"]
StateModel = ChromatinTransformer | MarkHMM

SETTINGS = FitSettings(max_epochs=25, batch_size=16, learning_rate=3e-3, patience=25)
"""Of the transformer: many small steps suit windows that are mostly empty."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ChromatinStates:
    """Chromatin states of a cell type, and the model that tells those of another.

    Parameters
    ----------
    model
        The fitted model; ``gn.models.save`` keeps it with the names of its marks and states.
    states
        One row per bin: ``chrom, start, end, state`` (from 1), ``name``, ``posterior`` (of that
        state).
    emissions
        Probability of each mark in each state: states by name x marks.
    history
        Training: one row per epoch, or per pass of Baum-Welch.
    seconds
        How long the fit took.
    params
        Method, settings and seed.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.train.ChromatinStates.__name__
    'ChromatinStates'
    """

    model: StateModel
    states: pd.DataFrame
    emissions: pd.DataFrame
    history: pd.DataFrame
    seconds: float
    params: dict[str, Any] = field(default_factory=dict)

    def apply(self, marks: ad.AnnData) -> pd.DataFrame:
        """Return the states of another cell type; see :func:`assign_states`."""
        return assign_states(self.model, marks)

    def __repr__(self) -> str:
        """Return method, number of states, and the share of the genome that has a name."""
        quiet = self.states["name"].astype(str).str.startswith(_chromatin_names.QUIESCENT)
        return (
            f"ChromatinStates({self.params['method']}, {len(self.emissions)} states, "
            f"{len(self.states)} bins, {100 * (1 - quiet.mean()):.1f} % not quiescent)"
        )


def chromatin_states(
    marks: ad.AnnData,
    *,
    method: Method = "transformer",
    n_states: int = 15,
    settings: FitSettings | None = None,
    n_restarts: int = 1,
    validation: float = 0.1,
    seed: int = 0,
) -> ChromatinStates:
    """Learn chromatin states from binarised marks.

    Parameters
    ----------
    marks
        Bins x marks as :func:`grnet.io.read_binarised_marks` gives them. Cell types stacked by
        ``ad.concat`` are learnt together.
    method
        ``"transformer"`` reads a bin's state from its neighbourhood, trained by filling in hidden
        marks; ``"hmm"`` is the hidden Markov model of ChromHMM.
    n_states
        Number of states.
    settings
        Of the transformer's training; for the HMM, ``max_epochs`` bounds the passes (300).
    n_restarts
        Starts of the HMM, the likeliest of which is kept.
    validation
        Share of the genome that is held out to choose the transformer's best epoch.
    seed
        Repeats a run.

    Returns
    -------
    ChromatinStates
        Model, states of the bins, emissions. States are ordered by name, from promoters down.

    Raises
    ------
    ValueError
        If the marks are no codes 0, 1, 2, or lack the places of the bins.

    Notes
    -----
    ``benchmarks/chromatin.py`` compares both on a cell type that neither has seen. The states of
    either are names for combinations of marks, not measured truth.

    Examples
    --------
    >>> import anndata as ad
    >>> import grnet as gn
    >>> import numpy as np
    >>> import pandas as pd
    >>> on = np.repeat([[0, 0], [1, 0], [0, 1]], 20, axis=0).astype(np.uint8)
    >>> start = np.arange(60) * 200
    >>> obs = pd.DataFrame({"chrom": "chr1", "start": start, "end": start + 200})
    >>> obs.index = obs.index.astype(str)
    >>> marks = ad.AnnData(on, obs=obs, var=pd.DataFrame(index=["CTCF", "H3K36me3"]))
    >>> found = gn.train.chromatin_states(marks, method="hmm", n_states=3)
    >>> found.emissions.index.tolist()
    ['insulator', 'transcription', 'quiescent']
    """
    _checks.one_of(method, ("transformer", "hmm"), "method")
    _checks.in_range(validation, 0, 0.5, what="validation")
    _checks.whole(n_restarts, 1, 1000, what="n_restarts")
    names = [str(name) for name in marks.var_names]
    values, lengths = _chains(marks, names)
    begin = time.perf_counter()
    model: StateModel
    if method == "hmm":
        trained = _chromatin_hmm.baum_welch(
            values,
            lengths,
            n_states=n_states,
            max_iterations=300 if settings is None else settings.max_epochs,
            tolerance=1e-6,
            n_restarts=n_restarts,
            seed=seed,
        )
        model, history = trained.model, pd.DataFrame({"log_likelihood": trained.history})
    else:
        model, history = _chromatin_transformer.trained(
            values,
            lengths,
            n_states=n_states,
            settings=settings or SETTINGS,
            validation=validation,
            seed=seed,
        )
    seconds = time.perf_counter() - begin
    emissions = _named(model, names)
    params = {"method": method, "n_states": n_states, "seed": seed, "validation": validation}
    if method == "transformer":
        params |= asdict(settings or SETTINGS)
    logger.info("%s: %d states in %.0f s", method, n_states, seconds)
    return ChromatinStates(
        model=model,
        states=assign_states(model, marks),
        emissions=emissions,
        history=history,
        seconds=seconds,
        params=params,
    )


def assign_states(model: StateModel, marks: ad.AnnData) -> pd.DataFrame:
    """Tell the chromatin states of any cell type by a fitted model.

    Parameters
    ----------
    model
        Of :func:`chromatin_states`, or loaded by ``gn.models.load``.
    marks
        Bins x marks. Marks are matched by name; those that the model does not know are ignored,
        those that are missing count as not measured.

    Returns
    -------
    DataFrame
        One row per bin: ``chrom, start, end, state`` (from 1), ``name``, ``posterior``.

    Raises
    ------
    ValueError
        If no mark is known, or the model does not say which marks it was trained on.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.train.assign_states(gn.models.MarkHMM(gn.models.MarkHMMConfig(n_marks=2)), None)
    Traceback (most recent call last):
    ValueError: The model does not say which marks it was trained on: ...
    """
    facts = getattr(model, "facts", {})
    if not {"marks", "states"} <= set(facts):
        message = (
            "The model does not say which marks it was trained on: fit it by "
            "gn.train.chromatin_states, or load one that was."
        )
        raise ValueError(message)
    values, lengths = _chains(marks, facts["marks"])
    posterior = model.posterior(values, lengths)
    state = posterior.argmax(axis=1)
    frame: pd.DataFrame = marks.obs[["chrom", "start", "end"]].copy()
    frame["state"] = state + 1
    frame["name"] = pd.Categorical.from_codes(state, categories=facts["states"])
    frame["posterior"] = posterior[np.arange(len(state)), state].astype(np.float32)
    return frame


def _chains(marks: ad.AnnData, names: list[str]) -> tuple[Values, Integers]:
    """Return the codes of the marks by name, and the lengths of the stretches without a gap."""
    _checks.has_columns(marks.obs, ("chrom", "start", "end"), "marks.obs")
    at = {str(name): i for i, name in enumerate(marks.var_names)}
    known = [name for name in names if name in at]
    if not known:
        message = (
            f"No mark is known: there are {_checks.examples(at)}, expected "
            f"{_checks.examples(names)}. Rename marks.var_names."
        )
        raise ValueError(message)
    if len(known) < len(names):
        missing = [name for name in names if name not in at]
        logger.warning("%s not measured: taken as missing", _checks.examples(missing, 10))
    x = marks.X.toarray() if sp.issparse(marks.X) else np.asarray(marks.X)
    values = np.full((marks.n_obs, len(names)), MISSING, dtype=x.dtype)
    values[:, [names.index(name) for name in known]] = x[:, [at[name] for name in known]]
    chrom, start, end = (marks.obs[name].to_numpy() for name in ("chrom", "start", "end"))
    breaks = np.flatnonzero((chrom[1:] != chrom[:-1]) | (start[1:] != end[:-1])) + 1
    lengths = np.diff(np.r_[0, breaks, marks.n_obs])
    return checked_marks(values, lengths, n_marks=len(names))


def _named(model: StateModel, marks: list[str]) -> pd.DataFrame:
    """Order the states by name, and keep names and marks with the model."""
    found = model.emissions.cpu().numpy()
    ranks = [_chromatin_names.rank(name) for name in _chromatin_names.name_states(found, marks)]
    order = np.lexsort((-found.sum(axis=1), ranks))
    model.reorder(order.tolist())
    emissions = model.emissions.cpu().numpy()
    names = _chromatin_names.name_states(emissions, marks)
    model.facts = {"marks": marks, "states": names}  # type: ignore[assignment]
    index = pd.Index(names, name="state", dtype=object)
    return pd.DataFrame(emissions, index=index, columns=marks)
