"""Fragments of ATAC-seq: one pass from the file to cells x peaks with the quality of each cell."""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import anndata as ad
import numpy as np
import pandas as pd

from grnet import _checks, _keys
from grnet._chromosomes import translation
from grnet.io import _detect
from grnet.io.fragments import _blocks, _inputs
from grnet.io.fragments._pass import Count, Sums, Task, summed
from grnet.io.fragments._quality import quality
from grnet.io.genome.annotation import as_genes

if TYPE_CHECKING:
    from grnet.io.genome import Genome

logger = logging.getLogger(__name__)

MIN_FRAGMENTS = 1_000
"""What a barcode needs to count as a cell where no list of cells is given."""


def read_fragments(
    path: str | Path,
    peaks: pd.DataFrame | str | Path,
    *,
    annotation: "Genome | pd.DataFrame | str | Path | None" = None,
    barcodes: Iterable[str] | str | Path | None = None,
    min_fragments: int | None = None,
    count: Count = "fragments",
    region: str | None = None,
) -> ad.AnnData:
    r"""Count the fragments of each cell in each peak, and measure the quality of the cells.

    The file is read once, in blocks. It may be unsorted, gzipped or not, and name chromosomes in
    another way than the peaks (``chrI``, ``I``). A fragment counts in every peak that it overlaps.

    Parameters
    ----------
    path
        Fragments as 10x writes them: chrom, start, end, barcode and, optionally, reads.
    peaks
        Intervals, or a file that :func:`grnet.io.read_peaks` reads. Repeated ones count once.
    annotation
        Genes, for the enrichment at start sites; of protein-coding genes where biotypes are known.
    barcodes
        The cells, in the order wanted, or a file with one in each line. A suffix (``-1``) on one
        side only is seen through.
    min_fragments
        Least number of fragments of a cell; by default 1,000, and 0 where ``barcodes`` are given.
    count
        ``"fragments"`` that overlap a peak, or ``"insertions"``: ends of fragments inside a peak.
    region
        Read this part only, ``"chr1"`` or ``"chr1:0-50000"``, by the tabix index if there is one.
        The figures of the cells are then of this part.

    Returns
    -------
    AnnData
        Cells x peaks, CSR of int32. ``obs``: ``n_fragments``, ``n_in_peaks``, ``frip`` (share of
        fragments counted in a peak), ``nucleosome_signal`` (fragments of 147-294 bases over shorter
        ones), with reads ``n_reads`` and ``duplicate_rate``, with an annotation ``tss_enrichment``.
        ``uns["grnet_fragments"]``: ``lengths`` (number of fragments by length, 0 to 1,000) and
        ``tss_profile`` (insertions from -2,000 to 2,000 around start sites), of all barcodes read.

    Raises
    ------
    ValueError
        If the file is damaged or of another format, if no chromosome is known, no fragment lies in
        a peak, or no cell has enough fragments.

    Notes
    -----
    TSS enrichment as ENCODE defines it: insertions per base within 50 bases of start sites, over
    those at 1,901-2,000 bases. Flanks of small cells hold few insertions, so each cell's are
    smoothed by ten insertions spread as in all cells. Nucleosome signal as in Signac.

    Examples
    --------
    >>> import pandas as pd
    >>> import grnet as gn
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> peaks = pd.DataFrame({"chrom": "chr1", "start": [100, 400], "end": [200, 500]})
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "fragments.tsv"
    ...     _ = file.write_text("chr1\t90\t130\tAACT-1\t2\nchr1\t150\t420\tAACT-1\t1\n")
    ...     adata = gn.io.read_fragments(file, peaks, min_fragments=1)
    >>> adata.to_df().loc["AACT-1"].to_dict()
    {'chr1:100-200': 2, 'chr1:400-500': 1}
    """
    _checks.one_of(count, get_args(Count), "count")
    file = _detect.existing(path)
    table = _inputs.peak_table(peaks)
    place = None if region is None else _inputs.region_of(region, table)
    if place is not None:
        table = _inputs.within(table, place)
    genes = None if annotation is None else as_genes(annotation)
    task = Task(
        path=file,
        header=_blocks.header_of(file),
        chroms=list(dict.fromkeys(table["chrom"])),
        peaks=_inputs.lookup_of(table),
        n_peaks=len(table),
        sites=None if genes is None else _inputs.sites_of(genes, table),
        barcodes=None if barcodes is None else _inputs.barcodes_of(barcodes),
        count=count,
        region=place,
    )
    if min_fragments is None:
        min_fragments = MIN_FRAGMENTS if task.barcodes is None else 0
    adata = _assembled(summed(task), table, task=task, least=min_fragments)
    adata.uns[_keys.SOURCE] = {
        "file": file.name,
        "format": "fragments",
        "count": count,
        "region": region or "all",
        "min_fragments": min_fragments,
    }
    logger.info("%s: %d cells x %d peaks", file, adata.n_obs, adata.n_vars)
    return adata


def _assembled(sums: Sums, peaks: pd.DataFrame, *, task: Task, least: int) -> ad.AnnData:
    """Put the counts and figures of the cells into an AnnData."""
    n = len(sums.labels.cells)
    n_fragments = sums.figures.of("fragments", n)
    _some_read(sums, task, n_fragments)
    rows, names = _cells(sums, task, n_fragments, least=least)
    counts = sums.matrix.total(n)[rows]
    if not counts.nnz:
        message = (
            f"No fragment of the {len(rows)} cells in {task.path} lies in any of {len(peaks)} "
            f"peaks, such as {_checks.examples(peaks.index)}, though the chromosomes agree. "
            "Are both of the same assembly?"
        )
        raise ValueError(message)
    obs = quality(sums.figures, rows, n, with_sites=task.sites is not None)
    adata = ad.AnnData(counts, obs=obs.set_axis(names, axis=0), var=peaks)
    adata.uns[_keys.FRAGMENTS] = {"lengths": sums.figures.lengths}
    if task.sites is not None:
        adata.uns[_keys.FRAGMENTS]["tss_profile"] = sums.figures.profile
    return adata


def _some_read(sums: Sums, task: Task, n_fragments: np.ndarray) -> None:
    """Raise if the chromosomes or the barcodes of the file are all unknown."""
    if sums.labels.chroms.index and not translation(sums.labels.chroms.index, task.chroms):
        message = (
            f"No chromosome of {task.path} is among those of the peaks: it has "
            f"{_checks.examples(sums.labels.chroms.index, 5)}, the peaks "
            f"{_checks.examples(task.chroms, 5)}. Both must come from the same organism and "
            "assembly."
        )
        raise ValueError(message)
    if n_fragments.any():
        return
    if task.region:
        message = f"{task.path} has no fragment of the cells wanted in the region {task.region}."
        raise ValueError(message)
    message = (
        f"None of the {len(sums.labels.cells)} barcodes has a fragment in {task.path}: wanted are "
        f"{_checks.examples(sums.labels.cells.index)}, it has "
        f"{_checks.examples(dict.fromkeys(task.header.barcodes))}."
    )
    raise ValueError(message)


def _cells(
    sums: Sums, task: Task, n_fragments: np.ndarray, *, least: int
) -> tuple[np.ndarray, np.ndarray]:
    """Choose the barcodes with enough fragments: in the order asked for, else by name."""
    passing = np.flatnonzero(n_fragments >= least)
    if not len(passing):
        shown = {"median": 0.5, "90 %": 0.9, "99 %": 0.99, "most": 1.0}
        found = ", ".join(f"{k} {np.quantile(n_fragments, q):g}" for k, q in shown.items())
        message = (
            f"None of {len(n_fragments)} barcodes of {task.path} has min_fragments={least} or more "
            f"fragments; found: {found}. Choose min_fragments below, or give barcodes=."
        )
        raise ValueError(message)
    names = np.array(task.barcodes or list(sums.labels.cells.index), dtype=object)[passing]
    if task.barcodes is not None:
        return passing, names
    order = np.argsort(names)
    return passing[order], names[order]
