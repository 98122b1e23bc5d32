"""Pictures: networks and scores."""

from grnet.pl.accessibility import atac_cells, fragment_lengths, tss_profile
from grnet.pl.calibration import reliability
from grnet.pl.chromatin import state_emissions, state_track
from grnet.pl.degrees import degree_distribution
from grnet.pl.deletion import faithfulness
from grnet.pl.dossiers import dossier
from grnet.pl.methylation import methylation_fit
from grnet.pl.motifs import contribution_logo, motif_logo, motif_logos
from grnet.pl.networks import neighbourhood, top_edges
from grnet.pl.scores import benchmark_heatmap, score_bars, score_curves, tf_scores
from grnet.pl.tracks import locus

__all__ = [
    "atac_cells",
    "benchmark_heatmap",
    "contribution_logo",
    "degree_distribution",
    "dossier",
    "faithfulness",
    "fragment_lengths",
    "locus",
    "methylation_fit",
    "motif_logo",
    "motif_logos",
    "neighbourhood",
    "reliability",
    "score_bars",
    "score_curves",
    "state_emissions",
    "state_track",
    "tf_scores",
    "top_edges",
    "tss_profile",
]
