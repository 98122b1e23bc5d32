"""Scores agree with independent implementations and depend on the ranking alone."""

import importlib.util
import itertools
import logging

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

import grnet as gn

TFS = [f"T{i}" for i in range(4)]
GENES = [*TFS, *(f"G{i}" for i in range(5))]
PAIRS = [(tf, gene) for tf in TFS for gene in GENES if tf != gene]
METRICS = ["auroc", "auprc", "density", "auprc_ratio", "early_precision", "epr", "n_top"]

# few distinct values, so that ties are the rule
weights = st.lists(st.integers(-3, 3), min_size=len(PAIRS), max_size=len(PAIRS))
labels = st.lists(st.booleans(), min_size=len(PAIRS), max_size=len(PAIRS)).filter(any)


def network(values, pairs=PAIRS):
    frame = pd.DataFrame(pairs, columns=["source", "target"]).assign(weight=values)
    return gn.GRN(frame, nodes=pd.DataFrame({"is_tf": [g in TFS for g in GENES]}, index=GENES))


def known(flags):
    return pd.DataFrame(
        [p for p, flag in zip(PAIRS, flags, strict=True) if flag], columns=["source", "target"]
    )


def only(frame):
    return frame.loc[~frame["is_null"]].iloc[0]


@pytest.fixture(scope="module")
def evaluator(real_data):
    path = real_data.parent / "tools" / "evaluate_grn.py"
    if not path.is_file():
        pytest.skip(f"no independent evaluator at {path}")
    spec = importlib.util.spec_from_file_location("evaluate_grn", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.evaluate


def assert_agrees(row, expected):
    renamed = {"candidates": "n_candidates", "tfs": "n_tfs", "genes": "n_genes", "true": "n_true"}
    for theirs, value in expected.items():
        assert row[renamed.get(theirs, theirs)] == pytest.approx(value, abs=1e-9), theirs


@settings(max_examples=60, deadline=None)
@given(weights, labels, st.booleans())
def test_areas_agree_with_sklearn(values, flags, signed):
    truth = known(flags)
    row = only(
        gn.evaluate.score(
            network(values), truth, candidates="all", genes=GENES, signed=signed, nulls=False
        )
    )
    y = np.array(flags)
    s = np.array(values, float) if signed else np.abs(np.array(values, float))
    assert row["auprc"] == pytest.approx(average_precision_score(y, s), abs=1e-12)
    assert row["density"] == pytest.approx(y.mean())
    if not y.all():
        assert row["auroc"] == pytest.approx(roc_auc_score(y, s), abs=1e-12)
    else:
        assert np.isnan(row["auroc"])


@settings(max_examples=60, deadline=None)
@given(
    values=weights,
    flags=labels,
    n_listed=st.integers(1, len(PAIRS)),
    signed=st.booleans(),
    rule=st.sampled_from(["all", "beeline"]),
)
def test_every_figure_agrees_with_the_independent_evaluator(
    evaluator, *, values, flags, n_listed, signed, rule
):
    if all(flags):
        flags = [False, *flags[1:]]
    grn, truth = network(values[:n_listed], PAIRS[:n_listed]), known(flags)
    row = only(
        gn.evaluate.score(
            grn, truth, candidates=rule, tfs=TFS, genes=GENES, signed=signed, nulls=False
        )
    )
    if row["density"] == 1.0:
        return
    expected = evaluator(grn.edges, truth, TFS, GENES, rule, signed)
    if signed:  # there the evaluator counts pairs that are not listed as scored
        expected.pop("scored")
    assert_agrees(row, expected)


@settings(max_examples=30, deadline=None)
@given(weights, labels, st.randoms(use_true_random=False))
def test_neither_order_nor_scale_of_the_edges_matters(values, flags, random):
    order = list(range(len(PAIRS)))
    random.shuffle(order)
    moved = network([np.exp(abs(values[i])) - 1 for i in order], [PAIRS[i] for i in order])
    truth = known(flags)
    first = gn.evaluate.score(network(values), truth, precision_at=[3, 7])
    second = gn.evaluate.score(moved, truth.sample(frac=1, random_state=1), precision_at=[3, 7])
    pd.testing.assert_frame_equal(first, second)


@pytest.mark.parametrize("name", ["string", "nonspecific_chip", "knockdown"])
@pytest.mark.parametrize("rule", ["beeline", "all"])
def test_real_networks_agree_with_the_independent_evaluator(mdc, evaluator, *, name, rule):
    adata, tfs, truths = mdc
    rng = np.random.default_rng(0)
    n = 20_000
    edges = pd.DataFrame(
        {
            "source": rng.choice(tfs, n),
            "target": rng.choice(adata.var_names, n),
            "weight": rng.normal(size=n).round(2),
        }
    ).drop_duplicates(["source", "target"])
    row = only(
        gn.evaluate.score(gn.GRN(edges), truths[name], candidates=rule, tfs=tfs, adata=adata)
    )
    truth = pd.read_csv(truths[name])
    assert_agrees(row, evaluator(edges, truth, tfs, list(adata.var_names), rule))


PUBLISHED = {  # AUROC, AUPRC ratio and EPR of the project's table of peers
    ("string", "|Pearson|"): (0.527, 1.10, 1.46),
    ("string", "mean-expression product"): (0.467, 0.90, 0.81),
    ("nonspecific_chip", "|Pearson|"): (0.476, 0.94, 1.06),
    ("nonspecific_chip", "mean-expression product"): (0.450, 0.85, 0.56),
    ("chip", "|Pearson|"): (0.530, 1.08, 1.24),
    ("chip", "mean-expression product"): (0.526, 1.03, 0.88),
}


@pytest.mark.parametrize(("name", "null"), PUBLISHED)
def test_nulls_reproduce_the_figures_of_the_peers(mdc, name, null):
    adata, _, truths = mdc
    grn = gn.GRN(pd.DataFrame({"source": ["JUN"], "target": ["FOS"], "weight": [1.0]}))
    # the table takes every source of a truth as a TF: two of the ChIP set are in no list of TFs
    table = gn.evaluate.score(grn, truths[name], tfs=adata.var_names, adata=adata)
    row = table.set_index("ranking").loc[null]
    auroc, ratio, epr = PUBLISHED[name, null]
    assert row["auroc"].round(3) == auroc
    assert row["auprc_ratio"].round(2) == ratio
    assert row["epr"].round(2) == epr


def test_early_precision_takes_all_ties_and_no_zero():
    pairs = [("T0", "G0"), ("T0", "G1"), ("T0", "G2"), ("T1", "G0")]
    truth = pd.DataFrame({"source": ["T0", "T0"], "target": ["G0", "G3"]})
    row = only(gn.evaluate.score(network([2, 1, 1, 1], pairs), truth, candidates="all"))
    # the second place is shared by three pairs: four are taken, one is true
    assert row["n_top"] == 4
    assert row["early_precision"] == 0.25
    row = only(gn.evaluate.score(network([2, 0, 0, 0], pairs), truth, candidates="all"))
    assert row["n_top"] == 1
    assert row["early_precision"] == 1.0


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 2), min_size=5, max_size=5), st.integers(0, 30), st.integers(1, 5))
def test_precision_at_k_is_the_mean_over_all_orders_within_ties(values, mask, k):
    genes = list("abcde")
    flags = np.array([bool(mask >> i & 1) for i in range(5)])
    flags[0] |= not flags.any()
    edges = pd.DataFrame({"source": "tf", "target": genes, "weight": values})
    truth = pd.DataFrame({"source": "tf", "target": np.array(genes)[flags]})
    row = only(
        gn.evaluate.score(
            gn.GRN(edges), truth, candidates="all", genes=["tf", *genes], precision_at=[k, 9]
        )
    )
    orders = [
        flags[list(order)][:k].mean()
        for order in itertools.permutations(range(5))
        if all(values[a] >= values[b] for a, b in itertools.pairwise(order))
    ]
    assert row[f"precision_at_{k}"] == pytest.approx(np.mean(orders))
    assert np.isnan(row["precision_at_9"])


def test_a_perfect_network_and_a_constant_one():
    truth = known([i % 5 == 0 for i in range(len(PAIRS))])
    true = set(truth.itertuples(index=False, name=None))
    perfect = only(gn.evaluate.score(network([float(p in true) for p in PAIRS]), truth))
    assert perfect["auroc"] == perfect["auprc"] == perfect["early_precision"] == 1.0
    constant = only(gn.evaluate.score(network([1.0] * len(PAIRS)), truth))
    assert constant["auroc"] == 0.5
    assert constant["auprc_ratio"] == constant["epr"] == pytest.approx(1.0)


def test_contexts_are_scored_each_and_in_union():
    truth = pd.DataFrame({"source": ["T0", "T1"], "target": ["G0", "G1"]})
    one = network([0.9, 0.1], [("T0", "G0"), ("T1", "G2")]).edges.assign(context="x")
    two = network([0.2, -0.8], [("T0", "G0"), ("T1", "G1")]).edges.assign(context="y")
    both = gn.GRN(pd.concat([one, two]), params={"method": "mine"})
    frame = gn.evaluate.score(both, truth, candidates="all", tfs=TFS, genes=GENES, nulls=False)
    assert frame["context"].tolist() == ["x", "y", "(union)"]
    assert set(frame["ranking"]) == {"mine"}
    by_hand = network([0.9, 0.1, 0.8], [("T0", "G0"), ("T1", "G2"), ("T1", "G1")])
    union = only(gn.evaluate.score(by_hand, truth, candidates="all", tfs=TFS, genes=GENES))
    pd.testing.assert_series_equal(frame.iloc[2][METRICS], union[METRICS], check_names=False)
    alone = only(
        gn.evaluate.score(both.filter(context="x"), truth, candidates="all", tfs=TFS, genes=GENES)
    )
    assert frame.iloc[0]["auprc"] == alone["auprc"] < frame.iloc[2]["auprc"]


def test_a_cut_network_is_asked_about_all_its_candidates():
    truth = known([i % 4 == 0 for i in range(len(PAIRS))])
    whole = network(np.arange(1.0, len(PAIRS) + 1))
    cut = only(gn.evaluate.score(whole.top(3), truth, candidates="all"))
    assert cut["n_candidates"] == len(PAIRS)
    assert cut["scored"] == pytest.approx(3 / len(PAIRS))


def test_several_networks_are_scored_side_by_side():
    truth = known([i % 4 == 0 for i in range(len(PAIRS))])
    networks = {"a": network(np.arange(len(PAIRS))), "b": network(np.arange(len(PAIRS))[::-1])}
    frame = gn.evaluate.score(networks, truth, seed=3)
    assert frame["ranking"].tolist() == ["a", "b", "random"]
    assert frame["is_null"].tolist() == [False, False, True]
    again = gn.evaluate.score(networks, truth, seed=3)
    pd.testing.assert_frame_equal(frame, again)
    other = gn.evaluate.score(networks, truth, seed=4)
    assert other.iloc[2]["auroc"] != frame.iloc[2]["auroc"]


def test_each_tf_is_scored_as_if_alone():
    flags = [i % 3 == 0 for i in range(len(PAIRS))]
    values = np.arange(len(PAIRS)) % 5
    frame = gn.evaluate.score_per_tf(network(values), known(flags), candidates="all")
    for row in frame.itertuples():
        mine = [pair[0] == row.tf for pair in PAIRS]
        y, s = np.array(flags)[mine], values[mine]
        assert row.n_true == y.sum()
        assert row.auprc == pytest.approx(average_precision_score(y, s))
        assert row.auroc == pytest.approx(roc_auc_score(y, s))
    assert frame["n_true"].is_monotonic_decreasing


def test_self_edges_count_nowhere():
    truth = known([i % 4 == 0 for i in range(len(PAIRS))])
    values = np.arange(1.0, len(PAIRS) + 1)
    plain = gn.evaluate.score(network(values), truth)
    loops = pd.DataFrame({"source": TFS, "target": TFS, "weight": 1e6})
    looped = gn.GRN(
        pd.concat([network(values).edges.astype({"source": str, "target": str}), loops])
    )
    truth_looped = pd.concat([truth, loops[["source", "target"]]])
    pd.testing.assert_frame_equal(plain, gn.evaluate.score(looped, truth_looped))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (str.lower, "match when case is ignored"),
        (lambda name: f"ENSG00000{ord(name[0]):06d}{name[1]}", "Ensembl ids"),
        (lambda name: f"x{name}", "same species"),
    ],
)
def test_names_that_do_not_match_are_an_error_with_the_fix(change, match):
    truth = known([True] * 5 + [False] * (len(PAIRS) - 5))
    with pytest.raises(ValueError, match=match):
        gn.evaluate.score(network([1] * len(PAIRS)), truth.map(change))


def test_versions_and_reversed_truths_are_recognised():
    grn = gn.GRN(
        pd.DataFrame({"source": ["ENSG000001.1"], "target": ["ENSG000002.4"], "weight": [1.0]})
    )
    truth = pd.DataFrame({"source": ["ENSG000001"], "target": ["ENSG000002"]})
    with pytest.raises(ValueError, match="without the version suffix"):
        gn.evaluate.score(grn, truth)
    backwards = pd.DataFrame({"source": ["G0"], "target": ["T0"]})
    with pytest.raises(ValueError, match="swap its two columns"):
        gn.evaluate.score(network([1] * len(PAIRS)), backwards)


def test_tfs_that_are_not_among_the_genes_are_named_as_the_cause():
    truth, grn = known([True] * 5 + [False] * (len(PAIRS) - 5)), network([1] * len(PAIRS))
    targets = sorted(set(truth["target"]) - set(truth["source"]))
    with pytest.raises(ValueError, match="Some of the TFs are not among the genes: add them"):
        gn.evaluate.score(grn, truth, genes=targets)


def test_wrong_arguments_are_refused():
    truth, grn = known([True] + [False] * (len(PAIRS) - 1)), network([1] * len(PAIRS))
    with pytest.raises(TypeError, match="pass a list"):
        gn.evaluate.score(grn, truth, tfs="T0")
    with pytest.raises(ValueError, match="genes is empty"):
        gn.evaluate.score(grn, truth, genes=[])
    with pytest.raises(ValueError, match="Did you mean 'beeline'"):
        gn.evaluate.score(grn, truth, candidates="beelime")
    with pytest.raises(ValueError, match="start at 1"):
        gn.evaluate.score(grn, truth, precision_at=[0])
    with pytest.raises(ValueError, match="has no edges"):
        gn.evaluate.score(grn.top(0), truth)
    with pytest.raises(ValueError, match="mapping is empty"):
        gn.evaluate.score({}, truth)
    with pytest.raises(ValueError, match="No source of the network 'network' is a candidate"):
        gn.evaluate.score(grn, truth, tfs=["Z"], genes=GENES)


def test_what_is_left_out_is_logged(caplog):
    truth, grn = known([True] + [False] * (len(PAIRS) - 1)), network([1] * len(PAIRS))
    with caplog.at_level(logging.INFO, "grnet"):
        gn.evaluate.score(grn, truth)
    assert "pass adata=" in caplog.text
    with caplog.at_level(logging.WARNING, "grnet"):
        gn.evaluate.score(grn, truth, train=truth)
    assert "1 training edges are true edges too" in caplog.text
    elsewhere = network([1], [("T1", "G4")])
    with caplog.at_level(logging.WARNING, "grnet"):
        gn.evaluate.score(elsewhere, truth)
    assert "No edge of the network 'network' is a candidate pair" in caplog.text


def test_the_matrix_is_left_alone():
    rng = np.random.default_rng(0)
    adata = ad.AnnData(rng.poisson(2.0, (20, len(GENES))).astype(float))
    adata.var_names = GENES
    before = adata.copy()
    truth = known([i % 4 == 0 for i in range(len(PAIRS))])
    gn.evaluate.score(network([1] * len(PAIRS)), truth, adata=adata)
    np.testing.assert_array_equal(adata.X, before.X)
    assert not adata.uns
