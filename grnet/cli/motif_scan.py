"""`grnet motifs scan`."""

from pathlib import Path
from typing import Annotated

import typer

import grnet as gn
from grnet.cli import _options as o
from grnet.cli._console import shortest, show, step, told


def scan(
    motifs: o.Motifs,
    *,
    genome: o.Fasta,
    peaks: Annotated[Path, typer.Option(help="Where to look: BED, narrowPeak or broadPeak.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Table of hits: .tsv, .csv, .parquet.")],
    max_pvalue: o.MaxPvalue = 1e-4,
    best_only: Annotated[
        bool, typer.Option("--best-only", help="The best hit of a motif in each peak only.")
    ] = False,
) -> None:
    """Find the places in peaks where motifs fit, on both strands, with exact p-values.

    grnet motifs scan motifs.meme --genome genome.fa --peaks peaks.bed --out hits.tsv
    """
    from grnet.cli._files import write_table, written_as_table  # noqa: PLC0415 - heavy

    written_as_table(out)
    known = gn.io.read_motifs(motifs)
    regions = gn.io.read_peaks(peaks)
    with step(f"Scanning {len(regions):,} peaks for {len(known):,} motifs"):
        hits = gn.cis.scan_motifs(
            gn.io.Genome(genome), regions, known, max_pvalue=max_pvalue, best_only=best_only
        )
    write_table(hits, out)
    per_tf = hits.groupby("tf", observed=True).agg(
        hits=("start", "size"), peaks=("peak", "nunique")
    )
    top = per_tf.sort_values("hits", ascending=False).head(10)
    show(top.reset_index(), title="TFs with most hits")
    told(f"Written: {len(hits):,} hits of {len(per_tf):,} TFs to {shortest(out)}")
