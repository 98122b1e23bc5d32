"""From a matrix of scores to a table of edges."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from grnet.infer._inputs import Inputs

MANY_EDGES = 1_000_000
"""How many edges ``n_top="auto"`` keeps at most."""


def strongest(strength: np.ndarray, n: int) -> np.ndarray:
    """Return the positions of the ``n`` largest positive values; ties go to the first.

    Examples
    --------
    >>> strongest(np.array([0.0, 2.0, 1.0, 2.0]), 2).tolist()
    [1, 3]
    """
    positive = int(np.count_nonzero(strength > 0))
    n = min(n, positive)
    if n == 0:
        return np.empty(0, dtype=np.int64)
    if n == positive:
        return np.flatnonzero(strength > 0)
    cut = np.partition(strength, len(strength) - n)[len(strength) - n]
    above = np.flatnonzero(strength > cut)
    level = np.flatnonzero(strength == cut)[: n - len(above)]
    return np.asarray(np.sort(np.concatenate([above, level])))


@dataclass
class Candidates:
    """Scores of the candidate pairs, flattened regulators x targets, and columns beside them.

    ``tested`` is what is compared with permuted data; for it, ``facts`` and ``reference`` see
    :class:`~grnet.infer._scored.Scored`.
    """

    inputs: Inputs
    scores: np.ndarray
    tested: np.ndarray
    columns: dict[str, np.ndarray] = field(default_factory=dict)
    facts: dict[str, float] = field(default_factory=dict)
    reference: object | None = None

    @property
    def strength(self) -> np.ndarray:
        """Absolute scores."""
        return np.asarray(np.abs(self.scores))

    def n_kept(self, n_top: int | Literal["auto"] | None) -> int:
        """Resolve ``n_top``."""
        if n_top is None:
            return len(self.scores)
        return MANY_EDGES if n_top == "auto" else int(n_top)

    def edges(self, kept: np.ndarray) -> pd.DataFrame:
        """Return the table of the pairs at these positions."""
        n_genes = len(self.inputs.genes)
        names = self.inputs.genes
        regulators = self.inputs.regulators
        return pd.DataFrame(
            {
                "source": pd.Categorical.from_codes(kept // n_genes, regulators),
                "target": pd.Categorical.from_codes(kept % n_genes, names),
                "weight": self.scores[kept].astype(np.float64),
                **{name: values[kept] for name, values in self.columns.items()},
            }
        )
