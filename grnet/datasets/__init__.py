"""Data to try and to test with: simulated cells of a planted network, and small shipped sets."""

from grnet.datasets.collection import available, example_network, load, truth
from grnet.datasets.simulation import simulate

__all__ = ["available", "example_network", "load", "simulate", "truth"]
