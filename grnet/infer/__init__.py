"""Inference of gene regulatory networks from expression: one call, a catalogue of methods."""

from grnet.infer._run import network
from grnet.infer.catalogue import METHODS, method_table
from grnet.infer.differential import differential_edges

methods = method_table()

__all__ = ["METHODS", "differential_edges", "methods", "network"]
