"""A pair without a score says why, by whatever name it was asked for."""

import pandas as pd
import pytest

import grnet as gn


@pytest.fixture(scope="module")
def fit():
    multiome = gn.datasets.simulate_multiome(n_cells=60, n_genes=30, n_tfs=4)
    data = gn.graph.build(
        multiome.mdata, multiome.genome, motifs=multiome.motifs, sequence_width=200
    )
    split = gn.train.split_edges(
        multiome.edges, tfs=data["tf"].name, genes=data["gene"].name, seed=1
    )
    return gn.train.fit_joint(data, split, settings=gn.train.FitSettings(max_epochs=1))


def test_a_gene_that_is_no_regulator_is_known_by_its_other_names(fit):
    tfs, genes = fit.graph["tf"].name, fit.graph["gene"].name
    gene = next(name for name in genes if name not in set(tfs))
    aliases = pd.DataFrame({"id": [gene], "name": ["KNOWN1"]})
    for asked in (gene, "known1"):
        found = gn.explain.edge(fit, source=asked, target=genes[0], aliases=aliases)
        assert found.lost_at == "regulators"
        assert found.reasons == (
            f"{asked} is not among the {len(tfs)} TFs of the graph, though it is measured: add it "
            "to tfs= of gn.graph.build.",
        )
    (reason,) = gn.explain.edge(fit, source="UNKNOWN", target=genes[0], aliases=aliases).reasons
    assert "measured" not in reason
    assert repr(tfs[0]) in reason


def test_a_gene_that_is_not_there_and_a_self_edge_say_so(fit):
    tf = fit.graph["tf"].name[0]
    assert gn.explain.edge(fit, source=tf, target="UNKNOWN").lost_at == "genes"
    assert gn.explain.edge(fit, source=tf, target=tf).lost_at == "self edges"
