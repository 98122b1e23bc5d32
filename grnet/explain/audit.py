"""Which parts of a model a method of attribution cannot see through."""

from typing import get_args

import numpy as np
import pandas as pd
import torch
from torch import nn

from grnet import _checks
from grnet._alphabet import Codes
from grnet.explain import _door
from grnet.explain._hidden import verdicts
from grnet.explain._job import Method
from grnet.models.prediction import evaluating

_COLUMNS = ["name", "type", "verdict", "why"]


def audit_modules(
    model: nn.Module, codes: Codes | None = None, *, method: Method = "deeplift_shap"
) -> pd.DataFrame:
    """Tell which modules of a model a method of attribution sees through.

    Parameters
    ----------
    model
        Any module that :func:`attributions` takes; it is left as it is found.
    codes
        uint8 (N, L), of which the first is read; by default random letters, 256 of them.
    method
        As for :func:`attributions`.

    Returns
    -------
    DataFrame
        One row for each module that was used: ``name``, ``type``, ``verdict`` (``"seen"`` or
        ``"hidden"``) and ``why``. The model itself has the name ``""``.

    Raises
    ------
    ValueError
        If the method is unknown, or the model does not read these sequences.

    Notes
    -----
    DeepLIFT sees linear modules, and ReLU, ELU, LeakyReLU, Sigmoid, Tanh, Softplus and MaxPool1d
    where each is used once; Captum's rule for Softmax leaves most of the difference over. Both
    strands of a model of grnet count as one use. Named functions called outside of modules are
    found; one that bends by other means is not, and is left to the check of completeness.
    Gradients end where a module's output does not depend on the letters smoothly; methods that
    only ask for outputs see everything.

    Examples
    --------
    >>> import grnet as gn
    >>> found = gn.explain.audit_modules(gn.models.SequenceCNNLSTM())
    >>> found.loc[found["verdict"] == "hidden", ["name", "type"]].to_numpy().tolist()
    [['lstm', 'LSTM']]
    """
    _checks.one_of(method, get_args(Method), "method")
    rows = np.random.default_rng(0).integers(4, size=(1, 256), dtype=np.uint8)
    if codes is not None:
        rows = _door.checked(codes)[:1]
    with evaluating(model, device="cpu") as where:
        direct = _door.takes_codes(model, rows, where)
        with torch.inference_mode(mode=False), torch.enable_grad():
            found = list(verdicts(model, rows, method, where=where, direct=direct))
    return pd.DataFrame(found, columns=_COLUMNS)
