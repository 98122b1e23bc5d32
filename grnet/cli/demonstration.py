"""`grnet demo`."""

from pathlib import Path
from typing import Annotated

import typer

from grnet.cli import _options as o


def demo(
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write to.")] = Path(
        "results/demo"
    ),
    seed: o.Seed = 0,
) -> None:
    """Run the whole job on real cells, on simulated ones, and on a genome with its cells."""
    from grnet.cli._tour import tour  # noqa: PLC0415 - heavy

    tour(out, seed=seed)
