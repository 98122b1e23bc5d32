"""What the training of the joint model gives, and how it answers."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from grnet.graph import GENE, NEAR
from grnet.graph._attributes import edge_attribute
from grnet.models.joint import JointModel
from grnet.models.prediction import evaluating
from grnet.train._edge_encoding import PAIRS, pair_logits
from grnet.train._edge_graph import positions
from grnet.train.calibration import Calibration, Kind
from grnet.train.edge_fit import calibration_of, probabilities
from grnet.train.pair_evidence import PairEvidence

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

    from grnet.models.encoders import EdgeModel

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class JointFit:
    """A trained joint model, and all that it reads.

    Parameters
    ----------
    model
        The model.
    graph
        The graph of all layers, its nodes sorted by name; its known edges are those of the
        training.
    views
        By tower: the graph as the tower sees it.
    evidence
        By tower: what it reads of pairs.
    said
        What the sequence model says of each peak, (P, F); None without DNA.
    device
        Where it was trained.
    calibration
        Applied to the scores, where there is one.
    facts
        The weights of the layers, by name.

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    >>> known = adata.uns["grnet_truth"]
    >>> data = gn.graph.build(adata, known=known, n_components=4)
    >>> split = gn.train.split_edges(known, tfs=data["tf"].name, genes=data["gene"].name)
    >>> quick = gn.train.FitSettings(max_epochs=1)
    >>> gn.train.fit_joint(data, split, settings=quick)
    JointFit(expression)
    """

    model: JointModel
    graph: "HeteroData"
    views: "Mapping[str, HeteroData]"
    evidence: Mapping[str, PairEvidence]
    said: torch.Tensor | None = None
    device: str = "auto"
    calibration: Calibration | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def layers(self) -> tuple[str, ...]:
        """What the model reads."""
        return self.model.config.layers

    def terms(self, pairs: pd.DataFrame, *, device: str | None = None) -> pd.DataFrame:
        """Return what each layer adds to the logit of each pair.

        Parameters
        ----------
        pairs
            ``source, target``: TFs and genes of the graph, no training pairs.
        device
            By default that of the training; ``"auto"`` takes CUDA where there is one.

        Returns
        -------
        DataFrame
            A row for each pair and a column for each layer; with the bias of the model they add up
            to the logit.

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
        >>> gn.train.fit_joint(data, split, settings=quick).terms(split.test).columns.tolist()
        ['expression']
        """
        asked, device = positions(self.graph, pairs), device or self.device
        found = {}
        for name, view in self.views.items():
            tower: EdgeModel = self.model.towers[name]  # type: ignore[assignment]
            found[name] = pair_logits(
                tower, view, asked, evidence=self.evidence[name], device=device
            )
        if self.said is not None:
            found["dna"] = self._of_sites(asked, device=device)
        weights = self.model.weight.detach().cpu().numpy().astype(np.float64)
        columns = {
            name: weight * values
            for weight, (name, values) in zip(weights, found.items(), strict=True)
        }
        return pd.DataFrame(columns, index=pairs.index)

    def logits(self, pairs: pd.DataFrame, *, device: str | None = None) -> Floats:
        """Return the logit of each pair, before any calibration; arguments as for ``terms``."""
        total = self.terms(pairs, device=device).sum(axis=1).to_numpy()
        return np.asarray(total + float(self.model.bias.detach()))

    def scores(self, pairs: pd.DataFrame, *, device: str | None = None) -> npt.NDArray[np.float32]:
        """Return the probability that each pair is an edge; arguments as for ``terms``."""
        return self.probabilities(self.logits(pairs, device=device))

    def probabilities(self, logits: Floats) -> npt.NDArray[np.float32]:
        """Return the probabilities that logits stand for, calibrated where the fit is."""
        return probabilities(logits, self.calibration)

    def calibrated(self, pairs: pd.DataFrame, *, kind: Kind = "isotonic") -> "JointFit":
        """Return the same fit with a calibration on labelled pairs that did not train."""
        fitted = calibration_of(self.logits(pairs), pairs, kind)
        return dataclasses.replace(self, calibration=fitted)

    def pair_features(self, pairs: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return what the model reads of pairs (2, B) themselves, by position: (B, n)."""
        parts = [self.evidence[name].at(pairs) for name in self.views]
        if not parts:
            return np.zeros((pairs.shape[1], 0), dtype=np.float32)
        return np.concatenate(parts, axis=1)

    @property
    def pair_feature_names(self) -> list[str]:
        """The names of the columns of ``pair_features``, by tower."""
        return [f"{tower}: {name}" for tower in self.views for name in self.evidence[tower].names]

    def _of_sites(self, asked: npt.NDArray[np.int64], *, device: str) -> Floats:
        """Return the term of the DNA before its weight."""
        parts = []
        with evaluating(self.model, device=device) as where:
            said, near = self.said.to(where), self.graph[NEAR].edge_index.to(where)  # type: ignore[union-attr]
            link = edge_attribute(self.graph, NEAR, "weight")
            link = None if link is None else link.to(where)
            n_genes = self.graph[GENE].num_nodes
            for start in range(0, asked.shape[1], PAIRS):
                block = torch.from_numpy(asked[:, start : start + PAIRS]).to(where)
                term = self.model.sites(said, near, block, link=link, n_genes=n_genes)
                parts.append(term.double().cpu().numpy())
        return np.concatenate(parts) if parts else np.zeros(0)

    def __repr__(self) -> str:
        """Return the layers."""
        return f"JointFit({', '.join(self.layers)})"
