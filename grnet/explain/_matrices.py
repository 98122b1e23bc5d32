"""From counts of letters to motifs."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from grnet.io.motifs import Motif

Floats = npt.NDArray[np.float64]

PSEUDOCOUNT = 0.1
"""Sites shared out over the letters, as in :func:`grnet.io.read_motifs`."""


def motif(name: str, counts: npt.NDArray[np.floating], *, n_sites: float) -> Motif:
    """Turn counts (4, width) into a motif."""
    padded = np.asarray(counts, dtype=np.float64) + PSEUDOCOUNT / 4
    return Motif(name, (), padded / padded.sum(axis=0), n_sites)


def trimmed(counts: Floats, *, min_bits: float = 0.3) -> Motif | None:
    """Return the motif from its first to its last informative position."""
    whole = motif("", counts, n_sites=float(counts.sum(axis=0).max()))
    informative = np.flatnonzero(whole.information >= min_bits)
    if not len(informative):
        return None
    cut = slice(int(informative[0]), int(informative[-1]) + 1)
    return replace(whole, probabilities=whole.probabilities[:, cut])
