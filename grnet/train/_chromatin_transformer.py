"""Training of the transformer of chromatin states."""

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from grnet.models import _hmm_chains
from grnet.models._marks import MISSING, Integers, Values
from grnet.models.chromatin import ChromatinTransformer, ChromatinTransformerConfig
from grnet.train import _chromatin_windows
from grnet.train._chromatin_hmm import first_emissions
from grnet.train.fitting import FitSettings, fit


def trained(
    values: Values,
    lengths: Integers,
    *,
    n_states: int,
    settings: FitSettings,
    validation: float,
    seed: int,
) -> tuple[ChromatinTransformer, pd.DataFrame]:
    """Return a model that fills in hidden marks, and its history."""
    model = _new(values, lengths, n_states=n_states, seed=seed)
    window, rng = model.config.window, np.random.default_rng(seed)
    parts = _chromatin_windows.split(values, lengths, window=window, share=validation, rng=rng)
    done = fit(
        model,
        parts.train,
        validation=parts.validation,
        objective=_chromatin_windows.HiddenMarkObjective(window, seed),
        settings=settings,
        seed=seed,
    )
    return model, done.history


def _new(values: Values, lengths: Integers, *, n_states: int, seed: int) -> ChromatinTransformer:
    """Return a model whose states are clusters of what occurs: of random ones few come to use."""
    config = ChromatinTransformerConfig(n_marks=values.shape[1], n_states=n_states)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = ChromatinTransformer(config)
    patterns = _hmm_chains.patterns_of(values, lengths)
    first = torch.from_numpy(first_emissions(patterns, n_states, seed=seed))
    with torch.no_grad():
        model.emission_logits.copy_(torch.logit(first.clamp(0.003, 0.997)))
        model.marks.bias.copy_(torch.logit(torch.from_numpy(_shares(values))))
    return model


def _shares(values: Values) -> npt.NDArray[np.float64]:
    """Return how often each mark is there, never 0 or 1."""
    measured = (values != MISSING).sum(axis=0)
    shares: npt.NDArray[np.float64] = ((values == 1).sum(axis=0) + 0.5) / (measured + 1)
    return shares
