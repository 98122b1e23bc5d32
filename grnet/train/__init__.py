"""Training: data in batches, leak-proof splits, objectives, and the loop."""

from grnet.train._chromatin_names import name_states
from grnet.train._edge_run import edge_settings
from grnet.train._methylation_scores import methylation_scores
from grnet.train.audit import audit_split
from grnet.train.balance import FocalLoss, Resampled, class_weights, focal_loss, smote
from grnet.train.calibration import Calibration, fit_calibration, reliability_table
from grnet.train.chromatin import ChromatinStates, assign_states, chromatin_states
from grnet.train.classification import classify
from grnet.train.data import SequenceData
from grnet.train.edge_fit import EdgeEnsemble, EdgeFit
from grnet.train.edge_training import edge_scorer, fit_edge_ensemble, fit_edges
from grnet.train.edges import EdgeSplit, split_edges
from grnet.train.expression import (
    ExpressionData,
    MaskedExpressionObjective,
    pretrain_expression,
)
from grnet.train.fitting import Fit, FitSettings, fit
from grnet.train.gapped import fit_gapped_kmers
from grnet.train.joint_fit import JointFit
from grnet.train.joint_training import ablate_joint, fit_joint
from grnet.train.joint_tuning import JointLoss, tune_joint
from grnet.train.methylation import MethylationFit, methylation_levels, predict_methylation
from grnet.train.metrics import calibration_error, task_scores
from grnet.train.objectives import HeadObjective, Objective
from grnet.train.ordering import BalancedSampler, balanced_order, stratified_batches
from grnet.train.pair_ensemble import PairEnsemble, fit_pair_ensemble, pair_scorer
from grnet.train.pair_evidence import PairEvidence
from grnet.train.pair_trees import PairTrees, fit_pair_trees
from grnet.train.pretraining import MaskedTokenObjective, pretrain_language_model
from grnet.train.rates import label_log_odds
from grnet.train.split import Split, split_by_chromosome, split_by_group, split_by_similarity
from grnet.train.tasks import SequenceFit, accessibility, binding
from grnet.train.windows import binding_windows

__all__ = [
    "BalancedSampler",
    "Calibration",
    "ChromatinStates",
    "EdgeEnsemble",
    "EdgeFit",
    "EdgeSplit",
    "ExpressionData",
    "Fit",
    "FitSettings",
    "FocalLoss",
    "HeadObjective",
    "JointFit",
    "JointLoss",
    "MaskedExpressionObjective",
    "MaskedTokenObjective",
    "MethylationFit",
    "Objective",
    "PairEnsemble",
    "PairEvidence",
    "PairTrees",
    "Resampled",
    "SequenceData",
    "SequenceFit",
    "Split",
    "ablate_joint",
    "accessibility",
    "assign_states",
    "audit_split",
    "balanced_order",
    "binding",
    "binding_windows",
    "calibration_error",
    "chromatin_states",
    "class_weights",
    "classify",
    "edge_scorer",
    "edge_settings",
    "fit",
    "fit_calibration",
    "fit_edge_ensemble",
    "fit_edges",
    "fit_gapped_kmers",
    "fit_joint",
    "fit_pair_ensemble",
    "fit_pair_trees",
    "focal_loss",
    "label_log_odds",
    "methylation_levels",
    "methylation_scores",
    "name_states",
    "pair_scorer",
    "predict_methylation",
    "pretrain_expression",
    "pretrain_language_model",
    "reliability_table",
    "smote",
    "split_by_chromosome",
    "split_by_group",
    "split_by_similarity",
    "split_edges",
    "stratified_batches",
    "task_scores",
    "tune_joint",
]
