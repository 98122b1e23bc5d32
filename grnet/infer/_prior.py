"""What is known of the candidate pairs before the cells are looked at: motifs, ChIP-seq, papers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import numpy as np
import pandas as pd

from grnet import _checks
from grnet.grn import GRN
from grnet.infer._inputs import Inputs
from grnet.infer._ranks import tail_shares
from grnet.infer._tables import Network, edge_table

PriorMode = Literal["combine", "restrict"]
Priors = Network | Sequence[Network] | Mapping[str, Network]

TAKEN = ("source", "target", "weight", "sign", "score", "pvalue", "fdr", "stability", "context")
"""Columns of the edges that a layer cannot be named after."""

TRIPLET = ["source", "region", "target"]


@dataclass(frozen=True)
class Prior:
    """Layers of evidence, each regulators x targets: ``|weight|``, 0 for the pairs not listed."""

    layers: dict[str, np.ndarray]
    mode: PriorMode

    @property
    def allowed(self) -> np.ndarray | None:
        """The pairs that may become edges, None for all."""
        if self.mode == "combine":
            return None
        return np.asarray(np.any([layer > 0 for layer in self.layers.values()], axis=0))

    def applied(self, scores: np.ndarray, own: np.ndarray) -> np.ndarray:
        """Return the scores in the light of the layers; the sign is that of the expression.

        ``restrict`` sets the pairs that no layer lists to 0. ``combine`` is Fisher's combination
        on ranks, as in the consensus: the mean over expression and layers of ``-log10`` of the
        share of pairs at least as strong. A pair that a layer does not list gains nothing by it.
        """
        allowed = self.allowed
        if allowed is not None:
            return np.asarray(scores * allowed)
        if not scores.any():
            return scores
        strengths = [np.abs(scores), *self.layers.values()]
        total = -np.mean([np.log10(tail_shares(layer)) for layer in strengths], axis=0)
        regulated = np.flatnonzero(own >= 0)
        total[own[regulated], regulated] = 0.0
        return np.asarray(np.where(scores < 0, -total, total), dtype=np.float32)


def read_prior(priors: Priors, inputs: Inputs, *, mode: PriorMode) -> Prior:
    """Lay the tables out over the candidate pairs.

    Raises
    ------
    ValueError
        If no pair of a table is a candidate, or a layer has the name of a column.
    """
    _checks.one_of(mode, ("combine", "restrict"), "prior_mode")
    tables = {name: edge_table(prior, what="the prior") for name, prior in named(priors).items()}
    return Prior({name: _layer(table, inputs) for name, table in tables.items()}, mode)


def named(priors: Priors) -> dict[str, Network]:
    """Return the layers under their names: those given, or ``prior``, ``prior_2`` and so on."""
    if isinstance(priors, Mapping):
        wrong = sorted(set(priors) & set(TAKEN))
        if wrong:
            message = f"A layer of the prior cannot be named {wrong[0]!r}: edges have that column."
            raise ValueError(message)
        return dict(priors)
    one = isinstance(priors, str | Path | GRN | pd.DataFrame)
    listed = cast("list[Network]", [priors] if one else list(cast("Sequence[Network]", priors)))
    if not listed:
        message = "The list of priors is empty: pass tables, or prior=None for none."
        raise ValueError(message)
    return {f"prior_{n}" if n > 1 else "prior": prior for n, prior in enumerate(listed, 1)}


def known_regions(priors: Priors | None, edges: pd.DataFrame) -> pd.DataFrame | None:
    """Return the regions through which the layers know the edges, None if they name none."""
    networks = [] if priors is None else list(named(priors).values())
    triplets = [net.evidence for net in networks if isinstance(net, GRN)]
    found = [table for table in triplets if table is not None]
    if not found:
        return None
    pairs = edges[["source", "target"]].astype(str).drop_duplicates()
    kept = [table.merge(pairs, on=["source", "target"]) for table in found]
    table = pd.concat(kept, ignore_index=True)
    if "weight" in table:  # of a triplet that two layers know, the stronger speaks first
        table = table.sort_values("weight", ascending=False, kind="stable")
    # names may be categories: only the triplets that occur, not all that could
    groups = table.groupby(TRIPLET, sort=False, as_index=False, observed=True)
    return groups.first()


def _layer(table: pd.DataFrame, inputs: Inputs) -> np.ndarray:
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
    layer = np.zeros((len(inputs.regulators), len(inputs.genes)), dtype=np.float32)
    weights = table["weight"].abs() if "weight" in table else pd.Series(1.0, index=table.index)
    if weights.isna().any():
        message = f"{int(weights.isna().sum())} weights of the prior are missing: drop these rows."
        raise ValueError(message)
    given = weights.to_numpy(dtype=np.float32)[known]
    np.maximum.at(layer, (rows[known], columns[known]), given)
    return layer
