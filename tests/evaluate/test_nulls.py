"""Nulls are what their names say, whatever the storage of the matrix."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.metrics import average_precision_score, roc_auc_score

from grnet.evaluate import nulls
from grnet.evaluate._candidates import Universe, candidate_pairs

GENES = pd.Index([f"g{i}" for i in range(12)])
TFS = GENES[:5]
TRUTH = pd.DataFrame({"source": ["g0", "g1", "g3"], "target": ["g7", "g2", "g0"]})


@pytest.fixture
def pairs():
    return candidate_pairs(TRUTH, Universe(TFS, GENES), rule="all")


@pytest.fixture
def expression():
    x = np.random.default_rng(0).poisson(1.5, (40, 12)).astype(np.float64)
    x[:, 4] = 0.3  # a constant that its mean misses by rounding
    return ad.AnnData(x, var=pd.DataFrame(index=GENES))


def made(pairs, **options):
    return {name: matrix.copy() for name, matrix in nulls.null_scores(pairs, **options)}


def test_expression_nulls_agree_with_numpy(pairs, expression):
    found = made(pairs, adata=expression)
    x = expression.X
    with np.errstate(invalid="ignore", divide="ignore"):
        pearson = np.abs(np.corrcoef(x.T))[:5]
    pearson[4] = 0
    pearson[:, 4] = 0
    np.testing.assert_allclose(found[nulls.PEARSON], pearson, atol=1e-9)
    np.testing.assert_allclose(found[nulls.MEAN_PRODUCT], np.outer(x.mean(0)[:5], x.mean(0)))
    np.testing.assert_allclose(
        found[nulls.TF_VARIANCE], np.repeat(x.var(0)[:5, None], 12, axis=1), atol=1e-12
    )


@pytest.mark.parametrize("store", [sp.csr_matrix, sp.csc_matrix, sp.csr_array, np.float32])
def test_storage_and_block_size_do_not_matter(pairs, expression, *, store, monkeypatch):
    expected = made(pairs, adata=expression)
    stored = ad.AnnData(store(expression.X), var=expression.var)
    monkeypatch.setattr(nulls, "BLOCK_VALUES", 7 * len(GENES))
    found = made(pairs, adata=stored)
    for name, matrix in expected.items():
        np.testing.assert_allclose(found[name], matrix, atol=1e-6, err_msg=name)


def test_symmetric_correlations_tie_exactly(pairs):
    x = np.random.default_rng(1).normal(size=(333, 12))
    found = made(pairs, adata=ad.AnnData(x, var=pd.DataFrame(index=GENES)))[nulls.PEARSON]
    np.testing.assert_array_equal(found[:, :5], found[:, :5].T)


def test_genes_that_are_not_measured_score_zero(pairs, expression):
    found = made(pairs, adata=expression[:, GENES[3:]].copy())
    for name in (nulls.TF_VARIANCE, nulls.MEAN_PRODUCT, nulls.PEARSON):
        assert not found[name][:3].any()
        assert not found[name][:, :3].any()
        assert found[name][3, 5] > 0


def test_label_nulls_count_the_training_edges(pairs):
    train = pd.DataFrame({"source": ["g0", "g0", "g1"], "target": ["g5", "g6", "g5"]})
    found = made(pairs, train=train)
    degree = found[nulls.DEGREE_PRODUCT]
    assert degree[0, 5] == 4
    assert degree[1, 6] == 1
    assert degree.sum() == 3 * 3
    rates = found[nulls.LABEL_RATES]
    assert ((rates > 0) & (rates < 1)).all()
    assert rates[0, 5] > rates[0, 6] > rates[1, 6] > rates[1, 7] > rates[2, 7]
    assert rates[2, 7] == rates[3, 8]


def test_label_rates_add_up_as_log_odds(pairs):
    train = pd.DataFrame(
        {"source": list(TFS) * 6, "target": np.repeat(GENES[5:11], 5), "label": [1, 0, 1, 0, 0] * 6}
    )
    rates = made(pairs, train=train)[nulls.LABEL_RATES]
    # every target has the overall rate .4, so that only the TF tells: (6 + .8) / (6 + 2)
    np.testing.assert_allclose(rates[0], 6.8 / 8)
    np.testing.assert_allclose(rates[1], 0.8 / 8)


@pytest.mark.parametrize(
    ("split", "auroc", "precision"), [("hESC_500", 0.885, 0.615), ("mESC_500", 0.923, 0.855)]
)
def test_label_rates_of_the_standard_split_are_as_strong_as_published_models(
    real_data, *, split, auroc, precision
):
    folder = real_data / "grn" / "genelink_splits" / split
    train, test = (pd.read_csv(folder / f"{part}_set.csv.gz") for part in ("Train", "Test"))
    names = pd.concat([train, test])
    known = Universe(
        pd.Index(sorted(names["TF"].astype(str).unique())),
        pd.Index(sorted({*names["TF"].astype(str), *names["Target"].astype(str)})),
    )
    pairs = candidate_pairs(test, known, rule="all")
    rates = made(pairs, train=train)[nulls.LABEL_RATES]
    scores = rates[
        pairs.tfs.get_indexer(test["TF"].astype(str)),
        pairs.genes.get_indexer(test["Target"].astype(str)),
    ]
    assert roc_auc_score(test["Label"], scores) == pytest.approx(auroc, abs=1e-3)
    assert average_precision_score(test["Label"], scores) == pytest.approx(precision, abs=1e-3)


def test_matrices_that_cannot_serve_are_refused(pairs, expression):
    with pytest.raises(ValueError, match=r"adata\.X is empty"):
        made(pairs, adata=ad.AnnData(var=expression.var))
    other = expression.copy()
    other.var_names = [f"x{i}" for i in range(12)]
    with pytest.raises(ValueError, match="None of the 12 candidate genes"):
        made(pairs, adata=other)
    with pytest.raises(ValueError, match="no positive edge"):
        made(pairs, train=TRUTH.assign(label=0))
    expression.X[0, 0] = np.nan
    with pytest.raises(ValueError, match=r"adata\.X holds NaN"):
        made(pairs, adata=expression)
