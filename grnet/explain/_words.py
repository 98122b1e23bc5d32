"""Integrated gradients of models that read words: from the vectors of words back to the bases."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from captum.attr import IntegratedGradients
from torch import Tensor, nn

from grnet._alphabet import Codes
from grnet.explain._door import Question, numbers
from grnet.explain._mutants import at_the_letters
from grnet.models._tokens import Tokens
from grnet.models._transformer import Encoder


def reads_words(model: nn.Module) -> bool:
    """Tell if a model's letters enter by the embedding of an encoder of grnet."""
    return isinstance(getattr(model, "encoder", None), Encoder)


def integrals(
    asked: Question, codes: Codes, shuffles: Codes, *, steps: int, where: torch.device
) -> npt.NDArray[np.float32]:
    """Return integrated gradients of pairs of sequence and shuffle, at the letters, (N, 4, L).

    The way leads from the vectors of the shuffle's words to those of the sequence's. What a word
    contributes is shared by its bases; where words overlap, a base adds up its shares.
    """
    model: Any = asked.model
    read, base = (torch.from_numpy(part).to(where) for part in (codes, shuffles))
    n_strands = 2 if getattr(model.config, "reverse_complement", False) else 1
    tokens = [_cut(model, part, n_strands) for part in (read, base)]
    _check_spans(*(part[0] for part in tokens))
    vectors, origin = (
        torch.stack([model.encoder.embed(strand.ids) for strand in part], dim=1).detach()
        for part in tokens
    )

    def answered(given: Tensor, sequences: Tensor) -> Tensor:
        with _given(model.encoder.embed, given):
            return numbers(model(sequences), asked.target)

    found = IntegratedGradients(answered).attribute(
        vectors,
        baselines=origin,
        additional_forward_args=read,
        n_steps=steps,
        internal_batch_size=max(asked.batch_size, len(codes)),
    )
    credit = found.detach().sum(dim=-1)
    bases = sum(
        _forward(strand.to_bases(credit[:, nth], codes.shape[1]), nth)
        for nth, strand in enumerate(tokens[0])
    )
    return at_the_letters(torch.as_tensor(bases).cpu().numpy(), codes)


def _cut(model: Any, codes: Tensor, n_strands: int) -> list[Tokens]:  # noqa: ANN401
    """Return the words of each strand that the model reads."""
    other = torch.where(codes < 4, 3 - codes, codes).flip(1)
    return [model.config.tokens.encode(strand) for strand in (codes, other)[:n_strands]]


def _forward(values: Tensor, nth: int) -> Tensor:
    return values.flip(1) if nth else values


def _check_spans(one: Tokens, other: Tokens) -> None:
    if one.ids.shape != other.ids.shape or not torch.equal(one.end, other.end):
        message = (
            "The model cuts a sequence and its shuffle into words of different lengths, so that no "
            "way leads from one to the other. Use method='saturation_mutagenesis'."
        )
        raise ValueError(message)


@contextmanager
def _given(embed: nn.Module, vectors: Tensor) -> Iterator[None]:
    """Let an embedding answer with vectors (N, strands, words, width), a strand at each call."""
    strands = iter(vectors.unbind(dim=1))
    handle = embed.register_forward_hook(lambda *_: next(strands))
    try:
        yield
    finally:
        handle.remove()
