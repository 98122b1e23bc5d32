"""The transformer encoder that reads tokens: its settings, and the module on one screen."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from grnet import _checks
from grnet.models._byte_pairs import BytePairTokens
from grnet.models._kmers import KmerTokens

_MASKED_IN_TRAINING = 0.15 * 0.8
"""The share of masked tokens that ESM assumes when it rescales embeddings."""


Tokeniser = KmerTokens | BytePairTokens


def tokens_from_dict(record: Tokeniser | Mapping[str, Any]) -> Tokeniser:
    """Make the tokeniser that ``to_dict`` wrote; one that is made already stays as it is."""
    if isinstance(record, KmerTokens | BytePairTokens):
        return record
    kinds = {"kmer": KmerTokens, "bpe": BytePairTokens}
    kind = _checks.one_of(str(record.get("kind")), tuple(kinds), "kind of tokens")
    made: Tokeniser = kinds[kind](**record)
    return made


@dataclass(frozen=True, kw_only=True)
class EncoderSettings:
    """What a transformer encoder of DNA is made of; the defaults train well on few data.

    Parameters
    ----------
    tokens
        How sequences are cut.
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
    gated
        The feed-forward part multiplies two projections (GLU).
    activation
        The non-linearity of the feed-forward part.
    norm
        Layer norm before each part (``"pre"``) or after its sum (``"post"``).
    norm_embedding
        A layer norm right behind the embedding.
    norm_epsilon
        Added to the variance in layer norms.
    dropout
        Share of values set to zero in training.
    max_tokens
        The most tokens where positions are learned.
    token_dropout
        Zero the masked tokens and rescale the others, as ESM does.
    """

    tokens: Tokeniser = field(default_factory=lambda: KmerTokens(6))
    width: int = 128
    depth: int = 4
    heads: int = 4
    feed_forward: int = 0
    local: int = 9
    position: Literal["alibi", "rotary", "learned"] = "alibi"
    gated: bool = True
    activation: Literal["gelu", "silu", "relu"] = "gelu"
    norm: Literal["pre", "post"] = "pre"
    norm_embedding: bool = True
    norm_epsilon: float = 1e-5
    dropout: float = 0.1
    max_tokens: int = 512
    token_dropout: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "tokens", tokens_from_dict(self.tokens))
        _checks.one_of(self.position, ("alibi", "rotary", "learned"), "position")
        _checks.one_of(self.activation, ("gelu", "silu", "relu"), "activation")
        _checks.one_of(self.norm, ("pre", "post"), "norm")
        _checks.in_range(self.dropout, 0, 0.99, what="dropout")
        if self.local and self.local % 2 == 0:
            message = f"local={self.local} is even: give an odd number of tokens, or 0 for none."
            raise ValueError(message)
        if self.width % self.heads or (self.position == "rotary" and self.width // self.heads % 2):
            message = (
                f"width={self.width} does not go into heads={self.heads} of a whole"
                f"{', even' if self.position == 'rotary' else ''} number of channels. "
                "Choose a width that is a multiple of the heads, such as 128 and 4."
            )
            raise ValueError(message)

    @property
    def inner_width(self) -> int:
        """Channels inside the feed-forward part."""
        return self.feed_forward or (self.width * 8 // 3 if self.gated else 4 * self.width)


class Encoder(nn.Module):
    """Tokens in, one vector for each token out."""

    def __init__(self, config: EncoderSettings) -> None:
        super().__init__()
        self.config = config
        self.embed = nn.Embedding(config.tokens.size, config.width)
        is_learned = config.position == "learned"
        self.places = nn.Embedding(config.max_tokens, config.width) if is_learned else None
        self.embed_norm = _layer_norm(config) if config.norm_embedding else nn.Identity()
        self.local = _local_convolution(config)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.norm = _layer_norm(config) if config.norm == "pre" else nn.Identity()
        self.apply(_initialise)

    def forward(self, ids: Tensor, is_real: Tensor | None = None) -> Tensor:
        """Return sequences x tokens x width; ``is_real`` is False where a row is filled up."""
        x = self.dropout(self._mixed(self.embed_norm(self._embedded(ids, is_real)), is_real))
        bias = self._bias(ids, is_real).to(x.dtype) if self._needs_bias(is_real) else None
        turn = _turns(ids.shape[1], self.config, x) if self.config.position == "rotary" else None
        for block in self.blocks:
            x = block(x, bias, turn)
        normed: Tensor = self.norm(x)
        return normed

    def _embedded(self, ids: Tensor, is_real: Tensor | None) -> Tensor:
        x: Tensor = self.embed(ids)
        if self.config.token_dropout:
            is_masked = ids == self.config.tokens.mask_id
            n_real = ids.shape[1] if is_real is None else is_real.sum(dim=1)
            share = (is_masked.sum(dim=1) / n_real)[:, None, None]
            x = x.masked_fill(is_masked.unsqueeze(-1), 0) * (1 - _MASKED_IN_TRAINING) / (1 - share)
        if self.places is None:
            return x
        if ids.shape[1] > self.config.max_tokens:
            message = (
                f"The sequences have {ids.shape[1]} tokens, the model knows "
                f"{self.config.max_tokens} places. Cut them into shorter windows."
            )
            raise ValueError(message)
        return x + self.places.weight[: ids.shape[1]]

    def _mixed(self, x: Tensor, is_real: Tensor | None) -> Tensor:
        if self.local is None:
            return x
        shown = x if is_real is None else x * is_real.unsqueeze(-1)
        near: Tensor = self.local(shown.transpose(1, 2)).transpose(1, 2)
        return x + near

    def _needs_bias(self, is_real: Tensor | None) -> bool:
        return self.config.position == "alibi" or is_real is not None

    def _bias(self, ids: Tensor, is_real: Tensor | None) -> Tensor:
        """Add to attention: the penalty of distance, and -inf where a row is filled up."""
        bias = torch.zeros((1, 1, 1, ids.shape[1]), device=ids.device)
        if self.config.position == "alibi":
            place = torch.arange(ids.shape[1], device=ids.device)
            distance = (place[:, None] - place[None, :]).abs()
            slopes = torch.tensor(alibi_slopes(self.config.heads), device=ids.device)
            bias = -(slopes[:, None, None] * distance).unsqueeze(0)
        if is_real is not None:
            bias = bias.masked_fill(~is_real[:, None, None, :], -math.inf)
        return bias


class Block(nn.Module):
    """Attention and a feed-forward part, each with its residual and its layer norm."""

    def __init__(self, config: EncoderSettings) -> None:
        super().__init__()
        self.config = config
        inner = config.inner_width
        self.qkv = nn.Linear(config.width, 3 * config.width)
        self.out = nn.Linear(config.width, config.width)
        self.up = nn.Linear(config.width, inner * (1 + config.gated), bias=not config.gated)
        self.act = {"gelu": nn.GELU, "silu": nn.SiLU, "relu": nn.ReLU}[config.activation]()
        self.down = nn.Linear(inner, config.width)
        self.attention_norm = _layer_norm(config)
        self.feed_forward_norm = _layer_norm(config)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, bias: Tensor | None, turn: tuple[Tensor, Tensor] | None) -> Tensor:
        """Return what came in, changed by what attention found."""
        if self.config.norm == "pre":
            x = x + self.dropout(self._attention(self.attention_norm(x), bias, turn))
            x = x + self.dropout(self._feed_forward(self.feed_forward_norm(x)))
        else:
            x = self.attention_norm(x + self.dropout(self._attention(x, bias, turn)))
            x = self.feed_forward_norm(x + self.dropout(self._feed_forward(x)))
        return x

    def _attention(
        self, x: Tensor, bias: Tensor | None, turn: tuple[Tensor, Tensor] | None
    ) -> Tensor:
        n_rows, n_tokens, width = x.shape
        parts = self.qkv(x).view(n_rows, n_tokens, 3, self.config.heads, -1)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        if turn is not None:
            query, key = _turned(query, *turn), _turned(key, *turn)
        found = scaled_dot_product_attention(query, key, value, attn_mask=bias)
        mixed: Tensor = self.out(found.transpose(1, 2).reshape(n_rows, n_tokens, width))
        return mixed

    def _feed_forward(self, x: Tensor) -> Tensor:
        if self.config.gated:
            gate, value = self.up(x).chunk(2, dim=-1)
            gated: Tensor = self.down(self.act(gate) * value)
            return gated
        plain: Tensor = self.down(self.act(self.up(x)))
        return plain


def alibi_slopes(n_heads: int) -> list[float]:
    """Return how steeply each head's attention falls with the distance (Press et al. 2022)."""
    power = 2 ** math.floor(math.log2(n_heads))
    slopes = [2 ** (-8 * (head + 1) / power) for head in range(power)]
    between = [2 ** (-4 * (2 * head + 1) / power) for head in range(n_heads - power)]
    return slopes + between


def _turns(n_tokens: int, config: EncoderSettings, like: Tensor) -> tuple[Tensor, Tensor]:
    """Return cosine and sine of the angle of each place and channel (Su et al. 2021)."""
    half = config.width // config.heads // 2
    speed = 10_000.0 ** (-torch.arange(half, device=like.device) / half)
    angle = torch.arange(n_tokens, device=like.device)[:, None] * speed[None, :]
    return angle.cos().to(like.dtype), angle.sin().to(like.dtype)


def _turned(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    first, second = x.chunk(2, dim=-1)
    turned = (first * cosine - second * sine, second * cosine + first * sine)
    return torch.cat(turned, dim=-1)


def _local_convolution(config: EncoderSettings) -> nn.Conv1d | None:
    if not config.local:
        return None
    width, reach = config.width, config.local // 2
    return nn.Conv1d(width, width, config.local, padding=reach, groups=width)


def _layer_norm(config: EncoderSettings) -> nn.LayerNorm:
    return nn.LayerNorm(config.width, eps=config.norm_epsilon)


def _initialise(module: nn.Module) -> None:
    """Start from small normal weights, as BERT does."""
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)
