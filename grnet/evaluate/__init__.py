"""Evaluation: networks against known edges, always beside what knows nothing of regulation."""

from grnet.evaluate.comparison import Dataset, benchmark
from grnet.evaluate.scoring import score, score_per_tf
from grnet.evaluate.summary import ranking_summary
from grnet.evaluate.supervised import supervised_benchmark, supervised_verdicts
from grnet.evaluate.thresholds import curves

__all__ = [
    "Dataset",
    "benchmark",
    "curves",
    "ranking_summary",
    "score",
    "score_per_tf",
    "supervised_benchmark",
    "supervised_verdicts",
]
