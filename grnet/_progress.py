"""Progress of loops that may take over two seconds."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Timer
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")

_DELAY = 2.0
"""Seconds after which something is shown."""


def progress(items: Iterable[T], what: str, *, total: int | None = None) -> Iterator[T]:
    """Yield the items behind a bar that shows after two seconds, where a person is looking."""
    on_terminal = sys.stderr.isatty()
    # a notebook cannot move up: there, a bar within a bar takes its line
    line = None if on_terminal else 0
    bar: Iterator[T] = iter(
        tqdm(
            items,
            desc=what,
            total=total,
            delay=_DELAY,
            disable=not _watched(),
            leave=False,
            position=line,
        )
    )
    return bar


@contextmanager
def announced(what: str) -> Iterator[None]:
    """Say why it takes so long once a block has run for two seconds, where a person is looking."""
    timer = Timer(_DELAY, print, args=[what], kwargs={"file": sys.stderr, "flush": True})
    timer.daemon = True
    if _watched():
        timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _watched() -> bool:
    return sys.stderr.isatty() or "ipykernel" in sys.modules
