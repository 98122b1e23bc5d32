"""Kernel of the expression transformer: what its predictions of each target come from.

A transformer is trained on the cells at hand to predict hidden genes from the regulators that are
not hidden (:func:`grnet.train.pretrain_expression`), and read out over cells: how the prediction of
a target moves with the value of a regulator, or how much the target attends to it.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from grnet import _checks
from grnet._progress import progress
from grnet.infer._arrays import Matrix, leave_out_own, varies
from grnet.infer._scored import Scored

if TYPE_CHECKING:
    from grnet.models import ExpressionTransformer
    from grnet.train import ExpressionData

ReadOut = Literal["sensitivity", "attention"]

_BLOCK_BYTES = 64 * 2**20
_CELLS_AT_A_TIME = 16
_MAX_CELLS = 128
"""Cells that the read-out is the mean of: more of them change it by less than training does."""


def masked_expression(  # noqa: PLR0913 - a kernel's keyword arguments are its options
    x: np.ndarray,
    y: Matrix,
    own: np.ndarray,
    *,
    rng: np.random.Generator,
    device: torch.device,
    readout: ReadOut = "sensitivity",
    n_epochs: int = 24,
    width: int = 32,
    mask_rate: float = 0.25,
) -> Scored:
    """Train a transformer on hidden genes, and read regulation out of it, signed.

    ``"sensitivity"`` is the mean derivative of the predicted target to the regulator, both in
    standard deviations; ``"attention"`` the mean attention, with the sign of the former. An epoch
    is 25 steps. ``held_out_r2`` says what the model knows of cells that it was not trained on.
    """
    _checks.one_of(readout, ("sensitivity", "attention"), "readout")
    # the other methods do without what these import
    from grnet.models import ExpressionTransformerConfig  # noqa: PLC0415
    from grnet.train import ExpressionData, pretrain_expression  # noqa: PLC0415
    from grnet.train.expression import EXPRESSION_SETTINGS  # noqa: PLC0415

    data = ExpressionData(x, y, own)
    config = ExpressionTransformerConfig(
        own=tuple(own.tolist()), n_regulators=x.shape[1], width=width
    )
    settings = replace(EXPRESSION_SETTINGS, max_epochs=n_epochs, device=str(device))
    seed = int(rng.integers(2**31))
    done = pretrain_expression(data, config, mask_rate=mask_rate, settings=settings, seed=seed)
    cells = np.sort(rng.permutation(len(data))[:_MAX_CELLS])
    scores = _read(done.model.to(device), data, cells=cells, readout=readout)
    scores[~varies(x)] = 0.0
    scores[:, ~varies(y)] = 0.0
    return Scored(leave_out_own(scores, own), {}, {"held_out_r2": done.metrics["r2"]})


def _read(
    model: "ExpressionTransformer",
    data: "ExpressionData",
    *,
    cells: np.ndarray,
    readout: ReadOut,
) -> np.ndarray:
    """Return regulators x targets: means over cells of one read-out, signed."""
    config, device = model.config, model.own.device
    x = data.batch(cells, np.zeros(0, dtype=np.int64))["x"].to(device)
    width = max(_BLOCK_BYTES // (8 * config.n_heads * _CELLS_AT_A_TIME * x.shape[1]), 1)
    scores = np.empty((config.n_regulators, config.n_genes), dtype=np.float32)
    blocks = torch.arange(config.n_genes, device=device).split(width)
    for genes in progress(blocks, "reading out", total=len(blocks)):
        totals = torch.zeros(2, len(genes), config.n_regulators, device=device, dtype=x.dtype)
        for part in x.split(_CELLS_AT_A_TIME):
            read = model.read_out(part, genes)
            totals[0] += read.sensitivity.sum(0)
            totals[1] += read.attention[..., :-1].sum(0)
        sensitivity, attention = totals / len(x)
        chosen = sensitivity if readout == "sensitivity" else attention * sensitivity.sign()
        scores[:, genes.cpu().numpy()] = chosen.T.float().cpu().numpy()
    return scores
