"""Trained models beside every null: the table says when they know nothing."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

import grnet as gn
from grnet.evaluate._pair_nulls import GeneTable

NULLS = {
    "label rate of TF",
    "label rate of target",
    "label rates, sum",
    "label rates, product",
    "|Pearson|",
    "boosted pairs",
}


@pytest.fixture(scope="module")
def simulated():
    adata = gn.datasets.simulate(n_cells=300, n_genes=150, n_tfs=15, seed=3)
    gn.pp.normalize(adata)
    return adata, adata.var_names[adata.var["is_tf"]], adata.uns["grnet_truth"]


def oracle_of(truth):
    edges = set(zip(truth["source"], truth["target"], strict=True))

    def oracle(split, _):
        test = split.test
        found = [pair in edges for pair in zip(test["source"], test["target"], strict=True)]
        return np.array(found, dtype=float)

    return oracle


def noise(split, _):
    return np.random.default_rng(split.test["target"].size).random(len(split.test))


def test_an_oracle_is_above_every_null_and_noise_is_not(simulated):
    adata, tfs, truth = simulated
    table = gn.evaluate.supervised_benchmark(
        {"oracle": oracle_of(truth), "noise": noise}, adata, truth, tfs=tfs,
        regimes=["target", "tf"], negatives=["uniform"], seeds=3,
    )  # fmt: skip
    assert set(table.loc[table["is_null"], "ranking"]) == NULLS
    assert (table.loc[table["ranking"] == "oracle", "auroc"] == 1).all()
    verdicts = gn.evaluate.supervised_verdicts(table)
    assert verdicts["verdict"].str.startswith("oracle knows more than").all()
    without = gn.evaluate.supervised_verdicts(table[table["ranking"] != "oracle"])
    assert not without["verdict"].str.contains("knows more than").any()
    assert (without["low"] <= without["difference"]).all()


def test_label_rates_are_those_of_the_audit(simulated):
    adata, tfs, truth = simulated
    table = gn.evaluate.supervised_benchmark(
        {}, adata, truth, tfs=tfs, regimes=["edge"], negatives=["uniform"], seeds=1
    )
    split = gn.train.split_edges(
        truth, tfs=tfs, genes=adata.var_names, regime="edge", n_negatives=5, seed=0
    )
    found = table.set_index("ranking")["auroc"]
    audit = split.audit().loc["test"]
    for name, column in (
        ("label rate of TF", "auroc_tf_rate"),
        ("label rate of target", "auroc_target_rate"),
        ("label rates, sum", "auroc_rates"),
    ):
        assert found[name] == pytest.approx(audit[column])
    assert found["|Pearson|"] > 0.55


def test_a_perfect_prior_is_a_perfect_null(simulated):
    adata, tfs, truth = simulated
    table = gn.evaluate.supervised_benchmark(
        {}, adata, truth, tfs=tfs, prior=truth[["source", "target"]],
        regimes=["both"], negatives=["uniform"], seeds=1,
    )  # fmt: skip
    found = table.set_index("ranking")["auroc"]
    assert found["prior"] == 1
    assert found["boosted pairs"] > 0.95


def test_methods_do_not_see_the_test_labels(simulated):
    adata, tfs, truth = simulated

    def curious(split, _):
        assert "label" not in split.test
        return np.zeros(len(split.test))

    gn.evaluate.supervised_benchmark(
        {"curious": curious}, adata, truth, tfs=tfs, regimes=["tf"], negatives=["degree"], seeds=1
    )


def test_wrong_scores_and_tables_are_told(simulated):
    adata, tfs, truth = simulated
    how = {"tfs": tfs, "regimes": ["tf"], "negatives": ["uniform"], "seeds": 1}
    with pytest.raises(ValueError, match=r"short returned 3 finite scores of shape \(3,\)"):
        gn.evaluate.supervised_benchmark({"short": lambda *_: np.zeros(3)}, adata, truth, **how)
    nan = {"nan": lambda split, _: np.full(len(split.test), np.nan)}
    with pytest.raises(ValueError, match="nan returned 0 finite scores"):
        gn.evaluate.supervised_benchmark(nan, adata, truth, **how)
    nulls = pd.DataFrame({"is_null": [True]})
    with pytest.raises(ValueError, match="nulls only"):
        gn.evaluate.supervised_verdicts(nulls)


def test_correlations_are_exact_in_blocks_and_sparse(simulated, monkeypatch):
    adata, tfs, truth = simulated
    pairs = pd.concat(
        [truth[["source", "target"]], pd.DataFrame({"source": ["?"], "target": tfs[:1]})]
    )
    names = pd.Index(sorted({*adata.var_names, "?"}))
    dense = adata.X.toarray() if sp.issparse(adata.X) else np.asarray(adata.X)
    expected = np.corrcoef(dense.T.astype(float))
    at = [adata.var_names.get_indexer(truth[end]) for end in ("source", "target")]
    monkeypatch.setattr("grnet.evaluate.nulls.BLOCK_VALUES", 5_000)
    monkeypatch.setattr("grnet.evaluate._pair_nulls.BLOCK_VALUES", 5_000)
    for x in (dense, sp.csr_matrix(dense)):
        table = GeneTable(ad.AnnData(x, var=adata.var, obs=adata.obs), names)
        found = table.correlation(pairs)
        np.testing.assert_allclose(found[:-1], expected[at[0], at[1]], atol=1e-6)
        assert found[-1] == 0
        assert np.isfinite(table.features(pairs, None)).all()


def test_names_of_nulls_and_empty_questions_are_refused():
    adata = gn.datasets.simulate(n_cells=40, n_genes=60, n_tfs=8)
    tfs, known = adata.var_names[adata.var["is_tf"]], adata.uns["grnet_truth"]

    def run(methods=None, **options):
        return gn.evaluate.supervised_benchmark(
            methods or {}, adata, known, tfs=tfs, **{"regimes": ["target"], "seeds": 1, **options}
        )

    with pytest.raises(ValueError, match="'prior': nulls have these names"):
        run({"prior": lambda split, _: np.zeros(len(split.test))})
    for option in ("seeds", "n_negatives"):
        with pytest.raises(ValueError, match=f"{option}=0 is out of range"):
            run(**{option: 0})
    missing = known[["source", "target"]].assign(weight=np.nan)
    with pytest.raises(ValueError, match="the prior"):
        run(prior=missing)


def test_no_method_sees_what_another_did_to_the_split():
    adata = gn.datasets.simulate(n_cells=40, n_genes=60, n_tfs=8)
    tfs, known = adata.var_names[adata.var["is_tf"]], adata.uns["grnet_truth"]
    seen = []

    def careless(split, _):
        seen.append(split.train["label"].mean())
        split.train["label"] = 0
        return np.zeros(len(split.test))

    table = gn.evaluate.supervised_benchmark(
        {"one": careless, "two": careless, "row order": lambda s, _: -np.arange(len(s.test))},
        adata, known, tfs=tfs, regimes=["target"], negatives=["uniform"], seeds=1,
    )  # fmt: skip
    assert seen[0] == seen[1] > 0
    assert table.set_index("ranking").loc["row order", "auroc"] < 0.7
