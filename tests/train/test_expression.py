"""Pre-training on expression: it learns what is planted, resumes, and keeps sparse data sparse."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
import torch

import grnet as gn
from grnet.train._batches import RepeatedSampler

OWN = np.array([0, 1, 2, -1, -1, -1])
QUICK = gn.train.FitSettings(
    max_epochs=6, batch_size=32, learning_rate=1e-2, precision="float32", device="cpu"
)


def planted(n=240, *, seed=0, zeros=0.0):
    """Six genes of which the first three regulate: gene 3 follows regulator 0, gene 4 opposes 1."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(n, 6))
    matrix[:, 3] = 0.3 * matrix[:, 3] + matrix[:, 0]
    matrix[:, 4] = 0.3 * matrix[:, 4] - matrix[:, 1]
    matrix = np.maximum(matrix + 4, 0)
    matrix[rng.random(matrix.shape) < zeros] = 0.0
    return matrix.astype(np.float32)


def data_of(matrix):
    return gn.train.ExpressionData(matrix[:, :3], matrix, OWN)


def test_a_planted_relation_is_learnt_on_held_out_cells():
    done = gn.train.pretrain_expression(data_of(planted()), settings=QUICK)
    assert done.metrics["r2"] > 0.15
    other = data_of(planted(seed=9)).batch(np.arange(200))
    with torch.no_grad():
        errors = (done.model(other["x"]) - other["y"]).square().mean(0)
    assert (errors[3:5] < 0.5).all()
    # the others have nothing to be predicted from
    assert (errors[[0, 1, 2, 5]] > 0.3).all()
    means = done.model.read_out(other["x"]).sensitivity.mean(0)
    assert means[3].abs().argmax() == 0
    assert means[3, 0] > 0.5
    assert means[4, 1] < -0.5


def test_noise_is_not_explained():
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(240, 6)).astype(np.float32)
    done = gn.train.pretrain_expression(data_of(matrix), settings=QUICK)
    assert done.metrics["r2"] < 0.1


def test_batches_are_standardised_and_sparse_equals_dense():
    matrix = planted(zeros=0.6)
    matrix[:, 5] = 2.0
    dense = data_of(matrix)
    rows = np.array([3, 100, 7])
    batch = dense.batch(rows)
    expected = (matrix - matrix.mean(0)) / np.where(matrix.std(0) > 0, matrix.std(0), np.inf)
    np.testing.assert_allclose(batch["y"].numpy(), expected[rows], atol=1e-5)
    for kind in (sp.csr_matrix, sp.csc_matrix):
        sparse = gn.train.ExpressionData(matrix[:, :3], kind(matrix), OWN)
        assert sp.issparse(sparse.genes)
        np.testing.assert_allclose(sparse.batch(rows)["y"], batch["y"], atol=1e-12)
        some = sparse.batch(rows, np.array([4, 1]))
        np.testing.assert_allclose(some["y"], batch["y"][:, [4, 1]], atol=1e-12)


def test_a_rare_gene_is_clipped():
    matrix = planted()
    matrix[:, 5] = 0
    matrix[3, 5] = 1
    batch = data_of(matrix).batch(np.arange(5))
    assert float(batch["y"][3, 5]) == 5.0


def test_hidden_genes_are_those_that_are_asked():
    """In training a regulator that is asked hides from everyone, one that is none hides by chance.

    The model is asked with values of hidden regulators changed: the loss does not move.
    """
    objective = gn.train.MaskedExpressionObjective(0.5)
    config = gn.models.ExpressionTransformerConfig(own=(0, 1, 2, -1, -1, -1), n_regulators=4)
    torch.manual_seed(0)
    model = gn.models.ExpressionTransformer(config).double()
    torch.nn.init.normal_(model.pair)
    chances = []
    for seed in range(40):
        torch.manual_seed(seed)
        asked, hidden = objective._drawn(model)
        assert len(asked) == 3
        owned = model.own[asked]
        assert set(owned[owned >= 0].tolist()) == set(torch.nonzero(hidden[:3])[:, 0].tolist())
        chances.append(bool(hidden[3]))
        x = torch.from_numpy(np.random.default_rng(seed).normal(size=(4, 4)))
        other = x.clone()
        other[:, hidden] = 7.0
        assert torch.equal(model(x, asked, hidden), model(other, asked, hidden))
    assert 5 < sum(chances) < 35


def test_a_killed_run_goes_on_and_ends_the_same(tmp_path):
    data, short = data_of(planted()), replace(QUICK, max_epochs=3)
    whole = gn.train.pretrain_expression(data, settings=short)

    class KilledError(RuntimeError):
        pass

    class Dying(gn.train.ExpressionData):
        asked = 0

        def batch(self, cells, genes=None):
            type(self).asked += 1
            if type(self).asked > 40:
                raise KilledError
            return super().batch(cells, genes)

    with pytest.raises(KilledError):
        gn.train.pretrain_expression(
            Dying(data.regulators, data.genes, OWN), settings=short, folder=tmp_path
        )
    resumed = gn.train.pretrain_expression(data, settings=short, folder=tmp_path)
    assert resumed.metrics == whole.metrics
    for name, weight in whole.model.state_dict().items():
        assert torch.equal(weight, resumed.model.state_dict()[name]), name


def test_the_callers_random_state_is_left_alone_and_the_seed_counts():
    data = data_of(planted(80))
    before = torch.get_rng_state()
    one = replace(QUICK, max_epochs=1)
    fits = [
        gn.train.pretrain_expression(data, settings=one, seed=seed).metrics for seed in (1, 1, 2)
    ]
    assert torch.equal(torch.get_rng_state(), before)
    assert fits[0] == fits[1] != fits[2]


def test_the_sampler_draws_whole_orders():
    sampler = RepeatedSampler(5, n_drawn=12, seed=0)
    first = list(sampler)
    assert len(first) == len(sampler) == 12
    assert sorted(first[:5]) == sorted(first[5:10]) == [0, 1, 2, 3, 4]
    sampler.set_epoch(1)
    assert list(sampler) != first


def test_wrong_input_is_told():
    matrix = planted(20)
    with pytest.raises(ValueError, match=r"do not fit: expected \(cells, regulators\)"):
        gn.train.ExpressionData(matrix[:5, :3], matrix, OWN)
    with pytest.raises(ValueError, match="4 cells are too few"):
        gn.train.pretrain_expression(data_of(matrix[:4]))
    with pytest.raises(ValueError, match="mask_rate=1"):
        gn.train.pretrain_expression(data_of(matrix), mask_rate=1)
    other = gn.models.ExpressionTransformerConfig(own=(0, 1), n_regulators=2)
    with pytest.raises(ValueError, match="2 genes and 2 regulators, the data of 6 and 3"):
        gn.train.pretrain_expression(data_of(matrix), other)
    with pytest.raises(TypeError, match="Linear predicts no expression"):
        gn.train.MaskedExpressionObjective().answer(torch.nn.Linear(1, 1), {})
