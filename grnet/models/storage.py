"""Models in files: weights as safetensors, the rest as JSON in its header; no pickle."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialised
from torch import nn

from grnet import __version__
from grnet.io._atomic import replacing
from grnet.models import _catalogue

FORMAT = 1
"""Raised when files written before can no longer be read as they are."""

_RECORD = "grnet_model"


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
    record = {
        "format": FORMAT,
        "grnet": __version__,
        "model": name,
        "config": asdict(config),
        "facts": kept,
    }
    # a copy of its own: safetensors refuses tensors that share memory
    weights = {
        key: value.detach().cpu().contiguous().clone() for key, value in model.state_dict().items()
    }
    target = Path(path)
    with replacing(target) as part:
        part.write_bytes(serialised(weights, metadata={_RECORD: json.dumps(record)}))
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
    if not file.is_file():
        message = f"{file} does not exist: give a file that gn.models.save wrote."
        raise FileNotFoundError(message)
    try:
        with safe_open(file, framework="pt") as opened:
            record = _record(opened.metadata(), file)
            weights = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118
    except SafetensorError as error:
        message = (
            f"{file} is damaged or no model ({error}): it may be truncated. Copy it again, or "
            "write it again with gn.models.save."
        )
        raise ValueError(message) from error
    model = _catalogue.built(record["model"], record["config"])
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        message = f"{file}: the weights do not fit the config of {record['model']}: {error}"
        raise ValueError(message) from error
    model.facts = record["facts"]
    return model.eval()


def _record(metadata: dict[str, str] | None, file: Path) -> dict[str, Any]:
    if not metadata or _RECORD not in metadata:
        message = f"{file} holds tensors, but no model: it was not written by gn.models.save."
        raise ValueError(message)
    record: dict[str, Any] = json.loads(metadata[_RECORD])
    if record["format"] > FORMAT:
        message = (
            f"{file} was written by grnet {record['grnet']} in format {record['format']}; this "
            f"grnet {__version__} reads up to {FORMAT}. Update grnet."
        )
        raise ValueError(message)
    return record
