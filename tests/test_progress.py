"""Where bars of progress are drawn."""

import sys
import time
from types import ModuleType

import pytest

from grnet import _progress


@pytest.fixture
def drawn(monkeypatch):
    """Return the settings of each bar made."""
    settings = []

    def bar(items, **given):
        settings.append(given)
        return items

    monkeypatch.setattr(_progress, "tqdm", bar)
    return settings


def test_a_bar_in_a_notebook_stays_on_its_line(drawn, monkeypatch):
    monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    assert list(_progress.progress([1, 2], "outer")) == [1, 2]
    assert not drawn[0]["disable"]
    assert drawn[0]["position"] == 0


def test_there_is_no_bar_where_nobody_looks(drawn, monkeypatch):
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    assert list(_progress.progress([1, 2], "outer")) == [1, 2]
    assert drawn[0]["disable"]


@pytest.mark.parametrize("watched", [True, False])
def test_a_long_call_is_explained_where_somebody_waits(monkeypatch, capsys, watched):
    monkeypatch.setattr(_progress, "_DELAY", 0.05)
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    if watched:
        monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    with _progress.announced("It compiles."):
        pass
    assert not capsys.readouterr().err
    with _progress.announced("It compiles."):
        time.sleep(0.5)
    assert capsys.readouterr().err == ("It compiles.\n" if watched else "")
