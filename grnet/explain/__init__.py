"""What models look at."""

from grnet.explain.attention import attention_scores
from grnet.explain.attribution import Attributions, attributions
from grnet.explain.audit import audit_modules
from grnet.explain.calling import seqlets
from grnet.explain.deletion import faithfulness
from grnet.explain.edges import edge
from grnet.explain.filters import filter_motifs
from grnet.explain.graph import GraphAttributions, graph_attributions
from grnet.explain.motifs import seqlet_motifs, task_motifs
from grnet.explain.record import Dossier
from grnet.explain.sanity import precision_at_k, randomised, sanity_check
from grnet.explain.writing import write_dossiers

__all__ = [
    "Attributions",
    "Dossier",
    "GraphAttributions",
    "attention_scores",
    "attributions",
    "audit_modules",
    "edge",
    "faithfulness",
    "filter_motifs",
    "graph_attributions",
    "precision_at_k",
    "randomised",
    "sanity_check",
    "seqlet_motifs",
    "seqlets",
    "task_motifs",
    "write_dossiers",
]
