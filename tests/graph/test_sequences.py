"""k-mer graphs count as a loop over letters does, and hold the way back to the sequence."""

import itertools
from collections import Counter

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_geometric.loader import DataLoader
from torch_geometric.nn import GCNConv, global_mean_pool

import grnet as gn
from grnet._alphabet import reverse_complement, to_codes, to_text
from grnet.graph import FOLLOWED_BY, KMER

texts = st.lists(st.text("ACGTNacgt", min_size=0, max_size=30), min_size=1, max_size=5)


def words(text, k):
    found = [text[i : i + k].upper() for i in range(len(text) - k + 1)]
    return [word if "N" not in word else None for word in found]


def twin(word):
    return to_text(reverse_complement(to_codes(word)))


def edges_of(data):
    store, names = data[FOLLOWED_BY], data[KMER].name
    return {
        (names[i], names[j]): count
        for (i, j), count in zip(
            store.edge_index.T.tolist(), store.edge_attr[:, 0].tolist(), strict=True
        )
    }


@given(texts, st.integers(1, 4))
def test_counts_are_those_of_a_loop(sequences, k):
    every = [words(text, k) for text in sequences]
    nodes = Counter(word for row in every for word in row if word)
    edges = Counter(pair for row in every for pair in itertools.pairwise(row) if None not in pair)
    if not nodes:
        with pytest.raises(ValueError, match=f"have no {k}-mer of A, C, G and T"):
            gn.graph.kmer_graph(sequences, k=k)
        return
    data = gn.graph.kmer_graph(sequences, k=k)
    gn.graph.validate(data)
    assert data[KMER].name == sorted(nodes)
    assert data[KMER].x[:, 0].tolist() == [nodes[name] for name in sorted(nodes)]
    assert edges_of(data) == edges


@given(texts, st.integers(1, 4))
def test_canonical_graph_is_that_of_the_other_strand(sequences, k):
    if not any(word for text in sequences for word in words(text, k)):
        return
    other = [to_text(reverse_complement(to_codes(text))) for text in sequences]
    one, two = (gn.graph.kmer_graph(each, k=k, canonical=True) for each in (sequences, other))
    assert one[KMER].name == two[KMER].name
    assert all(name <= twin(name) for name in one[KMER].name)
    assert torch.equal(one[KMER].x, two[KMER].x)
    assert edges_of(one) == edges_of(two)
    assert edges_of(one) == {(b, a): count for (a, b), count in edges_of(one).items()}


@given(st.text("ACGT", min_size=3, max_size=60))
def test_a_sequence_is_a_walk_over_all_edges(text):
    data = gn.graph.kmer_graph([text], k=3)
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(data[KMER].name)
    for (a, b), count in edges_of(data).items():
        graph.add_edges_from([(a, b)] * int(count))
    assert nx.has_eulerian_path(graph)
    walk = list(nx.eulerian_path(graph, source=text[:3]))
    spelled = text[:3] + "".join(b[-1] for _, b in walk)
    assert sorted(words(spelled, 3)) == sorted(words(text, 3))


def test_codes_and_texts_give_one_graph():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 5, (20, 50)).astype(np.uint8)
    one = gn.graph.kmer_graph(codes, k=2)
    two = gn.graph.kmer_graph([to_text(row) for row in codes], k=2)
    assert one[KMER].name == two[KMER].name
    assert torch.equal(one[FOLLOWED_BY].edge_attr, two[FOLLOWED_BY].edge_attr)


def test_one_row_of_codes_is_one_sequence():
    data = gn.graph.kmer_graph(to_codes("ACGTACG"), k=2)
    assert edges_of(data) == edges_of(gn.graph.kmer_graph(["ACGTACG"], k=2))


def test_shares_of_what_leaves_a_kmer_add_up():
    data = gn.graph.kmer_graph(["ACGTACGATTACAGATTACA"], k=2)
    store = data[FOLLOWED_BY]
    total = torch.zeros(data[KMER].num_nodes).index_add(
        0, store.edge_index[0], store.edge_attr[:, 1]
    )
    assert set(total.round(decimals=5).tolist()) <= {0.0, 1.0}
    one_hot = data[KMER].x[:, 2:].reshape(-1, 2, 4)
    assert ["".join("ACGT"[i] for i in row) for row in one_hot.argmax(-1)] == data[KMER].name


def test_a_graph_for_each_sequence_is_classified_in_batches():
    texts = ["ACGTACGT", "TTTTTT", "ACGNACG"]
    each = gn.graph.kmer_graph(texts, k=2, per_sequence=True)
    for text, data in zip(texts, each, strict=True):
        assert edges_of(data) == edges_of(gn.graph.kmer_graph([text], k=2))
    batch = next(iter(DataLoader([data.to_homogeneous() for data in each], batch_size=3)))
    hidden = GCNConv(10, 4)(batch.x, batch.edge_index)
    assert global_mean_pool(hidden, batch.batch).shape == (3, 4)


@pytest.mark.parametrize(
    ("sequences", "k", "message"),
    [
        ([], 3, "No sequences"),
        ("ACGT", 3, "No sequences: pass a list"),
        (["ACGT"], 0, "k=0 is out of range"),
        (["ACGT"], 16, "k=16 is out of range"),
        (["NNNN", "AC"], 3, "2 of 2 sequences have no 3-mer"),
    ],
)
def test_what_has_no_graph_is_said(sequences, k, message):
    with pytest.raises(ValueError, match=message):
        gn.graph.kmer_graph(sequences, k=k)


def test_a_sequence_without_kmer_has_no_graph_of_its_own():
    with pytest.raises(ValueError, match=r"1 of 3 sequences have no 3-mer.*number 1\)"):
        gn.graph.kmer_graph(["ACGT", "AC", "ACGT"], k=3, per_sequence=True)
    with pytest.raises(ValueError, match=r"1 of 2 sequences have no 3-mer"):
        gn.graph.kmer_graph(["ACGT", ""], k=3, per_sequence=True)
