"""network(): from AnnData to a GRN, whatever the method."""

import logging
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from anndata import AnnData

import grnet
from grnet import _checks
from grnet._progress import progress
from grnet._registry import Method
from grnet._torch import resolve_device
from grnet.grn import GRN
from grnet.infer._edges import Candidates, strongest
from grnet.infer._inputs import MIN_CELLS, Inputs, expression_of, gather
from grnet.infer._knowledge import Knowledge, Known
from grnet.infer._memory import check_memory
from grnet.infer._prior import Prior, PriorMode, Priors, known_regions, read_prior
from grnet.infer._scored import run_kernel
from grnet.infer.calibrate import (
    PermutationNull,
    Stability,
    benjamini_hochberg,
    n_permutations,
    resampled,
)
from grnet.infer.catalogue import METHODS

if TYPE_CHECKING:
    from mudata import MuData
    from torch_geometric.data import HeteroData

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Request:
    """What the user asked for, checked."""

    method: Method
    options: dict[str, Any]
    prior: Priors | None
    prior_mode: PriorMode
    n_top: int | Literal["auto"] | None
    n_bootstrap: int
    fdr: float | None
    seed: int
    device: str
    knowledge: Knowledge

    def __post_init__(self) -> None:
        self._check_knowledge()
        for option in self.options:
            choices = tuple(self.method.options)
            if not choices:
                message = f"{self.method.name} takes no option {option!r}; it takes none."
                raise ValueError(message)
            _checks.one_of(option, choices, f"option of {self.method.name}")
        if self.n_top not in (None, "auto") and (isinstance(self.n_top, str) or self.n_top < 1):
            message = f"n_top={self.n_top!r}: expected a positive number, 'auto', or None for all."
            raise ValueError(message)
        _checks.in_range(self.n_bootstrap, 0, 10_000, what="n_bootstrap")
        if self.fdr is not None:
            _checks.in_range(self.fdr, 0.001, 1.0, what="fdr")

    def _check_knowledge(self) -> None:
        for what in self.knowledge.given():
            if what not in self.method.takes:
                able = [name for name, method in METHODS.items() if what in method.takes]
                message = (
                    f"{self.method.name} does not learn from {what}=: choose method="
                    f"{' or '.join(map(repr, able))}, or give what is known as prior=."
                )
                raise ValueError(message)

    def layers(self, inputs: Inputs) -> Prior | None:
        """Return what the prior says of each pair, None without a prior."""
        if self.prior is None:
            return None
        return read_prior(self.prior, inputs, mode=self.prior_mode)

    def scored(
        self,
        inputs: Inputs,
        *,
        prior: Prior | None = None,
        reference: object | None = None,
    ) -> Candidates:
        """Run the kernel and return all candidate pairs."""
        result = run_kernel(
            self.method.kernel,
            inputs.x,
            inputs.matrix,
            inputs.own,
            rng=np.random.default_rng(self.seed),
            device=resolve_device(self.device),
            reference=reference,
            **self.knowledge.of(inputs),
            **self.options,
        )
        scores, columns = result.scores, result.columns
        if prior is not None:
            scores = prior.applied(scores, inputs.own)
            columns = {**columns, "score": result.scores, **prior.layers}
        columns = {name: values.ravel() for name, values in columns.items()}
        return Candidates(
            inputs, scores.ravel(), result.tested.ravel(), columns, result.facts, result.reference
        )

    def repeats(self, what: str, n: int) -> Iterator[np.random.Generator]:
        """Yield a generator per repetition, behind a progress bar."""
        seeds = np.random.SeedSequence(self.seed).spawn(n)
        yield from progress((np.random.default_rng(s) for s in seeds), what, total=n)


def _add_null(candidates: Candidates, eligible: np.ndarray, request: _Request) -> None:
    """Add the columns pvalue and fdr."""
    inputs, reference = candidates.inputs, candidates.reference
    n_null = n_permutations(request.fdr or 1.0)
    generators = request.repeats("permutations", n_null + (reference is not None))
    if reference is not None:
        # real and permuted data are exchangeable only before a third: one more permutation
        reference = request.scored(inputs.permuted(next(generators))).reference
        candidates = replace(candidates, tested=request.scored(inputs, reference=reference).tested)
    null = PermutationNull(candidates.tested[eligible])
    for rng in generators:
        shuffled = request.scored(inputs.permuted(rng), reference=reference)
        null.add(shuffled.tested[eligible])
    for name, values in (
        ("pvalue", null.pvalues()),
        ("fdr", benjamini_hochberg(null.pvalues())),
    ):
        column = np.ones(len(candidates.scores))
        column[eligible] = values
        candidates.columns[name] = column


def _add_stability(
    candidates: Candidates, n_top: int, *, prior: Prior | None, request: _Request
) -> None:
    """Add the column stability."""
    stability = Stability(len(candidates.scores), n_top)
    for rng in request.repeats("resamples", request.n_bootstrap):
        resample = resampled(candidates.inputs, rng)
        stability.add(request.scored(resample, prior=prior).strength)
    candidates.columns["stability"] = stability.shares()


def _eligible(candidates: Candidates, prior: Prior | None) -> np.ndarray:
    """Return which pairs are candidates at all: not a gene with itself, not outside the prior."""
    inputs = candidates.inputs
    allowed = inputs.regulators.to_numpy()[:, None] != inputs.genes.to_numpy()[None, :]
    if prior is not None and prior.allowed is not None:
        allowed &= prior.allowed
    return np.asarray(allowed.ravel())


def _one_network(
    inputs: Inputs, request: _Request, *, of: str = ""
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Infer the edges of one group of cells (``of`` names it), and the facts about them."""
    check_memory(len(inputs.regulators) * len(inputs.genes))
    prior = request.layers(inputs)
    candidates = request.scored(inputs, prior=prior)
    eligible = _eligible(candidates, prior)
    n_kept = candidates.n_kept(request.n_top)
    strength = candidates.strength
    if request.fdr is not None:
        _add_null(candidates, eligible, request)
        strength = np.where(candidates.columns["fdr"] <= request.fdr, strength, 0.0)
    kept = strongest(strength, n_kept)
    if request.n_bootstrap:
        _add_stability(candidates, max(len(kept), 1), prior=prior, request=request)
    edges = candidates.edges(kept)
    if edges.empty:
        _explain_empty(candidates, request, of=of)
    return edges, {"candidates": int(eligible.sum()), "kept": len(edges), **candidates.facts}


def _explain_empty(candidates: Candidates, request: _Request, *, of: str) -> None:
    n_scored = int(np.count_nonzero(candidates.scores))
    if request.fdr is not None and n_scored:
        smallest = float(candidates.columns["fdr"].min())
        warnings.warn(
            f"No edge{of} passes fdr={request.fdr}: the smallest FDR of {n_scored} scored pairs is "
            f"{smallest:.3g}. The network is empty; it says that chance explains these data.",
            UserWarning,
            stacklevel=5,
        )
        return
    message = (
        f"Every one of the {len(candidates.scores)} candidate pairs{of} scores zero: the "
        f"{len(candidates.inputs.regulators)} regulators or all targets are constant over the "
        f"{candidates.inputs.matrix.shape[0]} cells. Filter genes first (gn.pp.filter), or check "
        "layer=."
    )
    raise ValueError(message)


def _groups(adata: AnnData, groupby: str) -> dict[str, np.ndarray]:
    """Return the cells of each group that is large enough."""
    _checks.one_of(groupby, list(adata.obs.columns), "column of adata.obs (groupby)")
    labels = adata.obs[groupby].astype(str).to_numpy()
    sizes = {name: np.flatnonzero(labels == name) for name in sorted(set(labels))}
    large = {name: cells for name, cells in sizes.items() if len(cells) >= MIN_CELLS}
    small = sorted(set(sizes) - set(large))
    if not large:
        message = (
            f"No group of {groupby!r} has {MIN_CELLS} cells or more: {len(sizes)} groups, the "
            f"largest of {max(map(len, sizes.values()))}. Choose a coarser grouping."
        )
        raise ValueError(message)
    if small:
        warnings.warn(
            f"{len(small)} group(s) of {groupby!r} have fewer than {MIN_CELLS} cells and get no "
            f"network: {_checks.examples(small)}.",
            UserWarning,
            stacklevel=4,
        )
    return large


def network(  # noqa: PLR0913 - one call does the whole job; all but the data is by keyword
    adata: "AnnData | MuData",
    *,
    tfs: str | Path | Iterable[str],
    method: str = "consensus",
    n_top: int | Literal["auto"] | None = "auto",
    groupby: str | None = None,
    prior: Priors | None = None,
    prior_mode: PriorMode = "combine",
    known: Known | None = None,
    graph: "HeteroData | None" = None,
    layer: str | None = None,
    fdr: float | None = None,
    n_bootstrap: int = 0,
    seed: int = 0,
    device: str = "auto",
    **options: Any,  # noqa: ANN401 - the method's own options, checked against the catalogue
) -> GRN:
    """Infer a gene regulatory network from expression.

    Parameters
    ----------
    adata
        Cells x genes, normalised and logged, or a MuData with such an ``rna``; left as it is.
    tfs
        Regulators: ``"human"``, ``"mouse"``, ``"yeast"``, a file, or names.
    method
        A name from ``gn.infer.methods``.
    n_top
        Keep so many of the strongest edges; ``"auto"`` keeps at most a million, None all.
    groupby
        Column of ``adata.obs``: one network per group, named in the edge column ``context``.
    prior, prior_mode
        What is known of the pairs, such as :func:`grnet.cis.prior_network`: a table ``source,
        target`` (and ``weight``), or several, in a list or by name. ``"combine"`` adds them to the
        expression as further layers (Fisher's combination on ranks); the columns ``score`` (of the
        method alone) and one per layer say what came from where, and regions become ``evidence``.
        ``"restrict"`` scores no pair that they do not list.
    known
        Known edges that the method learns from (a table or file of ``source, target`` and,
        optionally, ``label``, 0 for pairs known to be none): methods whose ``takes`` names them.
    graph
        A graph whose peaks and evidence the method reads, see :func:`grnet.graph.build`.
    layer
        Use this layer instead of ``adata.X``.
    fdr
        Keep edges up to this false discovery rate against a permutation null; adds the columns
        ``pvalue`` and ``fdr`` and takes at least 20 runs of the method. The null is "no gene is
        associated with any other": it does not know regulation from co-expression.
    n_bootstrap
        Add the column ``stability``: the share of so many resamples that keep the edge.
    seed, device
        Same seed, same network, whatever the order of genes and cells; ``"auto"`` takes CUDA.
    **options
        The method's own options, e.g. ``n_rounds=200`` for ``boost``; see ``gn.infer.methods``.

    Returns
    -------
    GRN whose ``nodes`` list every candidate and whose ``params`` say how it was made, how many
    candidates there were and how many edges were kept.

    Raises
    ------
    ValueError
        If no regulator is among the genes, names repeat, values are missing, all pairs score 0, or
        the method does not learn from what was given.

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=200, n_genes=60, n_tfs=8)
    >>> gn.pp.normalize(adata)
    >>> grn = gn.infer.network(adata, tfs=adata.var_names[adata.var["is_tf"]], n_top=100)
    >>> len(grn)
    100
    """
    request = _Request(
        METHODS[method], options, prior, prior_mode, n_top, n_bootstrap, fdr, seed, device,
        Knowledge(known, graph),
    )  # fmt: skip
    adata = expression_of(adata)
    if groupby is None:
        inputs = gather(adata, tfs=tfs, layer=layer)
        edges, facts = _one_network(inputs, request)
    else:
        inputs, edges, facts = _network_per_group(adata, request, tfs=tfs, layer=layer, by=groupby)
    return GRN(
        edges,
        evidence=known_regions(prior, edges),
        nodes=pd.DataFrame({"is_tf": inputs.genes.isin(inputs.regulators)}, index=inputs.genes),
        params={
            "method": method,
            "signed": request.method.signed,
            **request.method.options,
            **options,
            "groupby": groupby,
            "layer": layer,
            "prior": None if prior is None else prior_mode,
            "fdr": fdr,
            "n_bootstrap": n_bootstrap or None,
            "cells": adata.n_obs,
            "genes": len(inputs.genes),
            "regulators": len(inputs.regulators),
            **facts,
            "seed": seed,
            "input": inputs.fingerprint(),
            "grnet": grnet.__version__,
        },
    )


def _network_per_group(
    adata: AnnData,
    request: _Request,
    *,
    tfs: str | Path | Iterable[str],
    layer: str | None,
    by: str,
) -> tuple[Inputs, pd.DataFrame, dict[str, Any]]:
    """Infer one network per group of cells; counts of candidates and edges are sums over groups."""
    parts, totals = [], {"candidates": 0, "kept": 0}
    for name, cells in progress(_groups(adata, by).items(), "groups"):
        inputs = gather(adata, tfs=tfs, layer=layer, cells=cells)
        edges, facts = _one_network(inputs, request, of=f" of {by} {name!r}")
        parts.append(edges.assign(context=name))
        totals = {key: totals[key] + facts[key] for key in totals}
    return gather(adata, tfs=tfs, layer=layer), pd.concat(parts, ignore_index=True), totals
