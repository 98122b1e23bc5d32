"""Run one method of grnet on one data set in a process of its own.

Not called by hand: ``benchmarks.speed`` starts it. Imports and reading are not timed, and one call
on a few cells comes first, as in any session that is open.
"""

import argparse
import json
import warnings
from importlib.metadata import version
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import torch

import grnet as gn
from benchmarks._cost import cost
from benchmarks._matrices import Inputs, Network, load_inputs, save_network


def as_anndata(inputs: Inputs) -> ad.AnnData:
    """Return what a user would hold."""
    cells = pd.Index([f"cell{i}" for i in range(inputs.x.shape[0])])
    genes = pd.Index([str(gene) for gene in inputs.genes])
    return ad.AnnData(inputs.x, obs=pd.DataFrame(index=cells), var=pd.DataFrame(index=genes))


def as_network(grn: gn.GRN, inputs: Inputs) -> Network:
    """Return the absolute weights of the edges as a matrix."""
    scores = np.zeros((len(inputs.tfs), len(inputs.genes)), np.float32)
    rows = pd.Index(inputs.tfs).get_indexer(pd.Index(grn.edges["source"]))
    columns = pd.Index(inputs.genes).get_indexer(pd.Index(grn.edges["target"]))
    scores[rows, columns] = grn.edges["weight"].abs()
    return Network(scores, inputs.genes, inputs.tfs)


def warm_up(method: str) -> None:
    """Let the libraries load what they load on first use."""
    noise = np.random.default_rng(0).random((40, 12)).astype(np.float32)
    names = np.array([f"gene{i}" for i in range(12)])
    gn.infer.network(as_anndata(Inputs(noise, names, names)), tfs=list(names[:4]), method=method)


def main() -> None:
    """Read, run, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", choices=list(gn.infer.methods.index), required=True)
    parser.add_argument("--input", type=Path, required=True, help="expression, as npz")
    parser.add_argument("--facts", type=Path, required=True, help="where the costs go, as JSON")
    parser.add_argument("--network", type=Path, help="where the scores go, as npz")
    parser.add_argument("--processes", type=int, help="threads to compute with")
    asked = parser.parse_args()
    if asked.processes:
        torch.set_num_threads(asked.processes)
    inputs = load_inputs(asked.input)
    adata, tfs = as_anndata(inputs), [str(tf) for tf in inputs.tfs]
    warnings.simplefilter("ignore")
    warm_up(asked.method)
    made = cost(lambda: gn.infer.network(adata, tfs=tfs, method=asked.method, device="cpu"))
    if asked.network:
        save_network(asked.network, as_network(made.result, inputs))
    facts = {
        "method": asked.method,
        "seconds": made.seconds,
        "measured_seconds": made.seconds,
        "share": 1.0,
        "peak_mb": made.peak_mb,
        "loaded_mb": made.loaded_mb,
        "processes": torch.get_num_threads(),
        "edges": len(made.result),
        "versions": {name: version(name) for name in ("grnet", "torch", "numpy")},
    }
    asked.facts.write_text(json.dumps(facts, indent=1))


if __name__ == "__main__":
    main()
