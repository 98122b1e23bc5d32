"""Peaks as nodes: names, places and features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch

from grnet.graph._features import attach, of_peaks, of_variables
from grnet.graph._profiles import profiles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anndata import AnnData

    from grnet.io.genome import Genome


def add_peaks(
    store: Any,  # noqa: ANN401 - the store of a node type
    regions: pd.DataFrame,
    *,
    atac: AnnData | None,
    genome: Genome | None,
    tracks: Mapping[str, pd.Series[Any]],
    n_components: int,
    seed: int,
) -> None:
    """Write the regions, indexed by name, with all that is known about each."""
    parts = [of_peaks(regions, genome, tracks)]
    n_profile = 0
    if atac is not None:
        found = profiles(atac, n_components=n_components, what="peaks", seed=seed, min_cells=1)
        parts.insert(0, of_variables(found, prefix="accessibility", detected="detected"))
        n_profile = found.components.shape[1]
    store.name = [str(name) for name in regions.index]
    store.chrom = regions["chrom"].tolist()
    store.start = torch.from_numpy(regions["start"].to_numpy(np.int64, copy=True))
    store.end = torch.from_numpy(regions["end"].to_numpy(np.int64, copy=True))
    attach(store, pd.concat(parts, axis=1), n_profile=n_profile)
