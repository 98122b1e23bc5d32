"""Splits of known edges that cannot leak, with pairs that are no edges beside them."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from grnet import _checks
from grnet.grn import GRN
from grnet.train import _edge_audit, _negatives
from grnet.train._edge_regimes import PARTS, REGIMES, Parts, Question, assigned
from grnet.train.edge_table import EdgeTable

logger = logging.getLogger(__name__)

Rows = npt.NDArray[np.int64]
Regime = Literal["edge", "target", "tf", "both", "chromosome", "genelink"]
Negatives = Literal["uniform", "degree", "hard", "listed"]


@dataclass(frozen=True, eq=False, kw_only=True)
class EdgeSplit:
    """Labelled pairs for training, validation and test.

    Parameters
    ----------
    train, validation, test
        ``source, target, label`` (1 for a known edge, 0 for a pair that is none).
    regime, negatives
        How they were divided, and how the pairs without an edge were drawn.
    facts
        Numbers of pairs that were left out, and why.

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=20, n_genes=60, n_tfs=8)
    >>> tfs = adata.var_names[adata.var["is_tf"]]
    >>> split = gn.train.split_edges(
    ...     adata.uns["grnet_truth"], tfs=tfs, genes=adata.var_names, regime="target"
    ... )
    >>> bool(set(split.train["target"]) & set(split.test["target"]))
    False
    """

    train: pd.DataFrame
    validation: pd.DataFrame
    test: pd.DataFrame
    regime: str
    negatives: str
    facts: Mapping[str, int] = field(default_factory=dict)

    @property
    def held_out(self) -> pd.DataFrame:
        """All pairs that must stay out of message passing: those of validation and test."""
        pairs = pd.concat([self.validation, self.test], ignore_index=True)
        return pairs if "label" in self.test else pairs[["source", "target"]]

    def audit(self) -> pd.DataFrame:
        """Say what a model could have known of the pairs held out without any biology.

        Returns
        -------
        DataFrame
            A row for validation and test each: ``n, n_positive``; ``tfs_seen`` and
            ``targets_seen``, the shares of pairs whose TF or target trains; ``in_train`` and
            ``reverse_in_train``, pairs that train themselves or turned round (0 in a split that
            does not leak); ``auroc_tf_rate``, ``auroc_target_rate`` and ``auroc_rates``, what the
            training label rates of TF, of target and of both together reach there.

        Examples
        --------
        >>> import grnet as gn
        >>> adata = gn.datasets.simulate(n_cells=20, n_genes=60, n_tfs=8)
        >>> tfs = adata.var_names[adata.var["is_tf"]]
        >>> split = gn.train.split_edges(adata.uns["grnet_truth"], tfs=tfs, genes=adata.var_names)
        >>> split.audit()["in_train"].tolist()
        [0, 0]
        """
        rows = {
            name: _edge_audit.row(self.train, getattr(self, name))
            for name in PARTS[1:]
            if len(getattr(self, name)) and "label" in getattr(self, name)
        }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("part")

    def __repr__(self) -> str:
        """Return the regime and the sizes."""
        sizes = ", ".join(f"{name} {_size(getattr(self, name))}" for name in PARTS)
        return f"EdgeSplit({self.regime!r}, {self.negatives} negatives: {sizes})"


def _size(part: pd.DataFrame) -> str:
    if "label" not in part:  # where methods are compared
        return f"{len(part):,}"
    n_edges = int(part["label"].sum())
    return f"{n_edges:,}+{len(part) - n_edges:,}"


def split_edges(  # noqa: PLR0913 - every option is a stated choice of the protocol
    known: pd.DataFrame | GRN,
    *,
    tfs: Sequence[str],
    genes: Sequence[str],
    regime: Regime = "target",
    negatives: Negatives = "uniform",
    n_negatives: int = 1,
    shares: tuple[float, float, float] = (0.7, 0.1, 0.2),
    chromosomes: Mapping[str, str] | None = None,
    validation: Sequence[str] = (),
    test: Sequence[str] = (),
    ranking: GRN | None = None,
    seed: int = 0,
) -> EdgeSplit:
    """Divide known edges into training, validation and test so that none leaks into another.

    Parameters
    ----------
    known
        ``source, target``, and ``label`` (0 or 1) where pairs without an edge are listed.
    tfs, genes
        Names that can regulate and that can be regulated; edges of others are left out. Give the
        TFs that were assayed: negatives of others are told by their name alone.
    regime
        What is new in the test: ``"edge"`` (pairs), ``"target"``, ``"tf"``, ``"both"``, targets on
        other ``"chromosome"``s; or ``"genelink"``, the published protocol: two thirds of each TF's
        edges train, with as many negatives, and the test has negatives up to the density.
    negatives
        ``"uniform"`` over the pairs of a part; ``"degree"``: each TF and target in as many
        negatives as edges, so that label rates tell nothing within a part; ``"hard"``: the
        strongest of ``ranking`` that are no known edges; ``"listed"``: those labelled 0.
    n_negatives
        For each edge.
    shares
        Of the edges in the three parts, met as closely as whole TFs or targets allow.
    chromosomes
        For ``"chromosome"``: that of each gene.
    validation, test
        Which chromosomes to hold out; with ``"tf"`` which TFs, instead of a draw by the shares.
    ranking
        For ``"hard"`` negatives: a network of candidate pairs, such as one of correlation.
    seed
        Of all draws. The order of the rows does not matter.

    Returns
    -------
    EdgeSplit

    Raises
    ------
    ValueError
        If no edge joins a TF and a gene, a part would be empty or have no negative, an argument is
        missing, or names are held out that are unknown or that the regime does not take.

    Notes
    -----
    Self edges are left out. A pair and its reverse, where both genes are TFs, never stand on two
    sides. Give :attr:`EdgeSplit.held_out` to :func:`grnet.graph.hold_out`. Pairs of ``"both"``
    that are new on one side only are left out. Where known edges are so many that fewer other pairs
    are left than asked for, the parts of ``"edge"`` and ``"genelink"`` share these in proportion.

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=20, n_genes=60, n_tfs=8)
    >>> tfs = adata.var_names[adata.var["is_tf"]]
    >>> known = adata.uns["grnet_truth"]
    >>> split = gn.train.split_edges(known, tfs=tfs, genes=adata.var_names, regime="tf")
    >>> bool(set(split.train["source"]) & set(split.test["source"]))
    False
    """
    _checks.one_of(regime, REGIMES, "regime")
    _checks.one_of(negatives, get_args(Negatives), "negatives")
    _checks.whole(n_negatives, 0, 1000, what="n_negatives")
    table = EdgeTable.of(known, tfs, genes)
    asked = Question(
        table.positive, len(table.tfs), table.gene_of_tf, len(table.genes), shares, seed
    )
    labels = np.array(table.tfs, dtype=str) if regime == "tf" else None
    if regime == "chromosome":
        given = pd.Series({} if chromosomes is None else dict(chromosomes), dtype=object).dropna()
        labels = given.astype(str).reindex(table.genes, fill_value="").to_numpy(str)
    held = _names(validation, "validation"), _names(test, "test")
    parts = assigned(asked, regime, labels=labels, held=held)
    edges, n_reversed = _without_reverse(table, parts)
    ranked = _ranked(table, ranking) if negatives == "hard" else None
    n_without_side = len(table.positive) - sum(map(len, parts.edges))
    wanted = [n_negatives * len(part) for part in edges]
    if regime == "genelink" and negatives != "degree":
        wanted[-1] = round(len(edges[-1]) * (1 / table.density - 1))
    drawn = _negatives.drawn(
        table, parts._replace(edges=edges), wanted, kind=negatives, ranked=ranked,
        rng=np.random.default_rng(seed),
    )  # fmt: skip
    frames = [table.frame(*pair) for pair in zip(edges, drawn, strict=True)]
    facts = {
        "self_edges": table.n_self,
        "other_names": table.n_other,
        "on_no_side": n_without_side,
        "reverse_of_held_out": n_reversed,
    }
    return EdgeSplit(
        **dict(zip(PARTS, frames, strict=True)), regime=regime, negatives=negatives, facts=facts
    )


def _names(given: Sequence[str], what: str) -> list[str]:
    if isinstance(given, str):
        message = f"{what}={given!r} is one name: expected a list of names, such as [{given!r}]."
        raise TypeError(message)
    return [str(name) for name in given]


def _without_reverse(table: EdgeTable, parts: Parts) -> tuple[tuple[Rows, Rows, Rows], int]:
    """Leave edges out of training, and then of validation, whose reverse is held out later."""
    train, validation, test = parts.edges
    kept = validation[~np.isin(validation, table.reversed(test))]
    held = table.reversed(np.concatenate([kept, test]))
    left = train[~np.isin(train, held)]
    return (left, kept, test), len(train) + len(validation) - len(left) - len(kept)


def _ranked(table: EdgeTable, ranking: GRN | None) -> pd.DataFrame:
    """Return positions of the pairs of a network, the strongest first."""
    if ranking is None:
        message = 'negatives="hard" wants ranking=, a network of candidate pairs: see gn.infer.'
        raise ValueError(message)
    edges = ranking.edges.assign(strength=ranking.edges["weight"].abs())
    edges = edges.sort_values(["strength", "source", "target"], ascending=[False, True, True])
    frame = pd.DataFrame(
        {
            "tf": table.tfs.get_indexer(pd.Index(edges["source"].astype(str))),
            "gene": table.genes.get_indexer(pd.Index(edges["target"].astype(str))),
        }
    )
    return frame.loc[(frame["tf"] >= 0) & (frame["gene"] >= 0)].drop_duplicates()
