"""Where transcription factors can bind, read from the DNA."""

import logging
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from grnet import _checks, _intervals
from grnet._alphabet import UNKNOWN
from grnet._progress import progress
from grnet._torch import workers
from grnet.cis import _pwm, _scan
from grnet.cis._tiles import Block, Tiles, tiles
from grnet.io.genome import Genome
from grnet.io.motifs import Motif

logger = logging.getLogger(__name__)

Ints = npt.NDArray[np.int64]


class _Hits(NamedTuple):
    """Hits as numbers: of the interval, the offset in it, the motif, the strand, and the loss."""

    interval: Ints
    offset: Ints
    motif: Ints
    minus: npt.NDArray[np.bool_]
    loss: Ints

    def take(self, rows: npt.NDArray[np.integer | np.bool_]) -> "_Hits":
        return _Hits(*(column[rows] for column in self))


def scan_motifs(
    genome: Genome,
    intervals: pd.DataFrame,
    motifs: Iterable[Motif],
    *,
    max_pvalue: float = 1e-4,
    background: Sequence[float] | None = None,
    best_only: bool = False,
) -> pd.DataFrame:
    """Find the places in intervals where motifs fit, on both strands.

    Parameters
    ----------
    genome
        The sequences.
    intervals
        ``chrom``, ``start``, ``end``, for example peaks. Each is scanned on its own.
    motifs
        As :func:`grnet.io.read_motifs` returns them.
    max_pvalue
        The probability with which a word drawn from the background scores as high as a hit.
    background
        Frequencies of A, C, G, T; by default those of the intervals. Both strands are averaged.
    best_only
        Keep only the best hit of each motif in each interval (the leftmost of equals).

    Returns
    -------
    DataFrame
        ``chrom, start, end, strand, motif, tf, score, pvalue, peak``, in the order of the
        intervals, then by place. ``score`` is log2 odds in bits, ``peak`` the name of the interval
        (``chr1:100-200``). A motif of several TFs gives a row for each; without a TF, ``tf`` is
        the motif's name.

    Raises
    ------
    ValueError
        If there is no interval, no motif, or no motif that can reach the p-value; if
        chromosomes are unknown or intervals end beyond them.

    Notes
    -----
    Log odds are rounded to 1/200 bit; for these scores the p-values are exact, by the dynamic
    programming of Staden (1989), as in FIMO. Words with N never match. Intervals on chromosomes
    that the genome lacks are left out, with a line in the log. Work is shared by torch's threads.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> import grnet as gn
    >>> genome = gn.io.Genome.from_sequences({"chr1": "ccccTGACTCAccgttccaggtc"})
    >>> peaks = pd.DataFrame({"chrom": ["chr1"], "start": [0], "end": [23]})
    >>> ap1 = gn.io.Motif("AP1", ("FOS", "JUN"), np.eye(4)[[3, 2, 0, 1, 3, 1, 0]].T)
    >>> gn.cis.scan_motifs(genome, peaks, [ap1], max_pvalue=1e-4)[["start", "strand", "tf"]]
       start strand   tf
    0      4      +  FOS
    1      4      +  JUN
    """
    known = list(motifs)
    _checks.in_range(max_pvalue, 1e-15, 0.1, what="max_pvalue")
    if not known or not len(intervals):
        message = (
            f"Found {len(intervals)} intervals and {len(known)} motifs: expected some of both."
        )
        raise ValueError(message)
    given = _intervals.checked(intervals.reset_index(drop=True), what="intervals")
    placed = genome.harmonise(given, what="intervals")
    cut = tiles(genome, placed, overlap=max(motif.width for motif in known) - 1)
    frequencies = _observed(cut) if background is None else np.array(background, dtype=np.float64)
    pwms = _pwms(known, _symmetric(frequencies), max_pvalue=max_pvalue)
    hits = _all_hits(cut, pwms)
    if best_only:
        hits = _best(hits)
    if not len(hits.interval):
        logger.warning("no motif has a hit with p <= %g in %d intervals", max_pvalue, len(placed))
    return _frame(hits, given.loc[placed.index], motifs=known, pwms=pwms)


def _observed(cut: Tiles) -> npt.NDArray[np.float64]:
    """Count the letters of all intervals."""
    counts = np.zeros(4)
    for block in cut.blocks():
        own = np.arange(block.rows.shape[1]) < block.owned[:, None]
        counts += np.bincount(block.rows[own], minlength=UNKNOWN + 1)[:4]
    if not counts.sum():
        message = "The intervals hold no letter but N: nothing can be found in them."
        raise ValueError(message)
    # a letter that a short stretch lacks is rare, not impossible
    return counts + 1


def _symmetric(frequencies: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Average both strands, so that they have the same p-values."""
    if frequencies.shape != (4,) or not (frequencies > 0).all():
        message = (
            f"background={frequencies.tolist()} is no background. "
            "Expected four positive numbers: the frequencies of A, C, G and T."
        )
        raise ValueError(message)
    both = frequencies + frequencies[::-1]
    return np.asarray(both / both.sum())


def _pwms(
    motifs: list[Motif], background: npt.NDArray[np.float64], *, max_pvalue: float
) -> list[_pwm.Pwm]:
    """Return the scores of all motifs; those too short for the p-value have no budget."""
    pwms = [_pwm.pwm(m.probabilities, background, max_pvalue=max_pvalue) for m in motifs]
    short = [motif.name for motif, pwm in zip(motifs, pwms, strict=True) if pwm.budget < 0]
    if len(short) == len(motifs):
        message = (
            f"No motif can reach p <= {max_pvalue:g}: even the best words of "
            f"{_checks.examples(short)} are more likely by chance. Raise max_pvalue."
        )
        raise ValueError(message)
    if short:
        logger.warning(
            "%d of %d motifs cannot reach p <= %g, for even their best words are more likely: %s",
            *(len(short), len(motifs), max_pvalue, _checks.examples(short)),
        )
    return pwms


def _all_hits(cut: Tiles, pwms: list[_pwm.Pwm]) -> _Hits:
    """Scan one block after the other, the motifs side by side."""
    found = []
    with workers(torch.device("cpu")) as pool:
        for block in progress(cut.blocks(), "scanning", total=cut.n_blocks):
            index = _scan.index(block.rows, block.owned)
            strands = [s for pwm in pwms for s in (pwm, pwm.reverse_complement())]
            places = list(pool.map(lambda pwm, index=index: _scan.find(index, pwm), strands))
            found.append(_located(places, block))
    hits = _Hits(*(np.concatenate(column) for column in zip(*found, strict=True)))
    return hits.take(np.lexsort((hits.minus, hits.motif, hits.offset, hits.interval)))


def _located(places: list[_scan.Found], block: Block) -> _Hits:
    """Turn places in a block into offsets in intervals; strands of a motif take turns."""
    counts = np.array([len(found.place) for found in places])
    strand = np.repeat(np.arange(len(places)), counts)
    row, column = np.divmod(
        np.concatenate([found.place for found in places]), block.rows.shape[1] + 1
    )
    return _Hits(
        block.interval[row],
        block.offset[row] + column,
        strand // 2,
        strand % 2 == 1,
        np.concatenate([found.loss for found in places]),
    )


def _best(hits: _Hits) -> _Hits:
    """Keep the cheapest hit of each motif in each interval; of equals the first."""
    order = np.lexsort((hits.loss, hits.motif, hits.interval))
    pair = np.stack([hits.interval[order], hits.motif[order]])
    is_first = np.ones(len(order), dtype=bool)
    is_first[1:] = (pair[:, 1:] != pair[:, :-1]).any(axis=0)
    return hits.take(np.sort(order[is_first]))


def _frame(
    hits: _Hits, intervals: pd.DataFrame, *, motifs: list[Motif], pwms: list[_pwm.Pwm]
) -> pd.DataFrame:
    """Put names to the numbers, one row for each TF of a motif."""
    tfs = [motif.tfs or (motif.name,) for motif in motifs]
    n_tfs = np.array([len(names) for names in tfs])
    first_tf = np.cumsum(n_tfs) - n_tfs
    repeats = n_tfs[hits.motif]
    nth = np.arange(repeats.sum()) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    hits = hits.take(np.repeat(np.arange(len(repeats)), repeats))
    start = intervals["start"].to_numpy()[hits.interval] + hits.offset
    tails = np.concatenate([pwm.tail for pwm in pwms])
    lengths = np.array([len(pwm.tail) for pwm in pwms])
    tops = np.array([pwm.top for pwm in pwms])
    return pd.DataFrame(
        {
            "chrom": intervals["chrom"].to_numpy(dtype=object)[hits.interval],
            "start": start,
            "end": start + np.array([motif.width for motif in motifs])[hits.motif],
            "strand": np.array(["+", "-"], dtype=object)[hits.minus.astype(np.intp)],
            "motif": np.array([motif.name for motif in motifs], dtype=object)[hits.motif],
            "tf": np.array([tf for names in tfs for tf in names], dtype=object)[
                first_tf[hits.motif] + nth
            ],
            "score": (tops[hits.motif] - hits.loss) / _pwm.SCALE,
            "pvalue": tails[(np.cumsum(lengths) - lengths)[hits.motif] + hits.loss],
            "peak": _intervals.names(intervals).to_numpy()[hits.interval],
        }
    )
