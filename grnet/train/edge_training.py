"""Training on known edges of a graph, with what is asked kept out of the messages."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from grnet import _checks
from grnet.graph.vocabulary import REGULATES
from grnet.models.encoders import EdgeModelConfig
from grnet.train._edge_graph import with_training_edges
from grnet.train._edge_run import trained
from grnet.train._resuming import fingerprint
from grnet.train.calibration import Kind
from grnet.train.edge_fit import EdgeEnsemble, EdgeFit
from grnet.train.edges import EdgeSplit
from grnet.train.fitting import FitSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from anndata import AnnData
    from torch_geometric.data import HeteroData

_OPTIONS = ("config", "settings", "pair_features", "neighbours", "class_prior", "calibrate", "seed")


def fit_edges(  # noqa: PLR0913 - one more than usual: how pairs, graph and labels are read
    data: "HeteroData",
    split: EdgeSplit,
    *,
    config: EdgeModelConfig | None = None,
    settings: FitSettings | None = None,
    pair_features: bool = True,
    neighbours: int | Literal["all"] | None = None,
    class_prior: float | None = None,
    calibrate: Kind | None = None,
    seed: int = 0,
    folder: str | None = None,
) -> EdgeFit:
    """Train a graph neural network to tell known edges from pairs that are none.

    Parameters
    ----------
    data
        A graph with features, as :func:`grnet.graph.build` makes it.
    split
        Labelled pairs. **The known edges of the graph are replaced by the edges that train**:
        nothing of validation and test, nor what the split left out, is heard in any message.
    config
        Of the model; by default ``EdgeModelConfig.of(data)``.
    settings
        Of the training; the epoch with the best AUPRC of the validation pairs counts.
    pair_features
        Show the decoder the :class:`PairEvidence` of each pair beside the vectors of both ends.
    neighbours
        How many a node hears along each type of edge in training, drawn anew for every batch;
        ``"all"`` passes messages over the whole graph. By default all up to a million nodes and
        edges, 10 above. Scores are always heard from all.
    class_prior
        Share of edges among the pairs labelled 0, which are then unlabelled: the loss is the
        non-negative risk of positive and unlabelled pairs.
    calibrate
        ``"isotonic"`` or ``"temperature"``: scores are calibrated on the validation pairs, see
        :func:`fit_calibration`.
    seed
        Of weights, order, neighbours and dropout.
    folder
        As for :func:`fit`.

    Returns
    -------
    EdgeFit

    Raises
    ------
    ValueError
        If a TF or gene of the split is not in the graph.

    Notes
    -----
    In training the edges of a batch are taken out of the messages, so that training pairs look like
    those that will be asked. Half of the pairs, at most 8,192, make a batch; 4,096 with neighbours
    drawn.

    ``class_prior`` pays where most edges are not listed, and its value is about known: of planted
    edges of which one in five was listed, those hidden among the pairs labelled 0 were told from
    the others at an AUROC of 0.86 to 0.93, by cross entropy at 0.52 to 0.55 (three seeds); of edges
    of which half was listed at 0.89 to 1.00 and 0.88 to 0.95.

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    >>> known = adata.uns["grnet_truth"]
    >>> data = gn.graph.build(adata, known=known, n_components=4)
    >>> split = gn.train.split_edges(known, tfs=data["tf"].name, genes=data["gene"].name)
    >>> quick = gn.train.FitSettings(max_epochs=2)
    >>> gn.train.fit_edges(data, split, settings=quick).fit.best_epoch in (0, 1)
    True
    """
    graph = with_training_edges(data, split)
    if config is not None and config.kind != "none" and REGULATES not in config.relations:
        message = (
            f"The model hears {_checks.examples(config.relations)} and no known edges: make its "
            "config from a graph that was built with known=, or leave config= out."
        )
        raise ValueError(message)
    return trained(
        graph,
        split,
        config=config or EdgeModelConfig.of(graph),
        settings=settings,
        pair_features=pair_features,
        neighbours=neighbours,
        class_prior=class_prior,
        calibrate=calibrate,
        seed=seed,
        folder=folder,
    )


def fit_edge_ensemble(
    data: "HeteroData",
    split: EdgeSplit,
    *,
    n_members: int = 5,
    config: EdgeModelConfig | None = None,
    calibrate: Kind | None = None,
    seed: int = 0,
    folder: str | None = None,
    **options: Any,  # noqa: ANN401 - handed through to each training
) -> EdgeEnsemble:
    """Train several models of edges that differ in their seed, to answer together.

    Parameters
    ----------
    data, split, config
        As for :func:`fit_edges`.
    n_members
        How many; each costs a training.
    calibrate
        Of the mean of the members on the validation pairs, as for :func:`fit_edges`.
    seed
        Of the first member; the others have the next ones.
    folder
        Holds a folder for each member, as for :func:`fit`.
    **options
        Others of :func:`fit_edges`.

    Returns
    -------
    EdgeEnsemble

    Raises
    ------
    ValueError
        As :func:`fit_edges`.

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    >>> known = adata.uns["grnet_truth"]
    >>> data = gn.graph.build(adata, known=known, n_components=4)
    >>> split = gn.train.split_edges(known, tfs=data["tf"].name, genes=data["gene"].name)
    >>> quick = gn.train.FitSettings(max_epochs=1)
    >>> both = gn.train.fit_edge_ensemble(data, split, n_members=2, settings=quick)
    >>> len(both.scores(split.test)) == len(split.test)
    True
    """
    _checks.whole(n_members, 1, 1000, what="n_members")
    members = [
        fit_edges(
            data,
            split,
            config=config,
            seed=seed + number,
            folder=None if folder is None else str(Path(folder) / f"member_{number}"),
            **options,
        )
        for number in range(n_members)
    ]
    found = EdgeEnsemble(members=members)
    return found if calibrate is None else found.calibrated(split.validation, kind=calibrate)


def edge_scorer(
    data: "HeteroData",
    *,
    n_members: int = 1,
    folder: str | None = None,
    **options: Any,  # noqa: ANN401 - handed through, to two places
) -> "Callable[[EdgeSplit, AnnData], npt.NDArray[np.float32]]":
    """Return what :func:`grnet.evaluate.supervised_benchmark` asks of a method.

    Parameters
    ----------
    data
        A graph.
    n_members
        Models that answer together, see :func:`fit_edge_ensemble`.
    folder
        Holds a folder for each split, as for :func:`fit`.
    **options
        Others of :func:`fit_edges`; settings of :class:`grnet.models.EdgeModelConfig` (``kind``,
        ``decoder``, ...) may stand among them.

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
    >>> quick = gn.train.FitSettings(max_epochs=2)
    >>> score = gn.train.edge_scorer(data, kind="gatv2", settings=quick)
    >>> len(score(split, adata)) == len(split.test)
    True
    """
    of_model = {key: options.pop(key) for key in list(options) if key not in _OPTIONS}

    if of_model and "config" in options:
        message = f"config= settles what {_checks.examples(of_model)} would: give one of the two."
        raise ValueError(message)

    def score(split: EdgeSplit, _: "AnnData") -> npt.NDArray[np.float32]:
        graph = with_training_edges(data, split)
        given = {"config": EdgeModelConfig.of(graph, **of_model)} if of_model else {}
        own = {**options, **given, "folder": folder_of(split, folder)}
        if n_members == 1:
            return fit_edges(graph, split, **own).scores(split.test)
        return fit_edge_ensemble(graph, split, n_members=n_members, **own).scores(split.test)

    return score


def folder_of(split: EdgeSplit, folder: str | None) -> str | None:
    """Return the folder of a split within another: what one has learnt must not reach the next."""
    if folder is None:
        return None
    pairs = [part.to_csv(index=False) for part in (split.train, split.validation)]
    return str(Path(folder) / f"{split.regime}_{split.negatives}_{fingerprint(*pairs)}")
