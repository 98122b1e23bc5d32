"""Kernel of the expression transformer: what its predictions of each target come from.

A transformer is trained on the cells at hand to predict hidden genes from the regulators that are
not hidden (:func:`grnet.train.pretrain_expression`), and read out as a mean over cells.

Attention is no default: as a score of edges it beats the absolute correlation on some truths and
loses on others (``benchmarks/readouts.py``). What it attends to is not what it is moved by.
"""

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, NamedTuple, cast

import numpy as np
import torch

from grnet import _checks
from grnet._progress import progress
from grnet.infer._arrays import Matrix, leave_out_own, varies
from grnet.infer._scored import Scored
from grnet.infer.linear import pearson

if TYPE_CHECKING:
    from grnet.models import ExpressionTransformer
    from grnet.train import ExpressionData

logger = logging.getLogger(__name__)

ReadOut = Literal["contribution", "sensitivity", "attention"]

_BLOCK_BYTES = 64 * 2**20
_CELLS_AT_A_TIME = 16
_MAX_CELLS = 128
"""Cells that the read-out is the mean of."""


class _Means(NamedTuple):
    """Means over cells, regulators x targets."""

    sensitivity: np.ndarray
    attention: np.ndarray


def masked_expression(  # noqa: PLR0913 - a kernel's keyword arguments are its options
    x: np.ndarray,
    y: Matrix,
    own: np.ndarray,
    *,
    rng: np.random.Generator,
    device: torch.device,
    readout: ReadOut = "contribution",
    n_epochs: int = 32,
    width: int = 32,
    mask_rate: float = 0.25,
) -> Scored:
    """Train a transformer on hidden genes, and read regulation out of it, signed.

    ``"sensitivity"`` is the mean derivative of the predicted target to the regulator, both in
    standard deviations. ``"contribution"`` multiplies it by the correlation: the share of a
    target's variance that a regulator accounts for in a linear model (Pratt 1987). ``"attention"``
    is the mean attention, with the sign of the sensitivity. An epoch is 25 steps; the parameter
    ``held_out_r2`` says what the model knows of cells that it was not trained on; where that is
    nothing, a warning does.
    """
    _checks.one_of(readout, ("contribution", "sensitivity", "attention"), "readout")
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
    model = cast("ExpressionTransformer", done.model.to(device))
    means = _read(model, data, cells)
    scores = means.sensitivity
    if readout == "attention":
        scores = means.attention * np.sign(means.sensitivity)
    elif readout == "contribution":
        scores = means.sensitivity * np.abs(pearson(x, y, own, rng=rng, device=device))
    scores[~varies(x)] = 0.0
    scores[:, ~varies(y)] = 0.0
    facts = {"held_out_r2": done.metrics["r2"]}
    if facts["held_out_r2"] <= 0:
        logger.warning(
            "The transformer explains nothing of the cells held out (R² %.3f): its edges are "
            "preferences for some genes at most. More cells or training (n_epochs=) may help; the "
            "methods that take seconds need less.",
            facts["held_out_r2"],
        )
    return Scored(leave_out_own(scores, own), {}, facts)


def _read(model: "ExpressionTransformer", data: "ExpressionData", cells: np.ndarray) -> _Means:
    config, device = model.config, model.own.device
    x = data.batch(cells, np.zeros(0, dtype=np.int64))["x"].to(device)
    width = max(_BLOCK_BYTES // (8 * config.n_heads * _CELLS_AT_A_TIME * (x.shape[1] + 1)), 1)
    shape = (config.n_regulators, config.n_genes)
    means = _Means(np.empty(shape, dtype=np.float32), np.empty(shape, dtype=np.float32))
    blocks = torch.split(torch.arange(config.n_genes, device=device), width)
    for genes in progress(blocks, "reading out", total=len(blocks)):
        sums = torch.zeros(2, len(genes), config.n_regulators, device=device, dtype=x.dtype)
        for part in torch.split(x, _CELLS_AT_A_TIME):
            read = model.read_out(part, genes)
            sums[0] += read.sensitivity.sum(0)
            sums[1] += read.attention[..., :-1].sum(0)
        for matrix, mean in zip(means, sums / len(x), strict=True):
            matrix[:, genes.cpu().numpy()] = mean.T.float().cpu().numpy()
    return means
