"""Preparation of expression data: quality, normalisation, metacells, and what matches what."""

from grnet.pp.aggregate import metacells
from grnet.pp.expression import normalize, tpm, zscore
from grnet.pp.matching import check
from grnet.pp.quality import filter, qc

__all__ = ["check", "filter", "metacells", "normalize", "qc", "tpm", "zscore"]
