"""Which known motifs a motif looks like."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control

from grnet import _checks
from grnet.cis import _tomtom
from grnet.io.motifs import Motif


def compare_motifs(
    queries: Motif | Iterable[Motif],
    targets: Iterable[Motif],
    *,
    max_pvalue: float = 1e-3,
    n_best: int | None = None,
) -> pd.DataFrame:
    """Find the known motifs that motifs look like, on either strand.

    Parameters
    ----------
    queries
        A motif, or several, for example those that a model learnt.
    targets
        Known motifs, as :func:`grnet.io.read_motifs` returns them.
    max_pvalue
        The probability with which a motif made of columns of the targets aligns as well; 1 keeps
        every pair.
    n_best
        Keep at most so many targets of each query.

    Returns
    -------
    DataFrame
        ``query, target, tf, pvalue, fdr, offset, overlap, strand``, in the order of the queries,
        the best target first. ``tf`` joins the TFs of the target by ``::`` (without any, it is the
        target's name). ``fdr`` is that of Benjamini and Hochberg over all targets of a query.
        ``offset`` says at which position of the target the query begins (negative: before it),
        ``overlap`` how many positions they share. Where ``strand`` is ``-``, this holds for the
        reverse complement of the target.

    Raises
    ------
    ImportError
        If memelite is missing.
    ValueError
        If there is no query or no target, or if two of them have the same name.

    Notes
    -----
    TOMTOM (Gupta et al. 2007) with complete scores (Tanaka et al. 2011), as memelite computes it:
    the background of a score are the columns of all targets. Below 50 targets it is filled up with
    the columns of made-up motifs, so that one target alone has a meaningful p-value as well. The
    first call on a machine compiles for a minute.

    Examples
    --------
    >>> import numpy as np
    >>> import grnet as gn
    >>> ap1 = gn.io.Motif("AP1", ("FOS", "JUN"), np.eye(4)[[3, 2, 0, 1, 3, 1, 0]].T)
    >>> tata = gn.io.Motif("box", ("TBP",), np.eye(4)[[3, 0, 3, 0, 0, 0]].T)
    >>> learnt = gn.io.Motif("filter", (), np.eye(4)[[1, 3, 2, 0, 1, 3, 1]].T)
    >>> found = gn.cis.compare_motifs(learnt, [ap1, tata])
    >>> found[["query", "target", "tf", "offset", "overlap", "strand"]]
        query target        tf  offset  overlap strand
    0  filter    AP1  FOS::JUN      -1        6      +
    """
    _checks.in_range(max_pvalue, 0, 1, what="max_pvalue")
    asked = [queries] if isinstance(queries, Motif) else list(queries)
    known = list(targets)
    _checked(asked, "queries")
    _checked(known, "targets")
    found = _tomtom.aligned(
        [motif.probabilities for motif in asked], [motif.probabilities for motif in known]
    )
    order = np.argsort(found.pvalue, axis=1, kind="stable")[:, :n_best]
    row = np.repeat(np.arange(len(asked)), order.shape[1])
    column = order.ravel()
    table = pd.DataFrame(
        {
            "query": _names(asked)[row],
            "target": _names(known)[column],
            "tf": np.array(["::".join(m.tfs) or m.name for m in known], dtype=object)[column],
            "pvalue": found.pvalue[row, column],
            "fdr": false_discovery_control(found.pvalue, axis=1)[row, column],
            "offset": found.offset[row, column],
            "overlap": found.overlap[row, column],
            "strand": np.where(found.minus[row, column], "-", "+").astype(object),
        }
    )
    return table.loc[table["pvalue"] <= max_pvalue].reset_index(drop=True)


def _names(motifs: Sequence[Motif]) -> np.ndarray:
    return np.array([motif.name for motif in motifs], dtype=object)


def _checked(motifs: Sequence[Motif], what: str) -> None:
    """Raise unless there are motifs, each with a name of its own."""
    if not motifs:
        message = f"There is nothing to compare: the list of {what} is empty."
        raise ValueError(message)
    names = pd.Index([motif.name for motif in motifs])
    if not names.is_unique:
        doubled = names[names.duplicated()].unique()
        message = (
            f"{len(doubled)} names occur more than once among the {what} "
            f"({_checks.examples(doubled)}), so that a result could mean either motif. Drop the "
            "doubles, or rename them with dataclasses.replace(motif, name=...)."
        )
        raise ValueError(message)
