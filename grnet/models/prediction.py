"""What a model says of sequences."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from grnet._progress import progress
from grnet._torch import resolve_device
from grnet.models._heads import Head, ProfileCounts, activated


def predict(
    model: nn.Module,
    sequences: npt.NDArray[np.uint8] | npt.NDArray[np.float32] | torch.Tensor,
    *,
    batch_size: int | None = None,
    device: str = "auto",
    raw: bool = False,
) -> npt.NDArray[np.float32]:
    """Return a model's predictions for sequences.

    Parameters
    ----------
    model
        Any sequence model; its mode and device are left as they are found.
    sequences
        uint8 codes (N, L) or floats (N, 4, L).
    batch_size
        Sequences that are computed at a time; by default 128, which fit into the cache of a CPU, or
        1,024 on CUDA.
    device
        ``"auto"`` takes CUDA where there is one.
    raw
        Return logits instead of probabilities; for profiles only the log totals.

    Returns
    -------
    ndarray
        float32: (N, T) for whole sequences, (N, T, L) per base and for profiles (expected counts).

    Raises
    ------
    ValueError
        If there is no sequence, or they are of another kind or shape.

    Examples
    --------
    >>> import grnet as gn
    >>> import numpy as np
    >>> gn.models.predict(gn.models.SequenceCNN(), np.zeros((3, 40), dtype=np.uint8)).shape
    (3, 1)
    """
    if not len(sequences):
        message = "There is nothing to predict: the array of sequences is empty."
        raise ValueError(message)
    head: Head = getattr(getattr(model, "config", None), "head", "regression")
    parts = []
    with evaluating(model, device=device) as where:
        size = batch_size or evaluation_batch(where)
        starts = range(0, len(sequences), size)
        for start in progress(starts, "predicting", total=len(starts)):
            block = sequences[start : start + size]
            outputs = model(torch.as_tensor(block).to(where))
            if not raw:
                outputs = activated(outputs, head)
            elif isinstance(outputs, ProfileCounts):
                outputs = outputs.counts
            parts.append(outputs.float().cpu().numpy())
    return np.concatenate(parts)


def evaluation_batch(device: torch.device) -> int:
    """Return how many sequences to compute at a time without gradients."""
    return 1024 if device.type == "cuda" else 128


@contextmanager
def evaluating(model: nn.Module, *, device: str = "auto") -> Iterator[torch.device]:
    """Put a model into evaluation mode, on a device, without gradients; leave it as found."""
    where = resolve_device(device)
    first = next(model.parameters(), None)
    home = torch.device("cpu") if first is None else first.device
    modes = {name: module.training for name, module in model.named_modules()}
    model.to(where).eval()
    try:
        with torch.inference_mode():
            yield where
    finally:
        model.to(home)
        for name, module in model.named_modules():
            module.training = modes[name]
