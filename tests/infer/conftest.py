"""Data with planted edges whose signs are known."""

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

TFS = ["TF1", "TF2", "TF3", "TF4", "TF5", "TF6"]
PLANTED = {
    ("TF1", "G1"): 1,
    ("TF1", "G2"): -1,
    ("TF2", "G3"): 1,
    ("TF3", "G4"): -1,
    ("TF1", "TF4"): 1,
    ("TF5", "G5"): 1,
}


def planted_adata(n_cells: int = 300, *, seed: int = 1, zeros: float = 0.0) -> AnnData:
    """Six regulators, of which some drive some of 60 genes; the rest is noise."""
    rng = np.random.default_rng(seed)
    names = [*TFS, *(f"G{i}" for i in range(1, 61))]
    values = pd.DataFrame(rng.normal(size=(n_cells, len(names))), columns=names)
    for (source, target), sign in PLANTED.items():
        values[target] = 0.4 * values[target] + sign * values[source]
    matrix = (values - values.min()).to_numpy(dtype=np.float32)
    matrix[rng.random(matrix.shape) < zeros] = 0.0
    adata = AnnData(matrix, var=pd.DataFrame(index=names))
    adata.obs_names = [f"cell{i}" for i in range(n_cells)]
    return adata


@pytest.fixture
def planted() -> AnnData:
    return planted_adata()


@pytest.fixture
def tfs() -> list[str]:
    return list(TFS)


@pytest.fixture
def planted_edges() -> dict[tuple[str, str], int]:
    return dict(PLANTED)


@pytest.fixture
def make_planted():
    return planted_adata
