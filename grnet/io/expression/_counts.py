"""Counts of bulk samples, one file each: STAR, htseq-count, featureCounts."""

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from grnet import _checks
from grnet._progress import progress
from grnet.io import _text
from grnet.io.expression import _orientation
from grnet.io.expression._matrix import SYMBOLS, Parsed

logger = logging.getLogger(__name__)

Strand = Literal["auto", "unstranded", "forward", "reverse"]
CountFormat = Literal["star", "htseq", "featurecounts"]

STRANDS = ("unstranded", "forward", "reverse")
"""The columns of STAR's ``ReadsPerGene.out.tab``, in their order."""

FEATURECOUNTS_HEADER = ("Geneid", "Chr", "Start", "End", "Strand", "Length")

STRANDED = 0.8
"""Share of the reads on one strand from which a library counts as stranded."""

VOTE = 1000
"""A sample with fewer reads in genes says nothing about the strand."""

ENDINGS = re.compile(
    r"([._-]?ReadsPerGene\.out\.tab|[._-]?(htseq|featurecounts?|counts?)(?=\.|$)|"
    r"\.(txt|tsv|tab|csv|gz|out))+$",
    re.IGNORECASE,
)
BAM_ENDINGS = re.compile(
    r"([._-]?Aligned(\.sortedByCoord)?\.out|\.sorted|[._-]markdup|\.bam|\.sam)+$", re.IGNORECASE
)


@dataclass
class _Sample:
    """One file: ``counts`` is genes x columns, ``quality`` counts what lay in no gene."""

    path: Path
    names: list[str]
    genes: pd.DataFrame
    counts: np.ndarray
    quality: dict[str, np.ndarray]


def read_counts(files: Sequence[Path], kind: CountFormat, *, strand: Strand) -> Parsed:
    """Read the samples of one kind and join them on the names of their genes."""
    read = _READERS[kind]
    bar = progress(files, f"reading {kind} counts") if len(files) > 1 else iter(files)
    samples = [read(path) for path in bar]
    source: dict[str, str] = {"format": kind}
    if kind == "star":
        source["strand"] = _strand(samples) if strand == "auto" else strand
        column = STRANDS.index(source["strand"])
        samples = [_only(sample, column) for sample in samples]
    genes = samples[0].genes
    x = np.concatenate([_aligned(sample, samples[0]).T for sample in samples])
    cells = pd.concat([pd.DataFrame(sample.quality, index=sample.names) for sample in samples])
    return Parsed(x=x.astype(np.float32), cells=cells, genes=genes, source=source)


def sample_name(path: Path) -> str:
    """Return the name of a sample: that of its file, or of its folder if the file has none."""
    return ENDINGS.sub("", path.name) or path.parent.name


def _aligned(sample: _Sample, first: _Sample) -> np.ndarray:
    """Return the counts in the order of the first sample's genes."""
    here, there = sample.genes.index, first.genes.index
    if here.equals(there):
        return sample.counts
    if here.is_unique and there.is_unique and len(here) == len(there) and here.isin(there).all():
        return np.asarray(sample.counts[here.get_indexer(there)])
    more, less = here.difference(there), there.difference(here)
    message = (
        f"{first.path} and {sample.path} do not count the same genes: {len(there)} against "
        f"{len(here)}; only in the first: {_checks.examples(less)}; only in the second: "
        f"{_checks.examples(more)}. Count all samples with the same annotation, or read them apart "
        "and join them with anndata.concat."
    )
    raise ValueError(message)


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield line number and fields of a file separated by tabs, comments left out."""
    with _text.open_text(path) as lines:
        for number, line in enumerate(lines, 1):
            if line.strip() and not line.startswith("#"):
                yield number, line.rstrip("\r\n").split("\t")


def _number(field: str, path: Path, *, line: int, column: int) -> float:
    try:
        value = float(field)
    except ValueError:
        value = -1.0
    if not 0 <= value < np.inf:
        message = (
            f"{path}: line {line}, column {column + 1} holds {field!r} where a count of reads "
            "should be. If this is a table of expression with a header, say format='table'."
        )
        raise ValueError(message)
    return value


def _numbers(
    rows: list[tuple[int, list[str]]], columns: Sequence[int], path: Path, *, width: int
) -> np.ndarray:
    """Return rows x columns of counts, or raise at the first line that does not fit."""
    values = np.empty((len(rows), len(columns)))
    for at, (line, fields) in enumerate(rows):
        if len(fields) != width:
            message = (
                f"{path}: line {line} has {len(fields)} fields where {width} are expected. The "
                "file is damaged or of another format: write or copy it again."
            )
            raise ValueError(message)
        values[at] = [_number(fields[k], path, line=line, column=k) for k in columns]
    return values


def _need_genes(rows: list[tuple[int, list[str]]], path: Path, kind: str) -> None:
    if not rows:
        message = f"{path} holds no gene: it is empty or no output of {kind}."
        raise ValueError(message)


def _read_star(path: Path) -> _Sample:
    rows = list(_lines(path))
    special = [row for row in rows if row[1][0].startswith("N_")]
    genes = [row for row in rows if not row[1][0].startswith("N_")]
    _need_genes(genes, path, "STAR --quantMode GeneCounts")
    quality = _numbers(special, (1, 2, 3), path, width=4)
    return _Sample(
        path,
        [sample_name(path)],
        pd.DataFrame(index=pd.Index([fields[0] for _, fields in genes])),
        _numbers(genes, (1, 2, 3), path, width=4),
        {
            fields[0].removeprefix("N_"): row
            for (_, fields), row in zip(special, quality, strict=True)
        },
    )


def _only(sample: _Sample, column: int) -> _Sample:
    """Keep one of STAR's three columns."""
    quality = {name: values[[column]] for name, values in sample.quality.items()}
    return _Sample(sample.path, sample.names, sample.genes, sample.counts[:, [column]], quality)


def _strand(samples: list[_Sample]) -> str:
    """Return the column that fits the library: where nearly all reads in genes lie."""
    votes: dict[str, Path] = {}
    for sample in samples:
        _, forward, reverse = sample.counts.sum(axis=0)
        if forward + reverse >= VOTE:
            share = forward / (forward + reverse)
            vote = "forward" if share >= STRANDED else "unstranded"
            votes.setdefault("reverse" if share <= 1 - STRANDED else vote, sample.path)
    if len(votes) > 1:
        told = ", ".join(f"{path} looks {strand}" for strand, path in votes.items())
        message = (
            f"The samples differ in strandedness: {told}. Say strand='unstranded', 'forward' or "
            "'reverse' for all of them, or read the two kinds apart."
        )
        raise ValueError(message)
    chosen = next(iter(votes), "unstranded")
    logger.info("STAR counts of %d sample(s): %s column taken", len(samples), chosen)
    return chosen


def _read_htseq(path: Path) -> _Sample:
    rows = list(_lines(path))
    special = [row for row in rows if row[1][0].startswith("__")]
    genes = [row for row in rows if not row[1][0].startswith("__")]
    _need_genes(genes, path, "htseq-count")
    model = special[0][1] if special else genes[0][1]
    columns = [at for at, field in enumerate(model) if at and field.strip()]
    width = len(model)
    names = [sample_name(path)] if len(columns) == 1 else []
    if special and len(genes[0][1]) == width and not genes[0][1][columns[0]].strip().isdigit():
        header = genes.pop(0)[1]
        names = [BAM_ENDINGS.sub("", Path(header[at]).name) for at in columns]
        _need_genes(genes, path, "htseq-count")
    counts = _numbers(genes, columns, path, width=width)
    quality = _numbers(special, columns, path, width=width)
    texts = [at for at in range(1, width) if at not in columns]
    table = {f"attribute_{n}": [row[1][at] for row in genes] for n, at in enumerate(texts, 1)}
    return _Sample(
        path,
        names or [f"{sample_name(path)}_{number + 1}" for number in range(len(columns))],
        _with_symbols(pd.DataFrame(table, index=[fields[0] for _, fields in genes])),
        counts,
        {fields[0].strip("_"): row for (_, fields), row in zip(special, quality, strict=True)},
    )


def _with_symbols(genes: pd.DataFrame) -> pd.DataFrame:
    """Take the first attribute for symbols where the genes have ids and it tells them apart."""
    if "attribute_1" in genes and _orientation.mostly_ids(genes.index):
        first = genes["attribute_1"]
        if first.nunique() > len(first) / 2 and not _orientation.mostly_ids(first):
            return genes.rename(columns={"attribute_1": SYMBOLS})
    return genes


def _read_featurecounts(path: Path) -> _Sample:
    rows = list(_lines(path))
    _need_genes(rows[1:], path, "featureCounts")
    header = rows.pop(0)[1]
    fixed = len(FEATURECOUNTS_HEADER)
    if tuple(header[:fixed]) != FEATURECOUNTS_HEADER:
        message = (
            f"{path}: its first columns are {_checks.examples(header, 6)}, where featureCounts "
            f"writes {', '.join(FEATURECOUNTS_HEADER)}. Say format='table' if it is another table."
        )
        raise ValueError(message)
    probe = rows[0][1]
    texts = [at for at in range(fixed, len(probe)) if not probe[at].replace(".", "").isdigit()]
    columns = [at for at in range(fixed, len(header)) if at not in texts]
    counts = _numbers(rows, [fixed - 1, *columns], path, width=len(header))
    genes = {header[at]: [fields[at] for _, fields in rows] for at in texts}
    frame = pd.DataFrame(genes, index=[fields[0] for _, fields in rows])
    frame = frame.rename(columns={"gene_name": SYMBOLS}).assign(length=counts[:, 0])
    return _Sample(path, _bam_names([header[at] for at in columns]), frame, counts[:, 1:], {})


def _bam_names(paths: list[str]) -> list[str]:
    """Return short names of alignment files; the whole paths where short ones would not differ."""
    short = [BAM_ENDINGS.sub("", Path(path).name) or Path(path).parent.name for path in paths]
    return short if len(set(short)) == len(short) else paths


_READERS: dict[CountFormat, Callable[[Path], _Sample]] = {
    "star": _read_star,
    "htseq": _read_htseq,
    "featurecounts": _read_featurecounts,
}
