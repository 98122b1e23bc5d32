"""Kernel of gradient boosting: the regulators of every target compete to explain it."""

import numpy as np
import torch

from grnet.infer._arrays import Matrix
from grnet.infer._boost_settings import BoostSettings, Draws
from grnet.infer._boost_stumps import boost_stumps
from grnet.infer._boost_trees import boost_trees
from grnet.infer._stumps import make_stumps


def boosted_gain(  # noqa: PLR0913 - the options of a method are the keywords of its kernel
    x: np.ndarray,
    y: Matrix,
    own: np.ndarray,
    *,
    rng: np.random.Generator,
    device: torch.device,
    n_rounds: int = 100,
    learning_rate: float = 0.1,
    max_depth: int = 1,
    subsample: float = 1.0,
    max_features: float = 1.0,
    early_stopping: int = 0,
) -> np.ndarray:
    """Return the gain of each regulator in boosted trees of each target, all targets at once.

    Parameters
    ----------
    x, y, own
        Cells x regulators, cells x targets, and the column of each target among the regulators.
    rng, device
        Source of randomness; where to compute.
    n_rounds, learning_rate
        Number of trees per target and the share of each that is added.
    max_depth
        1 for stumps, more for interactions of regulators.
    subsample, max_features
        Share of cells and of regulators that each round draws.
    early_stopping
        Stop a target when 10 % held-out cells did not improve over so many rounds; 0 never does.

    Returns
    -------
    Regulators x targets: the sum of falls in squared error over all splits, as a share of the
    target's variance, negative where the target falls as the regulator rises.

    Notes
    -----
    The regression of GRNBoost2 (Moerman et al. 2019) with binned thresholds. Stumps on all cells
    take a road whose rounds do not depend on the number of cells; it gives what the general one
    gives.
    """
    settings = BoostSettings(
        n_rounds, learning_rate, max_depth, subsample, max_features, early_stopping
    )
    draws = Draws.make(
        settings, n_cells=x.shape[0], n_regulators=x.shape[1], rng=rng, device=device
    )
    stumps = make_stumps(x, device)
    if not len(stumps.regulator):  # no regulator varies
        return np.zeros((x.shape[1], y.shape[1]), np.float32)
    engine = boost_stumps if max_depth == 1 and subsample == 1 else boost_trees
    return engine(stumps, y, own, settings=settings, draws=draws)
