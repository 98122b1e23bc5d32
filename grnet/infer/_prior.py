"""A prior network that restricts or weights the candidate pairs."""

from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from grnet import _checks
from grnet.grn import GRN
from grnet.infer._inputs import Inputs

PriorMode = Literal["restrict", "weight"]


def prior_factor(
    prior: pd.DataFrame | GRN | str | Path, inputs: Inputs, *, mode: PriorMode
) -> np.ndarray:
    """Return regulators x targets factors for the scores.

    ``restrict``: 1 for the pairs listed, 0 elsewhere. ``weight``: ``1 + |weight| / max |weight|``
    for the pairs listed (1 + 1 where the prior has no weights), 1 elsewhere.

    Raises
    ------
    ValueError
        If no pair of the prior is a candidate.
    """
    _checks.one_of(mode, ("restrict", "weight"), "prior_mode")
    table = _table(prior)
    rows = inputs.regulators.get_indexer(pd.Index(table["source"].astype(str)))
    columns = inputs.genes.get_indexer(pd.Index(table["target"].astype(str)))
    known = (rows >= 0) & (columns >= 0)
    if not known.any():
        message = (
            f"None of the {len(table)} pairs of the prior joins a regulator and a gene of the "
            f"data: the prior has {_checks.examples(table['source'].unique())} -> "
            f"{_checks.examples(table['target'].unique())}, the data have "
            f"{_checks.examples(inputs.regulators)} -> {_checks.examples(inputs.genes)}. "
            "gn.pp.check(adata, prior=...) tells which names differ and how to change them."
        )
        raise ValueError(message)
    factor = np.zeros((len(inputs.regulators), len(inputs.genes)), dtype=np.float32)
    weights = np.ones(int(known.sum()), dtype=np.float32)
    if mode == "weight" and "weight" in table:
        given = table["weight"].abs().to_numpy(dtype=np.float32)[known]
        weights = (given / max(float(given.max()), 1e-30)).astype(np.float32)
    np.maximum.at(factor, (rows[known], columns[known]), weights)
    return factor if mode == "restrict" else 1.0 + factor


def _table(prior: pd.DataFrame | GRN | str | Path) -> pd.DataFrame:
    if isinstance(prior, GRN):
        return prior.edges
    if isinstance(prior, pd.DataFrame):
        _checks.has_columns(prior, ("source", "target"), "the prior")
        return prior
    table = pd.read_csv(prior, sep=None, engine="python")
    _checks.has_columns(table, ("source", "target"), f"the prior {str(prior)!r}")
    return table
