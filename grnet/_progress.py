"""Progress of loops that may take over two seconds."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")


def progress(items: Iterable[T], what: str, *, total: int | None = None) -> Iterator[T]:
    """Yield the items behind a bar that shows after two seconds, where a person is looking."""
    on_terminal = sys.stderr.isatty()
    watched = on_terminal or "ipykernel" in sys.modules
    # a notebook cannot move up: there, a bar within a bar takes its line
    line = None if on_terminal else 0
    bar: Iterator[T] = iter(
        tqdm(
            items,
            desc=what,
            total=total,
            delay=2.0,
            disable=not watched,
            leave=False,
            position=line,
        )
    )
    return bar
