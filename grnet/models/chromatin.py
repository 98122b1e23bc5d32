"""A transformer over marks along the genome, with chromatin states that can be read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from grnet import _checks
from grnet._progress import progress
from grnet.models import _marks
from grnet.models._chromatin_windows import centred
from grnet.models._marks import Lengths, Values
from grnet.models.prediction import evaluating

Floats = npt.NDArray[np.float32]
_WINDOWS_AT_A_TIME = 256
_NEAR = 5


@dataclass(frozen=True, kw_only=True)
class ChromatinTransformerConfig:
    """Settings of a :class:`ChromatinTransformer`.

    Parameters
    ----------
    n_marks
        Number of marks.
    n_states
        Number of chromatin states.
    window
        Bins that see each other, a multiple of 4.
    width, n_heads, n_layers
        Of the transformer.
    stem_width
        Bins that the convolution before it joins, an odd number.
    dropout
        Of attention's and the dense layers' outputs.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.models.ChromatinTransformerConfig(n_marks=10).window
    128
    """

    n_marks: int
    n_states: int = 15
    window: int = 128
    width: int = 64
    n_heads: int = 4
    n_layers: int = 2
    stem_width: int = 5
    dropout: float = 0.0

    def __post_init__(self) -> None:
        _checks.whole(self.n_marks, 1, 10_000, what="n_marks")
        _checks.whole(self.n_states, 1, 1_000, what="n_states")
        _checks.in_range(self.dropout, 0, 0.99, what="dropout")
        if self.window % 4 or self.width % self.n_heads or self.stem_width % 2 == 0:
            message = (
                f"window={self.window}, width={self.width}, n_heads={self.n_heads}, "
                f"stem_width={self.stem_width}: expected a window that 4 divides, a width that "
                "n_heads divides, and an odd stem_width."
            )
            raise ValueError(message)


class ChromatinOutputs(NamedTuple):
    """What the model says of each bin: logits of the states, and of the marks directly."""

    states: torch.Tensor
    marks: torch.Tensor


class ChromatinTransformer(nn.Module):
    """Each bin's chromatin state from the marks of its neighbourhood.

    Parameters
    ----------
    config
        Its settings.

    Notes
    -----
    A token is a bin: which marks are there, and which were not measured. Each bin gets a softmax
    over a few states, and a state is no more than a probability of each mark (``emissions``), as
    in a hidden Markov model; but which state a bin has is read from the whole window, not handed
    on from bin to bin. A second, free output predicts the marks directly: it imputes better, and
    explains nothing. Positions enter by their distance alone, so that all places are alike.

    Examples
    --------
    >>> import grnet as gn
    >>> import torch
    >>> config = gn.models.ChromatinTransformerConfig(n_marks=3, n_states=4, window=16)
    >>> outputs = gn.models.ChromatinTransformer(config)(torch.zeros(2, 16, 3, dtype=torch.uint8))
    >>> outputs.states.shape, outputs.marks.shape
    (torch.Size([2, 16, 4]), torch.Size([2, 16, 3]))
    """

    def __init__(self, config: ChromatinTransformerConfig) -> None:
        super().__init__()
        self.config = c = config
        self.embed = nn.Linear(2 * c.n_marks, c.width)
        self.stem = nn.Conv1d(
            c.width, c.width, c.stem_width, padding=c.stem_width // 2, groups=c.width
        )
        self.layers = nn.ModuleList(_Layer(c) for _ in range(c.n_layers))
        self.norm = nn.LayerNorm(c.width)
        self.states = nn.Linear(c.width, c.n_states)
        self.marks = nn.Linear(c.width, c.n_marks)
        # what lies within a few bins also counts directly, as in a logistic regression
        self.near_states = _near(2 * c.n_marks, c.n_states)
        self.near_marks = _near(2 * c.n_marks, c.n_marks)
        self.emission_logits = nn.Parameter(torch.randn(c.n_states, c.n_marks) - 2)

    @property
    def emissions(self) -> torch.Tensor:
        """The probability of each mark in each state, (K, marks)."""
        return torch.sigmoid(self.emission_logits.detach())

    def forward(self, values: torch.Tensor) -> ChromatinOutputs:
        """Return logits for windows of codes (N, window, marks): 0, 1, or 2 where not measured."""
        expected = (self.config.window, self.config.n_marks)
        if values.ndim != 3 or values.shape[1:] != expected:
            message = (
                f"Windows have the shape {tuple(values.shape)}: expected (N, {expected[0]}, "
                f"{expected[1]}), windows of bins x marks."
            )
            raise ValueError(message)
        known = torch.cat([values == 1, values != _marks.MISSING], dim=-1)
        known = known.to(self.embed.weight.dtype)
        across = known.transpose(1, 2)
        near_states, near_marks = self.near_states(across), self.near_marks(across)
        x = self.embed(known)
        x = x + functional.gelu(self.stem(x.transpose(1, 2)).transpose(1, 2))
        for layer in self.layers:
            x = layer(x)
        x = self.norm(x)
        return ChromatinOutputs(
            self.states(x) + near_states.transpose(1, 2), self.marks(x) + near_marks.transpose(1, 2)
        )

    def posterior(self, values: Values, lengths: Lengths = None, *, device: str = "auto") -> Floats:
        """Return the probability of each state in each bin, (bins, K).

        What the window says of the state, times how likely the state has the bin's own marks: by
        the window alone, a mark without company, such as CTCF, would seldom name its bin.
        """
        prior = self._over(values, lengths, "prior", device=device)
        emissions = self.emissions.cpu().numpy().clip(1e-4, 1 - 1e-4)
        own = (values == 1) @ np.log(emissions).T + (values == 0) @ np.log1p(-emissions).T
        joint = prior * np.exp(own - own.max(axis=1, keepdims=True)) + np.float32(1e-30)
        shares: Floats = (joint / joint.sum(axis=1, keepdims=True)).astype(np.float32)
        return shares

    def impute(
        self,
        values: Values,
        lengths: Lengths = None,
        *,
        by: Literal["marks", "states"] = "marks",
        device: str = "auto",
    ) -> Floats:
        """Return the marks with each missing one replaced by its probability given the rest.

        ``by="states"`` goes through the states and their emissions, ``"marks"`` past them.
        """
        _checks.one_of(by, ("marks", "states"), "by")
        filled = self._over(values, lengths, by, device=device)
        return np.where(values == _marks.MISSING, filled, values).astype(np.float32)

    def reorder(self, order: Sequence[int]) -> None:
        """Renumber the states: the new state i is the old state ``order[i]``."""
        chosen = torch.as_tensor(np.asarray(order))
        with torch.no_grad():
            head, near = self.states, self.near_states
            for parameter in (head.weight, head.bias, near.weight, self.emission_logits):
                parameter.copy_(parameter[chosen].clone())

    def _over(self, values: Values, lengths: Lengths, what: str, *, device: str) -> Floats:
        """Run over whole chromosomes, from the centre of overlapping windows."""
        bins, chains = _marks.checked(values, lengths, n_marks=self.config.n_marks)
        windows = centred(bins, chains, window=self.config.window)
        inner = slice(windows.side, self.config.window - windows.side)
        blocks = range(0, len(windows.distinct), _WINDOWS_AT_A_TIME)
        parts = []
        with evaluating(self, device=device) as where:
            for start in progress(blocks, "chromatin", total=len(blocks)):
                block = windows.distinct[start : start + _WINDOWS_AT_A_TIME]
                outputs = self(torch.from_numpy(block).to(where))
                parts.append(self._answer(outputs, what)[:, inner].float().cpu().numpy())
        found = np.concatenate(parts)[windows.which]
        laid: Floats = found.reshape(-1, found.shape[-1])[windows.kept]
        return laid

    def _answer(self, outputs: ChromatinOutputs, what: str) -> torch.Tensor:
        if what == "marks":
            return torch.sigmoid(outputs.marks)
        prior = outputs.states.softmax(-1)
        return prior if what == "prior" else prior @ self.emissions


def _near(n_inputs: int, n_outputs: int) -> nn.Conv1d:
    """Return a linear map of a few bins around each, zero at first."""
    made = nn.Conv1d(n_inputs, n_outputs, 2 * _NEAR + 1, padding=_NEAR, bias=False)
    nn.init.zeros_(made.weight)
    return made


class _Layer(nn.Module):
    """Attention that weighs distance, and two dense layers."""

    distances: torch.Tensor

    def __init__(self, config: ChromatinTransformerConfig) -> None:
        super().__init__()
        width, window, self.n_heads = config.width, config.window, config.n_heads
        self.norm_attention, self.norm_dense = nn.LayerNorm(width), nn.LayerNorm(width)
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.joined = nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.dropout = nn.Dropout(config.dropout)
        # heads begin with reaches from a few bins to the whole window
        steepness = 2.0 ** -torch.arange(1, self.n_heads + 1)
        away = torch.arange(1 - window, window).abs().sqrt()
        self.bias = nn.Parameter(-steepness[:, None] * away)
        place = torch.arange(window)
        distances = place[None] - place[:, None] + window - 1
        self.register_buffer("distances", distances, persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, length, width = x.shape
        parts = self.queries_keys_values(self.norm_attention(x))
        q, k, v = parts.view(n, length, 3, self.n_heads, -1).permute(2, 0, 3, 1, 4)
        mask = self.bias[:, self.distances][None].to(q.dtype)
        seen = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        x = x + self.dropout(self.joined(seen.transpose(1, 2).reshape(n, length, width)))
        dense = self.up(self.norm_dense(x))
        added: torch.Tensor = x + self.dropout(self.down(functional.gelu(dense)))
        return added
