"""Fixtures shared by all tests."""

import os
from pathlib import Path

import matplotlib as mpl
import pytest
from hypothesis import settings

mpl.use("Agg")

settings.register_profile("grnet", deadline=None, max_examples=60)
settings.load_profile("grnet")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data: ``GRNET_DATA`` or ``../shared/data``."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("GRNET_DATA", beside))
    if not (folder / "grn").is_dir():
        pytest.skip(f"no real data at {folder}: set GRNET_DATA to the folder that holds grn/")
    return folder
