"""Training: data in batches, leak-proof splits, objectives, and the loop."""

from grnet.train._methylation_scores import methylation_scores
from grnet.train.data import SequenceData
from grnet.train.fitting import Fit, FitSettings, fit
from grnet.train.methylation import MethylationFit, methylation_levels
from grnet.train.metrics import calibration_error, task_scores
from grnet.train.objectives import HeadObjective, Objective
from grnet.train.pretraining import MaskedTokenObjective, pretrain_language_model

__all__ = [
    "Fit",
    "FitSettings",
    "HeadObjective",
    "MaskedTokenObjective",
    "MethylationFit",
    "Objective",
    "SequenceData",
    "calibration_error",
    "fit",
    "methylation_levels",
    "methylation_scores",
    "pretrain_language_model",
    "task_scores",
]
