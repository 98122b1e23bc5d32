"""Words of a sequence as numbers, and which bases each of them covers."""

from typing import Literal, NamedTuple

import torch
from torch import Tensor


class Tokens(NamedTuple):
    """A batch of tokens with the bases that each covers; filling and marks cover none.

    Parameters
    ----------
    ids
        Number of each token, sequences x tokens.
    start, end
        The bases of each token, 0-based and half-open, of the shape of ``ids``.
    is_real
        False where a token only fills a row up to the longest; None where no row is filled up.

    Examples
    --------
    >>> import torch
    >>> import grnet as gn
    >>> tokens = gn.models.KmerTokens(3).encode(torch.tensor([[0, 1, 2, 3]], dtype=torch.uint8))
    >>> tokens.start.tolist(), tokens.end.tolist()
    ([[0, 1]], [[3, 4]])
    >>> tokens.to_bases(torch.tensor([[3.0, 6.0]]), 4)
    tensor([[1., 3., 3., 2.]])
    """

    ids: Tensor
    start: Tensor
    end: Tensor
    is_real: Tensor | None = None

    def to_bases(
        self, values: Tensor, length: int, *, how: Literal["share", "mean"] = "share"
    ) -> Tensor:
        """Hand the values of tokens to the bases that they cover.

        Parameters
        ----------
        values
            Sequences x tokens, or sequences x tokens x channels.
        length
            Bases in a sequence.
        how
            ``"share"`` divides the value of a token among its bases and adds up where tokens
            overlap, so that the sum stays: for attributions. ``"mean"`` gives each base the mean
            of its tokens: for predictions.

        Returns
        -------
        Sequences x bases (x channels); zero where no token covers a base.
        """
        flat = values if values.ndim == 3 else values.unsqueeze(-1)
        width = (self.end - self.start).clamp(min=1).unsqueeze(-1)
        covered = ((self.end > self.start).unsqueeze(-1)).to(flat.dtype)
        amount = flat * covered / (width if how == "share" else 1)
        bases = _spread(amount, self, length)
        if how == "mean":
            bases = bases / _spread(covered, self, length).clamp(min=1)
        return bases if values.ndim == 3 else bases.squeeze(-1)


def _spread(amount: Tensor, tokens: Tokens, length: int) -> Tensor:
    """Add each token's amount to all of its bases: a step up at its start, down at its end."""
    # float64: a running sum of float32 leaves a residue beyond the last token
    steps = amount.new_zeros((len(amount), length + 1, amount.shape[-1]), dtype=torch.float64)
    rows = torch.arange(len(amount), device=amount.device).unsqueeze(-1).expand_as(tokens.ids)
    steps = steps.index_put((rows, tokens.start), amount.double(), accumulate=True)
    steps = steps.index_put((rows, tokens.end), -amount.double(), accumulate=True)
    return steps.cumsum(dim=1)[:, :length].to(amount.dtype)


def check_codes(codes: Tensor, *, at_least: int) -> None:
    """Raise unless these are codes of sequences that are long enough."""
    if codes.dtype != torch.uint8 or codes.ndim != 2 or codes.shape[1] < at_least:
        message = (
            f"codes are {codes.dtype} of shape {tuple(codes.shape)}: expected uint8 of shape "
            f"(sequences, bases) with at least {at_least} base(s) each. "
            "Make them with gn.dna.to_codes."
        )
        raise ValueError(message)
