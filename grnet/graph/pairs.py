"""What a graph says of a TF and a gene together: correlation, products of profiles, evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from grnet import _checks
from grnet.graph._attributes import edge_attribute
from grnet.graph.vocabulary import BINDS, GENE, NEAR, PEAK, TF

if TYPE_CHECKING:
    from torch_geometric.data import HeteroData

    from grnet.graph.vocabulary import EdgeType

Floats = np.ndarray[Any, np.dtype[np.float64]]
Features = np.ndarray[Any, np.dtype[np.float32]]
Places = np.ndarray[Any, np.dtype[np.int64]]

EVIDENCE_PROFILE = "evidence_"
_PROFILES = ("expression_", EVIDENCE_PROFILE)
"""Prefixes of the features that are a profile; the first that a node has counts."""
_ROWS_PER_BLOCK = 256
_LEAST = 1e-9


class PairFeatures:
    """Features of pairs of a TF and a gene, from a graph without its known edges.

    Parameters
    ----------
    data
        A graph, as :func:`grnet.graph.build` makes it.

    Attributes
    ----------
    names
        Of the columns: ``correlation`` of the profiles; ``correlation_among_genes`` and
        ``correlation_among_tfs``, the same as standard scores among all genes of the TF, and among
        all TFs of the gene; ``product_1`` and on, of the dimensions of the profiles; and where TFs
        bind peaks near genes ``evidence``, the sum over the peaks between both of the weights
        along the path, with ``evidence_of_tf`` and ``evidence_of_gene``, log sums over all genes
        and all TFs.

    Notes
    -----
    Known edges are never read, so the features leak nothing whatever the split. Paths are
    multiplied as sparse matrices, a block of TFs at a time.

    Examples
    --------
    >>> import grnet as gn
    >>> import numpy as np
    >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
    >>> data = gn.graph.build(adata, known=adata.uns["grnet_truth"], n_components=4)
    >>> features = gn.graph.PairFeatures(data)
    >>> features(np.array([[0, 1, 2], [7, 8, 9]])).shape
    (3, 7)
    """

    def __init__(self, data: HeteroData) -> None:
        self._tf, self._gene = (profile_of(data, kind) for kind in (TF, GENE))
        n_profile = self._tf.shape[1]
        self.names = [f"product_{i}" for i in range(1, n_profile + 1)]
        if n_profile:
            self._units = [unit_rows(values) for values in (self._tf, self._gene)]
            self._among = [_moments(values) for values in self._units]
            among = ["correlation_among_genes", "correlation_among_tfs"]
            self.names = ["correlation", *among, *self.names]
        self._paths = evidence_paths(data)
        if self._paths is not None:
            self.names += ["evidence", "evidence_of_tf", "evidence_of_gene"]

    def __call__(self, pairs: Places) -> Features:
        """Return the features of pairs.

        Parameters
        ----------
        pairs
            Positions of TFs and genes, (2, B).

        Returns
        -------
        ndarray
            float32, (B, features).

        Raises
        ------
        ValueError
            If the pairs have another shape.

        Examples
        --------
        >>> import grnet as gn
        >>> import numpy as np
        >>> adata = gn.datasets.simulate(n_cells=50, n_genes=30, n_tfs=5)
        >>> data = gn.graph.build(adata, known=adata.uns["grnet_truth"], n_components=4)
        >>> bool(abs(gn.graph.PairFeatures(data)(np.array([[0], [7]]))[0, 0]) <= 1)
        True
        """
        if np.ndim(pairs) != 2 or len(pairs) != 2:
            message = f"The pairs have the shape {np.shape(pairs)}: expected (2, B) positions."
            raise ValueError(message)
        tf, gene = pairs
        parts = []
        if self._tf.shape[1]:
            tfs, genes = self._units[0][tf], self._units[1][gene]
            correlation = np.einsum("ij,ij->i", tfs, genes)
            of_genes = _score(correlation, tfs, self._among[1])
            of_tfs = _score(correlation, genes, self._among[0])
            parts += [np.column_stack([correlation, of_genes, of_tfs])]
            parts += [self._tf[tf] * self._gene[gene]]
        if self._paths is not None:
            binds, near = self._paths
            of_tf, of_gene = binds @ near.sum(axis=1), near.T @ binds.sum(axis=0)
            between = products_at(binds, near, (tf, gene))
            parts.append(np.column_stack([between, np.log1p(of_tf[tf]), np.log1p(of_gene[gene])]))
        if not parts:
            return np.zeros((pairs.shape[1], 0), dtype=np.float32)
        return np.concatenate(parts, axis=1).astype(np.float32)


def profile_of(data: HeteroData, kind: str) -> Floats:
    """Return the profiles of nodes over the cells, or of the evidence; no columns without names."""
    names = data[kind].feature_names if "feature_names" in data[kind] else []
    for prefix in _PROFILES:
        columns = [i for i, name in enumerate(names) if name.startswith(prefix)]
        if columns:
            return np.asarray(data[kind].x[:, columns].cpu().numpy(), dtype=np.float64)
    return np.zeros((data[kind].num_nodes, 0))


def unit_rows(values: Floats) -> Floats:
    """Return rows of length 1, or 0 where there is nothing."""
    length = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(values / np.where(length > _LEAST, length, np.inf))


def _moments(values: Floats) -> tuple[Floats, Floats]:
    """Return mean and covariance of rows."""
    mean = values.mean(axis=0)
    centred = values - mean
    return mean, centred.T @ centred / max(len(values), 1)


def _score(correlation: Floats, own: Floats, others: tuple[Floats, Floats]) -> Floats:
    """Return correlations as standard scores among those with all others."""
    mean, covariance = others
    spread = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", own, covariance, own), 0.0))
    centred = correlation - own @ mean
    return np.asarray(centred / np.where(spread > _LEAST, spread, np.inf))


def evidence_paths(data: HeteroData) -> tuple[sp.csr_array, sp.csr_array] | None:
    """Return the weights of TF x peak and of peak x gene, None where one is missing."""
    if BINDS not in data.edge_types or NEAR not in data.edge_types:
        return None
    sizes = {kind: data[kind].num_nodes for kind in (TF, PEAK, GENE)}
    return _weights(data, BINDS, sizes), _weights(data, NEAR, sizes)


def _weights(data: HeteroData, edge_type: EdgeType, sizes: dict[str, int]) -> sp.csr_array:
    ends = data[edge_type].edge_index.cpu().numpy()
    weight = np.ones(ends.shape[1])
    of_edges = edge_attribute(data, edge_type, "weight")
    if of_edges is not None:
        weight = of_edges.cpu().numpy().astype(np.float64)
        _checks.finite(weight[:, None], ["weight"], f"the edges {' '.join(edge_type)}")
    return sp.csr_array((weight, tuple(ends)), shape=(sizes[edge_type[0]], sizes[edge_type[2]]))


def products_at(left: sp.csr_array, right: sp.csr_array, places: tuple[Places, Places]) -> Floats:
    """Return values of a product of sparse matrices, of which only a block of rows is held."""
    rows, columns = places
    found = np.zeros(len(rows))
    used, own = np.unique(rows, return_inverse=True)
    order = np.argsort(own, kind="stable")
    starts = range(0, len(used), _ROWS_PER_BLOCK)
    bounds = np.searchsorted(own[order], [*starts, len(used)])
    for start, first, last in zip(starts, bounds[:-1], bounds[1:], strict=True):
        asked = order[first:last]
        block = sp.csr_array(left[used[start : start + _ROWS_PER_BLOCK]] @ right)
        found[asked] = np.asarray(block[own[asked] - start, columns[asked]]).ravel()
    return found
