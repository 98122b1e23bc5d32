"""The transformer of chromatin states: windows, gaps, and outputs that are what they say."""

import numpy as np
import pytest
import torch

import grnet as gn
from grnet.models._chromatin_windows import centred

M, WINDOW = 3, 16


@pytest.fixture
def model():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = gn.models.ChromatinTransformerConfig(
            n_marks=M, n_states=4, window=WINDOW, width=16, n_heads=2, n_layers=1
        )
        made = gn.models.ChromatinTransformer(config).eval()
        torch.nn.init.normal_(made.near_states.weight, std=0.3)
        torch.nn.init.normal_(made.near_marks.weight, std=0.3)
    return made


@pytest.fixture
def values():
    return np.random.default_rng(0).integers(0, 3, (77, M)).astype(np.uint8)


@pytest.mark.parametrize("lengths", [[77], [1, 76], [30, 47]])
def test_windows_lay_every_bin_out_once(values, lengths):
    windows = centred(values, np.array(lengths), window=WINDOW)
    inner = windows.distinct[windows.which][:, windows.side : WINDOW - windows.side]
    np.testing.assert_array_equal(inner.reshape(-1, M)[windows.kept], values)


def test_equal_windows_are_computed_once():
    windows = centred(np.zeros((4000, M), np.uint8), np.array([4000]), window=WINDOW)
    assert len(windows.distinct) == 3  # both ends and all between


def test_chromosomes_do_not_touch(model, values):
    whole = model.posterior(values, [30, 47])
    np.testing.assert_allclose(whole[:30], model.posterior(values[:30]), atol=1e-6)
    np.testing.assert_allclose(whole[30:], model.posterior(values[30:]), atol=1e-6)
    np.testing.assert_allclose(whole.sum(axis=1), 1, atol=1e-5)


def test_places_are_alike(model, values):
    shift = WINDOW // 2
    moved = np.concatenate([np.full((shift, M), 2, np.uint8), values])
    np.testing.assert_allclose(
        model.posterior(moved)[shift:], model.posterior(values), rtol=1e-4, atol=1e-6
    )


def test_imputation_keeps_what_is_known_and_never_sees_what_is_not(model, values):
    filled = model.impute(values)
    known = values != 2
    np.testing.assert_array_equal(filled[known], values[known])
    assert ((filled[~known] > 0) & (filled[~known] < 1)).all()


def test_states_of_a_bin_weigh_its_own_marks(model, values):
    prior = model._over(values, None, "prior", device="cpu")
    emissions = model.emissions.numpy()
    each = np.where(values[:, None] == 1, emissions, 1 - emissions)
    own = np.where(values[:, None] == 2, 1.0, each).prod(axis=2)
    expected = prior * own / (prior * own).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.posterior(values), expected, rtol=1e-3, atol=1e-5)


def test_imputation_by_states_is_the_mean_of_their_emissions(model, values):
    expected = model._over(values, None, "prior", device="cpu") @ model.emissions.numpy()
    hidden = values == 2
    by_states = model.impute(values, by="states")
    np.testing.assert_allclose(by_states[hidden], expected[hidden], rtol=1e-5)
    assert not np.allclose(model.impute(values)[hidden], by_states[hidden])


def test_states_have_no_order(model, values):
    posterior, filled = model.posterior(values), model.impute(values, by="states")
    emissions = model.emissions.numpy()
    model.reorder([3, 1, 0, 2])
    np.testing.assert_allclose(model.posterior(values), posterior[:, [3, 1, 0, 2]], atol=1e-6)
    np.testing.assert_array_equal(model.emissions.numpy(), emissions[[3, 1, 0, 2]])
    np.testing.assert_allclose(model.impute(values, by="states"), filled, atol=1e-6)


def test_file_round_trip_and_mode_left_as_found(model, values, tmp_path):
    again = gn.models.load(gn.models.save(model, tmp_path / "states.safetensors"))
    np.testing.assert_array_equal(again.posterior(values), model.posterior(values))
    model.train()
    model.posterior(values)
    assert model.training


def test_gradients_reach_every_weight(model, values):
    out = model(torch.from_numpy(values[None, :WINDOW]))
    loss = torch.logsumexp(out.states + model.emission_logits.sum(1), -1).sum() + out.marks.sum()
    loss.backward()
    assert [name for name, p in model.named_parameters() if not p.grad.abs().sum() > 0] == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": 30}, "expected a window that 4 divides"),
        ({"stem_width": 4}, "an odd stem_width"),
        ({"width": 30}, "a width that n_heads divides"),
        ({"n_states": 0}, "n_states=0 is out of range"),
    ],
)
def test_refuses_settings_that_do_not_fit(options, message):
    with pytest.raises(ValueError, match=message):
        gn.models.ChromatinTransformerConfig(n_marks=M, **options)


def test_refuses_windows_of_another_size(model):
    with pytest.raises(ValueError, match=r"\(2, 8, 3\): expected \(N, 16, 3\)"):
        model(torch.zeros(2, 8, M, dtype=torch.uint8))
    with pytest.raises(ValueError, match=r"expected \(bins, 3\)"):
        model.posterior(np.zeros((5, 4), np.uint8))
    with pytest.raises(ValueError, match="Unknown by 'state'"):
        model.impute(np.zeros((5, M), np.uint8), by="state")
