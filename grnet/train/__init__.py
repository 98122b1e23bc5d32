"""Training: data in batches, leak-proof splits, objectives, and the loop."""

from grnet.train.data import SequenceData
from grnet.train.fitting import Fit, FitSettings, fit
from grnet.train.metrics import calibration_error, task_scores
from grnet.train.objectives import HeadObjective, Objective

__all__ = [
    "Fit",
    "FitSettings",
    "HeadObjective",
    "Objective",
    "SequenceData",
    "calibration_error",
    "fit",
    "task_scores",
]
