"""What the scripts print: markdown tables, and the machine that they ran on."""

import os
import platform
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import typer

import grnet as gn
from benchmarks._runs import CORES

METHOD_TABLE = Path(__file__).resolve().parents[1] / "data" / "measured" / "methods.csv"
"""What ``gn.infer.methods`` shows beside the catalogue."""

PACKAGES = ("grnet", "numpy", "scipy", "pandas", "anndata", "torch")


def markdown(frame: pd.DataFrame, *, digits: int = 2) -> str:
    """Return a frame as a markdown table; numbers to so many digits, missing ones empty."""
    table = frame.reset_index()
    rows = [[_text(column, digits) for column in table], ["---"] * table.shape[1]]
    rows += [[_text(value, digits) for value in row] for row in table.itertuples(index=False)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _text(value: object, digits: int) -> str:
    if isinstance(value, float):
        return "" if pd.isna(value) else f"{value:,.{digits}f}"
    return str(value).replace("|", "\\|")


def machine() -> str:
    """Return date, cores, load and versions in one line."""
    versions = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    today = datetime.now(UTC).date().isoformat()
    return (
        f"{today}; {CORES} cores of {_processor()}, load {os.getloadavg()[0]:.1f} at the start; "
        f"Python {platform.python_version()}, {versions}"
    )


def warn_unless_idle() -> None:
    """Say so where other work would disturb the times."""
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"Careful: the load of this machine is {load:.1f}; times will be too long.\n")


def _processor() -> str:
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.is_file() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def choose(text: str | None, choices: Iterable[str], what: str) -> list[str]:
    """Return the names in a comma-separated text; all where there is none."""
    known = list(choices)
    if text is None:
        return known
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        message = f"Unknown {what} {', '.join(unknown) or '(none)'}: choose of {', '.join(known)}."
        raise typer.BadParameter(message)
    return names


def update_method_table(measured: pd.DataFrame, *, path: Path = METHOD_TABLE) -> None:
    """Put columns measured for methods into the table that grnet ships, and keep the others."""
    table = pd.read_csv(path, index_col="method").astype("float64")
    table = table.reindex(table.index.union(measured.index, sort=False))
    table = table.loc[table.index.isin(gn.infer.methods.index)]
    table.loc[measured.index, measured.columns] = measured
    part = path.with_name(f".{path.name}.part")
    table.sort_values("auprc_ratio", ascending=False).round(3).to_csv(part)
    part.replace(path)
