"""Models of edges: directed, blind to the order of nodes, the same from a file."""

from itertools import product

import numpy as np
import pytest
import torch

import grnet as gn
from grnet.models.encoders import DECODERS, KINDS


@pytest.fixture(scope="module")
def data():
    adata = gn.datasets.simulate(n_cells=60, n_genes=40, n_tfs=6, seed=1)
    return gn.graph.build(adata, known=adata.uns["grnet_truth"], n_components=4, n_neighbours=3)


def made(data, **settings):
    torch.manual_seed(0)
    config = gn.models.EdgeModelConfig.of(data, width=16, heads=2, **settings)
    return gn.models.EdgeModel(config).eval()


PAIRS = torch.tensor([[0, 1, 2, 3], [9, 8, 7, 0]])


@pytest.mark.parametrize(("kind", "decoder"), list(product(KINDS, DECODERS)))
def test_every_kind_reads_the_graph_and_comes_back_from_a_file(data, tmp_path, kind, decoder):
    model = made(data, kind=kind, decoder=decoder)
    logits = model(data.x_dict, data.edge_index_dict, PAIRS)
    assert logits.shape == (4,)
    assert logits.unique().numel() == 4
    gn.models.save(model, tmp_path / "model.safetensors")
    again = gn.models.load(tmp_path / "model.safetensors")
    assert again.config == model.config
    torch.testing.assert_close(again(data.x_dict, data.edge_index_dict, PAIRS), logits)
    without = made(data, kind=kind, decoder=decoder)(
        data.x_dict, {key: index[:, :0] for key, index in data.edge_index_dict.items()}, PAIRS
    )
    assert torch.allclose(logits, without) == (kind == "none")


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_genes_does_not_matter(data, kind):
    model = made(data, kind=kind)
    order = torch.from_numpy(np.random.default_rng(0).permutation(40))
    place = order.argsort()
    x = {**data.x_dict, "gene": data["gene"].x[order]}
    edges = {}
    for key, index in data.edge_index_dict.items():
        ends = [
            place[row] if kind_of == "gene" else row
            for kind_of, row in zip((key[0], key[2]), index, strict=True)
        ]
        edges[key] = torch.stack(ends)
    pairs = torch.stack([PAIRS[0], place[PAIRS[1]]])
    torch.testing.assert_close(
        model(x, edges, pairs), model(data.x_dict, data.edge_index_dict, PAIRS)
    )


@pytest.mark.parametrize("decoder", DECODERS)
def test_regulation_has_a_direction(data, decoder):
    model = made(data, decoder=decoder, kind="none")
    vectors = torch.randn(2, data["gene"].x.shape[1])
    x = {"gene": vectors, "tf": torch.cat([vectors, torch.zeros(2, 1)], dim=1)}
    there, back = model(x, {}, torch.tensor([[0, 1], [1, 0]])).tolist()
    assert abs(there - back) > 1e-4


def test_wrong_settings_are_told(data):
    with pytest.raises(ValueError, match="no multiple of heads=3"):
        gn.models.EdgeModelConfig.of(data, heads=3)
    with pytest.raises(ValueError, match="Unknown kind 'gcn'"):
        gn.models.EdgeModelConfig.of(data, kind="gcn")
