"""Models in files: weights as safetensors, the rest as JSON in its header; no pickle."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import nn

from grnet.io import _tensors
from grnet.models import _catalogue

KIND = _tensors.Kind("model", "gn.models.save", format=1)
"""Its format is raised when files written before can no longer be read as they are."""


def save(model: nn.Module, path: str | Path, *, facts: Mapping[str, Any] | None = None) -> Path:
    """Write a model to a file.

    Parameters
    ----------
    model
        A model of ``gn.models``.
    path
        The file, usually ``.safetensors``. It is written whole or not at all.
    facts
        What is worth knowing of it, such as names of tasks and how it was trained: texts, numbers,
        lists and dicts. By default what it carries as ``model.facts``, as fitted models do.

    Returns
    -------
    The path.

    Raises
    ------
    ValueError
        If the model is none of ``gn.models``.

    Examples
    --------
    >>> import grnet as gn
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = gn.models.save(gn.models.SequenceCNN(), Path(folder) / "model.safetensors")
    ...     gn.models.load(file).config.n_outputs
    1
    """
    name = type(model).__name__
    _catalogue.classes(name)
    config: Any = model.config
    kept = dict(getattr(model, "facts", {}) if facts is None else facts)
    record = {"model": name, "config": asdict(config), "facts": kept}
    target = Path(path)
    _tensors.write(target, KIND, record=record, tensors=model.state_dict())
    return target


def load(path: str | Path) -> nn.Module:
    """Read a model that :func:`save` wrote.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    nn.Module
        On the CPU, in evaluation mode; ``model.facts`` holds what was kept beside the weights.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is truncated, no model, or written by a newer grnet.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.models.load("missing.safetensors")
    Traceback (most recent call last):
    FileNotFoundError: missing.safetensors does not exist: ...
    """
    file = Path(path)
    record, weights = _tensors.read(file, KIND)
    model = _catalogue.built(record["model"], record["config"])
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        message = f"{file}: the weights do not fit the config of {record['model']}: {error}"
        raise ValueError(message) from error
    model.facts = record["facts"]
    return model.eval()
