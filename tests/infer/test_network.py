"""network(): options, names, errors."""

import logging

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from mudata import MuData

import grnet as gn


def pairs(grn):
    return set(zip(grn.edges["source"].astype(str), grn.edges["target"].astype(str), strict=True))


def test_n_top_keeps_the_strongest_and_says_of_how_many(planted, tfs):
    everything = gn.infer.network(planted, tfs=tfs, method="pearson", n_top=None)
    kept = gn.infer.network(planted, tfs=tfs, method="pearson", n_top=7)
    pd.testing.assert_frame_equal(kept.edges, everything.edges.head(7), check_categorical=False)
    assert kept.summary()["candidates"] == 6 * 66 - 6
    assert kept.summary()["kept"] == 7
    assert "of 390 candidate pairs" in repr(kept)


def test_by_default_no_more_than_a_bounded_number_of_edges(planted, tfs, monkeypatch):
    monkeypatch.setattr("grnet.infer._edges.MANY_EDGES", 50)
    assert len(gn.infer.network(planted, tfs=tfs, method="pearson")) == 50
    assert len(gn.infer.network(planted, tfs=tfs, method="pearson", n_top=None)) == 390


def test_nodes_list_every_candidate_even_without_edges(planted, tfs):
    grn = gn.infer.network(planted, tfs=tfs, method="pearson", n_top=1)
    assert set(grn.nodes.index) == set(planted.var_names)
    assert set(grn.tfs) == set(tfs)


def test_one_network_per_group_equals_the_networks_of_the_groups(planted, tfs):
    planted.obs["kind"] = np.where(np.arange(planted.n_obs) % 3, "a", "b")
    grn = gn.infer.network(planted, tfs=tfs, method="ridge", groupby="kind")
    for kind in "ab":
        alone = gn.infer.network(planted[planted.obs["kind"] == kind], tfs=tfs, method="ridge")
        of_group = grn.filter(context=kind).edges.drop(columns="context")
        pd.testing.assert_frame_equal(of_group, alone.edges, check_categorical=False)
    assert grn.params["candidates"] == 780


def test_a_small_group_is_named_and_left_out(planted, tfs):
    planted.obs["kind"] = ["rare"] * 3 + ["common"] * (planted.n_obs - 3)
    with pytest.warns(UserWarning, match=r"fewer than 10 cells and get no network: 'rare'"):
        grn = gn.infer.network(planted, tfs=tfs, method="pearson", groupby="kind")
    assert list(grn.edges["context"].unique()) == ["common"]


def test_prior_restricts_to_the_pairs_listed(planted, tfs):
    prior = pd.DataFrame(
        {"source": ["TF1", "TF2", "other"], "target": ["G1", "G9", "G1"], "weight": [1, 0.5, 2]}
    )
    restricted = gn.infer.network(
        planted, tfs=tfs, method="pearson", prior=prior, prior_mode="restrict"
    )
    assert pairs(restricted) == {("TF1", "G1"), ("TF2", "G9")}
    assert restricted.params["candidates"] == 2


def test_layers_of_a_prior_raise_the_pairs_that_they_list(planted, tfs):
    plain = gn.infer.network(planted, tfs=tfs, method="pearson", n_top=None).edges
    weakest = plain.iloc[-200:].iloc[[0]][["source", "target"]].astype(str)
    motif = weakest.assign(weight=1.0)
    grn = gn.infer.network(
        planted, tfs=tfs, method="pearson", n_top=None, prior={"motif": motif, "chip": motif}
    )
    named = {"source": str, "target": str}
    edges = grn.edges.astype(named).set_index(["source", "target"])
    pair = tuple(weakest.iloc[0])
    assert edges.index.get_loc(pair) < 5
    assert edges.loc[pair, "motif"] == edges.loc[pair, "chip"] == 1.0
    alone = plain.astype(named).set_index(["source", "target"])["weight"]
    assert edges["score"].to_numpy() == pytest.approx(alone[edges.index].to_numpy())
    assert np.array_equal(np.sign(edges["score"]), np.sign(edges["weight"]))
    others = edges["score"].drop(pair).abs()
    assert others.is_monotonic_decreasing, "pairs that no layer lists keep their order"
    assert not any(source == target for source, target in edges.index)


def test_a_combined_prior_does_not_invent_edges_in_constant_data(planted, tfs):
    planted.X = np.ones(planted.shape, dtype=np.float32)
    prior = pd.DataFrame({"source": ["TF1"], "target": ["G1"]})
    with pytest.raises(ValueError, match="are constant over"):
        gn.infer.network(planted, tfs=tfs, method="pearson", prior=prior)


def test_the_regions_of_a_prior_become_evidence_of_its_edges(planted, tfs):
    edges = pd.DataFrame({"source": ["TF1", "X"], "target": ["G1", "Y"], "weight": [1.0, 1.0]})
    regions = edges.assign(region="chr1:5-9", motif=0.5)[["source", "region", "target", "motif"]]
    chip = regions.drop(columns="motif").assign(chip=0.7)
    priors = [gn.GRN(edges, evidence=regions), gn.GRN(edges, evidence=chip)]
    grn = gn.infer.network(planted, tfs=tfs, method="pearson", prior=priors, n_top=50)
    assert grn.evidence.to_dict("records") == [
        {"source": "TF1", "region": "chr1:5-9", "target": "G1", "motif": 0.5, "chip": 0.7}
    ]


def test_of_a_region_that_two_layers_know_the_stronger_gives_the_weight(planted, tfs):
    edges = pd.DataFrame({"source": ["TF1"], "target": ["G1"], "weight": [1.0]})
    weak = edges.assign(region="p1", weight=0.3, binding=0.3, motif=0.9)
    strong = edges.assign(region="p1", weight=0.7, binding=0.7, chip=0.8)
    priors = [gn.GRN(edges, evidence=table) for table in (weak, strong)]
    grn = gn.infer.network(planted, tfs=tfs, method="pearson", prior=priors)
    (row,) = grn.evidence.to_dict("records")
    kinds = ("weight", "binding", "motif", "chip")
    assert [row[kind] for kind in kinds] == [0.7, 0.7, 0.9, 0.8]


def test_evidence_whose_names_are_categories_holds_the_triplets_that_occur(planted, tfs):
    bindings = pd.DataFrame({"tf": ["TF1", "TF2"], "peak": ["p1", "p2"], "weight": 0.5})
    links = pd.DataFrame({"peak": ["p1", "p2"], "gene": ["G1", "G2"], "weight": 1.0})
    prior = gn.cis.prior_network(bindings, links)
    assert isinstance(prior.evidence["region"].dtype, pd.CategoricalDtype)
    grn = gn.infer.network(planted, tfs=tfs, method="pearson", prior=prior)
    found = grn.evidence[["source", "region", "target"]].astype(str)
    assert found.to_numpy().tolist() == [["TF1", "p1", "G1"], ["TF2", "p2", "G2"]]


@pytest.mark.parametrize(
    ("prior", "message"),
    [
        ([], "list of priors is empty"),
        ({"weight": pd.DataFrame()}, "cannot be named 'weight'"),
        (pd.DataFrame({"source": ["X"], "target": ["Y"]}), "None of the 1 pairs of the prior"),
        (
            pd.DataFrame({"source": ["TF1"], "target": ["G1"], "weight": [np.nan]}),
            "1 weights of the prior are missing",
        ),
    ],
)
def test_priors_that_cannot_be_used_are_refused(planted, tfs, prior, message):
    with pytest.raises(ValueError, match=message):
        gn.infer.network(planted, tfs=tfs, method="pearson", prior=prior)


def test_prior_from_a_file_or_a_network(planted, tfs, tmp_path):
    frame = pd.DataFrame({"source": ["TF1"], "target": ["G1"], "weight": [1.0]})
    frame.to_csv(tmp_path / "prior.tsv", sep="\t", index=False)
    for prior in (tmp_path / "prior.tsv", gn.GRN(frame)):
        grn = gn.infer.network(
            planted, tfs=tfs, method="pearson", prior=prior, prior_mode="restrict"
        )
        assert pairs(grn) == {("TF1", "G1")}


def test_fdr_with_a_prior_counts_the_pairs_of_the_prior_only(planted, tfs):
    prior = pd.DataFrame({"source": ["TF1", "TF2"], "target": ["G1", "G9"]})
    grn = gn.infer.network(
        planted, tfs=tfs, method="pearson", prior=prior, prior_mode="restrict", fdr=0.1
    )
    assert pairs(grn) == {("TF1", "G1")}
    assert grn.edges.loc[0, "pvalue"] == pytest.approx(1 / (1 + 20 * 2))


def test_stability_is_high_for_planted_edges_and_low_for_noise(planted, tfs, planted_edges):
    grn = gn.infer.network(planted, tfs=tfs, method="pearson", n_top=12, n_bootstrap=20)
    stability = grn.edges.set_index(["source", "target"])["stability"]
    assert stability[list(planted_edges)].min() == 1.0
    assert stability.min() < 0.8


def test_consensus_reports_the_agreement_of_its_members(planted, tfs):
    grn = gn.infer.network(planted, tfs=tfs)
    agreement = grn.edges.set_index(["source", "target"])["agreement"]
    assert agreement.between(0, 1).all()
    assert agreement.head(4).min() > agreement.tail(300).max()
    assert 0 < grn.params["agreement"] < 1


def test_layer_and_file_of_regulators(planted, tfs, tmp_path):
    planted.layers["other"] = planted.X[::-1].copy()
    (tmp_path / "tfs.txt").write_text("\n".join(tfs))
    from_file = gn.infer.network(planted, tfs=tmp_path / "tfs.txt", method="pearson", layer="other")
    planted.X = planted.layers.pop("other")
    same = gn.infer.network(planted, tfs=tfs, method="pearson")
    pd.testing.assert_frame_equal(from_file.edges, same.edges)


def test_params_say_how_it_was_made_and_survive_h5ad(planted, tfs, tmp_path):
    grn = gn.infer.network(planted, tfs=tfs, method="boost", n_rounds=10, seed=4)
    assert grn.params["n_rounds"] == 10
    assert grn.params["seed"] == 4
    grn.to_adata(planted)
    planted.write_h5ad(tmp_path / "a.h5ad")
    other = planted.copy()
    other.X[0, 0] += 1
    changed = gn.infer.network(other, tfs=tfs, method="boost", n_rounds=10, seed=4)
    assert changed.params["input"] != grn.params["input"]


def test_catalogue_is_a_frame_with_every_method():
    assert list(gn.infer.methods.index) == list(gn.infer.METHODS)
    assert {"summary", "needs", "signed", "speed", "reference"} <= set(gn.infer.methods)
    assert "n_rounds=100" in gn.infer.methods.loc["boost", "options"]


def test_unknown_method_is_answered_with_the_nearest(planted, tfs):
    with pytest.raises(ValueError, match=r"Did you mean 'pearson'.*Choose one of: consensus"):
        gn.infer.network(planted, tfs=tfs, method="peerson")


def test_unknown_option_is_answered_with_the_methods_own(planted, tfs):
    with pytest.raises(ValueError, match=r"option of boost 'rounds'.*n_rounds"):
        gn.infer.network(planted, tfs=tfs, method="boost", rounds=3)
    with pytest.raises(ValueError, match=r"pearson takes no option 'alpha'"):
        gn.infer.network(planted, tfs=tfs, method="pearson", alpha=3)


def test_no_regulator_among_the_genes(planted):
    with pytest.raises(ValueError, match=r"ENSG|none|None|0 of"):
        gn.infer.network(planted, tfs=["ENSG00000102145", "ENSG00000136997"], method="pearson")


def test_nan_and_duplicates_and_few_cells(planted, tfs):
    broken = planted.copy()
    broken.X[3, 5] = np.nan
    with pytest.raises(ValueError, match=rf"NaN or infinite.*{broken.var_names[5]}"):
        gn.infer.network(broken, tfs=tfs)
    broken = planted.copy()
    broken.var_names = ["TF1", *broken.var_names[:-1]]
    with pytest.raises(ValueError, match=r"genes occur more than once.*TF1"):
        gn.infer.network(broken, tfs=tfs)
    with pytest.raises(ValueError, match=r"5 cells are too few"):
        gn.infer.network(planted[:5], tfs=tfs)


def test_all_constant_is_an_error_not_an_empty_network(planted, tfs):
    planted.X[:] = 1.0
    with pytest.raises(ValueError, match=r"scores zero.*constant"):
        gn.infer.network(planted, tfs=tfs, method="pearson")


def test_raw_counts_are_pointed_out(tfs, planted):
    planted.X = sp.csr_matrix(np.rint(planted.X * 40))
    with pytest.warns(UserWarning, match=r"raw counts.*gn\.pp\.normalize"):
        gn.infer.network(planted, tfs=tfs, method="pearson")


def test_a_null_network_says_so(planted, tfs):
    rng = np.random.default_rng(0)
    planted.X = rng.permuted(planted.X, axis=0)
    with pytest.warns(UserWarning, match=r"No edge passes fdr=0.01"):
        grn = gn.infer.network(planted, tfs=tfs, method="ridge", fdr=0.01)
    assert len(grn) == 0
    assert len(grn.nodes) == planted.n_vars


def test_too_large_is_refused_before_work_starts(planted, tfs, monkeypatch):
    monkeypatch.setattr("grnet.infer._memory.BYTES_PER_PAIR", 1e15)
    with pytest.raises(MemoryError, match=r"390|396 candidate pairs need about"):
        gn.infer.network(planted, tfs=tfs)


def test_share_of_known_regulators_is_logged(planted, tfs, caplog):
    with caplog.at_level(logging.INFO, logger="grnet"):
        gn.infer.network(planted, tfs=[*tfs, "ABSENT"], method="pearson")
    assert "6 of 7 regulators" in caplog.text


@pytest.mark.parametrize("n_top", [0, -3, "many"])
def test_bad_n_top(planted, tfs, n_top):
    with pytest.raises(ValueError, match=r"expected a positive whole number"):
        gn.infer.network(planted, tfs=tfs, n_top=n_top)


def test_an_empty_group_is_named(planted, tfs):
    rng = np.random.default_rng(0)
    planted.obs["kind"] = np.where(np.arange(planted.n_obs) < 100, "noise", "signal")
    planted.X[:100] = rng.permuted(planted.X[:100], axis=0)
    with pytest.warns(UserWarning, match=r"No edge of kind 'noise' passes fdr=0\.01"):
        grn = gn.infer.network(planted, tfs=tfs, method="ridge", groupby="kind", fdr=0.01)
    assert list(grn.edges["context"].unique()) == ["signal"]


def test_the_rna_of_a_mudata_is_taken(planted, tfs):
    mdata = MuData({"rna": planted})
    grn = gn.infer.network(mdata, tfs=tfs, method="pearson")
    expected = gn.infer.network(planted, tfs=tfs, method="pearson")
    assert grn.edges.equals(expected.edges)
    with pytest.raises(ValueError, match="no modality 'rna', but 'gex'"):
        gn.infer.network(MuData({"gex": planted}), tfs=tfs)


@pytest.mark.parametrize("method", gn.infer.methods.index)
def test_one_regulator_is_enough(planted, method):
    grn = gn.infer.network(planted, tfs=["TF1"], method=method)
    assert set(grn.edges["source"].astype(str)) == {"TF1"}
    assert np.isfinite(grn.edges["weight"]).all()
