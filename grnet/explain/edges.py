"""Why a pair is an edge, or why it is not: the dossier of one pair."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

import grnet
from grnet import _genes
from grnet.explain import _dossier_tables as tables
from grnet.explain._joint_terms import JointFit, JointTerms, Settings, opened
from grnet.explain._reasons import Found, lost, reasons_of, steps_of, verdict_of
from grnet.explain.record import Dossier
from grnet.graph import GENE, REGULATES, TF

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anndata import AnnData
    from mudata import MuData

    from grnet.io.genome import Genome


def edge(  # noqa: PLR0913 - the pair, and all that it is read beside
    fit: JointFit,
    data: "AnnData | MuData | None" = None,
    *,
    source: str,
    target: str,
    groupby: str | None = None,
    layer: str | None = None,
    genome: "Genome | pd.DataFrame | None" = None,
    aliases: pd.DataFrame | None = None,
    labels: "Mapping[str, str] | None" = None,
    tolerance: float | None = 0.01,
    n_shuffles: int = 20,
    max_steps: int = 2000,
    seed: int = 0,
    device: str = "auto",
) -> Dossier:
    """Open one pair of a joint model: which peaks, bases, motifs and cells speak for it or against.

    Parameters
    ----------
    fit
        As :func:`grnet.train.fit_joint` returns it.
    data
        The cells, whose expression is shown.
    source, target
        Names of the TF and the gene.
    groupby, layer
        Column of ``obs`` whose groups are told apart, and the layer of expression.
    genome
        A genome with annotation, or the annotation: the genes around are drawn.
    aliases
        Further names of genes, so that a pair can be asked for by any of them.
    labels
        What to call genes and TFs in the dossier, by their names in the graph.
    tolerance
        Largest residual as a share of |logit - baseline|, of each layer and of all; None for any.
    n_shuffles
        Shuffles of the DNA of the peaks, its baseline.
    max_steps
        Gradients along the path of integrated gradients at most.
    seed, device
        Of the shuffles; ``"auto"`` takes CUDA where there is one.

    Returns
    -------
    Dossier
        Shown in a notebook as a page; see there for its tables. For a pair that the model cannot
        score it says at which step it was lost.

    Raises
    ------
    RuntimeError
        If the contributions do not add up within the tolerance.

    Notes
    -----
    Integrated gradients of every layer: from mean features and silent edges for expression and
    graph, from shuffles that keep neighbouring pairs of letters for DNA. Peaks share what their DNA
    says together by the affinity that each gains. The known edge of the pair itself is heard by
    nobody, so that the logit of a pair that trained is not its own echo.

    Examples
    --------
    >>> import grnet as gn
    >>> multiome = gn.datasets.simulate_multiome(n_cells=60, n_genes=30, n_tfs=4)
    >>> data = gn.graph.build(
    ...     multiome.mdata, multiome.genome, motifs=multiome.motifs, sequence_width=200
    ... )
    >>> split = gn.train.split_edges(
    ...     multiome.edges, tfs=data["tf"].name, genes=data["gene"].name
    ... )
    >>> fit = gn.train.fit_joint(data, split, settings=gn.train.FitSettings(max_epochs=1))
    >>> gn.explain.edge(fit, source="TF1", target="no such gene").lost_at
    'genes'
    """
    names = {
        kind: _genes.resolved([name], fit.graph[kind].name, aliases=aliases).get(name)
        for kind, name in ((TF, source), (GENE, target))
    }
    tf, gene = names[TF], names[GENE]
    adata = None if data is None else _expression(data)
    if tf is None or gene is None or tf == gene:
        measured = _genes.resolved([source], fit.graph[GENE].name, aliases=aliases)
        return lost(fit.graph, source, target, known=(tf, gene), is_measured=bool(measured))
    settings = Settings(
        tolerance=tolerance, n_shuffles=n_shuffles, max_steps=max_steps, seed=seed, device=device
    )
    terms = opened(fit, source=tf, target=gene, settings=settings)
    shown = _tables(fit, terms, (tf, gene))
    if adata is not None:
        shown["expression"], shown["cells"] = tables.cells(
            adata, tf, gene, groupby=groupby, layer=layer
        )
    shown["genes"] = tables.genes_around(genome, shown["peaks"], gene)
    figures = _figures(fit, terms, (tf, gene))
    shown = tables.labelled(shown, {**(labels or {}), tf: source, gene: target})
    found = Found(terms=terms, source=source, target=target, figures=figures, tables=shown)
    filled: dict[str, Any] = {name: table for name, table in shown.items() if len(table)}
    return Dossier(
        source=source,
        target=target,
        verdict=verdict_of(found),
        reasons=reasons_of(found),
        logit=terms.logit,
        baseline=terms.baseline,
        **figures,
        **filled,
        steps=steps_of(found),
        params=_params(terms, settings) | {"tf": tf, "gene": gene, "grnet": grnet.__version__},
    )


def _params(terms: JointTerms, settings: Settings) -> dict[str, Any]:
    """Return how the contributions were made."""
    return {
        "method": "integrated_gradients",
        "layers": ", ".join(terms.weights),
        **{f"weight_{name}": weight for name, weight in terms.weights.items()},
        "baseline": "mean features, no edges, shuffled DNA",
        "n_shuffles": settings.n_shuffles,
        "tolerance": "none" if settings.tolerance is None else settings.tolerance,
        "seed": settings.seed,
    }


def _expression(data: "AnnData | MuData") -> "AnnData":
    """Return the expression of the data."""
    rna: AnnData = data.mod["rna"] if hasattr(data, "mod") else data
    return rna


def _tables(fit: JointFit, terms: JointTerms, pair: tuple[str, str]) -> dict[str, pd.DataFrame]:
    """Return what the model read, and what it made of it."""
    hits = tables.hits(fit.graph, terms.dna)
    return {
        "ledger": tables.ledger(terms, fit.graph),
        "peaks": tables.peaks(fit.graph, pair, terms=terms, hits=hits),
        "bases": tables.bases(fit.graph, terms.dna),
        "motifs": hits,
        "nodes": tables.nodes(terms),
        "edges": tables.edges(terms),
    }


def _figures(fit: JointFit, terms: JointTerms, pair: tuple[str, str]) -> dict[str, Any]:
    """Return probability, rank among the genes that are no known targets, and percentile."""
    tf, gene = pair
    known = _known_targets(fit, tf)
    others = [name for name in fit.graph[GENE].name if name not in known and name != tf]
    others = [name for name in others if name != gene]
    scores = fit.logits(pd.DataFrame({"source": tf, "target": others}))
    above = int((scores > terms.logit).sum())
    return {
        "probability": float(fit.probabilities(np.array([terms.logit]))[0]),
        "rank": above + 1,
        "n_candidates": len(others) + 1,
        "null_percentile": 100.0 * float((scores < terms.logit).mean()) if len(scores) else None,
        "known": gene in known,
    }


def _known_targets(fit: JointFit, tf: str) -> set[str]:
    """Return the genes that the model was told are targets."""
    if REGULATES not in fit.graph.edge_types:
        return set()
    ends = fit.graph[REGULATES].edge_index
    rows = ends[0] == list(fit.graph[TF].name).index(tf)
    names = fit.graph[GENE].name
    return {names[i] for i in ends[1, rows].tolist()}
