"""Training of any model on any data that give batches."""

import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
from torch import nn
from torch.utils.data import Sampler

from grnet import _checks
from grnet.train import _resuming
from grnet.train._batches import Batched, EpochSampler
from grnet.train.objectives import HeadObjective, Objective

if TYPE_CHECKING:
    from grnet.dna import Augmentation
    from grnet.train._lightning import BestEpoch

_ELSEWHERE = ("device", "precision", "compile", "n_workers", "patience")
"""Settings that do not make it another run."""


@dataclass(frozen=True, kw_only=True)
class FitSettings:
    """How a model is trained.

    Parameters
    ----------
    max_epochs
        Passes over the data at most.
    batch_size
        Examples per step.
    optimizer, learning_rate, weight_decay
        ``"adamw"``, ``"adam"``, ``"rmsprop"`` or ``"sgd"``; the decay is the L2 penalty.
    schedule
        Of the learning rate: ``"one_cycle"``, ``"cosine"``, ``"plateau"`` or ``"constant"``.
    patience
        Epochs without a better one after which training stops.
    gradient_clip
        Largest norm of a gradient; 0 for any.
    precision
        ``"auto"`` computes in bfloat16 where CUDA has it, in float32 elsewhere.
    compile
        Compile the model first: pays on a GPU, for runs of minutes.
    device
        ``"auto"`` takes CUDA where there is one.
    n_workers
        Processes that load data; 0 loads in this one, which suffices for data in memory.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.train.FitSettings(max_epochs=5).schedule
    'one_cycle'
    """

    max_epochs: int = 30
    batch_size: int = 64
    optimizer: Literal["adamw", "adam", "rmsprop", "sgd"] = "adamw"
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    schedule: Literal["one_cycle", "cosine", "constant", "plateau"] = "one_cycle"
    patience: int = 8
    gradient_clip: float = 1.0
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    compile: bool = False
    device: str = "auto"
    n_workers: int = 0

    def __post_init__(self) -> None:
        for name, low in (("max_epochs", 1), ("batch_size", 1), ("patience", 0), ("n_workers", 0)):
            _checks.whole(getattr(self, name), low, 1 << 31, what=name)
        _checks.in_range(self.learning_rate, 1e-12, 1e3, what="learning_rate")
        _checks.one_of(self.optimizer, ("adamw", "adam", "rmsprop", "sgd"), "optimizer")
        schedules = ("one_cycle", "cosine", "constant", "plateau")
        _checks.one_of(self.schedule, schedules, "schedule")
        _checks.one_of(self.precision, ("auto", "float32", "bfloat16"), "precision")


@dataclass(frozen=True, eq=False, kw_only=True)
class Fit:
    """What training gave.

    Parameters
    ----------
    model
        With the weights of the best epoch, on the CPU, in evaluation mode.
    history
        One row per epoch: ``epoch, train_loss``, and of the validation data ``loss`` and figures.
    best_epoch
        Whose weights the model has.
    metrics
        The figures of that epoch.
    seconds
        How long it took.
    params
        Settings and seed.

    Examples
    --------
    >>> import grnet as gn
    >>> import numpy as np
    >>> data = gn.train.SequenceData(np.zeros((8, 30), dtype=np.uint8), np.arange(8) % 2)
    >>> settings = gn.train.FitSettings(max_epochs=3)
    >>> done = gn.train.fit(gn.models.MotifCNN(), data, settings=settings)
    >>> done.history["epoch"].tolist()
    [0, 1, 2]
    """

    model: nn.Module
    history: pd.DataFrame
    best_epoch: int
    metrics: dict[str, float]
    seconds: float
    params: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Return the model's name, the best epoch and its figures."""
        figures = ", ".join(f"{key}={value:.3f}" for key, value in self.metrics.items())
        return (
            f"Fit({type(self.model).__name__}, best epoch {self.best_epoch} of "
            f"{len(self.history)}, {self.seconds:.1f} s: {figures})"
        )


def fit(  # noqa: PLR0913 - one more than usual: nothing to bundle
    model: nn.Module,
    data: Batched,
    *,
    validation: Batched | None = None,
    objective: Objective | None = None,
    settings: FitSettings | None = None,
    augment: "Augmentation | None" = None,
    sampler: Sampler[int] | None = None,
    seed: int = 0,
    folder: str | Path | None = None,
) -> Fit:
    """Train a model, and return it as it was in its best epoch.

    Parameters
    ----------
    model
        Any module; it is trained in place.
    data
        Training examples, such as :class:`SequenceData`.
    validation
        Examples that choose the best epoch and stop the training. Without them it runs for all
        epochs and the last one counts.
    objective
        Loss and figures; by default those of the model's head.
    settings
        See :class:`FitSettings`.
    augment
        Changes every training batch, as :class:`grnet.dna.Augmentation` does.
    sampler
        The order of the examples, such as :class:`BalancedSampler`; by default every one once.
    seed
        Of the order of the examples, dropout and augmentation.
    folder
        Where the state is kept after each epoch. A run that was killed goes on from there when it
        is called again, and ends as if nothing had happened.

    Returns
    -------
    Fit

    Raises
    ------
    ValueError
        If there is nothing to train on, training diverges, or the folder holds another run.

    Notes
    -----
    By Lightning. The random state of the caller is left alone; weights are drawn when a model is
    made, so make it under ``torch.manual_seed`` to repeat a run.

    Examples
    --------
    >>> import grnet as gn
    >>> import numpy as np
    >>> codes = np.random.default_rng(0).integers(0, 4, (64, 30)).astype(np.uint8)
    >>> data = gn.train.SequenceData(codes, (codes[:, 10] == 2))
    >>> settings = gn.train.FitSettings(max_epochs=2)
    >>> gn.train.fit(gn.models.SequenceCNN(), data, settings=settings).best_epoch
    1
    """
    chosen = settings or FitSettings()
    goal = objective or HeadObjective(model.config.head)  # type: ignore[union-attr, arg-type]
    if not len(data) or (validation is not None and not len(validation)):
        message = "There is nothing to train on or to validate with: the data are empty."
        raise ValueError(message)
    begin = time.perf_counter()
    order = sampler or EpochSampler(len(data), seed=seed)
    if folder is not None:
        told = _facts(model, data, chosen, seed=seed, sampler=order)
        examples = {"data": _fingerprint(data), "validation": _fingerprint(validation)}
        _resuming.claim(folder, {**told, **examples, **getattr(goal, "facts", {})})
    # Lightning takes seconds to import, and most of the package does without it
    from grnet.train import _running  # noqa: PLC0415

    best = _running.best_of(
        model, data, validation=validation, objective=goal, settings=chosen, augment=augment,
        sampler=order, seed=seed, folder=folder,
    )  # fmt: skip
    return _result(model, best, seconds=time.perf_counter() - begin, params=asdict(chosen))


def _facts(
    model: nn.Module, data: Batched, settings: FitSettings, *, seed: int, sampler: Sampler[int]
) -> dict[str, Any]:
    """Return what tells one run from another; where it computes does not."""
    told = {key: value for key, value in asdict(settings).items() if key not in _ELSEWHERE}
    n_weights = sum(p.numel() for p in model.parameters())
    named = {"model": type(model).__name__, "sampler": type(sampler).__name__}
    return {**named, "n_weights": n_weights, "n": len(data), **told, "seed": seed}


def _fingerprint(data: Batched | None) -> str | None:
    return None if data is None or not hasattr(data, "fingerprint") else data.fingerprint()


def _result(model: nn.Module, best: "BestEpoch", *, seconds: float, params: dict[str, Any]) -> Fit:
    model.load_state_dict(best.weights)
    history = pd.DataFrame(best.history).astype({"epoch": int})
    row = next(row for row in best.history if row["epoch"] == best.epoch)
    metrics = {key: value for key, value in row.items() if key != "epoch"}
    return Fit(
        model=model,
        history=history,
        best_epoch=best.epoch,
        metrics=metrics,
        seconds=seconds,
        params=params,
    )
