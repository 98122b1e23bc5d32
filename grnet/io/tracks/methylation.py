"""Methylation calls of bisulfite and nanopore sequencing as samples x cytosines."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Literal, get_args

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp

from grnet import _checks, _chromosomes, _intervals, _keys
from grnet._progress import progress
from grnet.io.tracks import _cytosine_formats, _cytosines, _sources
from grnet.io.tracks._cytosine_formats import CONTEXTS, MERGED, UNSTATED
from grnet.io.tracks._cytosines import KIND_BITS, KINDS, POSITION_BITS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from grnet.io.genome import Genome
    from grnet.io.tracks._cytosines import Sample, Wanted

logger = logging.getLogger(__name__)

Context = Literal["CG", "CHG", "CHH"]
Modification = Literal["5mC", "5hmC"]

_CODE_AT = KIND_BITS + POSITION_BITS


def read_methylation(
    paths: str | Path | Sequence[str | Path] | Mapping[str, str | Path],
    *,
    context: Context | None = "CG",
    modification: Modification = "5mC",
    merge_strands: bool = True,
    min_coverage: int = 1,
    genome: Genome | None = None,
    regions: pd.DataFrame | None = None,
) -> ad.AnnData:
    r"""Read methylation calls into an AnnData, samples x cytosines.

    Parameters
    ----------
    paths
        A file, several, a folder of them, or a mapping of sample names to files, plain or gzipped:
        Bismark coverage or cytosine report, allc, bedMethyl (modkit, modbam2bed, ENCODE), or a
        table ``chrom, pos, M, Cov`` (``pos`` 1-based; ``M_a, Cov_a, M_b, Cov_b`` for samples).
    context
        Cytosines to keep; None for all.
    modification
        Which one of a bedMethyl file. Reads with another modification count as covered and not
        methylated; calls of any modification (modkit's ``C``) count as 5mC.
    merge_strands
        Add up both strands of a CpG.
    min_coverage
        Least reads on a site (strands merged) for a sample's counts to be kept.
    genome
        Tells strand and context where a file does not state them, and checks the assembly.
    regions
        Intervals: keep the sites inside them only, so that large methylomes fit into memory.

    Returns
    -------
    AnnData
        ``layers["methylated"]`` and ``layers["coverage"]``: CSR counts of reads; no coverage means
        not measured. There is no ``X``: a level of few reads is no measurement, see
        ``gn.pp.methylation_levels``. ``var``: ``chrom, start, end`` (0-based), ``strand``
        (``.`` where merged or unknown), ``context``. ``uns["grnet_source"]``: what was detected
        and what was assumed.

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If a file is damaged or of no known format, if nothing is left, if the genome is another
        assembly, or if only some of the files can have their strands merged.

    Notes
    -----
    Files that state no context (Bismark coverage, most bedMethyl) are taken to hold CpGs unless
    there is a genome. Bismark coverage states no strand either: without a genome the strands of a
    CpG stay apart.

    Examples
    --------
    >>> import grnet as gn
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> report = "chr1\t11\t+\t3\t1\tCG\tCGT\nchr1\t12\t-\t2\t0\tCG\tCGA\n"
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "liver.CpG_report.txt"
    ...     _ = file.write_text(report)
    ...     adata = gn.io.read_methylation(file)
    >>> adata.var_names.tolist(), adata.layers["methylated"].toarray().tolist()
    (['chr1:10-12'], [[5]])
    """
    wanted = _wanted(context, modification, genome, merge_strands=merge_strands, regions=regions)
    files = _sources.named_files(paths, what="the methylation calls")
    layouts = [
        (f"{name}_{part}" if part else name, path, layout)
        for name, path in files.items()
        for part, layout in _cytosine_formats.layouts_of(path).items()
    ]
    _checks.unique(pd.Index([name for name, _, _ in layouts]), "samples")
    samples = {
        name: _cytosines.read_sample(path, layout, wanted)
        for name, path, layout in progress(layouts, "samples", total=len(layouts))
    }
    _same_strands(samples)
    adata = _assembled(samples, min_coverage)
    adata.uns[_keys.SOURCE] = _source(samples, wanted)
    logger.info("%d samples x %d cytosines: %s", *adata.shape, adata.uns[_keys.SOURCE])
    return adata


def _wanted(
    context: str | None,
    modification: str,
    genome: Genome | None,
    *,
    merge_strands: bool,
    regions: pd.DataFrame | None,
) -> Wanted:
    if context is not None:
        _checks.one_of(context, get_args(Context), "context")
    _checks.one_of(modification, get_args(Modification), "modification")
    if regions is not None:
        regions = _intervals.checked(regions, what="the regions")
        if genome is not None:
            regions = genome.harmonise(regions, what="the regions")
        if len(regions) == 0:
            message = "The frame of regions is empty: pass None to keep all sites."
            raise ValueError(message)
    return _cytosines.Wanted(context, merge_strands, modification, genome, regions)


def _same_strands(samples: dict[str, Sample]) -> None:
    """Raise if some samples have merged strands and others do not: their sites would not meet."""
    unknown = [name for name, sample in samples.items() if UNSTATED in sample.kinds]
    if unknown and len(unknown) < len(samples):
        message = (
            f"{len(unknown)} of {len(samples)} samples state no strand "
            f"({_checks.examples(unknown)}), so that their CpGs do not meet those of the others: "
            "pass genome=, which tells the strands."
        )
        raise ValueError(message)


def _assembled(samples: dict[str, Sample], min_coverage: int) -> ad.AnnData:
    """Line the samples up on the sites that any of them covers."""
    names, codes = _common_chromosomes(samples)
    keys = {}
    for label, sample in samples.items():
        enough = sample.sites.loc[sample.sites["coverage"] >= min_coverage]
        place = enough["place"].to_numpy()
        code = codes[label][place >> _CODE_AT]
        place = (code << _CODE_AT) | (place & ((1 << _CODE_AT) - 1))
        keys[label] = enough.assign(place=place).sort_values("place")
    union = np.unique(np.concatenate([part["place"].to_numpy() for part in keys.values()]))
    if len(union) == 0:
        message = (
            f"No site has min_coverage={min_coverage} reads in any sample: the largest is "
            f"{max(int(sample.sites['coverage'].max()) for sample in samples.values())}."
        )
        raise ValueError(message)
    places = [np.searchsorted(union, part["place"].to_numpy()) for part in keys.values()]
    var = _var(union, names)
    context = np.full(len(union), -1, dtype=np.int8)
    for place, part in zip(places, keys.values(), strict=True):
        context[place] = np.maximum(context[place], part["context"].to_numpy())
    var["context"] = pd.Categorical(np.array([*CONTEXTS, None], dtype=object)[context])
    layers = {
        name: _stacked([part[name].to_numpy() for part in keys.values()], places, len(union))
        for name in ("methylated", "coverage")
    }
    return ad.AnnData(obs=_obs(samples, keys), var=var, layers=layers)


def _stacked(
    counts: Sequence[np.ndarray[Any, Any]], places: Sequence[np.ndarray[Any, Any]], width: int
) -> sp.csr_matrix:
    """Return one row of counts per sample; covered sites without methylation are stored zeros."""
    ends = np.concatenate([[0], np.cumsum([len(place) for place in places])])
    data = np.concatenate(counts).astype(np.int32)
    matrix = sp.csr_matrix((data, np.concatenate(places), ends), shape=(len(places), width))
    matrix.eliminate_zeros()
    return matrix


def _common_chromosomes(
    samples: dict[str, Sample],
) -> tuple[list[str], dict[str, np.ndarray[Any, Any]]]:
    """Return the chromosomes in natural order, and the place of each sample's own among them."""
    known: list[str] = []
    tables = {}
    for label, sample in samples.items():
        table = _chromosomes.translation(sample.chroms, known) if known else {}
        tables[label] = [table.get(name, name) for name in sample.chroms]
        known += [name for name in tables[label] if name not in known]
    names = sorted(known, key=_natural)
    place = {name: number for number, name in enumerate(names)}
    codes = {
        label: np.array([place[name] for name in table], dtype=np.int64)
        for label, table in tables.items()
    }
    return names, codes


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Sort chr2 before chr10 and numbers before letters."""
    parts = re.findall(r"\d+|\D+", name)
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts]


def _var(keys: np.ndarray[Any, Any], names: list[str]) -> pd.DataFrame:
    kind = keys & KINDS
    start = (keys >> KIND_BITS) & ((1 << POSITION_BITS) - 1)
    code = keys >> _CODE_AT
    var = pd.DataFrame(
        {
            "chrom": np.array(names, dtype=object)[code],
            "start": start,
            "end": start + np.where(kind == MERGED, 2, 1),
            "strand": pd.Categorical(np.array([".", "+", "-", "."], dtype=object)[kind]),
        }
    )
    return var.set_index(_intervals.names(var))


def _obs(samples: dict[str, Sample], kept: dict[str, pd.DataFrame]) -> pd.DataFrame:
    totals = [part[["methylated", "coverage"]].sum() for part in kept.values()]
    return pd.DataFrame(
        {
            "file": [str(sample.path) for sample in samples.values()],
            "format": [sample.format for sample in samples.values()],
            "n_sites": [len(part) for part in kept.values()],
            "mean_coverage": [part["coverage"].mean() for part in kept.values()],
            "mean_level": [each["methylated"] / max(each["coverage"], 1) for each in totals],
        },
        index=pd.Index(list(samples), dtype=object),
    )


def _source(samples: dict[str, Sample], wanted: Wanted) -> dict[str, str]:
    """Say in words what was found and what was assumed."""
    kinds = set().union(*(sample.kinds for sample in samples.values()))
    if UNSTATED in kinds:
        strands = "not stated and not merged: pass genome= to merge them"
    elif MERGED in kinds:
        strands = "merged" if kinds == {MERGED} else "merged in CpGs, separate elsewhere"
    else:
        strands = "separate"
    assumed = any(sample.assumed for sample in samples.values())
    unstated = "not stated by the files" + (": taken to be CG" if wanted.context else "")
    return {
        "format": ", ".join(sorted({sample.format for sample in samples.values()})),
        "context": unstated if assumed else wanted.context or "all",
        "strands": strands,
        "modification": wanted.modification,
    }
