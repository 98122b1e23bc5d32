"""Sequences with labels, served in whole batches."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp
import torch

from grnet import _checks
from grnet._alphabet import UNKNOWN, Codes
from grnet.train._resuming import fingerprint

Batch = dict[str, torch.Tensor]


@dataclass(frozen=True, eq=False)
class SequenceData:
    """Sequences of one width, what is known of each, and where they come from.

    Parameters
    ----------
    codes
        uint8 (N, L), A, C, G, T as 0 to 3, all else 4.
    labels
        One row per sequence: (N,) or (N, T), (N, T, L) per base; NaN where unknown. For classes
        their numbers, (N,).
    names
        Names of the T tasks; ``"task_0"``, ... by default.
    intervals
        ``chrom, start, end`` of each sequence, where known: for splits and the audit.

    Raises
    ------
    ValueError
        If sizes disagree, codes are no codes, or every label is unknown.

    Examples
    --------
    >>> import grnet as gn
    >>> import numpy as np
    >>> codes = np.zeros((4, 20), dtype=np.uint8)
    >>> gn.train.SequenceData(codes, np.array([0, 1, 0, 1]), names=["CTCF"])
    SequenceData(4 sequences of 20 bases, 1 task: 'CTCF')
    """

    codes: Codes
    labels: Any
    names: Sequence[str] = ()
    intervals: pd.DataFrame | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        labels: Any = self.labels
        if sp.issparse(labels):
            labels = sp.csr_array(labels, dtype=np.float32)
        else:
            labels = np.asarray(labels, dtype=np.float32)
            labels = labels[:, None] if labels.ndim == 1 else labels
        object.__setattr__(self, "labels", labels)
        self._check_codes()
        for what, size in (("labels", labels.shape[0]), ("intervals", self._n_intervals())):
            if size != len(self.codes):
                message = (
                    f"There are {len(self.codes)} sequences, but {size} rows of {what}: "
                    "give one row per sequence, in the same order."
                )
                raise ValueError(message)
        if not sp.issparse(labels) and not np.isfinite(labels).any():
            message = "Every label is NaN (unknown): there is nothing to learn."
            raise ValueError(message)
        names = tuple(self.names) or tuple(f"task_{i}" for i in range(labels.shape[1]))
        if len(names) != labels.shape[1] or len(set(names)) != len(names):
            message = (
                f"{len(names)} names ({_checks.examples(names)}) for {labels.shape[1]} tasks: "
                "give one name of its own for each column of labels."
            )
            raise ValueError(message)
        object.__setattr__(self, "names", names)

    def _check_codes(self) -> None:
        codes = self.codes
        if codes.dtype != np.uint8 or codes.ndim != 2 or not codes.size:
            message = (
                f"The sequences are {codes.dtype} of shape {codes.shape}: expected uint8 codes "
                "(N, L) with N, L > 0. See gn.dna.to_codes."
            )
            raise ValueError(message)
        if codes.max() > UNKNOWN:
            message = f"Codes go from 0 to {UNKNOWN} (N), but {codes.max()} was found."
            raise ValueError(message)

    def _n_intervals(self) -> int:
        return len(self.codes) if self.intervals is None else len(self.intervals)

    def __len__(self) -> int:
        """Return the number of sequences."""
        return len(self.codes)

    def __repr__(self) -> str:
        """Return sizes and the first tasks."""
        n, length = self.codes.shape
        noun = "task" if len(self.names) == 1 else "tasks"
        return (
            f"SequenceData({n:,} sequences of {length:,} bases, {len(self.names)} {noun}: "
            f"{_checks.examples(self.names)})"
        )

    def __getitem__(self, index: int) -> Batch:
        """Return one sequence, as a batch of one."""
        return self.__getitems__([index])

    def fingerprint(self) -> str:
        """Return a digest of sequences and labels, which tells one training from another.

        Examples
        --------
        >>> import grnet as gn
        >>> import numpy as np
        >>> codes = np.zeros((1, 9), dtype=np.uint8)
        >>> gn.train.SequenceData(codes, np.ones(1)).fingerprint() == (
        ...     gn.train.SequenceData(codes, np.zeros(1)).fingerprint()
        ... )
        False
        """
        labels = self.labels
        parts = (labels.data, labels.indices, labels.indptr) if sp.issparse(labels) else (labels,)
        return fingerprint(self.codes, *parts)

    def __getitems__(self, indices: list[int]) -> Batch:
        """Return a batch: ``x``, codes (B, L), and ``y``, labels."""
        rows = np.asarray(indices)
        return {
            "x": torch.from_numpy(self.codes[rows]),
            "y": torch.from_numpy(_dense(self.labels[rows])),
        }

    def dense_labels(self) -> npt.NDArray[np.float32]:
        """Return the labels as an array, for figures over a held-out part.

        Examples
        --------
        >>> import grnet as gn
        >>> import numpy as np
        >>> gn.train.SequenceData(np.zeros((1, 9), dtype=np.uint8), np.ones(1)).dense_labels()
        array([[1.]], dtype=float32)
        """
        return _dense(self.labels)

    def take(self, rows: npt.NDArray[np.integer | np.bool_]) -> "SequenceData":
        """Return some of the sequences.

        Parameters
        ----------
        rows
            Their numbers, or True for each that is kept.

        Returns
        -------
        SequenceData

        Examples
        --------
        >>> import grnet as gn
        >>> import numpy as np
        >>> data = gn.train.SequenceData(np.zeros((3, 9), dtype=np.uint8), np.arange(3))
        >>> len(data.take(np.array([True, False, True])))
        2
        """
        kept = np.flatnonzero(rows) if rows.dtype == bool else rows
        intervals = None if self.intervals is None else self.intervals.take(kept)
        return SequenceData(self.codes[kept], self.labels[kept], self.names, intervals=intervals)


def _dense(labels: Any) -> npt.NDArray[np.float32]:  # noqa: ANN401 - dense or sparse
    return np.asarray(labels.toarray() if sp.issparse(labels) else labels)
