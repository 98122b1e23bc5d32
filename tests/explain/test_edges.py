"""The dossier of a pair, from a joint model."""

import copy

import numpy as np
import pandas as pd
import pytest
import torch

import grnet as gn
from grnet.explain._joint_terms import JointTerms, Settings, opened

WIDTH = 300


@pytest.fixture(scope="module")
def multiome():
    found = gn.datasets.simulate_multiome(n_cells=150, n_genes=60, n_tfs=6, seed=3)
    gn.pp.normalize(found.mdata["rna"])
    return found


@pytest.fixture(scope="module")
def graph(multiome):
    return gn.graph.build(
        multiome.mdata, multiome.genome, motifs=multiome.motifs, sequence_width=WIDTH
    )


@pytest.fixture(scope="module")
def split(multiome, graph):
    return gn.train.split_edges(
        multiome.edges, tfs=graph["tf"].name, genes=graph["gene"].name, n_negatives=3, seed=1
    )


@pytest.fixture(scope="module")
def settings(split):
    return gn.train.edge_settings(len(split.train), max_epochs=8)


@pytest.fixture(scope="module")
def fit(graph, split, settings):
    return gn.train.fit_joint(graph, split, settings=settings)


@pytest.fixture(scope="module")
def edges(split):
    return split.test[split.test["label"] == 1].reset_index(drop=True)


@pytest.fixture(scope="module")
def dossiers(fit, multiome, edges):
    return [
        gn.explain.edge(
            fit, multiome.mdata, source=row.source, target=row.target, groupby="cell_type",
            genome=multiome.annotation,
        )
        for row in edges.head(6).itertuples()
    ]  # fmt: skip


def test_contributions_add_up_to_the_logit(fit, edges, dossiers):
    logits = fit.logits(edges.head(6))
    for dossier, logit in zip(dossiers, logits, strict=True):
        gap = abs(dossier.logit - dossier.baseline)
        assert abs(dossier.residual) <= 0.01 * max(gap, 0.01)
        assert dossier.logit == pytest.approx(logit, abs=1e-4)
        assert dossier.ledger["contribution"].abs().sum() > 0


def test_tables_agree_with_the_ledger(dossiers):
    for dossier in dossiers:
        ledger = dossier.ledger
        bases = ledger.loc[ledger["kind"] == "bases", "contribution"].sum()
        assert dossier.bases["contribution"].sum() == pytest.approx(bases, abs=1e-5)
        of_nodes = ledger.loc[ledger["kind"] == "node features", "contribution"].sum()
        assert dossier.nodes["contribution"].sum() == pytest.approx(of_nodes, abs=1e-5)
        of_edges = ledger.loc[ledger["kind"] == "edges", "contribution"].sum()
        assert dossier.edges["contribution"].sum() == pytest.approx(of_edges, abs=1e-5)


def test_bases_are_those_of_the_genome(multiome, dossiers):
    for dossier in dossiers:
        for peak, rows in dossier.bases.groupby("peak"):
            chrom = str(peak).split(":", maxsplit=1)[0]
            first = int(rows["position"].min())
            window = multiome.sequences[chrom][first : first + WIDTH].upper()
            assert "".join(rows["base"]) == window


def test_sites_of_the_tf_carry_the_contributions(dossiers):
    found = []
    for dossier in dossiers:
        own = dossier.motifs[dossier.motifs["tf"] == dossier.source]
        strong = own[own["pvalue"] < 1e-5]
        for peak, rows in dossier.bases.groupby("peak"):
            sites = strong[strong["peak"] == peak]
            if rows["contribution"].sum() <= 0 or not len(sites):
                continue
            inside = np.zeros(len(rows), dtype=bool)
            for site in sites.itertuples():
                inside |= rows["position"].between(site.start, site.end - 1).to_numpy()
            top = rows["contribution"].to_numpy().argsort()[::-1][: inside.sum()]
            found.append(inside[top].mean())
    assert len(found) >= 4
    assert np.mean(found) > 0.8


def test_sites_add_what_their_bases_add(dossiers):
    dossier = dossiers[0]
    site = dossier.motifs.sort_values("contribution").iloc[-1]
    bases = dossier.bases[dossier.bases["peak"] == site["peak"]]
    inside = bases["position"].between(site["start"], site["end"] - 1)
    assert site["contribution"] == pytest.approx(bases.loc[inside, "contribution"].sum(), abs=1e-6)


def test_the_cells_and_their_groups_are_shown(multiome, dossiers):
    rna = multiome.mdata["rna"]
    dossier = dossiers[0]
    assert set(dossier.expression["group"]) == set(rna.obs["cell_type"].astype(str))
    assert dossier.expression["n_cells"].sum() == rna.n_obs
    group = dossier.expression.iloc[0]
    cells = rna[rna.obs["cell_type"].astype(str) == group["group"]]
    both = cells[:, [dossier.source, dossier.target]].to_df().to_numpy()
    assert group["correlation"] == pytest.approx(np.corrcoef(both.T)[0, 1], abs=1e-6)


def test_the_known_edge_of_the_pair_is_not_heard(fit, split):
    known = split.train[split.train["label"] == 1].iloc[0]
    pair = {"source": known["source"], "target": known["target"]}
    dossier = gn.explain.edge(fit, **pair, tolerance=None, n_shuffles=2)
    assert dossier.known
    assert "known edges" in dossier.verdict
    echo = fit.logits(pd.DataFrame([pair]))[0]
    assert dossier.logit != pytest.approx(echo, abs=1e-6)
    direct = dossier.edges[
        (dossier.edges["type"].str.contains("regulates"))
        & (dossier.edges["source"] == pair["source"])
        & (dossier.edges["target"] == pair["target"])
    ]
    assert direct.empty


def test_a_dossier_is_repeatable_and_leaves_the_model_alone(fit, edges):
    pair = {"source": edges["source"][0], "target": edges["target"][0]}
    before = copy.deepcopy(fit.model.state_dict())
    one, other = (gn.explain.edge(fit, **pair, n_shuffles=3, seed=5) for _ in range(2))
    pd.testing.assert_frame_equal(one.ledger, other.ledger)
    assert all(torch.equal(before[name], value) for name, value in fit.model.state_dict().items())
    assert not any(
        value.requires_grad and value.grad is not None for value in fit.model.parameters()
    )


def test_layers_that_are_not_there_are_not_shown(graph, split, settings, edges):
    pair = {"source": edges["source"][0], "target": edges["target"][0]}
    for layers, tables in (
        (["expression"], {"bases": False, "edges": False}),
        (["expression", "graph"], {"bases": False, "edges": True}),
        (["dna"], {"bases": True, "edges": False}),
    ):
        fit = gn.train.fit_joint(graph, split, layers=layers, settings=settings)
        dossier = gn.explain.edge(fit, **pair, n_shuffles=3)
        assert set(dossier.ledger["layer"]) <= set(layers)
        for name, is_there in tables.items():
            assert (len(getattr(dossier, name)) > 0) == is_there, (layers, name)


def test_pairs_without_a_score_say_where_they_were_lost(fit, graph):
    tf, gene = graph["tf"].name[0], next(g for g in graph["gene"].name if g not in graph["tf"].name)
    cases = {
        ("nobody", gene): "regulators",
        (gene, tf): "regulators",
        (tf, "nothing"): "genes",
        (tf, tf): "self edges",
    }
    for (source, target), step in cases.items():
        dossier = gn.explain.edge(fit, source=source, target=target)
        assert dossier.lost_at == step
        assert not dossier.is_scored
        assert len(dossier.reasons) == 1
    assert "add it to tfs=" in gn.explain.edge(fit, source=gene, target=tf).reasons[0]


def test_names_of_the_reader_are_used(fit, edges, multiome):
    source, target = edges["source"][0], edges["target"][0]
    aliases = pd.DataFrame({"gene": [source, target], "name": ["Master", "Slave"]})
    dossier = gn.explain.edge(
        fit, source="Master", target="Slave", aliases=aliases, genome=multiome.annotation,
        labels={other: f"my {other}" for other in multiome.annotation["gene"]}, n_shuffles=3,
    )  # fmt: skip
    assert {"Master", "Slave"} <= set(dossier.nodes["name"])
    assert source not in set(dossier.nodes["name"])
    assert "Slave" in set(dossier.genes["gene"])
    assert dossier.params["tf"] == source


def test_too_strict_a_tolerance_is_told(fit, edges):
    pair = {"source": edges["source"][0], "target": edges["target"][0]}
    with pytest.raises((RuntimeError, ValueError), match="max_steps"):
        gn.explain.edge(fit, **pair, tolerance=1e-6, max_steps=8, n_shuffles=2)


def test_layers_that_cancel_are_integrated_more_finely(monkeypatch, fit, edges):
    asked = []

    def coarse(_, __, settings: Settings) -> JointTerms:
        asked.append(settings.tolerance)
        residual = settings.tolerance / 0.01 * 0.05

        class Terms:
            logit, baseline = 1.0, 0.0

        Terms.residual = residual
        return Terms  # type: ignore[return-value]

    monkeypatch.setattr("grnet.explain._joint_terms._opened", coarse)
    settings = Settings(tolerance=0.01, n_shuffles=1, max_steps=1, seed=0, device="cpu")
    found = opened(fit, source=edges["source"][0], target=edges["target"][0], settings=settings)
    assert len(asked) == 2
    assert asked[1] < asked[0]
    assert abs(found.residual) <= 0.01


def test_a_dossier_of_a_model_survives_json_and_is_drawn(tmp_path, dossiers):
    dossier = dossiers[0]
    back = gn.explain.Dossier.from_json(dossier.to_json(tmp_path / "one.json"))
    pd.testing.assert_frame_equal(back.ledger, dossier.ledger, check_dtype=False)
    figure = gn.pl.dossier(dossier)
    assert len(figure.axes) >= 5
