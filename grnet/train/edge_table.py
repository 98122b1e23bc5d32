"""Known edges as numbers: the codes of pairs, and what is left out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from grnet import _checks
from grnet.grn import GRN

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class EdgeTable:
    """Known pairs of TFs and genes as codes ``tf * n_genes + gene``, sorted, names sorted too.

    Parameters
    ----------
    tfs, genes
        Names.
    positive, negative
        Codes of edges, and of pairs that are labelled as none.
    n_self, n_other
        Pairs that were left out: of a gene with itself, and of other names.

    Examples
    --------
    >>> import pandas as pd
    >>> from grnet.train.edge_table import EdgeTable
    >>> known = pd.DataFrame({"source": ["A", "A", "X"], "target": ["C", "A", "B"]})
    >>> table = EdgeTable.of(known, tfs=["A"], genes=["C", "B", "A"])
    >>> table.positive.tolist(), table.n_self, table.n_other
    ([2], 1, 1)
    """

    tfs: pd.Index
    genes: pd.Index
    positive: Rows
    negative: Rows
    n_self: int
    n_other: int

    @classmethod
    def of(cls, known: pd.DataFrame | GRN, tfs: Sequence[str], genes: Sequence[str]) -> "EdgeTable":
        """Return the table, without self edges and pairs of other names.

        Raises
        ------
        ValueError
            If labels are others than 0 and 1, a pair has both, or no edge is left.
        """
        table = known.edges if isinstance(known, GRN) else known
        _checks.has_columns(table, ["source", "target"], "the known edges")
        label = table["label"] if "label" in table else pd.Series(1, index=table.index)
        if not label.isin([0, 1]).all():
            odd = _checks.examples(label[~label.isin([0, 1])].unique())
            message = f"The known edges have labels {odd}: expected 1 (edge) or 0 (no edge)."
            raise ValueError(message)
        names = [pd.Index(sorted({str(name) for name in given})) for given in (tfs, genes)]
        ends = [
            index.get_indexer(pd.Index(table[column].astype(str)))
            for index, column in zip(names, ("source", "target"), strict=True)
        ]
        inside = (ends[0] >= 0) & (ends[1] >= 0)
        is_self = (table["source"].astype(str) == table["target"].astype(str)).to_numpy()
        codes = ends[0].astype(np.int64) * len(names[1]) + ends[1]
        is_edge = label.to_numpy() == 1
        kept = inside & ~is_self
        positive, negative = np.unique(codes[kept & is_edge]), np.unique(codes[kept & ~is_edge])
        both = np.intersect1d(positive, negative)
        if len(both) or not len(positive):
            message = (
                f"Of {len(table)} known pairs {len(positive)} are edges from one of "
                f"{len(names[0])} TFs to one of {len(names[1])} genes, and {len(both)} are "
                "labelled both 0 and 1: expected at least one edge, and one label for each pair. "
                f"The pairs are {_checks.examples(table['source'].unique())} -> "
                f"{_checks.examples(table['target'].unique())}, the TFs "
                f"{_checks.examples(names[0])}, the genes {_checks.examples(names[1])}."
            )
            raise ValueError(message)
        return cls(
            tfs=names[0],
            genes=names[1],
            positive=positive,
            negative=negative,
            n_self=int((inside & is_self).sum()),
            n_other=int((~inside).sum()),
        )

    @property
    def gene_of_tf(self) -> Rows:
        """The position of each TF among the genes, -1 where it is none."""
        return np.asarray(self.genes.get_indexer(self.tfs), dtype=np.int64)

    @property
    def self_pairs(self) -> Rows:
        """Codes of each TF with itself."""
        own = self.gene_of_tf
        return np.flatnonzero(own >= 0) * len(self.genes) + own[own >= 0]

    @property
    def density(self) -> float:
        """The share of all pairs of a TF and another gene that are edges."""
        n_pairs = len(self.tfs) * len(self.genes) - len(self.self_pairs)
        return len(self.positive) / n_pairs

    def reversed(self, codes: Rows) -> Rows:
        """Return the codes of the pairs turned round, where both ends are TFs."""
        tf, gene = np.divmod(codes, len(self.genes))
        tf_of_gene = np.full(len(self.genes), -1, dtype=np.int64)
        own = self.gene_of_tf
        tf_of_gene[own[own >= 0]] = np.flatnonzero(own >= 0)
        source, target = tf_of_gene[gene], own[tf]
        both = (source >= 0) & (target >= 0)
        return np.asarray(source[both] * len(self.genes) + target[both])

    def frame(self, edges: Rows, others: Rows) -> pd.DataFrame:
        """Return ``source, target, label``, sorted by name: the order of rows tells no label."""
        codes = np.concatenate([edges, others])
        order = np.argsort(codes)
        tf, gene = np.divmod(codes[order], len(self.genes))
        label = np.repeat([1, 0], [len(edges), len(others)])[order]
        return pd.DataFrame({"source": self.tfs[tf], "target": self.genes[gene], "label": label})
