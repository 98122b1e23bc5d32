"""A transformer of expression: a hidden gene is predicted from the regulators of its cell."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from grnet import _checks

_PAIR_SCALE = 5.0
"""Adam moves every weight alike; the bias of a pair has farther to go than an embedding."""

_MAX_SALIENCE = 8.0
"""Of a value: attention to a token grows by exp(8) at most where its value is extreme."""


@dataclass(frozen=True, kw_only=True)
class ExpressionTransformerConfig:
    """Settings of an :class:`ExpressionTransformer`.

    Parameters
    ----------
    own
        For each gene its place among the regulators, or -1: what it must not be predicted from.
    n_regulators
        Number of regulators, the genes that are attended to.
    width
        Of the embeddings, a multiple of ``n_heads``.
    n_heads
        Number of heads of the attention.
    hidden
        Width of the dense layer after the attention, in multiples of ``width``.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.models.ExpressionTransformerConfig(own=(0, 1, -1), n_regulators=2).n_genes
    3
    """

    own: tuple[int, ...]
    n_regulators: int
    width: int = 32
    n_heads: int = 2
    hidden: int = 2

    def __post_init__(self) -> None:
        _checks.whole(self.n_regulators, 1, 1 << 20, what="n_regulators")
        _checks.whole(self.n_heads, 1, 64, what="n_heads")
        _checks.whole(self.hidden, 1, 16, what="hidden")
        if self.width < 1 or self.width % self.n_heads:
            message = (
                f"width={self.width}, n_heads={self.n_heads}: expected a positive width that "
                "n_heads divides."
            )
            raise ValueError(message)
        outside = [place for place in self.own if not -1 <= place < self.n_regulators]
        if outside or not self.own:
            message = (
                f"own has {len(self.own)} genes and holds {_checks.examples(outside)}: expected "
                f"for each gene a place below n_regulators={self.n_regulators}, or -1."
            )
            raise ValueError(message)

    @property
    def n_genes(self) -> int:
        """Number of genes that can be predicted."""
        return len(self.own)


class ExpressionReadOut(NamedTuple):
    """What the prediction of each gene in each cell came from.

    Parameters
    ----------
    attention
        (cells, genes, regulators + 1), the mean over the heads; the last column is the blank, and
        the sum is one.
    sensitivity
        (cells, genes, regulators), the derivative of the prediction to the regulator's value.

    Examples
    --------
    >>> import grnet as gn
    >>> import torch
    >>> config = gn.models.ExpressionTransformerConfig(own=(0, 1, -1), n_regulators=2)
    >>> read = gn.models.ExpressionTransformer(config).read_out(torch.zeros(5, 2))
    >>> read.attention.shape, read.sensitivity.shape
    (torch.Size([5, 3, 3]), torch.Size([5, 3, 2]))
    """

    attention: torch.Tensor
    sensitivity: torch.Tensor


class _Heard(NamedTuple):
    """What the heads (H) make of the visible tokens (K): factors of the attention, and contents."""

    of_gene: torch.Tensor
    """exp of the logits of gene and token, (H, Q, K)."""
    of_cell: torch.Tensor
    """exp of the logits that a token's value adds in a cell, (H, B, K)."""
    steepness: torch.Tensor
    """Derivative of the latter logits to the value, (H, B, K)."""
    content: torch.Tensor
    """What a token says, (H, B, K, width / H)."""
    slope: torch.Tensor
    """Its derivative to the value, (H, K, width / H)."""


class ExpressionTransformer(nn.Module):
    """The standardised expression of hidden genes, by attention to the regulators of the cell.

    Parameters
    ----------
    config
        Its settings.

    Notes
    -----
    A regulator is a token: an identity embedding, and a value embedding times its value, as in the
    FT-Transformer (Gorishniy et al. 2021). A gene that is asked is a query of its identity alone,
    so that attention costs regulators x genes. Logits are the product of query and key, a learnt
    bias of the pair, and the salience of the regulator's value in the cell; since no query depends
    on the cell, the softmax over them is computed by one matrix product for all cells. A blank
    token can always be attended to. The gene's own column is masked, whoever asks; a hidden
    regulator is no token at all.

    Examples
    --------
    >>> import grnet as gn
    >>> import torch
    >>> config = gn.models.ExpressionTransformerConfig(own=(0, 1, -1), n_regulators=2)
    >>> gn.models.ExpressionTransformer(config)(torch.zeros(5, 2)).shape
    torch.Size([5, 3])
    """

    own: torch.Tensor

    def __init__(self, config: ExpressionTransformerConfig) -> None:
        super().__init__()
        self.config = c = config
        n_tokens = c.n_regulators + 1
        self.gene = nn.Parameter(torch.randn(c.n_genes, c.width))
        # the last token is the blank; values mean the same of every regulator at the start
        self.regulator = nn.Parameter(torch.randn(n_tokens, c.width))
        self.value = nn.Parameter(torch.randn(1, c.width).repeat(n_tokens, 1))
        self.pair = nn.Parameter(torch.zeros(c.n_heads, c.n_genes, n_tokens))
        self.query, self.key, self.content, self.slope = (
            nn.Linear(c.width, c.width, bias=False) for _ in range(4)
        )
        self.salience = nn.Linear(c.width, c.n_heads, bias=False)
        self.join = nn.Linear(c.width, c.width)
        self.dense = nn.Sequential(
            nn.LayerNorm(c.width),
            nn.Linear(c.width, c.hidden * c.width),
            nn.GELU(),
            nn.Linear(c.hidden * c.width, c.width),
        )
        self.norm = nn.LayerNorm(c.width)
        self.answer = nn.Parameter(0.1 * torch.randn(c.n_genes, c.width))
        self.offset = nn.Parameter(torch.zeros(c.n_genes))
        for layer in (self.query, self.salience):
            nn.init.zeros_(layer.weight)
        self.register_buffer("own", torch.tensor(c.own), persistent=False)

    def forward(
        self,
        values: torch.Tensor,
        genes: torch.Tensor | None = None,
        hidden: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return predictions (B, Q) from standardised values of the regulators (B, K).

        ``genes`` are the places of those asked (all), ``hidden`` (K,) says whose values hide.
        """
        genes = self._all_genes() if genes is None else genes
        heard = self._heard(values, genes, hidden)
        # the ones become the denominator of the softmax
        said = functional.pad(heard.content, (0, 1), value=1.0) * heard.of_cell[..., None]
        sums = heard.of_gene @ said.transpose(1, 2).flatten(2)
        sums = sums.reshape(*sums.shape[:2], len(values), -1).transpose(1, 2)
        return self._decoded(sums[..., :-1] / sums[..., -1:], genes)

    def read_out(
        self, values: torch.Tensor, genes: torch.Tensor | None = None
    ) -> ExpressionReadOut:
        """Return attention and sensitivity of genes in cells, with all regulators visible."""
        genes = self._all_genes() if genes is None else genes
        with torch.no_grad():
            heard = self._heard(values, genes, None)
            attention = heard.of_gene[:, None] * heard.of_cell[:, :, None]
            attention /= attention.sum(-1, keepdim=True)
            mixed = attention @ heard.content
        with torch.enable_grad():
            mixed.requires_grad_()
            # each prediction depends on its own mixture alone: their sum gives every gradient
            (towards,) = torch.autograd.grad(self._decoded(mixed, genes).sum(), mixed)
        with torch.no_grad():
            beyond = towards @ heard.content.mT - (towards * mixed).sum(-1, keepdim=True)
            effect = towards @ heard.slope[:, None].mT + heard.steepness[:, :, None] * beyond
            sensitivity = (attention * effect).sum(0)[..., :-1]
        return ExpressionReadOut(attention.mean(0), sensitivity)

    def _all_genes(self) -> torch.Tensor:
        return torch.arange(self.config.n_genes, device=self.own.device)

    def _heard(
        self, values: torch.Tensor, genes: torch.Tensor, hidden: torch.Tensor | None
    ) -> _Heard:
        if values.ndim != 2 or values.shape[1] != self.config.n_regulators:
            message = (
                f"Values have the shape {tuple(values.shape)}: expected (cells, "
                f"{self.config.n_regulators}), the regulators of each cell."
            )
            raise ValueError(message)
        values = functional.pad(values, (0, 1))
        query = self._by_head(self.query(self.gene[genes])) * self._per_head**-0.5
        logits = query @ self._by_head(self.key(self.regulator)).mT
        logits = logits + _PAIR_SCALE * self.pair[:, genes]
        own = self.own[genes]
        places = torch.arange(values.shape[1], device=own.device)
        logits = logits.masked_fill(own[:, None] == places, -torch.inf)
        identity: torch.Tensor = self.regulator
        direction: torch.Tensor = self.value
        if hidden is not None:
            tokens = torch.nonzero(~functional.pad(hidden, (0, 1)))[:, 0]
            values, logits = values[:, tokens], logits[..., tokens]
            identity, direction = identity[tokens], direction[tokens]
        steep = self.salience(direction).T[:, None]
        # bounded, so that no maximum has to be taken off, which a gene's own value could be
        bent = torch.tanh(steep * values / _MAX_SALIENCE)
        salience, steepness = _MAX_SALIENCE * bent, steep * (1 - bent.square())
        slope = self._by_head(self.slope(direction))
        content = self._by_head(self.content(identity))[:, None] + (
            values[..., None] * slope[:, None]
        )
        of_gene = (logits - logits.detach().amax(-1, keepdim=True)).exp()
        return _Heard(of_gene, salience.exp(), steepness, content, slope)

    @property
    def _per_head(self) -> int:
        return self.config.width // self.config.n_heads

    def _by_head(self, vectors: torch.Tensor) -> torch.Tensor:
        """Return (H, n, width / H)."""
        return vectors.reshape(-1, self.config.n_heads, self._per_head).movedim(-2, 0)

    def _decoded(self, mixed: torch.Tensor, genes: torch.Tensor) -> torch.Tensor:
        """Return predictions (B, Q) from what the heads heard (H, B, Q, width / H)."""
        state = self.gene[genes] + self.join(mixed.movedim(0, -2).flatten(-2))
        state = self.norm(state + self.dense(state))
        predicted: torch.Tensor = (state * self.answer[genes]).sum(-1) + self.offset[genes]
        return predicted
