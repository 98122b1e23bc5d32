"""Words of k bases: how a language model cuts a sequence by rule."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.functional import pad

from grnet import _checks
from grnet._alphabet import UNKNOWN
from grnet.models._tokens import Tokens, check_codes

_PAD, _UNKNOWN, _MASK, _BEGIN = range(4)
_N_SPECIAL = 4
_MAX_K = 8


@dataclass(frozen=True)
class KmerTokens:
    """Tokens of k bases: one from every base on, or one after the other.

    Parameters
    ----------
    k
        Bases in a token, 1 to 8.
    overlapping
        A token from every base on (DNABERT), else one after the other (Nucleotide Transformer).
    begin
        Put a mark before the first token.
    kind
        Tells the kinds of tokens apart in files.

    Raises
    ------
    ValueError
        If ``k`` is out of range.

    Notes
    -----
    Numbers: 0 fills rows up, 1 is unknown, 2 masked, 3 the mark at the beginning; then the k-mers
    in the order of the alphabet, and for tokens one after the other the four single bases.
    An overlapping token that holds N is unknown. Tokens one after the other start afresh behind
    every N, which is an unknown token of its own; what is left over at the end of a stretch is
    written in single bases, so that no base is lost (as Nucleotide Transformer does). Where an N
    or a base is inserted, all tokens to the right change; overlapping tokens change k places only.

    Examples
    --------
    >>> import torch
    >>> import grnet as gn
    >>> codes = torch.tensor([[0, 0, 0, 1, 4, 2, 2]], dtype=torch.uint8)
    >>> gn.models.KmerTokens(3).encode(codes).ids
    tensor([[4, 5, 1, 1, 1]])
    >>> tokens = gn.models.KmerTokens(3, overlapping=False).encode(codes)
    >>> tokens.ids, tokens.start
    (tensor([[ 4, 69,  1, 70, 70]]), tensor([[0, 3, 4, 5, 6]]))
    """

    k: int
    overlapping: bool = True
    begin: bool = False
    kind: Literal["kmer"] = "kmer"

    def __post_init__(self) -> None:
        _checks.whole(self.k, 1, _MAX_K, what="k")

    @property
    def size(self) -> int:
        """How many different tokens there are."""
        return _N_SPECIAL + (1 << 2 * self.k) + (0 if self.overlapping else 4)

    @property
    def mask_id(self) -> int:
        """Number of the token that hides others."""
        return _MASK

    @property
    def unknown_id(self) -> int:
        """Number of the token for what is no base."""
        return _UNKNOWN

    @property
    def cover(self) -> int:
        """How many tokens cover a base."""
        return self.k if self.overlapping else 1

    def encode(self, codes: Tensor) -> Tokens:
        """Cut sequences into tokens, on the device where they are.

        Parameters
        ----------
        codes
            ``uint8`` codes, sequences x bases.

        Returns
        -------
        Tokens
        """
        check_codes(codes, at_least=self.k if self.overlapping else 1)
        if self.overlapping:
            ids = self._kmers(codes)
            start = torch.arange(ids.shape[1], device=codes.device).expand_as(ids)
            return self._marked(Tokens(ids, start, start + self.k))
        return self._marked(self._in_turn(codes))

    def _kmers(self, codes: Tensor) -> Tensor:
        """Return the number of the k-mer that starts at each base."""
        n_starts = codes.shape[1] - self.k + 1
        number = torch.zeros((len(codes), n_starts), dtype=torch.long, device=codes.device)
        is_known = torch.ones_like(number, dtype=torch.bool)
        for offset in range(self.k):
            base = codes[:, offset : offset + n_starts]
            number = 4 * number + base
            is_known &= base < UNKNOWN
        return torch.where(is_known, number + _N_SPECIAL, _UNKNOWN)

    def _in_turn(self, codes: Tensor) -> Tokens:
        """Cut each stretch without N from its start on."""
        place = torch.arange(codes.shape[1], device=codes.device).expand_as(codes)
        is_n = codes >= UNKNOWN
        begin = torch.where(is_n, place + 1, 0).cummax(dim=1).values
        end = torch.where(is_n, place, codes.shape[1]).flip(1).cummin(dim=1).values.flip(1)
        within = place - begin
        is_whole = ~is_n & (within < (end - begin) // self.k * self.k)
        starts = ~is_whole | (within % self.k == 0)
        letters = _N_SPECIAL + (1 << 2 * self.k) + codes.long()
        ids = torch.where(is_n, _UNKNOWN, letters)
        if codes.shape[1] >= self.k:
            words = pad(self._kmers(codes), (0, self.k - 1))
            ids = torch.where(is_whole, words, ids)
        return _packed(ids, place, torch.where(is_whole, self.k, 1), keep=starts)

    def _marked(self, tokens: Tokens) -> Tokens:
        """Put the mark of the beginning before the tokens, if asked for."""
        if not self.begin:
            return tokens
        real = None if tokens.is_real is None else pad(tokens.is_real, (1, 0), value=True)
        ids = pad(tokens.ids, (1, 0), value=_BEGIN)
        return Tokens(ids, pad(tokens.start, (1, 0)), pad(tokens.end, (1, 0)), real)

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return asdict(self)


def _packed(ids: Tensor, start: Tensor, width: Tensor, *, keep: Tensor) -> Tokens:
    """Move the kept tokens of each row to its front."""
    counts = keep.sum(dim=1)
    n_tokens = int(counts.max())
    order = torch.argsort(~keep, dim=1, stable=True)[:, :n_tokens]
    is_real = torch.arange(n_tokens, device=ids.device) < counts.unsqueeze(1)
    first = torch.where(is_real, start.gather(1, order), 0)
    last = torch.where(is_real, first + width.gather(1, order), 0)
    filled = torch.where(is_real, ids.gather(1, order), _PAD)
    return Tokens(filled, first, last, None if bool(is_real.all()) else is_real)
