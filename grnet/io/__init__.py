"""Files in and out."""

from grnet.io.expression import read_expression
from grnet.io.fragments import read_fragments
from grnet.io.genome import Genome, read_annotation, read_peaks
from grnet.io.motifs import Motif, read_motifs, write_motifs
from grnet.io.multiome import read_multiome
from grnet.io.networks import read_network, write_cx2, write_html, write_network
from grnet.io.tfs import read_tfs
from grnet.io.tracks import read_binarised_marks, read_methylation, read_signal

__all__ = [
    "Genome",
    "Motif",
    "read_annotation",
    "read_binarised_marks",
    "read_expression",
    "read_fragments",
    "read_methylation",
    "read_motifs",
    "read_multiome",
    "read_network",
    "read_peaks",
    "read_signal",
    "read_tfs",
    "write_cx2",
    "write_html",
    "write_motifs",
    "write_network",
]
