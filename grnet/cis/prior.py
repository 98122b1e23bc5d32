"""A prior network: TFs bind peaks, peaks act on genes."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from grnet import _checks
from grnet.grn import GRN

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

Combine = Literal["noisy_or", "sum", "max"]


def prior_network(
    bindings: pd.DataFrame,
    links: pd.DataFrame,
    *,
    combine: Combine = "noisy_or",
    min_weight: float = 0.0,
    evidence: bool = True,
) -> GRN:
    """Join TF-peak bindings and peak-gene links into a network of TFs and genes.

    Parameters
    ----------
    bindings
        ``tf, peak, weight`` and more, from :func:`grnet.cis.bind`.
    links
        ``peak, gene, weight`` and more, from :func:`grnet.cis.link_peaks`, of the same peaks.
    combine
        How the peaks of a TF and a gene add up: ``"noisy_or"``, one minus the product of their
        doubts; ``"sum"``, as a share of the largest; ``"max"``, the best alone.
    min_weight
        Leave weaker edges out.
    evidence
        Keep every TF-peak-gene triplet, with the columns of both tables.

    Returns
    -------
    GRN
        ``edges``: ``source, target, weight`` (0..1] and ``n_regions``, the number of peaks.
        ``evidence``: ``source, region, target, weight`` (binding x link), and the columns of both
        tables, their weights as ``binding`` and ``link``. Every TF and gene is a node.

    Raises
    ------
    ValueError
        If the tables share no peak, or nothing reaches ``min_weight``.

    Notes
    -----
    Edges of a TF to itself are left out: no score of expression could confirm them.

    Examples
    --------
    >>> import pandas as pd
    >>> import grnet as gn
    >>> bindings = pd.DataFrame({"tf": "SPI1", "peak": ["p1", "p2"], "weight": [0.5, 1.0]})
    >>> links = pd.DataFrame({"peak": ["p1", "p2"], "gene": "CD14", "weight": [1.0, 0.5]})
    >>> gn.cis.prior_network(bindings, links).edges
      source target  weight  n_regions
    0   SPI1   CD14    0.75          2
    """
    _checks.one_of(combine, get_args(Combine), "way to combine")
    _checks.in_range(min_weight, 0.0, 1.0, what="min_weight")
    for table, columns, what in (
        (bindings, ("tf", "peak", "weight"), "the table of bindings"),
        (links, ("peak", "gene", "weight"), "the table of links"),
    ):
        _checks.has_columns(table, columns, what)
        _refuse_weights(table["weight"], what)
    triplets = _triplets(bindings, links)
    edges, triplets = _edges(triplets, combine=combine, min_weight=min_weight)
    tfs, genes = bindings["tf"].astype(str).unique(), links["gene"].astype(str).unique()
    names = pd.Index(tfs).union(pd.Index(genes))
    made = {f"links_{name}": value for name, value in links.attrs.items()}
    return GRN(
        edges,
        evidence=_evidence(bindings, links, triplets) if evidence else None,
        nodes=pd.DataFrame({"is_tf": names.isin(tfs)}, index=names),
        params={"method": "prior_network", "combine": combine, "min_weight": min_weight, **made},
    )


class _Triplets(NamedTuple):
    """Rows of bindings and links that share a peak, their pair of names, and their weight."""

    binding: Ints
    link: Ints
    source: Ints
    target: Ints
    weight: Floats
    names: pd.Index

    def take(self, rows: npt.NDArray[np.bool_]) -> _Triplets:
        """Return some of the triplets."""
        return _Triplets(
            self.binding[rows],
            self.link[rows],
            self.source[rows],
            self.target[rows],
            self.weight[rows],
            self.names,
        )

    def named(self, codes: Ints) -> pd.Series[Any]:
        """Return names as a category."""
        return pd.Series(pd.Categorical.from_codes(codes, self.names))


def _refuse_weights(weight: pd.Series[Any], what: str) -> None:
    wrong = ~weight.between(0.0, 1.0)
    if wrong.any():
        message = (
            f"{int(wrong.sum())} weights of {what} lie outside 0 to 1: "
            f"{_checks.examples(weight[wrong])}. Scale them first."
        )
        raise ValueError(message)


def _triplets(bindings: pd.DataFrame, links: pd.DataFrame) -> _Triplets:
    """Return every binding beside every link of its peak, without those of a gene to itself."""
    peaks = pd.Index(links["peak"].astype(str)).unique()
    of_link = peaks.get_indexer(pd.Index(links["peak"].astype(str)))
    of_binding = peaks.get_indexer(pd.Index(bindings["peak"].astype(str)))
    if (of_binding < 0).all():
        message = (
            f"Bindings and links share no peak: the former have "
            f"{_checks.examples(bindings['peak'].unique())}, the latter "
            f"{_checks.examples(peaks)}. Make both from the same peaks."
        )
        raise ValueError(message)
    order = np.argsort(of_link, kind="stable")
    counts = np.bincount(of_link, minlength=len(peaks))
    first = np.cumsum(counts) - counts
    repeats = np.where(of_binding >= 0, counts[of_binding], 0)
    binding = np.repeat(np.arange(len(bindings)), repeats)
    nth = np.arange(len(binding)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    link = order[first[of_binding[binding]] + nth]
    names = pd.Index(bindings["tf"].astype(str)).union(pd.Index(links["gene"].astype(str))).unique()
    source = names.get_indexer(pd.Index(bindings["tf"].astype(str)))[binding]
    target = names.get_indexer(pd.Index(links["gene"].astype(str)))[link]
    weight = bindings["weight"].to_numpy(np.float64)[binding]
    weight *= links["weight"].to_numpy(np.float64)[link]
    other = (source != target) & (weight > 0)
    return _Triplets(binding, link, source, target, weight, names).take(other)


def _edges(
    triplets: _Triplets, *, combine: Combine, min_weight: float
) -> tuple[pd.DataFrame, _Triplets]:
    """Return the edges, and the triplets that belong to them."""
    n_names = len(triplets.names)
    pairs, own, counts = np.unique(
        triplets.source * n_names + triplets.target, return_inverse=True, return_counts=True
    )
    weight = _combined(triplets.weight, own, len(pairs), combine=combine)
    strong = weight >= min_weight
    if not strong.any():
        found = f"the strongest of {len(pairs)} has {weight.max():.3g}" if len(pairs) else "none"
        message = f"No edge has a weight of min_weight={min_weight:g}: {found}. Lower it."
        raise ValueError(message)
    source, target = np.divmod(pairs[strong], n_names)
    edges = pd.DataFrame({"source": triplets.named(source), "target": triplets.named(target)})
    edges = edges.assign(weight=weight[strong], n_regions=counts[strong])
    return edges, triplets.take(strong[own])


def _combined(weight: Floats, own: Ints, n_pairs: int, *, combine: Combine) -> Floats:
    """Return one weight per pair."""
    if combine == "max":
        best = np.zeros(n_pairs)
        np.maximum.at(best, own, weight)
        return best
    if combine == "sum":
        total = np.bincount(own, weights=weight, minlength=n_pairs)
        return np.asarray(total / total.max(initial=1e-300))
    doubt = np.bincount(own, weights=np.log1p(-np.minimum(weight, 1 - 1e-12)), minlength=n_pairs)
    return np.asarray(-np.expm1(doubt))


def _evidence(bindings: pd.DataFrame, links: pd.DataFrame, triplets: _Triplets) -> pd.DataFrame:
    """Return the triplets with what is known of each half."""
    binding = bindings.drop(columns=["tf"]).rename(columns={"weight": "binding", "peak": "region"})
    link = links.drop(columns=["peak", "gene"]).rename(columns={"weight": "link"})
    left = binding.iloc[triplets.binding].reset_index(drop=True)
    right = link.iloc[triplets.link].reset_index(drop=True)
    table = pd.concat([left, right.drop(columns=left.columns, errors="ignore")], axis=1)
    table = table.assign(
        source=triplets.named(triplets.source),
        target=triplets.named(triplets.target),
        region=table["region"].astype("category"),
        weight=triplets.weight,
    )
    first = ["source", "region", "target", "weight"]
    return table[[*first, *table.columns.difference(first, sort=False)]].sort_values(
        first[:3], ignore_index=True
    )
