"""Which peaks may act on which genes."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control

from grnet import _checks, _chromosomes, _genes, _intervals
from grnet.cis import _inputs, _moments, _null, _pairs
from grnet.io.genome import Genome
from grnet.io.genome.annotation import as_genes, promoter_windows

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import numpy.typing as npt

logger = logging.getLogger(__name__)

Method = Literal["auto", "distance", "correlation", "rank_correlation", "promoter"]


def link_peaks(  # noqa: PLR0913 - each option belongs to one of the methods and has a default
    data: _inputs.Data | None,
    annotation: Genome | pd.DataFrame | str | Path,
    *,
    method: Method = "auto",
    max_distance: int | None = None,
    scale: float | None = None,
    gene_body: bool = False,
    promoter: tuple[int, int] = (1000, 100),
    n_permutations: int = 1000,
    genes: Iterable[str] | None = None,
    aliases: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Link peaks to genes by distance or by correlation over cells, or take promoters as peaks.

    Parameters
    ----------
    data
        MuData with ``rna`` and ``atac``, AnnData of peaks, frame of intervals. For
        ``"promoter"``: MuData, AnnData of genes, their names, or None.
    annotation
        Genome with annotation, frame, or file of genes. With a Genome GC content is matched too.
    method
        ``"distance"``; ``"correlation"`` (Pearson) or ``"rank_correlation"`` (Spearman) over the
        cells or metacells that both modalities share; ``"promoter"`` where there are no peaks.
        ``"auto"``: correlation where 50 cells are shared, distance for other peaks, else promoter.
    max_distance
        How far a peak may lie from the start site; by default the mean distance between start
        sites, 1,000 to 100,000: the latter for human, 1,800 for yeast.
    scale
        Distance over which the weight falls e-fold; by default a fifth of ``max_distance``.
    gene_body
        Measure from the body of the gene instead of its start site.
    promoter
        Bases upstream and downstream of the start site that make a promoter.
    n_permutations
        How many background peaks the null of each gene rests on, at least where there are so many.
    genes
        The genes wanted, under the names they shall bear; by default those of the data, or all.
    aliases
        Further names of genes, one gene a row, one kind of name a column.

    Returns
    -------
    DataFrame
        ``peak, gene, distance`` (signed, negative upstream; from the nearest start site to the
        nearest base of the peak), ``weight`` (0..1]; with correlation ``correlation, pvalue,
        fdr``. How it was made is in ``attrs``.

    Raises
    ------
    ValueError
        If no peak is near a gene, names do not match, or there is no background.

    Notes
    -----
    ``weight = exp(-|distance| / scale)``, as in ArchR and MAESTRO. The p-value (one-sided: open
    where expressed) compares a correlation with those of peaks of like accessibility (and GC) on
    other chromosomes, as in Signac and FigR: these share depth and cell states, not the gene. The
    nulls, standardised, are pooled over genes of like kurtosis, so that small p-values are counted
    and not read off a normal curve, which sparse data do not follow. ``fdr`` is that of Benjamini
    and Hochberg over all pairs; the weight is then ``1 - (1 - exp(...)) * fdr``.

    Examples
    --------
    >>> import pandas as pd
    >>> import grnet as gn
    >>> genes = pd.DataFrame({"chrom": "chr1", "tss": [500], "gene": "G", "strand": "+"})
    >>> peaks = pd.DataFrame({"chrom": "chr1", "start": [100, 450], "end": [201, 550]})
    >>> gn.cis.link_peaks(peaks, genes, scale=1000).round(2)
               peak gene  distance  weight
    0  chr1:450-550    G         0    1.00
    1  chr1:100-201    G      -300    0.74
    """
    _checks.one_of(method, get_args(Method), "method")
    chosen = _inputs.usual_method(data) if method == "auto" else method
    every = as_genes(annotation)
    wanted = _inputs.gene_names(data, promoter=chosen == "promoter") if genes is None else genes
    placed = _genes.located(every, wanted, aliases=aliases)
    if chosen == "promoter":
        return _promoters(placed, annotation, promoter)
    reach = _pairs.usual_distance(every) if max_distance is None else max_distance
    fall = max(reach / 5, 1.0) if scale is None else scale
    _checks.in_range(reach, 0, 1 << 31, what="max_distance")
    _checks.in_range(fall, 1e-9, np.inf, what="scale")
    peaks = _inputs.regions_of(data)
    if isinstance(annotation, Genome):
        annotation.harmonise(peaks, what="the peaks")
    placed = _chromosomes.renamed(placed, peaks["chrom"].unique(), what="the annotation")
    pairs, names = _pairs.near(peaks, placed, max_distance=reach, gene_body=gene_body)
    links = _frame(peaks.index[pairs.peak], names[pairs.gene], pairs.distance)
    links["weight"] = np.exp(-np.abs(pairs.distance) / fall)
    if chosen != "distance":
        _checks.whole(n_permutations, _null.LEAST_BACKGROUND, 1 << 31, what="n_permutations")
        ranked = chosen == "rank_correlation"
        columns = _columns(data, annotation, peaks, genes=placed, names=names, ranked=ranked)
        found = _null.compared(columns, pairs, n_background=n_permutations)
        links = _weighed(links.assign(**found._asdict()))
    return _finished(links, method=chosen, max_distance=reach, scale=fall)


def _frame(peaks: pd.Index, genes: pd.Index, distance: npt.NDArray[np.int64]) -> pd.DataFrame:
    return pd.DataFrame({"peak": peaks.to_numpy(), "gene": genes.to_numpy(), "distance": distance})


def _weighed(links: pd.DataFrame) -> pd.DataFrame:
    """Add the false discovery rate, and raise the weights of pairs that it leaves."""
    fdr = false_discovery_control(links["pvalue"])
    return links.assign(fdr=fdr, weight=1 - (1 - links["weight"]) * fdr)


def _finished(links: pd.DataFrame, **params: Any) -> pd.DataFrame:  # noqa: ANN401 - scalars
    """Sort by gene and distance, drop weights that vanish, and say how the links were made."""
    links = links.loc[links["weight"] > 0]
    order = links.assign(away=links["distance"].abs()).sort_values(["gene", "away", "peak"]).index
    links = links.loc[order].reset_index(drop=True)
    links.attrs.update(params)
    logger.info(
        "%d links of %d peaks and %d genes (%s)",
        *(len(links), links["peak"].nunique(), links["gene"].nunique(), params),
    )
    return links


def _promoters(
    genes: pd.DataFrame,
    annotation: Genome | pd.DataFrame | str | Path,
    promoter: tuple[int, int],
) -> pd.DataFrame:
    """Return a region around each start site, linked to its gene."""
    upstream, downstream = promoter
    _checks.whole(upstream, 0, 1 << 31, what="promoter[0] (bases upstream)")
    _checks.whole(downstream, 1, 1 << 31, what="promoter[1] (bases downstream)")
    sizes = annotation.sizes if isinstance(annotation, Genome) else None
    windows = promoter_windows(genes, upstream=upstream, downstream=downstream, sizes=sizes)
    peak = _intervals.names(windows).to_numpy()
    links = pd.DataFrame({"peak": peak, "gene": genes["gene"].to_numpy(), "distance": 0})
    links = links.assign(weight=1.0).drop_duplicates(["peak", "gene"])
    return _finished(links, method="promoter", upstream=upstream, downstream=downstream)


def _columns(
    data: _inputs.Data | None,
    annotation: Genome | pd.DataFrame | str | Path,
    peaks: pd.DataFrame,
    *,
    genes: pd.DataFrame,
    names: pd.Index,
    ranked: bool,
) -> _null.Measured:
    """Return both modalities over the cells that they share."""
    rna, atac = _inputs.paired(data)
    absent = names[~names.isin(rna.var_names)]
    if len(absent):
        message = (
            f"{len(absent)} of {len(names)} genes are not in mdata['rna'] "
            f"({_checks.examples(absent)}): correlation needs their expression. Leave genes= out, "
            "or use method='distance'."
        )
        raise ValueError(message)
    access, expression = _moments.columns(atac.X), rna[:, names].X
    _checks.finite(access, list(peaks.index), "The matrix of peaks")
    expression = _moments.columns(expression)
    _checks.finite(expression, list(names), "The matrix of genes")
    if ranked:
        access, expression = _moments.ranks(access), _moments.ranks(expression)
    sites = genes[["chrom"]].assign(gene=names.get_indexer(pd.Index(genes["gene"].astype(str))))
    gc = annotation.gc(peaks) if isinstance(annotation, Genome) else None
    return _null.measured(access, expression, peaks, sites=sites, gc=gc)
