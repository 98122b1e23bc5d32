"""What models look at."""

from grnet.explain.attribution import Attributions, attributions
from grnet.explain.calling import seqlets
from grnet.explain.filters import filter_motifs
from grnet.explain.motifs import seqlet_motifs, task_motifs

__all__ = [
    "Attributions",
    "attributions",
    "filter_motifs",
    "seqlet_motifs",
    "seqlets",
    "task_motifs",
]
