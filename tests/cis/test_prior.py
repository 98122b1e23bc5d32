"""The prior network: every path from a TF over a peak to a gene, once."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import grnet as gn


@st.composite
def halves(draw):
    def table(column, names):
        pairs = draw(
            st.lists(
                st.tuples(st.sampled_from(names), st.sampled_from(["p0", "p1", "p2", "p3"])),
                min_size=1,
                max_size=10,
                unique=True,
            )
        )
        weights = [draw(st.floats(0.01, 1.0)) for _ in pairs]
        frame = pd.DataFrame(pairs, columns=[column, "peak"])
        return frame.assign(weight=weights)

    return table("tf", ["A", "B", "C"]), table("gene", ["A", "G", "H"])


def brute_force(bindings, links, combine):
    paths = {}
    for binding in bindings.itertuples():
        for link in links.itertuples():
            if binding.peak == link.peak and binding.tf != link.gene:
                weight = binding.weight * link.weight
                paths.setdefault((binding.tf, link.gene), []).append(weight)
    how = {"noisy_or": lambda w: 1 - np.prod(1 - np.array(w)), "sum": sum, "max": max}[combine]
    merged = {pair: how(weights) for pair, weights in paths.items()}
    if combine == "sum" and merged:
        merged = {pair: weight / max(merged.values()) for pair, weight in merged.items()}
    return merged, {pair: len(weights) for pair, weights in paths.items()}


@settings(max_examples=40)
@given(halves(), st.sampled_from(["noisy_or", "sum", "max"]))
def test_edges_are_those_of_brute_force(tables, combine):
    bindings, links = tables
    weights, counts = brute_force(bindings, links, combine)
    if not weights:
        with pytest.raises(ValueError, match=r"share no peak|No edge has a weight"):
            gn.cis.prior_network(bindings, links, combine=combine)
        return
    grn = gn.cis.prior_network(bindings, links, combine=combine)
    edges = grn.edges.astype({"source": str, "target": str}).set_index(["source", "target"])
    assert edges["weight"].to_dict() == pytest.approx(weights)
    assert edges["n_regions"].to_dict() == counts
    assert len(grn.evidence) == sum(counts.values())
    again = gn.cis.prior_network(bindings[::-1], links[::-1], combine=combine)
    pd.testing.assert_frame_equal(again.edges, grn.edges)
    pd.testing.assert_frame_equal(again.evidence, grn.evidence)


@pytest.fixture
def bindings() -> pd.DataFrame:
    table = pd.DataFrame({"tf": ["A", "A", "B"], "peak": ["p", "q", "p"], "weight": [0.5, 1, 0.1]})
    return table.assign(chip=[0.4, 1.0, np.nan])


@pytest.fixture
def links() -> pd.DataFrame:
    table = pd.DataFrame({"peak": ["p", "q", "p"], "gene": ["G", "G", "B"], "weight": [1, 0.5, 1]})
    return table.assign(distance=[0, -900, 40])


def test_evidence_keeps_the_columns_of_both_tables(bindings, links):
    links.attrs["method"] = "distance"
    grn = gn.cis.prior_network(bindings, links)
    assert grn.evidence.columns.tolist() == [
        *("source", "region", "target", "weight", "binding", "chip", "link", "distance")
    ]
    row = grn.evidence.set_index(["source", "region", "target"]).loc[("A", "q", "G")]
    assert row.tolist() == [0.5, 1.0, 1.0, 0.5, -900]
    assert grn.params["links_method"] == "distance"
    assert grn.params["combine"] == "noisy_or"
    assert grn.tfs == ["A", "B"]
    assert grn.genes == ["A", "B", "G"]


def test_no_gene_regulates_itself_and_weak_edges_can_be_left_out(bindings, links):
    grn = gn.cis.prior_network(bindings, links)
    pairs = set(zip(grn.edges["source"], grn.edges["target"], strict=True))
    assert pairs == {("A", "G"), ("A", "B"), ("B", "G")}
    strong = gn.cis.prior_network(bindings, links, min_weight=0.5)
    assert set(strong.edges["source"]) == {"A"}
    assert set(strong.evidence["source"]) == {"A"}
    assert gn.cis.prior_network(bindings, links, evidence=False).evidence is None


def test_the_network_travels_in_anndata(bindings, links):
    adata = gn.datasets.simulate(n_cells=20, n_genes=10, n_tfs=5)
    grn = gn.cis.prior_network(bindings, links)
    grn.to_adata(adata)
    back = gn.GRN.from_adata(adata)
    pd.testing.assert_frame_equal(back.edges, grn.edges)
    assert len(back.evidence) == len(grn.evidence)


def test_errors_say_what_to_do(bindings, links):
    with pytest.raises(ValueError, match="share no peak: the former have 'x'"):
        gn.cis.prior_network(bindings.assign(peak="x"), links)
    with pytest.raises(ValueError, match=r"No edge has a weight of min_weight=1: .* has 0\.75"):
        gn.cis.prior_network(bindings, links, min_weight=1)
    with pytest.raises(ValueError, match="Did you mean 'max'"):
        gn.cis.prior_network(bindings, links, combine="maxi")
    with pytest.raises(ValueError, match="3 weights of the table of links lie outside 0 to 1"):
        gn.cis.prior_network(bindings, links.assign(weight=7.0))
    with pytest.raises(ValueError, match="the table of bindings lacks"):
        gn.cis.prior_network(bindings.drop(columns="tf"), links)


@pytest.mark.needs_data
def test_yeast_chip_in_promoters_is_eight_times_as_often_known_as_by_chance(real_data):
    folder = real_data / "yeast"
    genes = gn.io.read_annotation(folder / "genome" / "R64-1-1.96.gtf.gz")
    genes = genes.loc[genes["biotype"] == "protein_coding"].assign(gene=lambda t: t["gene_id"])
    table = pd.read_csv(folder / "genome" / "sgd_gene_names.tsv.gz", sep="\t")
    aliases = table[["systematic", "standard", "aliases"]]
    chip = gn.io.read_peaks(folder / "chip" / "rossi2021_chipexo_peaks.bed.gz", tf_column="name")
    links = gn.cis.link_peaks(None, genes, promoter=(600, 50))
    with pytest.warns(UserWarning, match="TFs are not among the names"):
        bindings = gn.cis.bind(links, evidence=chip, names=genes["gene"], aliases=aliases)
    grn = gn.cis.prior_network(bindings, links, evidence=False)

    known = pd.read_csv(folder / "grn" / "YEASTRACT_20190713_BOTH.tsv.gz", sep="\t", index_col=0)
    known = known != 0
    edges = grn.edges.astype({"source": str, "target": str})
    edges = edges.loc[edges["source"].isin(known.columns) & edges["target"].isin(known.index)]
    rows = known.index.get_indexer(edges["target"])
    hits = known.to_numpy()[rows, known.columns.get_indexer(edges["source"])]
    expected = edges["source"].map(known.mean())
    assert edges["source"].nunique() > 100
    assert hits.sum() / expected.sum() >= 8
    best = edges["weight"] >= edges["weight"].quantile(0.7)
    assert hits[best].sum() / expected[best].sum() >= 11
