"""`grnet evaluate`."""

from pathlib import Path
from typing import Annotated, Any, cast

import typer

import grnet as gn
from grnet.cli import _options as o
from grnet.cli._console import shortest, show_scores, step, told


def evaluate(  # noqa: PLR0913 - one argument per option
    network: o.Network,
    truth: Annotated[Path, typer.Argument(help="Known edges: csv or tsv with source, target.")],
    *,
    expression: Annotated[
        Path | None, typer.Option(help="Expression, for the nulls made of it and for the genes.")
    ] = None,
    normalize: o.Normalize = None,
    layer: o.Layer = None,
    tfs: Annotated[
        str | None, typer.Option(help="Candidate regulators; by default those of the network.")
    ] = None,
    candidates: Annotated[
        str, typer.Option(help="beeline: TFs and genes of the truth; all: TFs x genes.")
    ] = "beeline",
    signed: Annotated[bool, typer.Option(help="Rank by signed weights.")] = False,
    column: o.Columns = None,
    seed: o.Seed = 0,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Also write a table: .csv, .tsv, .parquet.")
    ] = None,
) -> None:
    """Score a network against known edges, beside rankings that know nothing of regulation.

    grnet evaluate network.tsv truth.csv --expression counts.h5ad
    """
    from grnet.cli._files import (  # noqa: PLC0415 - heavy
        read_prepared,
        write_table,
        written_as_table,
    )

    if out is not None:
        written_as_table(out)
    columns = o.pairs(column, "--column") or None
    regulators = None if tfs is None else gn.io.read_tfs(tfs)
    grn = gn.io.read_network(network, columns=columns)
    adata = None
    if expression is not None:
        adata = read_prepared(expression, normalize=normalize, layer=layer)
    with step("Scoring"):
        scores = gn.evaluate.score(
            {network.stem: grn},
            truth,
            candidates=cast("Any", candidates),
            tfs=regulators,
            adata=adata,
            signed=signed,
            seed=seed,
        )
    show_scores(scores, title=f"{network.name} against {truth.name}")
    if out is not None:
        write_table(scores, out)
        told(f"Written: {shortest(out)}")
