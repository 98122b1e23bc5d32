"""Motifs that a model has learnt, from the seqlets that its answers come from."""

from dataclasses import replace

import pandas as pd
from torch import nn

from grnet import _checks
from grnet._alphabet import Codes
from grnet.explain import _clusters, _matrices, _windows
from grnet.explain._door import Target
from grnet.explain._job import Method
from grnet.explain.attribution import Attributions, attributions
from grnet.explain.calling import seqlets as call_seqlets
from grnet.io.motifs import Motif

_MOST = 2000
_SHUFFLES = 4
_LOOSE = 0.6
"""Gradients of deep models are noisy: sites of one motif are less alike in them."""


def seqlet_motifs(
    seqlets: pd.DataFrame,
    attributions: Attributions,
    *,
    n_motifs: int = 5,
    width: int = 20,
    min_similarity: float = 0.75,
    min_sites: int = 10,
    prefix: str = "motif",
) -> list[Motif]:
    """Gather seqlets that look alike into motifs.

    Parameters
    ----------
    seqlets
        ``row, start, end`` of :func:`seqlets`; of more than 2,000 the first are taken.
    attributions
        What the seqlets were found in.
    n_motifs
        Return at most so many.
    width
        Bases that are compared; no motif is wider.
    min_similarity
        Cosine of a seqlet's contributions with those of its motif.
    min_sites
        Seqlets of which a motif is made, at least.
    prefix
        Names are ``prefix_1``, ``prefix_2``, ...

    Returns
    -------
    list of Motif
        The motif of most seqlets first, cut to its informative positions; ``n_sites`` is their
        number. Seqlets of both strands are turned into one direction.

    Raises
    ------
    ValueError
        If a column is missing.

    Notes
    -----
    The seqlet with most others like it begins a pattern and is set aside with them, and so on.
    Then each seqlet goes to the pattern that it fits best, at the best offset on either strand,
    and patterns are averaged anew, four times. What is compared is what every letter would
    contribute, as in TF-MoDISco (Shrikumar et al. 2018), which finds communities instead.

    Examples
    --------
    >>> import numpy as np
    >>> import grnet as gn
    >>> rng = np.random.default_rng(0)
    >>> codes = rng.integers(4, size=(60, 50), dtype=np.uint8)
    >>> codes[:, 20:27] = gn.dna.to_codes("TGACTCA")
    >>> values = gn.dna.one_hot(codes)
    >>> values[:, :, :20] = values[:, :, 27:] = 0
    >>> found = gn.explain.Attributions(values, codes)
    >>> seqlets = gn.explain.seqlets(found, width=7)
    >>> gn.explain.seqlet_motifs(seqlets, found)[0].consensus
    'TGACTCA'
    """
    _checks.has_columns(seqlets, ("row", "start", "end"), "the table of seqlets")
    if len(seqlets) < min_sites:
        return []
    windows = _windows.around(seqlets.head(_MOST), attributions, width=2 * width)
    found = _clusters.gathered(
        windows, width=width, min_similarity=min_similarity, min_sites=min_sites
    )
    motifs = [_matrices.trimmed(counts) for counts in found]
    kept = sorted((m for m in motifs if m is not None), key=lambda m: -(m.n_sites or 0))
    return [replace(m, name=f"{prefix}_{i}") for i, m in enumerate(kept[:n_motifs], start=1)]


def task_motifs(
    model: nn.Module,
    codes: Codes,
    *,
    target: Target = 0,
    method: Method = "input_x_gradient",
    fdr: float = 0.05,
    n_motifs: int = 5,
    prefix: str = "motif",
    seed: int = 0,
) -> list[Motif]:
    """Find the motifs that raise one output of a model, in one call.

    Parameters
    ----------
    model
        Any sequence model that returns logits.
    codes
        uint8 (N, L): sequences that the model is sure of, for example the 300 of a test set with
        the highest output among those that are bound.
    target
        Which output, as for :func:`attributions`.
    method
        As for :func:`attributions`; the fast one is good enough to see motifs. A model without
        gradients needs ``"saturation_mutagenesis"``.
    fdr
        As for :func:`seqlets`.
    n_motifs
        Return at most so many.
    prefix
        Names are ``prefix_1``, ``prefix_2``, ...
    seed
        Of the shuffles.

    Returns
    -------
    list of Motif
        The motif of most sites first; none where nothing stands out.

    Raises
    ------
    ValueError
        If these are no codes, or the model has no such output or no gradient.

    Notes
    -----
    At least as many windows as there are sequences are compared, the strongest, even where fewer
    stand out: what they share is evidence too. So a model that has learnt little may show chance
    patterns; compare with :func:`grnet.cis.compare_motifs`, or take the steps one by one.

    See Also
    --------
    attributions, seqlets, seqlet_motifs : the steps, with their settings.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> import grnet as gn
    >>> class HighestSite(torch.nn.Module):
    ...     def forward(self, hot):
    ...         site = torch.from_numpy(gn.dna.one_hot(gn.dna.to_codes("TGACTCA")))
    ...         return torch.nn.functional.conv1d(hot, site[None]).relu().amax(-1)
    >>> codes = np.random.default_rng(0).integers(4, size=(100, 60), dtype=np.uint8)
    >>> codes[:, 20:27] = gn.dna.to_codes("TGACTCA")
    >>> [motif.consensus for motif in gn.explain.task_motifs(HighestSite(), codes)]
    ['TGACTCA']
    """
    is_single = method in {"saturation_mutagenesis", "input_x_gradient"}
    given = attributions(
        model,
        codes,
        target=target,
        method=method,
        n_shuffles=1 if is_single else _SHUFFLES,
        tolerance=None,
        seed=seed,
    )
    windows = call_seqlets(given, fdr=1)
    n_called = max(int((windows["fdr"] <= fdr).sum()), len(given.codes))
    found = windows.loc[windows["score"] > 0].head(n_called)
    return seqlet_motifs(found, given, n_motifs=n_motifs, prefix=prefix, min_similarity=_LOOSE)
