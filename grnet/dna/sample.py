"""Sequences to compare with: shuffles, and stretches of the genome that are alike but unbound."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from grnet import _checks, _intervals
from grnet.dna import _eulerian, _matching
from grnet.dna._arrays import batch_of_codes
from grnet.dna._composition import Cover

if TYPE_CHECKING:
    from grnet.io.genome import Genome

logger = logging.getLogger(__name__)


def dinucleotide_shuffle(
    codes: np.ndarray[Any, np.dtype[np.uint8]], *, n: int = 1, seed: int = 0
) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Shuffle sequences so that every pair of neighbouring bases occurs as often as before.

    Parameters
    ----------
    codes
        uint8 ``(N, L)`` or ``(L,)``.
    n
        Shuffles of each sequence.
    seed
        Of the random numbers.

    Returns
    -------
    ndarray
        uint8 ``(N, n, L)``, for a single sequence ``(n, L)``.

    Raises
    ------
    ValueError
        If these are no codes, or ``n`` is less than 1.

    Notes
    -----
    A shuffle is an Eulerian walk through the graph of the four bases, drawn with equal probability
    from all of them: Altschul and Erickson (1985), with the tree of last edges by Wilson (1996).
    The first and the last base stay. Unknown bases keep their places, and each stretch between
    them is shuffled on its own.

    Examples
    --------
    >>> import grnet as gn
    >>> shuffles = gn.dna.dinucleotide_shuffle(gn.dna.to_codes("ACACGTGTNNAACCA"), n=2)
    >>> [text[8:10] for text in gn.dna.to_text(shuffles)]
    ['NN', 'NN']
    """
    rows = np.ascontiguousarray(batch_of_codes(codes))
    _checks.whole(n, 1, 1 << 31, what="n")
    out = np.empty((len(rows), n, rows.shape[1]), dtype=np.uint8)
    _eulerian.shuffle(rows, out, np.random.default_rng(seed))
    return out if codes.ndim == 2 else out[0]


def matched_negatives(
    genome: Genome,
    positives: pd.DataFrame,
    *,
    exclude: pd.DataFrame | None = None,
    repeats: pd.DataFrame | None = None,
    n_per_positive: int = 1,
    tolerance: float = 0.02,
    seed: int = 0,
) -> pd.DataFrame:
    """Draw stretches of the genome that resemble the positives in all but what they are.

    Parameters
    ----------
    genome
        The sequences.
    positives
        ``chrom``, ``start``, ``end``, best of one width.
    exclude
        More intervals that no negative may touch, such as weak peaks.
    repeats
        Repeated elements, such as the track of RepeatMasker, whose share is to be matched too.
    n_per_positive
        Negatives for each positive.
    tolerance
        How far the shares of G and C of the two may lie apart.
    seed
        Of the random numbers.

    Returns
    -------
    DataFrame
        ``chrom, start, end, positive, gc``, and ``strand`` where the positives have one.
        ``positive`` is the label of the row that a negative belongs to: it lies on the same
        chromosome, so that splits by chromosome hold, and has the same length.

    Raises
    ------
    ValueError
        If no positive finds a negative, chromosomes are unknown, or intervals end beyond them.

    Notes
    -----
    Negatives touch neither the positives nor each other. Shares of unknown bases, of bases of low
    complexity (windows of 64 with a DUST score above 2) and of repeats lie within .1. Lower case
    in the FASTA is not read: give ``repeats``. Positives that find no partner within the tolerance
    get none, with a line in the log; keep only those that occur in ``positive`` where the two
    classes shall be equal in GC throughout.

    Examples
    --------
    >>> import grnet as gn
    >>> import numpy as np
    >>> import pandas as pd
    >>> letters = np.random.default_rng(0).choice(list("ACGT"), 20_000)
    >>> genome = gn.io.Genome.from_sequences({"chr1": "".join(letters)})
    >>> peaks = pd.DataFrame({"chrom": "chr1", "start": [500, 9000], "end": [700, 9200]})
    >>> negatives = gn.dna.matched_negatives(genome, peaks)
    >>> bool((abs(negatives["gc"] - genome.gc(peaks)) <= 0.02).all())
    True
    """
    _checks.whole(n_per_positive, 1, 1000, what="n_per_positive")
    _checks.in_range(tolerance, 1e-6, 1.0, what="tolerance")
    given = genome.harmonise(positives.reset_index(drop=True), what="the positives")
    wanted = given.loc[given.index.repeat(n_per_positive)]
    search = _matching.Search(
        genome, _blocked(genome, given, exclude), _cover(genome, repeats), tolerance
    )
    start = _matching.partners(wanted, search, np.random.default_rng(seed))
    found = start >= 0
    _report(wanted.loc[~found], len(wanted), tolerance)
    negatives = wanted.loc[found, ["chrom"]].assign(start=start[found])
    negatives["end"] = negatives["start"] + (wanted["end"] - wanted["start"])[found].to_numpy()
    negatives["positive"] = positives.index[negatives.index]
    negatives["gc"] = genome.gc(negatives.reset_index(drop=True))
    if "strand" in given.columns:
        negatives["strand"] = wanted.loc[found, "strand"]
    return negatives.reset_index(drop=True)


def _blocked(genome: Genome, positives: pd.DataFrame, exclude: pd.DataFrame | None) -> Cover:
    columns = list(_intervals.COLUMNS)
    parts = [positives[columns]]
    if exclude is not None and len(exclude):
        parts.append(genome.harmonise(exclude.reset_index(drop=True), what="exclude")[columns])
    return Cover(pd.concat(parts))


def _cover(genome: Genome, repeats: pd.DataFrame | None) -> Cover | None:
    if repeats is None or not len(repeats):
        return None
    return Cover(genome.harmonise(repeats.reset_index(drop=True), what="repeats"))


def _report(alone: pd.DataFrame, n: int, tolerance: float) -> None:
    if not len(alone):
        return
    message = (
        f"{len(alone)} of {n} negatives were not found: no free window of the chromosome resembles "
        f"the positive (GC share within {tolerance:g}, others within {_matching.OTHERS:g}), e.g. "
        f"{_checks.examples(_intervals.names(alone).unique())}"
    )
    if len(alone) == n:
        message += ". Raise the tolerance, shorten the windows, or exclude less."
        raise ValueError(message)
    logger.warning("%s", message)
