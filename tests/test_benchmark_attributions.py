"""The script that measures attributions, on a few short sequences."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def script(monkeypatch):
    """The script, with little to train on."""
    monkeypatch.syspath_prepend(Path(__file__).resolve().parents[1])
    from benchmarks import attributions

    monkeypatch.setattr(attributions, "LENGTH", 40)
    monkeypatch.setattr(attributions, "N_TRAINING", 60)
    monkeypatch.setattr(attributions, "FEW", 2)
    return attributions


def test_sites_are_planted_where_it_says(script):
    data = script.planted(400, seed=0)
    assert data.places.sum(axis=1).tolist() == (10 * data.labels).tolist()
    site = np.array(["ACGT".index(letter) for letter in script.SITE], dtype=np.uint8)
    sites = data.codes[data.places].reshape(-1, 10)
    same = np.maximum((sites == site).mean(axis=1), (3 - sites[:, ::-1] == site).mean(axis=1))
    assert 0.9 < same.mean() < 0.96


def test_tables_are_made_for_every_method_that_a_model_takes(script, tmp_path, capsys):
    script.main("cnn", 1, sequences=3, epochs=1, out=tmp_path)
    complete, precise, controls = (
        pd.read_csv(tmp_path / f"attributions_{name}.csv")
        for name in ("complete", "precise", "controls")
    )
    methods = set(script.methods_of("cnn"))
    assert set(complete["method"]) == methods
    assert set(precise["method"]) == methods | {"untrained, saliency"}
    assert precise["precision"].between(0, 1).all()
    assert set(controls["method"]) == methods
    assert set(controls["control"]) == {"other shuffles", "random weights", "shuffled labels"}
    assert complete.set_index("method").loc["deeplift_shap", "max %"] < 1
    printed = capsys.readouterr().out
    for title in ("Completeness", "Precision at k", "Agreement with controls"):
        assert title in printed
