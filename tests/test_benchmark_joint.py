"""The script that measures the joint model, on a simulated set."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

import grnet as gn

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)


def small_set():
    from benchmarks.joint import JointSet

    multiome = gn.datasets.simulate_multiome(n_cells=80, n_genes=60, n_tfs=5, n_chromosomes=5)
    graph = gn.graph.build(
        multiome.mdata, multiome.genome, motifs=multiome.motifs, sequence_width=100, n_components=5
    )
    cells = multiome.mdata["rna"].copy()
    gn.pp.normalize(cells)
    links = gn.cis.link_peaks(multiome.mdata, multiome.genome, method="distance")
    hits = gn.cis.scan_motifs(
        multiome.genome, multiome.mdata["atac"].var[["chrom", "start", "end"]], multiome.motifs
    )
    place = multiome.annotation.set_index("gene")["chrom"].astype(str)
    return JointSet(
        adata=cells, tfs=list(graph["tf"].name), genes=list(graph["gene"].name),
        known=multiome.edges, graph=graph, chromosomes=place.to_dict(),
        prior=gn.cis.prior_network(gn.cis.bind(links, hits=hits), links), tfs_with_chip=("TF2",),
    )  # fmt: skip


@pytest.fixture(scope="module")
def data():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT)
        return small_set()


@pytest.mark.parametrize("regime", ["chromosome", "tf", "chip"])
def test_every_pair_that_is_held_out_is_asked_and_no_other(data, regime):
    split = data.split(regime, 0)
    asked = data.asked(split, regime)
    column = "target" if regime == "chromosome" else "source"
    place = data.chromosomes.__getitem__ if regime == "chromosome" else str
    held = {place(name) for name in split.test[column]}
    assert {place(name) for name in asked[column]} == held
    assert not {place(name) for name in split.train[column]} & held
    assert held == {"TF2"} or regime != "chip"
    by_tf = regime != "chromosome"
    sources = held if by_tf else set(data.tfs)
    targets = data.genes if by_tf else [g for g in data.genes if place(g) in held]
    assert len(asked) == sum(tf != gene for tf in sources for gene in targets)
    edges = set(map(tuple, data.known[["source", "target"]].to_numpy()))
    labelled = asked[["source", "target"]].apply(tuple, axis=1).isin(edges)
    assert (labelled == asked["label"].astype(bool)).all()
    assert not (asked["source"] == asked["target"]).any()
    assert 0 < asked["label"].mean() < 1


def test_scores_stand_at_the_names_of_their_pairs(data):
    unlearnt = data.unlearnt
    prior = data.prior.edges.astype({"source": str, "target": str}).iloc[0]
    at = data.tfs.index(prior["source"]), data.genes.index(prior["target"])
    assert unlearnt["prior"][at] == pytest.approx(abs(prior["weight"]))
    tf, gene = data.tfs[1], data.genes[-1]
    values = data.adata[:, [tf, gene]].X
    values = values.toarray() if hasattr(values, "toarray") else values
    expected = abs(np.corrcoef(values.T)[0, 1])
    assert unlearnt["|Pearson|"][1, -1] == pytest.approx(expected, abs=1e-4)
    assert unlearnt["mean expression"][0, -1] == pytest.approx(values[:, 1].mean(), rel=1e-4)
    ranks = [
        pd.Series(unlearnt[name].ravel()).rank(pct=True)
        for name in ("|Pearson|", "prior", "own motif's affinity")
    ]
    np.testing.assert_allclose(unlearnt["naive average of ranks"].ravel(), np.sum(ranks, axis=0))


def test_the_script_writes_a_row_for_each_ranking_and_says_what_won(
    data, tmp_path, monkeypatch, capsys
):
    from functools import partial

    from benchmarks import joint

    quick = gn.train.FitSettings(max_epochs=2, batch_size=200)
    ablated = partial(gn.train.ablate_joint, settings=quick)
    monkeypatch.setattr(joint.gn.train, "ablate_joint", ablated)
    monkeypatch.setattr(joint, "SETS", {"small": lambda: data})
    joint.main(sets="small", regimes="chromosome", seeds=1, output=tmp_path / "joint.csv")
    table = pd.read_csv(tmp_path / "joint.csv").set_index("ranking")
    assert (table["kind"] == "joint").sum() == 7
    assert set(table["kind"]) == {"joint", "trees", "unlearnt", "label rates"}
    assert (table["set"] == "small").all()
    split = data.split("chromosome", 0)
    asked = data.asked(split, "chromosome")
    rate = gn.train.label_log_odds(split.train, asked, end="source")
    row = table.loc["label rate of TF"]
    assert row["auprc"] == pytest.approx(average_precision_score(asked["label"], rate))
    assert row["auprc_ratio"] == pytest.approx(row["auprc"] / asked["label"].mean())
    told = capsys.readouterr().out
    assert f"| {joint.JOINT} |" in told
    assert "### small: " in told
