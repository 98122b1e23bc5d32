"""What every input of a joint model adds to the logit of one pair, layer by layer."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from grnet._alphabet import Codes
from grnet.dna import dinucleotide_shuffle
from grnet.explain._path import LEAST
from grnet.explain._sites_of_pair import SitesOfPair
from grnet.explain.attribution import Attributions, attributions
from grnet.explain.graph import GraphAttributions, graph_attributions
from grnet.graph import GENE, NEAR, PEAK, TF
from grnet.graph._attributes import edge_attribute
from grnet.models.joint import JointModel

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

Floats = npt.NDArray[np.float64]

_TRIES = 4
_FINEST = 1e-5


class PairEvidence(Protocol):
    """What a layer reads of pairs."""

    names: list[str]

    def at(self, pairs: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return the features of pairs by position, (B, n)."""
        ...


class JointFit(Protocol):
    """A trained joint model and what it reads, as :func:`grnet.train.fit_joint` returns it."""

    @property
    def model(self) -> JointModel:
        """The model."""
        ...

    @property
    def graph(self) -> "HeteroData":
        """The graph of all layers."""
        ...

    @property
    def views(self) -> "Mapping[str, HeteroData]":
        """The graph as each tower sees it."""
        ...

    @property
    def evidence(self) -> Mapping[str, PairEvidence]:
        """What each tower reads of pairs."""
        ...

    def logits(self, pairs: pd.DataFrame) -> Floats:
        """Return the logits of pairs."""
        ...

    def probabilities(self, logits: Floats) -> npt.NDArray[np.float32]:
        """Return the calibrated probabilities that logits stand for."""
        ...


@dataclass(frozen=True, eq=False, kw_only=True)
class PeakDna:
    """The DNA of the peaks near a gene, and what its bases contribute.

    Attributes
    ----------
    near
        Positions of the peaks among the edges from peaks to genes.
    peaks
        Positions of the peaks.
    codes
        (P, L).
    found
        Attributions of all their DNA in one row, (1, 4, P * L).
    """

    near: npt.NDArray[np.int64]
    peaks: npt.NDArray[np.int64]
    codes: Codes
    found: Attributions

    @property
    def contributions(self) -> Floats:
        """(P, L): what each base contributes."""
        return self.found.contributions.reshape(self.codes.shape).astype(np.float64)

    @property
    def hypothetical(self) -> Floats:
        """(P, 4, L): what each letter would contribute."""
        n, length = self.codes.shape
        wide = self.found.hypothetical[0].reshape(4, n, length)
        return np.asarray(wide.transpose(1, 0, 2), np.float64)


@dataclass(frozen=True, eq=False, kw_only=True)
class JointTerms:
    """The terms of one logit, opened.

    Attributes
    ----------
    logit, baseline
        With all inputs, and with mean features, no edges and shuffled DNA.
    towers
        By tower: attributions of its term before the weight.
    weights
        Of the layers.
    dna
        None where the model reads none, or the gene has no peak.
    """

    logit: float
    baseline: float
    towers: Mapping[str, GraphAttributions]
    weights: Mapping[str, float]
    dna: PeakDna | None

    @property
    def residual(self) -> float:
        """What no contribution explains."""
        towers = sum(self.weights[name] * found.residual for name, found in self.towers.items())
        return towers + (0.0 if self.dna is None else float(self.dna.found.residual[0]))


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How integrated gradients are computed."""

    tolerance: float | None
    n_shuffles: int
    max_steps: int
    seed: int
    device: str


def opened(fit: JointFit, *, source: str, target: str, settings: Settings) -> JointTerms:
    """Return what adds up to the logit of a pair; its own known edge is heard by nobody.

    Layers that speak against each other leave a small difference of logits: their own tolerance is
    tightened until the whole is within it.

    Raises
    ------
    RuntimeError
        If the whole is not, however tight the layers are.
    """
    if settings.tolerance is None:
        return _opened(fit, (source, target), settings)
    tolerance = settings.tolerance
    for _ in range(_TRIES):
        found = _opened(fit, (source, target), replace(settings, tolerance=tolerance))
        allowed = settings.tolerance * max(abs(found.logit - found.baseline), LEAST)
        if abs(found.residual) <= allowed:
            return found
        tolerance = max(tolerance * min(allowed / abs(found.residual), 0.5) / 2, _FINEST)
    message = (
        f"Contributions leave {abs(found.residual):.3g} of logit minus baseline "
        f"({found.logit - found.baseline:.3g}) of {source} -> {target} unexplained, more than the "
        f"tolerance of {settings.tolerance:g}. Raise max_steps={settings.max_steps}, or take them "
        "as they are with tolerance=None and read the residual."
    )
    raise RuntimeError(message)


def _opened(fit: JointFit, names: tuple[str, str], settings: Settings) -> JointTerms:
    model, (source, target) = fit.model, names
    pair = np.array(
        [[list(fit.graph[TF].name).index(source)], [list(fit.graph[GENE].name).index(target)]]
    )
    weights = dict(zip(model.config.layers, map(float, model.weight.detach().cpu()), strict=True))
    towers = {}
    for name, view in fit.views.items():
        evidence = fit.evidence[name]
        towers[name] = graph_attributions(
            model.towers[name], view, source=source, target=target,
            features=pd.Series(evidence.at(pair)[0], index=evidence.names),
            tolerance=settings.tolerance, max_steps=settings.max_steps, seed=settings.seed,
            device=settings.device,
        )  # fmt: skip
    bias = float(model.bias.detach())
    logit = bias + sum(weights[name] * found.logit for name, found in towers.items())
    baseline = bias + sum(weights[name] * found.baseline for name, found in towers.items())
    dna = None
    if "dna" in weights:
        dna = _dna(fit, pair, settings)
        if dna is None:
            alone = weights["dna"] * float(model.sites.bias[pair[0, 0]].detach())
            logit, baseline = logit + alone, baseline + alone
        else:
            logit += float(dna.found.outputs[0])
            baseline += float(dna.found.references[0])
    return JointTerms(logit=logit, baseline=baseline, towers=towers, weights=weights, dna=dna)


def _dna(fit: JointFit, pair: npt.NDArray[np.int64], settings: Settings) -> PeakDna | None:
    """Return the attributions of the DNA of the peaks near the gene."""
    tf, gene = int(pair[0, 0]), int(pair[1, 0])
    ends = fit.graph[NEAR].edge_index
    near = torch.nonzero(ends[1] == gene)[:, 0]
    if not len(near):
        return None
    peaks = ends[0, near]
    codes = fit.graph[PEAK].sequence[peaks].numpy()
    link = edge_attribute(fit.graph, NEAR, "weight")
    row = codes.reshape(1, -1)
    asked = SitesOfPair.of(
        fit.model, tf, row=row, n_peaks=len(peaks),
        link=None if link is None else link[near],
        shuffles=dinucleotide_shuffle(row, n=settings.n_shuffles, seed=settings.seed)[0],
    )  # fmt: skip
    found = attributions(
        asked, row, method="integrated_gradients",
        n_shuffles=settings.n_shuffles, tolerance=settings.tolerance,
        max_steps=settings.max_steps, seed=settings.seed, device=settings.device,
    )  # fmt: skip
    return PeakDna(near=near.numpy(), peaks=peaks.numpy(), codes=codes, found=found)
