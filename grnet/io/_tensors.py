"""Files of tensors: safetensors, with a record as JSON in the header; no pickle."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialised

from grnet import __version__
from grnet.io._atomic import replacing


class Kind(NamedTuple):
    """What a file holds (``"graph"``), the function that writes it, and its format."""

    noun: str
    writer: str
    format: int

    @property
    def key(self) -> str:
        """The field of the header that holds the record."""
        return f"grnet_{self.noun}"


def write(
    path: Path, kind: Kind, *, record: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]
) -> None:
    """Write tensors and a record, whole or not at all."""
    told = {"format": kind.format, "grnet": __version__, **record}
    # a copy of its own: safetensors refuses tensors that share memory
    own = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    with replacing(path) as part:
        part.write_bytes(serialised(own, metadata={kind.key: json.dumps(told)}))


def read(file: Path, kind: Kind) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Read the record and the tensors.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is truncated, of another kind, or written by a newer grnet.
    """
    if not file.is_file():
        message = f"{file} does not exist: give a file that {kind.writer} wrote."
        raise FileNotFoundError(message)
    try:
        with safe_open(file, framework="pt") as opened:
            record = _record(opened.metadata(), file, kind)
            tensors = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118
    except SafetensorError as error:
        message = (
            f"{file} is damaged or no {kind.noun} ({error}): it may be truncated. Copy it again, "
            f"or write it again with {kind.writer}."
        )
        raise ValueError(message) from error
    return record, tensors


def _record(metadata: dict[str, str] | None, file: Path, kind: Kind) -> dict[str, Any]:
    if not metadata or kind.key not in metadata:
        message = f"{file} holds tensors, but no {kind.noun}: it was not written by {kind.writer}."
        raise ValueError(message)
    record: dict[str, Any] = json.loads(metadata[kind.key])
    if record["format"] > kind.format:
        message = (
            f"{file} was written by grnet {record['grnet']} in format {record['format']}; this "
            f"grnet {__version__} reads up to {kind.format}. Update grnet."
        )
        raise ValueError(message)
    return record
