"""Training of the joint model, and what each of its layers brings."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

import pandas as pd
from torch import nn

from grnet import _checks
from grnet._progress import progress
from grnet.graph import PEAK, motifs_of
from grnet.models import MotifScanner
from grnet.models._catalogue import HOMES
from grnet.models.encoders import KINDS
from grnet.models.joint import LAYERS
from grnet.train._edge_run import edge_settings
from grnet.train._joint_parts import JointParts, Kind
from grnet.train._pair_figures import pair_figures
from grnet.train.edges import EdgeSplit
from grnet.train.fitting import FitSettings
from grnet.train.joint_fit import JointFit

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData


def fit_joint(  # noqa: PLR0913 - one more than usual: what is read, and how it is trained
    data: "HeteroData",
    split: EdgeSplit,
    *,
    layers: Sequence[str] | None = None,
    sequence_model: nn.Module | None = None,
    kind: Kind = "sage",
    dna_joins_graph: bool = True,
    settings: FitSettings | None = None,
    device: str | None = None,
    seed: int = 0,
    folder: str | None = None,
) -> JointFit:
    """Train expression, graph and DNA to tell known edges from pairs that are none.

    Parameters
    ----------
    data
        A graph, as :func:`grnet.graph.build` makes it: with ``sequence_width=`` (and ``motifs=``)
        it holds the DNA of its peaks.
    split
        Labelled pairs; those of validation weigh the layers. **The known edges of the graph are
        replaced by the edges that train.**
    layers
        Some of ``"expression"``, ``"graph"`` and ``"dna"``; by default all that the graph has.
    sequence_model
        What reads the DNA: a model of ``gn.models``, trained before on whatever teaches it, whose
        outputs each TF weighs; it is frozen. By default the motifs that the graph keeps.
    kind
        Of the layers of messages, see :class:`grnet.models.EdgeModelConfig`.
    dna_joins_graph
        Messages carry what the DNA of each peak says.
    settings
        Of the training of both towers; by default 60 epochs at most, 10 without a better one.
    device
        By default that of the settings; ``"auto"`` takes CUDA where there is one.
    seed
        Of weights, order and dropout.
    folder
        As for :func:`fit`.

    Returns
    -------
    JointFit

    Raises
    ------
    ValueError
        If the graph has no data for a layer, a name is not in it, or the validation pairs are not
        edges and others.

    Notes
    -----
    The towers are trained each by itself (see :func:`fit_edges`), the TFs' weights of the sites by
    a penalised logistic regression. The validation pairs, which trained none of them, choose the
    affinity at which a site levels off, if any, and weigh the three, never negatively: a layer that
    has learnt its training pairs by heart is not trusted for it.

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    >>> known = adata.uns["grnet_truth"]
    >>> data = gn.graph.build(adata, known=known, n_components=4)
    >>> split = gn.train.split_edges(known, tfs=data["tf"].name, genes=data["gene"].name)
    >>> quick = gn.train.FitSettings(max_epochs=1)
    >>> len(gn.train.fit_joint(data, split, settings=quick).scores(split.test)) == len(split.test)
    True
    """
    parts = _parts(
        data, split, sequence_model=sequence_model, kind=kind, dna_joins_graph=dna_joins_graph,
        settings=settings, device=device, seed=seed, folder=folder,
    )  # fmt: skip
    return parts.joined(_chosen(parts, layers))


def ablate_joint(
    data: "HeteroData",
    split: EdgeSplit,
    *,
    pairs: pd.DataFrame | None = None,
    sequence_model: nn.Module | None = None,
    kind: Kind = "sage",
    settings: FitSettings | None = None,
    device: str | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Score the joint model with each layer alone, each two, and all.

    Parameters
    ----------
    data, split, sequence_model, kind, settings, device, seed
        As for :func:`fit_joint`.
    pairs
        ``source, target, label`` to score; by default the test pairs of the split.

    Returns
    -------
    DataFrame
        A row for each choice of layers: ``layers, auroc, auprc, density, auprc_ratio`` (AUPRC over
        the share of edges) and ``auprc_ratio_within_tf``, the mean over TFs, which no TF's number
        of edges can raise; ``weight_expression`` and so on, the weights of the layers.

    Raises
    ------
    ValueError
        As :func:`fit_joint`, or if no pair is an edge or all are.

    Examples
    --------
    >>> import grnet as gn
    >>> multiome = gn.datasets.simulate_multiome(n_cells=60, n_genes=30, n_tfs=4)
    >>> data = gn.graph.build(multiome.mdata, multiome.genome, motifs=multiome.motifs)
    >>> split = gn.train.split_edges(
    ...     multiome.edges, tfs=data["tf"].name, genes=data["gene"].name
    ... )
    >>> quick = gn.train.FitSettings(max_epochs=1)
    >>> gn.train.ablate_joint(data, split, settings=quick)["layers"].tolist()
    ['expression', 'graph', 'expression + graph']
    """
    asked = split.test if pairs is None else pairs
    _checks.has_columns(asked, ["source", "target", "label"], "the pairs")
    parts = _parts(
        data, split, sequence_model=sequence_model, kind=kind, dna_joins_graph=True,
        settings=settings, device=device, seed=seed, folder=None,
    )  # fmt: skip
    there = parts.available()
    choices = [some for n in range(1, len(there) + 1) for some in combinations(there, n)]
    rows = []
    for some in progress(choices, "layers", total=len(choices)):
        done = parts.joined(some)
        weights = {f"weight_{layer}": done.facts.get(layer) for layer in there}
        rows.append(
            {"layers": " + ".join(some), **pair_figures(asked, done.logits(asked))} | weights
        )
    return pd.DataFrame(rows)


def _parts(
    data: "HeteroData",
    split: EdgeSplit,
    *,
    sequence_model: nn.Module | None,
    kind: Kind,
    settings: FitSettings | None,
    device: str | None,
    **options: object,
) -> JointParts:
    _checks.one_of(kind, KINDS, "kind")
    motifs = motifs_of(data)
    if sequence_model is not None:
        _check_reader(data, sequence_model)
    reader = sequence_model if sequence_model is not None or not motifs else MotifScanner.of(motifs)
    # less patience than for one model alone: several share the answer
    chosen = settings or edge_settings(len(split.train), max_epochs=60, patience=10)
    chosen = chosen if device is None else replace(chosen, device=device)
    return JointParts(data=data, split=split, reader=reader, kind=kind, settings=chosen, **options)  # type: ignore[arg-type]


def _check_reader(data: "HeteroData", model: nn.Module) -> None:
    """Raise where a given model would have nothing to read, or could not be made anew."""
    _checks.one_of(type(model).__name__, tuple(HOMES), "sequence model")
    if PEAK not in data.node_types or "sequence" not in data[PEAK]:
        message = (
            "sequence_model= has nothing to read: the graph keeps no DNA. Build it with "
            "gn.graph.build(..., sequence_width=200)."
        )
        raise ValueError(message)


def _chosen(parts: JointParts, layers: Sequence[str] | None) -> tuple[str, ...]:
    """Return the layers in their order, or raise where the graph has no data for one."""
    there = parts.available()
    if layers is None:
        return there
    for layer in layers:
        _checks.one_of(layer, LAYERS, "layer")
    missing = [layer for layer in LAYERS if layer in layers and layer not in there]
    if missing or not layers:
        message = (
            f"The graph has no data for {_checks.examples(missing or ['no layer'])}: peaks near "
            "genes come from gn.graph.build(mdata, genome), who binds them from motifs=, evidence= "
            "or bindings=, their DNA from sequence_width=, and motifs= or sequence_model= read it."
        )
        raise ValueError(message)
    return tuple(layer for layer in LAYERS if layer in layers)
