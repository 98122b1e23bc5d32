"""Sequences per second in training: grnet's loop beside a plain loop of PyTorch, and its loader.

``python -m benchmarks.throughput`` trains the same model on the same sequences with
:func:`grnet.train.fit` and with a bare loop over one-hot tensors made beforehand, in turn, five
times each; the median counts. The loader is timed alone: codes cut into batches, with labels.
"""

import time
from collections.abc import Callable
from typing import Annotated

import numpy as np
import pandas as pd
import torch
import typer
from torch import nn
from torch.nn import functional

import grnet as gn
from benchmarks._runs import RESULTS
from benchmarks._tables import machine, markdown, warn_unless_idle
from grnet.train._batches import EpochSampler
from grnet.train._running import batches

MODELS: dict[str, Callable[[], nn.Module]] = {
    "MotifCNN": lambda: gn.models.MotifCNN(gn.models.MotifCNNConfig(dropout=0.3)),
    "SequenceCNN": gn.models.SequenceCNN,
    "SequenceCNNLSTM": gn.models.SequenceCNNLSTM,
    "DilatedCNN": gn.models.DilatedCNN,
}
BATCH, LENGTH, EPOCHS, REPEATS = 64, 200, 2, 5


def grnet_loop(model: nn.Module, data: gn.train.SequenceData) -> None:
    """Train as users do."""
    settings = gn.train.FitSettings(max_epochs=EPOCHS, batch_size=BATCH, device="cpu")
    gn.train.fit(model, data, settings=settings)


def plain_loop(model: nn.Module, data: gn.train.SequenceData) -> None:
    """Train with as little around the model as possible."""
    hot = torch.from_numpy(gn.dna.one_hot(data.codes))
    labels = torch.from_numpy(data.labels)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2)
    model.train()
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(hot)).split(BATCH):
            optimizer.zero_grad()
            logits = model(hot[rows])
            functional.binary_cross_entropy_with_logits(logits, labels[rows]).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()


def loader_alone(_: nn.Module, data: gn.train.SequenceData) -> None:
    """Draw the batches of the same epochs as training does, and make them one-hot."""
    settings = gn.train.FitSettings(batch_size=BATCH, device="cpu")
    loader = batches(data, settings, sampler=EpochSampler(len(data), seed=0))
    for _ in range(EPOCHS):
        for batch in loader:
            gn.dna.one_hot(batch["x"])


LOOPS = {"grnet": grnet_loop, "plain loop": plain_loop, "loader alone": loader_alone}


def main(
    n: Annotated[int, typer.Option(help="Sequences.")] = 2000,
) -> None:
    """Time the loops in turn, and print sequences per second."""
    warn_unless_idle()
    print(machine(), "\n")
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (n, LENGTH), dtype=np.uint8)
    data = gn.train.SequenceData(codes, rng.integers(0, 2, n))
    rows = []
    for name, make in MODELS.items():
        for repeat in range(-1, REPEATS):
            for loop, run in LOOPS.items():
                torch.manual_seed(0)
                model = make()
                begin = time.perf_counter()
                run(model, data)
                seconds = time.perf_counter() - begin
                if repeat >= 0:
                    rows.append({"model": name, "loop": loop, "rate": n * EPOCHS / seconds})
    results = pd.DataFrame(rows)
    RESULTS.mkdir(parents=True, exist_ok=True)
    results.to_csv(RESULTS / "throughput.csv", index=False)
    table = results.pivot_table("rate", "model", "loop", aggfunc="median", sort=False)
    table["plain loop / grnet"] = table["plain loop"] / table["grnet"]
    table["loader / grnet"] = table["loader alone"] / table["grnet"]
    print(markdown(table))


if __name__ == "__main__":
    typer.run(main)
