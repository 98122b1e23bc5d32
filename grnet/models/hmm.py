"""A hidden Markov model of marks along the genome: the model of ChromHMM."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from grnet import _checks
from grnet.models import _hmm_chains, _marks
from grnet.models._hmm_chains import Chain
from grnet.models._marks import Floats, Lengths, Values

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class MarkHMMConfig:
    """Settings of a :class:`MarkHMM`.

    Parameters
    ----------
    n_marks
        Number of marks.
    n_states
        Number of hidden states.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.models.MarkHMMConfig(n_marks=10).n_states
    15
    """

    n_marks: int
    n_states: int = 15

    def __post_init__(self) -> None:
        _checks.whole(self.n_marks, 1, 10_000, what="n_marks")
        _checks.whole(self.n_states, 1, 1_000, what="n_states")


class MarkHMM(nn.Module):
    """Hidden states along the genome, each with its own probability of every mark.

    Parameters
    ----------
    config
        Number of marks and states.

    Attributes
    ----------
    start, transition, emissions
        Probabilities (K,), (K, K) and (K, marks), float64. A new model knows nothing: all states
        are alike; ``gn.train.chromatin_states(..., method="hmm")`` fits one.

    Notes
    -----
    The model of ChromHMM (Ernst and Kellis, Nature Methods 2012): marks are independent given the
    state. Everything here is exact, by scaled forward and backward passes; marks coded 2 say
    nothing. ``lengths`` are the numbers of bins of the chromosomes, between which no state is
    handed on.

    Examples
    --------
    >>> import grnet as gn
    >>> import numpy as np
    >>> import torch
    >>> model = gn.models.MarkHMM(gn.models.MarkHMMConfig(n_marks=1, n_states=2))
    >>> _ = model.transition.copy_(torch.tensor([[0.9, 0.1], [0.1, 0.9]]))
    >>> _ = model.emissions.copy_(torch.tensor([[0.1], [0.8]]))
    >>> marks = np.array([[0], [0], [0], [1], [1], [1]], dtype=np.uint8)
    >>> model.posterior(marks).argmax(axis=1).tolist()
    [0, 0, 0, 1, 1, 1]
    """

    start: torch.Tensor
    transition: torch.Tensor
    emissions: torch.Tensor

    def __init__(self, config: MarkHMMConfig) -> None:
        super().__init__()
        self.config = config
        k, m = config.n_states, config.n_marks
        self.register_buffer("start", torch.full((k,), 1 / k, dtype=torch.float64))
        self.register_buffer("transition", torch.full((k, k), 1 / k, dtype=torch.float64))
        self.register_buffer("emissions", torch.full((k, m), 0.5, dtype=torch.float64))

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return the posterior of one chromosome's bins as a tensor."""
        return torch.from_numpy(self.posterior(values.cpu().numpy()))

    def posterior(self, values: Values, lengths: Lengths = None) -> Floats:
        """Return the probability of each state in each bin, given all bins."""
        _, given_all = self._contexts(values, lengths)
        return given_all

    def log_likelihood(self, values: Values, lengths: Lengths = None) -> float:
        """Return the natural log of the probability of the marks."""
        bins, chains = _marks.checked(values, lengths, n_marks=self.config.n_marks)
        patterns = _hmm_chains.patterns_of(bins, chains)
        passes, _, top = _hmm_chains.passes_of(patterns, self.chain)
        return float(np.log(passes.scale).sum() + top[patterns.of_bin].sum())

    def leave_one_out(self, values: Values, lengths: Lengths = None) -> Floats:
        """Return for each entry the probability that the mark is there, given all other entries."""
        others, _ = self._contexts(values, lengths)
        emissions = self.chain.emissions
        bins = np.asarray(values)
        log = _hmm_chains.log_emissions(bins, emissions)
        out = np.empty(bins.shape)
        for mark in range(bins.shape[1]):
            own = _hmm_chains.log_emissions(bins[:, [mark]], emissions[:, [mark]])
            rest = others * _hmm_chains.scaled(log - own)[0]
            out[:, mark] = rest @ emissions[:, mark] / rest.sum(axis=1)
        return out

    def impute(self, values: Values, lengths: Lengths = None) -> npt.NDArray[np.float32]:
        """Return the marks with each missing one replaced by its probability given the rest."""
        bins, _ = _marks.checked(values, lengths, n_marks=self.config.n_marks)
        filled = self.posterior(values, lengths) @ self.chain.emissions
        return np.where(bins == _marks.MISSING, filled, bins).astype(np.float32)

    def reorder(self, order: "Sequence[int]") -> None:
        """Renumber the states: the new state i is the old state ``order[i]``."""
        chosen = torch.as_tensor(np.asarray(order))
        self.start.copy_(self.start[chosen])
        self.transition.copy_(self.transition[chosen][:, chosen])
        self.emissions.copy_(self.emissions[chosen])

    @property
    def chain(self) -> Chain:
        """The parameters as arrays."""
        tensors = (self.start, self.transition, self.emissions)
        return Chain(*(tensor.cpu().numpy() for tensor in tensors))

    def _contexts(self, values: Values, lengths: Lengths) -> tuple[Floats, Floats]:
        bins, chains = _marks.checked(values, lengths, n_marks=self.config.n_marks)
        return _hmm_chains.contexts(_hmm_chains.patterns_of(bins, chains), self.chain)
