"""DNA as numbers: A, C, G, T are 0 to 3, everything else is 4 (N); lower case reads as upper."""

import numpy as np
import numpy.typing as npt

LETTERS = "ACGT"
UNKNOWN = 4

Codes = npt.NDArray[np.uint8]

_CODE_OF_BYTE = np.full(256, UNKNOWN, dtype=np.uint8)
_CODE_OF_BYTE[np.frombuffer(b"ACGTacgt", dtype=np.uint8)] = np.tile(np.arange(4, dtype=np.uint8), 2)
_BYTE_OF_CODE = np.frombuffer(b"ACGTN", dtype=np.uint8)
_COMPLEMENT = np.array([3, 2, 1, 0, UNKNOWN], dtype=np.uint8)


def to_codes(text: str | bytes) -> Codes:
    """Return the codes of a sequence.

    >>> to_codes("ACgtN")
    array([0, 1, 2, 3, 4], dtype=uint8)
    """
    raw = text.encode("ascii", "replace") if isinstance(text, str) else text
    return _CODE_OF_BYTE[np.frombuffer(raw, dtype=np.uint8)]


def to_text(codes: Codes) -> str:
    """Return the sequence of one row of codes.

    >>> to_text(to_codes("ACgtN"))
    'ACGTN'
    """
    return _BYTE_OF_CODE[codes].tobytes().decode("ascii")


def reverse_complement(codes: Codes) -> Codes:
    """Return the other strand, read in its own direction; the last axis is the position.

    >>> to_text(reverse_complement(to_codes("AACGN")))
    'NCGTT'
    """
    return _COMPLEMENT[codes[..., ::-1]]
