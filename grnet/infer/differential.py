"""Edges that differ between contexts."""

import numpy as np
import pandas as pd

from grnet.grn import GRN


def differential_edges(grn: GRN) -> pd.DataFrame:
    """Compare each pair's weights between contexts, the largest difference first.

    Parameters
    ----------
    grn
        A network with contexts, of ``network(..., groupby=...)`` or ``pseudotime=``; best all
        pairs of it (``n_top=None``), as a pair that a context lacks has the weight 0 there.

    Returns
    -------
    One row per pair: ``source, target``; ``context``, where it is strongest; its ``weight`` there;
    ``others``, the mean weight in the other contexts; ``difference`` of the two; ``spread``, the
    largest weight less the smallest; ``changes_sign``, whether it activates in one context and
    represses in another.

    Raises
    ------
    ValueError
        If the network has fewer than two contexts.

    Notes
    -----
    Weights are compared as they are: use a method whose weights mean the same in all contexts.
    ``"shared_ridge"`` is made for it, and draws groups of few cells towards the others instead of
    taking their noise for differences.

    Examples
    --------
    >>> import grnet as gn
    >>> adata = gn.datasets.simulate(n_cells=200, n_genes=40, n_tfs=6, group_specific=0.3)
    >>> gn.pp.normalize(adata)
    >>> tfs = adata.var_names[adata.var["is_tf"]]
    >>> grn = gn.infer.network(adata, tfs=tfs, method="shared_ridge", groupby="cell_type")
    >>> gn.infer.differential_edges(grn).columns[:4].tolist()
    ['source', 'target', 'context', 'weight']
    """
    weights, n_contexts = _by_context(grn)
    n_pairs, n_with_edges = weights.shape
    # in a context without any edge every pair has the weight 0
    values = np.pad(weights.to_numpy(), ((0, 0), (0, n_contexts - n_with_edges)))
    strongest = np.abs(values).argmax(axis=1)
    weight = values[np.arange(n_pairs), strongest]
    others = (values.sum(axis=1) - weight) / (n_contexts - 1)
    low, high = values.min(axis=1), values.max(axis=1)
    table = pd.DataFrame(
        {
            "context": weights.columns[strongest],
            "weight": weight,
            "others": others,
            "difference": weight - others,
            "spread": high - low,
            "changes_sign": (low < 0) & (high > 0),
        },
        index=weights.index,
    )
    order = np.argsort(-table["difference"].abs().to_numpy(), kind="stable")
    return table.iloc[order].reset_index()


def _by_context(grn: GRN) -> tuple[pd.DataFrame, int]:
    """Return the weights, pairs x contexts with edges, and how many contexts there are in all."""
    edges = grn.edges
    n_found = edges["context"].nunique() if "context" in edges else 0
    n_contexts = max(int(grn.params.get("contexts") or 0), n_found)
    if n_contexts < 2 or not n_found:
        message = (
            f"The network has {n_contexts} contexts: differences are between two or more. Infer it "
            "with groupby=, or with pseudotime=."
        )
        raise ValueError(message)
    named = edges.astype({"source": str, "target": str, "context": str})
    weights = named.pivot_table("weight", ["source", "target"], "context", fill_value=0.0)
    return weights, n_contexts
