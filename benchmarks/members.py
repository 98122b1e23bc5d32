"""Do learned members help the consensus? Every set and truth, with and without them.

``python -m benchmarks.members`` runs the default members and the learned methods once on every data
set, combines them by their ranks in several ways, and writes ``benchmarks/results/members.csv``.
"""

import time
from typing import Annotated

import numpy as np
import pandas as pd
import torch
import typer

import grnet as gn
from benchmarks._runs import RESULTS
from benchmarks._tables import choose, machine, markdown, warn_unless_idle
from benchmarks.accuracy import averaged
from benchmarks.datasets import SETS, load, pair
from grnet.infer._arrays import rank_genes, scale_cells
from grnet.infer._edges import Candidates
from grnet.infer._inputs import Inputs, gather
from grnet.infer._scored import Scored, run_kernel
from grnet.infer.consensus import MEMBERS, combine

LEARNED = ("diffusion", "gnn", "transformer")


def member_scores(inputs: Inputs, seed: int) -> tuple[dict[str, Scored], dict[str, float]]:
    """Run every member and every learned method once; scores and seconds."""
    x, y, own = inputs.x, inputs.matrix, inputs.own
    arrays = {"none": (x, y), "cells": scale_cells(x, y), "ranks": rank_genes(x, y)}
    wanted = {member.name: (member.kernel, member.scaling) for member in MEMBERS}
    wanted |= {name: (gn.infer.METHODS[name].kernel, "none") for name in LEARNED}
    found, seconds = {}, {}
    for name, (kernel, scaling) in wanted.items():
        begin = time.perf_counter()
        rng = np.random.default_rng(seed)
        found[name] = run_kernel(kernel, *arrays[scaling], own, rng=rng, device=torch.device("cpu"))
        seconds[name] = time.perf_counter() - begin
    return found, seconds


def crowds() -> dict[str, tuple[str, ...]]:
    """Return the members of each consensus that is tried, and each learned method by itself."""
    usual = tuple(member.name for member in MEMBERS)
    return {
        "consensus": usual,
        **{f"consensus + {name}": (*usual, name) for name in LEARNED},
        "consensus + all learned": (*usual, *LEARNED),
        **{name: (name,) for name in LEARNED},
    }


def network_of(inputs: Inputs, scored: Scored) -> gn.GRN:
    """Return all pairs that have a score as a network."""
    pairs = Candidates(inputs, scored.scores.ravel(), scored.tested.ravel())
    return gn.GRN(pairs.edges(np.flatnonzero(pairs.scores)))


def run_set(name: str, seed: int) -> pd.DataFrame:
    """Return the benchmark of one data set."""
    data = load(name)
    inputs = gather(data.adata, tfs=data.tfs, layer=None)
    found, seconds = member_scores(inputs, seed)
    networks = {}
    for crowd, members in crowds().items():
        one = found[members[0]]
        joined = one if len(members) == 1 else combine({m: found[m] for m in members})
        networks[crowd] = network_of(inputs, joined)
    methods = {crowd: lambda *_, grn=grn: grn for crowd, grn in networks.items()}
    table = gn.evaluate.benchmark(methods, {name: data}, seed=seed)
    table["seconds"] = table["ranking"].map(
        {crowd: sum(seconds[m] for m in members) for crowd, members in crowds().items()}
    )
    pairs = [pair(name, truth) for truth in table["truth"]]
    return table.assign(pair=[p.name for p in pairs], counted=[p.counted for p in pairs])


def main(
    sets: Annotated[str | None, typer.Option(help="Data sets, with commas; default all.")] = None,
    seed: Annotated[int, typer.Option(help="Of the methods and the random null.")] = 0,
) -> None:
    """Score each consensus on all sets and truths."""
    warn_unless_idle()
    print(machine(), "\n")
    RESULTS.mkdir(parents=True, exist_ok=True)
    tables = []
    for name in choose(sets, SETS, "data set"):
        tables.append(run_set(name, seed))
        pd.concat(tables).to_csv(RESULTS / "members.csv", index=False)
        print(f"{name}: done", flush=True)
    means = averaged(pd.concat(tables, ignore_index=True))
    for figure, title in (("auprc_ratio", "AUPRC ratio"), ("epr", "EPR")):
        inside = means.inside(figure)
        shown = means.tables[figure].assign(mean=inside.mean(axis=1))
        shown["geometric mean"] = np.exp(np.log(inside.clip(lower=1e-3)).mean(axis=1))
        better = inside.gt(inside.loc["consensus"]).sum(axis=1)
        shown["above the consensus"] = better.astype(str) + f" of {inside.shape[1]}"
        print(f"\n### {title}\n\n{markdown(shown, digits=3)}")


if __name__ == "__main__":
    typer.run(main)
