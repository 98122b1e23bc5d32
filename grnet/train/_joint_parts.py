"""The layers of the joint model, each trained once, and put together in any choice."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from scipy.optimize import minimize
from scipy.special import expit

from grnet import _checks
from grnet.graph import GENE, NEAR, PEAK, TF, with_evidence_profiles
from grnet.graph._attributes import edge_attribute
from grnet.graph._motifs import shares_of_motifs
from grnet.graph._order import sorted_by_name
from grnet.models import EdgeModelConfig, JointModel, JointModelConfig, MotifScanner
from grnet.models._pooled_sites import PooledSites, pooled_affinity, saturated
from grnet.models.joint import LAYERS, PAIR
from grnet.train._edge_graph import positions, with_training_edges
from grnet.train._joint_views import (
    columns_of,
    has_evidence,
    has_profiles,
    read_peaks,
    view,
)
from grnet.train._site_weights import CEILINGS, WORTH, LabelledSites, fitted_weights, validated
from grnet.train.edge_fit import EdgeFit
from grnet.train.edge_training import fit_edges
from grnet.train.edges import EdgeSplit
from grnet.train.fitting import FitSettings
from grnet.train.joint_fit import JointFit

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

Floats = npt.NDArray[np.float64]
Kind = Literal["sage", "gatv2", "hgt", "none"]

_RIDGE = 1e-3
"""Per pair, of the weights of the layers: two that say the same share the weight."""
_LEAST = 1e-6


@dataclass(eq=False, kw_only=True)
class JointParts:
    """A graph, a split, and the layers that have been trained on them so far."""

    data: "HeteroData"
    split: EdgeSplit
    reader: Any
    """A model of sequences with a config, or None."""
    kind: Kind
    settings: FitSettings
    dna_joins_graph: bool
    seed: int
    folder: str | None = None
    _towers: dict[tuple[str, ...], EdgeFit] = field(default_factory=dict)
    _sites: tuple[torch.Tensor, PooledSites] | None = None

    def __post_init__(self) -> None:
        _both_labels(self.split.validation["label"])
        profiled = not has_evidence(self.data) or has_profiles(self.data)
        graph = self.data if profiled else with_evidence_profiles(self.data)
        self.graph = with_training_edges(sorted_by_name(graph), self.split)

    def available(self) -> tuple[str, ...]:
        """Return the layers that the graph has data for."""
        there = {"expression": True, "graph": has_profiles(self.graph), "dna": self.reads_dna()}
        return tuple(layer for layer in LAYERS if there[layer])

    def reads_dna(self) -> bool:
        """Tell whether there are sequences and a model that reads them."""
        kept = has_evidence(self.graph) and "sequence" in self.graph[PEAK]
        return kept and self.reader is not None

    def joined(self, layers: Sequence[str]) -> JointFit:
        """Return the joint model of some layers; their weights come from the validation pairs."""
        fits = {
            name: self.tower(name, layers) for name in ("expression", "graph") if name in layers
        }
        with_dna = "dna" in layers
        with torch.random.fork_rng():  # its first weights are drawn, and replaced
            model = JointModel(self._config(fits, layers))
        for name, found in fits.items():
            model.towers[name].load_state_dict(found.fit.model.state_dict())
        said = None
        if with_dna:
            said, sites = self.sites()
            model.sites.load_state_dict(sites.state_dict())
            model.reader.load_state_dict(self.reader.state_dict())
        joint = JointFit(
            model=model.eval(), graph=self.graph, said=said, device=self.settings.device,
            views={name: found.graph for name, found in fits.items()},
            evidence={name: found.evidence for name, found in fits.items() if found.evidence},
        )  # fmt: skip
        validation = self.split.validation
        weights, bias = layer_weights(joint.terms(validation), validation["label"])
        with torch.no_grad():
            model.weight.copy_(torch.tensor(weights, dtype=torch.float32))
            model.bias.fill_(bias)
        return replace(joint, facts=dict(zip(joint.layers, map(float, weights), strict=True)))

    def tower(self, name: str, layers: Sequence[str]) -> EdgeFit:
        """Return the tower of the expression, or that of the graph, which hears the others too."""
        joins = name == "graph" and self._joins(layers)
        hears = tuple(layer for layer in layers if layer != "dna" or joins)
        hears = ("expression",) if name == "expression" else hears
        if hears not in self._towers:
            seen = view(
                self.graph,
                [layer for layer in hears if layer != "dna"],
                of_peaks=self._of_peaks() if joins else None,
            )
            self._towers[hears] = fit_edges(
                seen,
                self.split,
                config=EdgeModelConfig.of(seen, kind=self.kind if name == "graph" else "none"),
                settings=self.settings,
                seed=self.seed,
                folder=None if self.folder is None else f"{self.folder}/{'_'.join([name, *hears])}",
            )
        return self._towers[hears]

    def sites(self) -> tuple[torch.Tensor, PooledSites]:
        """Return what the sequence model says of the peaks, and each TF's weights of it."""
        if self._sites is None:
            said = read_peaks(self.reader, self.graph, device=self.settings.device)
            self._sites = said, self._weighed(said)
        return self._sites

    def _weighed(self, said: torch.Tensor) -> PooledSites:
        """Return each TF's weights of the sites, levelled off where validation pairs gain by it."""
        plain_score, plain = self._under_ceiling(said, np.inf)
        tried = [self._under_ceiling(said, height) for height in CEILINGS]
        score, levelled = max(tried, key=lambda found: found[0])
        return levelled if score > WORTH * plain_score else plain

    def _under_ceiling(self, said: torch.Tensor, height: float) -> tuple[float, PooledSites]:
        """Return the weights below a ceiling in standard deviations, and their AUPRC."""
        layer = PooledSites(said.shape[1], n_tfs=self.graph[TF].num_nodes)
        _locate(layer.peak_mean, layer.peak_scale, said)
        layer.ceiling.copy_(layer.peak_mean + height * layer.peak_scale)
        level = saturated(said, layer.ceiling)
        _locate(layer.peak_mean, layer.peak_scale, level)
        peak, gene = self.graph[NEAR].edge_index
        pooled, has_peak = pooled_affinity(
            level[peak],
            gene,
            link=edge_attribute(self.graph, NEAR, "weight"),
            n_genes=self.graph[GENE].num_nodes,
        )
        _locate(layer.mean, layer.scale, pooled[has_peak])
        seen = torch.where(has_peak[:, None], (pooled - layer.mean) / layer.scale, 0.0).numpy()
        train, validation = (
            LabelledSites.of(positions(self.graph, part), seen, part["label"])
            for part in (self.split.train, self.split.validation)
        )
        weight, bias = fitted_weights(train, validation, self._own_motifs(said.shape[1]))
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(weight))
            layer.bias.copy_(torch.from_numpy(bias))
        return validated(validation, weight, bias), layer

    def _own_motifs(self, n_features: int) -> Floats:
        """Return which outputs of the sequence model are motifs of each TF, as shares of 1."""
        if isinstance(self.reader, MotifScanner):
            own = shares_of_motifs(self.graph)
            if own.shape[1] == n_features:
                return own
        return np.zeros((self.graph[TF].num_nodes, n_features))

    def _joins(self, layers: Sequence[str]) -> bool:
        return self.dna_joins_graph and "dna" in layers

    def _of_peaks(self) -> torch.Tensor:
        said, sites = self.sites()
        return sites.scaled(said)

    def _config(self, fits: Mapping[str, EdgeFit], layers: Sequence[str]) -> JointModelConfig:
        columns: dict[str, dict[str, tuple[int, ...]]] = {}
        first = 0
        for name, found in fits.items():
            hears = ["expression"] if name == "expression" else [a for a in layers if a != "dna"]
            n_own = len(found.evidence.names) if found.evidence is not None else 0
            columns[name] = {
                **columns_of(self.graph, hears),
                PAIR: tuple(range(first, first + n_own)),
            }
            first += n_own
        dna: dict[str, Any] = {}
        if "dna" in layers:
            dna = {
                "sequence_model": type(self.reader).__name__,
                "sequence_config": asdict(self.reader.config),
                "n_sequence_features": int(self.sites()[0].shape[1]),
                "n_tfs": self.graph[TF].num_nodes,
                "dna_joins_graph": "graph" in layers and self._joins(layers),
            }
        towers: dict[str, Any] = {name: found.fit.model.config for name, found in fits.items()}
        return JointModelConfig(**towers, columns=columns, **dna)


def layer_weights(terms: pd.DataFrame, labels: pd.Series) -> tuple[Floats, float]:
    """Return weights of the layers, none negative, and a bias: a logistic regression.

    A layer that says the same of all pairs has the weight 0.
    """
    y = labels.to_numpy(np.float64)
    raw = terms.to_numpy(np.float64)
    mean, spread = raw.mean(axis=0), raw.std(axis=0)
    spread = np.where(spread > _LEAST, spread, np.inf)
    x = (raw - mean) / spread

    def loss(values: Floats) -> tuple[float, Floats]:
        logits = x @ values[:-1] + values[-1]
        error = (expit(logits) - y) / len(y)
        ridge = _RIDGE * values[:-1]
        total = np.logaddexp(0, logits).mean() - (y @ logits) / len(y) + ridge @ values[:-1] / 2
        return float(total), np.append(x.T @ error + ridge, error.sum())

    start = np.append(np.full(x.shape[1], 1.0 / x.shape[1]), 0.0)
    bounds = [(0.0, None)] * x.shape[1] + [(None, None)]
    best: Floats = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    weights = best[:-1] / spread
    return weights, float(best[-1] - weights @ mean)


def _both_labels(labels: pd.Series) -> None:
    found = labels.nunique()
    if found < 2:
        message = (
            f"{len(labels)} validation pairs with labels {_checks.examples(labels.unique())}: the "
            "layers are weighed by edges and others that did not train. Give split_edges a larger "
            "share of validation."
        )
        raise ValueError(message)


def _locate(mean: torch.Tensor, scale: torch.Tensor, values: torch.Tensor) -> None:
    """Write mean and standard deviation of the columns; columns that do not vary have scale 1."""
    spread = values.std(0, correction=0)
    mean.copy_(values.mean(0))
    scale.copy_(torch.where(spread > _LEAST, spread, 1.0))
