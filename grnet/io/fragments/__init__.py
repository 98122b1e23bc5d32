"""Fragments of ATAC-seq."""

from grnet.io.fragments.reading import read_fragments

__all__ = ["read_fragments"]
