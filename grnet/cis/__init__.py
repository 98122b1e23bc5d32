"""From DNA and peaks to genes."""

from grnet.cis.comparison import compare_motifs
from grnet.cis.evidence import bind
from grnet.cis.links import link_peaks
from grnet.cis.motifs import scan_motifs
from grnet.cis.prior import prior_network

__all__ = ["bind", "compare_motifs", "link_peaks", "prior_network", "scan_motifs"]
