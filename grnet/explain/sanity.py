"""Whether attributions depend on what a model learnt, and find what is known to be there."""

import copy
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from scipy.stats import rankdata
from torch import nn

from grnet import _checks
from grnet._alphabet import UNKNOWN, Codes
from grnet.explain._door import Target
from grnet.explain._job import Method
from grnet.explain.attribution import Attributions, attributions

Doubles = npt.NDArray[np.float64]
_COLUMNS = ["control", "seed", "spearman", "spearman_absolute"]


def randomised(model: nn.Module, *, seed: int = 0) -> nn.Module:
    """Return a copy of a model that has forgotten what it learnt.

    Parameters
    ----------
    model
        Any module; it stays as it is.
    seed
        Of the permutations.

    Returns
    -------
    nn.Module
        Each tensor of weights has its values in a random order, so that layers keep the size of
        their weights and lose what these say. Running means and variances stay.

    Raises
    ------
    ValueError
        If the model has no weights.

    Notes
    -----
    The control of Adebayo et al. (2018). Weights that two modules share stay shared. On any device
    the same seed gives the same copy.

    Examples
    --------
    >>> import grnet as gn
    >>> model = gn.models.MotifCNN()
    >>> control = gn.explain.randomised(model)
    >>> bool((control.filters.weight == model.filters.weight).all())
    False
    >>> bool((control.filters.weight.sort().values != model.filters.weight).any())
    True
    """
    control = copy.deepcopy(model)
    weights = [weight for weight in control.parameters() if weight.numel() > 1]
    if not weights:
        message = f"{type(model).__name__} has no weights: there is nothing that it learnt."
        raise ValueError(message)
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        for weight in weights:
            order = torch.from_numpy(rng.permutation(weight.numel())).to(weight.device)
            weight.copy_(weight.flatten()[order].view_as(weight))
    return control


def sanity_check(
    model: nn.Module,
    codes: Codes,
    *,
    method: Method = "integrated_gradients",
    shuffled_labels: nn.Module | None = None,
    n_random: int = 3,
    target: Target = 0,
    device: str = "auto",
    seed: int = 0,
) -> pd.DataFrame:
    """Compare attributions of a model with those of models that did not learn.

    Parameters
    ----------
    model
        As for :func:`attributions`.
    codes
        uint8 (N, L).
    method
        As for :func:`attributions`.
    shuffled_labels
        The same kind of model, trained on the same sequences with their labels in random order.
    n_random
        Copies with random weights, see :func:`randomised`.
    target, device
        As for :func:`attributions`.
    seed
        Of shuffles and of random weights.

    Returns
    -------
    DataFrame
        One row for each control: ``control`` (``"other shuffles"`` of the same model,
        ``"random weights"``, ``"shuffled labels"``), ``seed``, and the rank correlation of its
        contributions with those of the model, mean over sequences: ``spearman`` as they are,
        ``spearman_absolute`` by their size.

    Raises
    ------
    ValueError
        As for :func:`attributions`.

    Notes
    -----
    The test of Adebayo et al. (2018). Attributions that tell what was learnt are near 1 with other
    shuffles and near 0 with models that learnt nothing; what is high in all rows comes from the
    sequences or the architecture. Completeness is asked of the model, not of its controls.
    Positions with N are left out, and sequences whose contributions are all equal.

    Examples
    --------
    >>> import grnet as gn
    >>> import numpy as np
    >>> codes = np.random.default_rng(0).integers(4, size=(3, 50), dtype=np.uint8)
    >>> gn.explain.sanity_check(gn.models.MotifCNN(), codes, n_random=1)["control"].tolist()
    ['other shuffles', 'random weights']
    """
    _checks.whole(n_random, 0, 1000, what="n_random")

    def asked(other: nn.Module, number: int, tolerance: float | None) -> Attributions:
        return attributions(
            other,
            codes,
            target=target,
            method=method,
            tolerance=tolerance,
            device=device,
            seed=number,
        )

    own = asked(model, seed, 0.01)
    rows = []
    for control, number, other in _controls(model, shuffled_labels, range(seed, seed + n_random)):
        found = asked(other, number, None)
        pair = (own.contributions, found.contributions)
        agreement = [_agreement(*parts, codes=own.codes) for parts in (pair, map(np.abs, pair))]
        rows.append((control, number, *agreement))
    return pd.DataFrame(rows, columns=_COLUMNS)


def _controls(
    model: nn.Module, shuffled_labels: nn.Module | None, seeds: range
) -> Iterator[tuple[str, int, nn.Module]]:
    yield "other shuffles", seeds.start + 1, model
    for seed in seeds:
        yield "random weights", seed, randomised(model, seed=seed)
    if shuffled_labels is not None:
        yield "shuffled labels", seeds.start, shuffled_labels


def _agreement(one: npt.ArrayLike, other: npt.ArrayLike, *, codes: Codes) -> float:
    """Return the mean over sequences of the rank correlation over known positions."""
    known = codes < UNKNOWN
    first, second = (_centred_ranks(np.asarray(part), known) for part in (one, other))
    size = np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1))
    ranked = size > 0
    if not ranked.any():
        return float("nan")
    return float(((first * second).sum(axis=1)[ranked] / size[ranked]).mean())


def _centred_ranks(values: npt.NDArray[np.floating], known: npt.NDArray[np.bool_]) -> Doubles:
    """Return ranks among the known positions minus their mean, 0 at the others."""
    below = (~known).sum(axis=1, keepdims=True)
    ranks = rankdata(np.where(known, values, -np.inf), axis=1) - below
    middle = (known.sum(axis=1, keepdims=True) + 1) / 2
    return np.where(known, ranks - middle, 0)


def precision_at_k(contributions: npt.ArrayLike, planted: npt.ArrayLike) -> Doubles:
    """Return how many of the k highest positions are among the k that are known to matter.

    Parameters
    ----------
    contributions
        (N, L), of which the highest are taken; give absolute values where either sign counts.
    planted
        (N, L), true where a base matters. k is their number in each sequence.

    Returns
    -------
    ndarray
        (N,): a share from 0 to 1; chance is k / L. NaN where nothing is planted.

    Raises
    ------
    ValueError
        If the shapes differ, or a contribution is not finite.

    Notes
    -----
    Positions that tie at the edge share the places that are left: each counts as the mean over all
    ways to break the tie, so that equal contributions everywhere give chance.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.explain.precision_at_k([[0.1, 3.0, 2.0, 0.5]], [[0, 1, 0, 1]])
    array([0.5])
    >>> gn.explain.precision_at_k([[1.0, 1.0, 1.0, 1.0]], [[0, 1, 0, 0]])
    array([0.25])
    """
    values, truth = np.asarray(contributions, dtype=np.float64), np.asarray(planted, dtype=bool)
    if values.ndim != 2 or values.shape != truth.shape or not np.isfinite(values).all():
        message = (
            f"Found contributions of shape {values.shape} and planted of shape {truth.shape}: "
            "expected finite numbers and truth values of one shape (N, L)."
        )
        raise ValueError(message)
    k = truth.sum(axis=1)
    found = np.full(len(values), np.nan)
    some = k > 0
    edge = np.take_along_axis(-np.sort(-values[some], axis=1), k[some, None] - 1, axis=1)
    above, tied = values[some] > edge, values[some] == edge
    share = (k[some] - above.sum(axis=1)) / tied.sum(axis=1)
    hits = (above & truth[some]).sum(axis=1) + share * (tied & truth[some]).sum(axis=1)
    found[some] = hits / k[some]
    return found
