"""One pass through a fragment file: blocks in, sums out."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from grnet._chromosomes import translation
from grnet.io.fragments import _barcodes, _blocks
from grnet.io.fragments._blocks import Block, Header, Labels, Names
from grnet.io.fragments._counts import Figures, Matrix, Sites
from grnet.io.fragments._lookup import Lookup, positions

Count = Literal["fragments", "insertions"]


@dataclass(frozen=True)
class Task:
    """What to count; chromosomes are numbered in the order of ``chroms``."""

    path: Path
    header: Header
    chroms: list[str]
    peaks: Lookup
    n_peaks: int
    sites: Sites | None
    barcodes: list[str] | None
    count: Count
    region: tuple[str, int, int] | None


class Sums(NamedTuple):
    """What was counted."""

    matrix: Matrix
    figures: Figures
    labels: Labels


def summed(task: Task) -> Sums:
    """Go through the file; once more if its chromosomes turn out to mean something else.

    Names such as ``V`` and ``X`` are numbers or letters, depending on the names beside them, all of
    which are known at the end of the file, or from its index.
    """
    table = translation(_blocks.indexed_chromosomes(task.path), task.chroms)
    if table:
        return _counted(task, table)[0]
    sums, used = _counted(task, None)
    final = translation(sums.labels.chroms.index, task.chroms)
    same = all(used[name] == final.get(name) for name in used)
    return sums if same else _counted(task, final)[0]


def _counted(task: Task, table: dict[str, str] | None) -> tuple[Sums, dict[str, str | None]]:
    """Count everything; return which chromosome each name was first taken for, too."""
    sums = Sums(Matrix(task.n_peaks), Figures(task.sites), Labels(Names(), _cells(task)))
    used: dict[str, str | None] = {}
    numbers = np.empty(0, np.int64)
    for block in _read_blocks(task, sums, table):
        if len(numbers) < len(sums.labels.chroms):
            found = translation(sums.labels.chroms.index, task.chroms) if table is None else table
            numbers = _numbers(list(sums.labels.chroms.index), found, task.chroms)
            used = {name: found.get(name) for name in sums.labels.chroms.index} | used
        _add(task, sums, block._replace(chrom=numbers[block.chrom]))
    return sums, used


def _cells(task: Task) -> Names:
    if task.barcodes is None:
        return Names()
    wanted, spelt = _barcodes.spelt_alike(task.barcodes, task.header.barcodes)
    return Names(wanted, spelt=spelt)


def _read_blocks(task: Task, sums: Sums, table: dict[str, str] | None) -> Iterator[Block]:
    """Read the file, or one region of it where an index allows."""
    if task.region and table:
        chrom, start, end = task.region
        for name in (name for name, known in table.items() if known == chrom):
            region = (name, start, end)
            yield from _blocks.read_region(task.path, task.header, sums.labels, region=region)
    else:
        yield from _blocks.read_blocks(task.path, task.header, sums.labels)


def _numbers(names: list[str], found: dict[str, str], known: list[str]) -> np.ndarray:
    """Return the number of the chromosome that each name stands for, -1 for none."""
    place = {name: i for i, name in enumerate(known)}
    return np.array([place.get(found.get(name, ""), -1) for name in names], dtype=np.int64)


def _add(task: Task, sums: Sums, block: Block) -> None:
    """Count one block."""
    block = _chosen(task, block)
    chrom, start, end, cell, reads = block
    if not len(cell):
        return
    figures, n_cells = sums.figures, len(sums.labels.cells)
    figures.add("fragments", cell, n_cells)
    if reads is not None:
        figures.add("reads", cell, n_cells, weights=reads)
    figures.add_lengths(cell, end - start, n_cells)
    for position in (start, end - 1):
        figures.add_insertions(cell, n_cells, chrom=chrom, position=position)
    inside = np.zeros(len(cell), dtype=bool)
    ends = [(start, end)] if task.count == "fragments" else [(start, start + 1), (end - 1, end)]
    for left, right in ends:
        rows, peaks = task.peaks.pairs(positions(chrom, left), positions(chrom, right))
        sums.matrix.add(cell[rows], peaks)
        inside[rows] = True
    figures.add("in_peaks", cell[inside], n_cells)


def _chosen(task: Task, block: Block) -> Block:
    """Keep the fragments of the cells and the region that are wanted."""
    keep = None if task.barcodes is None else block.cell >= 0
    if task.region:
        chrom, start, end = task.region
        here = (block.chrom == task.chroms.index(chrom)) & (block.start < end)
        here &= block.end > start
        keep = here if keep is None else keep & here
    if keep is None or keep.all():
        return block
    reads = None if block.reads is None else block.reads[keep]
    return Block(
        block.chrom[keep], block.start[keep], block.end[keep], block.cell[keep], reads=reads
    )
