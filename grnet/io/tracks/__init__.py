"""Values along the genome: signal and methylation."""

from grnet.io.tracks.binarised import read_binarised_marks
from grnet.io.tracks.methylation import read_methylation
from grnet.io.tracks.signal import read_signal

__all__ = ["read_binarised_marks", "read_methylation", "read_signal"]
