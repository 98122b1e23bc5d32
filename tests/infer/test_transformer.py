"""The transformer as a method: its read-outs are what they are said to be."""

import numpy as np
import pytest
import torch

import grnet as gn
from grnet.infer.transformer import masked_expression


def arrays(adata, tfs):
    x = np.ascontiguousarray(adata[:, tfs].X)
    own = np.array([tfs.index(name) if name in tfs else -1 for name in adata.var_names])
    return x, np.ascontiguousarray(adata.X), own


def scored(inputs, **options):
    given = {"rng": np.random.default_rng(0), "device": torch.device("cpu"), "n_epochs": 4}
    return masked_expression(*inputs, **given | options)


@pytest.fixture
def inputs(make_planted, tfs):
    return arrays(make_planted(150), tfs)


def test_the_read_outs_belong_together(inputs):
    x, y, own = inputs
    found = {
        readout: scored(inputs, readout=readout).scores
        for readout in ("sensitivity", "contribution", "attention")
    }
    correlation = np.corrcoef(x.T, y.T)[: x.shape[1], x.shape[1] :]
    np.testing.assert_allclose(
        found["contribution"], found["sensitivity"] * np.abs(correlation), atol=1e-6
    )
    assert (np.sign(found["attention"]) == np.sign(found["sensitivity"])).all()
    attended = np.abs(found["attention"]).sum(axis=0)
    # what is left over went to the blank
    assert ((attended > 0) & (attended < 1)).all()
    for scores in found.values():
        assert (scores[own[own >= 0], np.flatnonzero(own >= 0)] == 0).all()


def test_targets_in_small_blocks_are_the_same(inputs, monkeypatch):
    whole = scored(inputs).scores
    monkeypatch.setattr("grnet.infer.transformer._BLOCK_BYTES", 16 * 1024)
    np.testing.assert_allclose(scored(inputs).scores, whole, atol=1e-7)


def test_what_it_knows_of_held_out_cells_is_told(planted, tfs, caplog):
    rng = np.random.default_rng(0)
    known = gn.infer.network(planted, tfs=tfs, method="transformer", n_epochs=6)
    # six of 66 genes can be told from others
    assert 0.01 < known.params["held_out_r2"] < 0.2
    assert not caplog.records
    planted.X = rng.permuted(planted.X, axis=0)
    noise = gn.infer.network(planted, tfs=tfs, method="transformer", n_epochs=6)
    assert noise.params["held_out_r2"] <= 0
    assert "explains nothing of the cells held out" in caplog.text


def test_a_relation_that_is_no_line_is_predicted(tfs, make_planted):
    """The value's salience lets a regulator be heard where it is high: a line explains less."""
    adata = make_planted(400)
    x, y, own = arrays(adata, tfs)
    column = list(adata.var_names).index("G20")
    y[:, column] = np.maximum(x[:, 0] - x[:, 0].mean(), 0) ** 2 + 0.1 * y[:, column]
    data = gn.train.ExpressionData(x, y, own)
    settings = gn.train.FitSettings(
        max_epochs=12, batch_size=32, learning_rate=1e-2, precision="float32", device="cpu"
    )
    done = gn.train.pretrain_expression(data, settings=settings)
    batch = data.batch(np.arange(400))
    with torch.no_grad():
        predicted = done.model(batch["x"])[:, column]
    truth = batch["y"][:, column]
    left = float((predicted - truth).square().mean())
    line = float(truth.var() * (1 - np.corrcoef(x[:, 0], y[:, column])[0, 1] ** 2))
    assert left < 0.8 * line


def test_unknown_read_out_is_answered_with_the_choices(planted, tfs):
    with pytest.raises(ValueError, match="Did you mean 'attention'"):
        gn.infer.network(planted, tfs=tfs, method="transformer", readout="atention")
