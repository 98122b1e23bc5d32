"""Is this installation fit to work? Versions, optional parts, device, memory, disk."""

import importlib
import os
import platform
import shutil
import sys
import warnings
from collections.abc import Iterator, Mapping
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
FOR_DEVELOPERS = "test"
"""An extra of which users need nothing."""

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

    Each package that grnet asks for is compared with the range asked for, and imported: one that
    is installed but does not load is ``broken``.

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


def _packages() -> Iterator[Row]:
    """Yield a row per package needed: the core, then each extra."""
    modules = _modules()
    fields = _required()
    needed = [Requirement(text) for text in fields.get("Requires-Dist", [])]
    for requirement in needed:
        if _asked_by(requirement, ""):
            yield _package(requirement, modules, extra=None)
    for extra in fields.get("Provides-Extra", []):
        for requirement in needed:
            own = canonicalize_name(requirement.name) == NAME or _asked_by(requirement, "")
            if extra != FOR_DEVELOPERS and not own and _asked_by(requirement, extra):
                yield _package(requirement, modules, extra=extra)


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


def _package(requirement: Requirement, modules: Mapping[str, str], *, extra: str | None) -> Row:
    name, needed = requirement.name, str(requirement.specifier)
    kind = "core" if extra is None else f"extra: {extra}"
    wanted = f"{name}{needed}"
    install = wanted if extra is None else f"{NAME}[{extra}]"
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Row(name, kind, "missing", "", needed, f"pip install '{install}'")
    status = _compared(version, requirement.specifier)
    if status != "ok":
        return Row(name, kind, status, version, needed, f"pip install --upgrade '{wanted}'")
    failure = _import_failure(modules.get(canonicalize_name(name)))
    if failure:
        fix = f"pip install --force-reinstall '{wanted}'"
        return Row(name, kind, "broken", f"{version}: {failure}", needed, fix)
    return Row(name, kind, "ok", version, needed)


def _compared(version: str, needed: SpecifierSet) -> str:
    """Tell whether a version is in the range, below or above it."""
    if needed.contains(version, prereleases=True):
        return "ok"
    lowest = [Version(bound.version) for bound in needed if bound.operator in {">=", ">", "~="}]
    return "too old" if any(Version(version) < bound for bound in lowest) else "too new"


def _import_failure(module: str | None) -> str:
    """Return why a module does not load, or nothing."""
    if module is None:
        return "it holds no module"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            importlib.import_module(module)
        except Exception as error:  # noqa: BLE001 - whatever stops the import is the finding
            return f"{type(error).__name__}: {error}".splitlines()[0]
    return ""


def _torch() -> Iterator[Row]:
    """Yield where torch computes; nothing where it does not load, which has a row already."""
    if _import_failure("torch"):
        return
    torch = importlib.import_module("torch")
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
