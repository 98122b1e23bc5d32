"""Attention: that of the layers themselves, shared out among what a node hears."""

import numpy as np
import pytest
import torch

import grnet as gn
from grnet.explain.attention import recorded_attention

attending = pytest.mark.parametrize("kind", ["gatv2", "hgt"])


def scores(model, graph, pair, **options):
    return gn.explain.attention_scores(model, graph, source=pair[0], target=pair[1], **options)


@attending
def test_attention_is_shared_out_among_what_a_node_hears(graph, edge_model, known_pair, kind):
    found = scores(edge_model(kind), graph, known_pair[0])
    assert set(found["layer"]) == {1, 2}
    by = ["layer", "target"] if kind == "hgt" else ["layer", "target", "type"]
    # names of TFs are names of genes too
    found["kind"] = found["type"].str.split().str[-1]
    sums = found.groupby([*by, "kind"], observed=True)["attention"].sum()
    np.testing.assert_allclose(sums, 1, atol=1e-5)
    np.testing.assert_allclose(found["attention"], found[["head_1", "head_2"]].mean(axis=1))
    last = found[found["layer"] == 2]
    assert set(last["target"]) == set(known_pair[0])
    assert last.index.max() < found[found["layer"] == 1].index.min()
    assert (np.diff(last["attention"]) <= 0).all()
    known = found[found["type"] == "tf regulates gene"][["source", "target"]]
    assert known_pair[0] not in set(known.itertuples(index=False, name=None))


def test_attention_of_gatv2_is_what_the_layer_returns(graph, edge_model):
    model = edge_model("gatv2", depth=1)
    relation = ("peak", "near", "gene")
    pairs = torch.tensor([[0], [9]])
    with recorded_attention(model) as kept, torch.no_grad():
        model(graph.x_dict, graph.edge_index_dict, pairs)
        h = {name: x.relu() for name, x in model.encoder.embedded(graph.x_dict).items()}
        _, (_, theirs) = model.encoder.layers[0].convs[relation](
            (h["peak"], h["gene"]), graph[relation].edge_index, return_attention_weights=True
        )
    torch.testing.assert_close(kept[0][relation], theirs)


def test_attention_of_hgt_makes_its_messages(graph, edge_model):
    model = edge_model("hgt", depth=1)
    seen = []
    layer = model.encoder.layers[0]
    hook = layer.register_message_forward_hook(
        lambda _, given, message: seen.append((given[0]["v_j"], message))
    )
    with recorded_attention(model) as kept, torch.no_grad():
        model(graph.x_dict, graph.edge_index_dict, torch.tensor([[0], [9]]))
    hook.remove()
    values, message = seen[0]
    joined = torch.cat([kept[0][relation] for relation in graph.edge_types])
    torch.testing.assert_close((values * joined[..., None]).flatten(1), message)


def test_what_has_no_attention_is_told(graph, edge_model, known_pair):
    for kind, why in (("sage", "its messages pass by SAGEConv"), ("none", "passes no messages")):
        with pytest.raises(ValueError, match=f"has no attention: .*{why}"):
            scores(edge_model(kind), graph, known_pair[0])
    with pytest.raises(ValueError, match="'MYC' is no tf of the graph"):
        scores(edge_model("hgt"), graph, ("MYC", known_pair[0][1]))
    empty = graph.clone()
    for relation in graph.edge_types:
        empty[relation].edge_index = graph[relation].edge_index[:, :0]
    with pytest.raises(ValueError, match="there is nothing to attend to"):
        scores(edge_model("gatv2"), empty, known_pair[0])
