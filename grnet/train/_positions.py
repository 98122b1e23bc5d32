"""Names of pairs as positions in a graph."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from grnet import _checks
from grnet.graph.vocabulary import GENE, TF

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData


def positions(graph: "HeteroData", pairs: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return the positions of sources and targets, (2, B)."""
    _checks.has_columns(pairs, ["source", "target"], "the pairs")
    found = []
    for kind, column in ((TF, "source"), (GENE, "target")):
        at = pd.Index(graph[kind].name).get_indexer(pd.Index(pairs[column].astype(str)))
        if (at < 0).any():
            missing = pairs.loc[at < 0, column].unique()
            message = (
                f"{len(missing)} names of {column!r} are no {kind} of the graph: "
                f"{_checks.examples(missing)}. It has {_checks.examples(graph[kind].name)}: build "
                "it with tfs= and the genes of the pairs."
            )
            raise ValueError(message)
        found.append(at)
    return np.stack(found).astype(np.int64)
