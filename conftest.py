"""What holds for tests and examples alike."""

import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _pictures_are_closed() -> Iterator[None]:
    """Close the figures of a test or an example: matplotlib warns of many that are open."""
    yield
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close("all")
