"""What a kernel may return beside a bare matrix of scores."""

from typing import Any, NamedTuple

import numpy as np

from grnet._registry import Kernel


class Scored(NamedTuple):
    """Scores of a kernel that has more to tell.

    ``columns`` are regulators x targets matrices that become columns of the edges; ``facts`` are
    numbers that become parameters of the network. A method that shares contexts returns scores of
    contexts x regulators x targets. Where scores are relative to the data set, as ranks and
    z-scores are, chance reaches them as easily as truth does: ``statistic`` is then what is
    compared with permuted data instead. If it is relative too, ``reference`` says to what; that of
    one permutation is then handed to the kernel as ``reference=`` for real and permuted data.
    """

    scores: np.ndarray
    columns: dict[str, np.ndarray]
    facts: dict[str, float]
    statistic: np.ndarray | None = None
    reference: object | None = None

    @property
    def tested(self) -> np.ndarray:
        """Absolute values to compare with permuted data."""
        return np.asarray(np.abs(self.scores if self.statistic is None else self.statistic))

    def by_context(self) -> "list[Scored]":
        """Return the scores of each context; of a method that knows none, all."""
        if self.scores.ndim == 2:
            return [self]
        return [self._replace(scores=scores) for scores in self.scores]


def run_kernel(
    kernel: Kernel,
    *arrays: Any,  # noqa: ANN401 - x, y and own, as every kernel takes them
    reference: object | None = None,
    **options: Any,  # noqa: ANN401 - whatever the kernel takes
) -> Scored:
    """Call a kernel, with the reference if there is one, and complete a bare matrix."""
    if reference is not None:
        options["reference"] = reference
    result = kernel(*arrays, **options)
    return result if isinstance(result, Scored) else Scored(result, {}, {})
