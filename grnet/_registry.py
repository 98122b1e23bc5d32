"""The catalogue of inference methods is a value."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from grnet import _checks

Kernel = Callable[..., Any]


@dataclass(frozen=True)
class Method:
    """The facts of one inference method.

    Parameters
    ----------
    name
        How users ask for it.
    kernel
        Function of bare arrays, ``(x, y, own, *, rng, device, **params) -> scores`` with ``x``
        cells x regulators, ``y`` cells x targets (dense or CSC), ``own[j]`` the column of target
        ``j`` among the regulators or -1, and scores regulators x targets: larger is stronger,
        and the sign is the direction of regulation where ``signed``.
    summary
        What it measures, in one line.
    signed
        Whether the sign of a score means activation or repression.
    needs
        What it reads: ``"expression"``.
    takes
        What it also learns from where it is given, as keyword arguments of its kernel:
        ``"known"`` edges, a ``"graph"``.
    speed
        ``"seconds"``, ``"minutes"`` or ``"hours"`` for 5,000 cells x 5,000 genes on two cores.
    reference
        Where the method was published.
    options
        Names of the kernel's own keyword arguments and their defaults.
    shares_contexts
        Whether the kernel takes ``contexts``, the weight of each cell in each group or window, and
        returns contexts x regulators x targets from one model. Else each is inferred by itself.
    compared
        Name of the method whose scores are compared with permuted data in its place: training that
        finds nothing stops at once, and its scores do not show what chance reaches.
    """

    name: str
    kernel: Kernel
    summary: str
    signed: bool
    speed: str
    reference: str
    needs: str = "expression"
    takes: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    shares_contexts: bool = False
    compared: str | None = None


class Registry(Mapping[str, Method]):
    """Methods by name; an unknown name is answered with the choices."""

    def __init__(self, *methods: Method) -> None:
        self._methods = {method.name: method for method in methods}

    def __getitem__(self, name: str) -> Method:
        return self._methods[_checks.one_of(name, tuple(self._methods), "method")]

    def __iter__(self) -> Iterator[str]:
        return iter(self._methods)

    def __len__(self) -> int:
        return len(self._methods)

    def frame(self) -> pd.DataFrame:
        """Return one row per method, indexed by name."""
        rows = {
            method.name: {
                "summary": method.summary,
                "needs": method.needs,
                "takes": ", ".join(method.takes),
                "signed": method.signed,
                "shares_contexts": method.shares_contexts,
                "speed": method.speed,
                "options": ", ".join(f"{key}={value!r}" for key, value in method.options.items()),
                "reference": method.reference,
            }
            for method in self.values()
        }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("method")
