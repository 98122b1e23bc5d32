"""One training on a large simulated graph, in a process of its own; prints what it cost as JSON."""

import argparse
import json
import time
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import roc_auc_score
from torch_geometric.data import HeteroData

import grnet as gn
from benchmarks._cost import cost
from grnet.graph.vocabulary import BINDS, COEXPRESSED, NEAR, opposite
from grnet.train._edge_graph import with_training_edges
from grnet.train._edge_run import EDGE_SETTINGS, MAX_SAMPLED_BATCH

WIDTH = 64
N_CLASSES = 20
SHARE = 0.6
"""Of the binding sites and links of a node that are within its class."""


class Size(NamedTuple):
    """Numbers of nodes, and of edges of each node."""

    tfs: int = 2_000
    genes: int = 20_000
    peaks: int = 100_000
    binds: int = 1_500
    near: int = 10
    coexpressed: int = 10
    known: int = 50

    def shrunk(self, factor: float) -> "Size":
        """Return a smaller one, to try the script."""
        nodes = (max(round(n / factor), 60) for n in self[:3])
        return Size(*nodes, max(round(self.binds / factor), 10), *self[4:])


def simulated(size: Size, *, seed: int = 0) -> tuple[HeteroData, pd.DataFrame]:
    """Return a graph and its known edges.

    TFs, peaks and genes have hidden classes. A TF regulates genes of its class, some TFs many and
    some few. Only the features of TFs tell a class: that of a gene is heard through the peaks near
    it and the TFs that bind these.
    """
    rng = np.random.default_rng(seed)
    sizes = {"tf": size.tfs, "gene": size.genes, "peak": size.peaks}
    of = {kind: rng.integers(0, N_CLASSES, n) for kind, n in sizes.items()}
    data = HeteroData()
    centres = rng.normal(size=(N_CLASSES, WIDTH))
    for kind, n in sizes.items():
        data[kind].name = [f"{kind}{i}" for i in range(n)]
        x = rng.normal(size=(n, WIDTH))
        data[kind].x = torch.from_numpy(x + centres[of[kind]] if kind == "tf" else x).float()
    for relation, n_each in ((BINDS, size.binds), (COEXPRESSED, size.coexpressed)):
        source, target = relation[0], relation[2]
        edges = _drawn(of[source], of[target], np.full(sizes[source], n_each), share=SHARE, rng=rng)
        _add(data, relation, edges)
    edges = _drawn(of["gene"], of["peak"], np.full(size.genes, size.near), share=SHARE, rng=rng)
    _add(data, NEAR, edges[::-1])
    degrees = np.ceil(rng.lognormal(np.log(size.known), 0.7, size.tfs)).astype(int)
    tf, gene = _drawn(of["tf"], of["gene"], degrees, share=1.0, rng=rng)
    names = {kind: np.array(data[kind].name) for kind in ("tf", "gene")}
    return data, pd.DataFrame({"source": names["tf"][tf], "target": names["gene"][gene]})


def _drawn(
    classes: np.ndarray, others: np.ndarray, degrees: np.ndarray, *, share: float,
    rng: np.random.Generator,
) -> np.ndarray:  # fmt: skip
    """Draw edges from each node, a share of them to others of its class."""
    order = np.argsort(others, kind="stable")
    first = np.searchsorted(others[order], np.arange(N_CLASSES + 1))
    source = np.repeat(np.arange(len(classes)), degrees)
    own = classes[source]
    within = order[(first[own] + rng.random(len(source)) * np.diff(first)[own]).astype(int)]
    anywhere = rng.integers(0, len(others), len(source))
    target = np.where(rng.random(len(source)) < share, within, anywhere)
    codes = np.unique(source * len(others) + target)
    return np.stack(np.divmod(codes, len(others)))


def _add(data: HeteroData, relation: tuple[str, str, str], edges: np.ndarray) -> None:
    index = torch.from_numpy(np.ascontiguousarray(edges))
    data[relation].edge_index = index
    if opposite(relation) != relation:
        data[opposite(relation)].edge_index = index.flip(0)


def run(
    size: Size, *, kind: str, epochs: int, device: str, neighbours: int | None
) -> dict[str, Any]:
    """Train, score the test pairs, and return seconds, peak memory and how well it learnt."""
    data, known = simulated(size)
    split = gn.train.split_edges(
        known, tfs=data["tf"].name, genes=data["gene"].name, regime="target"
    )
    config = gn.models.EdgeModelConfig.of(with_training_edges(data, split), kind=kind)
    settings = replace(
        EDGE_SETTINGS, max_epochs=epochs, batch_size=MAX_SAMPLED_BATCH, device=device
    )
    how: Any = {"config": config, "settings": settings}
    if neighbours is not None:
        how["neighbours"] = neighbours
    begin = time.process_time()
    fitted = cost(lambda: gn.train.fit_edges(data, split, **how))
    cpu_seconds = time.process_time() - begin
    scored = cost(lambda: fitted.result.scores(split.test, device=device))
    label = split.test["label"].to_numpy()
    history = fitted.result.fit.history
    return {
        "kind": kind,
        "nodes": int(data.num_nodes),
        "edges": int(data.num_edges),
        "training pairs": len(split.train),
        "s / epoch": fitted.result.fit.seconds / len(history),
        "CPU s / epoch": cpu_seconds / len(history),
        "peak GB": max(fitted.peak_mb, scored.peak_mb) / 1024,
        "before GB": fitted.loaded_mb / 1024,
        "s to score": scored.seconds,
        "AUROC": float(roc_auc_score(label, scored.result)),
        "AUROC by label rates": float(split.audit().loc["test", "auroc_rates"]),
        "epochs": len(history),
    }


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kind", required=True)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--device", required=True)
    parser.add_argument("--shrink", type=float, default=1.0)
    parser.add_argument("--neighbours", type=int)
    asked = parser.parse_args()
    size = Size() if asked.shrink == 1 else Size().shrunk(asked.shrink)
    facts = run(
        size,
        kind=asked.kind,
        epochs=asked.epochs,
        device=asked.device,
        neighbours=asked.neighbours,
    )
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
