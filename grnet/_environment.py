"""Is this installation fit to work? Versions, optional parts, device, memory, disk."""

import importlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import psutil
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

NAME = "grnet"
NOT_TOLD = {"all", "test"}
"""Extras of which there is nothing to tell: one repeats the others, one is for developers."""

PROBE = """
import importlib, sys, warnings
warnings.simplefilter("ignore")
for module in sys.argv[1:]:
    try:
        importlib.import_module(module)
        why = ""
    except BaseException as error:
        why = (type(error).__name__ + ": " + str(error)).splitlines()[0]
    print("grnet-probe", module, why, sep="\\t", flush=True)
"""

LOW_MEMORY_GB = 2.0
LOW_DISK_GB = 1.0


class Row(NamedTuple):
    """One line of the report."""

    part: str
    kind: str
    status: str
    found: str
    needed: str = ""
    fix: str = ""


def doctor() -> pd.DataFrame:
    """Report versions, what is missing and the command that installs it, device and resources.

    Each package that grnet asks for is compared with the range asked for and, in a process of its
    own, imported: one that is installed but does not load is ``broken``. This takes some seconds.

    Returns
    -------
    One row per part: ``part, kind, status, found, needed, fix``. ``kind`` is ``"system"``,
    ``"core"`` or ``"extra: <name>"``; ``status`` is ``"ok"``, ``"missing"``, ``"too old"``,
    ``"too new"``, ``"broken"`` or, of memory and disk, ``"low"``; ``fix`` is a command, or empty.

    Notes
    -----
    The ranges are those of the installed package's own metadata. The disk is that of the current
    folder.

    Examples
    --------
    >>> import grnet as gn
    >>> report = gn.doctor().set_index("part")
    >>> report.loc["numpy", ["kind", "status"]].tolist()
    ['core', 'ok']
    """
    rows = [_python(), Row("platform", "system", "ok", platform.platform()), _grnet()]
    rows += [*_packages(), *_torch(), _memory(), _disk()]
    return pd.DataFrame(rows)


def _required() -> Mapping[str, list[str]]:
    """Return the fields of the installed package's metadata that say what it needs."""
    try:
        held = metadata.metadata(NAME)
    except metadata.PackageNotFoundError:
        return {}
    fields = ("Version", "Requires-Python", "Provides-Extra", "Requires-Dist")
    return {field: held.get_all(field) or [] for field in fields}


def _python() -> Row:
    needed = "".join(_required().get("Requires-Python", []))
    version = platform.python_version()
    status = _compared(version, SpecifierSet(needed))
    fix = "" if status == "ok" else f"install a Python {needed} and make a new environment with it"
    return Row("Python", "core", status, f"{version} at {sys.executable}", needed, fix)


def _grnet() -> Row:
    where = Path(__file__).resolve().parent
    version = "".join(_required().get("Version", []))
    if not version:
        fix = f"pip install -e {where.parent}"
        return Row(NAME, "core", "missing", f"not installed, run from {where}", fix=fix)
    return Row(NAME, "core", "ok", f"{version} at {where}")


def _packages() -> list[Row]:
    """Return a row per package needed: the core, then each extra."""
    modules = _modules()
    needed = _needed()
    installed = [modules[name] for r, _ in needed if (name := canonicalize_name(r.name)) in modules]
    failures = _import_failures(installed)
    return [
        _package(
            requirement, failures.get(modules.get(canonicalize_name(requirement.name), "")), extra
        )
        for requirement, extra in needed
    ]


def _needed() -> list[tuple[Requirement, str]]:
    """Return what grnet requires, and for which extra; that of the core is empty."""
    fields = _required()
    needed = [Requirement(text) for text in fields.get("Requires-Dist", [])]
    core = [requirement for requirement in needed if _asked_by(requirement, "")]
    optional = [
        (requirement, extra)
        for extra in fields.get("Provides-Extra", [])
        for requirement in needed
        if extra not in NOT_TOLD and requirement not in core and _asked_by(requirement, extra)
    ]
    return [(requirement, "") for requirement in core] + optional


def _asked_by(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def _modules() -> dict[str, str]:
    """Return which module to import for each installed package."""
    found: dict[str, list[str]] = {}
    for module, packages in metadata.packages_distributions().items():
        for package in packages:
            found.setdefault(canonicalize_name(package), []).append(module)
    return {
        package: min(modules, key=lambda name: (canonicalize_name(name) != package, name))
        for package, modules in found.items()
    }


def _import_failures(modules: Iterable[str]) -> dict[str, str]:
    """Return why each module does not load, or nothing.

    They are imported elsewhere, since an import may end Python, and in a folder that is thrown
    away, since some leave files behind.
    """
    failures: dict[str, str] = {}
    left = list(dict.fromkeys(modules))
    while left:
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [sys.executable, "-c", PROBE, *left],
                cwd=folder,
                capture_output=True,
                text=True,
                check=False,
            )
        lines = [line.split("\t") for line in done.stdout.splitlines()]
        failures |= {line[1]: line[2] for line in lines if line[0] == "grnet-probe"}
        left = [module for module in left if module not in failures]
        if left:
            failures[left.pop(0)] = f"its import ended Python (exit code {done.returncode})"
    return failures


def _package(requirement: Requirement, failure: str | None, extra: str) -> Row:
    """Describe one package; the failure is None where there is no module to import."""
    name, needed = requirement.name, str(requirement.specifier)
    kind = f"extra: {extra}" if extra else "core"
    wanted = f"{name}{needed}"
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        install = f"{NAME}[{extra}]" if extra else wanted
        return Row(name, kind, "missing", "", needed, f"pip install '{install}'")
    status = _compared(version, requirement.specifier)
    if status != "ok":
        return Row(name, kind, status, version, needed, f"pip install --upgrade '{wanted}'")
    if failure != "":
        why = failure or "it holds no module"
        fix = f"pip install --force-reinstall '{wanted}'"
        return Row(name, kind, "broken", f"{version}: {why}", needed, fix)
    return Row(name, kind, "ok", version, needed)


def _compared(version: str, needed: SpecifierSet) -> str:
    """Tell whether a version is in the range, below or above it."""
    if needed.contains(version, prereleases=True):
        return "ok"
    lowest = [Version(bound.version) for bound in needed if bound.operator in {">=", ">", "~="}]
    return "too old" if any(Version(version) < bound for bound in lowest) else "too new"


def _torch() -> Iterator[Row]:
    """Yield where torch computes; nothing where it does not load, which has a row already."""
    try:
        torch = importlib.import_module("torch")
    except (ImportError, OSError):
        return
    device = "CPU (torch sees no CUDA device)"
    if torch.cuda.is_available():
        device = f"CUDA: {torch.cuda.get_device_name()}"
    yield Row("device", "system", "ok", device)
    threads = f"{torch.get_num_threads()} threads on {os.cpu_count()} cores"
    yield Row("threads", "system", "ok", threads)


def _memory() -> Row:
    memory = psutil.virtual_memory()
    return _space("memory", memory.available, memory.total, low_gb=LOW_MEMORY_GB)


def _disk() -> Row:
    disk = shutil.disk_usage(Path.cwd())
    return _space("disk", disk.free, disk.total, low_gb=LOW_DISK_GB)


def _space(part: str, free: int, total: int, *, low_gb: float) -> Row:
    found = f"{free / 1e9:.1f} of {total / 1e9:.1f} GB free"
    status = "ok" if free >= low_gb * 1e9 else "low"
    return Row(part, "system", status, found, f">={low_gb:g} GB")
