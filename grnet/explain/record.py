"""The dossier: all that is known about why a pair is an edge, or why it is not."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from grnet import _checks
from grnet.explain import _columns, _dossier_json, _dossier_text, _page
from grnet.io._atomic import replacing

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd


@_columns.documented
@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Dossier:
    """Why a regulator and a target are an edge, or why they are not.

    Parameters
    ----------
    source, target
        The pair.
    verdict
        One sentence that answers.
    reasons
        Sentences that say why, or why not.
    context
        Group of cells that the score is about, or None for all.
    logit, baseline
        The score before calibration and that of the stated baseline; NaN for a pair without one.
    probability
        Calibrated probability of an edge.
    rank, n_candidates
        Place of the target among all candidates of the regulator, 1 the best, and their number.
    stability
        Share of resamples in which the edge is found.
    null_percentile
        Percentile of the logit among pairs that are none.
    known
        Whether the pair was among the edges that the model was trained on.
    lost_at
        Step at which the pair was lost, or None.
    expression_unit
        Unit of the expression in ``cells``.
    ledger, peaks, bases, motifs, nodes, edges, expression, cells, genes, steps
        Tables, each empty where there is nothing to say; see the notes.
    params
        How it was made: seed, version, method, baseline. Scalars and strings only.

    Raises
    ------
    ValueError
        If a table lacks a column, a figure is out of range, or there is neither a score nor the
        step at which it was lost.

    Notes
    -----
    The contributions of the ledger add up to ``logit - baseline`` but for the ``residual``.
    Columns of the tables, which ``Dossier.columns`` holds too; more columns may follow:

    <columns>

    Examples
    --------
    >>> import pandas as pd
    >>> import grnet as gn
    >>> ledger = pd.DataFrame({
    ...     "layer": ["expression", "dna"], "kind": ["pair features", "bases"],
    ...     "name": ["correlation", "chrIII:1-9"], "contribution": [1.0, 2.0],
    ... })
    >>> gn.explain.Dossier(
    ...     source="GCN4", target="HIS4", verdict="An edge.", logit=2.1, baseline=-1.0,
    ...     ledger=ledger,
    ... )
    Dossier of GCN4 -> HIS4: An edge.
        logit 2.1 from baseline -1: expression +1, dna +2, residual +0.1 (3.2 %)
        tables: ledger 2
    """

    columns: ClassVar[Mapping[str, Mapping[str, str]]] = _columns.MEANINGS

    source: str
    target: str
    verdict: str
    reasons: tuple[str, ...] = ()
    context: str | None = None
    logit: float = np.nan
    baseline: float = np.nan
    probability: float | None = None
    rank: int | None = None
    n_candidates: int | None = None
    stability: float | None = None
    null_percentile: float | None = None
    known: bool | None = None
    lost_at: str | None = None
    expression_unit: str = "expression"
    ledger: pd.DataFrame = field(default_factory=partial(_columns.empty, "ledger"))
    peaks: pd.DataFrame = field(default_factory=partial(_columns.empty, "peaks"))
    bases: pd.DataFrame = field(default_factory=partial(_columns.empty, "bases"))
    motifs: pd.DataFrame = field(default_factory=partial(_columns.empty, "motifs"))
    nodes: pd.DataFrame = field(default_factory=partial(_columns.empty, "nodes"))
    edges: pd.DataFrame = field(default_factory=partial(_columns.empty, "edges"))
    expression: pd.DataFrame = field(default_factory=partial(_columns.empty, "expression"))
    cells: pd.DataFrame = field(default_factory=partial(_columns.empty, "cells"))
    genes: pd.DataFrame = field(default_factory=partial(_columns.empty, "genes"))
    steps: pd.DataFrame = field(default_factory=partial(_columns.empty, "steps"))
    params: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        given: object = self.reasons
        if isinstance(given, str):
            message = f"reasons is one text, {given!r}: pass a tuple of sentences."
            raise TypeError(message)
        plain: dict[str, Any] = {
            "reasons": tuple(map(str, self.reasons)),
            "logit": _number(self.logit),
            "baseline": _number(self.baseline),
            **{name: _share(self, name) for name in ("probability", "stability")},
            "null_percentile": _share(self, "null_percentile", high=100),
            "rank": None if self.rank is None else int(self.rank),
            "n_candidates": None if self.n_candidates is None else int(self.n_candidates),
            "known": None if self.known is None else bool(self.known),
            "params": _checks.scalar_params(dict(self.params)),
            **{name: _columns.checked(getattr(self, name), name) for name in _columns.TABLES},
        }
        for name, value in plain.items():
            object.__setattr__(self, name, value)
        self._check()

    def _check(self) -> None:
        for layer in self.ledger["layer"].unique():
            _checks.one_of(layer, _columns.LAYERS, "layer of the ledger")
        if self.rank is not None:
            most = 1 << 40 if self.n_candidates is None else self.n_candidates
            _checks.whole(self.rank, 1, most, what="rank")
        if np.isfinite(self.logit) and np.isfinite(self.baseline):
            return
        if self.is_scored or len(self.ledger):
            message = (
                f"{self.source} -> {self.target} has logit {self.logit}, baseline {self.baseline} "
                f"and {len(self.ledger)} rows in the ledger: a score needs both as finite numbers, "
                "and a pair without a score has no ledger."
            )
            raise ValueError(message)
        if self.lost_at is None:
            message = (
                f"{self.source} -> {self.target} has no logit: name the step where it was lost in "
                "lost_at."
            )
            raise ValueError(message)

    @property
    def is_scored(self) -> bool:
        """Whether the pair has a score."""
        return not np.isnan(self.logit)

    @property
    def key(self) -> tuple[str, ...]:
        """Source, target and, where there is one, context."""
        return (self.source, self.target, *([] if self.context is None else [self.context]))

    @property
    def residual(self) -> float:
        """What the ledger leaves unexplained: logit - baseline - all contributions."""
        return float(self.logit - self.baseline - self.ledger["contribution"].sum())

    @property
    def layers(self) -> pd.Series[float]:
        """Sum of the contributions of each layer of the ledger."""
        sums = self.ledger.groupby("layer")["contribution"].sum()
        return sums.reindex([layer for layer in _columns.LAYERS if layer in sums.index])

    def __repr__(self) -> str:
        return _dossier_text.as_text(self)

    def _repr_html_(self) -> str:
        return _page.fragment(self)

    def to_html(self, path: str | Path, *, numbers: str | None = None) -> Path:
        """Write one page that needs no connection and no other file.

        Parameters
        ----------
        path
            Where to write; the name should end in ``.html``.
        numbers
            Name of the JSON file beside it, to be linked.

        Returns
        -------
        The path written.

        Examples
        --------
        >>> import tempfile
        >>> import grnet as gn
        >>> lost = gn.explain.Dossier(source="A", target="B", verdict="No.", lost_at="regulators")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     lost.to_html(f"{folder}/A_B.html").name
        'A_B.html'
        """
        return _written(_page.whole(self, numbers=numbers), Path(path))

    def to_json(self, path: str | Path) -> Path:
        """Write all of it as JSON, which :meth:`from_json` reads.

        Parameters
        ----------
        path
            Where to write; the name should end in ``.json``.

        Returns
        -------
        The path written.

        Examples
        --------
        >>> import tempfile
        >>> import grnet as gn
        >>> lost = gn.explain.Dossier(source="A", target="B", verdict="No.", lost_at="regulators")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     gn.explain.Dossier.from_json(lost.to_json(f"{folder}/A_B.json"))
        Dossier of A -> B: No.
            lost at: regulators
        """
        held = {one.name: getattr(self, one.name) for one in fields(self)}
        return _written(_dossier_json.to_text(held), Path(path))

    @classmethod
    def from_json(cls, path: str | Path) -> Self:
        """Read what :meth:`to_json` wrote.

        Parameters
        ----------
        path
            The file.

        Returns
        -------
        Dossier

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If it is no dossier, or a newer kind of it.

        Examples
        --------
        >>> import tempfile
        >>> import grnet as gn
        >>> lost = gn.explain.Dossier(source="A", target="B", verdict="No.", lost_at="regulators")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     gn.explain.Dossier.from_json(lost.to_json(f"{folder}/A_B.json")).lost_at
        'regulators'
        """
        names = [one.name for one in fields(cls)]
        return cls(**_dossier_json.from_file(Path(path), names=names))


def _written(text: str, path: Path) -> Path:
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")
    return path


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)


def _share(dossier: Dossier, name: str, *, high: float = 1) -> float | None:
    """Return a figure between 0 and ``high``, or None where it is not known."""
    value = getattr(dossier, name)
    if value is None or np.isnan(value):
        return None
    return float(_checks.in_range(float(value), 0, high, what=name))
