"""How well hidden tokens are guessed without a model: by frequency, and by Markov chains."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from grnet._alphabet import UNKNOWN, Codes
from grnet.models import BytePairTokens, KmerTokens, Tokens
from grnet.train._masking import hidden_tokens, visible_bases

_ORDERS = (1, 3, 5)
_REACH = 3 * max(_ORDERS)
"""Bases on both sides of a hidden token that the chains look at."""

_N_TOKENS = 1000
_BLOCK = 4096


def baselines(
    cutter: KmerTokens | BytePairTokens,
    training: Codes,
    held_out: Codes,
    *,
    draw: npt.NDArray[np.float32],
    rate: float,
) -> dict[str, float]:
    """Return perplexity and accuracy of hidden tokens of the held-out sequences.

    A chain's chance of a token is that of token and context over that of the context. It is told
    which bases are hidden, and sums over all that they may be.
    """
    counts = torch.ones(cutter.size)
    for start in range(0, len(training), _BLOCK):
        ids = cutter.encode(torch.from_numpy(training[start : start + _BLOCK])).ids
        counts += torch.bincount(ids.flatten(), minlength=cutter.size)
    counts[cutter.unknown_id] = 1
    tokens = cutter.encode(torch.from_numpy(held_out))
    hidden = hidden_tokens(tokens, torch.from_numpy(draw), cutter=cutter, rate=rate)
    truth = tokens.ids[hidden]
    if not len(truth):
        message = (
            f"No token of the {len(held_out)} sequence(s) for validation is hidden: give more "
            f"sequences, or a higher mask_rate than {rate:g}."
        )
        raise ValueError(message)
    chance = counts / counts.sum()
    dark = hidden | (tokens.ids == cutter.unknown_id)
    visible = visible_bases(tokens, dark, held_out.shape[1])
    with_token, without = _around(held_out, tokens, hidden, visible=visible)
    tables = [chain(training, order) for order in _ORDERS if order < training.shape[1]]
    chains = [(log_chances(t, without) - log_chances(t, with_token)).mean() for t in tables]
    return {
        "unigram_perplexity": float(torch.exp(-chance[truth].log().mean())),
        "unigram_accuracy": float((truth == counts.argmax()).float().mean()),
        "markov_perplexity": float(np.exp(min(float(loss) for loss in chains))),
    }


def chain(codes: Codes, order: int) -> Tensor:
    """Return the chance of the next base given the ``order`` bases before it, words x 4."""
    n_words = 4**order
    counts = np.full(4 * n_words, 0.5)
    number = np.zeros((len(codes), codes.shape[1] - order), dtype=np.int64)
    known = np.ones(number.shape, dtype=bool)
    for offset in range(order + 1):
        base = codes[:, offset : offset + number.shape[1]]
        number = 4 * number + base
        known &= base < UNKNOWN
    counts += np.bincount(number[known], minlength=len(counts))
    table = torch.from_numpy(counts).view(n_words, 4)
    return table / table.sum(dim=1, keepdim=True)


def log_chances(table: Tensor, allowed: Tensor) -> Tensor:
    """Return the log of the chance that a chain stays within what is allowed.

    ``allowed`` is windows x places x 4; the windows begin anywhere in a long sequence.
    """
    n_words = len(table)
    state = _at_rest(table).expand(len(allowed), n_words)
    total = torch.zeros(len(allowed), dtype=torch.float64)
    steps = table.view(4, n_words // 4, 4)
    for place in range(allowed.shape[1]):
        # the oldest base leaves the word, the new one joins it
        joined = torch.einsum("nar,arb->nrb", state.view(-1, 4, n_words // 4), steps)
        state = (joined * allowed[:, place, None, :]).reshape(len(allowed), n_words)
        scale = state.sum(dim=1)
        total += scale.log()
        state = state / scale[:, None]
    return total


def _at_rest(table: Tensor) -> Tensor:
    """Return how often the chain meets each word in the long run."""
    n_words = len(table)
    state = torch.full((n_words,), 1 / n_words, dtype=table.dtype)
    steps = table.view(4, n_words // 4, 4)
    for _ in range(100):
        state = torch.einsum("ar,arb->rb", state.view(4, n_words // 4), steps).reshape(n_words)
    return state


def _around(
    held_out: Codes, tokens: Tokens, hidden: Tensor, *, visible: Tensor
) -> tuple[Tensor, Tensor]:
    """Return which bases each place around some hidden tokens may hold: with and without them."""
    row = hidden.nonzero()[:, 0]
    pick = torch.linspace(0, len(row) - 1, min(len(row), _N_TOKENS)).long()
    row, start, end = row[pick], tokens.start[hidden][pick], tokens.end[hidden][pick]
    offsets = torch.arange(-_REACH, int((end - start).max()) + _REACH)
    column = start[:, None] + offsets
    inside = (column >= 0) & (column < held_out.shape[1])
    column = column.clamp(0, held_out.shape[1] - 1)
    codes = torch.from_numpy(held_out).long()[row[:, None], column].masked_fill(~inside, UNKNOWN)
    told = visible[row[:, None], column]
    within = (offsets >= 0) & (offsets < (end - start)[:, None])
    return _allowed(codes, told | within), _allowed(codes, told)


def _allowed(codes: Tensor, is_told: Tensor) -> Tensor:
    """Return which bases a place may hold: its own where it is told and known, else any."""
    own = torch.nn.functional.one_hot(codes, 5)[..., :4].bool()
    return (own | (~is_told | (codes == UNKNOWN)).unsqueeze(-1)).double()
