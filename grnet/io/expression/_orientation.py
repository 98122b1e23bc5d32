"""Which side of a table holds the genes, judged by the names alone."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

from grnet import _checks
from grnet.io.tfs import SPECIES, read_tfs

Orientation = Literal["auto", "cells_by_genes", "genes_by_cells"]
Known = Literal["cells_by_genes", "genes_by_cells"]

SAMPLE = 3000
"""Names looked at on either side."""

FEW = 0.005
"""Up to this share, names of cells are names of genes by chance; above, both sides hold genes."""

ENOUGH = 5
"""Fewer names than these tell nothing by their variety alone."""

GENE_CORNER = re.compile(
    r"genes?|gene[_. ]?(id|name|symbol)|(hgnc[_. ])?symbols?|orfs?|features?|transcript([_. ]?id)?|"
    r"ensembl([_. ].*)?",
    re.IGNORECASE,
)
CELL_CORNER = re.compile(r"(cells?|samples?|barcodes?|run)([_. ]?(id|name))?", re.IGNORECASE)
"""What the corner of a table may call its first column."""

GENE_ID = re.compile(
    r"ENS[A-Z]*[GT]\d{9,}(\.\d+)?(_PAR_Y)?|FBgn\d{7}|WBGene\d{8}|AT[1-5CM]G\d{5}|BSU\d{5}|b\d{4}|"
    r"Y[A-P][LR]\d{3}[CW](-[A-Z])?|Q0\d{3}|N[MR]_\d+(\.\d+)?|\w+_RS\d{5}"
)
GENE_SYMBOL = re.compile(
    r"MT-\w+|mt-\w+|RP[LS]P?\d+\w?|Rp[ls]p?\d+\w?|HLA-\w+|CD\d+\w?|Cd\d+\w?|GAPDH|Gapdh|ACTB|Actb|"
    r"[Gg](ene)?[-_]?\d+|[a-z]{3}[A-Z]\d?"
)
CELL = re.compile(
    r"(\w+[-_:#])?[ACGT]{10,}([-_.]\w+)*|GS[EM]\d{4,}.*|[SED]RR\d{4,}.*|TCGA-.+|"
    r".*(cell|sample|barcode|control|ctrl|rep|replicate|patient|donor|plate|well)[-_. ]?\d.*",
    re.IGNORECASE,
)


def mostly_ids(names: Iterable[object]) -> bool:
    """Tell whether more than half of the names are identifiers such as Ensembl's."""
    return _share(list(names), GENE_ID) > 0.5


def detect(rows: Sequence[str] | None, columns: Sequence[str], *, corner: str, path: Path) -> Known:
    """Return the orientation of a table, or raise with examples of both sides.

    In this order: the word in the corner; names that are known to be genes (identifiers,
    transcription factors of the shipped lists) on one side only; names that are known to be
    cells (barcodes, accessions, numbered samples) on one side only; and names that differ in
    letters (genes) against names that differ in their numbers only (samples).
    """
    if rows is None:
        return _without_row_names(columns, path)
    if GENE_CORNER.fullmatch(corner.strip()):
        return "genes_by_cells"
    if CELL_CORNER.fullmatch(corner.strip()):
        return "cells_by_genes"
    shares = _gene_share(rows), _gene_share(columns)
    gene = _only_one(*shares, at_least=0.01, at_most=FEW)
    if gene:
        return "genes_by_cells" if gene == "first" else "cells_by_genes"
    cell = _only_one(_share(rows, CELL), _share(columns, CELL), at_least=0.5, at_most=0.05)
    if cell:
        return "cells_by_genes" if cell == "first" else "genes_by_cells"
    varied = _only_one(_variety(rows), _variety(columns), at_least=0.35, at_most=0.12)
    if varied and min(shares) <= FEW:
        return "genes_by_cells" if varied == "first" else "cells_by_genes"
    message = (
        f"{path}: cannot tell genes from cells. Its rows are called {_checks.examples(rows)} and "
        f"its columns {_checks.examples(columns)}. Say orientation='genes_by_cells' if the rows "
        "are genes, else orientation='cells_by_genes'."
    )
    raise ValueError(message)


def _without_row_names(columns: Sequence[str], path: Path) -> Known:
    """Return cells x genes if the columns can be genes: somewhere the genes must have names."""
    varied = _variety(columns) >= 0.35 and _share(columns, CELL) < 0.5
    if varied or _gene_share(columns) >= 0.01:
        return "cells_by_genes"
    message = (
        f"{path} has no column of row names, and its columns ({_checks.examples(columns)}) do not "
        "look like genes. Add the names of the genes as first column, or say "
        "orientation='cells_by_genes' if the columns are genes."
    )
    raise ValueError(message)


def _only_one(
    first: float, second: float, *, at_least: float, at_most: float
) -> Literal["first", "second"] | None:
    """Tell which of two shares is high while the other is low."""
    if first >= at_least and second <= at_most:
        return "first"
    return "second" if second >= at_least and first <= at_most else None


def _share(names: Sequence[object], pattern: re.Pattern[str]) -> float:
    sample = _sample(names)
    return sum(pattern.fullmatch(name) is not None for name in sample) / max(len(sample), 1)


def _gene_share(names: Sequence[str]) -> float:
    """Share of the names that are genes beyond doubt."""
    sample, known = _sample(names), _known_factors()
    hits = sum(
        GENE_ID.fullmatch(name) is not None
        or GENE_SYMBOL.fullmatch(name) is not None
        or name.upper() in known
        for name in sample
    )
    return hits / max(len(sample), 1)


def _variety(names: Sequence[str]) -> float:
    """Share of different names that is left without their numbers; of few names, no evidence."""
    sample = _sample(names)
    if len(sample) < ENOUGH:
        return 0.25
    return len({re.sub(r"[\d_.\-]+", "", name) for name in sample}) / max(len(sample), 1)


def _sample(names: Sequence[object]) -> list[str]:
    step = max(1, len(names) // SAMPLE)
    return [str(name) for name in names[::step]]


@lru_cache(maxsize=1)
def _known_factors() -> frozenset[str]:
    names = (name.upper() for species in SPECIES for name in read_tfs(species))
    return frozenset(name for name in names if len(name) > 2)
