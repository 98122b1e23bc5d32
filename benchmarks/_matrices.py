"""The files that workers read and write: expression with names, and scores of all pairs.

Other tools live in environments without grnet, so this module needs numpy and scipy alone.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

SPARSE_PARTS = ("data", "indices", "indptr", "shape")


class Inputs(NamedTuple):
    """Cells x genes (dense or CSR, float32) and the names of its genes and regulators."""

    x: np.ndarray | sp.csr_matrix
    genes: np.ndarray
    tfs: np.ndarray

    @property
    def tf_places(self) -> np.ndarray:
        """The column of each regulator."""
        places = {gene: i for i, gene in enumerate(self.genes)}
        return np.array([places[tf] for tf in self.tfs])

    def dense(self, columns: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Return some genes as a dense matrix."""
        part = self.x[:, columns]
        return part.toarray() if sp.issparse(part) else np.ascontiguousarray(part)

    def fingerprint(self) -> str:
        """Return a digest of names and values, to know results of other data by."""
        digest = hashlib.sha256("\n".join([*self.genes, "", *self.tfs]).encode())
        parts = (self.x.indptr, self.x.indices, self.x.data) if sp.issparse(self.x) else (self.x,)
        for part in parts:
            digest.update(np.ascontiguousarray(part).data)
        return digest.hexdigest()[:16]


class Network(NamedTuple):
    """Scores of regulators x genes."""

    scores: np.ndarray
    genes: np.ndarray
    tfs: np.ndarray


def save_inputs(path: Path, inputs: Inputs) -> None:
    """Write expression and names."""
    x = inputs.x
    if sp.issparse(x):
        arrays = {part: np.asarray(getattr(x, part)) for part in SPARSE_PARTS}
    else:
        arrays = {"expression": x}
    _save(path, {**arrays, "genes": inputs.genes, "tfs": inputs.tfs})


def load_inputs(path: Path) -> Inputs:
    """Read expression and names."""
    with np.load(path, allow_pickle=False) as file:
        if "expression" in file:
            x = file["expression"]
        else:
            data, indices, indptr, shape = (file[part] for part in SPARSE_PARTS)
            x = sp.csr_matrix((data, indices, indptr), shape=tuple(shape))
        return Inputs(x, file["genes"], file["tfs"])


def save_network(path: Path, network: Network) -> None:
    """Write scores and names."""
    _save(path, network._asdict(), compressed=True)


def load_network(path: Path) -> Network:
    """Read scores and names."""
    with np.load(path, allow_pickle=False) as file:
        return Network(file["scores"], file["genes"], file["tfs"])


def _save(path: Path, arrays: Mapping[str, np.ndarray], *, compressed: bool = False) -> None:
    """Write under a temporary name, then rename: a broken run leaves no half-written file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem}.part.npz")
    try:
        (np.savez_compressed if compressed else np.savez)(part, **arrays)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
