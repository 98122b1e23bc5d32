"""A graph network and trees on the evidence of pairs, answering together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit, logit

from grnet import _checks
from grnet.models.encoders import EdgeModelConfig
from grnet.train._edge_graph import with_training_edges
from grnet.train.calibration import Calibration, fit_calibration
from grnet.train.edge_training import fit_edges, folder_of
from grnet.train.edges import EdgeSplit
from grnet.train.pair_trees import fit_pair_trees

if TYPE_CHECKING:
    from anndata import AnnData
    from torch_geometric.data import HeteroData

Floats = npt.NDArray[np.float64]
MemberKind = Literal["trees", "sage", "gatv2", "hgt", "none"]

_LEAST = 1e-6


class ScoresPairs(Protocol):
    """A trained model that gives each pair a probability."""

    def scores(self, pairs: pd.DataFrame) -> npt.NDArray[np.float32]:
        """Return one for each row."""
        ...


@dataclass(frozen=True, eq=False, kw_only=True)
class PairEnsemble:
    """Models of different kinds with one answer: the mean of their standardised log odds.

    Parameters
    ----------
    members
        By name: trained models, such as :class:`EdgeFit` and :class:`PairTrees`.
    location
        By name: mean and standard deviation of its log odds over pairs held out.
    calibration
        From the sigmoid of the mean to the probability of an edge, None without pairs held out.

    Notes
    -----
    All members have the same weight, so nothing is chosen on the pairs held out: they only bring
    the members to one scale. Trees and graph networks err on different pairs.

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    >>> known = adata.uns["grnet_truth"]
    >>> data = gn.graph.build(adata, known=known, n_components=4)
    >>> split = gn.train.split_edges(known, tfs=data["tf"].name, genes=data["gene"].name)
    >>> quick = gn.train.FitSettings(max_epochs=1)
    >>> gn.train.fit_pair_ensemble(data, split, settings=quick)
    PairEnsemble(trees, sage)
    """

    members: Mapping[str, ScoresPairs]
    location: Mapping[str, tuple[float, float]]
    calibration: Calibration | None = None

    @classmethod
    def of(cls, members: Mapping[str, ScoresPairs], validation: pd.DataFrame) -> "PairEnsemble":
        """Join trained members.

        Parameters
        ----------
        members
            By name.
        validation
            ``source, target, label`` that have trained none of them.

        Returns
        -------
        PairEnsemble

        Raises
        ------
        ValueError
            If there is no member, or no pair.

        Examples
        --------
        >>> import pandas as pd
        >>> import grnet as gn
        >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
        >>> known = adata.uns["grnet_truth"]
        >>> data = gn.graph.build(adata, known=known, n_components=4)
        >>> split = gn.train.split_edges(known, tfs=data["tf"].name, genes=data["gene"].name)
        >>> trees = gn.train.fit_pair_trees(data, split, n_trees=5)
        >>> gn.train.PairEnsemble.of({"trees": trees}, split.validation)
        PairEnsemble(trees)
        """
        _check_validation(len(members), validation)
        odds = {name: _log_odds(member, validation) for name, member in members.items()}
        location = {
            name: (float(values.mean()), max(float(values.std()), _LEAST))
            for name, values in odds.items()
        }
        found = cls(members=members, location=location)
        if validation["label"].nunique() < 2:
            return found
        calibration = fit_calibration(expit(found.mean(validation)), validation["label"])
        return cls(members=members, location=location, calibration=calibration)

    def mean(self, pairs: pd.DataFrame) -> Floats:
        """Return the mean of the members' standardised log odds, the score before calibration.

        Parameters
        ----------
        pairs
            ``source, target``: TFs and genes of the graph.

        Returns
        -------
        ndarray
            float64, one for each row.
        """
        total = np.zeros(len(pairs))
        for name, member in self.members.items():
            mean, spread = self.location[name]
            total += (_log_odds(member, pairs) - mean) / spread
        return total / len(self.members)

    def scores(self, pairs: pd.DataFrame) -> npt.NDArray[np.float32]:
        """Return the probability that each pair is an edge.

        Parameters
        ----------
        pairs
            ``source, target``: TFs and genes of the graph, no training pairs.

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
        >>> both = gn.train.fit_pair_ensemble(data, split, members=["trees"])
        >>> bool(((both.scores(split.test) >= 0) & (both.scores(split.test) <= 1)).all())
        True
        """
        said = expit(self.mean(pairs))
        said = said if self.calibration is None else self.calibration.applied(said)
        return np.asarray(said, dtype=np.float32)

    def __repr__(self) -> str:
        """Return the members' names."""
        return f"PairEnsemble({', '.join(self.members)})"


def fit_pair_ensemble(
    data: "HeteroData",
    split: EdgeSplit,
    *,
    members: Sequence[MemberKind] = ("trees", "sage"),
    seed: int = 0,
    folder: str | None = None,
    **options: Any,  # noqa: ANN401 - handed through to fit_edges
) -> PairEnsemble:
    """Train trees and graph networks on known edges, to answer together.

    Parameters
    ----------
    data
        A graph with features, as :func:`grnet.graph.build` makes it.
    split
        Labelled pairs, some of them for validation.
    members
        ``"trees"``, see :func:`fit_pair_trees`, and kinds of :class:`grnet.models.EdgeModelConfig`.
    seed
        Of every member.
    folder
        Holds a folder for each graph network, as for :func:`fit`.
    **options
        Others of :func:`fit_edges`. With ``class_prior`` the labels do not calibrate the answer.

    Returns
    -------
    PairEnsemble

    Raises
    ------
    ValueError
        If a member is unknown, there is no pair for validation, or a name is not in the graph.

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    >>> known = adata.uns["grnet_truth"]
    >>> data = gn.graph.build(adata, known=known, n_components=4)
    >>> split = gn.train.split_edges(known, tfs=data["tf"].name, genes=data["gene"].name)
    >>> quick = gn.train.FitSettings(max_epochs=1)
    >>> both = gn.train.fit_pair_ensemble(data, split, members=["trees", "none"], settings=quick)
    >>> len(both.scores(split.test)) == len(split.test)
    True
    """
    for name in members:
        _checks.one_of(name, get_args(MemberKind), "member")
    _checks.unique(pd.Index(members), "members")
    _check_validation(len(members), split.validation)
    graph = with_training_edges(data, split)
    trained: dict[str, ScoresPairs] = {}
    for name in members:
        if name == "trees":
            trained[name] = fit_pair_trees(graph, split, seed=seed)
            continue
        config = EdgeModelConfig.of(graph, kind=name)
        own = None if folder is None else str(Path(folder) / name)
        trained[name] = fit_edges(graph, split, config=config, seed=seed, folder=own, **options)
    joined = PairEnsemble.of(trained, split.validation)
    # among pairs labelled 0 are edges then: their share is no probability
    return joined if options.get("class_prior") is None else replace(joined, calibration=None)


def pair_scorer(
    data: "HeteroData",
    *,
    folder: str | None = None,
    **options: Any,  # noqa: ANN401 - handed through
) -> "Callable[[EdgeSplit, AnnData], npt.NDArray[np.float32]]":
    """Return the ensemble as :func:`grnet.evaluate.supervised_benchmark` asks of a method.

    Parameters
    ----------
    data
        A graph.
    folder
        Holds a folder for each split, as for :func:`fit_pair_ensemble`.
    **options
        Others of :func:`fit_pair_ensemble`.

    Returns
    -------
    callable
        It trains on a split and returns scores of its test pairs.

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    >>> known = adata.uns["grnet_truth"]
    >>> data = gn.graph.build(adata, known=known, n_components=4)
    >>> split = gn.train.split_edges(known, tfs=data["tf"].name, genes=data["gene"].name)
    >>> score = gn.train.pair_scorer(data, members=["trees"])
    >>> len(score(split, adata)) == len(split.test)
    True
    """

    def score(split: EdgeSplit, _: "AnnData") -> npt.NDArray[np.float32]:
        own = folder_of(split, folder)
        return fit_pair_ensemble(data, split, folder=own, **options).scores(split.test)

    return score


def _check_validation(n_members: int, validation: pd.DataFrame) -> None:
    if n_members and len(validation):
        return
    message = (
        f"{n_members} members and {len(validation)} pairs: expected some of each. Pairs held out "
        "bring the members to one scale; give split_edges a share of validation."
    )
    raise ValueError(message)


def _log_odds(member: ScoresPairs, pairs: pd.DataFrame) -> Floats:
    scores = np.asarray(member.scores(pairs), dtype=np.float64)
    return np.asarray(logit(np.clip(scores, _LEAST, 1 - _LEAST)))
