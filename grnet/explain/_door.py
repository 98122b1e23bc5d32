"""How a model is asked: what it takes, and which number of its answer is meant."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from grnet._alphabet import Codes
from grnet._progress import progress
from grnet.dna import one_hot
from grnet.models.prediction import evaluating

Target = int | Callable[[Any], torch.Tensor]
"""The index of a task, or a function from the model's raw outputs to one number per sequence."""

Ints = npt.NDArray[np.int64]
_NO_GRADIENT = (
    "The model's output has no gradient with respect to the letters, as that of a model that reads "
    "words or counts them. Use method='saturation_mutagenesis'."
)
REFUSALS = (RuntimeError, ValueError, TypeError, IndexError, AssertionError)


@dataclass(frozen=True)
class Question:
    """A model, which of its outputs is meant, and where and how many sequences at a time."""

    model: nn.Module
    target: Target
    device: str
    batch_size: int

    def scores(
        self,
        n: int,
        rows: Callable[[Ints], Codes],
        *,
        what: str = "predicting",
        exact: bool = False,
    ) -> npt.NDArray[np.float64]:
        """Return the number meant for ``n`` sequences that ``rows`` makes, a batch at a time.

        ``exact`` convolves in float32 on CUDA, which takes TF32 by itself.
        """
        found = np.empty(n)
        with evaluating(self.model, device=self.device) as where, _cudnn(tf32=not exact):
            direct = takes_codes(self.model, rows(np.arange(1)), where)
            starts = range(0, n, self.batch_size)
            for start in progress(starts, what, total=len(starts)):
                index = np.arange(start, min(start + self.batch_size, n))
                block = torch.from_numpy(rows(index)).to(where)
                outputs = self.model(block if direct else one_hot(block))
                found[index] = numbers(outputs, self.target).float().cpu().numpy()
        return found

    @contextmanager
    def differentiated(self, codes: Codes, *, by_letter: bool = True) -> Iterator[torch.device]:
        """Put the model into evaluation mode, on its device, with gradients by its letters.

        Raises
        ------
        ValueError
            If it has none, which is tried on the first of the sequences where it is asked for.
        """
        recurrent = any(isinstance(module, nn.RNNBase) for module in self.model.modules())
        with (
            evaluating(self.model, device=self.device) as where,
            torch.inference_mode(mode=False),
            torch.enable_grad(),
            # cuDNN differentiates recurrent layers in training mode only
            _cudnn(enabled=not recurrent),
        ):
            if by_letter:
                self._check_gradient(one_hot(torch.from_numpy(codes[:1]).to(where)))
            yield where

    def _check_gradient(self, hot: torch.Tensor) -> None:
        hot.requires_grad_()
        (gradient,) = torch.autograd.grad(self.differentiable(hot), hot, allow_unused=True)
        if gradient is None:
            raise ValueError(_NO_GRADIENT)

    def differentiable(self, hot: torch.Tensor) -> torch.Tensor:
        """Return the number meant for floats (N, 4, L), with its gradient.

        Raises
        ------
        ValueError
            If the model takes no floats or has no gradient.
        """
        try:
            chosen = numbers(self.model(hot), self.target)
        except REFUSALS as error:
            message = (
                f"The model does not read floats of shape {tuple(hot.shape)} ({error}), so that it "
                "has no gradient. Use method='saturation_mutagenesis'."
            )
            raise ValueError(message) from error
        if not chosen.requires_grad:
            raise ValueError(_NO_GRADIENT)
        return chosen


@contextmanager
def _cudnn(*, enabled: bool = True, tf32: bool = False) -> Iterator[None]:
    """Switch cuDNN or its TF32 off for a while; on they are only where they were."""
    library = torch.backends.cudnn
    flags = {
        "enabled": library.enabled and enabled,
        "benchmark": library.benchmark,
        "deterministic": library.deterministic,
        "allow_tf32": library.allow_tf32 and tf32,
    }
    with library.flags(**flags):
        yield


def checked(codes: Codes) -> Codes:
    """Return codes (N, L), or raise.

    Raises
    ------
    ValueError
        If there is no sequence, or these are no codes.
    """
    array = np.asarray(codes)
    if array.dtype != np.uint8 or array.ndim != 2 or not array.size or array.max() > 4:
        message = (
            f"Found {array.dtype} of shape {array.shape}: expected uint8 codes (N, L), one row per "
            "sequence, A, C, G, T as 0 to 3 and N as 4. See gn.dna.to_codes."
        )
        raise ValueError(message)
    return np.ascontiguousarray(array)


def numbers(outputs: Any, target: Target) -> torch.Tensor:  # noqa: ANN401 (any model's outputs)
    """Return one number per sequence: that of a task, averaged over positions where there are any.

    Raises
    ------
    ValueError
        If there is no such task, or the target returns something else.
    """
    if callable(target):
        chosen = target(outputs)
        if not isinstance(chosen, torch.Tensor) or chosen.ndim != 1:
            found = tuple(chosen.shape) if isinstance(chosen, torch.Tensor) else type(chosen)
            message = f"target returned {found}: expected a tensor with one number per sequence."
            raise ValueError(message)
        return chosen
    # a profile's totals stand beside its shape
    whole: torch.Tensor = getattr(outputs, "counts", outputs)
    table = whole[:, None] if whole.ndim == 1 else whole
    if not 0 <= target < table.shape[1]:
        message = (
            f"target={target} is no output of the model: it has {table.shape[1]}, numbered from 0."
        )
        raise ValueError(message)
    return table[:, target] if table.ndim == 2 else table[:, target].flatten(1).mean(1)


def takes_codes(model: nn.Module, codes: Codes, where: torch.device) -> bool:
    """Find out if a model reads codes, as those of grnet do, or one-hot sequences only.

    Raises
    ------
    ValueError
        If it reads neither.
    """
    one = torch.from_numpy(codes[:1]).to(where)
    try:
        model(one)
    except REFUSALS as refused:
        try:
            model(one_hot(one))
        except REFUSALS as error:
            message = (
                f"The model reads neither uint8 codes of shape (1, {codes.shape[1]}) ({refused}) "
                f"nor floats (1, 4, {codes.shape[1]}) ({error}). Check the length it was made for."
            )
            raise ValueError(message) from error
        return False
    return True
