"""Networks per group and along pseudotime, and the edges that differ between them."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch

import grnet as gn
from grnet.infer._contexts import find_contexts


def found(adata, **asked):
    settings = {"groupby": None, "pseudotime": None, "n_windows": 4, "shares": False}
    return find_contexts(adata, **{**settings, **asked})


def weights(grn):
    named = {"source": str, "target": str, "context": str}
    return grn.edges.astype(named).set_index(["source", "target", "context"])["weight"].sort_index()


@pytest.fixture
def timed(planted):
    """TF1 drives G1 early, and late in the opposite direction; times are in no order."""
    rng = np.random.default_rng(3)
    time = rng.permutation(np.linspace(0, 1, planted.n_obs))
    planted.obs["dpt"] = time
    values = planted.to_df()
    sign = np.where(time < 0.5, 1.0, -1.0)
    centred = values["TF1"] - values["TF1"].mean()
    values["G1"] = sign * centred + 0.4 * rng.normal(size=len(time)) + 3
    planted.X = values.to_numpy(dtype=np.float32)
    return planted


@pytest.fixture
def grouped(planted):
    planted.obs["kind"] = np.where(np.arange(planted.n_obs) % 3, "a", "b")
    return planted


SHARING = [name for name, method in gn.infer.METHODS.items() if method.shares_contexts]


def test_the_catalogue_says_which_methods_share():
    assert SHARING == ["shared_ridge"]
    assert gn.infer.methods.loc["shared_ridge", "shares_contexts"]
    assert not gn.infer.methods.loc["ridge", "shares_contexts"]


def test_windows_hold_as_many_cells_each_and_are_named_in_order(timed):
    contexts = found(timed, pseudotime="dpt")
    assert list(contexts.members) == [
        "dpt 1 of 4: 0.00 to 0.25",
        "dpt 2 of 4: 0.25 to 0.50",
        "dpt 3 of 4: 0.50 to 0.75",
        "dpt 4 of 4: 0.75 to 1.00",
    ]
    time = timed.obs["dpt"].to_numpy()
    assert [len(cells) for cells in contexts.members.values()] == [75] * 4
    ends = [(time[cells].min(), time[cells].max()) for cells in contexts.members.values()]
    flat = [end for both in ends for end in both]
    assert flat == sorted(flat)


def test_names_of_many_windows_sort_in_the_order_of_time(timed):
    timed.obs["dpt"] = 1000 * timed.obs["dpt"] - 500
    names = list(found(timed, pseudotime="dpt", n_windows=12).members)
    assert names == sorted(names)
    assert names[0] == "dpt 01 of 12: -500 to -417"


def test_hat_functions_sum_to_one_and_peak_in_the_middle_of_their_window(timed):
    contexts = found(timed, pseudotime="dpt")
    np.testing.assert_allclose(contexts.weights.sum(axis=1), 1.0, atol=1e-6)
    assert ((contexts.weights > 0).sum(axis=1) <= 2).all()
    time = timed.obs["dpt"].to_numpy()
    order = np.argsort(time)
    for i, cells in enumerate(contexts.members.values()):
        peak = time[contexts.weights[:, i] > 0.99]
        assert np.isin(np.flatnonzero(contexts.weights[:, i] > 0.99), cells).all()
        assert len(peak) > 0
    steps = np.abs(np.diff(contexts.weights[order], axis=0))
    assert steps.max() < 0.02, "weights change gradually"


def test_cells_without_a_time_are_left_out(timed):
    timed.obs.loc[timed.obs_names[:20], "dpt"] = [np.nan, np.inf] * 10
    with pytest.warns(UserWarning, match="20 of 300 cells have no finite 'dpt'"):
        grn = gn.infer.network(timed, tfs=["TF1", "TF2"], method="shared_ridge", pseudotime="dpt")
    rest = gn.infer.network(timed[20:], tfs=["TF1", "TF2"], method="shared_ridge", pseudotime="dpt")
    pd.testing.assert_frame_equal(grn.edges, rest.edges)


def test_one_network_per_window_equals_the_networks_of_the_windows(timed, tfs):
    grn = gn.infer.network(timed, tfs=tfs, method="ridge", pseudotime="dpt", n_windows=3)
    assert grn.params["pseudotime"] == "dpt"
    early = timed[timed.obs["dpt"] < 1 / 3]
    alone = gn.infer.network(early, tfs=tfs, method="ridge").edges
    of_window = grn.filter(context="dpt 1 of 3: 0.00 to 0.33").edges.drop(columns="context")
    pd.testing.assert_frame_equal(of_window, alone, check_categorical=False)


@pytest.mark.parametrize("method", ["ridge", "shared_ridge"])
def test_an_edge_that_turns_its_sign_is_seen_in_windows_and_not_in_all_cells(timed, tfs, method):
    settings = {"tfs": tfs, "method": method, "n_top": None}
    grn = gn.infer.network(timed, pseudotime="dpt", **settings)
    first = gn.infer.differential_edges(grn).iloc[0]
    assert (first["source"], first["target"]) == ("TF1", "G1")
    of_edge = weights(grn).loc["TF1", "G1"]
    assert of_edge.iloc[:2].min() - of_edge.iloc[2:].max() > 0.08
    everything = gn.infer.network(timed, **settings).edges
    pair = (everything["source"] == "TF1") & (everything["target"] == "G1")
    assert abs(everything.loc[pair, "weight"].item()) < 0.1


def test_less_penalty_lets_windows_deviate(timed, tfs):
    """Where nearly no edge deviates, one that does is drawn to the others unless told not to."""
    grn = gn.infer.network(
        timed, tfs=tfs, method="shared_ridge", pseudotime="dpt", n_top=None, deviation=0.1
    )
    of_edge = weights(grn).loc["TF1", "G1"]
    assert (of_edge.iloc[:2] > 0.3).all()
    assert (of_edge.iloc[2:] < -0.3).all()


def test_a_method_that_shares_differs_from_its_groups_by_themselves(grouped, tfs):
    grn = gn.infer.network(grouped, tfs=tfs, method="shared_ridge", groupby="kind", n_top=None)
    assert sorted(grn.edges["context"].unique()) == ["a", "b"]
    assert grn.params["candidates"] == 780
    assert grn.params["alpha"] > 0
    assert grn.params["deviation"] > 0
    alone = gn.infer.network(
        grouped[grouped.obs["kind"] == "b"], tfs=tfs, method="shared_ridge", n_top=None
    )
    one = grn.filter(context="b").edges.set_index(["source", "target"])["weight"]
    other = alone.edges.set_index(["source", "target"])["weight"]
    assert np.abs(one - other).max() > 0.01


def test_order_of_cells_and_genes_and_kind_of_matrix_change_nothing(grouped, tfs):
    first = gn.infer.network(grouped, tfs=tfs, method="shared_ridge", groupby="kind")
    rng = np.random.default_rng(0)
    order = rng.permutation(grouped.n_obs), rng.permutation(grouped.n_vars)
    shuffled = grouped[order[0], order[1]].copy()
    shuffled.X = sp.csr_matrix(shuffled.X)
    second = gn.infer.network(shuffled, tfs=tfs[::-1], method="shared_ridge", groupby="kind")
    pd.testing.assert_series_equal(weights(first), weights(second), rtol=0, atol=1e-5)


def test_number_of_threads_changes_nothing_of_what_is_shared(timed, tfs):
    before = torch.get_num_threads()
    try:
        networks = []
        for n_threads in (1, 2):
            torch.set_num_threads(n_threads)
            networks.append(
                gn.infer.network(timed, tfs=tfs, method="shared_ridge", pseudotime="dpt")
            )
    finally:
        torch.set_num_threads(before)
    pd.testing.assert_series_equal(*map(weights, networks), rtol=0, atol=1e-5)


def test_n_top_counts_per_context(grouped, tfs):
    grn = gn.infer.network(grouped, tfs=tfs, method="shared_ridge", groupby="kind", n_top=7)
    assert grn.edges["context"].value_counts().to_dict() == {"a": 7, "b": 7}
    assert grn.params["kept"] == 14


def test_a_small_group_borrows_and_a_tiny_one_is_left_out(planted, tfs):
    planted.obs["kind"] = ["rare"] * 5 + ["tiny"] * 2 + ["common"] * (planted.n_obs - 7)
    with pytest.warns(UserWarning, match="rare|tiny") as told:
        grn = gn.infer.network(planted, tfs=tfs, method="shared_ridge", groupby="kind", n_top=None)
    messages = " ".join(str(warning.message) for warning in told)
    assert "fewer than 3 cells and get no network: 'tiny'" in messages
    assert "fewer than 10 cells: their networks are nearly what all groups have" in messages
    assert sorted(grn.edges["context"].unique()) == ["common", "rare"]
    of_edge = weights(grn).loc["TF1", "G1"]
    assert 0.5 < of_edge["rare"] / of_edge["common"] < 2


def test_prior_stability_and_fdr_hold_in_each_context(grouped, tfs, planted_edges):
    prior = pd.DataFrame({"source": ["TF6"], "target": ["G60"]})
    options = {"tfs": tfs, "method": "shared_ridge", "groupby": "kind"}
    with_prior = gn.infer.network(grouped, prior=prior, n_top=None, **options)
    rank = weights(with_prior).abs().groupby("context").rank(ascending=False)
    assert rank.loc["TF6", "G60"].max() < 60
    stable = gn.infer.network(grouped, n_bootstrap=10, n_top=8, **options)
    shares = stable.edges.set_index(["source", "target", "context"])["stability"]
    for pair in planted_edges:
        assert shares.loc[(*pair, "a")] == 1.0
    significant = gn.infer.network(grouped, fdr=0.05, **options)
    kept = significant.edges.set_index(["source", "target"]).groupby("context", observed=True)
    for _, edges in kept:
        assert set(planted_edges) <= set(edges.index)
        assert len(edges) < 14


@pytest.mark.filterwarnings("ignore:No edge")
def test_false_discoveries_in_data_without_any_edge():
    """Groups differ in their means, as real ones do; nothing is associated within them."""
    n_found = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        kind = np.repeat(["a", "b", "c"], [100, 60, 20])
        means = pd.DataFrame(rng.normal(size=(3, 26)), index=["a", "b", "c"]).loc[kind].to_numpy()
        counts = rng.poisson(np.exp(0.5 * means)).astype(np.float32)
        adata = gn.datasets.simulate(n_cells=180, n_genes=26, n_tfs=6)
        adata.X = np.log1p(counts)
        adata.obs["kind"] = kind
        tfs = [f"TF{i}" for i in range(1, 7)]
        options = {"method": "shared_ridge", "groupby": "kind", "fdr": 0.1, "seed": seed}
        grn = gn.infer.network(adata, tfs=tfs, **options)
        n_found.append(grn.edges["context"].nunique() if len(grn) else 0)
    assert np.mean(n_found) / 3 < 0.25, "at a stated rate of 0.1"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"groupby": "kind", "pseudotime": "dpt"}, "two ways to split the cells: choose one"),
        ({"pseudotime": "dtp"}, r"column of adata.obs \(pseudotime\) 'dtp'.*'dpt'"),
        ({"pseudotime": "kind"}, "pseudotime is a number for each cell.*groupby="),
        ({"pseudotime": "dpt", "n_windows": 1}, "n_windows=1 is out of range: expected 2 to 30"),
        ({"pseudotime": "day"}, r"The 3 different values of 'day' do not make 4 windows"),
    ],
)
def test_contexts_that_cannot_be_made(timed, tfs, asked, message):
    timed.obs["kind"] = "a"
    timed.obs["day"] = np.repeat([0.0, 1.0, 2.0], 100)
    with pytest.raises(ValueError, match=message):
        gn.infer.network(timed, tfs=tfs, method="pearson", **asked)


def test_contexts_travel_in_files(timed, tfs, tmp_path):
    grn = gn.infer.network(timed, tfs=tfs, method="shared_ridge", pseudotime="dpt", n_top=20)
    gn.io.write_network(grn, tmp_path / "net.tsv")
    back = gn.io.read_network(tmp_path / "net.tsv")
    pd.testing.assert_series_equal(weights(back), weights(grn), rtol=1e-6)


def differing():
    edges = [
        ("A", "X", 0.9, "one"),
        ("A", "X", 0.1, "two"),
        ("A", "X", 0.2, "three"),
        ("A", "Y", 0.5, "one"),
        ("A", "Y", 0.5, "two"),
        ("A", "Y", 0.5, "three"),
        ("B", "X", -0.4, "two"),
        ("B", "X", 0.3, "three"),
    ]
    return gn.GRN(pd.DataFrame(edges, columns=["source", "target", "weight", "context"]))


def test_differential_edges_of_known_weights():
    table = gn.infer.differential_edges(differing()).set_index(["source", "target"])
    assert table.index.tolist() == [("A", "X"), ("B", "X"), ("A", "Y")]
    first = table.loc[("A", "X")]
    assert first["context"] == "one"
    assert first["others"] == pytest.approx(0.15)
    assert first["difference"] == pytest.approx(0.75)
    assert first["spread"] == pytest.approx(0.8)
    assert not first["changes_sign"]
    turned = table.loc[("B", "X")]
    assert turned["context"] == "two"
    assert turned["others"] == pytest.approx(0.15), "absent in one context: 0 there"
    assert turned["changes_sign"]
    assert table.loc[("A", "Y"), "difference"] == pytest.approx(0.0)


def test_differences_do_not_depend_on_the_names_of_contexts():
    grn = differing()
    renamed = grn.edges.assign(
        context=grn.edges["context"].map({"one": "z", "two": "y", "three": "x"})
    )
    first = gn.infer.differential_edges(grn)
    second = gn.infer.differential_edges(gn.GRN(renamed))
    columns = ["source", "target", "weight", "difference", "spread", "changes_sign"]
    pd.testing.assert_frame_equal(first[columns].iloc[:2], second[columns].iloc[:2])


def test_one_context_has_nothing_to_differ_from():
    with pytest.raises(ValueError, match=r"has 0 contexts.*groupby="):
        gn.infer.differential_edges(gn.datasets.example_network())
    with pytest.raises(ValueError, match="has 1 contexts"):
        gn.infer.differential_edges(differing().filter(context="one"))
