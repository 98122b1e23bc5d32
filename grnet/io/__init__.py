"""Files in and out."""

from grnet.io.expression import read_expression
from grnet.io.motifs import Motif, read_motifs, write_motifs
from grnet.io.networks import read_network, write_cx2, write_html, write_network
from grnet.io.tfs import read_tfs

__all__ = [
    "Motif",
    "read_expression",
    "read_motifs",
    "read_network",
    "read_tfs",
    "write_cx2",
    "write_html",
    "write_motifs",
    "write_network",
]
