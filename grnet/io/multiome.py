"""RNA and accessibility, of the same cells or not, in one MuData."""

import logging
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pandas as pd
from anndata import AnnData

from grnet import _checks, _intervals, _keys
from grnet.io import _detect, _multiome_sources
from grnet.io.fragments import _barcodes, _blocks, read_fragments

if TYPE_CHECKING:
    from mudata import MuData

    from grnet.io.genome import Genome

logger = logging.getLogger(__name__)

PAIRED_FROM = 0.1
"""Share of the smaller side's barcodes that has to be shared by chance in no experiment."""


def read_multiome(
    path: str | Path | None = None,
    *,
    rna: AnnData | str | Path | None = None,
    atac: AnnData | str | Path | None = None,
    fragments: str | Path | None = None,
    peaks: pd.DataFrame | str | Path | None = None,
    annotation: "Genome | pd.DataFrame | str | Path | None" = None,
    paired: bool | Literal["auto"] = "auto",
) -> "MuData":
    """Read RNA and accessibility into a MuData with the modalities ``rna`` and ``atac``.

    Parameters
    ----------
    path
        One file with both: a 10x multiome ``.h5`` or ``mtx`` folder, or an ``.h5mu``.
    rna
        Expression: an AnnData, anything that :func:`grnet.io.read_expression` reads, or
        ``NAME_features_x_cells.npz``, with ``NAME_features.txt`` and ``NAME_barcodes.txt`` beside
        it.
    atac
        Cells x peaks: an AnnData, ``.h5ad``, 10x ``.h5`` or ``mtx`` folder, or ``.npz`` as above.
        Peaks are named ``chr1:100-200``, ``chr1-100-200`` or ``chr1_100_200``.
    fragments, peaks, annotation
        As in :func:`grnet.io.read_fragments`: counted into cells x peaks where there is no other
        matrix of peaks, else for the quality of its cells.
    paired
        Whether RNA and ATAC are of the same cells. True keeps the shared barcodes, False keeps all
        cells apart, ``"auto"`` pairs if a tenth of the smaller side's barcodes are shared.

    Returns
    -------
    MuData
        Peaks are named ``chr1:100-200``, their intervals are in ``var``. Paired: both sides have
        the same cells in the same order, under the RNA's barcodes. Unpaired: cells whose barcode is
        on both sides get ``-rna`` and ``-atac`` at its end.

    Raises
    ------
    ValueError
        If a side is missing or damaged, or no barcode is shared where ``paired`` is True.

    Examples
    --------
    >>> import anndata as ad
    >>> import numpy as np
    >>> import pandas as pd
    >>> import grnet as gn
    >>> cells = pd.DataFrame(index=["AACT-1", "GGTC-1"])
    >>> rna = ad.AnnData(np.eye(2), obs=cells, var=pd.DataFrame(index=["SPI1", "GATA1"]))
    >>> atac = ad.AnnData(np.eye(2), obs=cells[::-1], var=pd.DataFrame(index=["1-5-9", "2-1-4"]))
    >>> mdata = gn.io.read_multiome(rna=rna, atac=atac)
    >>> list(mdata["atac"].obs_names), list(mdata["atac"].var_names)
    (['AACT-1', 'GGTC-1'], ['1:5-9', '2:1-4'])
    """
    _checks.one_of(str(paired), ("auto", "True", "False"), "value of paired=")
    _enough(path, rna=rna, atac=atac, fragments=fragments, peaks=peaks)
    if path is not None:
        expression, accessibility = _multiome_sources.both_of(_detect.existing(path))
    else:
        expression = _multiome_sources.rna_of(rna)
        accessibility = None if atac is None else _multiome_sources.atac_of(atac)
    if fragments is not None and accessibility is not None:
        _add_quality(accessibility, fragments, annotation)
    elif fragments is not None and peaks is not None:
        cells = list(expression.obs_names)
        same = paired is True or (paired == "auto" and _same_cells(fragments, cells))
        accessibility = read_fragments(
            fragments, peaks, annotation=annotation, barcodes=cells if same else None
        )
    return _joined(expression, accessibility, paired=paired)


def _enough(path: str | Path | None, **given: object) -> None:
    """Raise unless both sides are given, each once."""
    names = [name for name, value in given.items() if value is not None]
    if path is not None and {"rna", "atac"} & set(names):
        message = "Give path= of one file with both layers, or rna= and atac=, not all of them."
        raise ValueError(message)
    has_peaks = "atac" in names or {"fragments", "peaks"} <= set(names)
    if path is None and not ("rna" in names and has_peaks):
        message = (
            f"Both layers are needed, only {_checks.examples(names)} are given. Give path= of one "
            "file with both, or rna= and either atac= or fragments= with peaks=."
        )
        raise ValueError(message)


def _add_quality(
    atac: AnnData,
    fragments: str | Path,
    annotation: "Genome | pd.DataFrame | str | Path | None",
) -> None:
    """Add what the fragments tell of the quality of the cells of a matrix."""
    counted = read_fragments(
        fragments,
        atac.var[list(_intervals.COLUMNS)],
        annotation=annotation,
        barcodes=list(atac.obs_names),
    )
    columns = list(counted.obs.columns)
    atac.obs[columns] = counted.obs.loc[atac.obs_names, columns]
    atac.uns[_keys.FRAGMENTS] = counted.uns[_keys.FRAGMENTS]


def _same_cells(fragments: str | Path, cells: list[str]) -> bool:
    """Tell by its beginning whether a fragment file is of these cells."""
    seen = _blocks.header_of(_detect.existing(fragments)).barcodes
    wanted, spelt = _barcodes.spelt_alike(cells, seen)
    known = set(wanted)
    return sum(spelt(name) in known for name in seen) >= PAIRED_FROM * len(seen)


def _joined(rna: AnnData, atac: AnnData, *, paired: bool | Literal["auto"]) -> "MuData":
    """Put both into a MuData, of shared cells or of all."""
    import mudata  # noqa: PLC0415 - slow to load, and needed by few

    for name, side in (("rna", rna), ("atac", atac)):
        _checks.unique(side.obs_names, f"cells of the {name} modality")
    pairs = _barcodes.shared(list(rna.obs_names), list(atac.obs_names))
    n, share = len(pairs.first), pairs.share(rna.n_obs, atac.n_obs)
    logger.info("%d of %d RNA and %d ATAC cells are shared", n, rna.n_obs, atac.n_obs)
    if paired is True and not n:
        message = (
            f"RNA and ATAC share no barcode: RNA has {_checks.examples(rna.obs_names)}, ATAC "
            f"{_checks.examples(atac.obs_names)}. Rename one side, or say paired=False if they are "
            "different cells."
        )
        raise ValueError(message)
    if paired is True or (paired == "auto" and share >= PAIRED_FROM):
        atac = atac[pairs.second].copy()
        rna = rna[pairs.first].copy()
        atac.obs_names = rna.obs_names
    else:
        logger.info("RNA and ATAC are taken for different cells: %.1f %% shared", 100 * share)
        _set_apart(rna, atac)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning, module="mudata")
        return mudata.MuData({"rna": rna, "atac": atac})


def _set_apart(rna: AnnData, atac: AnnData) -> None:
    """Give cells of one barcode a name of their own on each side."""
    common = set(rna.obs_names) & set(atac.obs_names)
    for side, ending in ((rna, "-rna"), (atac, "-atac")):
        side.obs_names = [f"{name}{ending}" if name in common else name for name in side.obs_names]
