"""What a graph says of a TF and a gene together."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

import grnet as gn
from grnet.graph.pairs import products_at


@pytest.fixture(scope="module")
def graph():
    adata = gn.datasets.simulate(n_cells=80, n_genes=40, n_tfs=6, seed=1)
    tfs = sorted(adata.var_names[adata.var["is_tf"]])
    genes = list(adata.var_names)
    peaks = [f"chr1:{100 * i}-{100 * i + 50}" for i in range(12)]
    rng = np.random.default_rng(0)
    bindings = pd.DataFrame(
        {"tf": rng.choice(tfs, 30), "peak": rng.choice(peaks, 30), "weight": rng.random(30)}
    ).drop_duplicates(["tf", "peak"])
    links = pd.DataFrame(
        {"peak": rng.choice(peaks, 40), "gene": rng.choice(genes, 40), "weight": rng.random(40)}
    ).drop_duplicates(["peak", "gene"])
    known = adata.uns["grnet_truth"]
    data = gn.graph.build(
        adata, tfs=tfs, bindings=bindings, links=links, known=known, n_components=8
    )
    return data, bindings, links


def all_pairs(data):
    tf, gene = np.divmod(np.arange(data["tf"].num_nodes * data["gene"].num_nodes), 40)
    return np.stack([tf, gene])


def test_evidence_is_the_sum_over_the_paths(graph):
    data, bindings, links = graph
    features = gn.graph.PairFeatures(data)
    pairs = all_pairs(data)
    found = features(pairs)[:, features.names.index("evidence")]
    paths = bindings.merge(links, on="peak")
    paths = paths.assign(weight=paths["weight_x"] * paths["weight_y"])
    expected = paths.groupby(["tf", "gene"])["weight"].sum()
    names = [np.array(data[kind].name)[at] for kind, at in zip(("tf", "gene"), pairs, strict=True)]
    asked = expected.reindex(pd.MultiIndex.from_arrays(names), fill_value=0.0)
    np.testing.assert_allclose(found, asked, rtol=1e-5)
    assert (found > 0).any()
    of_tf = features(pairs)[:, features.names.index("evidence_of_tf")].reshape(-1, 40)
    np.testing.assert_allclose(np.expm1(of_tf[:, 0]), found.reshape(-1, 40).sum(1), rtol=1e-4)


def test_correlations_are_those_of_the_profiles_and_standardised_over_either_end(graph):
    data, _, _ = graph
    features = gn.graph.PairFeatures(data)
    columns = {
        name: values.reshape(-1, 40)
        for name, values in zip(features.names, features(all_pairs(data)).T, strict=True)
    }
    tf, gene = (data[kind].x[:, :8].numpy().astype(float) for kind in ("tf", "gene"))
    tf, gene = (v / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-9) for v in (tf, gene))
    cosine = tf @ gene.T
    np.testing.assert_allclose(columns["correlation"], cosine, atol=1e-5)
    among_genes, among_tfs = (
        (cosine - cosine.mean(axis=axis, keepdims=True))
        / np.maximum(cosine.std(axis=axis, keepdims=True), 1e-9)
        for axis in (1, 0)
    )
    np.testing.assert_allclose(columns["correlation_among_genes"], among_genes, atol=1e-4)
    np.testing.assert_allclose(columns["correlation_among_tfs"], among_tfs, atol=1e-4)


def test_known_edges_are_not_read(graph):
    data, _, _ = graph
    without = data.clone()
    for edge_type in (("tf", "regulates", "gene"), ("gene", "rev_regulates", "tf")):
        del without[edge_type]
    pairs = all_pairs(data)
    np.testing.assert_array_equal(
        gn.graph.PairFeatures(data)(pairs), gn.graph.PairFeatures(without)(pairs)
    )


def test_products_in_blocks_are_those_of_the_whole(monkeypatch):
    rng = np.random.default_rng(0)
    left, right = (
        sp.csr_array(rng.random(shape) * (rng.random(shape) < 0.3)) for shape in ((20, 9), (9, 15))
    )
    places = rng.integers(0, 20, 70), rng.integers(0, 15, 70)
    monkeypatch.setattr("grnet.graph.pairs._ROWS_PER_BLOCK", 3)
    np.testing.assert_allclose(products_at(left, right, places), (left @ right).toarray()[places])


def test_pairs_of_another_shape_are_told(graph):
    data, _, _ = graph
    with pytest.raises(ValueError, match=r"shape \(5,\): expected \(2, B\)"):
        gn.graph.PairFeatures(data)(np.arange(5))
