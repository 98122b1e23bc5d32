"""Attention roll-out: which bases the words that a transformer pools have read."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from grnet._alphabet import Codes, reverse_complement
from grnet._progress import progress
from grnet.dna import one_hot
from grnet.explain._door import takes_codes
from grnet.explain._job import Job
from grnet.explain._mutants import at_the_letters
from grnet.models import Ensemble
from grnet.models._tokens import Tokens
from grnet.models._transformer import Encoder
from grnet.models.prediction import evaluating

_MEMORY = 1 << 22
"""Pairs of bases of which attention is held at a time."""


def rolled_out(job: Job) -> npt.NDArray[np.float32]:
    """Return the share of each base in what is pooled, at the letters that are there, (N, 4, L)."""
    model, codes = job.asked.model, job.codes
    encoder = getattr(model, "encoder", None)
    is_double = isinstance(encoder, Encoder) and bool(
        getattr(getattr(model, "config", None), "reverse_complement", False)
    )
    shares = np.empty(codes.shape)
    size = max(min(job.asked.batch_size, _MEMORY // codes.shape[1] ** 2), 1)
    with evaluating(model, device=job.asked.device) as where:
        starts = range(0, len(codes), size)
        for start in progress(starts, "rolling out", total=len(starts)):
            rows = codes[start : start + size]
            found = _shares(model, rows, where)
            if is_double:
                there = _shares(model, reverse_complement(rows), where)
                found = (found + there.flip(1)) / 2
            shares[start : start + size] = found.float().cpu().numpy()
    return at_the_letters(shares, codes)


def _shares(model: nn.Module, rows: Codes, where: torch.device) -> Tensor:
    """Return (N, L) of one strand."""
    read = torch.from_numpy(rows).to(where)
    encoder = getattr(model, "encoder", None)
    listener = _Joint()
    if isinstance(encoder, Encoder):
        tokens: Tokens = encoder.config.tokens.encode(read)
        with listener:
            encoder(tokens.ids, tokens.is_real)
        return tokens.to_bases(_pooled(listener.found, tokens), rows.shape[1])
    direct = takes_codes(model, rows, where)
    with listener:
        model(read if direct else one_hot(read))
    return _per_base(model, listener.found, rows.shape[1])


def _pooled(joint: Tensor | None, tokens: Tokens) -> Tensor:
    """Return the share of each token in the mean over those that cover bases."""
    if joint is None:  # an encoder without blocks
        joint = torch.eye(tokens.ids.shape[1], device=tokens.ids.device)[None]
    covers = (tokens.end > tokens.start).to(joint.dtype)
    rows = covers / covers.sum(dim=1, keepdim=True).clamp(min=1)
    return (rows.unsqueeze(1) @ joint).squeeze(1)


def _per_base(model: nn.Module, joint: Tensor | None, length: int) -> Tensor:
    if joint is None or isinstance(model, Ensemble):
        message = (
            f"{type(model).__name__} shows no attention of its own: roll-out takes a "
            "SequenceTransformer, a DNALanguageModel, or a model that attends by torch's "
            "scaled_dot_product_attention or MultiheadAttention. Ask the members of an ensemble "
            "one by one, other models by method='integrated_gradients'."
        )
        raise ValueError(message)
    n_tokens = joint.shape[-1]
    if length % n_tokens:
        message = (
            f"{type(model).__name__} attends to {n_tokens} places for {length} bases: expected as "
            "many, or a part that goes into them, since nothing tells which bases a place covers. "
            "Use method='saturation_mutagenesis'."
        )
        raise ValueError(message)
    width = length // n_tokens
    return joint.mean(dim=1).repeat_interleave(width, dim=1) / width


class _Joint(TorchFunctionMode):
    """Multiplies the attention of the layers while they compute it (Abnar and Zuidema 2020)."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Tensor | None = None

    def __torch_function__(  # noqa: PLR0917 - torch's own protocol
        self,
        func: Callable[..., Any],
        types: Any,  # noqa: ANN401
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        given = kwargs or {}
        name = getattr(func, "__name__", "")
        if name == "scaled_dot_product_attention":
            self._add(_weights(*args, **given).mean(dim=1))
        elif name == "multi_head_attention_forward":
            wanted = given.get("need_weights", True)
            whole = {**given, "need_weights": True, "average_attn_weights": True}
            out, weights = func(*args, **whole)
            self._add(weights)
            return func(*args, **given) if wanted else (out, None)
        return func(*args, **given)

    def _add(self, attention: Tensor) -> None:
        if attention.ndim != 3 or attention.shape[1] != attention.shape[2]:
            message = (
                f"Attention of shape {tuple(attention.shape)} is not among the words of one "
                "sequence: roll-out follows self-attention only. Use method='integrated_gradients'."
            )
            raise ValueError(message)
        # half stays where it is: the residual connection
        own = torch.eye(attention.shape[-1], device=attention.device, dtype=attention.dtype)
        layer = (attention + own) / 2
        self.found = layer if self.found is None else layer @ self.found


def _weights(  # noqa: PLR0917 - torch's own signature
    query: Tensor,
    key: Tensor,
    value: Tensor,  # noqa: ARG001
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,  # noqa: ARG001
    is_causal: bool = False,  # noqa: FBT001, FBT002
    scale: float | None = None,
    **_: bool,
) -> Tensor:
    """Return the weights, sequences x heads x words x words, that torch does not hand out."""
    size = query.shape[-1] ** -0.5 if scale is None else scale
    logits = size * query @ key.transpose(-1, -2)
    if is_causal:
        attn_mask = torch.ones(logits.shape[-2:], dtype=torch.bool, device=logits.device).tril()
    if attn_mask is not None and attn_mask.dtype == torch.bool:
        logits = logits.masked_fill(~attn_mask, -torch.inf)
    elif attn_mask is not None:
        logits = logits + attn_mask
    return logits.softmax(dim=-1)
