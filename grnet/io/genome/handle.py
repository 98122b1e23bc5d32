"""The genome: bases, chromosomes and genes behind one handle."""

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from grnet import _checks, _chromosomes, _intervals
from grnet._alphabet import UNKNOWN, Codes, reverse_complement
from grnet.io.genome import _fasta
from grnet.io.genome._fasta import Positions
from grnet.io.genome.annotation import as_genes, promoter_windows

logger = logging.getLogger(__name__)

_BLOCK = 1 << 24


class Genome:
    """A reference genome: sequences from a FASTA file and, where given, its genes.

    Parameters
    ----------
    fasta
        FASTA file, plain or gzipped. Its index is written beside it, or into the cache where the
        folder is read-only; a gzipped file is unpacked once into the cache.
    annotation
        GTF, GFF3, table of transcription start sites, or a frame from
        :func:`grnet.io.read_annotation`. A file is read when its genes are first asked for.
    cache
        Folder for unpacked files and indices; by default the user's cache folder.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is empty, truncated or no FASTA, or if two sequences bear one name.

    Notes
    -----
    Positions are 0-based and half-open. Intervals may name their chromosomes in any of the usual
    ways (``chr1``, ``1``, ``I``, ``chrI``; ``chrM``, ``MT``, ``Mito``). Pickled, a genome is the
    path of its file, so that it can travel to the workers of a DataLoader.

    Examples
    --------
    >>> import grnet as gn
    >>> import pandas as pd
    >>> genome = gn.io.Genome.from_sequences({"chr1": "ACGTACGTNN", "chr2": "GGGG"})
    >>> genome.sizes.to_dict()
    {'chr1': 10, 'chr2': 4}
    >>> genome.sequence(pd.DataFrame({"chrom": ["1"], "start": [6], "end": [10]}))
    array([[2, 3, 4, 4]], dtype=uint8)
    """

    def __init__(
        self,
        fasta: str | Path,
        *,
        annotation: pd.DataFrame | str | Path | None = None,
        cache: str | Path | None = None,
    ) -> None:
        self._set(_fasta.opened(fasta, cache=cache), annotation)

    @classmethod
    def from_sequences(
        cls, sequences: Mapping[str, str], *, annotation: pd.DataFrame | str | Path | None = None
    ) -> "Genome":
        """Make a genome of sequences in memory.

        Parameters
        ----------
        sequences
            From the name of each chromosome to its letters.
        annotation
            As for a genome from a file.

        Returns
        -------
        Genome

        Raises
        ------
        ValueError
            If there is no sequence, or if one holds letters that are no bases.

        Examples
        --------
        >>> import grnet as gn
        >>> gn.io.Genome.from_sequences({"chrI": "ACGT"})
        Genome(sequences in memory: 1 sequence, 4 bases: 'chrI')
        """
        if not sequences:
            message = "A genome needs at least one sequence; the mapping is empty."
            raise ValueError(message)
        genome = cls.__new__(cls)
        genome._set(_fasta.in_memory(sequences), annotation)
        return genome

    def _set(self, bases: _fasta.Bases, annotation: pd.DataFrame | str | Path | None) -> None:
        self._bases = bases
        self._annotation = annotation
        self._genes: pd.DataFrame | None = None
        self.sizes = pd.Series(bases.sizes, dtype="int64", name="length").rename_axis("chrom")
        # a file of proteins or a damaged one is told at once, not at the first window
        longest = np.array([self.sizes.argmax()])
        bases.codes(longest, np.array([0]), np.minimum(self.sizes.to_numpy()[longest], 1000))

    def __repr__(self) -> str:
        n, total = len(self.sizes), int(self.sizes.sum())
        noun = "sequence" if n == 1 else "sequences"
        return (
            f"Genome({self._bases.label}: {n:,} {noun}, {total:,} bases: "
            f"{_checks.examples(self.sizes.index)})"
        )

    @property
    def genes(self) -> pd.DataFrame:
        """The annotation, one row per gene, under the genome's names of chromosomes."""
        if self._annotation is None:
            message = (
                'This genome has no annotation. Pass one: Genome(fasta, annotation="genes.gtf.gz").'
            )
            raise ValueError(message)
        if self._genes is None:
            table = as_genes(self._annotation)
            self._genes = self.harmonise(table, what="the annotation").reset_index(drop=True)
        return self._genes.copy()

    def harmonise(self, intervals: pd.DataFrame, *, what: str) -> pd.DataFrame:
        """Return the intervals under the genome's names of chromosomes.

        Rows on chromosomes that the genome lacks are left out, with a line in the log; the index
        of the other rows stays as it is.

        Parameters
        ----------
        intervals
            Frame with ``chrom``, ``start`` and ``end``.
        what
            What they are, for the error message.

        Returns
        -------
        DataFrame
            The rows on known chromosomes.

        Raises
        ------
        ValueError
            If no chromosome is known, or if an interval ends beyond its chromosome: then the
            assembly is another one.

        Examples
        --------
        >>> import grnet as gn
        >>> import pandas as pd
        >>> genome = gn.io.Genome.from_sequences({"chrI": "ACGT", "chrII": "AC"})
        >>> genome.harmonise(pd.DataFrame({"chrom": ["2"], "start": 0, "end": 2}), what="peaks")
           chrom  start  end
        0  chrII      0    2
        """
        given = _intervals.checked(intervals, what=what)
        known = _chromosomes.renamed(given, self.sizes.index, what=what)
        if len(known) < len(given):
            table = _chromosomes.translation(given["chrom"].unique(), self.sizes.index)
            left = given.loc[~given["chrom"].isin(list(table)), "chrom"]
            logger.warning(
                "%s: %d of %d intervals lie on chromosomes that the genome lacks (%s): left out",
                *(what, len(left), len(given), _checks.examples(left.unique())),
            )
        self._refuse_beyond(known, given["chrom"].unique(), what=what)
        return known

    def sequence(
        self, intervals: pd.DataFrame, *, width: int | None = None, stranded: bool = False
    ) -> Codes:
        """Return the bases of intervals as codes.

        Parameters
        ----------
        intervals
            Frame with ``chrom``, ``start`` and ``end``, and ``strand`` if ``stranded``.
        width
            Take a window of so many bases around the middle of each interval: the base at
            ``(start + end) // 2`` comes to column ``width // 2``. By default the intervals as they
            are.
        stranded
            Give rows on the strand ``-`` as their reverse complement.

        Returns
        -------
        ndarray
            uint8, one row per interval in the order given: A, C, G, T are 0 to 3, all else is 4.
            Rows shorter than the longest are filled with 4 on the right, windows that reach
            beyond a chromosome's end with 4 on that side.

        Raises
        ------
        ValueError
            If a chromosome is unknown or an interval ends beyond it.

        Examples
        --------
        >>> import grnet as gn
        >>> import pandas as pd
        >>> genome = gn.io.Genome.from_sequences({"chr1": "ACGTT"})
        >>> peaks = pd.DataFrame({"chrom": "chr1", "start": [0, 3], "end": [2, 5], "strand": "-"})
        >>> genome.sequence(peaks, width=3, stranded=True)
        array([[1, 2, 3],
               [4, 0, 0]], dtype=uint8)
        """
        frame = self._placed(intervals)
        start, end = frame["start"].to_numpy(), frame["end"].to_numpy()
        if width is not None:
            _checks.whole(width, 1, 1 << 31, what="width")
            start = (start + end) // 2 - width // 2
            end = start + width
        row = self.sizes.index.get_indexer(pd.Index(frame["chrom"]))
        longest = width or int((end - start).max(initial=0))
        out = self._codes(row, (start, end), longest)
        if stranded:
            _checks.has_columns(frame, ["strand"], "the intervals of a stranded sequence")
            minus = np.flatnonzero(frame["strand"] == "-")
            length = (end - start)[minus]
            for size in np.unique(length):
                alike = minus[length == size]
                out[alike, :size] = reverse_complement(out[alike, :size])
        return out

    def gc(self, intervals: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Return the share of G and C among the known bases of intervals.

        Parameters
        ----------
        intervals
            Frame with ``chrom``, ``start`` and ``end``.

        Returns
        -------
        ndarray
            One share per row; NaN where no base is known or the genome lacks the chromosome.

        Raises
        ------
        ValueError
            If no chromosome is known, or an interval ends beyond its own.

        Examples
        --------
        >>> import grnet as gn
        >>> import pandas as pd
        >>> genome = gn.io.Genome.from_sequences({"chr1": "ACGTNNNN"})
        >>> genome.gc(pd.DataFrame({"chrom": "chr1", "start": [0, 1, 5], "end": [4, 3, 8]}))
        array([0.5, 1. , nan])
        """
        found = self.harmonise(intervals.reset_index(drop=True), what="the table")
        share = np.full(len(intervals), np.nan)
        longest = int((found["end"] - found["start"]).max())
        step = max(1, _BLOCK // max(longest, 1))
        for at in range(0, len(found), step):
            block = found.iloc[at : at + step]
            codes = self.sequence(block)
            known = (codes < UNKNOWN).sum(axis=1)
            strong = ((codes == 1) | (codes == 2)).sum(axis=1)
            ratio = np.where(known > 0, strong / np.maximum(known, 1), np.nan)
            share[block.index.to_numpy()] = ratio
        return share

    def tss(self) -> pd.DataFrame:
        """Return the transcription start site of each gene as an interval of one base.

        Returns
        -------
        DataFrame
            ``chrom``, ``start``, ``end``, ``gene``, ``strand``.

        Raises
        ------
        ValueError
            If the genome has no annotation.

        Examples
        --------
        >>> import grnet as gn
        >>> import pandas as pd
        >>> genes = pd.DataFrame({"chrom": ["chr1"], "tss": 3, "gene": "G", "strand": "+"})
        >>> gn.io.Genome.from_sequences({"chr1": "ACGTT"}, annotation=genes).tss()
          chrom  start  end gene strand
        0  chr1      3    4    G      +
        """
        genes = self.genes
        return genes.assign(start=genes["tss"], end=genes["tss"] + 1)[
            [*_intervals.COLUMNS, "gene", "strand"]
        ]

    def promoters(self, upstream: int = 1000, downstream: int = 100) -> pd.DataFrame:
        """Return the promoter of each gene, cut at the ends of its chromosome.

        Parameters
        ----------
        upstream
            Bases before the transcription start site.
        downstream
            Bases from the start site on, itself included.

        Returns
        -------
        DataFrame
            ``chrom``, ``start``, ``end``, ``gene``, ``strand``. Genes without a strand count as
            on the strand ``+``.

        Raises
        ------
        ValueError
            If the genome has no annotation.

        Examples
        --------
        >>> import grnet as gn
        >>> import pandas as pd
        >>> genes = pd.DataFrame({"chrom": "c", "tss": 4, "gene": ["A", "B"], "strand": ["+", "-"]})
        >>> genome = gn.io.Genome.from_sequences({"c": "ACGTACGTAC"}, annotation=genes)
        >>> genome.promoters(upstream=3, downstream=2)[["start", "end"]].to_numpy()
        array([[1, 6],
               [3, 8]])
        """
        for name, value in (("upstream", upstream), ("downstream", downstream)):
            _checks.whole(value, 0, 1 << 31, what=name)
        genes = self.genes
        windows = promoter_windows(
            genes, upstream=upstream, downstream=downstream, sizes=self.sizes
        )
        return windows.assign(gene=genes["gene"], strand=genes["strand"])

    def _codes(self, row: Positions, ends: tuple[Positions, Positions], longest: int) -> Codes:
        """Return the codes of windows, filled up beyond the ends of their chromosomes."""
        start, end = ends
        size = self.sizes.to_numpy()[row]
        first, last = np.maximum(start, 0), np.minimum(end, size)
        out = np.full((len(row), longest), UNKNOWN, dtype=np.uint8)
        step = max(1, _BLOCK // max(longest, 1))
        for at in range(0, len(row), step):
            block = slice(at, at + step)
            codes = self._bases.codes(row[block], first[block], last[block])
            if len(codes) == out[block].size:
                out[block] = codes.reshape(out[block].shape)
                continue
            column = np.arange(longest) + start[block, None]
            out[block][(column >= first[block, None]) & (column < last[block, None])] = codes
        return out

    def _placed(self, intervals: pd.DataFrame) -> pd.DataFrame:
        """Return all intervals under the genome's names, or raise."""
        what = "the table"
        given = _intervals.checked(intervals, what=what)
        names = given["chrom"].unique()
        table = _chromosomes.translation(names, self.sizes.index)
        missing = [name for name in names if name not in table]
        if missing:
            message = (
                f"The genome lacks {len(missing)} chromosome(s) of {what}: "
                f"{_checks.examples(missing)}; it has {_checks.examples(self.sizes.index, 5)}. "
                "Drop these rows first: genome.harmonise(intervals, what='peaks')."
            )
            raise ValueError(message)
        placed = given.assign(chrom=given["chrom"].map(table))
        self._refuse_beyond(placed, names, what=what)
        return placed

    def _refuse_beyond(self, known: pd.DataFrame, names: Iterable[str], *, what: str) -> None:
        size = known["chrom"].map(self.sizes)
        beyond = (known["end"] > size).to_numpy()
        if not beyond.any():
            return
        first = known.loc[beyond].iloc[0]
        message = (
            f"{int(beyond.sum())} of {len(known)} intervals of {what} end beyond their chromosome: "
            f"{_checks.examples(_intervals.names(known.loc[beyond]))}, while {first['chrom']!r} "
            f"has {self.sizes[first['chrom']]:,} bases. They come from another assembly than "
            f"{self._bases.label} (chromosomes of {what}: {_checks.examples(names, 5)}; of the "
            f"genome: {_checks.examples(self.sizes.index, 5)}). Use the FASTA of their assembly, "
            "or lift them over."
        )
        raise ValueError(message)
