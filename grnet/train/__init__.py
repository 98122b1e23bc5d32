"""Training: data in batches, leak-proof splits, objectives, and the loop."""

from grnet.train._methylation_scores import methylation_scores
from grnet.train.balance import FocalLoss, Resampled, class_weights, focal_loss, smote
from grnet.train.data import SequenceData
from grnet.train.fitting import Fit, FitSettings, fit
from grnet.train.methylation import MethylationFit, methylation_levels
from grnet.train.metrics import calibration_error, task_scores
from grnet.train.objectives import HeadObjective, Objective
from grnet.train.ordering import BalancedSampler, balanced_order, stratified_batches
from grnet.train.pretraining import MaskedTokenObjective, pretrain_language_model

__all__ = [
    "BalancedSampler",
    "Fit",
    "FitSettings",
    "FocalLoss",
    "HeadObjective",
    "MaskedTokenObjective",
    "MethylationFit",
    "Objective",
    "Resampled",
    "SequenceData",
    "balanced_order",
    "calibration_error",
    "class_weights",
    "fit",
    "focal_loss",
    "methylation_levels",
    "methylation_scores",
    "pretrain_language_model",
    "smote",
    "stratified_batches",
    "task_scores",
]
