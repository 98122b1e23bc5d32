"""10x Genomics: feature-barcode matrices as HDF5 and as mtx folders, versions 2, 3, multiome."""

import gzip
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import scipy.io
import scipy.sparse as sp

from grnet import _checks
from grnet.io import _text
from grnet.io.expression._matrix import IDS, Parsed

logger = logging.getLogger(__name__)

RNA = "Gene Expression"
NOT_RNA = ("Peaks", "Antibody Capture", "CRISPR Guide Capture", "Multiplexing Capture", "Custom")
MATRIX = "matrix.mtx"


@contextmanager
def open_h5(path: Path) -> Iterator[h5py.File]:
    """Open an HDF5 file; a damaged one raises, naming the file and the fix."""
    try:
        with h5py.File(path, "r") as file:
            yield file
    except OSError as error:
        message = (
            f"{path} cannot be read as HDF5: {error}. It is truncated, damaged or of another "
            "format: copy or download it again."
        )
        raise ValueError(message) from error


def read_10x_h5(path: Path, *, genome: str | None) -> Parsed:
    """Read a feature-barcode matrix as CellRanger writes it."""
    with open_h5(path) as file:
        if "matrix" in file and "features" in file["matrix"]:
            return _one_genome(_only_rna(_read_v3(file["matrix"], path), path), genome, path)
        groups = [name for name in file if isinstance(file[name], h5py.Group)]
        genomes = [name for name in groups if {"barcodes", "genes"} <= set(file[name])]
        if not genomes:
            message = (
                f"{path} is HDF5, but no 10x matrix: it holds {_checks.examples(file, 8)} where "
                "'matrix' (CellRanger 3 on) or a genome (CellRanger 2) is expected. If it is an "
                "AnnData, say format='h5ad'."
            )
            raise ValueError(message)
        if genome is None and len(genomes) > 1:
            message = f"{path} holds the genomes {', '.join(genomes)}: choose by genome=."
            raise ValueError(message)
        chosen = _checks.one_of(genome or genomes[0], genomes, f"genome of {path}")
        return _read_v2(file[chosen], path, chosen)


def _texts(values: h5py.Dataset) -> np.ndarray:
    return np.array([value.decode() for value in values[:]], dtype=object)


def _need(group: h5py.Group, names: list[str], path: Path) -> None:
    missing = [name for name in names if name not in group]
    if missing:
        message = (
            f"{path}: {group.name} lacks {_checks.examples(missing, 8)}. The file is damaged or "
            "not written by CellRanger: write or copy it again."
        )
        raise ValueError(message)


def _read_v2(group: h5py.Group, path: Path, genome: str) -> Parsed:
    _need(group, ["data", "indices", "indptr", "shape", "barcodes", "genes", "gene_names"], path)
    genes = pd.DataFrame({IDS: _texts(group["genes"])}, index=_texts(group["gene_names"]))
    return _parsed(group, genes.assign(genome=genome), path, version="10x_h5 (CellRanger 2)")


def _read_v3(group: h5py.Group, path: Path) -> Parsed:
    _need(group, ["data", "indices", "indptr", "shape", "barcodes"], path)
    features = group["features"]
    _need(features, ["id", "name"], path)
    genes = pd.DataFrame({IDS: _texts(features["id"])}, index=_texts(features["name"]))
    for key, column in {"feature_type": "feature_types", "genome": "genome"}.items():
        if key in features:
            genes[column] = _texts(features[key])
    return _parsed(group, genes, path, version="10x_h5 (CellRanger 3)")


def _parsed(group: h5py.Group, genes: pd.DataFrame, path: Path, *, version: str) -> Parsed:
    """Build the matrix: its columns are cells, so that its CSC is the CSR of cells x genes."""
    n_genes, n_cells = (int(length) for length in group["shape"][:])
    cells = pd.DataFrame(index=_texts(group["barcodes"]))
    data, indices, indptr = (group[name][:] for name in ("data", "indices", "indptr"))
    fits = len(indptr) == n_cells + 1 and len(data) == len(indices) == indptr[-1]
    if not fits or (len(indices) and indices.max() >= n_genes):
        message = (
            f"{path}: shape says {n_genes} genes x {n_cells} cells, which the stored matrix "
            f"({len(data)} values, {len(indptr)} column bounds) does not fit. The file is damaged: "
            "write or copy it again."
        )
        raise ValueError(message)
    if (len(genes), len(cells)) != (n_genes, n_cells):
        _refuse_names(path, (n_genes, n_cells), len(genes), n_barcodes=len(cells))
    x = sp.csr_matrix((data.astype(np.float32), indices, indptr), shape=(n_cells, n_genes))
    return Parsed(x=x, cells=cells, genes=genes, source={"format": version})


def _refuse_names(path: Path, shape: tuple[int, ...], n_features: int, *, n_barcodes: int) -> None:
    message = (
        f"{path}: the matrix is {shape[0]} x {shape[1]}, but {n_features} features and "
        f"{n_barcodes} barcodes are named. The files do not belong together, or one "
        "has a header line or is truncated: take all three from the same folder."
    )
    raise ValueError(message)


def _only_rna(parsed: Parsed, path: Path) -> Parsed:
    """Keep the RNA features of a matrix that also holds peaks, antibodies or guides."""
    types = parsed.genes.get("feature_types")
    if types is None or set(types) == {RNA}:
        return parsed
    if RNA in set(types):
        keep = np.flatnonzero(types == RNA)
        logger.info("%s: %d RNA features of %d kept", path, len(keep), len(types))
        parsed.x, parsed.genes = parsed.x[:, keep], parsed.genes.iloc[keep]
    elif set(types) & set(NOT_RNA):
        message = (
            f"{path} holds no RNA: its features are {_checks.examples(sorted(set(types)))}, none "
            f"is {RNA!r}. Give the matrix of gene expression."
        )
        raise ValueError(message)
    return parsed


def _one_genome(parsed: Parsed, genome: str | None, path: Path) -> Parsed:
    """Keep one genome of a mixture, where one is asked for."""
    if genome is None:
        return parsed
    found = sorted(set(parsed.genes.get("genome", [])) - {""})
    _checks.one_of(genome, found, f"genome of {path}")
    keep = np.flatnonzero(parsed.genes["genome"] == genome)
    parsed.x, parsed.genes = parsed.x[:, keep], parsed.genes.iloc[keep]
    return parsed


def matrices_in(folder: Path) -> list[Path]:
    """Return the Matrix Market files of a folder, whatever stands before ``matrix.mtx``."""
    return sorted(p for p in folder.iterdir() if p.name.removesuffix(".gz").endswith(MATRIX))


def read_10x_mtx(path: Path) -> Parsed:
    """Read a folder with matrix, features (or genes) and barcodes, or the matrix among several."""
    matrix = _the_matrix(path) if path.is_dir() else path
    prefix = matrix.name[: matrix.name.rindex("matrix") if "matrix" in matrix.name else 0]
    features = _beside(matrix, prefix, ("features", "genes"))
    barcodes = _beside(matrix, prefix, ("barcodes",))
    genes = _features(features)
    cells = pd.DataFrame(index=[fields[0] for fields in _fields(barcodes)])
    x = _matrix_market(matrix)
    if x.shape == (len(genes), len(cells)):
        x = x.T
    elif x.shape != (len(cells), len(genes)):
        _refuse_names(matrix, x.shape, len(genes), n_barcodes=len(cells))
    version = "CellRanger 2" if "genes" in features.name.removeprefix(prefix) else "CellRanger 3"
    x = sp.csr_matrix(x, dtype=np.float32)
    parsed = Parsed(x=x, cells=cells, genes=genes, source={"format": f"10x_mtx ({version})"})
    return _only_rna(parsed, matrix)


def _the_matrix(folder: Path) -> Path:
    found = matrices_in(folder)
    if len(found) == 1:
        return found[0]
    message = f"{folder} holds {len(found)} files *{MATRIX}[.gz]" + (
        f" ({_checks.examples(path.name for path in found)}): give the path of one of them."
        if found
        else ": give the folder that holds matrix, features and barcodes."
    )
    raise ValueError(message)


def _beside(matrix: Path, prefix: str, stems: tuple[str, ...]) -> Path:
    """Return the file of features or barcodes that belongs to a matrix."""
    names = [f"{prefix}{stem}.tsv{end}" for stem in stems for end in ("", ".gz")]
    for name in names:
        if (matrix.parent / name).is_file():
            return matrix.parent / name
    message = (
        f"{matrix} has no {' or '.join(stems)} file beside it: expected one of {', '.join(names)} "
        f"in {matrix.parent}. Copy it there."
    )
    raise FileNotFoundError(message)


def _fields(path: Path) -> list[list[str]]:
    with _text.open_text(path) as lines:
        return [line.rstrip("\r\n").split("\t") for line in lines if line.strip()]


def _features(path: Path) -> pd.DataFrame:
    """Read ids, symbols and types; a file with a single column names the genes by it."""
    rows = _fields(path)
    width = min(len(row) for row in rows)
    if width == 1:
        return pd.DataFrame(index=[row[0] for row in rows])
    genes = pd.DataFrame({IDS: [row[0] for row in rows]}, index=[row[1] for row in rows])
    return genes.assign(feature_types=[row[2] for row in rows]) if width > 2 else genes


def _matrix_market(path: Path) -> Any:  # noqa: ANN401 - any scipy matrix
    """Read a Matrix Market file; damage raises with the line where it was found."""
    with _text.naming(path):
        _text.first_lines(path, 3)
        with gzip.open(path) if _text.is_gzipped(path) else path.open("rb") as file:
            try:
                return scipy.io.mmread(file)
            except (ValueError, OverflowError) as error:
                message = (
                    f"{path} cannot be read as a Matrix Market file: {error}. It is truncated or "
                    "damaged: copy or download it again."
                )
                raise ValueError(message) from error
