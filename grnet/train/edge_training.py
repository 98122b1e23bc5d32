"""Training on known edges of a graph, with what is asked kept out of the messages."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import nn
from torch.nn import functional

from grnet.graph.vocabulary import GENE, REGULATES, opposite
from grnet.models.encoders import EdgeModel, EdgeModelConfig, Edges, Nodes
from grnet.models.prediction import evaluating
from grnet.train._positions import positions
from grnet.train.edges import EdgeSplit
from grnet.train.fitting import Fit, FitSettings, fit
from grnet.train.metrics import task_scores
from grnet.train.pair_evidence import PairEvidence

if TYPE_CHECKING:
    from anndata import AnnData
    from torch_geometric.data import HeteroData

Batch = Mapping[str, torch.Tensor]

MAX_BATCH = 8192
EDGE_SETTINGS = FitSettings(
    max_epochs=100, learning_rate=3e-3, weight_decay=1e-3, schedule="constant", patience=20
)


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
        What the decoder sees of pairs, None where it sees the vectors of both ends alone.

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

    def scores(self, pairs: pd.DataFrame, *, device: str = "auto") -> npt.NDArray[np.float32]:
        """Return the probability that each pair is an edge.

        Parameters
        ----------
        pairs
            ``source, target``: TFs and genes of the graph.
        device
            ``"auto"`` takes CUDA where there is one.

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
        asked = LabelledPairs(
            positions(self.graph, pairs),
            np.zeros(len(pairs), dtype=np.float32),
            features=None if self.evidence is None else self.evidence.of(pairs),
        )
        with evaluating(self.fit.model, device=device) as where:
            x, edges = _on(self.graph, where)
            parts = []
            for rows in torch.split(torch.arange(len(asked)), MAX_BATCH):
                batch = {key: value.to(where) for key, value in asked.take(rows).items()}
                parts.append(_logits(self.fit.model, x, edges, batch=batch).sigmoid().cpu())
        return np.asarray(torch.cat(parts).numpy(), dtype=np.float32)

    def __repr__(self) -> str:
        """Return the fit."""
        return f"EdgeFit({self.fit!r})"


class LabelledPairs:
    """Pairs of positions with labels, and features where the model wants some, in batches."""

    def __init__(
        self,
        pairs: npt.NDArray[np.int64],
        labels: npt.NDArray[np.float32],
        *,
        features: npt.NDArray[np.float32] | None = None,
    ) -> None:
        self.pairs, self.labels = torch.from_numpy(pairs), torch.from_numpy(labels)
        self.features = None if features is None else torch.from_numpy(features)

    def __len__(self) -> int:
        """Return the number of pairs."""
        return self.pairs.shape[1]

    def __getitems__(self, indices: list[int]) -> dict[str, torch.Tensor]:
        """Return ``pairs`` (2, B), ``y`` (B,), and ``features`` (B, n) where there are some."""
        return self.take(torch.tensor(indices))

    def take(self, rows: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return a batch."""
        batch = {"pairs": self.pairs[:, rows], "y": self.labels[rows]}
        return batch if self.features is None else {**batch, "features": self.features[rows]}


class EdgeObjective:
    """Binary cross entropy of pairs that are kept out of the messages of their own batch."""

    monitor: str = "auprc"
    mode: Literal["min", "max"] = "max"

    def __init__(self, graph: "HeteroData") -> None:
        self._graph = graph
        self._n_genes = len(graph[GENE].name)

    def answer(self, model: nn.Module, batch: Batch) -> torch.Tensor:
        """Return logits, from the graph without the pairs that are asked."""
        pairs = batch["pairs"]
        x, edges = _on(self._graph, pairs.device)
        known = edges[REGULATES]
        asked = pairs[0] * self._n_genes + pairs[1]
        left = known[:, ~torch.isin(known[0] * self._n_genes + known[1], asked)]
        return _logits(model, x, _with_known(edges, left), batch=batch).float()

    def loss(self, answer: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Return the mean cross entropy."""
        return functional.binary_cross_entropy_with_logits(answer, batch["y"])

    def outputs(self, answer: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Return the logits."""
        del batch
        return answer

    def targets(self, batch: Batch) -> torch.Tensor:
        """Return the labels."""
        return batch["y"]

    def metrics(self, outputs: torch.Tensor, targets: torch.Tensor) -> dict[str, float]:
        """Return the figures over all pairs."""
        scores = task_scores(targets.numpy()[:, None], outputs.numpy()[:, None], raw=True).iloc[0]
        found = {str(key): float(value) for key, value in scores.drop("n").items()}
        return {key: value if np.isfinite(value) else 0.0 for key, value in found.items()}


def fit_edges(
    data: "HeteroData",
    split: EdgeSplit,
    *,
    config: EdgeModelConfig | None = None,
    settings: FitSettings | None = None,
    pair_features: bool = True,
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
    seed
        Of weights, order and dropout.
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
    those that will be asked. Half of the pairs, at most 8,192, make a batch.

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
    evidence = PairEvidence(graph, split, seed=seed) if pair_features else None
    chosen = replace(
        config or EdgeModelConfig.of(graph),
        n_pair_features=0 if evidence is None else len(evidence.names),
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = EdgeModel(chosen)
    train, validation = (
        LabelledPairs(
            positions(graph, part), part["label"].to_numpy(dtype=np.float32), features=features
        )
        for part, features in (
            (split.train, None if evidence is None else evidence.train),
            (split.validation, None if evidence is None else evidence.of(split.validation)),
        )
    )
    usual = FitSettings(
        **{**vars(EDGE_SETTINGS), "batch_size": min(-(-len(train) // 2), MAX_BATCH)}
    )
    done = fit(
        model,
        train,
        validation=validation if len(validation) else None,
        objective=EdgeObjective(graph),
        settings=settings or usual,
        seed=seed,
        folder=folder,
    )
    return EdgeFit(fit=done, graph=graph, evidence=evidence)


def edge_scorer(
    data: "HeteroData",
    **options: Any,  # noqa: ANN401 - handed through, to two places
) -> "Callable[[EdgeSplit, AnnData], npt.NDArray[np.float32]]":
    """Return what :func:`grnet.evaluate.supervised_benchmark` asks of a method.

    Parameters
    ----------
    data
        A graph.
    **options
        Of :func:`fit_edges`; settings of :class:`grnet.models.EdgeModelConfig` (``kind``,
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
    own = {key: options.pop(key) for key in list(options) if key not in _FIT_OPTIONS}

    def score(split: EdgeSplit, _: "AnnData") -> npt.NDArray[np.float32]:
        graph = with_training_edges(data, split)
        config = EdgeModelConfig.of(graph, **own)
        return fit_edges(graph, split, config=config, **options).scores(split.test)

    return score


_FIT_OPTIONS = ("settings", "pair_features", "seed", "folder")


def with_training_edges(data: "HeteroData", split: EdgeSplit) -> "HeteroData":
    """Return a graph whose known edges, both ways, are those that train."""
    graph = data.clone()
    positive = split.train[split.train["label"] == 1]
    known = torch.from_numpy(positions(graph, positive))
    for edge_type, index in ((REGULATES, known), (opposite(REGULATES), known.flip(0))):
        if edge_type in graph.edge_types:
            del graph[edge_type]
        graph[edge_type].edge_index = index
    return graph


def _logits(model: nn.Module, x: Nodes, edges: Edges, *, batch: Batch) -> torch.Tensor:
    own = {"features": batch["features"]} if "features" in batch else {}
    logits: torch.Tensor = model(x, edges, batch["pairs"], **own)
    return logits


def _on(
    graph: "HeteroData", device: torch.device
) -> tuple[dict[str, torch.Tensor], dict[tuple[str, str, str], torch.Tensor]]:
    """Return features and edges on a device."""
    x = {kind: value.to(device) for kind, value in graph.x_dict.items()}
    edges = {kind: index.to(device) for kind, index in graph.edge_index_dict.items()}
    return x, edges


def _with_known(
    edges: dict[tuple[str, str, str], torch.Tensor], known: torch.Tensor
) -> dict[tuple[str, str, str], torch.Tensor]:
    return {**edges, REGULATES: known, opposite(REGULATES): known.flip(0)}
