"""The methylation model: what its answer may depend on, and on what not."""

import numpy as np
import pytest
import torch

import grnet as gn


def made(**settings):
    torch.manual_seed(0)
    return gn.models.MethylationModel(gn.models.MethylationModelConfig(**settings)).eval()


def around(n=5, k=4, seed=0):
    rng = np.random.default_rng(seed)
    coverage = rng.integers(1, 30, (n, 2 * k))
    methylated = rng.binomial(coverage, rng.random((n, 2 * k)))
    distance = np.sort(rng.integers(2, 500, (n, k)), axis=1)
    distance = np.concatenate([-distance[:, ::-1], distance], axis=1)
    return torch.tensor(np.stack([methylated, coverage, distance], -1), dtype=torch.float32)


def codes(n=5, width=40, seed=0):
    return torch.tensor(np.random.default_rng(seed).integers(0, 4, (n, width)), dtype=torch.uint8)


def close(a, b):
    torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_order_of_the_neighbours_does_not_matter():
    model, x = made(n_neighbours=4), around()
    close(model(x), model(x[:, torch.randperm(8)]))


def test_empty_places_count_for_nothing():
    model, x = made(n_neighbours=4), around()
    empty = x.clone()
    empty[:, :3] = 0
    few = empty[:, 3:]
    close(model(empty), model(few))
    wild = empty.clone()
    wild[:, :3, 2] = 1e4
    close(model(wild), model(empty))


def test_without_any_neighbour_there_still_is_an_answer():
    model = made(n_neighbours=4)
    raw = model(torch.zeros(3, 8, 3))
    assert torch.isfinite(raw).all()
    close(raw, raw[:1].expand(3, -1))


def test_every_fact_of_a_neighbour_is_heard():
    model, x = made(n_neighbours=4), around()
    for column, factor in ((0, 0.0), (1, 3.0), (2, -2.0)):
        other = x.clone()
        other[..., column] *= factor
        assert not torch.allclose(model(other), model(x), atol=1e-4)


def test_both_strands_of_the_sequence_give_the_same_answer():
    model, x = made(n_neighbours=0, window=40), codes()
    other = torch.tensor([3, 2, 1, 0], dtype=torch.uint8)[x.flip(1).long()]
    close(model(codes=x), model(codes=other))


def test_neighbours_and_sequence_both_count():
    model = made(n_neighbours=4, window=40)
    first = model(around(), codes())
    assert first.shape == (5, 2)
    assert not torch.allclose(first, model(around(seed=1), codes()), atol=1e-4)
    assert not torch.allclose(first, model(around(), codes(seed=1)), atol=1e-4)


def test_a_file_gives_the_same_model_back(tmp_path):
    model = made(n_neighbours=4, window=40, width=16)
    again = gn.models.load(gn.models.save(model, tmp_path / "m.safetensors"))
    assert again.config == model.config
    torch.testing.assert_close(again(around(), codes()), model(around(), codes()))


def test_answers_stay_where_a_likelihood_can_be_computed():
    model = made(n_neighbours=4)
    with torch.no_grad():
        model.head[-1].bias.copy_(torch.tensor([1e6, -1e6]))
    raw = model(around())
    assert torch.isfinite(raw).all()
    assert raw[:, 0].sigmoid().lt(1).all()


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"n_neighbours": 0}, "leave nothing to predict from"),
        ({"window": 5}, "narrower than filter_width=11"),
        ({"width": 30}, "no multiple of n_heads=4"),
        ({"dropout": 2.0}, "dropout=2.0 is out of range"),
        ({"n_layers": 0}, "n_layers=0 is out of range"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings, text):
    with pytest.raises(ValueError, match=text):
        gn.models.MethylationModelConfig(**settings)


def test_a_missing_input_is_named():
    with pytest.raises(ValueError, match="asks for codes"):
        made(n_neighbours=0, window=40)()
    with pytest.raises(ValueError, match="asks for neighbours"):
        made()(codes=codes())
