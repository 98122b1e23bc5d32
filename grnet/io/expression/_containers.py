"""Files that hold cells and genes with their annotation: h5ad and loom."""

import warnings
from pathlib import Path
from typing import Any

import anndata
import h5py
import numpy as np
import pandas as pd
import scipy.sparse as sp
from anndata import AnnData

from grnet import _checks
from grnet.io.expression import _orientation
from grnet.io.expression._matrix import IDS, SYMBOLS, Parsed
from grnet.io.expression._tenx import RNA, open_h5

SYMBOL_COLUMNS = (SYMBOLS, "feature_name", "gene_symbol", "gene_name", "symbol", "hgnc_symbol")
ID_COLUMNS = (IDS, "feature_id", "gene_id", "ensembl_id", "ensembl", "Accession")
LOOM_GENES = ("Gene", "var_names", "gene_names", "GeneName", "gene", "Accession")
LOOM_CELLS = ("CellID", "obs_names", "barcode", "Barcode", "cell_names")


def read_h5ad(path: Path, *, transposed: bool) -> tuple[Parsed, AnnData]:
    """Read an AnnData; it comes back too, for the layers and annotation that it holds."""
    with open_h5(path) as file:
        if not {"obs", "var"} <= set(file):
            message = (
                f"{path} is HDF5, but no AnnData: it holds {_checks.examples(file, 8)} where 'X', "
                "'obs' and 'var' are expected. If CellRanger wrote it, say format='10x_h5'."
            )
            raise ValueError(message)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*names are not unique.*")
            adata = anndata.read_h5ad(path)
            adata = adata.T if transposed else adata
    if adata.X is None:
        message = (
            f"{path} has no matrix X, only the layers {_checks.examples(adata.layers)}. Set "
            "adata.X = adata.layers[...] and write it again."
        )
        raise ValueError(message)
    if "feature_types" in adata.var and RNA in set(adata.var["feature_types"]):
        adata = adata[:, (adata.var["feature_types"] == RNA).to_numpy()].copy()
    parsed = Parsed(adata.X, adata.obs, _with_other_names(adata.var), {"format": "h5ad"})
    return parsed, adata


def _with_other_names(genes: pd.DataFrame) -> pd.DataFrame:
    """Mark the column with the kind of name that the index does not hold."""
    ids_in_use = _orientation.mostly_ids(genes.index)
    mark, columns = (SYMBOLS, SYMBOL_COLUMNS) if ids_in_use else (IDS, ID_COLUMNS)
    found = next((column for column in columns if column in genes.columns), None)
    genes = genes.drop(columns=[c for c in (IDS, SYMBOLS) if c in genes and c != found])
    return genes if found is None else genes.rename(columns={found: mark})


def read_loom(path: Path, *, transposed: bool) -> Parsed:
    """Read a loom file: genes x cells by definition."""
    loompy = _checks.optional("loompy", "loom")
    with open_h5(path) as file:
        if not {"matrix", "row_attrs", "col_attrs"} <= set(file):
            message = (
                f"{path} is HDF5, but no loom: it holds {_checks.examples(file, 8)} where "
                "'matrix', 'row_attrs' and 'col_attrs' are expected."
            )
            raise ValueError(message)
        if not isinstance(file["matrix"], h5py.Dataset):
            message = f"{path}: 'matrix' is no loom matrix. Say format='10x_h5' for CellRanger's."
            raise ValueError(message)
    with open_h5(path), loompy.connect(str(path), mode="r", validate=False) as loom:
        genes = _attributes(loom.ra, LOOM_GENES, path, what="genes")
        cells = _attributes(loom.ca, LOOM_CELLS, path, what="cells")
        x = sp.csr_matrix(loom.sparse().T, dtype=np.float32)
    if transposed:
        x, genes, cells = sp.csr_matrix(x.T), cells, genes
    x = x if 2 * x.nnz < np.prod(x.shape, dtype=np.int64) else x.toarray()
    return Parsed(x, cells, _with_other_names(genes), {"format": "loom"})


def _attributes(
    attributes: Any,  # noqa: ANN401 - loompy has no types
    names: tuple[str, ...],
    path: Path,
    *,
    what: str,
) -> pd.DataFrame:
    """Return the flat attributes of one side of a loom file, indexed by name."""
    columns = {key: attributes[key] for key in attributes.keys()}  # noqa: SIM118 - no mapping
    flat = {key: values for key, values in columns.items() if np.ndim(values) == 1}
    found = next((name for name in names if name in flat), None)
    if found is None:
        message = (
            f"{path} does not name its {what}: expected the attribute {', '.join(names)}; it has "
            f"{_checks.examples(columns, 8)}. Add {names[0]!r} with loompy."
        )
        raise ValueError(message)
    index = pd.Index([str(name) for name in flat.pop(found)])
    return pd.DataFrame(flat, index=index)
