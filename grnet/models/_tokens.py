"""Words of DNA: how a language model cuts a sequence, and which bases each word covers."""

import functools
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from grnet import _checks
from grnet._alphabet import UNKNOWN, Codes, to_text

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_PAD, _UNKNOWN, _MASK, _BEGIN = range(4)
_N_SPECIAL = 4
_MAX_K = 8


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
        _checks.in_range(self.k, 1, _MAX_K, what="k")

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
        _check_codes(codes, at_least=self.k if self.overlapping else 1)
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


@dataclass(frozen=True)
class BytePairTokens:
    """Tokens of one to many bases, the more frequent the longer, learnt from sequences.

    Parameters
    ----------
    vocabulary
        The tokeniser in the JSON of the package ``tokenizers`` (a file ``tokenizer.json``).
    kind
        Tells the kinds of tokens apart in files.

    Raises
    ------
    ImportError
        If ``tokenizers`` is not installed.
    ValueError
        If the JSON is no tokeniser, or one without tokens for filling, masking and the unknown.

    Notes
    -----
    Byte-pair encoding as in DNABERT-2. Cutting happens on the CPU. N is an unknown token of its
    own. One changed base may change all tokens around it.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> import grnet as gn
    >>> codes = np.tile(np.array([0, 1, 2, 3], dtype=np.uint8), (4, 8))
    >>> tokens = gn.models.BytePairTokens.learn(codes, size=12)
    >>> found = tokens.encode(torch.from_numpy(codes[:1, :9]))
    >>> found.start.tolist(), found.end.tolist()
    ([[0, 8]], [[8, 9]])
    """

    vocabulary: str
    kind: Literal["bpe"] = "bpe"

    def __post_init__(self) -> None:
        names = ("[PAD]", "[UNK]", "[MASK]")
        missing = [name for name in names if self._tokenizer.token_to_id(name) is None]
        if missing:
            message = (
                f"The vocabulary lacks the token(s) {', '.join(missing)}. Give the JSON of a "
                "tokeniser for masked language models, such as DNABERT-2's tokenizer.json."
            )
            raise ValueError(message)

    @classmethod
    def learn(cls, codes: Codes, *, size: int = 512, longest: int = 16) -> "BytePairTokens":
        """Learn the tokens of sequences.

        Parameters
        ----------
        codes
            ``uint8`` codes, sequences x bases.
        size
            How many tokens, the special ones and the four bases included.
        longest
            The most bases of a token.

        Returns
        -------
        BytePairTokens

        Examples
        --------
        >>> import numpy as np
        >>> import grnet as gn
        >>> codes = np.tile(np.array([0, 1, 2, 3], dtype=np.uint8), (4, 8))
        >>> gn.models.BytePairTokens.learn(codes, size=9).size
        9
        """
        library = _checks.optional("tokenizers", "lm")
        special = ["[PAD]", "[UNK]", "[MASK]"]
        tokenizer = library.Tokenizer(library.models.BPE(unk_token="[UNK]"))
        trainer = library.trainers.BpeTrainer(
            vocab_size=size,
            special_tokens=special,
            initial_alphabet=list("ACGT"),
            limit_alphabet=4,
            max_token_length=longest,
            show_progress=False,
        )
        # N ends a word: no token reaches over a gap
        words = (word for row in codes for word in to_text(row).split("N") if word)
        tokenizer.train_from_iterator(words, trainer=trainer)
        return cls(tokenizer.to_str())

    @property
    def _tokenizer(self) -> "Tokenizer":
        return _tokenizer(self.vocabulary)

    def _number(self, name: str) -> int:
        return int(self._tokenizer.get_vocab(with_added_tokens=True)[name])

    @property
    def size(self) -> int:
        """How many different tokens there are."""
        return int(self._tokenizer.get_vocab_size(with_added_tokens=True))

    @property
    def mask_id(self) -> int:
        """Number of the token that hides others."""
        return self._number("[MASK]")

    @property
    def unknown_id(self) -> int:
        """Number of the token for what is no base."""
        return self._number("[UNK]")

    @property
    def cover(self) -> int:
        """How many tokens cover a base."""
        return 1

    def encode(self, codes: Tensor) -> Tokens:
        """Cut sequences into tokens.

        Parameters
        ----------
        codes
            ``uint8`` codes, sequences x bases.

        Returns
        -------
        Tokens
            On the device of ``codes``.
        """
        _check_codes(codes, at_least=1)
        texts = [to_text(row) for row in codes.cpu().numpy()]
        found = self._tokenizer.encode_batch(texts)
        n_tokens = max(len(row.ids) for row in found)
        blank = self._number("[PAD]")
        ids = torch.full((len(found), n_tokens), blank)
        spans = torch.zeros((len(found), n_tokens, 2), dtype=torch.long)
        is_real = torch.zeros((len(found), n_tokens), dtype=torch.bool)
        for place, row in enumerate(found):
            ids[place, : len(row.ids)] = torch.tensor(row.ids)
            spans[place, : len(row.ids)] = torch.tensor(row.offsets).view(-1, 2)
            is_real[place, : len(row.ids)] = True
        device = codes.device
        start, end = spans.to(device).unbind(-1)
        real = None if bool(is_real.all()) else is_real.to(device)
        return Tokens(ids.to(device), start, end, real)

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return asdict(self)


Tokeniser = KmerTokens | BytePairTokens


def tokens_from_dict(record: Tokeniser | Mapping[str, Any]) -> Tokeniser:
    """Make the tokeniser that ``to_dict`` wrote; one that is made already stays as it is."""
    if isinstance(record, KmerTokens | BytePairTokens):
        return record
    kinds = {"kmer": KmerTokens, "bpe": BytePairTokens}
    kind = _checks.one_of(str(record.get("kind")), tuple(kinds), "kind of tokens")
    made: Tokeniser = kinds[kind](**record)
    return made


@functools.lru_cache(maxsize=8)
def _tokenizer(vocabulary: str) -> "Tokenizer":
    library = _checks.optional("tokenizers", "lm")
    try:
        made: Tokenizer = library.Tokenizer.from_str(vocabulary)
    except Exception as error:  # the library raises nothing more specific
        message = (
            f"The vocabulary is no tokeniser ({error}). Give the text of a tokenizer.json file, "
            "or learn one with BytePairTokens.learn(codes)."
        )
        raise ValueError(message) from error
    return made


def _check_codes(codes: Tensor, *, at_least: int) -> None:
    if codes.dtype != torch.uint8 or codes.ndim != 2 or codes.shape[1] < at_least:
        message = (
            f"codes are {codes.dtype} of shape {tuple(codes.shape)}: expected uint8 of shape "
            f"(sequences, bases) with at least {at_least} base(s) each. "
            "Make them with gn.dna.to_codes."
        )
        raise ValueError(message)
