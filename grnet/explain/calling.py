"""Seqlets: short stretches that contribute more than chance explains."""

from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import false_discovery_control

from grnet import _checks
from grnet.explain.attribution import Attributions

Floats = npt.NDArray[np.float64]
Sign = Literal["positive", "negative", "both"]

_LEAST_SCALE = 0.05


def seqlets(
    attributions: Attributions,
    *,
    null: Attributions | None = None,
    width: int = 10,
    fdr: float = 0.05,
    sign: Sign = "positive",
) -> pd.DataFrame:
    """Find the stretches of sequences whose contributions stand out.

    Parameters
    ----------
    attributions
        Of :func:`attributions`, or made from an array of your own.
    null
        Attributions of sequences without sites, for example of shuffles, by the same model and
        method. Without them, chance is a Laplace distribution fitted to all windows.
    width
        Bases of a window; about as wide as the core of a motif.
    fdr
        Share of the windows that may be there by chance.
    sign
        Look for contributions that raise the output, that lower it, or both.

    Returns
    -------
    DataFrame
        ``row, start, end, score, pvalue, fdr``, the strongest first. ``row`` is that of the
        sequence, ``score`` the sum of the contributions. Windows do not overlap.

    Raises
    ------
    ValueError
        If the sequences are shorter than the window, or of another length than those of ``null``.

    Notes
    -----
    As in TF-MoDISco (Shrikumar et al. 2018), each side of the Laplace distribution has a scale of
    its own; here both are set by medians, which sites do not move. With ``null``, p-values are
    counted. The false discovery rate is that of Benjamini and Hochberg over all windows.

    Examples
    --------
    >>> import numpy as np
    >>> import grnet as gn
    >>> rng = np.random.default_rng(0)
    >>> codes = rng.integers(4, size=(50, 60), dtype=np.uint8)
    >>> values = rng.normal(size=(50, 4, 60))
    >>> values[:5, :, 20:30] += 4
    >>> found = gn.explain.seqlets(gn.explain.Attributions(values, codes))
    >>> sorted(found["row"]), bool(found["start"].between(18, 22).all())
    ([0, 1, 2, 3, 4], True)
    """
    _checks.in_range(fdr, 0, 1, what="fdr")
    _checks.one_of(sign, ("positive", "negative", "both"), "sign")
    sums = window_sums(attributions.contributions, width)
    chance = None if null is None else window_sums(null.contributions, width).ravel()
    tested = np.ones_like(sums) if sums.std() == 0 else _pvalues(sums, chance, sign)
    adjusted = false_discovery_control(tested.ravel()).reshape(tested.shape)
    row, start = np.nonzero(adjusted <= fdr)
    strongest = np.argsort(-np.abs(sums[row, start]), kind="stable")
    row, start = _apart(row[strongest], start[strongest], shape=sums.shape, width=width)
    return pd.DataFrame(
        {
            "row": row,
            "start": start,
            "end": start + width,
            "score": sums[row, start],
            "pvalue": tested[row, start],
            "fdr": adjusted[row, start],
        }
    )


def window_sums(contributions: npt.NDArray[np.float32], width: int) -> Floats:
    """Return the sum over each window, (N, L - width + 1)."""
    length = contributions.shape[1]
    _checks.whole(width, 1, length, what="width")
    running = np.zeros((len(contributions), length + 1))
    np.cumsum(contributions, axis=1, out=running[:, 1:], dtype=np.float64)
    return np.asarray(running[:, width:] - running[:, :-width])


def _pvalues(sums: Floats, chance: Floats | None, sign: Sign) -> Floats:
    """Return the probability of sums as far out, on the side or sides that count."""
    if sign == "both":
        sides = (_pvalues(sums, chance, side) for side in ("positive", "negative"))
        return np.asarray(np.minimum(1, 2 * np.minimum(*sides)))
    if sign == "negative":
        return _pvalues(-sums, None if chance is None else -chance, "positive")
    return _laplace(sums) if chance is None else _counted(sums, chance)


def _laplace(sums: Floats) -> Floats:
    """Return the upper tail of a Laplace distribution, its scales set by medians."""
    centre = np.median(sums)
    above = sums[sums >= centre] - centre
    # where most windows contribute nothing at all, the median says nothing
    scale = max(np.median(above) / np.log(2), _LEAST_SCALE * above.mean(), np.finfo(float).tiny)
    away = (sums - centre) / scale
    tail = np.exp(-np.abs(away)) / 2
    return np.asarray(np.where(away > 0, tail, 1 - tail))


def _counted(sums: Floats, chance: Floats) -> Floats:
    """Return the share of chance sums that are as high, itself included."""
    below = np.searchsorted(np.sort(chance), sums.ravel(), side="left")
    return np.asarray((len(chance) - below + 1) / (len(chance) + 1)).reshape(sums.shape)


def _apart(
    row: npt.NDArray[np.int64],
    start: npt.NDArray[np.int64],
    *,
    shape: tuple[int, ...],
    width: int,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Keep the windows that overlap none before them."""
    is_taken = np.zeros((shape[0], shape[1] + width - 1), dtype=bool)
    kept = []
    for at, (r, s) in enumerate(zip(row, start, strict=True)):
        if not is_taken[r, s] and not is_taken[r, s + width - 1]:
            is_taken[r, s : s + width] = True
            kept.append(at)
    return row[kept], start[kept]
