"""What users hand over as peaks, genes and cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import pandas as pd
from anndata import AnnData
from mudata import MuData

from grnet import _checks, _intervals

if TYPE_CHECKING:
    from collections.abc import Sequence

    Names: TypeAlias = "pd.Series[str] | pd.Index[str] | Sequence[str]"
    Data: TypeAlias = MuData | AnnData | pd.DataFrame | Names

COLUMNS = list(_intervals.COLUMNS)

FEWEST_CELLS = 50
"""Paired cells from which correlation is worth a try."""


def regions_of(data: Data | None) -> pd.DataFrame:
    """Return ``chrom, start, end`` indexed by the name of each peak, in the order of the data.

    Data are an AnnData of peaks, a MuData with ``atac``, a frame of intervals or with a column
    ``peak``, or names such as ``chr1:100-200``.

    Raises
    ------
    ValueError
        If there is no peak, a name is no interval, or two peaks bear one name.
    """
    if data is None:
        message = "There are no peaks: pass them, or link promoters with method='promoter'."
        raise ValueError(message)
    frame = _regions(data)
    if frame.empty:
        message = "There are no peaks: expected at least one interval (chrom, start, end)."
        raise ValueError(message)
    _checks.unique(frame.index, "names of peaks")
    return frame


def gene_names(data: Data | None, *, promoter: bool) -> pd.Index | None:
    """Return the genes that the data hold, or None where they hold none."""
    if data is None or isinstance(data, pd.DataFrame):
        return None
    if isinstance(data, MuData):
        has_genes = promoter or "rna" in data.mod
        return modality(data, "rna").var_names if has_genes else None
    if _are_regions(data):
        if promoter:
            message = (
                "method='promoter' makes the regions itself, but the data are peaks: pass genes "
                "(an AnnData or names), None for all genes, or method='distance'."
            )
            raise ValueError(message)
        return None
    return _names(data)


def usual_method(data: Data | None) -> Literal["correlation", "distance", "promoter"]:
    """Return how to link these data: the best that they allow."""
    if data is None:
        return "promoter"
    if isinstance(data, MuData):
        if "atac" not in data.mod:
            return "promoter"
        chroms = regions_of(data)["chrom"].unique()
        shared = "rna" in data.mod and len(_shared(data)) >= FEWEST_CELLS
        return "correlation" if len(chroms) > 1 and shared else "distance"
    return "distance" if isinstance(data, pd.DataFrame) or _are_regions(data) else "promoter"


def paired(data: Data | None) -> tuple[AnnData, AnnData]:
    """Return expression and accessibility of the cells that both modalities hold.

    Raises
    ------
    ValueError
        If the data are no pair, or share too few cells.
    """
    if not isinstance(data, MuData):
        message = (
            f"Correlation needs a MuData with 'rna' and 'atac', not {type(data).__name__}: "
            "MuData({'rna': rna, 'atac': atac}), or method='distance'."
        )
        raise ValueError(message)
    rna, atac = modality(data, "rna"), modality(data, "atac")
    _checks.unique(rna.var_names, "names of genes")
    for adata in (rna, atac):
        _checks.unique(adata.obs_names, "names of cells")
    cells = _shared(data)
    if len(cells) < FEWEST_CELLS // 5:
        message = (
            f"The modalities share {len(cells)} cells: rna has {_checks.examples(rna.obs_names)}, "
            f"atac {_checks.examples(atac.obs_names)}. Give paired cells one name, or use "
            "method='distance'."
        )
        raise ValueError(message)
    return rna[cells], atac[cells]


def modality(mdata: MuData, name: str) -> AnnData:
    """Return a modality of a MuData, or raise with those that it has."""
    if name not in mdata.mod:
        message = (
            f"The MuData has no {name!r}; it has {_checks.examples(mdata.mod, 8)}. "
            "Name its modalities 'rna' and 'atac': MuData({'rna': rna, 'atac': atac})."
        )
        raise ValueError(message)
    return mdata.mod[name]


def _regions(data: Data) -> pd.DataFrame:
    if isinstance(data, MuData):
        return _regions(modality(data, "atac"))
    if isinstance(data, AnnData):
        frame = _intervals.of_variables(data.var, what="the peaks (adata.var_names)")
        return _bare(frame, _names(data))
    if isinstance(data, pd.DataFrame) and set(COLUMNS) <= set(data.columns):
        frame = _intervals.checked(data, what="the peaks")
        names = pd.Index(frame["peak"]) if "peak" in frame else _intervals.names(frame)
        bare = _bare(frame, names)
        return bare.loc[~bare.reset_index().duplicated().to_numpy()]
    if isinstance(data, pd.DataFrame):
        _checks.has_columns(data, ["peak"], "the frame of peaks")
        return _regions(data["peak"])
    names = pd.Index(_names(data).unique())
    return _bare(_intervals.from_names(names, what="the peaks"), names)


def _bare(frame: pd.DataFrame, names: pd.Index) -> pd.DataFrame:
    bare = _intervals.checked(frame[COLUMNS], what="the peaks")
    return bare.set_axis(names.astype(str).astype(object).rename("peak"))


def _names(data: AnnData | Names) -> pd.Index:
    names = data.var_names if isinstance(data, AnnData) else data
    return pd.Index([str(name) for name in names], dtype=object)


def _shared(data: MuData) -> pd.Index:
    """Return the cells of both by name, so that sums do not depend on the order of the data."""
    rna, atac = (modality(data, name).obs_names for name in ("rna", "atac"))
    cells: pd.Index = rna[rna.isin(atac)].sort_values()
    return cells


def _are_regions(data: AnnData | Names) -> bool:
    if isinstance(data, AnnData) and set(COLUMNS) <= set(data.var.columns):
        return True
    first = _names(data)[:1]
    try:
        _intervals.from_names(first, what="the names")
    except ValueError:
        return False
    return len(first) > 0
