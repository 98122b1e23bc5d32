"""network(): from AnnData to a GRN, whatever the method."""

import logging
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from anndata import AnnData

import grnet
from grnet._progress import progress
from grnet.grn import GRN
from grnet.infer._contexts import Contexts, find_contexts
from grnet.infer._edges import Candidates, strongest
from grnet.infer._inputs import Inputs, expression_of, gather
from grnet.infer._knowledge import Knowledge
from grnet.infer._memory import check_memory
from grnet.infer._prior import Prior, PriorMode, Priors, known_regions
from grnet.infer._request import Request
from grnet.infer._tables import Network
from grnet.infer.calibrate import (
    PermutationNull,
    Stability,
    benjamini_hochberg,
    n_permutations,
    resampled,
)
from grnet.infer.catalogue import METHODS
from grnet.io import read_tfs

if TYPE_CHECKING:
    from mudata import MuData
    from torch_geometric.data import HeteroData

    from grnet.train import JointFit

logger = logging.getLogger(__name__)


def _add_null(candidates: list[Candidates], eligible: np.ndarray, request: Request) -> None:
    """Add the columns pvalue and fdr."""
    inputs, compared = candidates[0].inputs, request.compared()
    real = candidates if compared is request else compared.scored(inputs)
    reference = real[0].reference
    n_null = n_permutations(request.fdr or 1.0)
    generators = request.repeats("permutations", n_null + (reference is not None))
    if reference is not None:
        # real and permuted data are exchangeable only before a third: one more permutation
        reference = compared.scored(inputs.permuted(next(generators)))[0].reference
        real = compared.scored(inputs, reference=reference)
    nulls = [PermutationNull(part.tested[eligible]) for part in real]
    for rng in generators:
        shuffled = compared.scored(inputs.permuted(rng), reference=reference)
        for null, part in zip(nulls, shuffled, strict=True):
            null.add(part.tested[eligible])
    for part, null in zip(candidates, nulls, strict=True):
        for name, values in (
            ("pvalue", null.pvalues()),
            ("fdr", benjamini_hochberg(null.pvalues())),
        ):
            column = np.ones(len(part.scores))
            column[eligible] = values
            part.columns[name] = column


def _add_stability(
    candidates: list[Candidates],
    n_top: list[int],
    *,
    prior: Prior | None,
    request: Request,
) -> None:
    """Add the column stability."""
    stabilities = [
        Stability(len(part.scores), max(n, 1)) for part, n in zip(candidates, n_top, strict=True)
    ]
    for rng in request.repeats("resamples", request.n_bootstrap):
        resample = request.scored(resampled(candidates[0].inputs, rng), prior=prior)
        for stability, part in zip(stabilities, resample, strict=True):
            stability.add(part.strength)
    for part, stability in zip(candidates, stabilities, strict=True):
        part.columns["stability"] = stability.shares()


def _eligible(candidates: Candidates, prior: Prior | None) -> np.ndarray:
    """Return which pairs are candidates at all: not a gene with itself, not outside the prior."""
    inputs = candidates.inputs
    allowed = inputs.regulators.to_numpy()[:, None] != inputs.genes.to_numpy()[None, :]
    if prior is not None and prior.allowed is not None:
        allowed &= prior.allowed
    return np.asarray(allowed.ravel())


def _networks(
    inputs: Inputs, request: Request, *, of: Sequence[str] = ("",)
) -> tuple[list[pd.DataFrame], dict[str, Any]]:
    """Infer the edges of each context of the inputs (``of`` names them), and facts about them."""
    check_memory(len(inputs.regulators) * len(inputs.genes) * len(of))
    prior = request.layers(inputs)
    candidates = request.scored(inputs, prior=prior)
    eligible = _eligible(candidates[0], prior)
    if request.fdr is not None:
        _add_null(candidates, eligible, request)
    kept = [_kept(part, request) for part in candidates]
    if request.n_bootstrap:
        _add_stability(candidates, list(map(len, kept)), prior=prior, request=request)
    networks = [part.edges(places) for part, places in zip(candidates, kept, strict=True)]
    for name, part, edges in zip(of, candidates, networks, strict=True):
        if edges.empty:
            _explain_empty(part, request, of=name)
    n_kept = sum(map(len, networks))
    return networks, {
        "candidates": int(eligible.sum()) * len(of),
        "kept": n_kept,
        **candidates[0].facts,
    }


def _kept(candidates: Candidates, request: Request) -> np.ndarray:
    strength = candidates.strength
    if request.fdr is not None:
        strength = np.where(candidates.columns["fdr"] <= request.fdr, strength, 0.0)
    return strongest(strength, candidates.n_kept(request.n_top))


def _explain_empty(candidates: Candidates, request: Request, *, of: str) -> None:
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
    if not of:
        raise ValueError(message)
    warnings.warn(message, UserWarning, stacklevel=5)


def _regions(request: Request, edges: pd.DataFrame) -> pd.DataFrame | None:
    """Return the regions behind the edges: those of the prior, else those of the graph."""
    found = known_regions(request.prior, edges)
    graph = request.knowledge.regions
    if found is not None or graph is None:
        return found
    # the other methods do without what graphs import
    from grnet.infer._graph_regions import regions_between  # noqa: PLC0415

    return regions_between(graph, edges)


def network(  # noqa: PLR0913 - one call does the whole job; all but the data is by keyword
    adata: "AnnData | MuData",
    *,
    tfs: str | Path | Iterable[str],
    method: str = "consensus",
    n_top: int | Literal["auto"] | None = "auto",
    groupby: str | None = None,
    pseudotime: str | None = None,
    n_windows: int | None = None,
    prior: Priors | None = None,
    prior_mode: PriorMode = "combine",
    known: Network | None = None,
    graph: "HeteroData | None" = None,
    model: "JointFit | None" = None,
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
        Column of ``adata.obs``: one network per group, named in the edge column ``context``. Each
        is inferred by itself, unless the method shares between them (``"shared_ridge"``).
    pseudotime, n_windows
        Numeric column of ``adata.obs``: one network per window, of as many windows (by default 4)
        with as many cells each; cells without a time are left out.
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
    model
        A model of :func:`grnet.train.fit_joint` whose scores are taken (``"joint"``); a graph
        beside it names the regions behind the edges.
    layer
        Use this layer instead of ``adata.X``.
    fdr
        Keep edges up to this false discovery rate against a permutation null; adds the columns
        ``pvalue`` and ``fdr`` and takes at least 20 runs of the method. The null is "no gene is
        associated with any other": it does not know regulation from co-expression. In place of
        ``gnn``, ``joint`` and ``transformer``, whose training stops at once where there is nothing
        to find, the correlation is compared.
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
    request = Request(
        METHODS[method], options, prior, prior_mode, n_top, n_bootstrap, fdr, seed, device,
        Knowledge(known, graph, model),
    )  # fmt: skip
    adata, tfs = expression_of(adata), read_tfs(tfs)
    contexts = find_contexts(
        adata, groupby=groupby, pseudotime=pseudotime, n_windows=n_windows,
        shares=request.method.shares_contexts,
    )  # fmt: skip
    inputs, edges, facts = _inferred(adata, request, contexts, tfs=tfs, layer=layer)
    return GRN(
        edges,
        evidence=_regions(request, edges),
        nodes=pd.DataFrame({"is_tf": inputs.genes.isin(inputs.regulators)}, index=inputs.genes),
        params={
            "method": method,
            "signed": request.method.signed,
            **request.method.options,
            **options,
            "groupby": groupby,
            "pseudotime": pseudotime,
            "contexts": None if contexts is None else len(contexts.members),
            "n_windows": len(contexts.members) if contexts and pseudotime else None,
            "layer": layer,
            "prior": None if prior is None else prior_mode,
            "learnt_from": ", ".join(request.knowledge.given()) or None,
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


def _together(facts: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the sums of counts over contexts, and the means of figures that all contexts have."""
    table = pd.DataFrame(facts)
    sums = table[["candidates", "kept"]].sum()
    return {**table.drop(columns=sums.index).dropna(axis=1).mean(), **sums}


def _inferred(
    adata: AnnData,
    request: Request,
    contexts: Contexts | None,
    *,
    tfs: str | Path | Iterable[str],
    layer: str | None,
) -> tuple[Inputs, pd.DataFrame, dict[str, Any]]:
    """Infer one network, or one per context; counts of candidates and edges are sums over them."""
    if contexts is None:
        inputs = gather(adata, tfs=tfs, layer=layer)
        (edges,), facts = _networks(inputs, request)
        return inputs, edges, facts
    if request.method.shares_contexts:
        inputs = gather(
            adata, tfs=tfs, layer=layer, cells=contexts.cells, contexts=contexts.weights
        )
        parts, totals = _networks(inputs, request, of=contexts.described())
    else:
        parts, found = [], []
        of = contexts.described()
        for name, cells in progress(
            zip(of, contexts.members.values(), strict=True), "contexts", total=len(of)
        ):
            inputs = gather(adata, tfs=tfs, layer=layer, cells=cells)
            (edges,), facts = _networks(inputs, request, of=[name])
            parts.append(edges)
            found.append(facts)
        inputs = gather(adata, tfs=tfs, layer=layer)
        totals = _together(found)
    if request.fdr is None and not any(map(len, parts)):
        message = (
            f"Every candidate pair of each of the {len(parts)} contexts scores zero. Filter genes "
            "first (gn.pp.filter), take coarser contexts, or check layer=."
        )
        raise ValueError(message)
    named = [
        edges.assign(context=name) for name, edges in zip(contexts.members, parts, strict=True)
    ]
    return inputs, pd.concat(named, ignore_index=True), totals
