"""A copy of a model that DeepLIFT sees through: each module used once, maxima by its rule."""

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool1d

from grnet.models._heads import Outputs, ProfileCounts, mean_of, turned
from grnet.models._layers import GlobalPool, SequenceModel, at_the_door
from grnet.models.motif_cnn import MotifCNN

TINY = 1e-6
"""Differences below it are rounding: there the gradient stands for the ratio."""

RESCALED = (nn.ReLU, nn.ELU, nn.LeakyReLU, nn.Sigmoid, nn.Tanh, nn.Softplus)
"""Non-linear modules whose rule in Captum's DeepLIFT adds up; for maxima we bring our own."""

Window = tuple[int, int, int, int, bool]


def visible(model: nn.Module) -> nn.Module:
    """Return a copy with the same outputs, whose weights are fixed."""
    made = _replaced(copy.deepcopy(model).requires_grad_(requires_grad=False))
    for module in made.modules():
        if type(module) in RESCALED:
            module.register_forward_pre_hook(_apart)
    return made


def _apart(_: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Part a module from the one before, whose rule Captum would give the plain gradient."""
    return tuple(part.clone() for part in inputs)


def original_name(name: str) -> str:
    """Return the name that a module of the copy has in the model."""
    return ".".join(part for part in name.split(".") if part != "within")


def _replaced(module: nn.Module) -> nn.Module:
    for name, child in list(module.named_children()):
        setattr(module, name, _replaced(child))
    if isinstance(module, SequenceModel) and module.config.reverse_complement:
        return BothStrands(module)
    if isinstance(module, MotifCNN):
        return BestSites(module)
    if isinstance(module, GlobalPool):
        return VisibleGlobalPool()
    if type(module) is nn.MaxPool1d and not module.return_indices:
        return VisibleMaxPool(module)
    return module


class Maximum(torch.autograd.Function):
    """Maxima of windows, differentiated by DeepLIFT's rule.

    The first half of the batch are inputs, the second their references. Where the input is higher
    its own maximum is credited, else that of the reference (Shrikumar et al. 2017). Captum 0.9 has
    the rule, but adds nothing up where windows overlap, and where nothing changes it takes the
    gradient of the first example for all.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, window: Window) -> Tensor:  # noqa: ANN401 - torch's own
        """Return the maxima, (N, C, L')."""
        kernel, stride, padding, dilation, ceil = window
        top, place = max_pool1d(
            x, kernel, stride, padding, dilation, ceil_mode=ceil, return_indices=True
        )
        ctx.save_for_backward(x, top, place)
        found: Tensor = top
        return found

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        """Return multipliers, the same for inputs and references."""
        halves = [part.chunk(2) for part in (*ctx.saved_tensors, gradients[0])]
        (x, x0), (top, top0), (place, place0), (gradient, _) = halves
        change, higher = x - x0, torch.maximum(top, top0)
        multipliers = torch.zeros_like(x)
        for where, gained, untouched in ((place, higher - top0, 1.0), (place0, top - higher, 0.0)):
            by = change.gather(-1, where)
            ratio = torch.where(by.abs() < TINY, untouched, gained / by)
            multipliers.scatter_add_(-1, where, gradient * ratio)
        return torch.cat([multipliers, multipliers]), None


class VisibleMaxPool(nn.Module):
    """A pooling by maxima."""

    def __init__(self, pool: nn.MaxPool1d) -> None:
        super().__init__()
        sizes = (pool.kernel_size, pool.stride, pool.padding, pool.dilation)
        first = [size[0] if isinstance(size, tuple) else size for size in sizes]
        self.window = (*first, pool.ceil_mode)

    def forward(self, x: Tensor) -> Tensor:
        """Return the maxima of windows."""
        found: Tensor = Maximum.apply(x, self.window)  # type: ignore[no-untyped-call]
        return found


class Highest(nn.Module):
    """The maximum over all positions."""

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, C) for (N, C, L)."""
        window = (x.shape[-1], x.shape[-1], 0, 1, False)
        found: Tensor = Maximum.apply(x, window)  # type: ignore[no-untyped-call]
        return found.squeeze(-1)


class VisibleGlobalPool(nn.Module):
    """Maximum and mean over positions."""

    def __init__(self) -> None:
        super().__init__()
        self.highest = Highest()

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, 2C) for (N, C, L)."""
        return torch.cat([self.highest(x), x.mean(-1)], dim=1)


class BothStrands(nn.Module):
    """A model that reads both strands at once, in place of one after the other."""

    def __init__(self, within: SequenceModel) -> None:
        super().__init__()
        self.within = within

    def forward(self, x: Tensor) -> Outputs:
        """Return the mean of both strands; a sequence and its other strand stay neighbours."""
        hot = at_the_door(x)
        both = torch.stack([hot, hot.flip(1, 2)], dim=1).flatten(0, 1)
        outputs, config = self.within.strand(both), self.within.config
        there = turned(
            _every_other(outputs, 1),
            head=config.head,
            stranded=bool(getattr(config, "stranded", False)),
        )
        return mean_of(_every_other(outputs, 0), there)


class BestSites(nn.Module):
    """The filters of a :class:`MotifCNN` and the best site of each on both strands."""

    def __init__(self, within: MotifCNN) -> None:
        super().__init__()
        self.within = within
        self.highest = Highest()

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, T)."""
        hot = at_the_door(x)
        is_double = self.within.config.reverse_complement
        strands = (hot, hot.flip(1, 2)) if is_double else (hot,)
        sites = torch.cat([self.within.filters(strand) for strand in strands], dim=-1)
        logits: Tensor = self.within.head(self.within.rectified(self.highest(sites)))
        return logits


def _every_other(outputs: Outputs, first: int) -> Outputs:
    if isinstance(outputs, ProfileCounts):
        return ProfileCounts(outputs.profile[first::2], outputs.counts[first::2])
    return outputs[first::2]
