"""What a sequence model answers, and how its raw outputs become predictions."""

from typing import Literal, NamedTuple

import torch

Head = Literal["binary", "regression", "multiclass", "per_base", "profile"]


class ProfileCounts(NamedTuple):
    """The shape of a signal along a sequence, and its total.

    ``profile`` has logits over positions, (N, T, L); ``counts`` the log of one plus the total, (N,
    T).
    """

    profile: torch.Tensor
    counts: torch.Tensor


Outputs = torch.Tensor | ProfileCounts


def turned(outputs: Outputs, *, head: Head, stranded: bool) -> Outputs:
    """Return the outputs for the other strand as outputs for this one.

    What has places is turned round; ``stranded`` outputs come in pairs, plus and minus strand, that
    change places.
    """
    if isinstance(outputs, ProfileCounts):
        profile = _swapped(outputs.profile.flip(-1), stranded=stranded)
        return ProfileCounts(profile, _swapped(outputs.counts, stranded=stranded))
    there = outputs.flip(-1) if head == "per_base" else outputs
    return _swapped(there, stranded=stranded)


def mean_of(first: Outputs, second: Outputs) -> Outputs:
    """Average two outputs of one kind."""
    if isinstance(first, ProfileCounts) and isinstance(second, ProfileCounts):
        return ProfileCounts(*((a + b) / 2 for a, b in zip(first, second, strict=True)))
    if isinstance(first, ProfileCounts) or isinstance(second, ProfileCounts):
        message = "Both strands must give the same kind of outputs."
        raise TypeError(message)
    return (first + second) / 2


def activated(outputs: Outputs, head: Head) -> torch.Tensor:
    """Turn raw outputs into probabilities, levels or expected counts per base."""
    if isinstance(outputs, ProfileCounts):
        totals = torch.expm1(outputs.counts).clamp(min=0)
        return outputs.profile.softmax(-1) * totals[..., None]
    if head in {"binary", "per_base"}:
        return outputs.sigmoid()
    return outputs.softmax(1) if head == "multiclass" else outputs


def _swapped(outputs: torch.Tensor, *, stranded: bool) -> torch.Tensor:
    if not stranded:
        return outputs
    order = torch.arange(outputs.shape[1], device=outputs.device)
    return outputs[:, order ^ 1]
