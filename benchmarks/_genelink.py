"""GENELink (Chen and Liu 2022), written anew from its description, in grnet's splits and loop.

Two layers of graph attention read the expression of all genes over the training edges, TF to
target; TF and target have a network of two layers each, and the dot product of the two decides. As
in the original, training edges are heard while they are asked for.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn import functional
from torch_geometric.data import HeteroData
from torch_geometric.nn import GATConv

import grnet as gn
from grnet.models.prediction import evaluating
from grnet.train._edge_batches import LabelledPairs
from grnet.train._edge_objective import EdgeObjective

if TYPE_CHECKING:
    from anndata import AnnData

SETTINGS = gn.train.FitSettings(
    max_epochs=60, batch_size=256, optimizer="adam", learning_rate=3e-3, weight_decay=0.0,
    schedule="constant", patience=15, gradient_clip=0.0,
)  # fmt: skip


class GENELink(nn.Module):
    """Graph attention over expression, two towers, dot product."""

    def __init__(self, n_cells: int, known: torch.Tensor) -> None:
        super().__init__()
        self.first = GATConv(n_cells, 128, heads=3)
        self.second = GATConv(3 * 128, 64, heads=3, concat=False)
        self.of_tf, self.of_target = (
            nn.Sequential(
                nn.Linear(64, 32), nn.LeakyReLU(), nn.Dropout(0.01), nn.Linear(32, 16),
                nn.LeakyReLU(),
            )
            for _ in range(2)
        )  # fmt: skip
        self.known = known

    def forward(self, x: torch.Tensor, pairs: torch.Tensor) -> torch.Tensor:
        """Return logits of pairs of genes, (2, B)."""
        known = self.known.to(x.device)
        # only TFs with training edges are heard, at any depth: nobody else can change the answer
        heard = torch.unique(torch.cat([known[0], pairs.flatten()]))
        place = torch.full((len(x),), -1, device=x.device)
        place[heard] = torch.arange(len(heard), device=x.device)
        edges = place[known[:, place[known[1]] >= 0]]
        h = functional.elu(self.first(x[heard], edges))
        h = functional.elu(self.second(h, edges))
        tf, target = place[pairs]
        logits: torch.Tensor = (self.of_tf(h[tf]) * self.of_target(h[target])).sum(1)
        return logits


class _Loss(EdgeObjective):
    """The loss of a model that reads expression itself."""

    def __init__(self, x: torch.Tensor) -> None:
        super().__init__(HeteroData())
        self._x = x

    def answer(self, model: nn.Module, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
        logits: torch.Tensor = model(self._x.to(batch["pairs"].device), batch["pairs"])
        return logits


def genelink(split: gn.train.EdgeSplit, adata: "AnnData") -> np.ndarray:
    """Train GENELink on a split, and return its scores of the test pairs."""
    names = adata.var_names
    values = adata.X.toarray() if hasattr(adata.X, "toarray") else np.asarray(adata.X)
    x = torch.from_numpy(values.T.astype(np.float32))
    x = (x - x.mean(0)) / x.std(0).clamp_min(1e-6)

    def places(table: pd.DataFrame) -> np.ndarray:
        ends = [names.get_indexer(pd.Index(table[end])) for end in ("source", "target")]
        return np.stack(ends).astype(np.int64)

    parts = [
        LabelledPairs(places(part), part["label"].to_numpy(np.float32))
        for part in (split.train, split.validation)
    ]
    known = parts[0].pairs[:, parts[0].labels == 1]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = GENELink(adata.n_obs, known)
    gn.train.fit(model, parts[0], validation=parts[1], objective=_Loss(x), settings=SETTINGS)
    with evaluating(model):
        found: np.ndarray = model(x, torch.from_numpy(places(split.test))).numpy()
    return found
