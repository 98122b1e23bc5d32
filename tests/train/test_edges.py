"""Splits of known edges: nothing held out is told by what trains."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

import grnet as gn

GENES = [f"g{i}" for i in range(120)]
TFS = GENES[:30]
REGIMES = ["edge", "target", "tf", "both", "genelink"]
KINDS = ["uniform", "degree"]


@pytest.fixture(scope="module")
def known():
    rng = np.random.default_rng(0)
    # a few TFs and a few targets have most of the edges, as in every list of known ones
    weights = [1 / np.arange(1, n + 1) for n in (len(TFS), len(GENES))]
    source, target = (
        rng.choice(names, 1500, p=w / w.sum())
        for names, w in zip((TFS, GENES), weights, strict=True)
    )
    return pd.DataFrame({"source": source, "target": target}).drop_duplicates()


def pairs(table):
    return set(zip(table["source"], table["target"], strict=True))


@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize("negatives", KINDS)
def test_no_pair_nor_its_reverse_is_on_two_sides(known, regime, negatives):
    split = gn.train.split_edges(
        known, tfs=TFS, genes=GENES, regime=regime, negatives=negatives, seed=1
    )
    parts = [split.train, split.validation, split.test]
    for i, part in enumerate(parts):
        assert len(part) == len(pairs(part))
        assert not any(source == target for source, target in pairs(part))
        positive, negative = (pairs(part[part["label"] == label]) for label in (1, 0))
        assert positive <= pairs(known)
        assert not negative & pairs(known)
        for other in parts[i + 1 :]:
            assert not pairs(part) & pairs(other)
            assert not {(b, a) for a, b in pairs(part)} & pairs(other)
    audit = split.audit()
    assert not audit[["in_train", "reverse_in_train"]].any(axis=None)
    assert len(split.held_out) == len(split.validation) + len(split.test)


@pytest.mark.parametrize(
    ("regime", "new"),
    [("target", ["target"]), ("tf", ["source"]), ("both", ["source", "target"])],
)
def test_what_the_regime_holds_out_is_new(known, regime, new):
    split = gn.train.split_edges(known, tfs=TFS, genes=GENES, regime=regime, n_negatives=3)
    for column in new:
        assert not set(split.train[column]) & set(split.held_out[column])
    audit = split.audit().loc["test"]
    assert audit["tfs_seen"] == (0 if "source" in new else 1)
    assert audit["targets_seen"] == (0 if "target" in new else pytest.approx(1, abs=0.1))


def test_degree_matched_negatives_leave_label_rates_nothing(known):
    rare = known.sample(300, random_state=0)
    told = {
        kind: gn.train.split_edges(rare, tfs=TFS, genes=GENES, regime="edge", negatives=kind)
        .audit()
        .loc["test", "auroc_rates"]
        for kind in KINDS
    }
    assert told["uniform"] > 0.7
    assert abs(told["degree"] - 0.5) < 0.15


def test_degree_matched_negatives_have_the_degrees_of_the_edges(known):
    rare = known.sample(250, random_state=0)
    split = gn.train.split_edges(rare, tfs=TFS, genes=GENES, regime="edge", negatives="degree")
    for column in ("source", "target"):
        counts = split.train.groupby(["label", column]).size().unstack(0, fill_value=0)  # noqa: PD010
        assert (counts[1] - counts[0] >= 0).all()
        assert counts[0].sum() > 0.85 * counts[1].sum()


def test_hard_negatives_are_the_strongest_of_the_ranking(known):
    rng = np.random.default_rng(2)
    every = pd.MultiIndex.from_product([TFS, GENES], names=["source", "target"]).to_frame(
        index=False
    )
    every = every[every["source"] != every["target"]].assign(weight=lambda t: rng.random(len(t)))
    split = gn.train.split_edges(
        known, tfs=TFS, genes=GENES, negatives="hard", ranking=gn.GRN(every), seed=3
    )
    negative = split.train[split.train["label"] == 0].merge(every)
    assert negative["weight"].min() > every["weight"].quantile(0.4)
    with pytest.raises(ValueError, match="wants ranking="):
        gn.train.split_edges(known, tfs=TFS, genes=GENES, negatives="hard")


def test_listed_negatives_are_divided_with_the_edges(known):
    listed = pd.DataFrame({"source": TFS[0], "target": GENES}).query("source != target")
    listed = listed.merge(known, how="left", indicator=True).query("_merge == 'left_only'")
    table = pd.concat([known.assign(label=1), listed[["source", "target"]].assign(label=0)])
    for regime in ("edge", "target"):
        split = gn.train.split_edges(table, tfs=TFS, genes=GENES, regime=regime, negatives="listed")
        for part in (split.train, split.validation, split.test):
            assert pairs(part[part["label"] == 0]) <= pairs(listed)
            assert (part["label"] == 0).any()


def test_targets_on_other_chromosomes_are_held_out(known):
    chromosome = {gene: f"chr{i % 4 + 1}" for i, gene in enumerate(GENES)}
    split = gn.train.split_edges(
        known, tfs=TFS, genes=GENES, regime="chromosome", chromosomes=chromosome,
        validation=["3"], test=["4"],
    )  # fmt: skip
    assert {chromosome[gene] for gene in split.test["target"]} == {"chr4"}
    assert {chromosome[gene] for gene in split.train["target"]} == {"chr1", "chr2"}
    with pytest.raises(ValueError, match=r"unknown: '7'.*The genes are on 'chr1'"):
        gn.train.split_edges(
            known, tfs=TFS, genes=GENES, regime="chromosome", chromosomes=chromosome, test=["7"]
        )


def test_named_tfs_are_held_out(known):
    split = gn.train.split_edges(
        known, tfs=TFS, genes=GENES, regime="tf", validation=["g3", "g4"], test=["g1"]
    )
    assert set(split.test["source"]) == {"g1"}
    assert set(split.validation["source"]) == {"g3", "g4"}
    assert not set(split.train["source"]) & {"g1", "g3", "g4"}
    for part in (split.validation, split.test):
        assert set(part["label"]) == {0, 1}


@pytest.mark.parametrize(
    ("held", "text"),
    [
        ({"regime": "tf", "test": ["FOXP3"]}, r"unknown: 'FOXP3'. The TFs are 'g0', 'g1'"),
        ({"regime": "tf", "validation": ["g1"]}, "at least one for the test"),
        ({"regime": "tf", "validation": ["g1"], "test": ["g1"]}, "each once"),
        ({"regime": "target", "test": ["g1"]}, "drawn by the shares"),
    ],
)
def test_names_that_cannot_be_held_out_are_told(known, held, text):
    with pytest.raises(ValueError, match=text):
        gn.train.split_edges(known, tfs=TFS, genes=GENES, **held)


def test_the_published_protocol_trains_on_two_thirds_of_each_tf(known):
    split = gn.train.split_edges(known, tfs=TFS, genes=GENES, regime="genelink")
    test = split.test.query("label == 1").groupby("source").size()
    whole = known.query("source != target").groupby("source").size()
    several = whole[whole > 5].index
    np.testing.assert_allclose((test / whole)[several], 1 / 3, atol=0.15)
    density = len(known.query("source != target")) / (len(TFS) * (len(GENES) - 1))
    assert split.test["label"].mean() == pytest.approx(density, rel=0.1)


@pytest.mark.parametrize("regime", REGIMES)
def test_the_order_of_rows_and_names_does_not_matter(known, regime):
    shuffled = known.sample(frac=1, random_state=5)
    one = gn.train.split_edges(known, tfs=TFS, genes=GENES, regime=regime, seed=2)
    other = gn.train.split_edges(shuffled, tfs=TFS[::-1], genes=GENES[::-1], regime=regime, seed=2)
    pd.testing.assert_frame_equal(one.test, other.test)
    pd.testing.assert_frame_equal(one.train, other.train)


def test_held_out_pairs_leave_message_passing():
    adata = gn.datasets.simulate(n_cells=40, n_genes=60, n_tfs=8)
    tfs = adata.var_names[adata.var["is_tf"]]
    known = adata.uns["grnet_truth"]
    data = gn.graph.build(adata, tfs=tfs, known=known, n_components=4)
    split = gn.train.split_edges(known, tfs=tfs, genes=adata.var_names)
    part = gn.graph.hold_out(data, split.held_out)
    ends = part["tf", "regulates", "gene"].edge_index.numpy()
    kept = set(
        zip(np.array(part["tf"].name)[ends[0]], np.array(part["gene"].name)[ends[1]], strict=True)
    )
    assert kept
    assert kept <= pairs(split.train)


def test_wrong_tables_are_told(known):
    with pytest.raises(ValueError, match=r"0 are edges from one of 1 TFs"):
        gn.train.split_edges(known, tfs=["X"], genes=GENES)
    both = pd.concat([known.assign(label=1), known.head(1).assign(label=0)])
    with pytest.raises(ValueError, match="labelled both 0 and 1"):
        gn.train.split_edges(both, tfs=TFS, genes=GENES)
    with pytest.raises(ValueError, match="labels '2'"):
        gn.train.split_edges(known.assign(label=2), tfs=TFS, genes=GENES)
    with pytest.raises(ValueError, match="Nothing is left for 'validation', 'test'"):
        gn.train.split_edges(known[known["source"] == "g0"], tfs=["g0"], genes=GENES, regime="tf")


def test_known_edges_that_leave_no_negative_are_told():
    every = pd.DataFrame({"source": "g0", "target": GENES[1:]})
    with pytest.raises(ValueError, match=r"0 of \d+ uniform negatives were found.*another kind"):
        gn.train.split_edges(every, tfs=["g0"], genes=GENES, regime="target")


@pytest.mark.parametrize("negatives", KINDS)
@pytest.mark.parametrize("regime", ["edge", "genelink"])
def test_scarce_negatives_are_shared_by_all_parts(regime, negatives):
    every = pd.DataFrame(list(product(TFS, GENES)), columns=["source", "target"])
    every = every[every["source"] != every["target"]]
    dense = every.sample(frac=0.7, random_state=0)
    split = gn.train.split_edges(
        dense, tfs=TFS, genes=GENES, regime=regime, negatives=negatives, n_negatives=5
    )
    parts = (split.train, split.validation, split.test)
    n_others = np.array([(part["label"] == 0).sum() for part in parts])
    n_edges = np.array([(part["label"] == 1).sum() for part in parts])
    assert n_others.sum() <= len(every) - len(dense)
    assert n_others.sum() > 0.5 * (len(every) - len(dense))
    if regime == "edge":
        assert np.allclose(n_others / n_others.sum(), n_edges / n_edges.sum(), atol=0.07)
    assert not pairs(split.train) & pairs(split.test)


@pytest.mark.parametrize("regime", ["edge", "genelink"])
def test_hard_negatives_are_as_hard_in_every_part(known, regime):
    every = pd.DataFrame(list(product(TFS, GENES)), columns=["source", "target"])
    every = every[every["source"] != every["target"]]
    ranking = gn.GRN(every.assign(weight=np.random.default_rng(0).random(len(every))))
    split = gn.train.split_edges(
        known, tfs=TFS, genes=GENES, regime=regime, negatives="hard", ranking=ranking
    )
    means = [
        part[part["label"] == 0]
        .merge(ranking.edges.astype({"source": str, "target": str}))["weight"]
        .mean()
        for part in (split.train, split.test)
    ]
    assert means[0] == pytest.approx(means[1], abs=0.03)


def test_listed_negatives_that_are_missing_are_told(known):
    with pytest.raises(ValueError, match=r"train: 0 of \d+ listed negatives were found; give more"):
        gn.train.split_edges(known, tfs=TFS, genes=GENES, negatives="listed")


def test_the_last_free_pairs_are_found():
    targets = [f"t{i}" for i in range(3000)]
    every = pd.DataFrame(list(product(TFS[:4], targets)), columns=["source", "target"])
    dense = every.drop(index=np.random.default_rng(0).choice(len(every), 100, replace=False))
    split = gn.train.split_edges(dense, tfs=TFS[:4], genes=targets, regime="edge")
    found = [
        int((part["label"] == 0).sum()) for part in (split.train, split.validation, split.test)
    ]
    assert found == [70, 10, 20]


def test_rows_are_in_the_order_of_names(known):
    split = gn.train.split_edges(known, tfs=TFS, genes=GENES, regime="target")
    for part in (split.train, split.validation, split.test):
        assert part[["source", "target"]].equals(
            part[["source", "target"]].sort_values(["source", "target"], ignore_index=True)
        )


def test_genes_without_a_chromosome_are_on_no_side(known):
    series = pd.Series([str(i % 4 + 1) for i in range(len(GENES))], index=GENES)
    series[GENES[:20]] = np.nan
    split = gn.train.split_edges(
        known, tfs=TFS, genes=GENES, regime="chromosome", chromosomes=series, test=["1"],
    )  # fmt: skip
    everywhere = pd.concat([split.train, split.validation, split.test])
    assert not set(everywhere["target"]) & set(GENES[:20])
    for held, text in (
        ({"validation": ["1"], "test": ["1"]}, "each once"), ({"test": ["9"]}, "unknown: '9'"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=text):
            gn.train.split_edges(
                known, tfs=TFS, genes=GENES, regime="chromosome", chromosomes=series, **held
            )
    with pytest.raises(TypeError, match="test='12' is one name"):
        gn.train.split_edges(
            known, tfs=TFS, genes=GENES, regime="chromosome", chromosomes=series, test="12"
        )


def test_a_split_without_the_labels_of_its_test_shows_itself(known):
    from dataclasses import replace

    whole = gn.train.split_edges(known, tfs=TFS, genes=GENES)
    split = replace(whole, test=whole.test.drop(columns="label"))
    assert f"test {len(split.test):,})" in repr(split)
    assert list(split.audit().index) == ["validation"]
    assert list(split.held_out.columns) == ["source", "target"]
