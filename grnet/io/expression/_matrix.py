"""What every reader of expression returns, and how it becomes an AnnData."""

import logging
import re
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import scipy.sparse as sp
from anndata import AnnData

from grnet import _checks, _keys
from grnet.io.expression import _orientation

logger = logging.getLogger(__name__)

GeneNames = Literal["symbol", "id"]
Duplicates = Literal["auto", "error", "sum", "first"]

IDS, SYMBOLS = "gene_ids", "gene_symbols"
"""``var``: the names of the genes that are not in use, in scanpy's words."""

SPREADSHEET_DATE = re.compile(r"\d{1,2}-(Mar|Sep|Dec|Apr|Oct)|(Mar|Sep|Dec|Apr|Oct)-\d{1,2}")


@dataclass
class Parsed:
    """A matrix cells x genes with what the file says about both.

    ``genes`` may hold a column ``gene_symbols`` (its index then is ids) or ``gene_ids``.
    """

    x: Any  # ndarray or csr_matrix: scipy has no common type of both
    cells: pd.DataFrame
    genes: pd.DataFrame
    source: dict[str, str] = field(default_factory=dict)


def to_anndata(
    parsed: Parsed, path: Path, *, gene_names: GeneNames, duplicates: Duplicates
) -> AnnData:
    """Name the genes, settle duplicates, check the values and build the AnnData."""
    has_size(parsed, path)
    parsed.genes = named_genes(parsed.genes, path, gene_names)
    _settle_genes(parsed, path, duplicates)
    _settle_cells(parsed, path, duplicates)
    x = compact(parsed.x)
    _checks.finite(x, list(parsed.genes.index), f"{path}")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Transforming to str index")
        adata = AnnData(x, obs=parsed.cells, var=parsed.genes)
    adata.uns[_keys.SOURCE] = {"file": path.name, **parsed.source}
    logger.info("%s: %d cells x %d genes", path, adata.n_obs, adata.n_vars)
    return adata


def has_size(parsed: Parsed, path: Path) -> None:
    """Raise if there is no cell or no gene, or if the names do not fit the matrix."""
    cells, genes = len(parsed.cells), len(parsed.genes)
    if parsed.x.shape != (cells, genes):
        message = (
            f"{path}: the matrix is {parsed.x.shape[0]} cells x {parsed.x.shape[1]} genes, but the "
            f"file names {cells} cells and {genes} genes. It is damaged: write or copy it again."
        )
        raise ValueError(message)
    if not cells or not genes:
        message = f"{path} holds {cells} cells x {genes} genes: there is nothing to read."
        raise ValueError(message)


def compact(x: Any) -> Any:  # noqa: ANN401 - ndarray or any scipy matrix
    """Return float32: CSR if the matrix is sparse or has more than half zeros, else dense."""
    if sp.issparse(x):
        matrix = sp.csr_matrix(x, dtype=np.float32)
        matrix.sum_duplicates()
        return matrix
    dense = np.ascontiguousarray(x, dtype=np.float32)
    return sp.csr_matrix(dense) if 2 * np.count_nonzero(dense) < dense.size else dense


def named_genes(genes: pd.DataFrame, path: Path, gene_names: GeneNames) -> pd.DataFrame:
    """Put the kind of name that was asked for into the index; the other becomes a column."""
    has_ids = IDS in genes.columns or SYMBOLS in genes.columns
    if gene_names == "id" and not has_ids and not _orientation.mostly_ids(genes.index):
        message = (
            f"gene_names='id' was asked for, but {path} has only the names "
            f"{_checks.examples(genes.index)}. Use gene_names='symbol', which keeps them."
        )
        raise ValueError(message)
    wanted, other = (SYMBOLS, IDS) if gene_names == "symbol" else (IDS, SYMBOLS)
    if wanted not in genes.columns:
        return genes
    named = genes.drop(columns=wanted).assign(**{other: genes.index.astype(str)})
    chosen = genes[wanted].astype("string").fillna("").str.strip().astype(object)
    named.index = pd.Index(chosen.where(chosen != "", genes.index.to_series()).astype(str))
    named.index.name = None
    return named


def _doubled(names: pd.Index) -> pd.Index:
    return names[names.duplicated()].unique()


def _settle_genes(parsed: Parsed, path: Path, duplicates: Duplicates) -> None:
    """Leave every gene with a name of its own, in the way that was asked for."""
    dates = [name for name in parsed.genes.index if SPREADSHEET_DATE.fullmatch(str(name))]
    if dates:
        logger.warning(
            "%s: %d genes are named like dates (%s): a spreadsheet has turned names such as MARCH1 "
            "and SEPT2 into dates. Export the table again with names as text.",
            *(path, len(dates), _checks.examples(dates)),
        )
    if parsed.genes.index.is_unique:
        return
    if duplicates == "auto" and IDS in parsed.genes.columns:
        _ids_for_doubled(parsed, path)
    if duplicates in {"sum", "first"}:
        first, merge = _merging(parsed.genes.index)
        parsed.genes = parsed.genes.iloc[first]
        parsed.x = parsed.x[:, first] if duplicates == "first" else (merge.T @ parsed.x.T).T
    if not parsed.genes.index.is_unique:
        _refuse(_doubled(parsed.genes.index), path, "genes")


def _ids_for_doubled(parsed: Parsed, path: Path) -> None:
    """Let the strongest of the genes that share a symbol keep it; the others go by their id."""
    names, ids = parsed.genes.index.to_numpy(), parsed.genes[IDS].to_numpy()
    total = np.asarray(parsed.x.sum(axis=0), dtype=np.float64).ravel()
    order = np.argsort(-total, kind="stable")
    weaker = order[pd.Index(names[order]).duplicated()]
    renamed = names.astype(object)
    renamed[weaker] = ids[weaker]
    logger.warning(
        "%s: %d symbols belong to several genes (%s): the strongest keeps the symbol, the others "
        "go by their id. duplicates='sum' adds them up.",
        *(path, len(_doubled(parsed.genes.index)), _checks.examples(_doubled(parsed.genes.index))),
    )
    parsed.genes.index = pd.Index(renamed)


def _settle_cells(parsed: Parsed, path: Path, duplicates: Duplicates) -> None:
    if parsed.cells.index.is_unique:
        return
    if duplicates not in {"sum", "first"}:
        _refuse(_doubled(parsed.cells.index), path, "cells")
    first, merge = _merging(parsed.cells.index)
    parsed.cells = parsed.cells.iloc[first]
    parsed.x = parsed.x[first] if duplicates == "first" else merge.T @ parsed.x


def _merging(names: pd.Index) -> tuple[np.ndarray, sp.csr_matrix]:
    """Return the first position of each name, and the matrix names x unique names of ones."""
    codes, unique = pd.factorize(names)
    ones = np.ones(len(names), dtype=np.float32)
    merge = sp.csr_matrix((ones, (np.arange(len(names)), codes)), shape=(len(names), len(unique)))
    return np.flatnonzero(~names.duplicated()), merge


def _refuse(doubled: pd.Index, path: Path, what: str) -> None:
    message = (
        f"{path}: {len(doubled)} {what} occur more than once ({_checks.examples(doubled, 5)}). "
        f"Use duplicates='sum' to add them up, duplicates='first' to keep the first of each, or "
        f"give them names of their own in the file."
    )
    raise ValueError(message)
