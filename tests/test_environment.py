"""doctor(): what is there, what is missing, and the command that sets it right."""

import re
import tomllib
from pathlib import Path

import pandas as pd
import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import grnet as gn
from grnet import _environment
from grnet._environment import _compared, _import_failures, _package, _space

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def report() -> pd.DataFrame:
    return gn.doctor()


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]


def ranges(texts):
    """Names and ranges of requirements, however they are spelt."""
    return {(r.name, r.specifier) for r in map(Requirement, texts)}


def told(report, kind):
    rows = report.loc[report["kind"] == kind]
    return {(r.part, SpecifierSet(r.needed)) for r in rows.itertuples()}


def test_core_is_what_the_project_file_requires(report, project):
    own = {row for row in told(report, "core") if row[0] in {"Python", "grnet"}}
    assert told(report, "core") - own == ranges(project["dependencies"])
    assert ("Python", SpecifierSet(project["requires-python"])) in own
    assert report["part"][report["kind"] == "core"].is_unique


def test_extras_are_those_of_the_project_file_without_the_aggregates(report, project):
    extras = project["optional-dependencies"]
    for name in extras.keys() - {"all", "test"}:
        assert told(report, f"extra: {name}") == ranges(extras[name])
    kinds = {f"extra: {name}" for name in extras.keys() - {"all", "test"}}
    assert set(report["kind"]) == kinds | {"core", "system"}


def test_core_of_the_tested_environment_is_ok(report):
    core = report.loc[report["kind"] == "core"]
    assert core.loc[core["status"] != "ok"].empty
    assert (core["fix"] == "").all()


def test_whatever_is_not_ok_comes_with_a_fix(report):
    bad = report.loc[(report["status"] != "ok") & (report["kind"] != "system")]
    assert bad["fix"].str.startswith("pip install ").all()


def test_system_rows(report):
    system = report.loc[report["kind"] == "system"].set_index("part")["found"]
    assert list(system.index) == ["platform", "device", "threads", "memory", "disk"]
    free, total = map(float, re.findall(r"[\d.]+", system["memory"]))
    assert 0 < free < total


@pytest.mark.parametrize(
    ("version", "needed", "status"),
    [
        ("2.13.0+cpu", ">=2.4", "ok"),
        ("2.0rc1", ">=1.9", "ok"),
        ("1.9.9", ">=1.10", "too old"),
        ("3.14.0", ">=3.11,<3.14", "too new"),
        ("1.0", "", "ok"),
    ],
)
def test_versions_are_compared_as_versions(version, needed, status):
    assert _compared(version, SpecifierSet(needed)) == status


def test_missing_package_names_the_command():
    requirement = Requirement("no-such-package>=2.0; extra == 'wonder'")
    core, extra = _package(requirement, None, ""), _package(requirement, None, "wonder")
    assert (core.status, core.fix) == ("missing", "pip install 'no-such-package>=2.0'")
    assert (extra.status, extra.fix) == ("missing", "pip install 'grnet[wonder]'")


def test_package_out_of_range_names_the_command():
    old = _package(Requirement("numpy>=1000"), "", "")
    assert (old.status, old.fix) == ("too old", "pip install --upgrade 'numpy>=1000'")
    new = _package(Requirement("numpy>=1.0,<1.1"), "", "")
    assert new.status == "too new"


def test_package_that_does_not_load_is_broken():
    row = _package(Requirement("numpy"), "ImportError: no BLAS", "")
    assert row.status == "broken"
    assert row.found.endswith(": ImportError: no BLAS")
    assert "--force-reinstall" in row.fix


def test_imports_fail_or_crash_alone_and_leave_no_file_behind(tmp_path, monkeypatch):
    (tmp_path / "crashes.py").write_text("import os; os._exit(3)")
    (tmp_path / "raises.py").write_text("raise RuntimeError('one\\ntwo')")
    (tmp_path / "litters.py").write_text("open('litter.log', 'w').close()")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    found = _import_failures(["raises", "crashes", "litters", "no_such_module"])
    assert found == {
        "raises": "RuntimeError: one",
        "crashes": "its import ended Python (exit code 3)",
        "litters": "",
        "no_such_module": "ModuleNotFoundError: No module named 'no_such_module'",
    }
    assert not list(tmp_path.glob("*.log"))


def test_little_space_is_low():
    assert _space("disk", 10**8, 10**12, low_gb=1.0).status == "low"
    assert _space("disk", 10**10, 10**12, low_gb=1.0).found == "10.0 of 1000.0 GB free"


def test_without_metadata_the_fix_is_to_install(monkeypatch):
    monkeypatch.setattr(_environment, "NAME", "grnet-that-nobody-installed")
    row = _environment._grnet()
    assert row.status == "missing"
    assert row.fix == f"pip install -e {PROJECT}"
