"""The joint model: three layers, weighed by pairs that trained none of them."""

from dataclasses import replace

import mudata as md
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import average_precision_score, roc_auc_score

import grnet as gn
from grnet.train import _joint_parts
from grnet.train._joint_parts import layer_weights
from grnet.train._site_weights import CEILINGS

QUICK = gn.train.FitSettings(
    max_epochs=15, learning_rate=1e-2, batch_size=256, patience=15, schedule="constant"
)
BRIEF = gn.train.FitSettings(max_epochs=2, learning_rate=1e-2, batch_size=256)
LAYERS = ("expression", "graph", "dna")
REGULATES = ("tf", "regulates", "gene")
REVERSE = ("gene", "rev_regulates", "tf")


def graph_of(multiome, mdata=None, **options):
    given = {"motifs": multiome.motifs, "sequence_width": 120, "n_components": 6, **options}
    return gn.graph.build(mdata or multiome.mdata, multiome.genome, **given)


def split_of(data, edges, **how):
    how = {"regime": "target", "n_negatives": 3, "shares": (0.5, 0.25, 0.25), "seed": 0, **how}
    return gn.train.split_edges(edges, tfs=data["tf"].name, genes=data["gene"].name, **how)


@pytest.fixture(scope="module")
def multiome():
    return gn.datasets.simulate_multiome(n_cells=150, n_genes=80, n_tfs=6, seed=1)


@pytest.fixture(scope="module")
def data(multiome):
    return graph_of(multiome)


@pytest.fixture(scope="module")
def split(data, multiome):
    return split_of(data, multiome.edges)


@pytest.fixture(scope="module")
def joint(data, split):
    return gn.train.fit_joint(data, split, settings=QUICK)


def forward(joint, pairs, model=None, method="forward"):
    """Run the model itself on what the fit holds."""
    graph = joint.graph
    at = np.stack(
        [
            pd.Index(graph[kind].name).get_indexer(pairs[end])
            for kind, end in (("tf", "source"), ("gene", "target"))
        ]
    )
    link = None
    if joint.said is not None:
        near = graph["peak", "near", "gene"]
        link = near.edge_attr[:, near.edge_attr_names.index("weight")]
    with torch.no_grad():
        return getattr(model or joint.model, method)(
            graph.x_dict, graph.edge_index_dict, torch.from_numpy(at),
            features=torch.from_numpy(joint.pair_features(at)), said=joint.said, link=link,
        )  # fmt: skip


def test_the_model_alone_says_what_the_fit_says(joint, split):
    logits = joint.logits(split.test)
    np.testing.assert_allclose(forward(joint, split.test), logits, atol=1e-4)
    terms = joint.terms(split.test)
    assert terms.columns.tolist() == list(LAYERS)
    np.testing.assert_allclose(terms.sum(axis=1) + joint.model.bias.item(), logits, atol=1e-9)
    of_model = forward(joint, split.test, method="terms")
    for layer in LAYERS:
        np.testing.assert_allclose(of_model[layer], terms[layer], atol=1e-4)
    assert np.corrcoef(joint.scores(split.test), logits)[0, 1] > 0.5
    assert len(joint.pair_feature_names) == joint.pair_features(np.zeros((2, 1), int)).shape[1]


def test_a_file_brings_the_model_back(joint, split, tmp_path):
    gn.models.save(joint.model, tmp_path / "joint.safetensors")
    back = gn.models.load(tmp_path / "joint.safetensors").eval()
    assert back.config == joint.model.config
    torch.testing.assert_close(forward(joint, split.test, back), forward(joint, split.test))


@pytest.mark.parametrize("kind", ["gatv2", "hgt", "none"])
def test_every_kind_of_messages_says_the_same_in_model_and_fit(data, split, kind):
    done = gn.train.fit_joint(data, split, settings=BRIEF, kind=kind)
    assert done.model.config.graph.kind == kind
    np.testing.assert_allclose(forward(done, split.test), done.logits(split.test), atol=1e-4)


@pytest.mark.parametrize("layers", [("graph",), ("dna",), ("dna", "expression"), ("graph", "dna")])
def test_any_choice_of_layers_makes_a_model(data, split, layers):
    done = gn.train.fit_joint(data, split, settings=BRIEF, layers=layers)
    assert done.layers == tuple(layer for layer in LAYERS if layer in layers)
    np.testing.assert_allclose(forward(done, split.test), done.logits(split.test), atol=1e-4)


def test_what_the_dna_says_reaches_the_messages_unless_told_otherwise(data, split):
    heard, not_heard = (
        gn.train.fit_joint(
            data, split, settings=BRIEF, layers=("graph", "dna"), dna_joins_graph=joins
        )
        for joins in (True, False)
    )
    said = heard.said + torch.randn(heard.said.shape, generator=torch.Generator().manual_seed(0))
    for done, changes in ((heard, True), (not_heard, False)):
        before = forward(done, split.test, method="terms")["graph"]
        after = forward(replace(done, said=said), split.test, method="terms")["graph"]
        assert (before - after).abs().max() > 1e-3 or not changes
        assert torch.equal(before, after) or changes


def test_each_layer_reads_its_own_part_of_the_graph(joint, split):
    """Noise in the expression moves no other term, nor does noise in the bindings."""
    alone = gn.train.fit_joint(joint.graph, split, settings=BRIEF, layers=("graph",))
    names = joint.graph["gene"].feature_names
    columns = alone.model.config.columns["graph"]
    assert all(names[i].startswith("evidence_") for i in columns["gene"])
    assert ("gene", "coexpressed", "gene") not in alone.views["graph"].edge_types
    expression = joint.views["expression"]
    assert not any("peak" in edge_type for edge_type in expression.edge_types)
    assert not any(name.startswith("evid") for name in joint.evidence["expression"].names)
    columns = joint.model.config.columns["expression"]
    assert not any(names[i].startswith("evidence_") for i in columns["gene"])


def test_only_training_edges_are_heard(joint, split):
    train = split.train[split.train["label"] == 1]
    for view in (joint.graph, *joint.views.values()):
        names = {kind: np.array(view[kind].name) for kind in ("tf", "gene")}
        tf, gene = view[REGULATES].edge_index.numpy()
        heard = set(zip(names["tf"][tf], names["gene"][gene], strict=True))
        assert heard == set(zip(train["source"], train["target"], strict=True))
        assert torch.equal(view[REVERSE].edge_index.flip(0), view[REGULATES].edge_index)


def test_labels_of_the_test_change_nothing(multiome, split, joint):
    """The known edges of the graph, and what is to be tested, are not read."""
    other = replace(split, test=split.test.assign(label=1 - split.test["label"]))
    known = graph_of(multiome, known=multiome.edges)
    again = gn.train.fit_joint(known, other, settings=QUICK)
    np.testing.assert_allclose(again.logits(split.test), joint.logits(split.test), atol=1e-4)


def test_a_tf_regulating_a_gene_is_not_the_gene_regulating_the_tf(data, split, joint):
    tfs = joint.graph["tf"].name
    there = pd.DataFrame([(a, b) for a in tfs for b in tfs if a < b], columns=["source", "target"])
    back = there.rename(columns={"source": "target", "target": "source"})
    for layer in LAYERS:
        # together a layer may count for nothing
        done = gn.train.fit_joint(data, split, settings=BRIEF, layers=(layer,))
        difference = done.terms(there)[layer] - done.terms(back)[layer]
        assert difference.abs().max() > 1e-2, layer


def test_the_same_seed_gives_the_same_model_whatever_the_order_of_what_is_read(
    multiome, split, joint
):
    rng = np.random.default_rng(0)
    shuffled = {
        name: part[rng.permutation(part.n_obs), rng.permutation(part.n_vars)].copy()
        for name, part in multiome.mdata.mod.items()
    }
    other = graph_of(multiome, md.MuData(shuffled))
    assert other["gene"].name != joint.graph["gene"].name
    again = gn.train.fit_joint(other, split, settings=QUICK)
    np.testing.assert_allclose(again.logits(split.test), joint.logits(split.test), atol=2e-2)
    seeded = gn.train.fit_joint(other, split, settings=QUICK, seed=1)
    assert np.abs(seeded.logits(split.test) - joint.logits(split.test)).max() > 0.1


def test_the_random_state_is_left_alone(data, split):
    before, in_numpy = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002 - the global state is what must not move
    gn.train.fit_joint(data, split, settings=BRIEF)
    assert torch.equal(torch.get_rng_state(), before)
    np.testing.assert_array_equal(np.random.get_state()[1], in_numpy)  # noqa: NPY002 - as above


def test_the_given_graph_is_left_alone_and_may_have_profiles_already(data, split):
    n_features = data["gene"].x.shape[1]
    first = gn.train.fit_joint(data, split, settings=BRIEF)
    assert data["gene"].x.shape[1] == n_features
    assert REGULATES not in data.edge_types
    again = gn.train.fit_joint(gn.graph.with_evidence_profiles(data), split, settings=BRIEF)
    np.testing.assert_allclose(again.logits(split.test), first.logits(split.test), atol=1e-5)


# ---- how much each layer counts


def test_weights_are_those_of_a_logistic_regression_and_never_negative():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 2000)
    terms = pd.DataFrame(
        {
            "good": y * 3.0 + rng.normal(0, 2, 2000),
            "noise": rng.normal(0, 10, 2000),
            "wrong": -y * 2.0 + rng.normal(0, 2, 2000),
            "flat": 1.7,
        }
    )
    weights, bias = layer_weights(terms, pd.Series(y))
    found = dict(zip(terms, weights, strict=True))
    # of two normal distributions the log odds are their distance over the variance
    assert found["good"] == pytest.approx(3 / 4, rel=0.15)
    assert abs(found["noise"]) < 0.02
    assert found["wrong"] == found["flat"] == 0.0
    odds = terms.to_numpy() @ weights + bias
    assert (1 / (1 + np.exp(-odds))).mean() == pytest.approx(y.mean(), abs=1e-3)


@pytest.mark.parametrize("worth", [0.0, 1.0, np.inf])
def test_sites_level_off_where_it_is_worth_it(data, split, monkeypatch, worth):
    heights, found = (np.inf, *CEILINGS), {}
    for height in heights:
        with monkeypatch.context() as patch:
            patch.setattr(_joint_parts, "CEILINGS", (height,))
            patch.setattr(_joint_parts, "WORTH", 0.0)
            done = gn.train.fit_joint(data, split, layers=["dna"])
        logits = done.logits(split.validation)
        score = average_precision_score(split.validation["label"], logits)
        found[height] = score, done.model.sites.ceiling
    assert torch.isinf(found[np.inf][1]).all()
    monkeypatch.setattr(_joint_parts, "WORTH", worth)
    chosen = gn.train.fit_joint(data, split, layers=["dna"]).model.sites.ceiling
    best = max(CEILINGS, key=lambda height: found[height][0])
    expected = best if found[best][0] > worth * found[np.inf][0] else np.inf
    assert torch.equal(chosen, found[expected][1])


def test_a_layer_of_noise_counts_little(data, split):
    noisy = data.clone()
    rng = np.random.default_rng(0)
    noisy["peak"].sequence = torch.from_numpy(
        rng.integers(0, 4, noisy["peak"].sequence.shape).astype(np.uint8)
    )
    spreads = []
    for given in (data, noisy):
        done = gn.train.fit_joint(given, split, settings=BRIEF, layers=("expression", "dna"))
        assert min(done.facts.values()) >= 0
        spreads.append(done.terms(split.test)["dna"].std())
    assert spreads[1] < 0.5 * spreads[0]


def test_shuffled_labels_teach_nothing(data, multiome):
    figures = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        shuffled = multiome.edges.assign(target=rng.permutation(multiome.edges["target"]))
        shuffled = shuffled[shuffled["source"] != shuffled["target"]]
        split = split_of(data, shuffled.drop_duplicates(["source", "target"]), seed=seed)
        done = gn.train.fit_joint(data, split, settings=QUICK)
        figures.append(roc_auc_score(split.test["label"], done.logits(split.test)))
    assert np.mean(figures) < 0.58


def test_planted_edges_are_found_by_all_layers_better_than_by_each():
    tables = []
    for seed in range(2):
        multiome = gn.datasets.simulate_multiome(n_cells=200, n_genes=120, n_tfs=8, seed=seed)
        data = graph_of(multiome)
        split = split_of(data, multiome.edges, seed=seed)
        tables.append(gn.train.ablate_joint(data, split, settings=QUICK).set_index("layers"))
    ratios = pd.DataFrame([table["auprc_ratio"] for table in tables]).mean()
    alone = ratios[list(LAYERS)]
    assert (alone > 1.1).all(), ratios
    assert ratios["expression + graph + dna"] > alone.max() + 0.1, ratios


# ---- ablation


def test_ablation_has_a_row_for_each_choice_with_the_figures_of_sklearn(data, split, joint):
    table = gn.train.ablate_joint(data, split, settings=QUICK)
    assert table["layers"].tolist() == [
        "expression", "graph", "dna", "expression + graph", "expression + dna", "graph + dna",
        "expression + graph + dna",
    ]  # fmt: skip
    label, logits = split.test["label"], joint.logits(split.test)
    row = table.iloc[-1]
    assert row["auroc"] == pytest.approx(roc_auc_score(label, logits), abs=1e-6)
    assert row["auprc"] == pytest.approx(average_precision_score(label, logits), abs=1e-6)
    assert row["density"] == label.mean()
    assert row["auprc_ratio"] == pytest.approx(row["auprc"] / row["density"])
    within = [
        average_precision_score(part["label"], part["logit"]) / part["label"].mean()
        for _, part in split.test.assign(logit=logits).groupby("source")
        if part["label"].nunique() == 2
    ]
    assert row["auprc_ratio_within_tf"] == pytest.approx(np.mean(within), abs=1e-6)
    weights = table[[f"weight_{layer}" for layer in LAYERS]]
    assert (weights.iloc[-1].to_numpy() == [joint.facts[layer] for layer in LAYERS]).all()
    assert (weights.notna().sum(axis=1) == table["layers"].str.count(r"\+") + 1).all()
    with pytest.raises(ValueError, match=r"of \d+ pairs are edges: expected edges and others"):
        gn.train.ablate_joint(data, split, pairs=split.test.query("label == 0"), settings=BRIEF)


# ---- with less


def test_promoters_stand_in_where_no_accessibility_was_measured(multiome, split):
    promoters = graph_of(multiome, multiome.mdata["rna"], tfs=sorted(set(multiome.edges["source"])))
    done = gn.train.fit_joint(promoters, split, settings=BRIEF)
    assert done.layers == LAYERS
    np.testing.assert_allclose(forward(done, split.test), done.logits(split.test), atol=1e-4)


def test_what_is_not_there_is_no_layer(multiome, split):
    tfs = sorted(set(multiome.edges["source"]))
    rna = multiome.mdata["rna"]
    without_dna = graph_of(multiome, sequence_width=None)
    bare = gn.graph.build(rna, tfs=tfs, n_components=6)
    unbound = gn.graph.build(rna, multiome.annotation, tfs=tfs, n_components=6)
    for data, expected in (
        (without_dna, ("expression", "graph")),
        (bare, ("expression",)),
        (unbound, ("expression",)),
    ):
        done = gn.train.fit_joint(data, split, settings=BRIEF)
        assert done.layers == expected
        np.testing.assert_allclose(forward(done, split.test), done.logits(split.test), atol=1e-4)


def test_any_sequence_model_reads_the_dna(data, split):
    torch.manual_seed(0)
    config = gn.models.SequenceCNNConfig(n_outputs=5, n_filters=8, filter_width=9)
    reader = gn.models.SequenceCNN(config)
    before = {name: value.clone() for name, value in reader.state_dict().items()}
    done = gn.train.fit_joint(
        data, split, settings=BRIEF, layers=("graph", "dna"), sequence_model=reader
    )
    assert done.said.shape == (data["peak"].num_nodes, 5)
    assert type(done.model.reader).__name__ == "SequenceCNN"
    for name, value in done.model.reader.state_dict().items():
        assert torch.equal(value, before[name]), name
    np.testing.assert_allclose(forward(done, split.test), done.logits(split.test), atol=1e-4)


def test_calibrated_scores_are_shares(joint, split):
    calibrated = joint.calibrated(split.validation, kind="temperature")
    assert calibrated.scores(split.test).tolist() != joint.scores(split.test).tolist()
    np.testing.assert_array_equal(
        np.argsort(calibrated.logits(split.test)), np.argsort(joint.logits(split.test))
    )


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"layers": ("expresion",)}, r"Unknown layer 'expresion'. Did you mean 'expression'"),
        ({"layers": ()}, "no data for 'no layer'"),
        ({"layers": ("graph", "dna")}, r"The graph has no data for 'graph', 'dna': peaks near"),
        ({"kind": "gcn"}, "Unknown kind 'gcn'"),
        ({"sequence_model": torch.nn.Linear(1, 1)}, "Unknown sequence model 'Linear'"),
    ],
)
def test_wrong_options_are_told(multiome, split, options, text):
    bare = gn.graph.build(
        multiome.mdata["rna"], tfs=sorted(set(multiome.edges["source"])), n_components=4
    )
    with pytest.raises(ValueError, match=text):
        gn.train.fit_joint(bare, split, settings=BRIEF, **options)


def test_a_reader_without_dna_is_refused(multiome, split):
    with pytest.raises(ValueError, match=r"sequence_model= has nothing to read.*sequence_width="):
        gn.train.fit_joint(
            graph_of(multiome, sequence_width=None), split, settings=BRIEF,
            sequence_model=gn.models.SequenceCNN(),
        )  # fmt: skip


def test_validation_without_edges_is_refused_before_anything_trains(data, split):
    empty = replace(split, validation=split.validation.query("label == 0"))
    with pytest.raises(ValueError, match=r"validation pairs with labels '0': the layers are weigh"):
        gn.train.fit_joint(data, empty, settings=BRIEF)
