"""Sequences, genes and intervals."""

from grnet.io.genome.annotation import read_annotation
from grnet.io.genome.handle import Genome
from grnet.io.genome.intervals import read_peaks

__all__ = ["Genome", "read_annotation", "read_peaks"]
