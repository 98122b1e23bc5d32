"""What models look at."""

from grnet.explain.attribution import Attributions, attributions
from grnet.explain.calling import seqlets
from grnet.explain.filters import filter_motifs
from grnet.explain.motifs import seqlet_motifs, task_motifs
from grnet.explain.record import Dossier
from grnet.explain.writing import write_dossiers

__all__ = [
    "Attributions",
    "Dossier",
    "attributions",
    "filter_motifs",
    "seqlet_motifs",
    "seqlets",
    "task_motifs",
    "write_dossiers",
]
