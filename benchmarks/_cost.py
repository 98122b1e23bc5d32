"""Seconds and peak memory of a call in a process made for it; needs psutil alone."""

import resource
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

import psutil

T = TypeVar("T")

INTERVAL = 0.1
"""Seconds between two looks at the memory of the child processes."""


class Cost(NamedTuple, Generic[T]):
    """A result and what it took.

    ``peak_mb`` is the resident memory of the process (and its children) at its highest during the
    call, ``loaded_mb`` what it held before: interpreter, packages and data.
    """

    result: T
    seconds: float
    peak_mb: float
    loaded_mb: float


def cost(function: Callable[[], T]) -> Cost[T]:
    """Call the function."""
    process = psutil.Process()
    watcher = _Watcher(process)
    loaded = _tree_bytes(process)
    _forget_peak()
    watcher.start()
    start = time.perf_counter()
    result = function()
    seconds = time.perf_counter() - start
    watcher.stop()
    peak = max(watcher.peak, _own_peak_bytes())
    return Cost(result, seconds, peak / 2**20, loaded / 2**20)


class _Watcher(threading.Thread):
    """Looks at the memory of a process and its children until it is stopped."""

    def __init__(self, process: psutil.Process) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self._process = process
        self._done = threading.Event()

    def run(self) -> None:
        # one process has an exact peak of its own; only children have to be watched
        while self._process.children() and not self._done.wait(INTERVAL):
            self.peak = max(self.peak, _tree_bytes(self._process))

    def stop(self) -> None:
        self._done.set()
        self.join()


def _tree_bytes(process: psutil.Process) -> int:
    """Return the memory of a process and its children, shared pages counted once."""
    children = process.children(recursive=True)
    if not children:
        return int(process.memory_info().rss)
    total = 0
    for member in (process, *children):
        try:
            info = member.memory_full_info()
        except psutil.NoSuchProcess:  # it ended between the two looks
            continue
        total += getattr(info, "pss", info.rss)
    return total


def _forget_peak() -> None:
    """Set the process's peak back to what it holds now, where the system can."""
    file = Path("/proc/self/clear_refs")
    if file.exists():
        file.write_text("5")


def _own_peak_bytes() -> int:
    """Return the highest resident memory of this process."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)
