"""The tables of a dossier, from the opened terms of a joint model and the cells."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from grnet._alphabet import to_text
from grnet.cis import scan_motifs
from grnet.explain._joint_terms import JointTerms, PeakDna
from grnet.graph import BINDS, GENE, NEAR, PEAK, TF, features, motifs_of
from grnet.graph._attributes import edge_attribute
from grnet.io.genome import Genome

if TYPE_CHECKING:
    from anndata import AnnData
    from torch_geometric.data import HeteroData

    from grnet.graph.vocabulary import EdgeType

Floats = npt.NDArray[np.float64]

MAX_PVALUE = 1e-3
"""Of motif hits that are shown: the model weighs weak sites too."""

MOST_CELLS = 2000
_KB = 1000.0
_MARGIN = 500
"""Bases shown on both sides."""


def ledger(terms: JointTerms, data: "HeteroData") -> pd.DataFrame:
    """Return what adds up to logit minus baseline: pair features, nodes, edges and bases."""
    parts = []
    for layer, found in terms.towers.items():
        weight = terms.weights[layer]
        of_nodes = _by_name(found.nodes, ["type", "name"], weight=weight)
        of_edges = _by_name(found.edges, ["type"], weight=weight)
        of_nodes["name"] = of_nodes["type"] + " " + of_nodes["name"]
        for kind, table in (
            ("pair features", _by_name(found.pair, ["feature"], weight=weight)),
            ("node features", of_nodes),
            ("edges", of_edges),
        ):
            named = table.rename(
                columns={"feature": "name"} | ({"type": "name"} if kind == "edges" else {})
            )
            parts.append(named[["name", "contribution"]].assign(layer=layer, kind=kind))
    if terms.dna is not None:
        names = np.asarray(data[PEAK].name)[terms.dna.peaks]
        total = terms.dna.contributions.sum(axis=1)
        parts.append(
            pd.DataFrame({"name": names, "contribution": total, "layer": "dna", "kind": "bases"})
        )
    table = pd.concat(parts, ignore_index=True)
    table = table[["layer", "kind", "name", "contribution"]]
    return _largest_first(table[table["contribution"] != 0])


def nodes(terms: JointTerms) -> pd.DataFrame:
    """Return what the features of each node contribute, over the layers."""
    return _over_layers(terms, "nodes", ["type", "name"])


def edges(terms: JointTerms) -> pd.DataFrame:
    """Return what each edge contributes, over the layers."""
    return _over_layers(terms, "edges", ["type", "source", "target"])


def _over_layers(terms: JointTerms, table: str, by: list[str]) -> pd.DataFrame:
    parts = [
        _by_name(getattr(found, table), by, weight=terms.weights[layer])
        for layer, found in terms.towers.items()
    ]
    if not parts:
        return pd.DataFrame(columns=[*by, "contribution"])
    total = _by_name(pd.concat(parts, ignore_index=True), by)
    return _largest_first(total[total["contribution"] != 0])


def _by_name(table: pd.DataFrame, by: list[str], *, weight: float = 1.0) -> pd.DataFrame:
    """Return the sums of contributions, times a weight; names are texts."""
    sums = weight * table.groupby(by, sort=True, observed=True)["contribution"].sum()
    found: pd.DataFrame = sums.reset_index()
    return found.assign(**{name: found[name].astype(str) for name in by})


def _largest_first(table: pd.DataFrame) -> pd.DataFrame:
    order = np.argsort(-table["contribution"].abs().to_numpy(), kind="stable")
    return table.iloc[order].reset_index(drop=True)


def peaks(
    data: "HeteroData", pair: tuple[str, str], *, terms: JointTerms, hits: pd.DataFrame
) -> pd.DataFrame:
    """Return the peaks near the gene, and all that each brings."""
    if PEAK not in data.node_types or NEAR not in data.edge_types:
        return pd.DataFrame()
    source, target = pair
    ends = data[NEAR].edge_index.numpy()
    near = np.flatnonzero(ends[1] == list(data[GENE].name).index(target))
    place = ends[0, near]
    store = data[PEAK]
    names = np.asarray(store.name)[place]
    own = features(data, PEAK)
    open_in = own["detected"].to_numpy()[place] if "detected" in own else np.nan
    table = pd.DataFrame(
        {
            "peak": names,
            "chrom": np.asarray(store.chrom)[place],
            "start": np.asarray(store.start)[place],
            "end": np.asarray(store.end)[place],
            "distance": _KB * _attribute(data, NEAR, "distance_kb", rows=near),
            "link": _attribute(data, NEAR, "weight", rows=near),
            "accessibility": open_in,
            "chip": _chip(data, source, place),
        }
    )
    best = hits[hits["tf"] == source].groupby("peak")["pvalue"].min() if len(hits) else None
    table["motif"] = np.nan if best is None else table["peak"].map(best)
    table["contribution"] = _of_peaks(data, terms, pd.Index(names))
    return table.sort_values("contribution", key=abs, ascending=False, ignore_index=True)


def _attribute(
    data: "HeteroData", edge_type: "EdgeType", name: str, *, rows: npt.NDArray[np.int64]
) -> Floats:
    """Return an attribute of some edges of a type, NaN where they have none of the name."""
    values = edge_attribute(data, edge_type, name)
    if values is None:
        return np.full(len(rows), np.nan)
    return np.asarray(values[rows].numpy(), np.float64)


def _chip(data: "HeteroData", source: str, peaks: npt.NDArray[np.int64]) -> Floats:
    """Return the ChIP value of a TF in peaks, NaN where it has none."""
    if BINDS not in data.edge_types:
        return np.full(len(peaks), np.nan)
    ends = data[BINDS].edge_index.numpy()
    rows = np.flatnonzero(ends[0] == list(data[TF].name).index(source))
    values = pd.Series(_attribute(data, BINDS, "chip", rows=rows), index=ends[1, rows])
    return np.asarray(values.groupby(level=0).max().reindex(peaks), np.float64)


def _of_peaks(data: "HeteroData", terms: JointTerms, names: pd.Index) -> Floats:
    """Return the contributions of bases, features and edges of each peak."""
    of_nodes, of_edges = nodes(terms), edges(terms)
    of_edges = of_edges[of_edges["type"].str.contains(PEAK)]
    parts = [
        of_nodes[of_nodes["type"] == PEAK].groupby("name")["contribution"].sum(),
        *(of_edges.groupby(end)["contribution"].sum() for end in ("source", "target")),
    ]
    if terms.dna is not None:
        own = pd.Index(np.asarray(data[PEAK].name)[terms.dna.peaks])
        parts.append(pd.Series(terms.dna.contributions.sum(axis=1), index=own))
    found = [np.asarray(part.reindex(names, fill_value=0.0), np.float64) for part in parts]
    return np.asarray(np.sum(found, axis=0))


def bases(data: "HeteroData", dna: PeakDna | None) -> pd.DataFrame:
    """Return the contribution of every base of the peaks near the gene."""
    if dna is None:
        return pd.DataFrame()
    n, length = dna.codes.shape
    starts = window_starts(data, dna.peaks, length)
    table = {
        "peak": np.repeat(np.asarray(data[PEAK].name)[dna.peaks], length),
        "position": (starts[:, None] + np.arange(length)).ravel(),
        "base": list(to_text(dna.codes.ravel())),
        "contribution": dna.contributions.ravel(),
    }
    of_letters = dna.hypothetical
    for row, letter in enumerate("ACGT"):
        table[f"hypothetical_{letter}"] = of_letters[:, row].reshape(n * length)
    return pd.DataFrame(table)


def window_starts(
    data: "HeteroData", peaks: npt.NDArray[np.int64], length: int
) -> npt.NDArray[np.int64]:
    """Return where the windows of DNA around the centres of peaks begin."""
    start, end = (np.asarray(data[PEAK][key])[peaks].astype(np.int64) for key in ("start", "end"))
    return np.asarray((start + end) // 2 - length // 2)


def hits(data: "HeteroData", dna: PeakDna | None) -> pd.DataFrame:
    """Return the motif hits in the DNA of the peaks near a gene, with what their bases add."""
    columns = ["peak", "start", "end", "strand", "motif", "tf", "pvalue", "contribution"]
    motifs = motifs_of(data)
    if dna is None or not motifs:
        return pd.DataFrame(columns=columns)
    n, length = dna.codes.shape
    texts = {str(i): to_text(row) for i, row in enumerate(dna.codes)}
    windows = pd.DataFrame({"chrom": list(texts), "start": 0, "end": length})
    found = scan_motifs(
        Genome.from_sequences(texts), windows, motifs, max_pvalue=MAX_PVALUE,
        background=_letters(data),
    )  # fmt: skip
    row = found["chrom"].astype(int).to_numpy()
    running = np.concatenate([np.zeros((n, 1)), dna.contributions.cumsum(axis=1)], axis=1)
    added = running[row, found["end"]] - running[row, found["start"]]
    shift = window_starts(data, dna.peaks, length)[row]
    return found.assign(
        peak=np.asarray(data[PEAK].name)[dna.peaks][row],
        start=found["start"] + shift,
        end=found["end"] + shift,
        contribution=added,
    )[columns]


def _letters(data: "HeteroData") -> list[float]:
    """Return how often each letter occurs in the DNA of all peaks."""
    counts = np.bincount(data[PEAK].sequence.numpy().ravel(), minlength=5)[:4] + 1
    return [float(count) for count in counts]


def labelled(
    found: Mapping[str, pd.DataFrame], labels: Mapping[str, str]
) -> dict[str, pd.DataFrame]:
    """Return the tables with other names of TFs and genes."""
    columns = {
        "nodes": ["name"], "edges": ["source", "target"], "motifs": ["tf"], "genes": ["gene"]
    }  # fmt: skip
    shown = dict(found)
    for table, names in columns.items():
        if len(shown[table]):
            renamed = {name: shown[table][name].map(lambda x: labels.get(x, x)) for name in names}
            shown[table] = shown[table].assign(**renamed)
    kinds = tuple(f"{kind} " for kind in (TF, GENE))

    def spelled(name: str) -> str:
        for kind in kinds:
            if name.startswith(kind):
                return kind + labels.get(name.removeprefix(kind), name.removeprefix(kind))
        return name

    own = shown["ledger"]
    is_node = own["kind"] == "node features"
    shown["ledger"] = own.assign(name=own["name"].where(~is_node, own["name"].map(spelled)))
    return shown


def genes_around(
    genome: "Genome | pd.DataFrame | None", peaks: pd.DataFrame, target: str
) -> pd.DataFrame:
    """Return the annotated genes on the stretch of the peaks and the target."""
    annotation = genome.genes if isinstance(genome, Genome) else genome
    if annotation is None or not len(annotation):
        return pd.DataFrame()
    own = annotation[annotation["gene"].astype(str) == target]
    spans = [part[["chrom", "start", "end"]] for part in (own, peaks) if len(part)]
    if not spans:
        return pd.DataFrame()
    span = pd.concat(spans)
    chrom = span["chrom"].iloc[0]
    first, last = span["start"].min() - _MARGIN, span["end"].max() + _MARGIN
    inside = annotation[
        (annotation["chrom"] == chrom) & (annotation["end"] > first) & (annotation["start"] < last)
    ]
    strand = inside["strand"].astype(str)
    tss = (
        inside["tss"]
        if "tss" in inside
        else inside["start"].where(strand != "-", inside["end"] - 1)
    )
    found: pd.DataFrame = inside.assign(tss=tss)
    return found[["gene", "chrom", "start", "end", "strand", "tss"]]


def cells(
    adata: "AnnData", source: str, target: str, *, groupby: str | None, layer: str | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return correlations by group, and the values of the cells (a sample of many)."""
    x = adata.layers[layer] if layer is not None else adata.X
    columns = adata.var_names.get_indexer([source, target])
    if (columns < 0).any():
        return pd.DataFrame(), pd.DataFrame()
    values = x[:, columns]
    values = np.asarray(values.toarray() if hasattr(values, "toarray") else values, np.float64)
    group = np.full(adata.n_obs, "all cells") if groupby is None else adata.obs[groupby].astype(str)
    table = pd.DataFrame(values, columns=["source", "target"]).assign(group=np.asarray(group))
    rows = [
        {"group": name, "n_cells": len(part), "correlation": _correlation(part)}
        for name, part in table.groupby("group", sort=True)
    ]
    order = np.argsort(adata.obs_names.to_numpy(dtype=str), kind="stable")
    if len(order) > MOST_CELLS:
        order = order[np.linspace(0, len(order) - 1, MOST_CELLS).astype(int)]
    return pd.DataFrame(rows), table.iloc[order].reset_index(drop=True)


def _correlation(part: pd.DataFrame) -> float:
    if len(part) < 3 or part["source"].nunique() < 2 or part["target"].nunique() < 2:
        return np.nan
    return float(np.corrcoef(part["source"], part["target"])[0, 1])
