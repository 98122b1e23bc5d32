"""Integrated gradients along a straight path, with steps where the function bends."""

import heapq
from collections.abc import Callable
from typing import NamedTuple

import torch
from captum.attr import IntegratedGradients

Tensors = tuple[torch.Tensor, ...]
Function = Callable[..., torch.Tensor]

STEPS = 3
"""Gauss-Legendre points of each stretch of the path."""

SCATTER = 5.0
"""How often the tolerance may go into misses that cancel each other."""

USUAL = 0.01
"""Share that may stay unexplained, where no tolerance demands it."""

LEAST = 0.01
"""A smaller difference of logits counts as this one where the residual is judged."""


class PathIntegral(NamedTuple):
    """Contributions of all inputs, and what they should add up to."""

    contributions: Tensors
    logit: float
    baseline: float
    residual: float
    n_steps: int


class _Stretch(NamedTuple):
    """A part of the path; the largest errors come first in a heap."""

    priority: float
    miss: float
    start: float
    end: float
    values: tuple[float, float]
    contributions: Tensors


def integrated(
    function: Function,
    inputs: Tensors,
    *,
    baselines: Tensors,
    tolerance: float | None,
    max_steps: int,
) -> PathIntegral:
    """Return integrated gradients of a function from baselines to inputs.

    Parameters
    ----------
    function
        From tensors shaped as the inputs to one number, differentiable.
    inputs, baselines
        Ends of the path.
    tolerance
        Largest residual, as a share of the difference of the function between both ends (or of
        0.01, where the ends are closer). None aims at 0.01 and takes what it gets.
    max_steps
        Gradients that are computed at most.

    Raises
    ------
    RuntimeError
        If the residual is larger then.

    Notes
    -----
    The gradients of a stretch of the path must add up to what the function changes along it. The
    stretch where they miss it most is halved until the misses of all add up to less than the
    tolerance, and without regard to their sign to less than five times as much: a kink costs steps
    where it is, and none elsewhere.
    """
    path = _Path(function, inputs, baselines)
    ends = path.value(0.0), path.value(1.0)
    aim = USUAL if tolerance is None else tolerance
    allowed = aim * max(abs(ends[1] - ends[0]), LEAST)
    stretches = [path.stretch(0.0, 1.0, ends)]
    n_steps = STEPS
    while n_steps + 2 * STEPS <= max_steps and not _is_within(stretches, allowed):
        worst = heapq.heappop(stretches)
        middle = (worst.start + worst.end) / 2
        if not worst.start < middle < worst.end:
            heapq.heappush(stretches, worst)
            break
        value = path.value(middle)
        heapq.heappush(stretches, path.stretch(worst.start, middle, (worst.values[0], value)))
        heapq.heappush(stretches, path.stretch(middle, worst.end, (value, worst.values[1])))
        n_steps += 2 * STEPS
    contributions = tuple(
        torch.stack(parts).sum(0)
        for parts in zip(*(s.contributions for s in stretches), strict=True)
    )
    residual = ends[1] - ends[0] - sum(float(part.double().sum()) for part in contributions)
    found = PathIntegral(contributions, ends[1], ends[0], residual, n_steps)
    if tolerance is not None and abs(residual) > allowed:
        raise RuntimeError(_incomplete(found, tolerance, max_steps))
    return found


def batch_of_one(function: Function, *batch: torch.Tensor) -> torch.Tensor:
    """Call a function of one example as Captum calls it; inputs that it does not read count 0."""
    value = function(*(part[0] for part in batch)).reshape(1)
    return value + sum(part.sum() * 0 for part in batch) if value.requires_grad else value


class _Path:
    """The straight line from baselines to inputs, and the function along it."""

    def __init__(self, function: Function, inputs: Tensors, baselines: Tensors) -> None:
        self._function, self._inputs, self._baselines = function, inputs, baselines
        self._captum = IntegratedGradients(self._one)

    def _one(self, *batch: torch.Tensor) -> torch.Tensor:
        return batch_of_one(self._function, *batch)

    def point(self, share: float) -> Tensors:
        """Return the inputs at a share of the way, as a batch of one."""
        pairs = zip(self._inputs, self._baselines, strict=True)
        return tuple((start + share * (end - start))[None] for end, start in pairs)

    def value(self, share: float) -> float:
        with torch.no_grad():
            return float(self._one(*self.point(share)).double())

    def stretch(self, start: float, end: float, values: tuple[float, float]) -> _Stretch:
        parts = self._captum.attribute(
            self.point(end),
            baselines=self.point(start),
            n_steps=STEPS,
            internal_batch_size=1,
        )
        contributions = tuple(part[0].detach() for part in parts)
        total = sum(float(part.double().sum()) for part in contributions)
        miss = values[1] - values[0] - total
        return _Stretch(-abs(miss), miss, start, end, values, contributions)


def _is_within(stretches: list[_Stretch], allowed: float) -> bool:
    misses = [stretch.miss for stretch in stretches]
    return abs(sum(misses)) <= allowed and sum(map(abs, misses)) <= SCATTER * allowed


def _incomplete(found: PathIntegral, tolerance: float, max_steps: int) -> str:
    gap = found.logit - found.baseline
    return (
        f"Integrated gradients leave {abs(found.residual):.3g} of logit minus baseline "
        f"({gap:.3g}) unexplained after {found.n_steps} steps, more than the tolerance of "
        f"{tolerance:g}. Raise max_steps={max_steps}, or take them as they are with "
        "tolerance=None and read the residual."
    )
