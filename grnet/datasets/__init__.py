"""Data to try and to test with: simulated cells of a planted network, and small shipped sets."""

from grnet.datasets.collection import available, example_network, load, truth
from grnet.datasets.multiome import SimulatedMultiome, simulate_multiome
from grnet.datasets.simulation import simulate

__all__ = [
    "SimulatedMultiome",
    "available",
    "example_network",
    "load",
    "simulate",
    "simulate_multiome",
    "truth",
]
