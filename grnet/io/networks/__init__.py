"""Networks in and out of files."""

from grnet.io.networks.files import read_network, write_cx2, write_html, write_network

__all__ = ["read_network", "write_cx2", "write_html", "write_network"]
