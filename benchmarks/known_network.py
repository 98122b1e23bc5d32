"""One network of all pairs from known edges, and what the numbers of edges alone would tell.

``python -m benchmarks.known_network`` infers by ``gn.infer.network(method="gnn", known=...)`` from
a list of known edges, and from a control in which every TF and target keeps its number of edges and
who goes with whom is drawn anew: there nothing beyond label rates is to be found.
"""

import time
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer

import grnet as gn
from benchmarks._known_edges import SETS, KnownEdges
from benchmarks._tables import choose, machine, markdown, warn_unless_idle

SETTINGS: dict[str, dict[str, Any]] = {
    "default": {},
    "30 epochs, one network": {"max_epochs": 30, "n_members": 1},
}
_ROUNDS = 200


def drawn_anew(known: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    """Return as many edges of the same names; pairs that come twice swap targets until none does.

    The few that are left after many rounds, of names that have nearly all partners, are left out.
    """
    rng = np.random.default_rng(seed)
    source, target = (known[end].to_numpy(dtype=object) for end in ("source", "target"))
    target = rng.permutation(target)
    for _ in range(_ROUNDS):
        pairs = pd.DataFrame({"source": source, "target": target})
        wrong = np.flatnonzero(pairs.duplicated() | (pairs["source"] == pairs["target"]))
        if not len(wrong):
            break
        other = rng.integers(0, len(target), len(wrong))
        target[wrong], target[other] = target[other].copy(), target[wrong].copy()
    pairs = pd.DataFrame({"source": source, "target": target}).drop_duplicates()
    return pairs[pairs["source"] != pairs["target"]].reset_index(drop=True)


def measured(data: KnownEdges, known: pd.DataFrame, options: dict[str, Any]) -> dict[str, float]:
    """Return how well held-out edges are told, beside label rates, and the seconds it took."""
    begin = time.process_time()
    grn = gn.infer.network(
        data.adata, tfs=data.tfs, method="gnn", known=known, n_top=None, **options
    )  # fmt: skip
    held = {key: value for key, value in grn.params.items() if str(key).startswith("held_out_")}
    return {**held, "CPU s": time.process_time() - begin}


def main(
    *,
    sets: Annotated[str, typer.Option(help="Sets of benchmarks.supervised.")] = (
        "mdc nonspecific_chip"
    ),
    settings: Annotated[str | None, typer.Option(help="With commas; default all.")] = None,
    seed: Annotated[int, typer.Option(help="Of the control.")] = 0,
) -> None:
    """Infer from the list and from its control, and print what of held-out edges was found."""
    warn_unless_idle()
    print(machine(), "\n")
    for name in choose(sets, SETS, "set"):
        data = SETS[name]()
        print(f"{name}: {data.counts()}\n", flush=True)
        control = drawn_anew(data.known, seed=seed)
        rows = {
            (known, how): measured(data, edges, SETTINGS[how])
            for known, edges in (("the list", data.known), ("drawn anew", control))
            for how in choose(settings, SETTINGS, "setting")
        }
        table = pd.DataFrame.from_dict(rows, orient="index").rename_axis(
            ["known edges", "settings"]
        )
        print(markdown(table, digits=3), "\n", flush=True)


if __name__ == "__main__":
    typer.run(main)
