"""Vectors of k-mers, learnt from the company that they keep."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import torch
from safetensors import safe_open
from safetensors.numpy import save_file

from grnet import _checks
from grnet.dna import _words
from grnet.dna._arrays import batch_of_codes
from grnet.dna._kmer_layer import KmerLayer
from grnet.dna.encode import reverse_complement, to_codes
from grnet.dna.kmers import kmer_counts, kmer_tokens
from grnet.io._atomic import replacing

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from grnet._alphabet import Codes

LONGEST = 8
_LONGEST_SENTENCE = 10_000
_NEGATIVE = 5


@dataclass(frozen=True, eq=False)
class KmerEmbedding:
    """A vector for each k-mer.

    Parameters
    ----------
    k
        Length of the k-mers.
    matrix
        float32 ``(4 ** k + 1, d)``: one row per token of :func:`kmer_tokens`, and the last one for
        k-mers with an N. Made for ``torch.nn.Embedding.from_pretrained``.

    Raises
    ------
    ValueError
        If the matrix has another number of rows.

    Examples
    --------
    >>> import grnet as gn
    >>> import numpy as np
    >>> codes = np.random.default_rng(0).integers(0, 4, (50, 80)).astype(np.uint8)
    >>> embedding = gn.dna.KmerEmbedding.train(codes, k=3, size=8, epochs=1)
    >>> embedding.matrix.shape, embedding.embed_sequences(codes).shape
    ((65, 8), (50, 8))
    """

    k: int
    matrix: npt.NDArray[np.float32]

    def __post_init__(self) -> None:
        _checks.whole(self.k, 1, LONGEST, what="k")
        if self.matrix.ndim != 2 or len(self.matrix) != 4**self.k + 1:
            message = (
                f"The matrix has the shape {self.matrix.shape}. Expected {4**self.k + 1} rows for "
                f"k={self.k}: 4 ** k, and one for the unknown."
            )
            raise ValueError(message)

    def __repr__(self) -> str:
        """Return k, and how many of the k-mers have a vector."""
        seen = int(self.matrix[:-1].any(axis=1).sum())
        return f"KmerEmbedding(k={self.k}, {seen:,} k-mers, {self.matrix.shape[1]} numbers each)"

    @classmethod
    def train(
        cls,
        codes: Codes,
        *,
        k: int = 6,
        size: int = 64,
        window: int = 12,
        epochs: int = 5,
        method: Literal["skip_gram", "cbow"] = "skip_gram",
        seed: int = 0,
    ) -> KmerEmbedding:
        """Learn the vectors with Word2Vec.

        Parameters
        ----------
        codes
            uint8 ``(N, L)``: the text, read on both strands.
        k
            Length of the k-mers, 1 to 8.
        size
            Numbers in a vector.
        window
            How far the k-mers that are to be guessed lie away at most.
        epochs
            Passes over the text.
        method
            Guess the neighbours from the k-mer, or the k-mer from its neighbours.
        seed
            Of the random numbers.

        Returns
        -------
        KmerEmbedding
            The row of a k-mer that does not occur is zero, as is that of the unknown.

        Raises
        ------
        ImportError
            If gensim is not installed.
        ValueError
            If a number is out of range, or there is no k-mer without N.

        Notes
        -----
        By gensim, on one thread, so that the same seed gives the same vectors. K-mers that overlap
        are neighbours at distances below ``k``: a window of ``k`` or less learns their letters
        alone. An N ends a sentence. Mikolov et al. (2013); for DNA Ng (2017).

        Examples
        --------
        >>> import grnet as gn
        >>> import numpy as np
        >>> codes = np.random.default_rng(0).integers(0, 4, (50, 80)).astype(np.uint8)
        >>> gn.dna.KmerEmbedding.train(codes, k=2, size=4, epochs=1)
        KmerEmbedding(k=2, 16 k-mers, 4 numbers each)
        """
        rows = batch_of_codes(codes)
        for what, number, high in (
            ("k", k, LONGEST),
            ("size", size, 4096),
            ("epochs", epochs, 1000),
        ):
            _checks.whole(number, 1, high, what=what)
        _checks.one_of(method, ("skip_gram", "cbow"), "method")
        sentences = Sentences(rows, k)
        if next(iter(sentences), None) is None:
            message = f"The sequences hold no {k}-mer without N: give longer ones or a smaller k."
            raise ValueError(message)
        gensim = _checks.optional("gensim.models", "embed")
        made = gensim.Word2Vec(
            sentences,
            vector_size=size,
            window=window,
            epochs=epochs,
            sg=int(method == "skip_gram"),
            negative=_NEGATIVE,
            min_count=1,
            workers=1,
            seed=seed,
            hashfxn=_stable_hash,
        )
        matrix = np.zeros((4**k + 1, size), dtype=np.float32)
        tokens = kmer_tokens(to_codes(made.wv.index_to_key), k)[:, 0]
        matrix[tokens] = made.wv.vectors
        return cls(k, matrix)

    def tokens(self, codes: Codes) -> npt.NDArray[np.int64]:
        """Return the row of each overlapping k-mer, the last row where an N is inside.

        Parameters
        ----------
        codes
            uint8 ``(N, L)`` or ``(L,)``.

        Returns
        -------
        ndarray
            int64, L - k + 1 along the last axis.

        Examples
        --------
        >>> import grnet as gn
        >>> import numpy as np
        >>> embedding = gn.dna.KmerEmbedding(1, np.eye(5, dtype=np.float32))
        >>> embedding.tokens(gn.dna.to_codes("ACNT"))
        array([0, 1, 4, 3])
        """
        return kmer_tokens(codes, self.k, unknown=4**self.k)

    def embed_sequences(self, codes: Codes) -> npt.NDArray[np.float32]:
        """Return the mean vector of the k-mers of each sequence.

        Parameters
        ----------
        codes
            uint8 ``(N, L)`` or ``(L,)``.

        Returns
        -------
        ndarray
            float32 ``(N, d)``; zero where a sequence has no k-mer without N.

        Examples
        --------
        >>> import grnet as gn
        >>> import numpy as np
        >>> embedding = gn.dna.KmerEmbedding(1, np.eye(5, dtype=np.float32))
        >>> embedding.embed_sequences(gn.dna.to_codes(["AACN"])).round(2)
        array([[0.67, 0.33, 0.  , 0.  , 0.  ]], dtype=float32)
        """
        counts = kmer_counts(codes, self.k, canonical=False)
        n = np.maximum(np.asarray(counts.sum(axis=1)), 1)
        return np.asarray(counts @ self.matrix[:-1] / n, dtype=np.float32)

    def layer(self, *, trainable: bool = True) -> KmerLayer:
        """Return the first layer of a model: codes in, vectors along the positions out.

        Parameters
        ----------
        trainable
            Whether training may change the vectors.

        Returns
        -------
        torch.nn.Module
            From uint8 ``(N, L)`` to ``(N, d, L - k + 1)``, as convolutions take them.

        Examples
        --------
        >>> import grnet as gn
        >>> import numpy as np
        >>> import torch
        >>> layer = gn.dna.KmerEmbedding(1, np.eye(5, dtype=np.float32)).layer()
        >>> layer(torch.zeros((2, 9), dtype=torch.uint8)).shape
        torch.Size([2, 5, 9])
        """
        return KmerLayer(torch.from_numpy(self.matrix.copy()), k=self.k, trainable=trainable)

    def similar(self, kmer: str, *, n: int = 5) -> pd.Series:
        """Return the k-mers whose vectors point the same way, with the cosines.

        Parameters
        ----------
        kmer
            The one to compare with.
        n
            How many.

        Returns
        -------
        Series
            Cosines by k-mer, the largest first.

        Raises
        ------
        ValueError
            If the k-mer has another length or holds an N.

        Examples
        --------
        >>> import grnet as gn
        >>> import numpy as np
        >>> embedding = gn.dna.KmerEmbedding(1, np.eye(5, dtype=np.float32) + 0.1)
        >>> len(embedding.similar("A", n=2))
        2
        """
        token = self.tokens(to_codes(kmer))
        if len(token) != 1 or token[0] == 4**self.k:
            message = f"{kmer!r} is no {self.k}-mer of A, C, G and T."
            raise ValueError(message)
        unit = self.matrix / np.maximum(np.linalg.norm(self.matrix, axis=1, keepdims=True), 1e-12)
        cosine = (unit @ unit[token[0]])[:-1]
        order = np.argsort(-cosine, kind="stable")
        nearest = order[order != token[0]][:n]
        return pd.Series(cosine[nearest], index=_words.names(nearest, self.k), name="cosine")

    def save(self, path: str | Path) -> None:
        """Write the vectors to a safetensors file.

        Parameters
        ----------
        path
            Where to.

        Examples
        --------
        >>> import tempfile
        >>> import grnet as gn
        >>> import numpy as np
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     gn.dna.KmerEmbedding(1, np.eye(5, dtype=np.float32)).save(f"{folder}/k.safetensors")
        ...     gn.dna.KmerEmbedding.load(f"{folder}/k.safetensors")
        KmerEmbedding(k=1, 4 k-mers, 5 numbers each)
        """
        with replacing(Path(path)) as part:
            matrix = np.ascontiguousarray(self.matrix, dtype=np.float32)
            save_file({"matrix": matrix}, part, metadata={"k": str(self.k)})

    @classmethod
    def load(cls, path: str | Path) -> KmerEmbedding:
        """Read vectors that :meth:`save` has written.

        Parameters
        ----------
        path
            Where from.

        Returns
        -------
        KmerEmbedding

        Raises
        ------
        ValueError
            If the file holds something else.

        See Also
        --------
        save : With an example of both.
        """
        with safe_open(path, framework="np") as file:
            k = (file.metadata() or {}).get("k", "")
            if not k.isdigit() or "matrix" not in file.keys():  # noqa: SIM118 - it is no mapping
                message = f"{path} holds no k-mer embedding: write one with KmerEmbedding.save."
                raise ValueError(message)
            return cls(int(k), file.get_tensor("matrix"))


class Sentences:
    """The k-mers of both strands as sentences, anew for each pass."""

    def __init__(self, rows: Codes, k: int) -> None:
        self._rows, self._k = rows, k
        self._names = np.array(_words.names(np.arange(4**k, dtype=np.int64), k), dtype=object)

    def __iter__(self) -> Iterator[list[str]]:
        """Yield the stretches between unknown bases."""
        for row in self._rows:
            for strand in (row, reverse_complement(row)):
                tokens = _words.words(strand, self._k)
                ends = np.flatnonzero(np.diff(tokens >= 0)) + 1
                for piece in np.split(tokens, ends):
                    if len(piece) and piece[0] >= 0:
                        yield from self._cut(piece)

    def _cut(self, tokens: np.ndarray[Any, Any]) -> Iterator[list[str]]:
        # gensim drops what is beyond this length without a word
        for at in range(0, len(tokens), _LONGEST_SENTENCE):
            yield self._names[tokens[at : at + _LONGEST_SENTENCE]].tolist()


def _stable_hash(text: str) -> int:
    """Python's own hash of a text is another one in each process."""
    return zlib.crc32(text.encode())
