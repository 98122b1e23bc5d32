"""Which known edges train and which are held out, by what is to be new in them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from grnet import _checks, _chromosomes
from grnet.train.split import split_by_group

Rows = npt.NDArray[np.int64]
Shares = tuple[float, float, float]
Held = tuple[Sequence[str], Sequence[str]]
"""What the caller names for validation and for the test."""

PARTS = ("train", "validation", "test")
REGIMES = ("edge", "target", "tf", "both", "chromosome", "genelink")
_HELD_OF_TRAINING = 5
"""The published protocol chooses its epoch on a fifth of what trains."""


class Region(NamedTuple):
    """Where pairs are drawn from: positions of TFs and genes, and the number of all genes."""

    tfs: Rows
    genes: Rows
    n_genes: int

    def inside(self, codes: Rows) -> Rows:
        """Return those of the pairs that the region holds."""
        tf, gene = np.divmod(codes, self.n_genes)
        return codes[np.isin(tf, self.tfs) & np.isin(gene, self.genes)]


class Parts(NamedTuple):
    """Codes of the edges of training, validation and test, and where their negatives come from."""

    edges: tuple[Rows, Rows, Rows]
    regions: tuple[Region, Region, Region]
    one_region: bool
    """Whether all three draw from the same pairs, and must share them."""


class Question(NamedTuple):
    """Edges as codes ``tf * n_genes + gene``, and what a regime wants to know of them."""

    edges: Rows
    n_tfs: int
    gene_of_tf: Rows
    n_genes: int
    shares: Shares
    seed: int

    @property
    def ends(self) -> tuple[Rows, Rows]:
        """Positions of TFs and genes."""
        tf, gene = np.divmod(self.edges, self.n_genes)
        return tf, gene

    def parts(self, part_of_edge: Rows, tf_part: Rows | None, gene_part: Rows | None) -> Parts:
        """Divide edges, and TFs and genes where these are divided; -1 is no part."""
        every = np.arange(self.n_tfs), np.arange(self.n_genes)
        regions = [
            Region(
                _of_part(tf_part, every[0], part), _of_part(gene_part, every[1], part), self.n_genes
            )
            for part in range(3)
        ]
        edges = [self.edges[part_of_edge == part] for part in range(3)]
        return Parts(
            (edges[0], edges[1], edges[2]),
            (regions[0], regions[1], regions[2]),
            one_region=tf_part is None and gene_part is None,
        )


def _of_part(divided: Rows | None, names: Rows, part: int) -> Rows:
    return names if divided is None else names[divided == part]


def by_pair(asked: Question) -> Parts:
    """Hold pairs out; a pair and its reverse stay together."""
    tf, gene = asked.ends
    source = asked.gene_of_tf[tf]
    low, high = np.minimum(source, gene), np.maximum(source, gene)
    # a TF that is no gene has no reverse
    key = np.where(source < 0, -1 - asked.edges, low * asked.n_genes + high)
    return asked.parts(_parts_of(key, asked), None, None)


def by_target(asked: Question) -> Parts:
    """Hold targets out."""
    gene_part = _spread(asked.ends[1], asked.n_genes, asked)
    return asked.parts(gene_part[asked.ends[1]], None, gene_part)


def by_tf(asked: Question) -> Parts:
    """Hold TFs out."""
    tf_part = _spread(asked.ends[0], asked.n_tfs, asked)
    return asked.parts(tf_part[asked.ends[0]], tf_part, None)


def by_named_tf(asked: Question, tfs: npt.NDArray[np.str_], held: Held) -> Parts:
    """Hold some TFs out."""
    names = [*held[0], *held[1]]
    missing = [name for name in names if name not in set(tfs)]
    if missing or not held[1] or len(set(names)) < len(names):
        message = (
            f"validation={list(held[0])} and test={list(held[1])}: expected TFs, each once, and at "
            f"least one for the test; unknown: {_checks.examples(missing)}. The TFs are "
            f"{_checks.examples(tfs, 8)}."
        )
        raise ValueError(message)
    tf_part = np.zeros(asked.n_tfs, dtype=np.int64)
    for part, kept in enumerate(held, start=1):
        tf_part[np.isin(tfs, kept)] = part
    return asked.parts(tf_part[asked.ends[0]], tf_part, None)


def by_both(asked: Question) -> Parts:
    """Hold TFs and targets out; edges between two parts are left out."""
    tf, gene = asked.ends
    tf_part = _spread(tf, asked.n_tfs, asked)
    gene_part = _spread(gene, asked.n_genes, asked)
    together = np.where(tf_part[tf] == gene_part[gene], tf_part[tf], -1)
    return asked.parts(together, tf_part, gene_part)


def by_chromosome(asked: Question, chromosome: npt.NDArray[np.str_], held: Held) -> Parts:
    """Hold the targets on some chromosomes out; genes without one are left out."""
    known = [name for name in dict.fromkeys(chromosome.tolist()) if name]
    names = [*held[0], *held[1]]
    table = _chromosomes.translation(names, known)
    missing = [name for name in names if name not in table]
    if missing or not held[1] or len({table[name] for name in names}) < len(names):
        message = (
            f"validation={list(held[0])} and test={list(held[1])}: expected chromosomes of the "
            "genes, each once, and at least one for the test; unknown: "
            f"{_checks.examples(missing)}. The genes are on {_checks.examples(known, 8)}."
        )
        raise ValueError(message)
    gene_part = np.where(chromosome == "", -1, 0)
    for part, kept in enumerate(held, start=1):
        gene_part[np.isin(chromosome, [table[name] for name in kept])] = part
    return asked.parts(gene_part[asked.ends[1]], None, gene_part)


def as_published(asked: Question) -> Parts:
    """Divide each TF's edges as GENELink does: two thirds train, a fifth of these validates."""
    rng = np.random.default_rng(asked.seed)
    tf = asked.ends[0]
    part = np.zeros(len(tf), dtype=np.int64)
    for name in np.unique(tf):
        rows = rng.permutation(np.flatnonzero(tf == name))
        n_train = 2 * len(rows) // 3 if len(rows) > 2 else 1
        if len(rows) == 1:
            n_train = int(rng.random() < 0.5)
        part[rows[n_train:]] = 2
        part[rows[: n_train // _HELD_OF_TRAINING]] = 1
    return asked.parts(part, None, None)


def assigned(
    asked: Question,
    regime: str,
    *,
    labels: npt.NDArray[np.str_] | None,
    held: Held,
) -> Parts:
    """Divide the edges by a regime; ``labels`` are the chromosomes of the genes, or names of TFs.

    Raises
    ------
    ValueError
        If training or test would be empty, or names are given that a regime does not take.
    """
    if regime == "chromosome" and labels is not None:
        parts = by_chromosome(asked, labels, held)
    elif regime == "tf" and labels is not None and any(held):
        parts = by_named_tf(asked, labels, held)
    elif any(held):
        message = (
            f"validation={list(held[0])} and test={list(held[1])} name chromosomes or TFs: with "
            f"regime={regime!r} they are drawn by the shares. Leave the names out, or take regime "
            "'chromosome' or 'tf'."
        )
        raise ValueError(message)
    else:
        ways = {
            "edge": by_pair,
            "target": by_target,
            "tf": by_tf,
            "both": by_both,
            "genelink": as_published,
        }
        parts = ways[regime](asked)
    sizes = [len(edges) for edges in parts.edges]
    if not sizes[0] or not sizes[2]:
        message = (
            f"regime={regime!r} leaves {sizes[0]} edges for training and {sizes[2]} for the test, "
            f"of {len(asked.edges)}: choose other shares, or another regime."
        )
        raise ValueError(message)
    return parts


def _parts_of(groups: Rows, asked: Question) -> Rows:
    """Return the part of each edge; edges of a group stay together."""
    split = split_by_group(groups, shares=asked.shares, seed=asked.seed)
    part = np.empty(len(groups), dtype=np.int64)
    for number, rows in enumerate(split):
        part[rows] = number
    return part


def _spread(ends: Rows, n: int, asked: Question) -> Rows:
    """Return the part of each of ``n`` names; those without an edge are spread by the shares."""
    rng = np.random.default_rng(asked.seed)
    part: Rows = rng.choice(3, n, p=asked.shares)
    part[ends] = _parts_of(ends, asked)
    return part
