"""Windows of a genome with labels: where proteins bind, and stretches that look alike."""

import logging
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from grnet import _checks
from grnet.dna import matched_negatives
from grnet.io.genome import Genome
from grnet.train.data import SequenceData

logger = logging.getLogger(__name__)

Positions = npt.NDArray[np.int64]


def binding_windows(
    genome: Genome,
    peaks: pd.DataFrame,
    *,
    tfs: Sequence[str] | None = None,
    width: int = 200,
    min_peaks: int = 50,
    n_negatives: int = 1,
    seed: int = 0,
) -> SequenceData:
    """Cut windows around the binding sites of TFs, and as many that resemble them in GC.

    Parameters
    ----------
    genome
        The sequences.
    peaks
        ``chrom, start, end, tf`` and, where known, ``summit``, as :func:`grnet.io.read_peaks`
        gives.
    tfs
        Which to model; by default all that have ``min_peaks``.
    width
        Bases of a window.
    min_peaks
        Peaks that a TF must have.
    n_negatives
        Windows without any of these peaks for each window with one, alike in GC, complexity and
        unknown bases, on the same chromosome.
    seed
        Of the draw of negatives.

    Returns
    -------
    SequenceData
        A task for each TF. ``intervals`` has ``positive``: the row that a negative was drawn for,
        -1 for windows with peaks.

    Raises
    ------
    ValueError
        If columns are missing, no TF has enough peaks, or no window finds a partner.

    Notes
    -----
    Summits less than a quarter of the width apart share a window, centred between them; a TF binds
    a window where it has a summit within a quarter of its centre. Windows that find no partner are
    left out, so that GC alone tells nothing.

    Examples
    --------
    >>> import grnet as gn
    >>> import numpy as np
    >>> import pandas as pd
    >>> letters = np.random.default_rng(0).choice(list("ACGT"), 20_000)
    >>> genome = gn.io.Genome.from_sequences({"chr1": "".join(letters)})
    >>> peaks = pd.DataFrame({"chrom": "chr1", "start": [4000, 9000], "end": [4001, 9001]})
    >>> gn.train.binding_windows(genome, peaks.assign(tf="CTCF"), width=100, min_peaks=2)
    SequenceData(4 sequences of 100 bases, 1 task: 'CTCF')
    """
    _checks.has_columns(peaks, ["chrom", "start", "end", "tf"], "the table of peaks")
    _checks.whole(width, 8, 1 << 20, what="width")
    names, chosen = _chosen(peaks, tfs, min_peaks=min_peaks)
    placed = genome.harmonise(chosen.reset_index(drop=True), what="peaks")
    middle = placed["summit"] if "summit" in placed else (placed["start"] + placed["end"]) // 2
    chrom = genome.sizes.index.get_indexer(pd.Index(placed["chrom"]))
    centres = _centres(chrom, middle.to_numpy(), reach=width // 4)
    tf = pd.Index(names).get_indexer(pd.Index(placed["tf"]))
    windows, labels = _labelled(genome, (chrom, middle.to_numpy(), tf), centres, width=width)
    drawn = matched_negatives(genome, windows, n_per_positive=n_negatives, seed=seed)
    paired = np.unique(drawn["positive"].to_numpy(dtype=np.int64))
    if len(paired) < len(windows):
        logger.info(
            "%d of %d windows have no partner alike in GC: left out",
            len(windows) - len(paired),
            len(windows),
        )
    row_of = np.full(len(windows), -1)
    row_of[paired] = np.arange(len(paired))
    kept = windows.iloc[paired].assign(positive=-1)
    negatives = drawn[["chrom", "start", "end"]].assign(positive=row_of[drawn["positive"]])
    intervals = pd.concat([kept, negatives], ignore_index=True)
    truth = np.zeros((len(intervals), len(names)), dtype=np.float32)
    truth[: len(paired)] = labels[paired]
    return SequenceData(genome.sequence(intervals), truth, names, intervals=intervals)


def _chosen(
    peaks: pd.DataFrame, tfs: Sequence[str] | None, *, min_peaks: int
) -> tuple[list[str], pd.DataFrame]:
    """Return the TFs, and their peaks."""
    counts = peaks["tf"].value_counts()
    if tfs is None:
        names = sorted(counts.index[counts >= min_peaks].astype(str))
    else:
        missing = [tf for tf in tfs if tf not in counts.index]
        if missing:
            message = (
                f"{len(missing)} of {len(tfs)} TFs have no peak: {_checks.examples(missing)}. "
                + _checks.nearest(missing[0], counts.index)
            )
            raise ValueError(message)
        names = [tf for tf in tfs if counts[tf] >= min_peaks]
    if not names:
        message = (
            f"No TF has {min_peaks} peaks; the most has {counts.index[0]!r}, {counts.iloc[0]}. "
            "Lower min_peaks."
        )
        raise ValueError(message)
    return names, peaks[peaks["tf"].isin(names)]


def _centres(chrom: Positions, middle: Positions, *, reach: int) -> npt.NDArray[np.int64]:
    """Return chromosome and centre of the windows; summits within reach of the first share one."""
    order = np.lexsort((middle, chrom))
    found: list[tuple[int, int]] = []
    first = last = at = -1
    for where, position in zip(chrom[order].tolist(), middle[order].tolist(), strict=True):
        if where != at or position - first > reach:
            if at >= 0:
                found.append((at, (first + last) // 2))
            at, first = where, position
        last = position
    found.append((at, (first + last) // 2))
    return np.array(found, dtype=np.int64)


def _labelled(
    genome: Genome,
    sites: tuple[Positions, Positions, Positions],
    centres: npt.NDArray[np.int64],
    *,
    width: int,
) -> tuple[pd.DataFrame, npt.NDArray[np.float32]]:
    """Return windows inside of chromosomes, and which TFs have a summit near their centres."""
    sizes = genome.sizes.to_numpy()[centres[:, 0]]
    start = centres[:, 1] - width // 2
    inside = (start >= 0) & (start + width <= sizes)
    centres, start = centres[inside], start[inside]
    windows = pd.DataFrame(
        {
            "chrom": genome.sizes.index.to_numpy()[centres[:, 0]],
            "start": start,
            "end": start + width,
        }
    )
    chrom, middle, tf = sites
    far = int(genome.sizes.max()) + width
    places = centres[:, 0] * far + centres[:, 1]
    near = chrom * far + middle
    low = np.searchsorted(places, near - width // 4)
    high = np.searchsorted(places, near + width // 4, side="right")
    labels = np.zeros((len(windows), int(tf.max()) + 1), dtype=np.float32)
    count = high - low
    hit = np.repeat(low, count) + np.arange(count.sum()) - np.repeat(count.cumsum() - count, count)
    labels[hit, np.repeat(tf, count)] = 1
    return windows, labels
