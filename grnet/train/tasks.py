"""One call from peaks and a genome to a model, judged on chromosomes that were held out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from grnet._alphabet import UNKNOWN, Codes
from grnet.io.genome import Genome
from grnet.models.prediction import predict
from grnet.train.audit import audit_split, related_rows
from grnet.train.classification import Method, classify
from grnet.train.data import SequenceData
from grnet.train.fitting import Fit, FitSettings
from grnet.train.metrics import task_scores
from grnet.train.split import Split, split_by_chromosome
from grnet.train.windows import binding_windows

RELATED = 0.5
"""Share of words in common from which a held-out window is a relative of a training window."""


@dataclass(frozen=True, eq=False)
class SequenceFit:
    """A model of sequences, its data, and its scores on what was held out.

    Parameters
    ----------
    fit
        The training; ``fit.model`` is the model.
    data
        All sequences.
    split
        Their parts.
    scores
        One row per task, on the test sequences.
    audit
        What the parts share.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.train.SequenceFit.__name__
    'SequenceFit'
    """

    fit: Fit
    data: SequenceData
    split: Split
    scores: pd.DataFrame
    audit: pd.DataFrame

    @property
    def test(self) -> SequenceData:
        """The sequences that were held out for the test."""
        return self.data.take(self.split.test)

    def __repr__(self) -> str:
        """Return the fit, and the median score."""
        figure = "auroc" if "auroc" in self.scores else "pearson"
        median = self.scores[figure].median()
        return f"SequenceFit({self.fit!r}; test: median {figure} {median:.3f})"


def binding(
    genome: Genome,
    peaks: pd.DataFrame | SequenceData,
    *,
    validation: Sequence[str],
    test: Sequence[str],
    tfs: Sequence[str] | None = None,
    method: Method = "cnn",
    settings: FitSettings | None = None,
    seed: int = 0,
) -> SequenceFit:
    """Train a model of the binding of one or many TFs on peaks of ChIP-seq or ChIP-exo.

    Parameters
    ----------
    genome
        The sequences.
    peaks
        As for :func:`binding_windows`, or the windows that it made, with settings of your own.
    validation, test
        Chromosomes that choose the best epoch, and that are held out for the scores.
    tfs
        Which TFs to model; by default all with 50 peaks.
    method, settings
        As for :func:`classify`.
    seed
        Of negatives, weights and order.

    Returns
    -------
    SequenceFit
        ``scores`` has, per TF on the test chromosomes: ``n, prevalence, auroc, auprc, mcc,
        calibration_error`` of its windows against their own partners of equal GC; ``gc_auroc``,
        what the share of GC alone reaches there; ``auroc_bound``, against windows that other TFs
        bind.

    Raises
    ------
    ValueError
        As :func:`binding_windows` and :func:`split_by_chromosome` do.

    Notes
    -----
    Windows of other chromosomes that share half of their 12-letter words with a training window
    (transposons, gene families) are left out of validation and test.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.train.binding.__name__
    'binding'
    """
    if isinstance(peaks, SequenceData):
        data = peaks
    else:
        data = binding_windows(genome, peaks, tfs=tfs, seed=seed)
    chromosomes = split_by_chromosome(_where(data), validation=validation, test=test)
    split = without_relatives(data, chromosomes)
    audit = audit_split(data, split)
    done = classify(
        data.take(split.train),
        validation=data.take(split.validation),
        method=method,
        settings=settings or FitSettings(max_epochs=20, batch_size=128, learning_rate=2e-3),
        seed=seed,
    )
    scores = _scores(data, split, predict(done.model, data.codes[split.test]))
    return SequenceFit(done, data, split, scores, audit)


def without_relatives(data: SequenceData, split: Split) -> Split:
    """Leave relatives of training sequences out of validation and test."""
    train = data.codes[split.train]
    held = [
        rows[~related_rows(train, data.codes[rows], min_shared=RELATED)]
        for rows in (split.validation, split.test)
    ]
    return Split(split.train, *held)


def _where(data: SequenceData) -> pd.DataFrame:
    if data.intervals is None:
        message = "The windows have no intervals: make them with gn.train.binding_windows."
        raise ValueError(message)
    return data.intervals


def _scores(data: SequenceData, split: Split, guess: np.ndarray) -> pd.DataFrame:
    """Score each TF on its windows against their own partners, and against others' windows."""
    test = split.test
    labels, partner_of = data.labels[test], _where(data)["positive"].to_numpy()[test]
    gc = _gc(data.codes[test])
    rows = {}
    for task, name in enumerate(data.names):
        bound = labels[:, task] > 0
        own = bound | np.isin(partner_of, test[bound])
        scores = task_scores(labels[own, task], guess[own, task]).iloc[0]
        row = {**scores, "gc_auroc": np.nan, "auroc_bound": np.nan}
        if 0 < bound[own].sum() < own.sum():
            auroc = float(roc_auc_score(bound[own], gc[own]))
            row["gc_auroc"] = max(auroc, 1 - auroc)
        among = partner_of < 0
        if 0 < bound.sum() < among.sum():
            row["auroc_bound"] = float(roc_auc_score(bound[among], guess[among, task]))
        rows[name] = row
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("tf").astype({"n": int})


def _gc(codes: Codes) -> np.ndarray:
    known = (codes < UNKNOWN).sum(axis=1)
    return np.asarray(((codes == 1) | (codes == 2)).sum(axis=1) / np.maximum(known, 1))
