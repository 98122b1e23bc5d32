"""Where torch computes, and on how many threads."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch


def resolve_device(device: str) -> torch.device:
    """Return the torch device: ``"auto"`` takes CUDA where there is one, else the CPU."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        resolved = torch.device(device)
    except RuntimeError as error:
        message = f"Unknown device {device!r}: choose 'auto', 'cpu', 'cuda' or 'cuda:0', ..."
        raise ValueError(message) from error
    if resolved.type == "cuda" and not torch.cuda.is_available():
        message = (
            f"device={device!r} was asked for, but torch {torch.__version__} sees no CUDA device. "
            "Use device='cpu' or 'auto', or install a CUDA build of torch."
        )
        raise ValueError(message)
    return resolved


@contextmanager
def workers(device: torch.device) -> Iterator[ThreadPoolExecutor]:
    """Run whole tasks side by side instead of splitting every operation over the threads.

    Many small operations lose more by meeting at the end of each than they gain, most of all on a
    machine that does something else too. The number of threads is left as found; a GPU gets one.
    """
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(n_threads if device.type == "cpu" else 1) as pool:
            yield pool
    finally:
        torch.set_num_threads(n_threads)
