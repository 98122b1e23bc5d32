"""Profiles that evidence makes: who binds near a gene, and when it is open."""

import numpy as np
import pandas as pd
import pytest
import torch

import grnet as gn
from grnet.graph.pairs import profile_of


def paths_of(data):
    """Return the evidence between TFs and genes, added up edge by edge."""
    sizes = {kind: data[kind].num_nodes for kind in data.node_types}
    weights = {}
    for kind in (("tf", "binds", "peak"), ("peak", "near", "gene")):
        store = data[kind]
        dense = np.zeros((sizes[kind[0]], sizes[kind[2]]))
        column = store.edge_attr_names.index("weight")
        dense[tuple(store.edge_index.numpy())] = store.edge_attr[:, column].numpy()
        weights[kind[1]] = dense
    return weights["binds"] @ weights["near"]


def own(data, kind, names):
    columns = [i for i, name in enumerate(data[kind].feature_names) if name.startswith(names)]
    return data[kind].x[:, columns].numpy().astype(float)


@pytest.fixture
def bound(small):
    """A graph of bindings without accessibility: all of the profile is who binds."""
    return gn.graph.build(small.mdata["rna"], **small.tables, n_components=4, n_neighbours=3)


def test_products_of_profiles_are_the_standardised_evidence(bound):
    found = gn.graph.with_evidence_profiles(bound, n_components=32)
    tf, gene = own(found, "tf", "evidence_"), own(found, "gene", "evidence_")
    between = paths_of(bound)
    z = (between - between.mean(axis=1, keepdims=True)) / between.std(axis=1, keepdims=True)
    # both sides carry the singular values, so that z is a product with the inverse between them
    left, values, right = np.linalg.svd(z.T, full_matrices=False)
    n = tf.shape[1]
    for ours, theirs in (
        (gene, left[:, :n] * values[:n]),
        (tf, right[:n].T * values[:n]),
    ):
        unit = theirs / np.sqrt(np.mean(theirs**2))
        np.testing.assert_allclose(ours @ ours.T, unit @ unit.T, atol=1e-4)


def test_accessibility_is_the_mean_of_the_peaks_near(graph):
    found = gn.graph.with_evidence_profiles(graph, n_components=2)
    accessibility = own(graph, "peak", "accessibility_")
    k = accessibility.shape[1]
    peak, gene = graph["peak", "near", "gene"].edge_index.numpy()
    expected = np.zeros((graph["gene"].num_nodes, k))
    for place in np.unique(gene):
        expected[place] = accessibility[peak[gene == place]].mean(axis=0)
    ours = own(found, "gene", "evidence_")[:, -k:]
    np.testing.assert_allclose(ours, expected / np.sqrt(np.mean(expected**2)), atol=1e-5)
    of_tfs = expected[graph["tf"].gene.numpy()]
    np.testing.assert_allclose(
        own(found, "tf", "evidence_")[:, -k:], of_tfs / np.sqrt(np.mean(of_tfs**2)), atol=1e-5
    )


def test_genes_that_the_same_tfs_bind_are_alike():
    genes = [f"G{i}" for i in range(40)]
    tfs = [f"T{i}" for i in range(6)]
    rng = np.random.default_rng(0)
    from anndata import AnnData

    cells = AnnData(rng.normal(size=(30, 46)), var=pd.DataFrame(index=[*genes, *tfs]))
    peaks = {gene: f"chr1:{1000 * i}-{1000 * i + 100}" for i, gene in enumerate(genes)}
    links = pd.DataFrame({"peak": peaks.values(), "gene": genes, "weight": 1.0})
    # TFs of a half of the genes bind there alone
    of_half = [
        (tfs[i % 3 + 3 * (number % 2)], peaks[gene])
        for number, gene in enumerate(genes)
        for i in rng.choice(3, 2, replace=False)
    ]
    bindings = pd.DataFrame(of_half, columns=["tf", "peak"]).assign(weight=rng.random(80) + 0.5)
    data = gn.graph.build(cells, tfs=tfs, links=links, bindings=bindings, n_components=4)
    profile = own(gn.graph.with_evidence_profiles(data, n_components=2), "gene", "evidence_")[:40]
    alike = np.corrcoef(profile)
    same = np.equal.outer(np.arange(40) % 2, np.arange(40) % 2)
    assert alike[same].mean() > 0.5
    assert alike[~same].mean() < 0


def test_known_edges_are_not_read_and_the_graph_is_left_alone(small, graph):
    before = {kind: graph[kind].x.clone() for kind in graph.node_types}
    found = gn.graph.with_evidence_profiles(graph, n_components=2)
    unknown = gn.graph.build(
        small.mdata, links=small.links, bindings=small.bindings, n_components=5, n_neighbours=3
    )
    again = gn.graph.with_evidence_profiles(unknown, n_components=2)
    for kind in ("gene", "tf"):
        torch.testing.assert_close(found[kind].x, again[kind].x)
    for kind, x in before.items():
        assert torch.equal(graph[kind].x, x)
        n = found[kind].x.shape[1]
        assert len(found[kind].feature_names) == n
        assert found[kind].feature_mean.shape == found[kind].feature_scale.shape == (n,)
    gn.graph.validate(found)


def test_the_order_of_genes_does_not_matter(small, graph):
    found = gn.graph.with_evidence_profiles(graph, n_components=3)
    turned = small.mdata.copy()
    rna = turned["rna"][:, ::-1].copy()
    import mudata as md

    other = gn.graph.build(
        md.MuData({"rna": rna, "atac": turned["atac"][:, ::-1].copy()}), n_components=5,
        n_neighbours=3, **{name: table[::-1] for name, table in small.tables.items()},
    )  # fmt: skip
    again = gn.graph.with_evidence_profiles(other, n_components=3)
    for kind in ("gene", "tf"):
        ours, theirs = (
            pd.DataFrame(own(data, kind, "evidence_"), index=data[kind].name)
            for data in (found, again)
        )
        pd.testing.assert_frame_equal(ours, theirs.loc[ours.index], atol=1e-4)


def test_a_graph_without_peaks_comes_back_as_it_is(small):
    data = gn.graph.build(small.mdata["rna"], tfs=["TF1", "TF2"], n_components=4)
    assert gn.graph.with_evidence_profiles(data) is data


def test_profiles_are_not_added_twice(graph):
    found = gn.graph.with_evidence_profiles(graph, n_components=2)
    with pytest.raises(ValueError, match="'tf' have a profile of the evidence already"):
        gn.graph.with_evidence_profiles(found)
    with pytest.raises(ValueError, match="n_components"):
        gn.graph.with_evidence_profiles(graph, n_components=0)


def test_pairs_read_the_expression_and_where_there_is_none_the_evidence(graph):
    found = gn.graph.with_evidence_profiles(graph, n_components=2)
    np.testing.assert_allclose(profile_of(found, "gene"), own(found, "gene", "expression_"))
    alone = found.clone()
    keep = [i for i, name in enumerate(alone["gene"].feature_names) if name[:4] == "evid"]
    alone["gene"].x = alone["gene"].x[:, keep]
    alone["gene"].feature_names = [alone["gene"].feature_names[i] for i in keep]
    np.testing.assert_allclose(profile_of(alone, "gene"), own(found, "gene", "evidence_"))
