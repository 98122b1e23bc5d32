"""The benchmark of known edges: its sets, its splits, and what it says of a table."""

import numpy as np
import pandas as pd
import pytest
import torch

import grnet as gn


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    from pathlib import Path

    monkeypatch.syspath_prepend(Path(__file__).resolve().parents[1])


def test_published_label_rates_reach_what_they_are_known_to_reach(real_data):  # noqa: ARG001
    from benchmarks.supervised import label_rates

    for name, auroc, precision in (
        ("GENELink hESC", 0.885, 0.615), ("GENELink mESC", 0.923, 0.855),
    ):  # fmt: skip
        found = label_rates(name).loc["sum"]
        assert found["AUROC"] == pytest.approx(auroc, abs=0.001)
        assert found["AP"] == pytest.approx(precision, abs=0.001)


def test_chromosomes_are_held_out_in_turn_and_never_twice():
    from benchmarks._known_edges import KnownEdges

    adata = gn.datasets.simulate(n_cells=20, n_genes=60, n_tfs=5)
    of_gene = pd.Series([f"chr{i % 12}" for i in range(60)], index=adata.var_names)
    data = KnownEdges(
        adata=adata, tfs=[], known=adata.uns["grnet_truth"], chromosomes=of_gene
    )  # fmt: skip
    held = data.held_chromosomes()
    tested = [name for part in held for name in part["test"]]
    assert sorted(tested) == sorted(set(of_gene))
    assert all(part["validation"] for part in held)
    assert not any(set(part["validation"]) & set(part["test"]) for part in held)


def test_the_ensemble_stands_where_its_intervals_say():
    from benchmarks.supervised import ENSEMBLE, standing

    rows = [
        ("target", "uniform", seed, name, name not in (ENSEMBLE, "GENELink", "sage"), value + noise)
        for seed, noise in enumerate((0.0, 0.01, -0.01, 0.02, -0.02))
        for name, value in (
            (ENSEMBLE, 0.80), ("sage", 0.95), ("GENELink", 0.79), ("prior", 0.6), ("rate", 0.7),
        )
    ]  # fmt: skip
    columns = ["regime", "negatives", "seed", "ranking", "is_null", "auroc"]
    found = standing(pd.DataFrame(rows, columns=columns)).loc[("target", "uniform")]
    assert found["best other"] == "GENELink"
    assert found["difference"] == pytest.approx(0.01)
    assert found["apart"] == "prior, rate"


def test_the_overview_has_a_row_for_each_test_and_leaves_empty_what_did_not_run():
    from benchmarks.supervised import ENSEMBLE, overview

    rows = [
        ("toy", "target", kind, seed, name, name != ENSEMBLE, value + seed / 100, value / 2)
        for seed in range(3)
        for kind, names in (("uniform", {ENSEMBLE: 0.8, "prior": 0.6}), ("degree", {"prior": 0.5}))
        for name, value in names.items()
    ]
    columns = ["set", "regime", "negatives", "seed", "ranking", "is_null", "auroc", "auprc"]
    found = overview(pd.DataFrame(rows, columns=columns))
    assert found.index.tolist() == [("toy", "target", "uniform"), ("toy", "target", "degree")]
    assert found[ENSEMBLE].tolist() == ["0.810 ± 0.025 (0.400)", ""]
    assert found["prior"].str.endswith("(0.300)").tolist() == [True, False]
    assert found["less the best other"].tolist() == ["+0.200 (0.200 to 0.200), prior", ""]
    assert found["apart from"].tolist() == ["all", ""]
    assert (found["GENELink"] == "").all()


def test_genelink_leaves_out_only_genes_that_nobody_hears():
    from benchmarks._genelink import GENELink

    generator = torch.Generator().manual_seed(0)
    known = torch.stack(
        [torch.randint(0, 6, (80,), generator=generator), torch.randint(0, 40, (80,))]
    )
    model = GENELink(9, known).eval()
    x, pairs = torch.randn(40, 9), torch.tensor([[0, 3, 7], [20, 5, 39]])
    h = torch.nn.functional.elu(model.first(x, known))
    h = torch.nn.functional.elu(model.second(h, known))
    whole = (model.of_tf(h)[pairs[0]] * model.of_target(h)[pairs[1]]).sum(1)
    torch.testing.assert_close(model(x, pairs), whole)


def test_genelink_learns_and_members_are_trained_once(monkeypatch):
    from benchmarks import _genelink
    from benchmarks._known_edges import KnownEdges
    from benchmarks.supervised import ENSEMBLE, Members

    adata = gn.datasets.simulate(n_cells=60, n_genes=50, n_tfs=6, seed=2)
    gn.pp.normalize(adata)
    known = adata.uns["grnet_truth"][["source", "target"]]
    data = KnownEdges(adata=adata, tfs=sorted(set(known["source"])), known=known)
    split = gn.train.split_edges(known, tfs=data.tfs, genes=list(adata.var_names))
    monkeypatch.setattr(_genelink, "SETTINGS", gn.train.FitSettings(max_epochs=3))
    scores = _genelink.genelink(split, adata)
    assert scores.shape == (len(split.test),)
    assert np.std(scores) > 0
    trained = []
    fit = gn.train.fit_pair_trees
    monkeypatch.setattr(
        gn.train, "fit_pair_trees",
        lambda graph, part: trained.append(part) or fit(graph, part, n_trees=5),
    )  # fmt: skip
    methods = Members(data).scorers()
    for name in ("trees", "sage", ENSEMBLE):
        assert methods[name](split, adata).shape == (len(split.test),)
    assert len(trained) == 1


def test_chromosomes_are_a_regime_with_a_split_for_each_turn():
    from benchmarks._known_edges import KnownEdges
    from benchmarks.supervised import run_regime

    adata = gn.datasets.simulate(n_cells=60, n_genes=80, n_tfs=6, seed=2)
    gn.pp.normalize(adata)
    of_gene = pd.Series([f"chr{i % 10}" for i in range(80)], index=adata.var_names)
    known = adata.uns["grnet_truth"][["source", "target"]]
    tfs = sorted(set(known["source"]))
    data = KnownEdges(adata=adata, tfs=tfs, known=known, chromosomes=of_gene)
    asked = []

    def method(split, _):
        asked.append(set(of_gene[split.test["target"]]))
        return np.arange(len(split.test))

    table = run_regime(data, {"by place": method}, regime="chromosome", seeds=2)
    assert set(table["seed"]) == {0, 1}
    held = [set(part["test"]) for part in data.held_chromosomes()]
    # uniform and degree-matched negatives of each turn
    assert [chromosomes <= held[i // 2] for i, chromosomes in enumerate(asked)] == [True] * 4


def test_tables_of_saved_rows_keep_their_order(tmp_path, capsys):
    from benchmarks.supervised import ENSEMBLE, main

    rows = [
        ("toy", regime, "uniform", seed, name, name == "rate", auroc, 1.0)
        for regime in ("target", "edge", "both")
        for seed in range(3)
        for name, auroc in (("rate", 0.6 + seed / 100), (ENSEMBLE, 0.8 + seed / 100))
        if (regime, name) != ("both", ENSEMBLE)
    ]
    columns = ["set", "regime", "negatives", "seed", "ranking", "is_null", "auroc", "seconds"]
    table = pd.DataFrame(rows, columns=columns)
    table = table.assign(auprc=table["auroc"], auroc_within_tf=table["auroc"])
    table.to_csv(tmp_path / "rows.csv", index=False)
    main(report=str(tmp_path / "rows.csv"))
    shown = capsys.readouterr().out
    assert "| regime, negatives | rate | ensemble |" in shown
    assert shown.index("| target, uniform | 0.610") < shown.index("| edge, uniform | 0.610")
    assert "0.810 ± 0.025" in shown
    overview = shown[shown.index("### All") :]
    assert [f"| toy | {regime} | uniform |" in overview for regime in ("target", "both")] == [
        True
    ] * 2


def test_the_control_keeps_degrees_and_draws_partners_anew():
    from benchmarks.known_network import drawn_anew

    rng = np.random.default_rng(1)
    ends = [rng.choice(n, 600, p=np.arange(n, 0, -1) / (n * (n + 1) / 2)) for n in (40, 400)]
    names = [[f"{kind}{i}" for i in at] for kind, at in zip(("tf", "gene"), ends, strict=True)]
    known = pd.DataFrame({"source": names[0], "target": names[1]}).drop_duplicates()
    control = drawn_anew(known, seed=0)
    assert not control.duplicated().any()
    assert (control["source"] != control["target"]).all()
    for end in ("source", "target"):
        before, after = (edges[end].value_counts() for edges in (known, control))
        assert (before - after.reindex(before.index, fill_value=0)).abs().sum() <= 0.03 * len(known)
    assert len(control.merge(known)) < 0.2 * len(known)
