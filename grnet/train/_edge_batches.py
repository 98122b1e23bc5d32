"""Labelled pairs in batches, over the whole graph or with a part of it around them."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from grnet.graph.vocabulary import GENE, TF
from grnet.train._neighbours import Neighbours
from grnet.train._resuming import fingerprint

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData


class LabelledPairs:
    """Pairs of positions with labels, and features where the model reads some, in batches."""

    def __init__(
        self,
        pairs: npt.NDArray[np.int64],
        labels: npt.NDArray[np.float32],
        *,
        features: npt.NDArray[np.float32] | None = None,
    ) -> None:
        self.pairs, self.labels = torch.from_numpy(pairs), torch.from_numpy(labels)
        self.features = None if features is None else torch.from_numpy(features)

    def __len__(self) -> int:
        """Return the number of pairs."""
        return self.pairs.shape[1]

    def fingerprint(self) -> str:
        """Return a digest of pairs, labels and features."""
        return fingerprint(self.pairs, self.labels, self.features)

    def __getitems__(self, indices: list[int]) -> dict[str, Any]:
        """Return ``pairs`` (2, B), ``y`` (B,), and ``features`` (B, n) where there are some."""
        rows = torch.tensor(indices)
        batch = {"pairs": self.pairs[:, rows], "y": self.labels[rows]}
        return batch if self.features is None else {**batch, "features": self.features[rows]}


class SampledPairs:
    """Labelled pairs, each batch with the small graph that its nodes hear.

    What is drawn follows from the seed and the pairs of the batch, so that a run that was killed
    goes on with the same neighbours, in whatever process they are drawn.
    """

    def __init__(
        self,
        labelled: LabelledPairs,
        graph: "HeteroData",
        neighbours: Neighbours,
        *,
        depth: int,
        n_each: int,
        seed: int,
    ) -> None:
        self._labelled, self._features, self._neighbours = labelled, graph.x_dict, neighbours
        self._depth, self._n_each, self._seed = depth, n_each, seed

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self._labelled)

    def fingerprint(self) -> str:
        """Return that of the labelled pairs."""
        return self._labelled.fingerprint()

    def __getitems__(self, indices: list[int]) -> dict[str, Any]:
        """Return ``pairs`` and ``y``, and ``x`` and ``edges`` of the graph that these are of."""
        batch = self._labelled.__getitems__(indices)
        (tfs, tf), (genes, gene) = (
            np.unique(ends, return_inverse=True) for ends in batch["pairs"].numpy()
        )
        small = self._neighbours.around(
            {TF: tfs, GENE: genes},
            depth=self._depth,
            n_each=self._n_each,
            rng=np.random.default_rng([self._seed, *indices[:8]]),
        )
        x = {kind: value[small.nodes[kind]] for kind, value in self._features.items()}
        pairs = torch.from_numpy(np.stack([tf, gene]))
        return {**batch, "pairs": pairs, "x": x, "edges": small.edges}
