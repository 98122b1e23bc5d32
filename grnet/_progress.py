"""Progress of loops that may take over two seconds."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")


def progress(items: Iterable[T], what: str, *, total: int | None = None) -> Iterator[T]:
    """Yield the items behind a bar that shows after two seconds, where a person is looking."""
    watched = sys.stderr.isatty() or "ipykernel" in sys.modules
    bar: Iterator[T] = iter(
        tqdm(items, desc=what, total=total, delay=2.0, disable=not watched, leave=False)
    )
    return bar
