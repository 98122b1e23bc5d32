"""What a call costs: seconds, and memory at its peak."""

import gc
import threading
import time
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

import psutil

T = TypeVar("T")

INTERVAL = 0.01
"""Seconds between two looks at the memory."""


class Measured(NamedTuple, Generic[T]):
    """A result, and what it cost to make."""

    result: T
    seconds: float
    peak_mb: float


def measure(function: Callable[[], T]) -> Measured[T]:
    """Call the function and return its result, its seconds and the memory it added at its peak.

    Memory is the resident size of this process and its children, so that methods that work in
    child processes are seen as well. Memory that Python held free before is not counted again.
    """
    gc.collect()
    process = psutil.Process()
    before = _resident(process)
    peak = before
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(INTERVAL):
            peak = max(peak, _resident(process))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    start = time.perf_counter()
    try:
        result = function()
    finally:
        seconds = time.perf_counter() - start
        done.set()
        watcher.join()
    peak = max(peak, _resident(process))
    return Measured(result, seconds, (peak - before) / 2**20)


def _resident(process: psutil.Process) -> int:
    total = int(process.memory_info().rss)
    for child in process.children(recursive=True):
        try:
            total += child.memory_info().rss
        except psutil.NoSuchProcess:  # it ended between the two looks
            continue
    return total
