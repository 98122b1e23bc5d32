"""Does it fit? Asked before the work starts."""

import psutil

BYTES_PER_PAIR = 230
"""What the consensus, the largest method, takes at its peak; measured on 6 million pairs."""


def check_memory(n_pairs: int) -> None:
    """Raise before a run whose scores would not fit into the free memory."""
    needed, free = n_pairs * BYTES_PER_PAIR, psutil.virtual_memory().available
    if needed > free:
        message = (
            f"{n_pairs:,} candidate pairs need about {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB "
            "are free. Give fewer regulators (tfs=) or fewer genes (adata[:, genes])."
        )
        raise MemoryError(message)
