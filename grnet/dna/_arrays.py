"""Checks of codes, shared by the modules of this package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from grnet._alphabet import Codes


def refuse_no_codes(codes: np.ndarray[Any, Any] | torch.Tensor) -> None:
    """Raise unless these are uint8 codes with a position axis."""
    if codes.dtype in (np.dtype(np.uint8), torch.uint8) and codes.ndim > 0:
        return
    message = (
        f"Found {codes.dtype} values of shape {tuple(codes.shape)}. Expected uint8 codes (L,) or "
        "(N, L) with A, C, G, T = 0 to 3 and N = 4: see grnet.dna.to_codes and "
        "Genome.sequence."
    )
    raise ValueError(message)


def batch_of_codes(codes: Codes) -> Codes:
    """Return the codes as rows, or raise."""
    refuse_no_codes(codes)
    if codes.ndim > 2:
        message = f"Found codes of shape {codes.shape}. Expected (L,) or (N, L)."
        raise ValueError(message)
    return np.atleast_2d(codes)
