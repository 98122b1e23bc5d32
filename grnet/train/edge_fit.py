"""What the training of edges gives: one model or several, and the graph that they read."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit

from grnet import _checks
from grnet.models.encoders import EdgeModel
from grnet.train._edge_encoding import pair_logits
from grnet.train._edge_graph import positions
from grnet.train.calibration import Calibration, Kind, fit_calibration
from grnet.train.fitting import Fit
from grnet.train.pair_evidence import PairEvidence

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData


@dataclass(frozen=True, eq=False, kw_only=True)
class EdgeFit:
    """A model of edges, and the graph that it reads.

    Parameters
    ----------
    fit
        The training; ``fit.model`` is the :class:`grnet.models.EdgeModel`.
    graph
        The graph whose known edges are those of the training.
    evidence
        What the decoder reads of pairs, None where it reads the vectors of both ends alone.
    calibration
        Applied to the scores, where there is one.

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    >>> known = adata.uns["grnet_truth"]
    >>> data = gn.graph.build(adata, known=known, n_components=4)
    >>> split = gn.train.split_edges(known, tfs=data["tf"].name, genes=data["gene"].name)
    >>> quick = gn.train.FitSettings(max_epochs=2)
    >>> done = gn.train.fit_edges(data, split, settings=quick)
    >>> len(done.scores(split.test)) == len(split.test)
    True
    """

    fit: Fit
    graph: "HeteroData"
    evidence: PairEvidence | None = None
    calibration: Calibration | None = None

    def scores(self, pairs: pd.DataFrame, *, device: str | None = None) -> npt.NDArray[np.float32]:
        """Return the probability that each pair is an edge.

        Parameters
        ----------
        pairs
            ``source, target``: TFs and genes of the graph.
        device
            By default that of the training; ``"auto"`` takes CUDA where there is one.

        Returns
        -------
        ndarray
            float32, one for each row.

        Raises
        ------
        ValueError
            If a name is not in the graph.

        Examples
        --------
        >>> import grnet as gn
        >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
        >>> known = adata.uns["grnet_truth"]
        >>> data = gn.graph.build(adata, known=known, n_components=4)
        >>> split = gn.train.split_edges(known, tfs=data["tf"].name, genes=data["gene"].name)
        >>> quick = gn.train.FitSettings(max_epochs=1)
        >>> scores = gn.train.fit_edges(data, split, settings=quick).scores(split.test)
        >>> bool(((scores >= 0) & (scores <= 1)).all())
        True
        """
        return probabilities(self.logits(pairs, device=device), self.calibration)

    def logits(self, pairs: pd.DataFrame, *, device: str | None = None) -> npt.NDArray[np.float64]:
        """Return the logits of the model, before any calibration; arguments as for ``scores``."""
        model = self.fit.model
        if not isinstance(model, EdgeModel):
            message = f"{type(model).__name__} is no EdgeModel: it scores no pairs of a graph."
            raise TypeError(message)
        asked = positions(self.graph, pairs)
        where = device or str(self.fit.params.get("device", "auto"))
        return pair_logits(model, self.graph, asked, evidence=self.evidence, device=where)

    def calibrated(self, pairs: pd.DataFrame, *, kind: Kind = "isotonic") -> "EdgeFit":
        """Return the same fit with a calibration; see :meth:`EdgeEnsemble.calibrated`."""
        return dataclasses.replace(
            self, calibration=calibration_of(self.logits(pairs), pairs, kind)
        )

    def __repr__(self) -> str:
        """Return the fit."""
        return f"EdgeFit({self.fit!r})"


@dataclass(frozen=True, eq=False, kw_only=True)
class EdgeEnsemble:
    """Models of edges that differ in their seed alone, and answer together.

    Parameters
    ----------
    members
        The fits, of one graph.
    calibration
        Applied to the scores, where there is one.

    Notes
    -----
    A score is the sigmoid of the mean logit, which ranked new targets a little better than the mean
    probability (AUROC 0.8648 and 0.8642, one member 0.8598, five splits of mouse dendritic cells).

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    >>> known = adata.uns["grnet_truth"]
    >>> data = gn.graph.build(adata, known=known, n_components=4)
    >>> split = gn.train.split_edges(known, tfs=data["tf"].name, genes=data["gene"].name)
    >>> quick = gn.train.FitSettings(max_epochs=1)
    >>> both = gn.train.fit_edge_ensemble(data, split, n_members=2, settings=quick)
    >>> both.predictions(split.test).columns.tolist()
    ['score', 'spread', 'stability']
    """

    members: Sequence[EdgeFit]
    calibration: Calibration | None = None

    def __post_init__(self) -> None:
        if not self.members:
            message = "An ensemble needs members: the list of fits is empty."
            raise ValueError(message)

    def scores(self, pairs: pd.DataFrame, *, device: str | None = None) -> npt.NDArray[np.float32]:
        """Return the probability that each pair is an edge, as :meth:`EdgeFit.scores` does.

        Parameters
        ----------
        pairs
            ``source, target``: TFs and genes of the graph.
        device
            By default that of the training; ``"auto"`` takes CUDA where there is one.

        Returns
        -------
        ndarray
            float32, one for each row.

        Raises
        ------
        ValueError
            If a name is not in the graph.
        """
        return probabilities(self._logits(pairs, device).mean(axis=0), self.calibration)

    def predictions(
        self, pairs: pd.DataFrame, *, n_strongest: int | None = None, device: str | None = None
    ) -> pd.DataFrame:
        """Return the scores of pairs, and how far the members agree on them.

        Parameters
        ----------
        pairs
            ``source, target``: TFs and genes of the graph.
        n_strongest
            How many pairs count as the strongest of a member; by default as many as the ensemble
            expects edges among them, the sum of its scores.
        device
            By default that of the training; ``"auto"`` takes CUDA where there is one.

        Returns
        -------
        DataFrame
            Indexed as the pairs: ``score``; ``spread``, the standard deviation of the members'
            probabilities; and ``stability``, the share of members that have the pair among their
            strongest, as the stability of :func:`grnet.infer.network` is one of resamples.

        Raises
        ------
        ValueError
            If a name is not in the graph.
        """
        logits = self._logits(pairs, device)
        score = probabilities(logits.mean(axis=0), self.calibration)
        each = np.stack([probabilities(z, self.calibration) for z in logits])
        n = max(round(float(score.sum())), 1) if n_strongest is None else n_strongest
        _checks.whole(n, 1, len(pairs), what="n_strongest")
        ranks = np.argsort(np.argsort(-logits, axis=1, kind="stable"), axis=1)
        table = {"score": score, "spread": each.std(axis=0), "stability": (ranks < n).mean(axis=0)}
        return pd.DataFrame(table, index=pairs.index)

    def calibrated(self, pairs: pd.DataFrame, *, kind: Kind = "isotonic") -> "EdgeEnsemble":
        """Return the same ensemble with a calibration.

        Parameters
        ----------
        pairs
            ``source, target, label`` that the weights have not seen, such as ``split.validation``.
        kind
            As for :func:`grnet.train.fit_calibration`.

        Returns
        -------
        EdgeEnsemble

        Raises
        ------
        ValueError
            If the pairs have one label only, or a name is not in the graph.
        """
        logits = self._logits(pairs).mean(axis=0)
        return dataclasses.replace(self, calibration=calibration_of(logits, pairs, kind))

    def _logits(self, pairs: pd.DataFrame, device: str | None = None) -> npt.NDArray[np.float64]:
        """Return members x pairs."""
        return np.stack([member.logits(pairs, device=device) for member in self.members])

    def __repr__(self) -> str:
        """Return the number of members, and the first."""
        return f"EdgeEnsemble({len(self.members)} members, the first {self.members[0]!r})"


def probabilities(
    logits: npt.NDArray[np.float64], calibration: Calibration | None
) -> npt.NDArray[np.float32]:
    """Return the share of edges that logits stand for."""
    said = expit(logits)
    said = said if calibration is None else calibration.applied(said)
    return np.asarray(said, dtype=np.float32)


def calibration_of(logits: npt.NDArray[np.float64], pairs: pd.DataFrame, kind: Kind) -> Calibration:
    """Return the calibration that labelled pairs ask for."""
    _checks.has_columns(pairs, ["source", "target", "label"], "the pairs to calibrate on")
    return fit_calibration(expit(logits), pairs["label"].to_numpy(), kind=kind)
