"""Words that are frequent in sequences: how a language model cuts a sequence by what was read."""

import functools
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from grnet import _checks
from grnet._alphabet import Codes, to_text
from grnet.models._tokens import Tokens, check_codes

if TYPE_CHECKING:
    from tokenizers import Tokenizer


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
        check_codes(codes, at_least=1)
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
