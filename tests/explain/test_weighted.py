"""Weights of messages, and what a pair hears: the same logit, and gradients that are right."""

import pytest
import torch
from torch import nn
from torch_geometric.nn import GATv2Conv, HeteroConv, HGTConv, SAGEConv

from grnet.explain._heard import k_hop
from grnet.explain._weighted import message_layers, relations, weighted_messages
from grnet.graph import REGULATES, opposite

KINDS = ("sage", "gatv2", "hgt")
each_kind = pytest.mark.parametrize("kind", KINDS)


def hooks_of(model):
    return [
        len(hooks)
        for module in model.modules()
        for name, hooks in vars(module).items()
        if name.endswith(("forward_hooks", "forward_pre_hooks"))
    ]


def without(graph, pair):
    """The edges of a graph without the known edge of a pair."""
    edges = dict(graph.edge_index_dict)
    tf, gene = pair[:, 0].tolist()
    for relation, (a, b) in ((REGULATES, (tf, gene)), (opposite(REGULATES), (gene, tf))):
        index = edges[relation]
        edges[relation] = index[:, (index[0] != a) | (index[1] != b)]
    return edges


@each_kind
def test_weights_of_one_change_nothing_and_of_nought_are_no_edges(graph, edge_model, kind):
    model = edge_model(kind)
    pairs = torch.tensor([[0, 1, 2, 3], [9, 8, 7, 0]])
    plain = model(graph.x_dict, graph.edge_index_dict, pairs)
    ones = {r: torch.ones(e.shape[1]) for r, e in graph.edge_index_dict.items()}
    with weighted_messages(model, ones):
        assert torch.equal(model(graph.x_dict, graph.edge_index_dict, pairs), plain)
    with weighted_messages(model, {r: 0 * one for r, one in ones.items()}):
        silent = model(graph.x_dict, graph.edge_index_dict, pairs)
    none = {r: e[:, :0] for r, e in graph.edge_index_dict.items()}
    torch.testing.assert_close(silent, model(graph.x_dict, none, pairs))
    assert not torch.allclose(silent, plain)
    assert not any(hooks_of(model))


@each_kind
def test_gradients_of_weights_are_those_of_finite_differences(graph, edge_model, kind):
    model = edge_model(kind).double()
    x = {name: value.double() for name, value in graph.x_dict.items()}
    pair = torch.tensor([[1], [8]])
    weights = {
        r: torch.full((e.shape[1],), 0.7, dtype=torch.double, requires_grad=True)
        for r, e in graph.edge_index_dict.items()
    }

    def logit(of):
        with weighted_messages(model, of):
            return model(x, graph.edge_index_dict, pair)[0]

    gradients = dict(
        zip(weights, torch.autograd.grad(logit(weights), list(weights.values())), strict=True)
    )
    for relation, gradient in gradients.items():
        at = int(gradient.abs().argmax())
        assert gradient[at] != 0, relation
        step = torch.zeros_like(gradient)
        step[at] = 1e-6
        ends = [logit({**weights, relation: weights[relation] + sign * step}) for sign in (1, -1)]
        assert ((ends[0] - ends[1]) / 2e-6).item() == pytest.approx(float(gradient[at]), rel=1e-3)


@each_kind
def test_a_weight_reaches_its_own_edge_alone(graph, edge_model, kind):
    """One layer: what a gene says of an edge of weight 0 is what it says without the message."""
    model = edge_model(kind, depth=1)
    for relation in (("peak", "near", "gene"), REGULATES):
        index = graph[relation].edge_index
        gene = int(index[1, 4])
        of_type = {relation: (torch.arange(index.shape[1]) != 4).float()}
        with weighted_messages(model, of_type), torch.no_grad():
            changed = model.encoder(graph.x_dict, graph.edge_index_dict)
        with torch.no_grad():
            plain = model.encoder(graph.x_dict, graph.edge_index_dict)
        moved = (changed["gene"] - plain["gene"]).abs().sum(1) > 1e-6
        assert torch.nonzero(moved).ravel().tolist() == [gene]
        assert torch.equal(changed["peak"], plain["peak"])


@each_kind
def test_layers_may_have_weights_of_their_own(graph, edge_model, kind):
    model = edge_model(kind)
    pair = torch.tensor([[0], [9]])
    ones = {r: torch.ones(e.shape[1]) for r, e in graph.edge_index_dict.items()}
    first = {r: [0 * one, one] for r, one in ones.items()}
    last = {r: [one, 0 * one] for r, one in ones.items()}
    found = []
    for weights in (first, last):
        with weighted_messages(model, weights), torch.no_grad():
            found.append(float(model(graph.x_dict, graph.edge_index_dict, pair)))
    with torch.no_grad():
        h = model.encoder.embedded(graph.x_dict)
        none = {r: e[:, :0] for r, e in graph.edge_index_dict.items()}
        h = model.encoder.passed(h, none, layer=0)
        h = model.encoder.passed(h, graph.edge_index_dict, layer=1)
        assert found[0] == pytest.approx(float(model.decoded(h, pair)), abs=1e-5)
    assert abs(found[0] - found[1]) > 1e-4


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("kind", [*KINDS, "none"])
def test_the_logit_is_that_of_the_whole_graph(graph, edge_model, known_pair, kind, depth):
    model, (_, pair) = edge_model(kind, depth=depth), known_pair
    layers = message_layers(model)
    tf, gene = pair[:, 0].tolist()
    heard = k_hop(
        graph, (("tf", tf), ("gene", gene)), depth=len(layers), relations=relations(layers)
    )
    edges = heard.edges if layers else graph.edge_index_dict
    small = model(heard.x, edges, heard.pair)
    whole = model(graph.x_dict, without(graph, pair), pair)
    torch.testing.assert_close(small, whole)
    for relation, index in heard.edges.items():
        ends = graph[relation].edge_index[:, heard.rows[relation]]
        named = [heard.nodes[k][row] for k, row in zip(relation[::2], index, strict=True)]
        assert torch.equal(torch.stack(named), ends)
    if depth == 1 and kind != "none":
        n_near = int((graph["peak", "near", "gene"].edge_index[1] == gene).sum())
        assert heard.edges["peak", "near", "gene"].shape[1] == n_near
        known = torch.stack([heard.nodes["tf"][heard.pair[0]], heard.nodes["gene"][heard.pair[1]]])
        assert torch.equal(known, pair)
        sizes = [len(heard.nodes[k]) < graph[k].num_nodes for k in graph.node_types]
        assert any(sizes)


def test_the_known_edge_of_the_pair_is_not_heard(graph, edge_model, known_pair):
    layers = message_layers(edge_model("sage"))
    (_, pair) = known_pair
    tf, gene = pair[:, 0].tolist()
    heard = k_hop(graph, (("tf", tf), ("gene", gene)), depth=2, relations=relations(layers))
    for relation, ends in ((REGULATES, [tf, gene]), (opposite(REGULATES), [gene, tf])):
        kept = graph[relation].edge_index[:, heard.rows[relation]].T.tolist()
        assert ends in graph[relation].edge_index.T.tolist()
        assert ends not in kept


def test_the_order_of_types_is_that_of_the_edges_for_hgt():
    kinds = ["a", "b"]
    types = [("a", "to", "b"), ("b", "to", "a"), ("a", "at", "a")]
    torch.manual_seed(0)
    layer = HGTConv(4, 4, (kinds, types), heads=2)
    x = {kind: torch.randn(3, 4) for kind in kinds}
    edges = {r: torch.tensor([[0, 1, 2], [1, 2, 0]]) for r in types}
    pruned = {**edges, types[1]: edges[types[1]][:, :2]}
    with weighted_messages(layer, {types[1]: torch.tensor([1.0, 1.0, 0.0])}):
        weighted = layer(x, edges)
    deleted = layer(x, pruned)
    torch.testing.assert_close(weighted["b"], deleted["b"])
    torch.testing.assert_close(weighted["a"][1:], deleted["a"][1:])
    assert not torch.allclose(weighted["a"][0], layer(x, edges)["a"][0])


class Bare(nn.Module):
    def __init__(self):
        super().__init__()
        self.own = SAGEConv(4, 4)


def test_messages_that_cannot_be_weighted_are_told(graph, edge_model):
    with pytest.raises(ValueError, match="passes messages by SAGEConv outside of HeteroConv"):
        message_layers(Bare())
    model = edge_model("sage")
    with (
        weighted_messages(model, {("peak", "near", "gene"): torch.ones(3)}),
        pytest.raises(ValueError, match=r"3 weights for the \d+ messages of peak near gene"),
    ):
        model(graph.x_dict, graph.edge_index_dict, torch.tensor([[0], [1]]))
    relation = ("a", "to", "a")
    looped = HeteroConv({relation: GATv2Conv(4, 4, add_self_loops=True)})
    with (
        weighted_messages(looped, {relation: torch.ones(1)}),
        pytest.raises(ValueError, match="without self loops of their own"),
    ):
        looped({"a": torch.randn(3, 4)}, {relation: torch.tensor([[0], [1]])})
    assert not any(hooks_of(looped))
