"""The scripts of benchmarks/ on slices; the other tools are not needed."""

import sys
from importlib import import_module
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import typer
from typer.testing import CliRunner

import grnet as gn

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)


@pytest.fixture
def dataset():
    """Thirty genes, sparse."""
    from benchmarks import datasets

    return datasets.simulated(datasets.Size(60, 30, 6))


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A folder of results of its own."""
    from benchmarks import _runs, peers

    monkeypatch.setattr(_runs, "RESULTS", tmp_path)
    monkeypatch.setattr(peers, "RESULTS", tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def real_sets(real_data):
    """Every real set, read once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT)
        patch.setenv("GRNET_DATA", str(real_data))
        from benchmarks import datasets

        return {name: datasets.load(name) for name in datasets.SETS}


def test_real_sets_are_complete(real_sets):
    for name, data in real_sets.items():
        x = data.adata.X.data if sp.issparse(data.adata.X) else data.adata.X
        assert np.isfinite(x).all(), name
        for truth, edges in data.truths.items():
            assert edges.isin(set(data.adata.var_names)).all(axis=1).mean() > 0.99, (name, truth)
            assert edges["source"].isin(set(data.tfs)).mean() > 0.6, (name, truth)


def test_ten_pairs_decide(real_sets):
    from benchmarks.datasets import pair

    pairs = {pair(name, truth) for name, data in real_sets.items() for truth in data.truths}
    assert sum(p.counted for p in pairs) == 10
    assert sorted(p.name for p in pairs if not p.counted) == [
        "dream4 multifactorial",
        "hesc_multiome lof_gof",
        "mdc_published chip",
    ]


def test_data_that_are_not_there_are_named(tmp_path, monkeypatch):
    from benchmarks.datasets import load

    monkeypatch.setenv("GRNET_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="set GRNET_DATA"):
        load("mdc")


@pytest.mark.parametrize("sparse", [True, False])
def test_inputs_come_back(dataset, tmp_path, sparse):
    from benchmarks._matrices import load_inputs, save_inputs
    from benchmarks._runs import inputs_of

    if not sparse:
        dataset.adata.X = dataset.adata.X.toarray()
    inputs = inputs_of(dataset)
    save_inputs(tmp_path / "data.npz", inputs)
    back = load_inputs(tmp_path / "data.npz")
    assert sp.issparse(back.x) == sparse
    assert back.fingerprint() == inputs.fingerprint()
    assert list(back.genes[back.tf_places]) == list(dataset.tfs)
    assert [file.name for file in tmp_path.iterdir()] == ["data.npz"]


def test_grnet_worker_infers_what_grnet_infers(dataset, results):
    from benchmarks._matrices import load_network
    from benchmarks._runs import Run, write_inputs

    network = results / "network.npz"
    run = Run("benchmarks._grnet_worker", "ridge", write_inputs("toy", dataset), network=network)
    facts = run.start(results / "facts.json")
    expected = gn.infer.network(dataset.adata, tfs=dataset.tfs, method="ridge")
    edges = expected.edges
    scores, genes, tfs = load_network(network)
    found = scores[
        pd.Index(tfs).get_indexer(pd.Index(edges["source"])),
        pd.Index(genes).get_indexer(pd.Index(edges["target"])),
    ]
    np.testing.assert_allclose(found, edges["weight"].abs(), rtol=1e-5)
    assert facts["edges"] == len(edges) == np.count_nonzero(scores)
    assert 0 < facts["seconds"] < 60
    assert facts["peak_mb"] >= facts["loaded_mb"] * 0.9 > 50


@pytest.mark.usefixtures("results")
def test_peer_worker_is_used_from_the_cache_until_the_data_change(dataset):
    from benchmarks import peers

    peers.infer("pearson", "toy", dataset, python=Path(sys.executable), processes=1)
    grn = peers.cached("pearson", "toy", dataset)
    expected = gn.infer.network(dataset.adata, tfs=dataset.tfs, method="pearson", n_top=None)
    merged = grn.edges.astype({"source": str, "target": str}).merge(
        expected.edges.astype({"source": str, "target": str}), on=["source", "target"]
    )
    assert len(merged) == len(grn) == len(expected)
    np.testing.assert_allclose(merged["weight_x"], merged["weight_y"].abs(), atol=1e-5)
    dataset.adata.X.data[0] += 1
    assert peers.cached("pearson", "toy", dataset) is None


def test_a_worker_that_fails_says_so(dataset, results, capfd):
    from benchmarks._runs import Run, RunError, write_inputs

    run = Run("benchmarks._peer_worker", "astrology", write_inputs("toy", dataset))
    with pytest.raises(RunError, match="astrology ended with status 2"):
        run.start(results / "facts.json")
    assert "invalid choice" in capfd.readouterr().err


def test_peak_memory_is_seen():
    from benchmarks._cost import cost

    made = cost(lambda: int(np.ones(2**25).sum()))
    assert made.result == 2**25
    assert made.peak_mb - made.loaded_mb > 200


def _scores(values):
    """A benchmark frame of AUPRC ratios by (ranking, dataset)."""
    from benchmarks.datasets import pair

    rows = [
        {"ranking": ranking, "dataset": name, "auprc_ratio": value, "epr": value, "auroc": 0.5}
        for (ranking, name), value in values.items()
    ]
    frame = pd.DataFrame(rows).assign(is_null=lambda f: f["ranking"].str.startswith("|"))
    pairs = [pair(name, "gold") for name in frame["dataset"]]
    return frame.assign(pair=[p.name for p in pairs], counted=[p.counted for p in pairs])


def test_families_are_averaged_and_incomplete_ones_left_empty():
    from benchmarks.accuracy import averaged

    values = dict.fromkeys(product(["boost", "|Pearson|"], ["dream4_1", "dream4_2"]), 1.0)
    values |= {("boost", "dream4_2"): 4.0, ("GRNBoost2", "dream4_1"): 9.0}
    values |= {("boost", "dream4_multifactorial_1"): 7.0}
    means = averaged(_scores(values))
    ratio = means.tables["auprc_ratio"]
    assert means.counted == ["dream4"]
    assert ratio.loc["boost", "dream4"] == 2.5
    assert np.isnan(ratio.loc["GRNBoost2", "dream4"])
    assert ratio.loc["boost", "dream4 multifactorial"] == 7.0
    assert ratio.index[-1] == "|Pearson|"


def test_verdicts_name_what_was_lost():
    from benchmarks.accuracy import averaged, verdicts

    values = dict.fromkeys(product(["consensus", "boost"], ["mdc", "bsubtilis"]), 2.0)
    values |= {("GRNBoost2", "mdc"): 1.0, ("GRNBoost2", "bsubtilis"): 3.0}
    values |= {("|Pearson|", "mdc"): 0.5, ("|Pearson|", "bsubtilis"): 0.5}
    text = "\n".join(verdicts(averaged(_scores(values))))
    assert "not measured on every pair: GENIE3" in text
    assert "reaches the floor on 1 of 2 pairs; not on bsubtilis (2.000 < 3.000)" in text
    assert "AUPRC ratio 2.000 against 2.000 of GRNBoost2" in text


def test_speed_is_a_ratio_of_medians_with_what_was_asked_beside_it():
    from benchmarks.speed import demands, scenes, summary

    seconds = {"GRNBoost2": [100.0, 110.0, 900.0], "boost": [1.0, 1.1, 2.0]}
    rows = [
        {"contender": name, "tool": "peer" if name == "GRNBoost2" else "grnet"}
        | {"seconds": value, "peak_mb": 300.0, "loaded_mb": 100.0}
        for name, values in seconds.items()
        for value in values
    ]
    table = summary(pd.DataFrame(rows))
    assert table.loc["boost", "GRNBoost2 / this, time"] == pytest.approx(100.0)
    assert table.loc["boost", "of it added MB"] == 200.0
    lines = list(demands(table, scenes(1)["mdc"]))
    assert lines == ["boost: 100.0 x GRNBoost2 in time (asked: 50)."]


def test_a_failed_contender_leaves_the_others():
    from benchmarks.speed import summary

    rows = [
        {"contender": "GENIE3", "tool": "peer", "error": "killed"},
        {"contender": "boost", "tool": "grnet", "seconds": 1.0, "peak_mb": 3.0, "loaded_mb": 1.0},
    ]
    table = summary(pd.DataFrame(rows))
    assert table.loc["boost", "seconds"] == 1.0
    assert np.isnan(table.loc["boost", "GENIE3 / this, time"])


def test_shuffled_genes_keep_their_values_and_lose_their_cells():
    from benchmarks import fdr

    intact, half = (fdr.drawn("simulated", share, seed=1) for share in (0.0, 0.5))
    assert len(half.shuffled) == 20
    assert not intact.shuffled
    np.testing.assert_allclose(np.sort(half.adata.X, axis=0), np.sort(intact.adata.X, axis=0))
    changed = (half.adata.X != intact.adata.X).any(axis=0)
    assert set(half.adata.var_names[changed]) == half.shuffled


@pytest.mark.filterwarnings("ignore:No edge passes")
def test_one_run_at_the_highest_level_holds_all_levels():
    from benchmarks import fdr

    trial = fdr.drawn("simulated", 0.5, seed=0)
    rows = list(fdr.discoveries(trial, "pearson", levels=[0.05, 0.2], seed=0))
    alone = gn.infer.network(trial.adata, tfs=trial.tfs, method="pearson", fdr=0.05, seed=0)
    assert rows[0]["edges"] == len(alone)
    assert rows[1]["edges"] >= rows[0]["edges"]
    assert rows[1]["edges"] > 0


def test_differential_auprc_is_one_where_the_planted_edges_come_first():
    from benchmarks.contexts import _differential

    truth = [("A", "X", "type1"), ("A", "Y", "type1"), ("A", "Y", "type2"), ("A", "Y", "type3")]
    truth = pd.DataFrame([*truth, ("B", "Y", "type3")], columns=["source", "target", "context"])
    rows = [("A", "X", "type1", 0.9), ("A", "Y", "type2", 0.1), ("B", "Y", "type3", -0.5)]
    found = pd.DataFrame(rows, columns=["source", "target", "context", "difference"])
    assert _differential(found, truth, n=10) == 1.0
    elsewhere = found.assign(context=["type2", "type2", "type3"])
    # found second, and with the 28 that have no score
    assert _differential(elsewhere, truth, n=10) == pytest.approx(0.5 * 1 / 2 + 0.5 * 2 / 30)
    assert _differential(found.iloc[:2], truth, n=10) == pytest.approx(0.5 + 0.5 * 2 / 30)


def test_contexts_are_scored_beside_the_pooled_networks(monkeypatch):
    from benchmarks import contexts
    from benchmarks.datasets import Size

    monkeypatch.setattr(contexts, "SIZE", Size(240, 40, 6))
    scene = contexts.Scene(depth=5.0, small=30)
    adata = contexts.simulated(scene, seed=0)
    assert adata.obs["cell_type"].value_counts().to_dict() == {
        "type1": 80,
        "type2": 80,
        "type3": 30,
    }
    rows = []
    for seed in range(2):
        scored = contexts.scored(contexts.simulated(scene, seed), names=("shared_ridge", "ridge"))
        rows += list(scored)
    table = contexts.summary(pd.DataFrame(rows))
    assert list(table.index) == ["shared_ridge", "ridge", *contexts.POOLED]
    assert table.loc["ridge", "lead in networks"].count("±") == 1
    frame = pd.DataFrame(rows).groupby("method")[["networks", "differential"]].mean()
    assert frame.loc["shared_ridge", "networks"] > frame.loc["ridge", "networks"]
    assert np.isnan(frame.loc["ridge, all cells", "differential"])


@pytest.mark.needs_data
def test_windows_of_a_cycle_are_ranked_and_signed(real_data, monkeypatch):
    from benchmarks.contexts import along_pseudotime

    monkeypatch.setenv("GRNET_DATA", str(real_data))
    rows = pd.DataFrame(along_pseudotime("dyn-CY_500_0", n_windows=3)).set_index("ranking")
    assert len(rows) == 8
    assert rows.loc["ridge, all cells", "signs_right"] == 1.0
    assert (rows["auprc_ratio"] > 1.2).all()


def test_levels_hold_only_with_evidence():
    from benchmarks.fdr import summary

    frame = pd.DataFrame({"method": "ridge", "level": 0.05, "shuffled": 1.0, "seed": range(60)})
    for false, verdict in ((2, "yes"), (5, "within error"), (20, "no")):
        fdp = (frame["seed"] < false).astype(float)
        table = summary(frame.assign(fdp=fdp, edges=fdp))
        assert table["level holds"].item() == verdict


def test_method_table_gets_columns_and_keeps_the_others(tmp_path):
    from benchmarks._tables import update_method_table

    path = tmp_path / "methods.csv"
    path.write_text("method,auprc_ratio,epr,seconds\nridge,,,3.0\n")
    accuracy = pd.DataFrame({"auprc_ratio": [2.0, 3.0], "epr": 1.0}, index=["ridge", "boost"])
    update_method_table(accuracy.rename_axis("method"), path=path)
    seconds = pd.DataFrame({"seconds": [9.0]}, index=pd.Index(["boost"], name="method"))
    update_method_table(seconds, path=path)
    table = pd.read_csv(path, index_col="method")
    assert list(table.index) == ["boost", "ridge"]
    assert table["seconds"].tolist() == [9.0, 3.0]
    assert table["auprc_ratio"].tolist() == [3.0, 2.0]


def test_unknown_names_are_answered_with_the_choices():
    from benchmarks._tables import choose

    assert choose(" b,a ", "abc", "letter") == ["b", "a"]
    assert choose(None, "abc", "letter") == ["a", "b", "c"]
    with pytest.raises(typer.BadParameter, match=r"Unknown letter z: choose of a, b, c\."):
        choose("a,z", "abc", "letter")


def test_markdown_escapes_bars_and_leaves_missing_numbers_empty():
    from benchmarks._tables import markdown

    frame = pd.DataFrame({"x": [1234.567, np.nan]}, index=pd.Index(["|r|", "b"], name="name"))
    assert markdown(frame).splitlines() == [
        "| name | x |",
        "| --- | --- |",
        r"| \|r\| | 1,234.57 |",
        "| b |  |",
    ]


@pytest.mark.parametrize(
    "script", ["accuracy", "speed", "fdr", "peers", "contexts", "readouts", "members", "joint"]
)
def test_scripts_explain_themselves(script):
    app = typer.Typer()
    app.command()(import_module(f"benchmarks.{script}").main)
    made = CliRunner().invoke(app, ["--help"])
    assert made.exit_code == 0
    assert "Usage" in made.output
