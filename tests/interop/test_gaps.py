"""Tables with gaps travel too."""

import anndata as ad
import networkx as nx
import numpy as np
import pandas as pd
import pytest

import grnet as gn


def seen(table):
    return table.astype(object).where(table.notna(), None)


@pytest.mark.filterwarnings("ignore:Writing zarr v2 data")
@pytest.mark.parametrize("kind", ["h5ad", "zarr"])
def test_annotation_of_some_nodes_and_edges_comes_back(kind, tmp_path):
    edges = gn.datasets.example_network().edges
    notes = pd.DataFrame(
        {"family": ["bHLH"], "surface": [True], "n": [3], "node": ["named like the index"]},
        index=["TF1"],
    )
    grn = gn.GRN(
        edges.assign(note=["seen", *[None] * 11], kind=pd.array(["+"] * 12, dtype="string")),
        nodes=notes,
        evidence=edges[["source", "target"]].assign(region=[None, *["chr1:1-2"] * 11]),
    )
    adata = ad.AnnData(np.ones((2, 2)))
    grn.to_adata(adata)
    path = tmp_path / f"a.{kind}"
    getattr(adata, f"write_{kind}")(path)
    back = gn.GRN.from_adata(getattr(ad, f"read_{kind}")(path))
    for found, expected in [
        (back.edges, grn.edges),
        (back.nodes, grn.nodes),
        (back.evidence, grn.evidence),
    ]:
        pd.testing.assert_frame_equal(seen(found), seen(expected), check_dtype=False)


def test_graphs_without_edges():
    grn = gn.datasets.example_network().top(0)
    back = gn.GRN.from_networkx(grn.to_networkx())
    assert (len(back), back.tfs) == (0, grn.tfs)
    assert gn.GRN.from_networkx(nx.DiGraph()).genes == []
