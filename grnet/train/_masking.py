"""Which tokens a language model has to guess."""

import torch
from torch import Tensor
from torch.nn.functional import pad

from grnet.models import BytePairTokens, KmerTokens, Tokens


def hidden_tokens(
    tokens: Tokens, draw: Tensor, *, cutter: KmerTokens | BytePairTokens, rate: float
) -> Tensor:
    """Return which tokens are hidden, given a number from 0 to 1 for each base.

    Of overlapping tokens all are hidden that cover a drawn base. Unknown tokens are never guessed.
    """
    drawn = draw < rate / cutter.cover
    before = pad(drawn.cumsum(dim=1), (1, 0))
    # of tokens side by side, the first base decides for the whole token
    end = tokens.end if cutter.cover > 1 else torch.minimum(tokens.start + 1, tokens.end)
    n_drawn = before.gather(1, end) - before.gather(1, tokens.start)
    return (n_drawn > 0) & (tokens.ids != cutter.unknown_id)


def visible_bases(tokens: Tokens, dark: Tensor, length: int) -> Tensor:
    """Return the bases that a token still shows which is neither hidden nor unknown."""
    return tokens.to_bases((~dark & (tokens.end > tokens.start)).float(), length) > 0
