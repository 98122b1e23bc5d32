"""The training loop, by Lightning: what happens in a step, and what is kept of an epoch."""

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import lightning
import numpy as np
import torch
from torch import nn

from grnet._progress import progress
from grnet.train._batches import Batch
from grnet.train.objectives import Objective

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from grnet.dna import Augmentation


@dataclass(frozen=True)
class Optimisation:
    """How steps are taken."""

    optimizer: Literal["adamw", "adam", "rmsprop", "sgd"]
    learning_rate: float
    weight_decay: float
    schedule: Literal["one_cycle", "cosine", "constant", "plateau"]


class TrainingModule(lightning.LightningModule):
    """A model, its objective and its optimiser."""

    def __init__(
        self,
        model: nn.Module,
        objective: Objective,
        optimisation: Optimisation,
        *,
        augment: "Augmentation | None",
        seed: int,
    ) -> None:
        super().__init__()
        self.model = model
        self._objective, self._optimisation = objective, optimisation
        self._augment, self._seed = augment, seed
        self._parts: list[tuple[torch.Tensor, torch.Tensor]] = []
        self._losses: list[tuple[float, int]] = []
        self.figures: dict[str, float] = {}
        self._train_losses: list[torch.Tensor] = []

    def on_train_start(self) -> None:
        """Draw on the device where the batches are."""
        self._generator = torch.Generator(device=self.device)

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Let all chance follow from seed, epoch and batch: a resumed run is the same run."""
        del batch
        if batch_idx == 0:
            self._train_losses = []
        sequence = np.random.SeedSequence([self._seed, self.current_epoch, batch_idx])
        drawn = sequence.generate_state(2)
        # torch.manual_seed keeps a traceback for each call while CUDA is unused: slow, and it grows
        torch.default_generator.manual_seed(int(drawn[0]))
        if self.device.type == "cuda":
            torch.cuda.manual_seed(int(drawn[0]))
        self._generator.manual_seed(int(drawn[1]))

    def training_step(self, batch: Batch, _: int) -> torch.Tensor:
        """Return the loss of a batch, augmented where asked."""
        if self._augment is not None:
            x, y = self._augment(batch["x"], batch["y"], self._generator)
            batch = {**batch, "x": x, "y": y}
        loss = self._objective.loss(self._objective.answer(self.model, batch), batch)
        self._train_losses.append(loss.detach())
        return loss

    def validation_step(self, batch: Batch, _: int) -> None:
        """Keep what the figures are computed from."""
        if self._augment is not None:
            y = batch["y"]
            places = self._augment.centre(y) if y.ndim == 3 else y
            batch = {**batch, "x": self._augment.centre(batch["x"]), "y": places}
        answer = self._objective.answer(self.model, batch)
        loss = self._objective.loss(answer, batch)
        outputs = self._objective.outputs(answer, batch)
        targets = self._objective.targets(batch)
        self._losses.append((float(loss), len(outputs)))
        self._parts.append((outputs.float().cpu(), targets.cpu()))

    def on_validation_epoch_end(self) -> None:
        """Compute the figures of the epoch."""
        outputs, targets = (torch.cat(column) for column in zip(*self._parts, strict=True))
        weights = np.array([n for _, n in self._losses])
        loss = float(np.average([value for value, _ in self._losses], weights=weights))
        self.figures = {"loss": loss, **self._objective.metrics(outputs, targets)}
        self._parts, self._losses = [], []
        self.log("monitored", self.figures[self._objective.monitor], logger=False)

    def train_loss(self) -> float:
        """Return the mean loss of the training batches of this epoch."""
        return float(torch.stack(self._train_losses).mean())

    def configure_optimizers(self) -> Any:  # noqa: ANN401 - Lightning's own union
        """Return the optimiser, and its schedule."""
        how = self._optimisation
        kinds: Mapping[str, Callable[..., torch.optim.Optimizer]] = {
            "adamw": torch.optim.AdamW,
            "adam": torch.optim.Adam,
            "rmsprop": torch.optim.RMSprop,
            "sgd": torch.optim.SGD,
        }
        parameters = [p for p in self.model.parameters() if p.requires_grad]
        optimizer = kinds[how.optimizer](
            parameters, lr=how.learning_rate, weight_decay=how.weight_decay
        )
        if how.schedule == "constant":
            return optimizer
        return {"optimizer": optimizer, "lr_scheduler": self._scheduler(optimizer)}

    def _scheduler(self, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
        how, steps = self._optimisation, int(self.trainer.estimated_stepping_batches)
        if how.schedule == "plateau":
            mode = self._objective.mode
            plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode=mode, patience=2)
            return {"scheduler": plateau, "monitor": "monitored", "interval": "epoch"}
        if how.schedule == "cosine":
            cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
            return {"scheduler": cosine, "interval": "step"}
        cycle = torch.optim.lr_scheduler.LambdaLR(optimizer, partial(_one_cycle, total=steps))
        return {"scheduler": cycle, "interval": "step"}


def _one_cycle(step: int, *, total: int) -> float:
    """Return the share of the learning rate: a tenth of the steps up, then down along a cosine."""
    rise = max(total // 10, 1)
    if step < rise:
        return (step + 1) / rise
    return 0.5 + 0.5 * math.cos(math.pi * min((step - rise) / max(total - rise, 1), 1.0))


class BestEpoch(lightning.Callback):
    """Keep the weights of the best epoch, and stop when no better one comes."""

    def __init__(self, objective: Objective, *, patience: int | None) -> None:
        self._monitor, self._mode, self._patience = objective.monitor, objective.mode, patience
        self.weights: dict[str, torch.Tensor] = {}
        self.epoch = -1
        self.history: list[dict[str, float]] = []

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Write the epoch down, and keep its weights if it is the best so far."""
        if not isinstance(pl_module, TrainingModule):
            return
        figures = pl_module.figures
        row = {"epoch": float(trainer.current_epoch), "train_loss": pl_module.train_loss()}
        self.history.append(row | figures)
        if not np.isfinite(row["train_loss"]):
            message = (
                f"The loss of epoch {trainer.current_epoch} is {row['train_loss']}: training "
                "diverged. Lower settings.learning_rate, or look for wild values in the labels."
            )
            raise ValueError(message)
        if self._is_best():
            self.epoch = trainer.current_epoch
            state = pl_module.model.state_dict()
            self.weights = {key: value.detach().cpu().clone() for key, value in state.items()}
        trainer.should_stop = self._is_over()

    def on_train_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Stop a resumed run that was over."""
        del pl_module
        trainer.should_stop = self._is_over()

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run needs."""
        return {"weights": self.weights, "epoch": self.epoch, "history": self.history}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on where the checkpoint was written."""
        self.weights, self.epoch = state_dict["weights"], state_dict["epoch"]
        self.history = state_dict["history"]

    def _is_best(self) -> bool:
        """Tell whether the last epoch is the best; without validation it always is."""
        if self._patience is None:
            return True
        values = [row[self._monitor] for row in self.history]
        best = min(values) if self._mode == "min" else max(values)
        return values.index(best) == len(values) - 1

    def _is_over(self) -> bool:
        last = self.history[-1]["epoch"] if self.history else -1
        return self._patience is not None and last - self.epoch >= max(self._patience, 1)


class Bar(lightning.Callback):
    """A bar over all batches of all epochs."""

    def __init__(self) -> None:
        self._steps: Iterator[int] = iter(())

    def on_train_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Begin the bar."""
        del pl_module
        total = int(trainer.estimated_stepping_batches) - trainer.global_step
        self._steps = progress(range(max(total, 0)), "training", total=total)

    def on_train_batch_end(self, *_: Any, **__: Any) -> None:  # noqa: ANN401 - Lightning's
        """Move the bar on by a batch."""
        next(self._steps, None)

    def on_train_end(self, *_: Any, **__: Any) -> None:  # noqa: ANN401 - Lightning's
        """Take the bar away, also where training stopped early."""
        self._steps = iter(())
