"""One call from labelled sequences to a trained model."""

import time
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from torch import nn

from grnet import _checks
from grnet.dna import Augmentation
from grnet.models._heads import Head
from grnet.models.ensemble import Ensemble
from grnet.models.motif_cnn import MotifCNN, MotifCNNConfig
from grnet.models.prediction import predict
from grnet.models.sequence import (
    DilatedCNN,
    DilatedCNNConfig,
    SequenceCNN,
    SequenceCNNConfig,
    SequenceCNNLSTM,
    SequenceCNNLSTMConfig,
)
from grnet.train.audit import OnLeak, leaks, report
from grnet.train.balance import class_weights
from grnet.train.data import SequenceData
from grnet.train.fitting import Fit, FitSettings, fit
from grnet.train.gapped import fit_gapped_kmers
from grnet.train.metrics import task_scores
from grnet.train.objectives import HeadObjective
from grnet.train.ordering import BalancedSampler
from grnet.train.split import held_out_rows

Method = Literal["ensemble", "motif_cnn", "cnn", "cnn_lstm", "dilated_cnn", "gapped_kmers"]
Balance = Literal["none", "weights", "sampler", "focal"]

METHODS = ("ensemble", "motif_cnn", "cnn", "cnn_lstm", "dilated_cnn", "gapped_kmers")


def classify(  # noqa: PLR0913 - one more than usual: nothing to bundle
    data: SequenceData,
    *,
    validation: SequenceData | None = None,
    method: Method = "ensemble",
    head: Literal["binary", "multiclass"] = "binary",
    settings: FitSettings | None = None,
    augment: Augmentation | None = None,
    balance: Balance = "none",
    on_leak: OnLeak = "raise",
    seed: int = 0,
) -> Fit:
    """Train a classifier of sequences: enhancers, promoters, binding, histone marks.

    Parameters
    ----------
    data
        Sequences and labels; several columns of labels are several tasks.
    validation
        Sequences that choose the best epoch. By default a tenth of the data; sequences that are
        alike, on either strand, stay on one side.
    method
        ``"ensemble"`` (``"motif_cnn"`` and gapped k-mers), or one model alone: ``"motif_cnn"``
        (the one for many tasks), ``"cnn"``, ``"cnn_lstm"``, ``"dilated_cnn"`` or
        ``"gapped_kmers"`` (a support vector machine, no training epochs).
    head
        ``"binary"`` for tasks that are true or not, ``"multiclass"`` for one class of several.
    settings
        Of the networks.
    augment
        Changes the training batches of the networks.
    balance
        For rare positives: ``"weights"``, or a ``"sampler"`` that draws both classes equally
        often, both taken out of the logits again after the training; or ``"focal"`` loss.
    on_leak
        What to do where validation sequences overlap training intervals or equal training
        sequences on either strand: ``"raise"``, ``"warn"`` or, for published splits, ``"off"``.
    seed
        Of weights, order and the held-out tenth.

    Returns
    -------
    Fit
        ``fit.model`` goes into :func:`grnet.models.predict` and :func:`grnet.models.save`.

    Raises
    ------
    ValueError
        If the method does not know the head, a task has one label only, or validation leaks.

    Examples
    --------
    >>> import grnet as gn
    >>> import numpy as np
    >>> codes = np.random.default_rng(0).integers(0, 4, (60, 40)).astype(np.uint8)
    >>> data = gn.train.SequenceData(codes, np.arange(60) % 2, names=["enhancer"])
    >>> quick = gn.train.FitSettings(max_epochs=1)
    >>> gn.train.classify(data, method="cnn", settings=quick).model.facts["tasks"]
    ['enhancer']
    """
    _checks.one_of(method, METHODS, "method")
    _checks.one_of(balance, ("none", "weights", "sampler", "focal"), "balance")
    if validation is None:
        held = held_out_rows(data.codes, share=0.1, seed=seed)
        data, validation = data.take(~held), data.take(held)
    else:
        report(leaks(data, validation), what="the validation data", on_leak=on_leak)
    begin = time.perf_counter()
    if head == "multiclass" and method in {"gapped_kmers", "ensemble"}:
        message = 'Gapped k-mers know head="binary" only: give method="cnn" for several classes.'
        raise ValueError(message)
    how: dict[str, Any] = {"settings": settings, "augment": augment, "seed": seed}
    fits = []
    if method != "gapped_kmers":
        network = "motif_cnn" if method == "ensemble" else method
        fits.append(_fitted(network, (data, validation), head, balance=balance, **how))
    if method in {"gapped_kmers", "ensemble"}:
        fits.append(_gapped(_centred(data, augment), _centred(validation, augment), seed=seed))
    done = fits[0]
    if len(fits) > 1:
        model = Ensemble.of([part.model for part in fits])
        metrics = _figures(model, _centred(validation, augment))
        seconds = time.perf_counter() - begin
        done = replace(done, model=model, metrics=metrics, seconds=seconds)
    facts = {"tasks": list(data.names), "length": data.codes.shape[1], "method": method}
    setattr(done.model, "facts", facts)  # noqa: B010 - a plain attribute, no part of the network
    return done


def _fitted(
    method: str,
    parts: tuple[SequenceData, SequenceData],
    head: Head,
    *,
    balance: Balance,
    seed: int,
    **how: Any,  # noqa: ANN401 - handed through to fit
) -> Fit:
    """Train a network; what balances the classes is taken out of its logits again."""
    data, validation = parts
    model = _network(method, data, head, seed=seed)
    objective = _objective(data, head, balance)
    if head == "binary" and balance in {"none", "focal"}:
        # rare positives: else the first passes go into learning how rare they are
        _shift(model, _log_odds(data))
    sampler = BalancedSampler(data.dense_labels(), seed=seed) if balance == "sampler" else None
    done = fit(
        model, data, validation=validation, objective=objective, sampler=sampler, seed=seed, **how
    )
    if head != "binary" or (sampler is None and objective.positive_weight is None):
        return done
    if objective.positive_weight is not None:
        _shift(model, -np.log(objective.positive_weight))
    else:
        drawn = data.take(np.fromiter(sampler or (), dtype=np.int64))
        _shift(model, _log_odds(data) - _log_odds(drawn))
    return replace(
        done, metrics=done.metrics | _figures(model, _centred(validation, how["augment"]))
    )


def _network(method: str, data: SequenceData, head: Head, *, seed: int) -> nn.Module:
    """Make a network whose first weights follow from the seed."""
    n = data.labels.shape[1]
    # with dropout, tasks of few positives each learn nothing; one task alone needs it
    dropout = 0.0 if n > 1 else 0.3
    n = int(np.nanmax(data.labels)) + 1 if head == "multiclass" else n
    of_class, config = _NETWORKS[method]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model: nn.Module = of_class(config(n_outputs=n, head=head, dropout=dropout))
    return model


_NETWORKS: dict[str, tuple[Any, Any]] = {
    "motif_cnn": (MotifCNN, MotifCNNConfig),
    "cnn": (SequenceCNN, SequenceCNNConfig),
    "cnn_lstm": (SequenceCNNLSTM, SequenceCNNLSTMConfig),
    "dilated_cnn": (DilatedCNN, DilatedCNNConfig),
}


def _objective(data: SequenceData, head: Head, balance: Balance) -> HeadObjective:
    weights = class_weights(data.labels) if balance == "weights" and head == "binary" else None
    return HeadObjective(
        head,
        positive_weight=None if weights is None else tuple(weights.tolist()),
        focal_gamma=2.0 if balance == "focal" else 0.0,
    )


def _log_odds(data: SequenceData) -> np.ndarray:
    """Return the log odds of a positive of each task, with half an example more of each class."""
    labels = data.dense_labels()
    positives, known = np.nansum(labels, axis=0), np.isfinite(labels).sum(axis=0)
    return np.asarray(np.log(positives + 0.5) - np.log(known - positives + 0.5))


def _shift(model: nn.Module, by: np.ndarray) -> None:
    """Add to the logits of each task."""
    last: Any = [module for module in model.modules() if isinstance(module, nn.Linear)][-1]
    with torch.no_grad():
        last.bias += torch.from_numpy(by).to(last.bias.dtype)


def _gapped(data: SequenceData, validation: SequenceData, *, seed: int) -> Fit:
    """Train gapped k-mers, with the figures that networks have."""
    begin = time.perf_counter()
    model = fit_gapped_kmers(data, seed=seed)
    metrics = _figures(model, validation)
    history = pd.DataFrame([{"epoch": 0} | metrics])
    return Fit(
        model=model,
        history=history,
        best_epoch=0,
        metrics=metrics,
        seconds=time.perf_counter() - begin,
        params={"seed": seed},
    )


def _centred(data: SequenceData, augment: Augmentation | None) -> SequenceData:
    """Return the sequences as the networks see them in validation."""
    if augment is None:
        return data
    codes = augment.centre(torch.from_numpy(data.codes)).numpy()
    return SequenceData(codes, data.labels, data.names)


def _figures(model: nn.Module, validation: SequenceData) -> dict[str, float]:
    scores = task_scores(validation.labels, predict(model, validation.codes))
    numbers = scores.drop(columns="n").mean()
    return {str(key): float(value) for key, value in numbers.items() if np.isfinite(value)}
