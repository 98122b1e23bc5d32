"""Expression from files: every format that biologists have, into one AnnData."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from grnet import _checks, _keys
from grnet.io import _detect
from grnet.io._detect import Format
from grnet.io.expression import _containers, _counts, _expression_table, _matrix, _tenx
from grnet.io.expression._matrix import Duplicates, GeneNames, Parsed
from grnet.io.expression._orientation import Orientation

if TYPE_CHECKING:
    from collections.abc import Callable

    from anndata import AnnData

logger = logging.getLogger(__name__)


def read_expression(
    path: str | Path,
    *,
    format: Format = "auto",
    orientation: Orientation = "auto",
    gene_names: GeneNames = "symbol",
    duplicates: Duplicates = "auto",
    strand: _counts.Strand = "auto",
    genome: str | None = None,
) -> "AnnData":
    r"""Read expression into an AnnData, cells x genes.

    Parameters
    ----------
    path
        A 10x ``.h5`` or ``mtx`` folder, ``.h5ad``, ``.loom``, csv/tsv/txt (also ``.gz``), a
        sample counted by STAR, htseq-count or featureCounts, or a folder of such samples.
    format
        ``"auto"`` looks into the file; else ``"10x_h5"``, ``"10x_mtx"``, ``"h5ad"``, ``"loom"``,
        ``"table"``, ``"star"``, ``"htseq"`` or ``"featurecounts"``.
    orientation
        Of a table. ``"auto"`` tells genes from cells by their names, and raises if it cannot.
    gene_names
        Which name becomes ``var_names`` where a file has both; the other is a column of ``var``.
    duplicates
        ``"sum"`` adds up genes (or cells) of one name, ``"first"`` keeps the first, ``"error"``
        raises. ``"auto"``: where a symbol has several ids, the strongest gene keeps the symbol
        and the others go by their id; without ids it raises.
    strand
        Column of STAR's counts; ``"auto"`` takes the one where the reads are.
    genome
        The genome to keep of a 10x file with several.

    Returns
    -------
    AnnData
        float32: CSR if the format is sparse or more than half of the values are zero, else dense.
        ``uns["grnet_source"]`` says what was detected. Only RNA features of a multiome are kept;
        reads outside genes are in ``obs``, lengths of genes (featureCounts) in ``var["length"]``.

    Raises
    ------
    FileNotFoundError
        If the file, or one that belongs to it, is missing.
    ValueError
        If the file is empty, damaged or of an unknown format, if a value is no number (with its
        line and column), or if names are duplicated; the message says the fix.

    Examples
    --------
    >>> import grnet as gn
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "counts.csv"
    ...     _ = file.write_text("gene,cell_1,cell_2\nGATA1,3,0\nSPI1,0,5\n")
    ...     adata = gn.io.read_expression(file)
    >>> adata.shape, list(adata.var_names)
    ((2, 2), ['GATA1', 'SPI1'])
    """
    _checks.one_of(format, get_args(Format), "format")
    _checks.one_of(orientation, get_args(Orientation), "orientation")
    _checks.one_of(gene_names, get_args(GeneNames), "gene_names")
    _checks.one_of(duplicates, get_args(Duplicates), "duplicates")
    _checks.one_of(strand, get_args(_counts.Strand), "strand")
    file = _detect.existing(path)
    kind = _detect.format_of(file) if format == "auto" else format
    if genome is not None and kind != "10x_h5":
        message = f"genome={genome!r} chooses among the genomes of a 10x .h5; {file} is {kind!r}."
        raise ValueError(message)
    if file.is_dir() and kind not in {"10x_mtx", *_detect.BULK}:
        message = f"{file} is a folder; format={kind!r} is read from a file. Give the file itself."
        raise ValueError(message)
    if kind == "h5ad":
        return _from_h5ad(file, orientation, gene_names=gene_names, duplicates=duplicates)
    parsed = _parse(file, kind, orientation=orientation, strand=strand, genome=genome)
    return _matrix.to_anndata(parsed, file, gene_names=gene_names, duplicates=duplicates)


def _parse(
    file: Path,
    kind: str,
    *,
    orientation: Orientation,
    strand: _counts.Strand,
    genome: str | None,
) -> Parsed:
    """Read a file or folder with the reader of its format."""
    if kind in _detect.BULK:
        files = _detect.files_of(file, kind)
        return _counts.read_counts(files, _detect.BULK[kind], strand=strand)
    if kind == "10x_mtx":
        return _tenx.read_10x_mtx(file)
    readers: dict[str, Callable[[], Parsed]] = {
        "10x_h5": lambda: _tenx.read_10x_h5(file, genome=genome),
        "loom": lambda: _containers.read_loom(file, transposed=orientation == "cells_by_genes"),
        "table": lambda: _expression_table.read_table(file, orientation=orientation),
    }
    return readers[kind]()


def _from_h5ad(
    file: Path, orientation: Orientation, *, gene_names: GeneNames, duplicates: Duplicates
) -> "AnnData":
    """Read an AnnData and keep its layers and annotation, unless duplicates had to be merged."""
    parsed, adata = _containers.read_h5ad(file, transposed=orientation == "genes_by_cells")
    read = _matrix.to_anndata(parsed, file, gene_names=gene_names, duplicates=duplicates)
    if read.shape != adata.shape:
        logger.warning("%s: duplicates were merged; layers and embeddings are left behind", file)
        return read
    adata.X, adata.obs, adata.var = read.X, read.obs, read.var
    adata.uns[_keys.SOURCE] = read.uns[_keys.SOURCE]
    return adata
