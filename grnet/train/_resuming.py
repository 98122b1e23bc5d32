"""A folder that holds a run of training, so that it can go on after it was killed."""

import hashlib
import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from grnet.io._atomic import replacing

_FACTS = "run.json"
STATE = "last"


def fingerprint(*parts: npt.ArrayLike | torch.Tensor | str | None) -> str:
    """Return a digest of arrays and texts, to tell the data of one run from those of another."""
    digest = hashlib.blake2b(digest_size=12)
    for part in parts:
        if isinstance(part, str) or part is None:
            digest.update(repr(part).encode())
        else:
            values = np.ascontiguousarray(part)
            digest.update(f"{values.dtype} {values.shape}".encode())
            digest.update(values.view(np.uint8).data if values.size else b"")
    return digest.hexdigest()


def claim(folder: str | Path | None, facts: Mapping[str, Any]) -> None:
    """Write down which run the folder holds, or check that it is this one.

    Raises
    ------
    ValueError
        If the folder holds another run.
    """
    if folder is None:
        return
    file = Path(folder) / _FACTS
    text = json.dumps(facts, indent=1, sort_keys=True)
    if not file.is_file():
        with replacing(file) as part:
            part.write_text(text, encoding="utf-8")
        return
    kept, now = json.loads(file.read_text(encoding="utf-8")), json.loads(text)
    other = sorted(key for key in kept.keys() | now.keys() if kept.get(key) != now.get(key))
    if other:
        shown = "; ".join(f"{key}: {kept.get(key)} there, {now.get(key)} now" for key in other)
        message = (
            f"{folder} holds the state of another run ({shown}). Give another folder, or delete "
            "this one to train anew."
        )
        raise ValueError(message)


def checkpoint(folder: str | Path | None) -> Path | None:
    """Return the state to go on from, where there is one.

    Raises
    ------
    ValueError
        If it is damaged.
    """
    if folder is None or not (file := Path(folder) / f"{STATE}.ckpt").is_file():
        return None
    try:
        torch.load(file, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, OSError, pickle.UnpicklingError) as error:
        message = f"{file} is damaged ({error}). Delete it to train anew."
        raise ValueError(message) from error
    return file
