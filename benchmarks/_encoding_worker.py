"""One encoder on one scene, in a process of its own: one-hot sequences from letters or a file.

Runs under grnet's Python or under that of tangermeme; prints seconds and a check sum as JSON.
"""

import argparse
import json
import time
from collections.abc import Callable
from importlib.metadata import version

import numpy as np
import torch

WIDTH = 1000
Task = Callable[[], list[torch.Tensor]]


def letters_of(fasta: str, *, windows: bool) -> list[str]:
    """Return whole chromosomes, or all windows of 1 kb."""
    import pyfaidx  # noqa: PLC0415 - loaded where it is used

    texts = [str(record) for record in pyfaidx.Fasta(fasta, as_raw=False)]
    if not windows:
        return texts
    starts = [range(0, len(text) - WIDTH + 1, WIDTH) for text in texts]
    return [text[at : at + WIDTH] for text, row in zip(texts, starts, strict=True) for at in row]


def grnet(fasta: str, scene: str, dtype: str) -> Task:
    import pandas as pd  # noqa: PLC0415

    import grnet as gn  # noqa: PLC0415 - installed in its own environment only

    if scene == "windows from the file":
        genome = gn.io.Genome(fasta)
        start = {name: np.arange(0, size - WIDTH + 1, WIDTH) for name, size in genome.sizes.items()}
        chrom = np.repeat(list(start), [len(part) for part in start.values()])
        table = pd.DataFrame({"chrom": chrom, "start": np.concatenate(list(start.values()))})
        table["end"] = table["start"] + WIDTH
        return lambda: [gn.dna.one_hot(torch.from_numpy(genome.sequence(table)), dtype=dtype)]
    if scene == "windows":
        texts = letters_of(fasta, windows=True)
        return lambda: [gn.dna.one_hot(torch.from_numpy(gn.dna.to_codes(texts)), dtype=dtype)]
    texts = letters_of(fasta, windows=False)
    return lambda: [
        gn.dna.one_hot(torch.from_numpy(gn.dna.to_codes(text)), dtype=dtype) for text in texts
    ]


def tangermeme(fasta: str, scene: str, dtype: str) -> Task:
    from tangermeme.utils import one_hot_encode  # noqa: PLC0415 - of another environment

    kind = getattr(torch, dtype)
    if scene == "windows from the file":
        return lambda: [_stacked(_read(fasta), one_hot_encode, kind)]
    if scene == "windows":
        texts = letters_of(fasta, windows=True)
        return lambda: [_stacked(texts, one_hot_encode, kind)]
    texts = letters_of(fasta, windows=False)
    return lambda: [one_hot_encode(text, dtype=kind) for text in texts]


def contiguous(fasta: str, scene: str, dtype: str) -> Task:
    """Bring the transposed views of tangermeme into the order that convolutions read fastest."""
    task = tangermeme(fasta, scene, dtype)
    return lambda: [encoded.contiguous() for encoded in task()]


def loop(fasta: str, scene: str, dtype: str) -> Task:
    """Write what a script without a library does: pyfaidx, and a row of the identity per letter."""
    rows = torch.eye(5, 4, dtype=getattr(torch, dtype))
    number = {letter: n for n, letter in enumerate("ACGTN")}

    def encode(text: str, *, dtype: torch.dtype) -> torch.Tensor:
        return rows[[number[letter] for letter in text]].T.to(dtype)

    kind = getattr(torch, dtype)
    if scene == "windows from the file":
        return lambda: [_stacked(_read(fasta), encode, kind)]
    texts = letters_of(fasta, windows=scene == "windows")
    if scene == "windows":
        return lambda: [_stacked(texts, encode, kind)]
    return lambda: [encode(text, dtype=kind) for text in texts]


def _read(fasta: str) -> list[str]:
    import pyfaidx  # noqa: PLC0415 - loaded where it is used

    file = pyfaidx.Fasta(fasta, as_raw=True, sequence_always_upper=True)
    return [
        record[at : at + WIDTH]
        for record in file
        for at in range(0, len(record) - WIDTH + 1, WIDTH)
    ]


def _stacked(
    texts: list[str], encode: Callable[..., torch.Tensor], kind: torch.dtype
) -> torch.Tensor:
    return torch.stack([encode(text, dtype=kind) for text in texts])


def check_sum(encoded: list[torch.Tensor]) -> list[int]:
    """Return how often each base occurs in odd places, the same for every right encoder."""
    counts = [part.reshape(-1, *part.shape[-2:])[..., 1::2].sum((0, 2)).long() for part in encoded]
    return torch.stack(counts).sum(0).tolist()


TOOLS = {
    "grnet": grnet,
    "tangermeme": tangermeme,
    "tangermeme, contiguous": contiguous,
    "plain loop": loop,
}


def main() -> None:
    """Warm up, time and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("tool", "fasta", "scene", "dtype"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--repeats", type=int, default=7)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    task = TOOLS[asked.tool](asked.fasta, asked.scene, asked.dtype)
    found = check_sum(task())  # the first call compiles and warms the file's pages
    seconds = []
    for _ in range(1 if asked.tool == "plain loop" else asked.repeats):
        begin = time.perf_counter()
        task()
        seconds.append(time.perf_counter() - begin)
    used = [name for name in ("grnet", "tangermeme") if asked.tool.startswith(name)]
    facts = {"seconds": min(seconds), "check": found, "versions": {n: version(n) for n in used}}
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
