"""decoupler takes grn.edges unchanged, and the activities are those of its definition."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import linregress

import grnet as gn

dc = pytest.importorskip("decoupler")


def activities(adata, net):
    adata = adata.copy()
    dc.mt.ulm(adata, net, tmin=5)
    return adata.obsm["score_ulm"]


def plain(edges):
    return edges.astype({"source": object, "target": object})


def test_categories_serve_as_well_as_text(cells, planted):
    ours = activities(cells[:50], planted.edges)
    theirs = activities(cells[:50], plain(planted.edges))
    assert np.isfinite(ours.to_numpy()).all()
    pd.testing.assert_frame_equal(ours, theirs)


def test_ulm_is_the_t_value_of_expression_on_the_weights_of_the_edges(cells, planted):
    cell = cells[7]
    found = activities(cells, planted.edges).loc[cell.obs_names[0]]
    expression = cell.X.toarray().ravel()
    for tf, regulon in planted.edges.groupby("source", observed=True):
        weights = regulon.set_index(regulon["target"].astype(str))["weight"]
        if len(weights) < 5:
            assert tf not in found
            continue
        fit = linregress(weights.reindex(cells.var_names, fill_value=0.0), expression)
        assert found[tf] == pytest.approx(fit.slope / fit.stderr, rel=1e-4)


def test_a_selection_with_more_columns_leaves_no_trace_of_what_was_cut(cells, planted):
    large = sorted(planted.regulons(min_targets=20))[:3]
    marked = gn.GRN(planted.edges.assign(sign="+", fdr=0.01, stability=1.0))
    chosen = marked.filter(sources=large)
    found = activities(cells[:20], chosen.edges)
    assert sorted(found.columns) == large
    expected = activities(cells[:20], planted.edges)[large]
    pd.testing.assert_frame_equal(found, expected, check_like=True)


def test_one_context_of_several(cells, planted):
    both = [planted.edges.assign(context=name) for name in ("B cell", "T cell")]
    grn = gn.GRN(pd.concat(both))
    chosen = grn.filter(context="T cell")
    pd.testing.assert_frame_equal(
        activities(cells[:20], chosen.edges), activities(cells[:20], planted.edges)
    )


def test_inferred_edges_without_conversion(cells):
    tfs = cells.var_names[cells.var["is_tf"]]
    grn = gn.infer.network(cells, tfs=tfs, method="pearson", n_top=500)
    found = activities(cells, grn.edges)
    assert set(found.columns) == set(grn.regulons(min_targets=5))
    assert list(found.index) == list(cells.obs_names)
