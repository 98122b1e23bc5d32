"""The files of a simulated multiome."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from grnet.io._atomic import replacing
from grnet.io.motifs import write_motifs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from anndata import AnnData

    from grnet.datasets.multiome import SimulatedMultiome

LINE = 60  # letters per line of the FASTA file
NARROW_PEAK = ("name", "score", "strand", "signal", "pvalue", "qvalue", "offset")


@dataclass(frozen=True)
class MultiomeFiles:
    """Where the files of a simulated multiome are.

    ``chip`` and ``truth`` are folders; ``methylation`` has a file per sample, ``truth`` a table
    each of edges, triplets, regions, motif_sites and specific_edges.
    """

    genome: Path
    annotation: Path
    fragments: Path
    peaks: Path
    chip: Path
    motifs: Path
    methylation: dict[str, Path]
    rna: Path
    atac: Path
    truth: Path


def write_files(multiome: SimulatedMultiome, folder: Path) -> MultiomeFiles:
    """Write all files of a simulated multiome."""
    samples = [str(sample) for sample in multiome.methylation.obs_names]
    paths = MultiomeFiles(
        genome=folder / "genome.fa",
        annotation=folder / "genes.gtf",
        fragments=folder / "fragments.tsv.gz",
        peaks=folder / "peaks.bed",
        chip=folder / "chip",
        motifs=folder / "motifs.meme",
        methylation={sample: folder / "methylation" / f"{sample}.cov" for sample in samples},
        rna=folder / "rna.h5ad",
        atac=folder / "atac.h5ad",
        truth=folder / "truth",
    )
    _write(paths.genome, lambda part: part.write_text(_fasta(multiome), encoding="ascii"))
    _write_rows(paths.annotation, _gtf(multiome))
    _write(paths.fragments, lambda part: _write_gzip(part, multiome.fragments))
    peaks = multiome.mdata["atac"].var
    _write_rows(paths.peaks, peaks.assign(name=peaks.index))
    for tf, own in multiome.chip.groupby("tf", sort=False):
        rows = own.assign(strand=".", offset=own["summit"] - own["start"])
        rows["score"] = rows["score"].astype(np.int64)
        _write_rows(paths.chip / f"{tf}.narrowPeak", rows[["chrom", "start", "end", *NARROW_PEAK]])
    write_motifs(multiome.motifs, paths.motifs)
    for sample, path in paths.methylation.items():
        _write_rows(path, _bismark(multiome.methylation[sample]))
    for mod, path in (("rna", paths.rna), ("atac", paths.atac)):
        _write(path, multiome.mdata[mod].write_h5ad)
    for name in ("edges", "triplets", "regions", "motif_sites", "specific_edges"):
        _write_rows(paths.truth / f"{name}.tsv", getattr(multiome, name), header=True)
    return paths


def _write(path: Path, write: Callable[[Path], Any]) -> None:
    with replacing(path) as part:
        write(part)


def _write_rows(path: Path, rows: pd.DataFrame, *, header: bool = False) -> None:
    _write(path, lambda part: part.write_text(_tsv(rows, header=header), encoding="ascii"))


def _tsv(rows: pd.DataFrame, *, header: bool = False) -> str:
    # quoting=3: never, GTF has quotes of its own
    return rows.to_csv(sep="\t", index=False, header=header, quoting=3, lineterminator="\n")


def _write_gzip(part: Path, fragments: pd.DataFrame) -> None:
    """Write the same bytes each time: no name and no time in the header."""
    with part.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed:
        packed.write(_tsv(fragments).encode("ascii"))


def _fasta(multiome: SimulatedMultiome) -> str:
    return "".join(
        f">{name}\n" + "".join(f"{text[i : i + LINE]}\n" for i in range(0, len(text), LINE))
        for name, text in multiome.sequences.items()
    )


def _gtf(multiome: SimulatedMultiome) -> pd.DataFrame:
    """Return a row per gene, per transcript (one each) and per exon, in this order."""
    genes = multiome.annotation
    exons = multiome.exons.merge(genes[["gene", "biotype"]], on="gene")
    parts = [
        genes.assign(feature="gene"),
        genes.assign(feature="transcript"),
        exons.assign(feature="exon"),
    ]
    rows = pd.concat(parts, ignore_index=True)
    number = rows["gene"].map({gene: i for i, gene in enumerate(genes["gene"])})
    rows = rows.iloc[np.argsort(number, kind="stable")]
    transcript = ' transcript_id "' + rows["gene_id"] + '.1";'
    described = (
        'gene_id "' + rows["gene_id"] + '";'
        + transcript.where(rows["feature"] != "gene", "")
        + ' gene_name "' + rows["gene"] + '"; gene_biotype "' + rows["biotype"] + '";'
    )  # fmt: skip
    columns = {
        "chrom": rows["chrom"],
        "source": "grnet",
        "feature": rows["feature"],
        "start": rows["start"] + 1,
        "end": rows["end"],
        "score": ".",
        "strand": rows["strand"],
        "frame": ".",
        "attributes": described,
    }
    return pd.DataFrame(columns)


def _bismark(sample: AnnData) -> pd.DataFrame:
    """Return Bismark's coverage: 1-based, the two strands of a CpG on rows of their own."""
    methylated, coverage = (
        sample.layers[layer].toarray()[0] for layer in ("methylated", "coverage")
    )
    unmethylated = coverage - methylated
    first = sample.var["start"].to_numpy() + 1
    forward = (methylated - methylated // 2, unmethylated // 2)
    reverse = (methylated // 2, unmethylated - unmethylated // 2)
    strands = [
        pd.DataFrame({"start": first + shift, "site": np.arange(len(first)), "m": m, "u": u})
        for shift, (m, u) in ((0, forward), (1, reverse))
    ]
    rows = pd.concat(strands).sort_values(["site", "start"], ignore_index=True)
    rows = rows.loc[rows["m"] + rows["u"] > 0]
    chrom = sample.var["chrom"].to_numpy()[rows["site"]]
    percent = (100 * rows["m"] / (rows["m"] + rows["u"])).round(6)
    return pd.DataFrame(
        {
            "chrom": chrom,
            "start": rows["start"],
            "end": rows["start"],
            "percent": percent,
            "methylated": rows["m"],
            "unmethylated": rows["u"],
        }
    )
