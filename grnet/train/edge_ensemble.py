"""Models of edges that answer together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit, logit

from grnet import _checks
from grnet.models.encoders import KINDS
from grnet.train.edge_training import edge_fit_of
from grnet.train.edges import EdgeSplit
from grnet.train.pair_trees import fit_pair_trees

if TYPE_CHECKING:
    from anndata import AnnData
    from torch_geometric.data import HeteroData

Floats = npt.NDArray[np.float64]

TREES = "trees"
MEMBERS = (TREES, "sage")
_LEAST = 1e-6


class ScoresPairs(Protocol):
    """A model that gives the probability of pairs."""

    def scores(self, pairs: pd.DataFrame) -> npt.NDArray[np.float32]:
        """Return one for each row."""
