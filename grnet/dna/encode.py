"""Sequences as texts, codes and one-hot tensors, and the other strand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar, overload

import numpy as np
import torch

from grnet import _alphabet, _checks
from grnet.dna._arrays import batch_of_codes, refuse_no_codes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grnet._alphabet import Codes

ArrayOrTensor = TypeVar("ArrayOrTensor", np.ndarray[Any, Any], torch.Tensor)

_AMBIGUOUS = "NRYSWKMBDHV-."
_STRANGE = 255


def _code_table() -> bytes:
    letters = ("ACGT" + _AMBIGUOUS + "acgt" + _AMBIGUOUS.lower()).encode()
    table = np.full(256, _STRANGE, dtype=np.uint8)
    table[np.frombuffer(letters, dtype=np.uint8)] = _alphabet.to_codes(letters)
    return table.tobytes()


_CODES = _code_table()


class Packed(NamedTuple):
    """Sequences at two bits a base, and one bit that marks the unknown ones.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.dna.pack_2bit(gn.dna.to_codes("ACGTN"))
    Packed(bases=array([27,  0], dtype=uint8), unknown=array([8], dtype=uint8), length=5)
    """

    bases: Codes
    unknown: Codes
    length: int


def to_codes(texts: str | bytes | Sequence[str], *, on_iupac: Literal["N", "raise"] = "N") -> Codes:
    """Turn one text, or a list of them, into codes: A, C, G, T are 0 to 3, all else is 4.

    Parameters
    ----------
    texts
        A sequence, or several; lower case reads as upper.
    on_iupac
        What becomes of the letters that stand for several bases (R, Y, S, W, K, M, B, D, H, V)
        and of gaps (``-``, ``.``): ``"N"`` reads them as unknown, ``"raise"`` refuses them.

    Returns
    -------
    ndarray
        uint8, ``(length,)`` for a text, ``(number, longest)`` for a list; shorter ones are filled
        with 4 on the right.

    Raises
    ------
    ValueError
        If a letter is no nucleotide at all, such as those of a protein, or U.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.dna.to_codes(["ACgtN", "RA"])
    array([[0, 1, 2, 3, 4],
           [4, 0, 4, 4, 4]], dtype=uint8)
    """
    _checks.one_of(on_iupac, ("N", "raise"), "on_iupac")
    if isinstance(texts, str | bytes):
        return _codes(texts, on_iupac)
    rows = [_codes(text, on_iupac) for text in texts]
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    out = np.full((len(rows), lengths.max(initial=0)), _alphabet.UNKNOWN, dtype=np.uint8)
    if rows:
        out[np.arange(out.shape[1]) < lengths[:, None]] = np.concatenate(rows)
    return out


def _codes(text: str | bytes, on_iupac: str) -> Codes:
    raw = text.encode("ascii", "replace") if isinstance(text, str) else text
    codes = np.frombuffer(bytearray(raw.translate(_CODES)), dtype=np.uint8)
    if codes.max(initial=0) == _STRANGE:
        strange = set(np.frombuffer(raw, dtype=np.uint8)[codes == _STRANGE].tolist())
        hint = " For RNA, write T for U first." if set(b"Uu") & strange else ""
        message = (
            f"A sequence holds letters that are no nucleotides: "
            f"{_checks.examples(map(chr, sorted(strange)))}. Expected A, C, G, T, N or the IUPAC "
            f"codes, in either case.{hint}"
        )
        raise ValueError(message)
    if on_iupac == "raise":
        _refuse_ambiguous(np.frombuffer(raw, dtype=np.uint8)[codes == _alphabet.UNKNOWN])
    return codes


def _refuse_ambiguous(letters: Codes) -> None:
    other = letters[~np.isin(letters, np.frombuffer(b"Nn", dtype=np.uint8))]
    if len(other):
        message = (
            f"A sequence holds {len(other)} ambiguous letter(s): "
            f"{_checks.examples(map(chr, np.unique(other)))}. Expected A, C, G, T and N; pass "
            "on_iupac='N' to read them as unknown."
        )
        raise ValueError(message)


@overload
def to_text(codes: Codes) -> str | list[str]: ...
@overload
def to_text(codes: torch.Tensor) -> str | list[str]: ...
def to_text(codes: Codes | torch.Tensor) -> str | list[str]:
    """Turn codes back into a text, or into one text per row.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.dna.to_text(gn.dna.to_codes("acgtR"))
    'ACGTN'
    """
    array = codes.cpu().numpy() if isinstance(codes, torch.Tensor) else codes
    refuse_no_codes(array)
    if array.ndim == 1:
        return _alphabet.to_text(array)
    text = _alphabet.to_text(np.ascontiguousarray(batch_of_codes(array)))
    n, length = array.shape
    return [text[row * length : (row + 1) * length] for row in range(n)]


def reverse_complement(sequences: ArrayOrTensor) -> ArrayOrTensor:
    """Return the other strand of codes or of one-hot sequences, read in its own direction.

    Parameters
    ----------
    sequences
        uint8 codes ``(..., L)``, or floats ``(..., 4, L)`` with the channels A, C, G, T, such as
        one-hot sequences, their attributions or the weights of filters.

    Returns
    -------
    ndarray or Tensor
        As given; both axes of one-hot sequences are flipped.

    Raises
    ------
    ValueError
        If the input is neither codes nor has four channels.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.dna.to_text(gn.dna.reverse_complement(gn.dna.to_codes("AACGN")))
    'NCGTT'
    """
    if sequences.dtype in (np.dtype(np.uint8), torch.uint8):
        refuse_no_codes(sequences)
        if isinstance(sequences, torch.Tensor):
            flipped = sequences.flip(-1)
            return torch.where(flipped < _alphabet.UNKNOWN, 3 - flipped, flipped)
        return _alphabet.reverse_complement(sequences)
    if sequences.ndim < 2 or sequences.shape[-2] != 4:
        message = (
            f"Found {sequences.dtype} values of shape {tuple(sequences.shape)}. Expected uint8 "
            "codes (..., L), or one-hot sequences (..., 4, L)."
        )
        raise ValueError(message)
    if isinstance(sequences, torch.Tensor):
        return sequences.flip(-1, -2)
    return np.ascontiguousarray(sequences[..., ::-1, ::-1])


def one_hot(
    codes: ArrayOrTensor, *, dtype: Literal["float32", "int8"] = "float32"
) -> ArrayOrTensor:
    """Turn codes into four channels A, C, G, T; an unknown base is a column of zeros.

    Parameters
    ----------
    codes
        uint8 ``(L,)`` or ``(N, L)``.
    dtype
        ``"int8"`` takes a quarter of the memory.

    Returns
    -------
    ndarray or Tensor
        ``(4, L)`` or ``(N, 4, L)``, a tensor (on the same device) for a tensor.

    Raises
    ------
    ValueError
        If the codes are not uint8.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.dna.one_hot(gn.dna.to_codes("ACNT"))
    array([[1., 0., 0., 0.],
           [0., 1., 0., 0.],
           [0., 0., 0., 0.],
           [0., 0., 0., 1.]], dtype=float32)
    """
    refuse_no_codes(codes)
    _checks.one_of(dtype, ("float32", "int8"), "dtype")
    shape = (*codes.shape[:-1], 4, codes.shape[-1])
    if isinstance(codes, torch.Tensor):
        if codes.device.type == "cpu":  # torch compares bytes several times slower than numpy
            return torch.from_numpy(one_hot(codes.numpy(), dtype=dtype))
        hot = torch.empty(shape, dtype=getattr(torch, dtype), device=codes.device)
        for base in range(4):
            hot[..., base, :] = codes == base
        return hot
    out: np.ndarray[Any, Any] = np.empty(shape, dtype="bool" if dtype == "int8" else dtype)
    for base in range(4):
        np.equal(codes, base, out=out[..., base, :])
    return out.view(np.int8) if dtype == "int8" else out


def from_one_hot(sequences: ArrayOrTensor) -> ArrayOrTensor:
    """Turn one-hot sequences back into codes; a column of zeros is an unknown base.

    Parameters
    ----------
    sequences
        ``(4, L)`` or ``(N, 4, L)``, channels A, C, G, T.

    Returns
    -------
    ndarray or Tensor
        uint8 ``(L,)`` or ``(N, L)``.

    Raises
    ------
    ValueError
        If there are not four channels, or a column is neither one-hot nor zero.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.dna.from_one_hot(gn.dna.one_hot(gn.dna.to_codes("ACNT")))
    array([0, 1, 4, 3], dtype=uint8)
    """
    if sequences.ndim < 2 or sequences.shape[-2] != 4:
        message = f"Found the shape {tuple(sequences.shape)}. Expected (..., 4, L)."
        raise ValueError(message)
    if isinstance(sequences, torch.Tensor):
        return torch.from_numpy(from_one_hot(sequences.detach().cpu().numpy())).to(sequences.device)
    filled = sequences == 1
    known = filled.sum(axis=-2)
    if ((sequences != 0) & ~filled).any() or (known > 1).any():
        message = (
            "Some columns are no one-hot bases: expected one 1 and three 0, or four 0 for an "
            "unknown base. Take the argmax yourself if these are probabilities."
        )
        raise ValueError(message)
    codes: np.ndarray[Any, Any] = filled.argmax(axis=-2).astype(np.uint8)
    codes[known == 0] = _alphabet.UNKNOWN
    return codes


def pack_2bit(codes: Codes) -> Packed:
    """Store codes at two bits a base, with one more bit that marks the unknown ones.

    Parameters
    ----------
    codes
        uint8 ``(L,)`` or ``(N, L)``.

    Returns
    -------
    Packed
        ``bases``, ``unknown`` (of which :func:`numpy.packbits` made bits) and ``length``.

    Raises
    ------
    ValueError
        If the codes are not uint8.

    Examples
    --------
    >>> import grnet as gn
    >>> packed = gn.dna.pack_2bit(gn.dna.to_codes("ACGTACGTNN"))
    >>> packed.bases.nbytes + packed.unknown.nbytes
    5
    >>> gn.dna.to_text(gn.dna.unpack_2bit(packed))
    'ACGTACGTNN'
    """
    refuse_no_codes(codes)
    unknown = codes > 3
    length = codes.shape[-1]
    n_bytes = -(-length // 4)
    padded = np.zeros((*codes.shape[:-1], 4 * n_bytes), dtype=np.uint8)
    padded[..., :length] = np.where(unknown, 0, codes)
    four = padded.reshape(*codes.shape[:-1], n_bytes, 4)
    shifted = four << np.array([6, 4, 2, 0], dtype=np.uint8)
    bases: Codes = np.bitwise_or.reduce(shifted, axis=-1)
    return Packed(bases, np.packbits(unknown, axis=-1), length)


def unpack_2bit(packed: Packed) -> Codes:
    """Return the codes that :func:`pack_2bit` has packed.

    Parameters
    ----------
    packed
        Bases, marks of the unknown ones, and the length.

    Returns
    -------
    ndarray
        uint8 codes.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.dna.unpack_2bit(gn.dna.pack_2bit(gn.dna.to_codes("TTN")))
    array([3, 3, 4], dtype=uint8)
    """
    shifts = np.array([6, 4, 2, 0], dtype=np.uint8)
    four = (packed.bases[..., None] >> shifts) & np.uint8(3)
    codes: Codes = four.reshape(*four.shape[:-2], 4 * four.shape[-2])[..., : packed.length].copy()
    unknown = np.unpackbits(packed.unknown, axis=-1, count=packed.length)
    codes[unknown.astype(bool)] = _alphabet.UNKNOWN
    return codes
