"""Where RNA and accessibility come from: AnnData, files of either, or one file with both."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anndata
import numpy as np
import pandas as pd
import scipy.io
import scipy.sparse as sp
from anndata import AnnData

from grnet import _checks, _intervals, _keys
from grnet.io import _detect, _text
from grnet.io.expression import _tenx, read_expression

if TYPE_CHECKING:
    from mudata import MuData

PEAKS = "Peaks"
MATRIX = "_features_x_cells.npz"
"""End of the name of a scipy matrix that has its features and barcodes beside it."""


def rna_of(source: AnnData | str | Path) -> AnnData:
    """Return expression from an AnnData or any file with it."""
    if isinstance(source, AnnData):
        return source.copy()
    path = _detect.existing(source)
    return _from_npz(path) if path.suffix == ".npz" else read_expression(path)


def atac_of(source: AnnData | str | Path) -> AnnData:
    """Return accessibility, its peaks under one form of names and with their intervals."""
    if isinstance(source, AnnData):
        return with_intervals(source.copy(), "atac=")
    path = _detect.existing(source)
    if path.suffix == ".npz":
        adata = _from_npz(path)
    elif path.is_file() and _detect.format_of(path) == "h5ad":
        adata = anndata.read_h5ad(path)
    else:
        adata = _from_tenx(path)
    types = adata.var.get("feature_types")
    if types is not None and PEAKS in set(types):
        adata = adata[:, (types == PEAKS).to_numpy()].copy()
    elif types is not None and _tenx.RNA in set(types):
        message = (
            f"{path} holds no peaks: its features are {_checks.examples(sorted(set(types)))}. Give "
            "the matrix of peaks, or fragments= and peaks=."
        )
        raise ValueError(message)
    return with_intervals(adata, str(path))


def with_intervals(adata: AnnData, what: str) -> AnnData:
    """Write the intervals of the peaks to ``var`` and name the peaks by them."""
    _checks.unique(adata.obs_names, f"cells of {what}")
    if set(_intervals.COLUMNS) <= set(adata.var):
        intervals = _intervals.checked(adata.var, what=what)
    else:
        intervals = _intervals.from_names(adata.var_names, what=what)
    for column in _intervals.COLUMNS:
        adata.var[column] = intervals[column].to_numpy()
    adata.var_names = _intervals.names(adata.var)
    _checks.unique(adata.var_names, f"peaks of {what}")
    return adata


def both_of(path: Path) -> tuple[AnnData, AnnData]:
    """Read a 10x multiome matrix or an ``.h5mu``."""
    if path.suffix == ".h5mu":
        mdata = _from_h5mu(path)
        return mdata["rna"], with_intervals(mdata["atac"], str(path))
    return read_expression(path), atac_of(path)


def _from_h5mu(path: Path) -> "MuData":
    import mudata  # noqa: PLC0415 - slow to load, and needed by few

    with _tenx.open_h5(path) as file:
        found = list(file.get("mod", []))
    if not {"rna", "atac"} <= set(found):
        message = (
            f"{path} has the modalities {_checks.examples(found)}, expected 'rna' and 'atac': "
            "rename them, or give rna= and atac=."
        )
        raise ValueError(message)
    return mudata.read_h5mu(path)


def _from_tenx(path: Path) -> AnnData:
    """Read all features of a 10x matrix."""
    import scanpy as sc  # noqa: PLC0415 - slow to load, and needed by few

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*names are not unique.*")
        if path.is_dir():
            return _from_folder(path)
        with _tenx.open_h5(path) as file:
            known = "matrix" in file and "features" in file["matrix"]
        if not known:
            message = (
                f"{path} is no matrix of peaks: expected an .h5 of CellRanger 3 or later, a folder "
                "with matrix.mtx, an .h5ad, or an .npz with features and barcodes beside it."
            )
            raise ValueError(message)
        return sc.read_10x_h5(path, gex_only=False)


def _from_folder(folder: Path) -> AnnData:
    """Read a folder with matrix.mtx and either features or, of CellRanger ATAC, peaks.bed."""
    matrices = _tenx.matrices_in(folder)
    if len(matrices) != 1:
        message = (
            f"{folder} holds {len(matrices)} files *{_tenx.MATRIX}[.gz], expected one: give the "
            "folder with matrix, features (or peaks.bed) and barcodes."
        )
        raise ValueError(message)
    prefix = matrices[0].name.split(_tenx.MATRIX)[0]
    bed = folder / f"{prefix}peaks.bed"
    if not bed.is_file():
        import scanpy as sc  # noqa: PLC0415 - slow to load, and needed by few

        return sc.read_10x_mtx(folder, gex_only=False, prefix=prefix or None)
    with _text.naming(matrices[0]):
        x = sp.csr_matrix(scipy.io.mmread(matrices[0]).T, dtype=np.float32)
    peaks = pd.read_csv(bed, sep="\t", comment="#", header=None, usecols=[0, 1, 2])
    peaks = _intervals.checked(peaks.set_axis(_intervals.COLUMNS, axis=1), what=str(bed))
    barcodes = _names(bed, f"{prefix}barcodes")
    if x.shape != (len(barcodes), len(peaks)):
        message = (
            f"{matrices[0]} is {x.shape[1]} x {x.shape[0]}, but {len(peaks)} peaks and "
            f"{len(barcodes)} barcodes are beside it. Take all three from one folder."
        )
        raise ValueError(message)
    return AnnData(
        x, obs=pd.DataFrame(index=barcodes), var=peaks.set_index(_intervals.names(peaks))
    )


def _from_npz(path: Path) -> AnnData:
    """Read a scipy matrix, features x cells, whose names are in text files beside it."""
    if not path.name.endswith(MATRIX):
        message = (
            f"{path} has no names: an .npz is read if it is called NAME{MATRIX}, with "
            "NAME_features.txt and NAME_barcodes.txt (also .gz) beside it. Else make an AnnData."
        )
        raise ValueError(message)
    stem = path.name.removesuffix(MATRIX)
    features, barcodes = (_names(path, f"{stem}_{kind}") for kind in ("features", "barcodes"))
    try:
        matrix: Any = sp.load_npz(path)
    except (OSError, ValueError, KeyError) as error:
        message = f"{path} is no sparse matrix of scipy, or damaged: {error}."
        raise ValueError(message) from error
    if matrix.shape != (len(features), len(barcodes)):
        message = (
            f"{path} is {matrix.shape[0]} x {matrix.shape[1]}, but {len(features)} features and "
            f"{len(barcodes)} barcodes are beside it. Take all three from one source."
        )
        raise ValueError(message)
    x = sp.csr_matrix(matrix.T, dtype=np.float32)
    adata = AnnData(x, obs=pd.DataFrame(index=barcodes), var=pd.DataFrame(index=features))
    adata.uns[_keys.SOURCE] = {"file": path.name, "format": "npz"}
    return adata


def _names(path: Path, stem: str) -> list[str]:
    names = [f"{stem}{end}" for end in (".txt", ".txt.gz", ".tsv", ".tsv.gz")]
    for name in names:
        if (path.parent / name).is_file():
            with _text.open_text(path.parent / name) as lines:
                return [line.split("\t")[0].strip() for line in lines if line.strip()]
    message = f"{path} has no names beside it: expected one of {', '.join(names)}."
    raise FileNotFoundError(message)
