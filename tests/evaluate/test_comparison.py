"""The benchmark runs functions, measures them, and sums up."""

import subprocess
import sys
import time

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import grnet as gn
from grnet.evaluate._cost import measure

GENES = [f"g{i:02d}" for i in range(20)]
TFS = GENES[:5]


def correlation(adata, tfs):
    r = np.corrcoef(adata.X.T)
    frame = pd.DataFrame(r, adata.var_names, adata.var_names).loc[tfs]
    edges = frame.rename_axis("source").melt(
        var_name="target", value_name="weight", ignore_index=False
    )
    edges = edges.reset_index()
    return gn.GRN(edges[edges["source"] != edges["target"]])


def backwards(adata, tfs):
    edges = correlation(adata, tfs).edges
    return gn.GRN(edges.assign(weight=1 - edges["weight"].abs()))


def failing(adata, tfs):
    message = f"cannot digest {adata.n_vars} genes of {len(tfs)} TFs"
    raise RuntimeError(message)


@pytest.fixture(scope="module")
def datasets():
    made = {}
    for seed, name in enumerate(["first", "second"]):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(200, 20))
        truth = pd.DataFrame(
            {"source": rng.choice(TFS, 15), "target": rng.choice(GENES[5:], 15, replace=False)}
        )
        for source, target in truth.itertuples(index=False):
            x[:, GENES.index(target)] += x[:, GENES.index(source)]
        adata = ad.AnnData(x, var=pd.DataFrame(index=GENES))
        truths = {"whole": truth, "half": truth[::2]}
        made[name] = gn.evaluate.Dataset(adata, [*TFS, "unmeasured"], truths)
    return made


@pytest.fixture(scope="module")
def frame(datasets):
    return gn.evaluate.benchmark({"back": backwards, "corr": correlation}, datasets)


def test_there_is_a_row_per_method_null_and_truth(frame):
    nulls = ["random", "TF variance", "mean-expression product", "|Pearson|"]
    tests = frame.groupby(["dataset", "truth"], sort=False)["ranking"].agg(list)
    assert tests.index.tolist() == [
        ("first", "whole"), ("first", "half"), ("second", "whole"), ("second", "half"),
    ]  # fmt: skip
    assert all(rankings == ["back", "corr", *nulls] for rankings in tests)
    assert frame["error"].isna().all()
    methods = frame[~frame["is_null"]]
    assert (methods["seconds"] > 0).all()
    assert (methods["peak_mb"] >= 0).all()
    assert frame.loc[frame["is_null"], ["seconds", "peak_mb"]].isna().all(axis=None)


def test_rows_are_those_of_score(frame, datasets):
    data = datasets["second"]
    expected = gn.evaluate.score(
        correlation(data.adata, data.tfs), data.truths["half"], tfs=data.tfs, adata=data.adata
    )
    found = frame[(frame["dataset"] == "second") & (frame["truth"] == "half")]
    found = found[found["ranking"] != "back"].reset_index(drop=True)
    columns = expected.columns.drop("ranking")
    pd.testing.assert_frame_equal(found[columns], expected[columns], check_dtype=False)


def test_planted_edges_make_the_planted_winner(frame):
    summary = gn.evaluate.ranking_summary(frame).set_index("ranking")
    assert summary.loc["corr", "wins"] == summary.loc["corr", "n_tests"] == 4
    assert summary.loc["back", "wins"] == 0
    assert summary.loc["corr", "mean_rank"] == 1
    assert summary.loc["back", ["mean_rank", "beats_nulls"]].tolist() == [2, 0]
    # |Pearson| is one of the nulls: the correlation ties with it
    assert summary.loc["corr", "beats_nulls"] == 0
    assert summary.loc["corr", "epr"] == pytest.approx(summary.loc["|Pearson|", "epr"])
    one = frame[frame["ranking"] == "corr"]
    assert summary.loc["corr", "auprc_ratio"] == pytest.approx(one["auprc_ratio"].mean())


def test_the_summary_can_go_by_any_score(frame):
    summary = gn.evaluate.ranking_summary(frame, by="early_precision")
    assert summary["early_precision"].is_monotonic_decreasing
    with pytest.raises(ValueError, match="lacks the column"):
        gn.evaluate.ranking_summary(frame, by="f1")


def test_a_failure_stops_or_is_recorded(datasets):
    with pytest.raises(RuntimeError, match="cannot digest 20 genes of 5 TFs") as caught:
        gn.evaluate.benchmark({"bad": failing}, datasets)
    assert caught.value.__notes__ == ["while running 'bad' on the data set 'first'"]
    frame = gn.evaluate.benchmark(
        {"bad": failing, "corr": correlation}, datasets, on_error="record"
    )
    bad = frame[frame["ranking"] == "bad"]
    assert len(bad) == 4
    assert bad["auroc"].isna().all()
    assert bad["error"].eq("RuntimeError: cannot digest 20 genes of 5 TFs").all()
    summary = gn.evaluate.ranking_summary(frame).set_index("ranking")
    assert summary.loc["bad", ["failed", "wins", "mean_rank"]].tolist() == [4, 0, 2]
    assert summary.loc["corr", "failed"] == 0


def test_truths_are_checked_before_any_method_runs(datasets):
    ran = []
    data = datasets["first"]
    wrong = gn.evaluate.Dataset(
        data.adata, TFS, {"it": pd.DataFrame({"source": ["G00"], "target": ["G07"]})}
    )
    with pytest.raises(ValueError, match="case is ignored"):
        gn.evaluate.benchmark({"m": lambda *_: ran.append(1)}, {"a": data, "b": wrong})
    assert not ran


def test_wrong_arguments_are_refused(datasets):
    with pytest.raises(ValueError, match="Nothing to run: 0 methods on 2 data sets"):
        gn.evaluate.benchmark({}, datasets)
    with pytest.raises(TypeError, match="returned list: expected a GRN"):
        gn.evaluate.benchmark({"m": lambda *_: []}, datasets)
    adata = datasets["first"].adata
    with pytest.raises(ValueError, match="None of the 1 TFs is a gene"):
        gn.evaluate.Dataset(adata, ["X"], {"t": pd.DataFrame()})
    with pytest.raises(ValueError, match="at least one truth"):
        gn.evaluate.Dataset(adata, TFS, {})
    with pytest.raises(TypeError, match="one string"):
        gn.evaluate.Dataset(adata, "g00", {"t": pd.DataFrame()})


def test_memory_and_time_are_measured():
    def allocate():
        block = np.ones(2**24)  # 128 MB
        time.sleep(0.1)
        return block.sum()

    made = measure(allocate)
    assert made.result == 2**24
    assert made.seconds >= 0.1
    assert 100 < made.peak_mb < 400


def test_memory_of_child_processes_is_counted():
    code = "import time; block = bytearray(b'x') * (200 * 2**20); time.sleep(0.5)"
    made = measure(lambda: subprocess.run([sys.executable, "-c", code], check=True))
    assert made.peak_mb > 150
