"""Graph networks: from known edges, and from the cells alone."""

import logging

import numpy as np
import pandas as pd
import pytest
import torch

import grnet as gn
from grnet.infer import _cross_fitted, _gated_ridge
from grnet.infer._expression_graph import aligned, expression_graph
from grnet.infer._inputs import gather
from grnet.infer._knowledge import Knowledge, KnownPairs, graph_of, known_pairs


@pytest.fixture(scope="module")
def simulated():
    adata = gn.datasets.simulate(n_cells=300, n_genes=120, n_tfs=12, depth=2.0, seed=3)
    gn.pp.normalize(adata)
    return adata


@pytest.fixture(scope="module")
def simulated_tfs(simulated):
    return list(simulated.var_names[simulated.var["is_tf"]])


@pytest.fixture(scope="module")
def learnt(simulated, simulated_tfs):
    known = gn.datasets.truth(simulated)
    return gn.infer.network(
        simulated, tfs=simulated_tfs, method="gnn", known=known, n_top=None, max_epochs=20
    )


def named(edges):
    return edges.astype({"source": str, "target": str}).set_index(["source", "target"])


def test_known_edges_are_learnt_beyond_the_degrees(learnt):
    facts = learnt.params
    assert facts["held_out_auprc"] > facts["held_out_auprc_label_rates"]
    assert facts["held_out_auroc"] > facts["held_out_auroc_label_rates"] > 0.5


def test_weights_are_signed_probabilities_at_the_rate_of_known_edges(learnt, simulated):
    edges = learnt.edges
    assert edges["weight"].abs().between(0, 1).all()
    assert edges["stability"].between(0, 1).all()
    has_edges = edges["source"].isin(edges.loc[edges["known"], "source"].unique())
    judged = edges[has_edges]
    assert judged["weight"].abs().mean() == pytest.approx(judged["known"].mean(), rel=0.1)
    truth = named(gn.datasets.truth(simulated))["weight"]
    strong = named(edges.head(100))["weight"]
    both = strong.index.intersection(truth.index)
    assert (np.sign(strong[both]) == np.sign(truth[both])).mean() > 0.8


def test_the_order_of_the_known_edges_does_not_matter(simulated, simulated_tfs, learnt):
    known = gn.datasets.truth(simulated).sample(frac=1, random_state=0)
    again = gn.infer.network(
        simulated[:, ::-1], tfs=simulated_tfs, method="gnn", known=known, n_top=None, max_epochs=20
    )
    pd.testing.assert_frame_equal(
        named(learnt.edges).sort_index(), named(again.edges).sort_index(), atol=1e-4, rtol=0
    )


def test_random_pairs_teach_nothing(simulated, simulated_tfs):
    rng = np.random.default_rng(0)
    source, target = rng.choice(simulated_tfs, 300), rng.choice(simulated.var_names, 300)
    known = pd.DataFrame({"source": source, "target": target})
    known = known[known["source"] != known["target"]].drop_duplicates()
    grn = gn.infer.network(simulated, tfs=simulated_tfs, method="gnn", known=known, max_epochs=8)
    assert grn.params["held_out_auroc"] < 0.6
    assert grn.params["learnt_from"] == "known"


def test_models_that_know_degrees_only_are_pointed_out(caplog):
    pairs = pairs_of(list(range(20)), (2, 40), own=np.full(40, -1))
    with caplog.at_level(logging.WARNING, logger="grnet"):
        facts = _cross_fitted._facts(np.where(pairs.edge, 1.0, 0.0).astype(np.float32), pairs)
        assert facts["held_out_auprc"] == 1.0
        assert not caplog.text
        worst = np.where(pairs.edge, -np.arange(80).reshape(2, 40), 1.0).astype(np.float32)
        facts = _cross_fitted._facts(worst, pairs)
    assert facts["held_out_auroc"] == 0.0
    assert "learnt degrees at most, not regulation" in caplog.text


def pairs_of(edges, shape, *, own, no_edges=(), seed=3):
    known = KnownPairs(edges=np.array(edges), no_edges=np.array(no_edges, dtype=np.int64))
    return _cross_fitted._pairs(known, shape, own, n_folds=3, rng=np.random.default_rng(seed))


def test_no_fold_learns_from_its_pairs_nor_from_their_reverse():
    rng = np.random.default_rng(1)
    own = np.array([0, 1, 2, 3, -1, -1, -1, -1])
    regulators, targets = np.nonzero(rng.random((4, 8)) < 0.6)
    apart = own[targets] != regulators
    pairs = pairs_of(regulators[apart] * 8 + targets[apart], (4, 8), own=own)
    square = pairs.fold[:, :4]
    np.testing.assert_array_equal(square, square.T)
    assert (np.diag(square) == -1).all()
    asked = np.stack([pairs.asked(fold) for fold in range(3)])
    assert (asked.sum(axis=0) == (pairs.fold >= 0)).all(), "each pair by the models of one fold"
    assert not pairs.negative[np.arange(4), np.arange(4)].any()
    for fold in range(3):
        edges, others = pairs.drawn(
            np.setdiff1d(np.arange(3), fold), n_negatives=3, rng=np.random.default_rng(0)
        )
        learnt = np.concatenate([edges, others])
        assert (pairs.fold.ravel()[learnt] != fold).all()
        assert pairs.edge.ravel()[edges].all()
        assert not pairs.edge.ravel()[others].any()


def test_pairs_of_tfs_that_nothing_teaches_are_scored_by_every_fold():
    pairs = pairs_of(range(12), (2, 24), own=np.full(24, -1), seed=1)
    asked = np.stack([pairs.asked(fold) for fold in range(3)]).sum(axis=0)
    assert (asked[0] == 1).all()
    assert (asked[1] == 3).all()


def test_listed_pairs_that_are_no_edges_are_the_only_negatives():
    pairs = pairs_of(range(18), (2, 24), own=np.full(24, -1), no_edges=range(30, 46))
    assert np.flatnonzero(pairs.negative).tolist() == list(range(30, 46))
    assert np.flatnonzero(pairs.edge).tolist() == list(range(18))


@pytest.mark.parametrize(
    ("known", "message"),
    [
        (pd.DataFrame({"source": ["X"], "target": ["Y"]}), r"Of 1 known pairs 0 are edges"),
        (
            pd.DataFrame({"source": ["TF1"] * 2, "target": ["G1"] * 2, "label": [0, 1]}),
            "labelled both 0 and 1",
        ),
        (pd.DataFrame({"source": ["TF1"], "target": ["G1"], "label": [2]}), "have labels .2"),
        (pd.DataFrame({"source": ["TF1"], "target": ["G1"]}), "too few for 5 folds"),
        (pd.DataFrame({"tf": ["TF1"], "gene": ["G1"]}), "source"),
    ],
)
def test_known_edges_that_cannot_teach_are_refused(planted, tfs, known, message):
    with pytest.raises(ValueError, match=message):
        gn.infer.network(planted, tfs=tfs, method="gnn", known=known)


def test_a_method_that_does_not_learn_says_which_do(planted, tfs):
    known = pd.DataFrame({"source": ["TF1"], "target": ["G1"]})
    with pytest.raises(ValueError, match=r"pearson does not learn from known=.*'gnn'.*prior="):
        gn.infer.network(planted, tfs=tfs, method="pearson", known=known)


def named_pairs(codes, inputs):
    regulator, target = np.divmod(codes, len(inputs.genes))
    return set(zip(inputs.regulators[regulator], inputs.genes[target], strict=True))


def test_known_edges_from_a_file(planted, tfs, tmp_path):
    path = tmp_path / "known.csv"
    pd.DataFrame({"source": ["TF1", "TF2"], "target": ["G1", "nobody"]}).to_csv(path, index=False)
    inputs = gather(planted, tfs=tfs, layer=None)
    found = Knowledge(known=path).of(inputs)["known"]
    assert named_pairs(found.edges, inputs) == {("TF1", "G1")}
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match=r"other\.csv"):
        Knowledge(known=tmp_path / "other.csv")


def test_pairs_of_a_network_are_found_by_name(planted, tfs):
    grn = gn.GRN(pd.DataFrame({"source": ["TF2", "TF1"], "target": ["G9", "TF4"], "weight": 1.0}))
    inputs = gather(planted, tfs=tfs, layer=None)
    found = known_pairs(grn, inputs)
    assert named_pairs(found.edges, inputs) == {("TF2", "G9"), ("TF1", "TF4")}


# ---- from the cells alone


def moments_of(x, y):
    return _gated_ridge._moments(torch.from_numpy(x), torch.from_numpy(y))


def test_open_gates_are_plain_ridge_and_shut_gates_leave_out():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(50, 4)), rng.normal(size=(50, 3))
    gates = torch.ones(3, 4, dtype=torch.float64)
    gates[1, 2] = 0.0
    found = _gated_ridge.solved(moments_of(x, y), gates, penalty=0.7).coefficients.numpy()
    for target in range(3):
        kept = np.flatnonzero(gates[target].numpy())
        system = x[:, kept].T @ x[:, kept] / 50 + 0.7 * np.eye(len(kept))
        expected = np.linalg.solve(system, x[:, kept].T @ y[:, target] / 50)
        np.testing.assert_allclose(found[target, kept], expected, atol=1e-12)
    assert found[1, 2] == 0


def test_z_scores_are_coefficients_over_their_posterior_deviation():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(80, 4)), rng.normal(size=(80, 1))
    gates = torch.tensor([[1.0, 2.0, 0.5, 0.0]], dtype=torch.float64)
    moments = moments_of(x, y)
    z = _gated_ridge.z_scores(moments, gates, penalty=0.3, n_cells=80)[0].numpy()
    kept = [0, 1, 2]
    prior = np.diag(0.3 / gates[0, kept].numpy() ** 2)
    inverse = np.linalg.inv(x[:, kept].T @ x[:, kept] / 80 + prior)
    found = inverse @ (x[:, kept].T @ y[:, 0] / 80)
    noise = ((y[:, 0] - x[:, kept] @ found) ** 2).mean() / (y[:, 0] ** 2).mean()
    np.testing.assert_allclose(z[kept], found / np.sqrt(noise * np.diag(inverse) / 80), rtol=1e-9)
    assert z[3] == 0


def test_the_error_is_that_of_the_cells_held_out():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 2)), rng.normal(size=(30, 1))
    w = torch.tensor([[0.3, -0.2]], dtype=torch.float64)
    share = float(_gated_ridge.unexplained(w, moments_of(x, y)))
    assert share == pytest.approx(((y[:, 0] - x @ w[0].numpy()) ** 2).mean() / (y**2).mean())


def test_profiles_of_other_cells_are_turned_back(planted, tfs):
    inputs = gather(planted, tfs=tfs, layer=None)
    arrays = inputs.x, inputs.matrix, inputs.own
    reference, other = expression_graph(*arrays), expression_graph(*arrays)
    rotation, _ = torch.linalg.qr(torch.from_numpy(np.random.default_rng(0).normal(size=(32, 32))))
    for kind in ("gene", "tf"):
        x = other.data[kind].x
        other.data[kind].x = torch.cat([x[:, :32] @ rotation.float(), x[:, 32:]], dim=1)
    turned = aligned(other, reference).data
    for kind in ("gene", "tf"):
        torch.testing.assert_close(turned[kind].x, reference.data[kind].x, atol=1e-4, rtol=0)


def test_cells_that_were_held_out_are_predicted_no_worse_than_by_ridge(simulated, simulated_tfs):
    grn = gn.infer.network(simulated, tfs=simulated_tfs, method="gnn")
    assert grn.params["held_out_r2"] >= grn.params["held_out_r2_ridge"] - 1e-6
    scores = gn.evaluate.score(grn, gn.datasets.truth(simulated), adata=simulated)
    ratio = scores.set_index("ranking")["auprc_ratio"]
    assert ratio["gnn"] > max(ratio["|Pearson|"], 1.5)


def with_peaks(adata):
    links = pd.DataFrame(
        {"peak": ["chr1:0-10", "chr1:20-30"], "gene": ["G1", "G9"], "weight": [1.0, 0.5]}
    )
    bindings = pd.DataFrame(
        {"tf": ["TF2", "TF1"], "peak": ["chr1:20-30", "chr1:0-10"], "weight": [1.0, 1.0]}
    )
    return gn.graph.build(adata, links=links, bindings=bindings, tfs=["TF1", "TF2", "TF6"])


def test_peaks_of_a_graph_keep_their_edges_by_name(planted, tfs):
    rng = np.random.default_rng(0)
    graph = with_peaks(planted[:, rng.permutation(planted.n_vars)].copy())
    inputs = gather(planted, tfs=tfs, layer=None)
    arrays = inputs.x, inputs.matrix, inputs.own
    found = expression_graph(*arrays, evidence=graph_of(graph, inputs))
    peaks = np.asarray(graph["peak"].name)
    tf_of = dict(zip(found.tf.tolist(), inputs.regulators, strict=True))
    gene_of = dict(zip(found.gene.tolist(), inputs.genes, strict=True))
    binds = found.data[gn.graph.BINDS].edge_index.T.tolist()
    near = found.data[gn.graph.NEAR].edge_index.T.tolist()
    assert {(tf_of[i], peaks[j]) for i, j in binds} == {("TF2", "chr1:20-30"), ("TF1", "chr1:0-10")}
    assert {(peaks[i], gene_of[j]) for i, j in near} == {("chr1:0-10", "G1"), ("chr1:20-30", "G9")}
    grn = gn.infer.network(planted, tfs=tfs, method="gnn", graph=graph, max_epochs=2)
    assert len(grn)


def test_a_graph_of_which_nothing_would_be_read_is_refused(planted, tfs):
    graph = gn.graph.build(planted, tfs=tfs)
    with pytest.raises(ValueError, match=r"no peaks.*links=.*leave graph= away"):
        gn.infer.network(planted, tfs=tfs, method="gnn", graph=graph)


def test_a_graph_of_other_genes_is_refused(planted, tfs):
    graph = with_peaks(planted)
    graph["gene"].name = [f"ENSG{i:05d}" for i in range(planted.n_vars)]
    graph["tf"].name = ["ENSG00001", "ENSG00002", "ENSG00003"]
    with pytest.raises(ValueError, match=r"0 of 6 regulators and 0 of 66 genes.*gn\.graph\.build"):
        gn.infer.network(planted, tfs=tfs, method="gnn", graph=graph)


@pytest.mark.parametrize("method", ["gnn", "joint"])
def test_options_of_known_edges_need_some(simulated, simulated_tfs, method):
    with pytest.raises(ValueError, match=r"'n_folds' .* there are none: give known="):
        gn.infer.network(simulated, tfs=simulated_tfs, method=method, n_folds=3)
