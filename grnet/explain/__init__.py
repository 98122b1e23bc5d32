"""What models look at."""

from grnet.explain.attribution import Attributions, attributions
from grnet.explain.audit import audit_modules
from grnet.explain.calling import seqlets
from grnet.explain.filters import filter_motifs
from grnet.explain.motifs import seqlet_motifs, task_motifs
from grnet.explain.sanity import precision_at_k, randomised, sanity_check

__all__ = [
    "Attributions",
    "attributions",
    "audit_modules",
    "filter_motifs",
    "precision_at_k",
    "randomised",
    "sanity_check",
    "seqlet_motifs",
    "seqlets",
    "task_motifs",
]
