"""Changes of training sequences that leave their labels true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from grnet import _checks
from grnet._alphabet import UNKNOWN
from grnet.dna import _sites
from grnet.dna._arrays import batch_of_codes, refuse_no_codes
from grnet.dna.encode import reverse_complement as other_strand

if TYPE_CHECKING:
    from collections.abc import Iterable

    from grnet._alphabet import Codes
    from grnet.io.motifs import Motif

Mask = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Draw, for every sequence of a batch, a strand, a place and a few mutations.

    Parameters
    ----------
    reverse_complement
        Give half of the sequences as their reverse complement.
    max_shift
        Give windows that lie up to so many bases beside the middle. The sequences have to be
        longer by this on both sides, so that nothing is padded or wrapped.
    mutation_rate
        The share of bases that is replaced by another base.
    protected
        Motifs whose sites are never mutated: :class:`grnet.io.Motif` or a consensus in IUPAC
        letters, such as ``"TGASTCA"``.
    strand_pairs
        Channels of per-base targets that belong to the two strands, such as ``((0, 1),)``. They
        swap where a sequence is turned round.

    Raises
    ------
    ValueError
        If a number is out of range.

    Notes
    -----
    Called with codes ``(N, L + 2 * max_shift)``, targets and a :class:`torch.Generator`; returns
    codes ``(N, L)`` and the targets. Targets with a position axis, ``(N, T, l + 2 * max_shift)``,
    are moved and turned with their sequences, all others come back as they are. Validation data
    go through :meth:`centre`.

    Examples
    --------
    >>> import grnet as gn
    >>> import torch
    >>> augment = gn.dna.Augmentation(max_shift=2)
    >>> codes = torch.zeros((3, 14), dtype=torch.uint8)
    >>> turned, labels = augment(codes, torch.ones(3, 1), torch.Generator().manual_seed(0))
    >>> turned.shape, labels.shape, augment.centre(codes).shape
    (torch.Size([3, 10]), torch.Size([3, 1]), torch.Size([3, 10]))
    """

    reverse_complement: bool = True
    max_shift: int = 0
    mutation_rate: float = 0.0
    protected: tuple[Motif | str, ...] = ()
    strand_pairs: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        _checks.whole(self.max_shift, 0, 1 << 31, what="max_shift")
        _checks.in_range(self.mutation_rate, 0.0, 1.0, what="mutation_rate")

    def __call__(
        self, codes: torch.Tensor, targets: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return changed codes and their targets."""
        refuse_no_codes(codes)
        n, per_base = len(codes), targets.ndim == 3
        if self.max_shift:
            shift = _drawn(codes, generator, (n,)).mul(2 * self.max_shift + 1).long()
            codes = self._window(codes, shift)
            targets = self._window(targets, shift) if per_base else targets
        if self.mutation_rate:
            protect = _sites.covered(codes, self.protected, min_score=_LEAST)
            codes = _mutated(codes, self.mutation_rate, protect=protect, generator=generator)
        if self.reverse_complement:
            turn = _drawn(codes, generator, (n,)) < 0.5
            codes = torch.where(turn[:, None], other_strand(codes), codes)
            if per_base:
                targets = torch.where(turn[:, None, None], self._turned(targets), targets)
        return codes, targets

    def centre(self, values: torch.Tensor) -> torch.Tensor:
        """Return the middle of sequences, or of targets with a position axis.

        Parameters
        ----------
        values
            The position is the last axis.

        Returns
        -------
        Tensor
            ``max_shift`` shorter on both sides.

        Raises
        ------
        ValueError
            If nothing would be left.

        Examples
        --------
        >>> import grnet as gn
        >>> import torch
        >>> gn.dna.Augmentation(max_shift=1).centre(torch.arange(5))
        tensor([1, 2, 3])
        """
        return values[..., self.max_shift : self.max_shift + self._width(values)]

    def _width(self, values: torch.Tensor) -> int:
        width = values.shape[-1] - 2 * self.max_shift
        if width <= 0:
            message = (
                f"max_shift={self.max_shift} leaves nothing of {values.shape[-1]} positions: give "
                f"sequences (and per-base targets) that are {2 * self.max_shift} longer than the "
                "windows of the model."
            )
            raise ValueError(message)
        return width

    def _window(self, values: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
        """Cut a window at its own place out of each row."""
        place = shift[:, None] + torch.arange(self._width(values), device=values.device)
        if values.ndim == 3:
            place = place[:, None, :].expand(-1, values.shape[1], -1)
        return values.gather(-1, place)

    def _turned(self, targets: torch.Tensor) -> torch.Tensor:
        order = list(range(targets.shape[1]))
        for plus, minus in self.strand_pairs:
            order[plus], order[minus] = minus, plus
        return targets[:, order].flip(-1)


def mutagenise(codes: Codes, rate: float, *, protect: Mask | None = None, seed: int = 0) -> Codes:
    """Replace a random share of the bases by other bases.

    Parameters
    ----------
    codes
        uint8 ``(N, L)`` or ``(L,)``.
    rate
        The probability of a base to be replaced; unknown bases stay.
    protect
        True where nothing shall change, such as :func:`motif_mask` returns.
    seed
        Of the random numbers.

    Returns
    -------
    ndarray
        As given; each of the three other bases is as likely as the others.

    Raises
    ------
    ValueError
        If the rate is no probability or the mask has another shape.

    Examples
    --------
    >>> import grnet as gn
    >>> codes = gn.dna.to_codes("AAAATGACTCAAAA")
    >>> protect = gn.dna.motif_mask(codes, ["TGACTCA"])
    >>> gn.dna.to_text(gn.dna.mutagenise(codes, 1.0, protect=protect))[4:11]
    'TGACTCA'
    """
    refuse_no_codes(codes)
    _checks.in_range(rate, 0.0, 1.0, what="rate")
    mask = np.zeros(codes.shape, dtype=bool) if protect is None else protect
    if mask.shape != codes.shape:
        message = f"protect has the shape {mask.shape}, the codes {codes.shape}: expected the same."
        raise ValueError(message)
    generator = torch.Generator().manual_seed(seed)
    given, kept = torch.from_numpy(np.ascontiguousarray(codes)), torch.from_numpy(mask)
    changed: Codes = _mutated(given, rate, protect=kept, generator=generator).numpy()
    return changed


def motif_mask(codes: Codes, motifs: Iterable[Motif | str], *, min_score: float = 0.8) -> Mask:
    """Mark the bases that lie in a site of a motif, on either strand.

    Parameters
    ----------
    codes
        uint8 ``(N, L)`` or ``(L,)``.
    motifs
        :class:`grnet.io.Motif`, or consensus sequences in IUPAC letters.
    min_score
        Where between the lowest (0) and the highest (1) log odds of a motif its sites begin; a
        consensus has to fit as it is.

    Returns
    -------
    ndarray
        bool, in the shape of the codes.

    Raises
    ------
    ValueError
        If a consensus has other letters.

    Examples
    --------
    >>> import grnet as gn
    >>> gn.dna.motif_mask(gn.dna.to_codes("AATGACTCAAA"), ["TGASTCA"]).astype(int)
    array([0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0])
    """
    rows = np.ascontiguousarray(batch_of_codes(codes))
    _checks.in_range(min_score, 0.0, 1.0, what="min_score")
    mask: Mask = _sites.covered(torch.from_numpy(rows), motifs, min_score=min_score).numpy()
    return mask.reshape(codes.shape)


_LEAST = 0.8


def _drawn(codes: torch.Tensor, generator: torch.Generator, shape: tuple[int, ...]) -> torch.Tensor:
    return torch.rand(shape, generator=generator, device=generator.device).to(codes.device)


def _mutated(
    codes: torch.Tensor, rate: float, *, protect: torch.Tensor, generator: torch.Generator
) -> torch.Tensor:
    change = (_drawn(codes, generator, tuple(codes.shape)) < rate) & (codes < UNKNOWN) & ~protect
    step = 1 + (_drawn(codes, generator, tuple(codes.shape)) * 3).to(torch.uint8)
    return torch.where(change, (codes + step) % 4, codes)
