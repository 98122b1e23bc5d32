"""What the user asked of ``network``, checked, and the kernel run accordingly."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np

from grnet import _checks
from grnet._progress import progress
from grnet._registry import Method
from grnet._torch import resolve_device
from grnet.infer._edges import Candidates
from grnet.infer._inputs import Inputs
from grnet.infer._knowledge import Knowledge
from grnet.infer._prior import Prior, PriorMode, Priors, read_prior
from grnet.infer._scored import Scored, run_kernel
from grnet.infer.catalogue import METHODS

OF_KNOWN = ("n_folds", "n_negatives", "n_members", "class_prior")
"""Options that say how a method learns from known edges."""


@dataclass(frozen=True)
class Request:
    """What the user asked for, checked."""

    method: Method
    options: dict[str, Any]
    prior: Priors | None
    prior_mode: PriorMode
    n_top: int | Literal["auto"] | None
    n_bootstrap: int
    fdr: float | None
    seed: int
    device: str
    knowledge: Knowledge

    def __post_init__(self) -> None:
        self._check_knowledge()
        for option in self.options:
            choices = tuple(self.method.options)
            if not choices:
                message = f"{self.method.name} takes no option {option!r}; it takes none."
                raise ValueError(message)
            _checks.one_of(option, choices, f"option of {self.method.name}")
        self._check_options_of_known()
        self._check_model()
        _checks.one_of(self.prior_mode, get_args(PriorMode), "prior_mode")
        self._check_n_top()
        _checks.whole(self.seed, 0, 1 << 62, what="seed")
        _checks.whole(self.n_bootstrap, 0, 10_000, what="n_bootstrap")
        if self.fdr is not None:
            _checks.in_range(self.fdr, 0.001, 1.0, what="fdr")

    def _check_n_top(self) -> None:
        number = self.n_top if self.n_top not in (None, "auto") else 1
        if not isinstance(number, int | np.integer) or number < 1:
            message = (
                f"n_top={self.n_top!r}: expected a positive whole number, 'auto', or None for all."
            )
            raise ValueError(message)

    def _check_knowledge(self) -> None:
        for what in self.knowledge.given():
            if what not in self.method.takes:
                able = [name for name, method in METHODS.items() if what in method.takes]
                message = (
                    f"{self.method.name} does not learn from {what}=: choose method="
                    f"{' or '.join(map(repr, able))}, or give what is known as prior=."
                )
                raise ValueError(message)

    def _check_options_of_known(self) -> None:
        given = [option for option in OF_KNOWN if option in self.options]
        if given and self.knowledge.known is None:
            message = (
                f"{_checks.examples(given)} tell {self.method.name} how to learn from known edges, "
                "and there are none: give known=, or leave the option(s) away."
            )
            raise ValueError(message)

    def _check_model(self) -> None:
        if self.knowledge.model is None:
            return
        idle = [*self.options, *(["known"] if self.knowledge.known is not None else [])]
        idle += ["n_bootstrap"] if self.n_bootstrap else []
        if idle:
            message = (
                f"model= has been trained, and {_checks.examples(idle)} could change nothing: "
                "leave them away, or leave model= away to train with them."
            )
            raise ValueError(message)

    def layers(self, inputs: Inputs) -> Prior | None:
        """Return what the prior says of each pair, None without a prior."""
        if self.prior is None:
            return None
        return read_prior(self.prior, inputs, mode=self.prior_mode)

    def scored(
        self,
        inputs: Inputs,
        *,
        prior: Prior | None = None,
        reference: object | None = None,
    ) -> list[Candidates]:
        """Run the kernel and return all candidate pairs, of each context that the inputs have."""
        contexts = {} if inputs.contexts is None else {"contexts": inputs.contexts}
        result = run_kernel(
            self.method.kernel,
            inputs.x,
            inputs.matrix,
            inputs.own,
            rng=np.random.default_rng(self.seed),
            device=resolve_device(self.device),
            reference=reference,
            **self.knowledge.of(inputs),
            **contexts,
            **self.options,
        )
        return [_candidates(inputs, part, prior) for part in result.by_context()]

    def compared(self) -> "Request":
        """Return the request of what is compared with permuted data in place of the method."""
        if self.method.compared is None:
            return self
        stand_in = METHODS[self.method.compared]
        return replace(self, method=stand_in, options={}, knowledge=Knowledge())

    def repeats(self, what: str, n: int) -> Iterator[np.random.Generator]:
        """Yield a generator per repetition, behind a progress bar."""
        seeds = np.random.SeedSequence(self.seed).spawn(n)
        yield from progress((np.random.default_rng(s) for s in seeds), what, total=n)


def _candidates(inputs: Inputs, result: Scored, prior: Prior | None) -> Candidates:
    scores, columns = result.scores, result.columns
    if prior is not None:
        scores = prior.applied(scores, inputs.own)
        doubled = sorted(columns.keys() & prior.layers.keys())
        if doubled:
            message = (
                f"A layer of the prior cannot be named {doubled[0]!r}: edges of "
                "this method have that column. Give it another name."
            )
            raise ValueError(message)
        columns = {**columns, "score": result.scores, **prior.layers}
    columns = {name: values.ravel() for name, values in columns.items()}
    return Candidates(
        inputs, scores.ravel(), result.tested.ravel(), columns, result.facts, result.reference
    )
