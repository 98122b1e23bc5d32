"""Files in and out."""

from grnet.io.expression import read_expression
from grnet.io.networks import read_network, write_cx2, write_html, write_network
from grnet.io.tfs import read_tfs

__all__ = [
    "read_expression",
    "read_network",
    "read_tfs",
    "write_cx2",
    "write_html",
    "write_network",
]
