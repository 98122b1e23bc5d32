"""Files appear whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary name beside ``path`` and rename it when all is written.

    The folder is made if it is missing. What fails leaves no file behind and an older file as it
    was.
    """
    if path.is_dir():
        message = f"{path} is a folder: give the name of a file in it."
        raise IsADirectoryError(message)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
