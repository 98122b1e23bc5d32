"""What a test could have been told by the training data."""

import logging
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from grnet import _checks
from grnet._alphabet import Codes
from grnet._intervals import COLUMNS, overlaps
from grnet.dna import reverse_complement
from grnet.train.data import SequenceData
from grnet.train.split import Split, shared_words

logger = logging.getLogger(__name__)

OnLeak = Literal["raise", "warn", "off"]


def audit_split(
    data: SequenceData, split: Split, *, min_shared: float = 0.5, on_leak: OnLeak = "raise"
) -> pd.DataFrame:
    """Look for what the training sequences share with those held out.

    Parameters
    ----------
    data
        All sequences, with ``intervals`` where they come from a genome.
    split
        Their parts.
    min_shared
        Share of common 12-letter words, on either strand, from which two sequences are relatives.
    on_leak
        ``"raise"`` stops at overlapping intervals and identical sequences, ``"warn"`` logs them.
        Relatives are only counted: drop them, or use :func:`split_by_similarity`.

    Returns
    -------
    DataFrame
        A row for validation and test each: ``n``, and how many of them overlap a training interval,
        are identical to a training sequence on either strand, or are relatives of one.

    Raises
    ------
    ValueError
        If something leaks and ``on_leak="raise"``.

    Examples
    --------
    >>> import grnet as gn
    >>> import numpy as np
    >>> codes = np.random.default_rng(0).integers(0, 4, (9, 40)).astype(np.uint8)
    >>> codes[8] = gn.dna.reverse_complement(codes[0])
    >>> data = gn.train.SequenceData(codes, np.arange(9) % 2)
    >>> split = gn.train.Split(np.arange(6), np.array([6, 7]), np.array([8]))
    >>> gn.train.audit_split(data, split, on_leak="warn")["identical"].tolist()
    [0, 1]
    """
    train = data.take(split.train)
    rows: dict[str, dict[str, int]] = {}
    for name, held in (("validation", split.validation), ("test", split.test)):
        if len(held):
            part = data.take(held)
            rows[name] = leaks(train, part) | {
                "related": int(related_rows(train.codes, part.codes, min_shared=min_shared).sum())
            }
    for name, row in rows.items():
        report(row, what=f"the {name} data", on_leak=on_leak)
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("part")


def leaks(train: SequenceData, held: SequenceData) -> dict[str, int]:
    """Count held-out sequences that overlap training intervals, or are identical on any strand."""
    overlapping = 0
    if train.intervals is not None and held.intervals is not None:
        frames = [part.intervals[list(COLUMNS)] for part in (held, train)]  # type: ignore[index]
        pairs = overlaps(frames[0].reset_index(drop=True), frames[1].reset_index(drop=True))
        overlapping = len(np.unique(pairs[0]))
    known = set(_keys(train.codes))
    same = sum(key in known for key in _keys(held.codes))
    return {"n": len(held), "overlapping": overlapping, "identical": same}


def report(found: dict[str, int], *, what: str, on_leak: OnLeak) -> None:
    """Raise, log or let pass what leaks.

    Raises
    ------
    ValueError
        If something leaks and ``on_leak="raise"``.
    """
    _checks.one_of(on_leak, ("raise", "warn", "off"), "on_leak")
    if on_leak == "off" or not (found["overlapping"] or found["identical"]):
        return
    message = (
        f"Of {found['n']} sequences of {what}, {found['overlapping']} overlap training intervals "
        f"and {found['identical']} are identical to a training sequence (on either strand): the "
        "figures would be too good. Split by chromosome or by similarity "
        "(gn.train.split_by_similarity), or drop them."
    )
    if on_leak == "raise":
        raise ValueError(message)
    logger.warning(message)


def related_rows(train: Codes, held: Codes, *, min_shared: float) -> npt.NDArray[np.bool_]:
    """Return True for held-out sequences that share so many words with a training sequence."""
    near = shared_words(held, train, min_shared=min_shared)
    return np.asarray(np.diff(near.indptr) > 0)


def _keys(codes: Codes) -> list[bytes]:
    """Return one key for a sequence and its reverse complement."""
    forward = np.ascontiguousarray(codes)
    reverse = np.ascontiguousarray(reverse_complement(codes))
    return [min(a.tobytes(), b.tobytes()) for a, b in zip(forward, reverse, strict=True)]
