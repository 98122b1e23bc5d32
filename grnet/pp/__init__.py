"""Preparation of expression data: quality, normalisation, metacells, and what matches what."""

from grnet.pp.activity import gene_activity
from grnet.pp.aggregate import metacells
from grnet.pp.expression import normalize, tpm, zscore
from grnet.pp.matching import check
from grnet.pp.methylation import methylation_levels
from grnet.pp.peaks import filter_peaks, lsi, tfidf
from grnet.pp.quality import filter, qc

__all__ = [
    "check",
    "filter",
    "filter_peaks",
    "gene_activity",
    "lsi",
    "metacells",
    "methylation_levels",
    "normalize",
    "qc",
    "tfidf",
    "tpm",
    "zscore",
]
