"""Activity of genes, from the accessibility of the peaks around them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import scipy.sparse as sp
from anndata import AnnData

from grnet import _genes, _intervals
from grnet.io.genome.annotation import as_genes
from grnet.pp import _peak_genes
from grnet.pp._matrix import matrix_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from grnet.io import Genome

logger = logging.getLogger(__name__)


def gene_activity(
    adata: AnnData,
    annotation: Genome | pd.DataFrame | str | Path,
    *,
    upstream: int = 2_000,
    downstream: int = 0,
    decay: float | None = None,
    genes: Iterable[str] | None = None,
    aliases: pd.DataFrame | None = None,
    layer: str | None = None,
) -> AnnData:
    """Sum the accessibility of the peaks over each gene and its promoter.

    Parameters
    ----------
    adata
        Cells x peaks, raw counts.
    annotation
        Genes: a :class:`grnet.io.Genome`, a table, or the path of one.
    upstream, downstream
        Bases before the start and after the end of a gene that belong to it too.
    decay
        Distance in bases over which the weight of a peak outside falls to 37 %; peaks count up to
        five times as far. None leaves them out.
    genes
        Names to use, e.g. ``rna.var_names``; None for all genes.
    aliases
        Table of further names, one gene a row, one kind of name a column.
    layer
        Where the counts are; None for ``X``.

    Returns
    -------
    AnnData
        Cells x genes that have a peak, CSR of float32, in the order of the annotation, with
        ``n_peaks`` in ``var``. Normalise it as expression.

    Raises
    ------
    ValueError
        If no gene is on the chromosomes of the peaks, or none has a peak.

    Examples
    --------
    >>> import anndata as ad
    >>> import numpy as np
    >>> import pandas as pd
    >>> import grnet as gn
    >>> var = pd.DataFrame(index=["chr1:900-1000", "chr1:4000-4100", "chr1:9000-9100"])
    >>> adata = ad.AnnData(np.array([[1.0, 2.0, 4.0]]), var=var)
    >>> table = pd.DataFrame({"chrom": "1", "start": [2500], "end": 5000, "strand": "+",
    ...     "tss": 2500, "gene": "SPI1"})
    >>> gn.pp.gene_activity(adata, table).to_df()["SPI1"].tolist()
    [3.0]
    """
    if upstream < 0 or downstream < 0 or (decay is not None and decay <= 0):
        message = f"Distances are positive: {upstream=}, {downstream=}, {decay=}."
        raise ValueError(message)
    counts = matrix_of(adata, layer)
    table = _genes.located(as_genes(annotation), genes, aliases=aliases)
    weights, names = _peak_genes.weights(
        _intervals.of_variables(adata.var, what="the peaks"),
        table,
        upstream=upstream,
        downstream=downstream,
        decay=decay,
    )
    n_peaks = np.diff(weights.tocsc().indptr)
    with_peaks = np.flatnonzero(n_peaks)
    if not len(with_peaks):
        message = (
            f"None of {len(names)} genes has one of {adata.n_vars} peaks within {upstream} bases: "
            "are peaks and annotation of the same assembly?"
        )
        raise ValueError(message)
    logger.info("%d of %d genes have a peak", len(with_peaks), len(names))
    values = sp.csr_matrix(counts @ weights[:, with_peaks], dtype=np.float32)
    var = pd.DataFrame({"n_peaks": n_peaks[with_peaks]}, index=pd.Index(names)[with_peaks])
    return AnnData(values, obs=adata.obs.copy(), var=var)
