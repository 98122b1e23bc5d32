"""Language models of DNA: a transformer over tokens, with a head for masked words or for a task."""

from dataclasses import dataclass, fields
from typing import Literal

import torch
from torch import Tensor, nn

from grnet import _checks
from grnet._alphabet import UNKNOWN
from grnet.models._heads import Head, Outputs
from grnet.models._layers import SequenceModel, at_the_door, dense
from grnet.models._tokens import Tokens
from grnet.models._transformer import Encoder, EncoderSettings

_HEADS = ("binary", "regression", "multiclass", "per_base")


@dataclass(frozen=True, kw_only=True)
class DNALanguageModelConfig(EncoderSettings):
    """Settings of a :class:`DNALanguageModel`; the defaults suit thousands of sequences.

    Parameters
    ----------
    tokens
        How sequences are cut: :class:`KmerTokens` or :class:`BytePairTokens`.
    width, depth, heads
        Channels of a token, number of blocks, attention heads of a block.
    feed_forward
        Channels inside a block's feed-forward part; 0 means four times the width, or 8/3 where it
        is gated, which costs the same.
    local
        Tokens that a convolution mixes before the blocks, an odd number; 0 for none, as in
        published models. Without it, attention takes long to find the neighbours.
    position
        How attention knows where tokens are: ``"alibi"`` (a penalty that grows with the distance),
        ``"rotary"``, or ``"learned"`` (a vector for each place up to ``max_tokens``).
    gated, activation
        The feed-forward part multiplies two projections (GLU), one of them through ``"gelu"``,
        ``"silu"`` or ``"relu"``.
    norm, norm_embedding, norm_epsilon
        Layer norms before each part (``"pre"``) or after its sum (``"post"``), one right behind
        the embedding, and what is added to their variance.
    dropout
        Share of values set to zero in training.
    max_tokens
        The most tokens where positions are learned.
    token_dropout
        Zero masked tokens and rescale the others, as ESM does.
    tied
        The last layer shares the weights of the embedding.

    Examples
    --------
    >>> import grnet as gn
    >>> config = gn.models.DNALanguageModelConfig(tokens=gn.models.KmerTokens(3), depth=2)
    >>> config.tokens.size, config.inner_width
    (68, 341)
    """

    tied: bool = True


class DNALanguageModel(nn.Module):
    """A transformer that guesses hidden words of DNA from the words around them.

    Parameters
    ----------
    config
        Its settings.

    Notes
    -----
    The class of DNABERT (Ji et al. 2021), DNABERT-2 (Zhou et al. 2024) and Nucleotide Transformer
    (Dalla-Torre et al. 2024), whose weights :func:`load_published` reads. Train one with
    ``gn.train.pretrain_language_model``.

    Examples
    --------
    >>> import grnet as gn
    >>> import torch
    >>> config = gn.models.DNALanguageModelConfig(tokens=gn.models.KmerTokens(3), depth=1)
    >>> model = gn.models.DNALanguageModel(config).eval()
    >>> codes = torch.zeros(2, 10, dtype=torch.uint8)
    >>> model(codes).shape, model.embed(codes).shape
    (torch.Size([2, 8, 68]), torch.Size([2, 128]))
    """

    def __init__(self, config: DNALanguageModelConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or DNALanguageModelConfig()
        self.encoder = Encoder(c)
        self.head = nn.Sequential(
            nn.Linear(c.width, c.width),
            nn.GELU(),
            nn.LayerNorm(c.width, eps=c.norm_epsilon),
            nn.Linear(c.width, c.tokens.size),
        )
        if c.tied:
            self.head[-1].weight = self.encoder.embed.weight

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, sequences x tokens x words, for codes (N, L) or floats (N, 4, L)."""
        tokens = self.config.tokens.encode(as_codes(x))
        logits: Tensor = self.head(self.encoder(tokens.ids, tokens.is_real))
        return logits

    def embed(self, x: Tensor) -> Tensor:
        """Return one vector per sequence, the mean over its tokens.

        Parameters
        ----------
        x
            Codes (N, L) or floats (N, 4, L).

        Returns
        -------
        Sequences x width.
        """
        tokens = self.config.tokens.encode(as_codes(x))
        covers = (tokens.end > tokens.start).unsqueeze(-1)
        hidden = self.encoder(tokens.ids, tokens.is_real)
        mean: Tensor = (hidden * covers).sum(dim=1) / covers.sum(dim=1).clamp(min=1)
        return mean


@dataclass(frozen=True, kw_only=True)
class SequenceTransformerConfig(EncoderSettings):
    """Settings of a :class:`SequenceTransformer`.

    Parameters
    ----------
    tokens, width, depth, heads, feed_forward, local, position, gated, activation
        As for :class:`DNALanguageModelConfig`.
    norm, norm_embedding, norm_epsilon, dropout, max_tokens, token_dropout
        As there.
    n_outputs
        Number of tasks, or of classes for ``head="multiclass"``.
    head
        ``"binary"`` (several outputs: multi-label), ``"regression"``, ``"multiclass"``, or
        ``"per_base"``.
    n_hidden
        Units of the hidden dense layer.
    reverse_complement
        Average over both strands.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.models.SequenceTransformerConfig(n_outputs=5).tokens
    KmerTokens(k=6, overlapping=True, begin=False, kind='kmer')
    """

    n_outputs: int = 1
    head: Head = "binary"
    n_hidden: int = 64
    reverse_complement: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        _checks.one_of(self.head, _HEADS, "head")
        _checks.whole(self.n_outputs, 1, 1 << 20, what="n_outputs")


class SequenceTransformer(SequenceModel):
    """A transformer over the words of DNA, for a task.

    Parameters
    ----------
    config
        Its settings.

    Notes
    -----
    Maximum and mean over the tokens stand side by side before the head. For ``head="per_base"``
    each base gets the mean of the logits of the tokens that cover it, (N, T, L). The words cannot
    be differentiated by the bases: of :func:`grnet.explain.attributions`, mutagenesis, ablation and
    attention roll-out take such a model, and integrated gradients by the vectors of k-mers.

    Examples
    --------
    >>> import grnet as gn
    >>> import torch
    >>> config = gn.models.SequenceTransformerConfig(tokens=gn.models.KmerTokens(4), depth=1)
    >>> model = gn.models.SequenceTransformer(config).eval()
    >>> model(torch.zeros(5, 60, dtype=torch.uint8)).shape
    torch.Size([5, 1])
    """

    def __init__(self, config: SequenceTransformerConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or SequenceTransformerConfig()
        self.encoder = Encoder(c)
        width = c.width if c.head == "per_base" else 2 * c.width
        self.head = dense(width, c.n_hidden, c.n_outputs, dropout=c.dropout, act="gelu")

    @classmethod
    def from_language_model(
        cls,
        model: DNALanguageModel,
        *,
        head: Literal["binary", "regression", "multiclass", "per_base"] = "binary",
        n_outputs: int = 1,
        reverse_complement: bool = True,
        freeze: bool = False,
        seed: int = 0,
    ) -> "SequenceTransformer":
        """Put a new head on the encoder of a language model.

        Parameters
        ----------
        model
            A language model, trained; it stays as it is.
        head, n_outputs, reverse_complement
            As for :class:`SequenceTransformerConfig`.
        freeze
            Train the head only.
        seed
            Of the weights of the head.

        Returns
        -------
        SequenceTransformer

        Examples
        --------
        >>> import grnet as gn
        >>> config = gn.models.DNALanguageModelConfig(tokens=gn.models.KmerTokens(3), depth=1)
        >>> language = gn.models.DNALanguageModel(config)
        >>> model = gn.models.SequenceTransformer.from_language_model(language, n_outputs=3)
        >>> model.config.n_outputs
        3
        """
        shared = {f.name: getattr(model.config, f.name) for f in fields(EncoderSettings)}
        config = SequenceTransformerConfig(
            **shared, head=head, n_outputs=n_outputs, reverse_complement=reverse_complement
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            made = cls(config)
        made.encoder.load_state_dict(model.encoder.state_dict())
        made.encoder.requires_grad_(not freeze)
        return made

    def strand(self, x: Tensor) -> Outputs:
        """Return logits (N, T) of one strand, or (N, T, L) per base."""
        codes = as_codes(x)
        tokens: Tokens = self.config.tokens.encode(codes)
        hidden = self.encoder(tokens.ids, tokens.is_real)
        if self.config.head == "per_base":
            return tokens.to_bases(self.head(hidden), codes.shape[1], how="mean").transpose(1, 2)
        logits: Tensor = self.head(_pooled(hidden, tokens))
        return logits


def as_codes(x: Tensor) -> Tensor:
    """Return codes (N, L) of codes or floats (N, 4, L); a column without a clear base is N."""
    if x.dtype == torch.uint8:
        return x
    hot = at_the_door(x)
    top, base = hot.max(dim=1)
    return torch.where(top > 0.5, base, UNKNOWN).to(torch.uint8)


def _pooled(hidden: Tensor, tokens: Tokens) -> Tensor:
    """Return maximum and mean over the tokens that cover bases, side by side."""
    covers = (tokens.end > tokens.start).unsqueeze(-1)
    top = hidden.masked_fill(~covers, -torch.inf).amax(dim=1)
    mean = (hidden * covers).sum(dim=1) / covers.sum(dim=1)
    return torch.cat([top, mean], dim=-1)
