"""Names of a package that load on first use."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def load_on_first_use(package: str, names: Mapping[str, str | None]) -> Callable[[str], Any]:
    """Return a module ``__getattr__``: a name maps to its module, or None for a subpackage."""

    def load(name: str) -> Any:  # noqa: ANN401 - an attribute can be anything
        if name not in names:
            message = f"module {package!r} has no attribute {name!r}"
            raise AttributeError(message)
        home = names[name]
        if home is None:
            return importlib.import_module(f"{package}.{name}")
        return getattr(importlib.import_module(home), name)

    return load
