"""`grnet export`."""

from pathlib import Path
from typing import Annotated

import typer

import grnet as gn
from grnet.cli import _options as o
from grnet.cli._console import shortest, told

PICTURES = {".png", ".svg", ".pdf"}


def export(
    network: o.Network,
    out: Annotated[
        Path,
        typer.Argument(
            help="Where to write; the ending is the format: .cx2 (Cytoscape) .graphml .cyjs .sif "
            ".tsv .csv .parquet .html, or a picture: .png .svg .pdf."
        ),
    ],
    *,
    top: Annotated[int | None, typer.Option(min=1, help="The strongest edges only.")] = None,
    node: Annotated[str | None, typer.Option(help="The neighbourhood of this gene only.")] = None,
    radius: Annotated[int, typer.Option(min=1, max=10, help="Steps around the gene.")] = 1,
    column: o.Columns = None,
) -> None:
    """Turn a network into another format, whole or in part: for Cytoscape, a browser, a paper.

    grnet export network.tsv network.cx2 --top 500
    """
    from grnet.cli._files import write_picture  # noqa: PLC0415 - heavy

    grn = gn.io.read_network(network, columns=o.pairs(column, "--column") or None)
    n_all = len(grn)
    if node is not None:
        grn = grn.neighbourhood(node, radius)
    if top is not None:
        grn = grn.top(top)
    if out.suffix.lower() not in PICTURES:
        gn.io.write_network(grn, out)
    elif node is None:
        write_picture(gn.pl.top_edges(grn), out)
    else:
        write_picture(gn.pl.neighbourhood(grn, node, radius=radius), out)
    told(f"Written: {len(grn):,} of {n_all:,} edges to {shortest(out)}")
