"""Pictures: networks and scores."""

from grnet.pl.networks import neighbourhood, top_edges
from grnet.pl.scores import benchmark_heatmap, score_bars, score_curves, tf_scores

__all__ = [
    "benchmark_heatmap",
    "neighbourhood",
    "score_bars",
    "score_curves",
    "tf_scores",
    "top_edges",
]
