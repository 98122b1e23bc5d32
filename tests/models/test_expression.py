"""The expression transformer: no gene sees itself, attention is one, sensitivity a derivative."""

import numpy as np
import pytest
import torch

import grnet as gn

OWN = (0, 1, 2, 3, -1, -1, -1)
"""Four regulators that are genes, three genes that are none; the last regulator is no gene."""
N_REGULATORS = 5


def made(*, seed=0, **settings):
    """A model whose every weight counts: those that start at zero are drawn too."""
    torch.manual_seed(seed)
    config = gn.models.ExpressionTransformerConfig(own=OWN, n_regulators=N_REGULATORS, **settings)
    model = gn.models.ExpressionTransformer(config).double().eval()
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.5)
    return model


def values(n=6, seed=1):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(n, N_REGULATORS)))


def altered(x, regulator):
    other = x.clone()
    other[:, regulator] += torch.linspace(-9, 9, len(x), dtype=x.dtype)
    return other


@pytest.mark.parametrize("regulator", range(4))
def test_a_regulator_is_not_predicted_from_its_own_value(regulator):
    model, x = made(), values()
    before, after = model(x), model(altered(x, regulator))
    assert torch.equal(before[:, regulator], after[:, regulator])
    moved = (before != after).all(dim=0)
    assert moved.tolist() == [gene != regulator for gene in range(len(OWN))]
    read = model.read_out(x)
    assert (read.attention[:, regulator, regulator] == 0).all()
    assert (read.sensitivity[:, regulator, regulator] == 0).all()


def test_a_hidden_regulator_is_seen_by_no_gene():
    model, x = made(), values()
    hidden = torch.tensor([False, True, False, True, False])
    before = model(x, None, hidden)
    assert torch.equal(before, model(altered(altered(x, 1), 3), None, hidden))
    assert not torch.equal(before, model(altered(x, 0), None, hidden))
    nothing = model(x, None, torch.ones(N_REGULATORS, dtype=torch.bool))
    torch.testing.assert_close(nothing, nothing[:1].expand_as(nothing))


def test_hiding_is_taking_away():
    """A model without the regulator at all says the same."""
    model, x = made(), values()
    smaller = gn.models.ExpressionTransformer(
        gn.models.ExpressionTransformerConfig(own=(0, 1, -1, 2, -1, -1, -1), n_regulators=4)
    ).double()
    kept = [0, 1, 3, 4, 5]
    weights = dict(model.state_dict())
    for name in ("regulator", "value"):
        weights[name] = weights[name][kept]
    weights["pair"] = weights["pair"][..., kept]
    smaller.load_state_dict(weights)
    hidden = torch.arange(N_REGULATORS) == 2
    torch.testing.assert_close(smaller(x[:, [0, 1, 3, 4]]), model(x, None, hidden))


def test_some_genes_are_asked_in_any_order():
    model, x = made(), values()
    asked = torch.tensor([5, 0, 3])
    torch.testing.assert_close(model(x, asked), model(x)[:, asked])


@pytest.mark.parametrize("n_heads", [1, 4])
def test_attention_sums_to_one_and_is_that_of_the_textbook(n_heads):
    model, x = made(n_heads=n_heads), values()
    attention = model.read_out(x).attention
    assert attention.shape == (len(x), len(OWN), N_REGULATORS + 1)
    assert (attention >= 0).all()
    torch.testing.assert_close(attention.sum(-1), torch.ones(len(x), len(OWN)).double())
    # cell by cell and gene by gene: softmax of query times key, the bias of the pair and salience
    per_head = model.config.width // n_heads
    for cell, gene in [(0, 0), (3, 5)]:
        v = torch.cat([x[cell], x.new_zeros(1)])
        heads = []
        for head in range(n_heads):
            part = slice(head * per_head, (head + 1) * per_head)
            key = (model.regulator @ model.key.weight.T)[:, part]
            query = (model.query.weight @ model.gene[gene])[part]
            logits = key @ query / per_head**0.5 + 5 * model.pair[head, gene]
            logits = logits + 8 * torch.tanh((model.value @ model.salience.weight[head]) * v / 8)
            if OWN[gene] >= 0:
                logits[OWN[gene]] = -torch.inf
            heads.append(logits.softmax(0))
        torch.testing.assert_close(attention[cell, gene], torch.stack(heads).mean(0))


def test_sensitivity_is_the_derivative():
    model, x = made(), values()
    read = model.read_out(x).sensitivity
    step = 1e-6
    for regulator in range(N_REGULATORS):
        shift = torch.zeros(N_REGULATORS).double()
        shift[regulator] = step
        numeric = (model(x + shift) - model(x - shift)) / (2 * step)
        torch.testing.assert_close(read[..., regulator], numeric, atol=1e-6, rtol=1e-5)
    assert all(weight.grad is None for weight in model.parameters())


def test_the_order_of_regulators_does_not_matter():
    model, x = made(), values()
    order = torch.tensor([3, 0, 4, 1, 2])
    place = order.argsort().tolist()
    own = tuple(place[k] if k >= 0 else -1 for k in OWN)
    config = gn.models.ExpressionTransformerConfig(own=own, n_regulators=N_REGULATORS)
    other = gn.models.ExpressionTransformer(config).double()
    tokens = torch.cat([order, torch.tensor([N_REGULATORS])])
    weights = dict(model.state_dict())
    for name in ("regulator", "value"):
        weights[name] = weights[name][tokens]
    weights["pair"] = weights["pair"][..., tokens]
    other.load_state_dict(weights)
    torch.testing.assert_close(other(x[:, order]), model(x))


def test_it_comes_back_from_a_file(tmp_path):
    model, x = made(width=16, n_heads=2), values()
    gn.models.save(model, tmp_path / "model.safetensors")
    again = gn.models.load(tmp_path / "model.safetensors")
    assert again.config == model.config
    torch.testing.assert_close(again.double()(x), model(x))
    assert (again.read_out(x).attention[:, 2, 2] == 0).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"own": (0, 2), "n_regulators": 2}, "2 genes and holds '2': expected"),
        ({"own": (), "n_regulators": 2}, "0 genes"),
        ({"own": (0,), "n_regulators": 1, "width": 31}, "width=31, n_heads=2"),
        ({"own": (0,), "n_regulators": 0}, "n_regulators=0 is out of range"),
    ],
)
def test_wrong_settings_are_told(settings, message):
    with pytest.raises(ValueError, match=message):
        gn.models.ExpressionTransformerConfig(**settings)


def test_values_of_other_regulators_are_refused():
    with pytest.raises(ValueError, match=r"\(2, 3\): expected \(cells, 5\)"):
        made()(torch.zeros(2, 3).double())
