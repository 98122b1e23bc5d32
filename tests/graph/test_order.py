"""A graph with its nodes sorted by name is the same graph."""

import numpy as np
import pandas as pd
import torch

import grnet as gn
from grnet.graph._order import sorted_by_name


def by_name(data, edge_type):
    """Return the edges by the names of their ends, with all that they hold."""
    store = data[edge_type]
    ends = [
        np.array(data[kind].name)[index]
        for kind, index in zip((edge_type[0], edge_type[2]), store.edge_index, strict=True)
    ]
    table = pd.DataFrame(store.edge_attr.numpy(), columns=store.edge_attr_names)
    return table.set_index(pd.MultiIndex.from_arrays(ends)).sort_index()


def test_all_goes_along_with_the_nodes(small):
    data = gn.graph.build(
        small.mdata, small.genome, sequence_width=50, n_components=5, **small.tables
    )
    data["peak"].height = torch.rand(data["peak"].num_nodes)
    before = {kind: list(data[kind].name) for kind in data.node_types}
    found = sorted_by_name(data)
    gn.graph.validate(found)
    for kind in data.node_types:
        assert data[kind].name == before[kind]
        assert found[kind].name == sorted(before[kind])
        order = pd.Index(data[kind].name).get_indexer(found[kind].name)
        for key in ("x", "sequence", "start", "height"):
            if key in data[kind]:
                np.testing.assert_array_equal(found[kind][key], np.asarray(data[kind][key])[order])
        for key in ("feature_names", "feature_mean"):
            np.testing.assert_array_equal(found[kind][key], data[kind][key])
    assert before["peak"] != sorted(before["peak"])
    for name, own in zip(found["tf"].name, found["tf"].gene.tolist(), strict=True):
        assert found["gene"].name[own] == name
    for edge_type in data.edge_types:
        pd.testing.assert_frame_equal(by_name(data, edge_type), by_name(found, edge_type))
        source, target = found[edge_type].edge_index
        assert (source * 1000 + target).diff().min() >= 0


def test_two_edges_are_no_two_ends(small):
    """An index of two edges has as many rows as there are edges."""
    data = gn.graph.build(
        small.mdata, links=small.links[:2], bindings=small.bindings, n_components=5
    )
    edge_type = ("peak", "near", "gene")
    pd.testing.assert_frame_equal(
        by_name(data, edge_type), by_name(sorted_by_name(data), edge_type)
    )


def test_pairs_that_are_held_out_stay_the_same_pairs(small):
    data = gn.graph.build(small.mdata, held_out=0.3, n_components=5, **small.tables)
    found = sorted_by_name(data)
    pairs = []
    for graph in (data, found):
        store = graph["tf", "regulates", "gene"]
        ends = [
            np.array(graph[kind].name)[index]
            for kind, index in zip(("tf", "gene"), store.edge_label_index, strict=True)
        ]
        pairs.append(list(zip(*ends, store.edge_label.tolist(), strict=True)))
    assert pairs[0] == pairs[1]
