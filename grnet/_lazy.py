"""Names of a package that load on first use."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def load_on_first_use(
    package: str, names: Mapping[str, str | None]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return a module's ``__getattr__`` and ``__dir__``.

    A name maps to the module that holds it, or to None where it is a subpackage.
    """

    def load(name: str) -> Any:  # noqa: ANN401 - an attribute can be anything
        if name not in names:
            message = f"module {package!r} has no attribute {name!r}"
            raise AttributeError(message)
        home = names[name]
        if home is None:
            return importlib.import_module(f"{package}.{name}")
        return getattr(importlib.import_module(home), name)

    return load, lambda: sorted(names)
