"""`grnet graph build`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

import grnet as gn
from grnet.cli import _options as o
from grnet.cli._console import shortest, show, step, told

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData
    from mudata import MuData
    from torch_geometric.data import HeteroData

    from grnet.io import Genome, Motif


Evidence = Annotated[
    list[str] | None,
    typer.Option(metavar="[TF=]PATH", help="ChIP peaks of a TF, or of many; repeatable."),
]
Aliases = Annotated[
    Path | None, typer.Option(help="Table of gene names, one kind of name a column.")
]
Links = Annotated[
    str,
    typer.Option(
        help="auto, distance, correlation, rank_correlation; promoter leaves the peaks out."
    ),
]
Prior = Annotated[
    Path | None, typer.Option(help="Also write the TF-gene network through the peaks.")
]
SequenceWidth = Annotated[
    int | None, typer.Option(help="Keep so many bases of each peak, and the motifs.")
]


def build(  # noqa: PLR0913 - one argument per option
    counts: o.Expression,
    *,
    annotation: Annotated[Path, typer.Option(help="Genes: GTF, GFF3 or a table chrom, tss, gene.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The graph: .safetensors.")],
    genome: Annotated[Path | None, typer.Option(help="FASTA; motifs and GC need it.")] = None,
    tfs: Annotated[str | None, typer.Option(help="Default: all with evidence.")] = None,
    atac: Annotated[Path | None, typer.Option(help="Cells x peaks: .h5ad, .h5, .npz.")] = None,
    fragments: Annotated[Path | None, typer.Option(help="Fragments, counted in --peaks.")] = None,
    peaks: Annotated[Path | None, typer.Option(help="ATAC peaks, without a matrix.")] = None,
    evidence: Evidence = None,
    tf_column: Annotated[str | None, typer.Option(help="Column that names the TF: name.")] = None,
    motifs: Annotated[Path | None, typer.Option(help="MEME, JASPAR or TRANSFAC.")] = None,
    max_pvalue: o.MaxPvalue = 5e-5,
    aliases: Aliases = None,
    links: Links = "auto",
    max_distance: Annotated[int | None, typer.Option(help="Of a peak from a start site.")] = None,
    known: Annotated[Path | None, typer.Option(help="Known edges: source, target.")] = None,
    held_out: Annotated[float | None, typer.Option(help="Share of them to hold out.")] = None,
    prior: Prior = None,
    sequence_width: SequenceWidth = None,
    normalize: o.Normalize = None,
    seed: o.Seed = 0,
) -> None:
    """Build the graph of TFs, peaks and genes from expression, peaks, motifs and ChIP-seq.

    grnet graph build counts.h5ad --annotation genes.gtf --genome genome.fa --fragments frag.tsv.gz
    --peaks peaks.bed --motifs motifs.meme --evidence SPI1=spi1.narrowPeak --out graph.safetensors
    """
    _checked(out, prior, evidence=evidence, motifs=motifs, genome=genome)
    from grnet.cli._files import (  # noqa: PLC0415 - heavy
        check_writable,
        read_aliases,
        read_known,
        read_prepared,
    )

    check_writable(*([] if prior is None else [prior]))
    regulators = None if tfs is None else gn.io.read_tfs(tfs)
    edges = None if known is None else read_known(known)
    rna = read_prepared(counts, normalize=normalize, layer=None)
    reference = gn.io.Genome(genome, annotation=annotation) if genome else None
    genes: Any = reference or gn.io.read_annotation(annotation)
    names = read_aliases(aliases)
    known_motifs = None if motifs is None else gn.io.read_motifs(motifs)
    data = linked = cast("Any", rna)
    if links != "promoter":
        data, linked = _accessibility(rna, atac, fragments, peaks=peaks, genes=genes)
    with step("Joining TFs, peaks and genes"):
        table = gn.cis.link_peaks(
            linked, genes, method=cast("Any", links), max_distance=max_distance,
            genes=list(rna.var_names), aliases=names,
        )  # fmt: skip
        hits = _hits(table, reference, known_motifs, max_pvalue=max_pvalue)
        bindings = _bindings(table, _evidence(evidence, tf_column), hits, rna=rna, names=names)
    with step("Building the graph"):
        graph = gn.graph.build(
            data, genes, tfs=regulators, links=table, bindings=bindings, known=edges,
            held_out=held_out, motifs=known_motifs, sequence_width=sequence_width, aliases=names,
            seed=seed,
        )  # fmt: skip
    _write(graph, out)
    if prior is not None and bindings is not None:
        _write_prior(gn.cis.prior_network(bindings, table), prior)


def _write_prior(network: "gn.GRN", out: Path) -> None:
    """Save the network through the peaks."""
    gn.io.write_network(network, out)
    told(f"Written: {shortest(out)}")


def _write(graph: "HeteroData", out: Path) -> None:
    """Save the graph and show what it holds."""
    gn.graph.save(graph, out)
    show(gn.graph.summary(graph).reset_index(), title="The graph")
    told(f"Written: {shortest(out)}")


def _checked(
    out: Path,
    prior: Path | None,
    *,
    evidence: list[str] | None,
    motifs: Path | None,
    genome: Path | None,
) -> None:
    """Raise before the work starts if it could not be finished."""
    if out.suffix != ".safetensors":
        message = f"--out {out.name!r}: graphs are written as .safetensors."
        raise typer.BadParameter(message)
    if motifs and not genome:
        message = "--motifs are looked for in a sequence: give --genome genome.fa too."
        raise typer.BadParameter(message)
    if prior and not (evidence or motifs):
        message = "--prior is a network of TFs and genes: give --evidence or --motifs too."
        raise typer.BadParameter(message)


def _accessibility(
    rna: "AnnData", atac: Path | None, fragments: Path | None, *, peaks: Path | None, genes: object
) -> "tuple[MuData | AnnData, MuData | AnnData | pd.DataFrame]":
    """Return the cells of the graph, and what holds the peaks to link: those cells, or a table."""
    if atac is not None:
        with step(f"Reading {shortest(atac)}"):
            both = gn.io.read_multiome(rna=rna, atac=atac)
        return both, both
    if fragments is not None:
        if peaks is None:
            message = "--fragments are counted in peaks: give --peaks peaks.bed too."
            raise typer.BadParameter(message)
        with step(f"Counting {shortest(fragments)} in peaks"):
            counted = gn.io.read_fragments(
                fragments, peaks, annotation=cast("Any", genes), min_fragments=1
            )
            both = gn.io.read_multiome(rna=rna, atac=counted)
        return both, both
    return rna, rna if peaks is None else gn.io.read_peaks(peaks)


def _evidence(given: list[str] | None, tf_column: str | None) -> list[Any]:
    """Read each item: ``TF=path``, or a path whose column or file names say which TF."""
    tables: list[Any] = []
    for text in given or ():
        tf, sign, path = text.partition("=")
        if sign:
            tables.append(gn.io.read_peaks(path, tf=tf))
        elif tf_column is not None:
            tables.append(gn.io.read_peaks(text, tf_column=tf_column))
        else:  # the file says which TF: by a column, or by its name
            tables.append(gn.io.read_peaks(text if Path(text).is_dir() else [text]))
    return tables


def _hits(
    links: "pd.DataFrame",
    genome: "Genome | None",
    motifs: "list[Motif] | None",
    *,
    max_pvalue: float,
) -> "pd.DataFrame | None":
    """Scan the linked peaks for motifs."""
    if motifs is None or genome is None:
        return None
    from grnet._intervals import from_names  # noqa: PLC0415 - heavy

    regions = from_names(links["peak"].unique(), what="the linked peaks")
    hits: pd.DataFrame = gn.cis.scan_motifs(genome, regions, motifs, max_pvalue=max_pvalue)
    return hits


def _bindings(
    links: "pd.DataFrame",
    evidence: list[Any],
    hits: "pd.DataFrame | None",
    *,
    rna: "AnnData",
    names: "pd.DataFrame | None",
) -> "pd.DataFrame | None":
    if not evidence and hits is None:
        return None
    bindings: pd.DataFrame = gn.cis.bind(
        links, evidence=evidence or None, hits=hits, names=rna.var_names, aliases=names
    )
    return bindings
