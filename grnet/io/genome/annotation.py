"""Annotation of a genome: genes or transcripts with their start sites."""

from pathlib import Path
from typing import Literal, Protocol, get_args

import numpy as np
import pandas as pd

from grnet import _checks, _intervals
from grnet.io import _text
from grnet.io.genome import _gtf, _tss_table

Feature = Literal["gene", "transcript"]


class HasGenes(Protocol):
    """What carries an annotation, such as a :class:`grnet.io.Genome`."""

    @property
    def genes(self) -> pd.DataFrame:
        """The annotation, one row per gene."""
        ...


def read_annotation(path: str | Path, *, feature: Feature = "gene") -> pd.DataFrame:
    r"""Read genes or transcripts from GTF, GFF3 or a table of transcription start sites.

    Parameters
    ----------
    path
        GTF or GFF3 of Ensembl, GENCODE or RefSeq, or a table with a header and the columns
        ``chrom``, ``gene``, ``strand`` and ``tss`` (0-based) or ``start`` and ``end``; plain or
        gzipped.
    feature
        ``"gene"`` or ``"transcript"``: what a row of the result is.

    Returns
    -------
    DataFrame
        ``chrom``, ``start``, ``end`` (0-based, half-open), ``strand``, ``tss`` (0-based position
        of the first base), ``gene`` (symbol, else id), ``gene_id``, ``biotype`` and ``length``
        (bases in the union of the exons; the whole span where there are none); of transcripts
        ``transcript`` too. A table has those that it has; ``start`` is then the TSS.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is empty, damaged, or has no such rows.

    Notes
    -----
    Genes that have no row of their own are pieced together from their transcripts or exons.

    Examples
    --------
    >>> import grnet as gn
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> line = 'I\tsgd\tgene\t11\t20\t.\t-\t.\tgene_id "YAL1"; gene_name "FLO9";\n'
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "genes.gtf"
    ...     _ = file.write_text(line)
    ...     genes = gn.io.read_annotation(file)
    >>> genes[["chrom", "start", "end", "strand", "tss", "gene", "gene_id", "length"]]
      chrom  start  end strand  tss  gene gene_id  length
    0     I     10   20      -   19  FLO9    YAL1      10
    """
    _checks.one_of(feature, get_args(Feature), "feature")
    file = Path(path)
    if not file.is_file():
        message = f"There is no file {file}: check the path."
        raise FileNotFoundError(message)
    row = _first_row(file)
    if not _is_gtf(row):
        return _tss_table.read_table(file)
    parts = _gtf.read_parts(file, gff3=_gtf.is_gff3(row))
    return _rows(parts, file, feature=feature)


def promoter_windows(
    genes: pd.DataFrame, *, upstream: int, downstream: int, sizes: "pd.Series[int] | None" = None
) -> pd.DataFrame:
    """Return ``chrom, start, end`` of the promoter of each gene, in the order of the table.

    ``downstream`` counts the start site itself. Genes without a strand count as on ``+``. Windows
    end at the ends of their chromosome where its size is known.
    """
    tss, minus = genes["tss"], genes["strand"] == "-"
    start = (tss - upstream).where(~minus, tss - downstream + 1)
    end = start + upstream + downstream
    if sizes is not None:
        end = end.clip(upper=genes["chrom"].map(sizes))
    return pd.DataFrame({"chrom": genes["chrom"], "start": start.clip(lower=0), "end": end})


def as_genes(annotation: HasGenes | pd.DataFrame | str | Path) -> pd.DataFrame:
    """Return an annotation as a frame, whatever it is given as.

    Parameters
    ----------
    annotation
        A genome with annotation, a file for :func:`read_annotation`, or a frame with ``chrom``,
        ``gene`` and ``tss``, or with ``chrom``, ``gene``, ``start``, ``end`` and ``strand``.

    Returns
    -------
    DataFrame
        A copy with at least ``chrom``, ``start``, ``end``, ``strand``, ``tss``, ``gene`` and
        ``gene_id``.

    Raises
    ------
    ValueError
        If a column is missing or a position is not a whole number.
    TypeError
        If it is none of these.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"chrom": ["1"], "gene": ["A"], "tss": [7], "strand": ["-"]})
    >>> as_genes(frame)
      chrom  start  end strand  tss gene gene_id
    0     1      7    8      -    7    A       A
    """
    if isinstance(annotation, str | Path):
        return read_annotation(annotation)
    if not isinstance(annotation, pd.DataFrame):
        genes = getattr(annotation, "genes", None)
        if not isinstance(genes, pd.DataFrame):
            message = (
                f"An annotation is a Genome, a frame or a path, not {type(annotation).__name__}."
            )
            raise TypeError(message)
        return genes
    return _tss_table.completed(annotation, what="The annotation")


def _first_row(file: Path) -> str:
    """Return the first line that is no comment."""
    with _text.open_text(file) as lines:
        for line in lines:
            if line.strip() and not line.startswith("#"):
                return line.rstrip("\r\n")
    message = f"{file} holds comments only: it is cut off. Download it again."
    raise ValueError(message)


def _is_gtf(row: str) -> bool:
    fields = row.split("\t")
    return len(fields) == 9 and fields[3].isdigit() and fields[4].isdigit()


def _rows(parts: _gtf.Parts, file: Path, *, feature: Feature) -> pd.DataFrame:
    """Make the rows of the result, with start sites and lengths."""
    key = f"{feature}_id"
    if feature == "gene":
        rows, pieces = parts.genes, [parts.transcripts, parts.exons]
    else:
        rows, pieces = parts.transcripts, [parts.exons]
    for other in pieces:
        rows = _pieced(other, key) if rows.empty else rows
    rows = rows.dropna(subset=[key]).reset_index(drop=True)
    if rows.empty:
        message = (
            f"{file} has no {feature}s: no row of a {feature} or an exon bears a {key}. "
            "Take the full annotation of the genome."
        )
        raise ValueError(message)
    rows["start"] -= 1
    rows = _intervals.checked(rows, what=str(file))
    backward = int((parts.exons["start"] > parts.exons["end"]).sum())
    if backward:
        message = f"{backward} exons of {file} end before they start. The file is damaged."
        raise ValueError(message)
    rows["strand"] = rows["strand"].where(rows["strand"].isin(["+", "-"]), ".")
    rows["tss"] = _tss_table.start_sites(rows)
    rows["gene"] = _gtf.either(rows["gene"], rows["gene_id"])
    if feature == "transcript":
        rows["biotype"] = _gtf.either(rows["transcript_biotype"], rows["biotype"])
        rows["transcript"] = rows["transcript_id"]
    rows["length"] = _lengths(rows, parts.exons, key)
    return rows[[*_tss_table.COLUMNS, *(["transcript"] if feature == "transcript" else [])]]


def _pieced(parts: pd.DataFrame, key: str) -> pd.DataFrame:
    """Piece genes or transcripts together from what they consist of."""
    if parts.empty:
        return parts
    by = parts.groupby([key, "chrom", "strand"], sort=False)
    rows = by.first().assign(start=by["start"].min(), end=by["end"].max())
    return rows.reset_index()


def _lengths(rows: pd.DataFrame, exons: pd.DataFrame, key: str) -> pd.Series:
    """Return the bases in the union of the exons of each row, or the row's own span."""
    span = rows["end"] - rows["start"]
    exons = exons.dropna(subset=[key])
    if exons.empty:
        return span
    places = pd.MultiIndex.from_frame(exons[[key, "chrom"]])
    codes, known = pd.factorize(places)
    order = np.lexsort((exons["start"].to_numpy(), codes))
    codes = codes[order]
    # each gene on a stretch of its own, so that one running maximum serves them all
    shift = codes * (int(exons["end"].max()) + 1)
    start = exons["start"].to_numpy()[order] - 1 + shift
    reached = np.maximum.accumulate(exons["end"].to_numpy()[order] + shift)
    before = np.concatenate([[0], reached[:-1]])
    new = reached - np.maximum(start, before)
    union = pd.Series(np.bincount(codes, weights=new), index=known).astype("int64")
    found = union.reindex(pd.MultiIndex.from_frame(rows[[key, "chrom"]])).to_numpy()
    return pd.Series(found, index=rows.index).fillna(span).astype("int64")
