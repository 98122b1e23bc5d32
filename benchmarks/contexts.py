"""Networks per cell group and along pseudotime: one model that shares, or each by itself.

``python -m benchmarks.contexts`` simulates cells of which some edges act in one cell type only, and
asks which pairs differ and where; then it takes single-cell simulations with pseudotime and signed
edges (``grn/boolode``). It writes ``benchmarks/results/contexts.csv`` and ``boolode_windows.csv``.
"""

import warnings
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, NamedTuple

import numpy as np
import pandas as pd
import typer
from sklearn.metrics import average_precision_score

import grnet as gn
from benchmarks._runs import RESULTS
from benchmarks._tables import choose, machine, markdown
from benchmarks.datasets import BOOLODE, Size, data_folder, load

if TYPE_CHECKING:
    from anndata import AnnData

SIZE = Size(1_500, 300, 30)
GROUPS = ("type1", "type2", "type3")
CELLS, SMALL = "cell_type", GROUPS[-1]


class Scene(NamedTuple):
    """What is simulated: counts per gene and cell, share of specific edges, the last group."""

    depth: float = 2.0
    specific: float = 0.3
    small: int | None = None


SCENES = {
    "equal groups": Scene(),
    "a small group": Scene(small=60),
    "shallow": Scene(depth=0.4),
    "mostly specific": Scene(depth=5.0, specific=0.8),
}

METHODS: dict[str, tuple[str, dict[str, float]]] = {
    "shared_ridge": ("shared_ridge", {}),
    "ridge": ("ridge", {}),
    "ridge, alpha 0.1": ("ridge", {"alpha": 0.1}),
    "ridge, alpha 10": ("ridge", {"alpha": 10.0}),
    "partial_correlation": ("partial_correlation", {}),
    "boost": ("boost", {}),
}
"""The first shares between groups; with the others each group is inferred by itself."""

POOLED = {
    "shared_ridge, no deviation": ("shared_ridge", {"groupby": CELLS, "deviation": 1e6}),
    "ridge, all cells": ("ridge", {}),
}
"""The same network for all groups, with and without the groups' means taken off."""

FIGURES = ("differential", "networks", "small group")


def main(
    *,
    scenes: Annotated[str | None, typer.Option(help="With commas; default all.")] = None,
    seeds: Annotated[int, typer.Option(help="Simulations with seeds 0, 1, ...")] = 5,
    sets: Annotated[str | None, typer.Option(help="Of boolode, with commas.")] = None,
    n_windows: Annotated[int, typer.Option(help="Windows of pseudotime.")] = 4,
) -> None:
    """Compare networks of contexts that share with networks inferred one by one."""
    print(f"{machine()}; simulated {SIZE}, {len(GROUPS)} cell types\n")
    RESULTS.mkdir(parents=True, exist_ok=True)
    tables = []
    for name in choose(scenes, SCENES, "scene"):
        rows = [row for seed in range(seeds) for row in scored(simulated(SCENES[name], seed))]
        tables.append(pd.DataFrame(rows).assign(scene=name))
        pd.concat(tables).to_csv(RESULTS / "contexts.csv", index=False)
        print(f"### {name}: {SCENES[name]}\n\n{markdown(summary(tables[-1]))}\n", flush=True)
    names = choose(sets, BOOLODE, "set of boolode")
    rows = [row for name in names for row in along_pseudotime(name, n_windows=n_windows)]
    windows = pd.DataFrame(rows)
    windows.to_csv(RESULTS / "boolode_windows.csv", index=False)
    for figure in ("auprc_ratio", "signs_right"):
        table = windows.pivot_table(figure, "ranking", "set", sort=False)
        print(f"### boolode, {n_windows} windows: {figure}\n")
        print(markdown(table.assign(mean=table.mean(axis=1)), digits=3), "\n")


def simulated(scene: Scene, seed: int) -> "AnnData":
    """Return normalised cells with ``uns["grnet_truth"]``."""
    adata = gn.datasets.simulate(
        *SIZE, n_cell_types=len(GROUPS), group_specific=scene.specific, depth=scene.depth, seed=seed
    )
    if scene.small is not None:
        last = np.flatnonzero(adata.obs[CELLS] == SMALL)
        adata = adata[np.setdiff1d(np.arange(adata.n_obs), last[scene.small :])].copy()
    gn.pp.normalize(adata)
    return adata


def scored(
    adata: "AnnData", names: Iterable[str] = tuple(METHODS)
) -> Iterator[dict[str, float | str]]:
    """Yield the figures of each method on one simulation.

    ``differential``: AUPRC of (pair, group) as the place where a specific edge acts, ranked by how
    far the strongest group's weight stands from the mean of the others. ``networks``: mean AUPRC of
    each group's network against all edges that act there; ``small group``: that of the last group.
    """
    tfs = adata.var_names[adata.var["is_tf"]]
    truth = gn.datasets.truth(adata)
    pairs = _pairs(tfs, adata.var_names)
    for name in names:
        method, options = METHODS[name]
        grn = gn.infer.network(adata, tfs=tfs, method=method, n_top=None, groupby=CELLS, **options)
        networks = {group: grn.filter(context=group).edges for group in GROUPS}
        found = gn.infer.differential_edges(grn)
        yield {
            "method": name,
            "differential": _differential(found, truth, n=len(pairs)),
            **_accuracy(networks, truth, pairs),
        }
    for name, (method, options) in POOLED.items():
        grn = gn.infer.network(adata, tfs=tfs, method=method, n_top=None, **options)
        edges = grn.filter(context=GROUPS[0]).edges if "context" in grn.edges else grn.edges
        yield {"method": name, **_accuracy(dict.fromkeys(GROUPS, edges), truth, pairs)}


def _accuracy(
    networks: dict[str, pd.DataFrame], truth: pd.DataFrame, pairs: pd.MultiIndex
) -> dict[str, float]:
    values = []
    for group, edges in networks.items():
        weight = edges["weight"].abs().set_axis(_keys(edges, ["source", "target"]))
        acting = _keys(truth[truth["context"] == group], ["source", "target"])
        scores = weight.reindex(pairs, fill_value=0.0)
        values.append(average_precision_score(pairs.isin(acting), scores))
    return {"networks": float(np.mean(values)), "small group": values[-1]}


def _pairs(tfs: Iterable[str], genes: Iterable[str]) -> pd.MultiIndex:
    """Return all pairs of a regulator with another gene."""
    pairs = pd.MultiIndex.from_product([list(tfs), list(genes)])
    return pairs[pairs.get_level_values(0) != pairs.get_level_values(1)]


def _differential(found: pd.DataFrame, truth: pd.DataFrame, *, n: int) -> float:
    """Return the AUPRC among ``n`` pairs in each group; pairs score where they are strongest."""
    specific = truth[~truth.duplicated(["source", "target"], keep=False)]
    names = ["source", "target", "context"]
    score = found["difference"].abs().set_axis(_keys(found, names))
    acts = _keys(specific, names)
    rest = acts.difference(score.index)
    n_silent = len(GROUPS) * n - len(score) - len(rest)
    labels = np.concatenate([score.index.isin(acts), np.ones(len(rest)), np.zeros(n_silent)])
    scores = np.concatenate([score, np.zeros(len(rest) + n_silent)])
    return float(average_precision_score(labels, scores))


def _keys(edges: pd.DataFrame, columns: list[str]) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(edges[columns].astype(str), names=None)


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Return mean and 95 % interval of each figure, and of the first method less each other."""
    table = pd.DataFrame(index=pd.Index(rows["method"].unique(), name="method"))
    first = table.index[0]
    for figure in FIGURES:
        groups = rows.groupby("method", sort=False)[figure]
        by_seed = pd.DataFrame({name: values.to_numpy() for name, values in groups})
        table[figure] = [_with_interval(by_seed[name]) for name in table.index]
        lead = by_seed.rsub(by_seed[first], axis=0)
        table[f"lead in {figure}"] = [
            "" if name == first else _with_interval(lead[name]) for name in table.index
        ]
    return table


def _with_interval(values: "pd.Series[float]") -> str:
    if values.isna().any():
        return ""
    low, high = gn.evaluate.supervised.interval(values)
    return f"{values.mean():.3f} ± {(high - low) / 2:.3f}"


def along_pseudotime(name: str, *, n_windows: int) -> Iterator[dict[str, float | str]]:
    """Yield how well one network of all cells, and unions over windows, rank the known edges.

    Of several lineages either each is cut into windows, or the cells' mean time over lineages is.
    ``signs_right`` is the share of known edges whose strongest weight has the sign of the edge.
    """
    adata = load(f"boolode_{name}").adata
    folder = data_folder() / "grn" / "boolode" / name
    times = pd.read_csv(folder / "PseudoTime.csv.gz", index_col=0).reindex(adata.obs_names)
    lineages = list(times.columns)
    adata.obs = times.assign(mean=times.mean(axis=1))
    known = pd.read_csv(folder / "refNetwork.csv.gz").set_axis(["source", "target", "sign"], axis=1)
    known = known[known["source"] != known["target"]].drop_duplicates(["source", "target"])
    for method in ("ridge", "partial_correlation"):
        grn = gn.infer.network(adata, tfs=adata.var_names, method=method, n_top=None)
        yield {"set": name, "ranking": f"{method}, all cells"} | _signed(grn, known)
    for what, columns in (("mean time", ["mean"]), ("each lineage", lineages)):
        for method in ("shared_ridge", "ridge", "partial_correlation"):
            grn = _windows(adata, columns, method=method, n_windows=n_windows)
            yield {"set": name, "ranking": f"{method}, {what}"} | _signed(grn, known)


def _windows(adata: "AnnData", columns: list[str], *, method: str, n_windows: int) -> gn.GRN:
    options = {"tfs": adata.var_names, "method": method, "n_windows": n_windows, "n_top": None}
    with warnings.catch_warnings():
        # cells of the other lineages
        warnings.filterwarnings("ignore", message=".* have no finite ")
        parts = [gn.infer.network(adata, pseudotime=column, **options) for column in columns]
    edges = pd.concat([part.edges for part in parts], ignore_index=True)
    return gn.GRN(edges, nodes=parts[0].nodes)


def _signed(grn: gn.GRN, known: pd.DataFrame) -> dict[str, float]:
    """Return the AUPRC over that of chance, and the share of known edges with the right sign."""
    edges = grn.edges.drop_duplicates(["source", "target"])  # the first is the strongest
    weight = edges["weight"].set_axis(_keys(edges, ["source", "target"]))
    pairs = _pairs(grn.genes, grn.genes)
    weight = weight.reindex(pairs, fill_value=0.0)
    acts = _keys(known, ["source", "target"])
    is_edge = pairs.isin(acts)
    ratio = average_precision_score(is_edge, weight.abs()) / is_edge.mean()
    signs = np.where(known["sign"] == "+", 1.0, -1.0)
    right = np.sign(weight[acts].to_numpy()) == signs
    return {"auprc_ratio": float(ratio), "signs_right": float(right.mean())}


if __name__ == "__main__":
    typer.run(main)
