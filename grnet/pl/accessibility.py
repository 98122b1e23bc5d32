"""Pictures of the quality of ATAC-seq: fragment lengths, start sites, cells."""

import matplotlib.pyplot as plt
import numpy as np
from anndata import AnnData
from matplotlib.axes import Axes

from grnet import _checks, _keys

COLOUR = "#0072B2"
GREY = "#9A9A9A"

NUCLEOSOME = 147
FLANK = 100
"""Bases at either end of the profile whose mean is 1."""


def fragment_lengths(adata: AnnData, *, max_length: int = 800, ax: Axes | None = None) -> Axes:
    """Draw how long the fragments are; one wave for each number of nucleosomes.

    Parameters
    ----------
    adata
        Cells x peaks, as ``gn.io.read_fragments`` returns them.
    max_length
        Longest fragment shown.
    ax
        Axes to draw into; new ones without.

    Returns
    -------
    The axes. Dashed lines are at 147 and 294 bases, one and two nucleosomes.

    Raises
    ------
    ValueError
        If ``adata`` does not come from fragments.

    Examples
    --------
    >>> import anndata as ad
    >>> import numpy as np
    >>> import grnet as gn
    >>> adata = ad.AnnData(np.ones((2, 3)))
    >>> adata.uns["grnet_fragments"] = {"lengths": np.arange(1001)}
    >>> gn.pl.fragment_lengths(adata).get_xlabel()
    'Fragment length (bases)'
    """
    lengths = np.asarray(_kept(adata, "lengths"), dtype=np.float64)
    shown = np.arange(min(max_length + 1, len(lengths)))
    ax = ax or _axes()
    per_cent = 100 * lengths / max(1.0, lengths.sum())
    ax.fill_between(shown, per_cent[shown], color=COLOUR, alpha=0.25, linewidth=0)
    ax.plot(shown, per_cent[shown], color=COLOUR, linewidth=1.5)
    for n in (1, 2):
        ax.axvline(n * NUCLEOSOME, color="black", linestyle="--", linewidth=0.8)
    ax.set(
        xlabel="Fragment length (bases)",
        ylabel="Fragments (% per base)",
        xlim=(0, shown[-1]),
        ylim=(0, None),
    )
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def tss_profile(adata: AnnData, *, smooth: int = 51, ax: Axes | None = None) -> Axes:
    """Draw how many insertions there are around transcription start sites.

    Parameters
    ----------
    adata
        Cells x peaks, read by ``gn.io.read_fragments`` with an annotation.
    smooth
        Width in bases of the running mean.
    ax
        Axes to draw into; new ones without.

    Returns
    -------
    The axes. The outer hundred bases on either side are 1 on average; the grey line is not
    smoothed.

    Raises
    ------
    ValueError
        If ``adata`` was read without an annotation.

    Examples
    --------
    >>> import anndata as ad
    >>> import numpy as np
    >>> import grnet as gn
    >>> adata = ad.AnnData(np.ones((2, 3)))
    >>> distance = np.abs(np.arange(-2000, 2001))
    >>> adata.uns["grnet_fragments"] = {"tss_profile": 10 + (distance < 100) * 90}
    >>> gn.pl.tss_profile(adata).get_title()
    'Enrichment at start sites: 10.0'
    """
    counts = np.asarray(_kept(adata, "tss_profile"), dtype=np.float64)
    beside = np.r_[counts[:FLANK], counts[-FLANK:]].mean()
    if not beside > 0:
        message = "No insertion lies in the outer bases of the profile: too few fragments to draw."
        raise ValueError(message)
    profile = counts / beside
    place = np.arange(len(profile)) - len(profile) // 2
    # a running mean; at the ends it is of the bases that are there
    _checks.whole(smooth, 1, len(profile) // 2, what="smooth")
    window = np.ones(smooth)
    mean = np.convolve(profile, window, "same") / np.convolve(np.ones_like(profile), window, "same")
    ax = ax or _axes()
    ax.plot(place, profile, color=GREY, linewidth=0.5, alpha=0.6)
    ax.plot(place, mean, color=COLOUR, linewidth=2)
    ax.axhline(1, color="black", linestyle="--", linewidth=0.8)
    centre = profile[np.abs(place) <= 50].mean()
    ax.set(
        xlabel="Distance from the start site (bases, negative is upstream)",
        ylabel="Insertions, times those beside",
        xlim=(place[0], place[-1]),
        xticks=np.linspace(place[0], place[-1], 5),
        ylim=(0, None),
        title=f"Enrichment at start sites: {centre:.1f}",
    )
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def atac_cells(
    adata: AnnData,
    *,
    min_fragments: float | None = None,
    min_enrichment: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the cells: how many fragments they have, and how enriched these are at start sites.

    Parameters
    ----------
    adata
        Cells x peaks, as ``gn.io.read_fragments`` returns them. Without an annotation the share of
        fragments in peaks takes the place of the enrichment.
    min_fragments, min_enrichment
        Thresholds to draw; the title says how many cells pass.
    ax
        Axes to draw into; new ones without.

    Returns
    -------
    The axes.

    Raises
    ------
    ValueError
        If ``adata.obs`` has no such figures.

    Examples
    --------
    >>> import anndata as ad
    >>> import numpy as np
    >>> import pandas as pd
    >>> import grnet as gn
    >>> obs = pd.DataFrame({"n_fragments": [900, 5000], "tss_enrichment": [2.0, 9.0]}, list("ab"))
    >>> ax = gn.pl.atac_cells(ad.AnnData(np.ones((2, 3)), obs=obs), min_fragments=1000)
    >>> ax.get_title()
    '1 of 2 cells pass'
    """
    height = "tss_enrichment" if "tss_enrichment" in adata.obs else "frip"
    _checks.has_columns(adata.obs, ["n_fragments", height], "adata.obs")
    cells = adata.obs[["n_fragments", height]]
    ax = ax or _axes()
    ax.scatter(cells["n_fragments"], cells[height], s=8, color=COLOUR, alpha=0.5, linewidth=0)
    passing = np.ones(len(cells), dtype=bool)
    if min_fragments is not None:
        passing &= (cells["n_fragments"] >= min_fragments).to_numpy()
        ax.axvline(min_fragments, color="black", linestyle="--", linewidth=0.8)
    if min_enrichment is not None:
        passing &= (cells[height] >= min_enrichment).to_numpy()
        ax.axhline(min_enrichment, color="black", linestyle="--", linewidth=0.8)
    named = "Enrichment at start sites" if height == "tss_enrichment" else "Share in peaks"
    ax.set(xlabel="Fragments (log scale)", ylabel=named, xscale="log")
    ax.set_ylim(0, 1.1 * max(float(cells[height].max()), min_enrichment or 0))
    if min_fragments is not None or min_enrichment is not None:
        ax.set_title(f"{int(passing.sum()):,} of {len(cells):,} cells pass")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _kept(adata: AnnData, name: str) -> np.ndarray:
    """Return what was kept while fragments were read."""
    kept = adata.uns.get(_keys.FRAGMENTS, {})
    if name not in kept:
        fix = "with annotation=" if name == "tss_profile" else "first"
        message = (
            f"adata.uns[{_keys.FRAGMENTS!r}] has no {name!r}: read the fragments {fix}, "
            "gn.io.read_fragments(path, peaks)."
        )
        raise ValueError(message)
    return np.asarray(kept[name])


def _axes() -> Axes:
    return plt.subplots(figsize=(5.6, 3.6), layout="constrained")[1]
