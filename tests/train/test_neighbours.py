"""Small graphs drawn from a large one: they hear what the large one says."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.stats import chisquare
from torch_geometric.data import HeteroData

import grnet as gn
from grnet.graph.vocabulary import BINDS, COEXPRESSED, NEAR, REGULATES, opposite
from grnet.train._edge_batches import LabelledPairs, SampledPairs
from grnet.train._edge_encoding import pair_logits
from grnet.train._edge_objective import EdgeObjective
from grnet.train._neighbours import Neighbours, distinct

SIZES = {"tf": 15, "gene": 80, "peak": 120}
N_EDGES = {BINDS: 300, NEAR: 200, REGULATES: 150, COEXPRESSED: 240}


@pytest.fixture(scope="module")
def graph():
    rng = np.random.default_rng(0)
    data = HeteroData()
    for kind, n in SIZES.items():
        data[kind].name = [f"{kind}{i}" for i in range(n)]
        data[kind].x = torch.from_numpy(rng.normal(size=(n, 5))).float()
    for relation, n in N_EDGES.items():
        n_sources, n_targets = SIZES[relation[0]], SIZES[relation[2]]
        codes = rng.choice(n_sources * n_targets, n, replace=False)
        index = torch.from_numpy(np.stack(np.divmod(codes, n_targets)))
        data[relation].edge_index = index
        if opposite(relation) != relation:
            data[opposite(relation)].edge_index = index.flip(0)
    return data


def model_of(graph, kind, depth=2):
    torch.manual_seed(0)
    config = gn.models.EdgeModelConfig.of(graph, kind=kind, width=8, heads=2, depth=depth)
    return gn.models.EdgeModel(config).eval()


def batches_of(graph, *, depth=2, n_each, seed=0):
    known = graph[REGULATES].edge_index[:, :40].numpy()
    pairs = np.concatenate([known, np.stack([np.arange(30) % 15, np.arange(30)])], axis=1)
    labelled = LabelledPairs(pairs, np.ones(pairs.shape[1], dtype=np.float32))
    heard = Neighbours(graph, graph.edge_types)
    return SampledPairs(labelled, graph, heard, depth=depth, n_each=n_each, seed=seed), labelled


@pytest.mark.parametrize("kind", ["sage", "gatv2", "hgt"])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_with_all_neighbours_the_logits_are_those_of_the_whole_graph(graph, kind, depth):
    model, objective = model_of(graph, kind, depth), EdgeObjective(graph)
    sampled, labelled = batches_of(graph, depth=depth, n_each=1000)
    rows = [3, 50, 7, 60, 12]
    small, whole = sampled.__getitems__(rows), labelled.__getitems__(rows)
    assert len(small["x"]["peak"]) < 120 or depth > 1
    torch.testing.assert_close(
        objective.answer(model, small), objective.answer(model, whole), rtol=1e-4, atol=1e-5
    )
    assert small["y"].tolist() == whole["y"].tolist()


@pytest.mark.parametrize("kind", ["sage", "gatv2", "hgt"])
@pytest.mark.parametrize("block", [40, 200])
def test_encoding_in_blocks_is_encoding_the_whole(graph, kind, block):
    model = model_of(graph, kind)
    pairs = np.stack([np.arange(60) % 15, np.arange(60)])
    expected = pair_logits(model, graph, pairs, block=10**9)
    assert len(np.unique(expected)) == 60
    np.testing.assert_allclose(pair_logits(model, graph, pairs, block=block), expected, atol=1e-5)


def test_nodes_hear_at_most_so_many_and_only_what_is_there(graph):
    heard = Neighbours(graph, graph.edge_types)
    asked = {"tf": np.array([4, 9]), "gene": np.array([7])}
    small = heard.around(asked, depth=2, n_each=2, rng=np.random.default_rng(0))
    for relation, index in small.edges.items():
        source, target = (
            small.nodes[end][at] for end, at in zip(relation[::2], index, strict=True)
        )
        there = set(map(tuple, graph[relation].edge_index.T.tolist()))
        found = list(zip(source.tolist(), target.tolist(), strict=True))
        assert len(set(found)) == len(found)
        assert set(found) <= there
        counts = np.bincount(index[1]) if index.numel() else np.zeros(1)
        assert counts.max() <= 2
    assert small.edges[BINDS].numel()
    assert [small.nodes["tf"][:2].tolist(), small.nodes["gene"][:1].tolist()] == [[4, 9], [7]]


def test_a_node_with_few_neighbours_hears_all_of_them(graph):
    heard = Neighbours(graph, [REGULATES])
    degree = graph[REGULATES].edge_index[1].bincount(minlength=80)
    small = heard.around({"gene": np.arange(80)}, depth=1, n_each=3, rng=np.random.default_rng(0))
    found = small.edges[REGULATES][1].bincount(minlength=80)
    torch.testing.assert_close(found, degree.clamp(max=3))
    assert degree.max() > 3


def test_draws_follow_from_the_seed_and_the_pairs(graph):
    edges = [
        batches_of(graph, n_each=1, seed=seed)[0].__getitems__(rows)["edges"][BINDS]
        for seed, rows in ((0, [1, 2, 3]), (0, [1, 2, 3]), (1, [1, 2, 3]), (0, [3, 2, 1]))
    ]
    assert torch.equal(edges[0], edges[1])
    assert not torch.equal(edges[0], edges[2])
    assert not torch.equal(edges[0], edges[3])


def test_the_pairs_of_a_batch_are_heard_in_neither_direction(graph):
    sampled, _ = batches_of(graph, n_each=1000)
    heard = {}

    class Listener(torch.nn.Module):
        def forward(self, _, edges, pairs):
            heard.update(edges)
            return torch.zeros(pairs.shape[1])

    batch = sampled.__getitems__(list(range(10)))
    EdgeObjective(graph).answer(Listener(), batch)
    asked = set(map(tuple, batch["pairs"].T.tolist()))
    for relation, flipped in ((REGULATES, False), (opposite(REGULATES), True)):
        found = heard[relation].flip(0) if flipped else heard[relation]
        before = batch["edges"][relation]
        assert not asked & set(map(tuple, found.T.tolist()))
        assert before.shape[1] - found.shape[1] == 10


def test_every_set_of_neighbours_is_equally_likely():
    drawn = distinct(np.full(6000, 5), 3, rng=np.random.default_rng(0))
    assert (np.sort(drawn, axis=1)[:, 1:] > np.sort(drawn, axis=1)[:, :-1]).all()
    codes = (1 << drawn).sum(axis=1)
    assert len(np.unique(codes)) == 10
    assert chisquare(np.unique(codes, return_counts=True)[1]).pvalue > 0.001


def test_blocks_hold_every_node_once_and_about_as_many_edges(graph):
    heard = Neighbours(graph, graph.edge_types)
    blocks = list(heard.blocks("peak", 60))
    assert np.concatenate(blocks).tolist() == list(range(120))
    assert len(blocks) > 5
    assert all(first[-1] + 1 == second[0] for first, second in pairwise(blocks))
