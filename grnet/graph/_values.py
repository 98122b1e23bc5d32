"""Values of a graph as JSON takes them, and back; tensors go where the caller puts them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Callable

_TENSOR, _TUPLE = "__tensor__", "__tuple__"


def plain(value: Any, put: Callable[[torch.Tensor], Any] | None = None) -> Any:  # noqa: ANN401
    """Return a value of which JSON makes a text; ``put`` says what stands for a tensor.

    Raises
    ------
    ValueError
        If a value is neither a tensor, a text, a number nor a collection of these.
    """
    if isinstance(value, torch.Tensor):
        return {_TENSOR: (put or listed)(value)}
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, tuple):
        return {_TUPLE: [plain(item, put) for item in value]}
    if isinstance(value, list):
        return [plain(item, put) for item in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: plain(item, put) for key, item in value.items()}
    message = (
        f"The graph holds a {type(value).__name__}, which has no safe form in a file: keep "
        "tensors, texts, numbers, and lists or dicts (with texts as keys) of these."
    )
    raise ValueError(message)


def revived(value: Any, get: Callable[[Any], torch.Tensor] | None = None) -> Any:  # noqa: ANN401
    """Return what :func:`plain` was given."""
    if isinstance(value, list):
        return [revived(item, get) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {_TENSOR}:
        return (get or unlisted)(value[_TENSOR])
    if set(value) == {_TUPLE}:
        return tuple(revived(item, get) for item in value[_TUPLE])
    return {key: revived(item, get) for key, item in value.items()}


def listed(tensor: torch.Tensor) -> dict[str, Any]:
    """Return a tensor as nested lists, with its type and shape."""
    return {**described(tensor), "values": tensor.detach().cpu().tolist()}


def unlisted(stored: dict[str, Any]) -> torch.Tensor:
    """Return the tensor that :func:`listed` was given."""
    dtype = getattr(torch, stored["dtype"])
    return torch.tensor(stored["values"], dtype=dtype).reshape(stored["shape"])


def described(tensor: torch.Tensor) -> dict[str, Any]:
    """Return type and shape of a tensor."""
    return {"dtype": str(tensor.dtype).removeprefix("torch."), "shape": list(tensor.shape)}
