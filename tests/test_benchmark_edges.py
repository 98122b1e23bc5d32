"""The scripts that measure calibration and scale of edge models, on slices."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)


def test_calibration_is_scored_split_by_split_and_drawn(tmp_path, monkeypatch, capsys):
    from benchmarks import calibration

    monkeypatch.setattr(calibration, "RESULTS", tmp_path)
    rng = np.random.default_rng(0)
    parts = []
    for seed in range(3):
        truth = rng.random(500)
        label = (rng.random(500) < truth).astype(int)
        parts += [
            pd.DataFrame({"probability": p, "label": label}).assign(seed=seed, model=model)
            for model, p in (("one, plain", truth**4), ("one, temperature", truth))
        ]
    said = pd.concat(parts, ignore_index=True).assign(set="toy", regime="edge")
    table = calibration.figures(said)
    assert table["model"].value_counts().tolist() == [3, 3]
    by_model = table.groupby("model")["calibration_error"]
    assert by_model.mean()["one, plain"] > 0.2
    assert by_model.mean()["one, temperature"] < 0.07
    assert table.groupby("seed")["auroc"].nunique().tolist() == [1, 1, 1]
    calibration.draw(said, "toy set")
    assert (tmp_path / "reliability_toy_set.png").stat().st_size > 5_000
    calibration.report(table, "toy")
    assert "| one, plain | 0." in capsys.readouterr().out


def test_every_model_of_a_split_is_calibrated_on_a_real_run(monkeypatch):
    import grnet as gn
    from benchmarks import calibration
    from benchmarks._known_edges import KnownEdges

    adata = gn.datasets.simulate(n_cells=60, n_genes=60, n_tfs=8, seed=0)
    tfs = [str(name) for name in adata.var_names[adata.var["is_tf"]]]
    toy = KnownEdges(adata=adata, tfs=tfs, known=adata.uns["grnet_truth"])
    monkeypatch.setattr(calibration, "SETS", {"toy": lambda: toy})
    said = calibration.run_set("toy", regime="target", seeds=1, members=1)
    sizes = said.groupby("model", sort=False).size()
    assert list(sizes.index) == [
        *(f"one, {kind}" for kind in calibration.KINDS),
        calibration.ENSEMBLE,
    ]
    assert len(set(sizes)) == 1
    assert said["probability"].between(0, 1).all()
    assert said.groupby("model")["probability"].nunique().min() > 2


def test_the_large_graph_has_its_rule_in_what_lies_between_and_not_in_genes():
    from benchmarks._scale_worker import Size, simulated

    data, known = simulated(Size(tfs=80, genes=400, peaks=900, binds=60))
    sizes = {kind: data[kind].num_nodes for kind in data.node_types}
    assert sizes == {"tf": 80, "gene": 400, "peak": 900}
    back = data["peak", "rev_binds", "tf"].edge_index.flip(0)
    assert torch.equal(back, data["tf", "binds", "peak"].edge_index)
    assert not known.duplicated().any()
    # what a gene hears through its peaks is the features of its TFs
    mean_of_peak = mean_heard(data["tf"].x, data["tf", "binds", "peak"].edge_index, 900)
    heard = mean_heard(mean_of_peak, data["peak", "near", "gene"].edge_index, 400)
    tf = pd.Index(data["tf"].name).get_indexer(known["source"])
    gene = pd.Index(data["gene"].name).get_indexer(known["target"])
    rng = np.random.default_rng(0)
    shares = []
    for x in (heard - heard.mean(0), data["gene"].x):
        own = (data["tf"].x[tf] * x[gene]).sum(1)
        other = (data["tf"].x[tf] * x[rng.permutation(gene)]).sum(1)
        shares.append(float((own > other).float().mean()))
    assert shares[0] > 0.7
    assert abs(shares[1] - 0.5) < 0.06


def mean_heard(x, edges, n):
    total = torch.zeros(n, x.shape[1]).index_add(0, edges[1], x[edges[0]])
    return total / edges[1].bincount(minlength=n).clamp(min=1)[:, None]


def test_a_worker_of_scale_says_what_it_cost():
    from benchmarks._scale_worker import Size, run

    size = Size(tfs=60, genes=200, peaks=300, binds=20)
    facts = run(size, kind="sage", epochs=1, device="cpu", neighbours=3)
    assert facts["nodes"] == 560
    assert facts["peak GB"] >= facts["before GB"] * 0.9 > 0.05
    assert 0 <= facts["AUROC"] <= 1
    assert facts["epochs"] == 1
