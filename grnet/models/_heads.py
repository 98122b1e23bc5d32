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


def strand_mean(forward: Outputs, reverse: Outputs, *, head: Head, stranded: bool) -> Outputs:
    """Average the outputs of both strands, those of the second turned round where they have places.

    ``stranded`` outputs come in pairs, plus and minus strand, that change places.
    """
    if isinstance(forward, ProfileCounts) and isinstance(reverse, ProfileCounts):
        turned = ProfileCounts(
            _swapped(reverse.profile.flip(-1), stranded=stranded),
            _swapped(reverse.counts, stranded=stranded),
        )
        return ProfileCounts(
            (forward.profile + turned.profile) / 2, (forward.counts + turned.counts) / 2
        )
    if isinstance(forward, ProfileCounts) or isinstance(reverse, ProfileCounts):
        message = "Both strands must give the same kind of outputs."
        raise TypeError(message)
    if head == "per_base":
        reverse = reverse.flip(-1)
    return (forward + _swapped(reverse, stranded=stranded)) / 2


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
