"""One run of training by Lightning, which takes seconds to import: loaded when it is needed."""

import logging
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.utilities.exceptions import SIGTERMException
from torch import nn
from torch.utils.data import DataLoader, Dataset, Sampler

from grnet._torch import resolve_device
from grnet.models.prediction import evaluation_batch
from grnet.train import _resuming
from grnet.train._batches import Batched
from grnet.train._lightning import (
    Bar,
    BestEpoch,
    Optimisation,
    TrainingModule,
)
from grnet.train.objectives import Objective

if TYPE_CHECKING:
    from grnet.dna import Augmentation
    from grnet.train.fitting import FitSettings


def best_of(  # noqa: PLR0913 - what fit was given
    model: nn.Module,
    data: Batched,
    *,
    validation: Batched | None,
    objective: Objective,
    settings: "FitSettings",
    augment: "Augmentation | None",
    sampler: Sampler[int],
    seed: int,
    folder: str | Path | None,
) -> BestEpoch:
    """Train a model in place, and return its epochs and the weights of the best one."""
    state = _resuming.checkpoint(folder)
    best = BestEpoch(objective, patience=settings.patience if validation is not None else None)
    if settings.compile:
        model.compile()
    how = Optimisation(
        settings.optimizer, settings.learning_rate, settings.weight_decay, settings.schedule
    )
    with _left_as_found(model):
        module = TrainingModule(model, objective, how, augment=augment, seed=seed)
        trainer = _trainer(settings, best, folder)
        training = batches(data, settings, sampler=sampler)
        watched = None if validation is None else batches(validation, settings, sampler=None)
        with _stopped_as_usual():
            trainer.fit(module, training, watched, ckpt_path=state, weights_only=True)
    return best


@contextmanager
def _stopped_as_usual() -> Iterator[None]:
    """Let Ctrl-C be an interruption and SIGTERM an exit with 143, where Lightning exits in silence.

    Lightning also goes on ignoring Ctrl-C afterwards; the handler is put back.
    """
    in_main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SIGTERMException as stopped:
        raise SystemExit(128 + signal.SIGTERM) from stopped
    except SystemExit as stopped:
        if isinstance(stopped.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise
    finally:
        if in_main:
            signal.signal(signal.SIGINT, handler)


def _trainer(
    settings: "FitSettings", best: BestEpoch, folder: str | Path | None
) -> lightning.Trainer:
    device = resolve_device(settings.device)
    callbacks: list[lightning.Callback] = [best, Bar()]
    if folder is not None:
        callbacks.append(_keeper(folder))
    return lightning.Trainer(
        accelerator="gpu" if device.type == "cuda" else "cpu",
        devices=1 if device.index is None else [device.index],
        max_epochs=settings.max_epochs,
        precision=_precision(settings.precision, device),
        gradient_clip_val=settings.gradient_clip or None,
        callbacks=callbacks,
        logger=False,
        enable_checkpointing=folder is not None,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )


def _precision(asked: str, device: torch.device) -> Literal["bf16-mixed", "32-true"]:
    has_bfloat16 = device.type == "cuda" and torch.cuda.is_bf16_supported()
    return "bf16-mixed" if asked == "bfloat16" or (asked == "auto" and has_bfloat16) else "32-true"


def batches(
    data: Batched, settings: "FitSettings", *, sampler: Sampler[int] | None
) -> DataLoader[Any]:
    """Return whole batches for training in the order of a sampler, else for evaluation."""
    size = settings.batch_size
    if sampler is None:
        size = max(size, evaluation_batch(resolve_device(settings.device)))
    return DataLoader(
        cast("Dataset[Any]", data),
        batch_size=size,
        sampler=sampler,
        collate_fn=_as_it_is,
        num_workers=settings.n_workers,
        persistent_workers=settings.n_workers > 0,
    )


def _as_it_is(batch: Any) -> Any:  # noqa: ANN401 - batches are what the data make them
    return batch


@contextmanager
def _left_as_found(model: nn.Module) -> Iterator[None]:
    """Leave random state, mode and device alone, and keep Lightning's remarks to itself."""
    talkers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [talker.level for talker in talkers]
    for talker in talkers:
        talker.setLevel(logging.ERROR)
    try:
        with torch.random.fork_rng(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"(lightning|torch\.optim|torch\.utils)\.")
            yield
    finally:
        model.cpu().eval()
        for talker, level in zip(talkers, levels, strict=True):
            talker.setLevel(level)


def _keeper(folder: str | Path) -> ModelCheckpoint:
    """Return what writes the state after every epoch, whole or not at all."""
    return ModelCheckpoint(
        dirpath=folder,
        filename=_resuming.STATE,
        save_top_k=1,
        monitor=None,
        every_n_epochs=1,
        save_on_train_epoch_end=True,
        enable_version_counter=False,
    )
