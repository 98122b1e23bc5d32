"""networkx and files give back every value of a graph."""

import json

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch_geometric.data import HeteroData

import grnet as gn
from grnet.graph import BINDS, GENE, REGULATES, TF

floats = st.floats(width=32, allow_nan=False, allow_infinity=False)
plain = st.one_of(st.integers(-9, 9), st.text(max_size=3), st.booleans(), floats, st.none())
collections = st.recursive(
    plain,
    lambda part: st.one_of(
        st.lists(part, max_size=3),
        st.dictionaries(st.text("abc", max_size=2), part, max_size=2),
        st.tuples(part, part),
    ),
    max_leaves=5,
)


def assert_same(one, two):
    """Every store has the same keys and the same values, types included."""
    assert one.node_types == two.node_types
    assert one.edge_types == two.edge_types
    for left, right in zip(one.stores, two.stores, strict=True):
        assert set(left) == set(right)
        for key, value in left.items():
            other = right[key]
            if isinstance(value, torch.Tensor):
                assert value.dtype == other.dtype
                assert torch.equal(value, other), key
            else:
                assert type(value) is type(other)
                assert value == other, key


@st.composite
def graphs(draw):
    """Graphs of two types with odd names, features, lists, tensors of any rank, and lone nodes."""
    data = HeteroData()
    seed = draw(st.integers(0, 2**16))
    rng = torch.Generator().manual_seed(seed)
    sizes = {kind: draw(st.integers(0, 5)) for kind in ("a", "b")}
    for kind, size in sizes.items():
        text = st.text(" :é/x1", max_size=3)
        data[kind].name = draw(st.lists(text, min_size=size, max_size=size, unique=True))
        n_features = draw(st.integers(0, 3))
        values = draw(st.lists(floats, min_size=size * n_features, max_size=size * n_features))
        data[kind].x = torch.tensor(values, dtype=torch.float32).reshape(size, n_features)
        if draw(st.booleans()):
            data[kind].feature_names = [f"{n}" for n in ("name", "x", "start")[:n_features]]
        data[kind].start = torch.randint(0, 9, (size,), generator=rng)
        data[kind].sequence = torch.randint(0, 5, (size, 3), generator=rng).to(torch.uint8)
        data[kind].label = draw(st.lists(plain, min_size=size, max_size=size))
        data[kind].note = draw(collections)
    for edge_type in (("a", "to", "b"), ("b", "rev_to", "a"), ("b", "of", "b")):
        source, _, target = edge_type
        every = [(i, j) for i in range(sizes[source]) for j in range(sizes[target])]
        chosen = draw(st.lists(st.sampled_from(every), unique=True)) if every else []
        index = torch.tensor(chosen, dtype=torch.long).reshape(-1, 2).T.contiguous()
        data[edge_type].edge_index = index
        data[edge_type].edge_attr = torch.randn((len(chosen), 2), generator=rng)
        if draw(st.booleans()):
            data[edge_type].edge_attr_names = ["relation", "weight"]
        data[edge_type].order = torch.arange(len(chosen)).bool()
    data.note = draw(collections)
    return data


@given(graphs())
def test_networkx_gives_back_everything(data):
    assert_same(gn.graph.from_networkx(gn.graph.to_networkx(data)), data)


@settings(max_examples=30)
@given(graphs())
def test_files_give_back_everything(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("graphs") / "graph.safetensors"
    assert_same(gn.graph.load(gn.graph.save(data, path)), data)


def test_built_graphs_survive_both_ways(graph, tmp_path):
    part = gn.graph.hold_out(graph, 0.3)
    assert_same(gn.graph.from_networkx(gn.graph.to_networkx(part)), part)
    assert_same(gn.graph.load(gn.graph.save(part, tmp_path / "new" / "g.safetensors")), part)


def test_networkx_graph_is_plain(graph):
    found = gn.graph.to_networkx(graph)
    assert found.number_of_nodes() == graph.num_nodes
    forward = [kind for kind in graph.edge_types if not kind[1].startswith("rev_")]
    assert found.number_of_edges() == sum(graph[kind].num_edges for kind in forward)
    i, j = graph[BINDS].edge_index[:, 0].tolist()
    ends = (f"tf:{graph[TF].name[i]}", f"peak:{graph['peak'].name[j]}")
    weight = found.edges[*ends, "binds"]["weight"]
    assert weight == graph[BINDS].edge_attr[0, -1].item()
    assert found.nodes["gene:TF1"]["mean"] == graph[GENE].x[0, -2].item()


def test_networkx_graph_is_written_as_graphml(graph, tmp_path):
    found = gn.graph.to_networkx(graph)
    nx.write_graphml(found, tmp_path / "graph.graphml")
    back = nx.read_graphml(tmp_path / "graph.graphml", force_multigraph=True)
    assert_same(gn.graph.from_networkx(back), graph)


def test_changes_made_in_networkx_arrive(graph):
    found = gn.graph.to_networkx(graph)
    found.nodes["gene:TF1"]["mean"] = 7.0
    known = [edge for edge in found.edges(keys=True) if edge[2] == "regulates"]
    found.remove_edge(*known[0])
    back = gn.graph.from_networkx(found)
    assert back[GENE].x[0, -2] == 7
    assert back[REGULATES].num_edges == graph[REGULATES].num_edges - 1
    assert back["gene", "rev_regulates", "tf"].num_edges == back[REGULATES].num_edges


def test_foreign_and_changed_networkx_graphs_are_refused(graph):
    with pytest.raises(ValueError, match=r"was not made by gn.graph.to_networkx"):
        gn.graph.from_networkx(nx.MultiDiGraph([(1, 2)]))
    found = gn.graph.to_networkx(graph)
    found.remove_node("gene:TF1")
    with pytest.raises(ValueError, match=r"23 nodes 'gene' are left of 24"):
        gn.graph.from_networkx(found)
    found.add_node("new")
    with pytest.raises(ValueError, match=r"'new' has node_type None, expected one of"):
        gn.graph.from_networkx(found)
    found = gn.graph.to_networkx(graph)
    del found.nodes["gene:TF1"]["mean"]
    with pytest.raises(ValueError, match=r"nodes 'gene' in the networkx graph has no attribute"):
        gn.graph.from_networkx(found)


def test_truncated_files_are_refused_and_never_half_right(graph, tmp_path):
    path = gn.graph.save(graph, tmp_path / "g.safetensors")
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for size in [0, 7, 8, 100, len(whole) - 1, *rng.integers(0, len(whole), 20)]:
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match=r"g.safetensors is damaged or no graph"):
            gn.graph.load(path)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"a": torch.zeros(2)}, path)
    with pytest.raises(ValueError, match=r"holds tensors, but no graph"):
        gn.graph.load(path)
    record = json.dumps({"format": 99, "grnet": "9.9"})
    save_file({"a": torch.zeros(2)}, path, metadata={"grnet_graph": record})
    with pytest.raises(ValueError, match=r"written by grnet 9.9 in format 99.*Update grnet"):
        gn.graph.load(path)
    with pytest.raises(FileNotFoundError, match=r"does not exist"):
        gn.graph.load(tmp_path / "none")


def test_what_has_no_safe_form_is_refused_and_leaves_the_old_file(graph, tmp_path):
    path = gn.graph.save(graph, tmp_path / "g.safetensors")
    graph.method = print
    with pytest.raises(ValueError, match=r"holds a builtin_function_or_method, which has no safe"):
        gn.graph.save(graph, path)
    assert gn.graph.load(path).num_nodes == graph.num_nodes
    assert [file.name for file in tmp_path.iterdir()] == ["g.safetensors"]
