"""Where torch computes."""

import torch


def resolve_device(device: str) -> torch.device:
    """Return the torch device: ``"auto"`` takes CUDA where there is one, else the CPU."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    resolved = torch.device(device)
    if resolved.type == "cuda" and not torch.cuda.is_available():
        message = (
            f"device={device!r} was asked for, but torch {torch.__version__} sees no CUDA device. "
            "Use device='cpu' or 'auto', or install a CUDA build of torch."
        )
        raise ValueError(message)
    return resolved
