"""`grnet explain`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import grnet as gn
from grnet.cli import _options as o
from grnet.cli._console import shortest, show, step, told

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData
    from torch_geometric.data import HeteroData

    from grnet.train import EdgeSplit, JointFit

Pairs = Annotated[
    list[str] | None,
    typer.Option("--pair", metavar="TF:GENE", help="A pair to explain; repeatable."),
]
Top = Annotated[int, typer.Option(help="Also explain so many of the strongest edges.")]
MaxEpochs = Annotated[int, typer.Option(help="Of the training.")]
NEdges = Annotated[int, typer.Option(help="Edges of the network page.")]

MOST_NEGATIVES = 5
"""For each edge: with fewer pairs to choose from, fewer are drawn."""
_SHARE_OF_FREE = 0.8


def explain(  # noqa: PLR0913 - one argument per option
    graph: Annotated[Path, typer.Argument(help="From grnet graph build.")],
    *,
    known: Annotated[Path, typer.Option(help="Known edges to learn from: source, target.")],
    counts: Annotated[Path, typer.Option(help="The cells: expression, as for grnet infer.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write to.")],
    pair: Pairs = None,
    top: Top = 0,
    n_edges: NEdges = 200,
    annotation: Annotated[Path | None, typer.Option(help="Genes to draw: GTF, GFF3.")] = None,
    aliases: Annotated[Path | None, typer.Option(help="Table of gene names.")] = None,
    groupby: Annotated[str | None, typer.Option(help="Column of obs: groups of cells.")] = None,
    normalize: o.Normalize = None,
    max_epochs: MaxEpochs = 60,
    seed: o.Seed = 0,
    device: o.Device = "auto",
) -> None:
    """Train the joint model, and say of pairs why they are edges, or why not.

    grnet explain graph.safetensors --known edges.csv --counts counts.h5ad --pair SPI1:CD14
    --top 5 --out explained
    """
    asked = [_pair(text) for text in pair or []]
    if not asked and not top:
        message = "Nothing to explain: give --pair TF:GENE, --top 5, or both."
        raise typer.BadParameter(message)
    from grnet import _checks  # noqa: PLC0415 - heavy
    from grnet.cli._files import (  # noqa: PLC0415 - heavy
        read_aliases,
        read_known,
        read_prepared,
        write_table,
    )

    data, edges = gn.graph.load(graph), read_known(known)
    adata = read_prepared(counts, normalize=normalize, layer=None)
    if groupby is not None:
        _checks.one_of(groupby, list(adata.obs.columns), "column of the cells (--groupby)")
    split = _split(data, edges, seed=seed)
    fit = _trained(data, split, max_epochs=max_epochs, seed=seed, device=device)
    write_table(_held_out(fit, split), out / "held_out.csv")
    with step("Scoring every pair"):
        grn = gn.infer.network(
            adata, tfs=data["tf"].name, method="joint", model=fit, n_top=n_edges, seed=seed
        )
    strongest = grn.edges.head(top)
    asked += list(zip(strongest["source"], strongest["target"], strict=True))
    shown: dict[str, Any] = {
        "genome": None if annotation is None else gn.io.read_annotation(annotation),
        "aliases": read_aliases(aliases),
        "groupby": groupby,
    }
    dossiers = _dossiers(fit, adata, list(dict.fromkeys(asked)), seed=seed, device=device, **shown)
    links = gn.explain.write_dossiers(dossiers, out / "dossiers")
    page = gn.io.write_html(grn, out / "network.html", dossiers=links)
    table = gn.io.write_network(grn, out / "network.tsv")
    told("\n".join(str(dossier).splitlines()[0] for dossier in dossiers))
    told(f"Written: {', '.join(map(shortest, (page, table, out / 'dossiers' / 'index.html')))}")


def _pair(text: str) -> tuple[str, str]:
    source, colon, target = text.partition(":")
    if not (source and colon and target):
        message = f"--pair {text!r}: expected TF:GENE, such as --pair SPI1:CD14."
        raise typer.BadParameter(message)
    return source, target


def _split(data: "HeteroData", edges: "pd.DataFrame", *, seed: int) -> "EdgeSplit":
    """Hold a tenth of the known edges out for the weights of the layers, and a tenth to judge."""
    from grnet.train.edge_table import EdgeTable  # noqa: PLC0415 - heavy

    tfs, genes = data["tf"].name, data["gene"].name
    n_edges = len(EdgeTable.of(edges, tfs, genes).positive)
    n_free = len(set(edges["source"].astype(str)) & set(tfs)) * len(genes) - n_edges
    return gn.train.split_edges(
        edges, tfs=tfs, genes=genes, regime="edge", seed=seed, shares=(0.8, 0.1, 0.1),
        n_negatives=min(max(int(_SHARE_OF_FREE * n_free / n_edges), 1), MOST_NEGATIVES),
    )  # fmt: skip


def _trained(
    data: "HeteroData", split: "EdgeSplit", *, max_epochs: int, seed: int, device: str
) -> "JointFit":
    settings = gn.train.edge_settings(
        len(split.train), max_epochs=max_epochs, patience=10, device=device
    )
    with step("Training the joint model"):
        return gn.train.fit_joint(data, split, settings=settings, device=device, seed=seed)


def _held_out(fit: "JointFit", split: "EdgeSplit") -> "pd.DataFrame":
    """Print how well held-out edges are told, beside what numbers of edges alone tell."""
    import pandas as pd  # noqa: PLC0415 - heavy

    from grnet.train._pair_figures import pair_figures  # noqa: PLC0415 - heavy

    test = split.test
    of_tf, of_target = (
        gn.train.label_log_odds(split.train, test, end="source"),
        gn.train.label_log_odds(split.train, test, end="target"),
    )
    rows = {"joint model": fit.logits(test), "null: label rates": of_tf + of_target}
    table = pd.DataFrame([{"ranking": k, **pair_figures(test, v)} for k, v in rows.items()])
    weights = ", ".join(f"{layer} {weight:.2f}" for layer, weight in fit.facts.items())
    show(table, title="Edges held out", note=f"Weights of the layers: {weights}.")
    return table


def _dossiers(
    fit: "JointFit",
    adata: "AnnData",
    pairs: list[tuple[str, str]],
    **options: Any,  # noqa: ANN401 - handed through to explain.edge
) -> "list[gn.explain.Dossier]":
    from grnet._progress import progress  # noqa: PLC0415 - heavy

    return [
        gn.explain.edge(fit, adata, source=source, target=target, **options)
        for source, target in progress(pairs, "dossiers", total=len(pairs))
    ]
